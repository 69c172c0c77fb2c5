-- cdp.clv_model and cdp.rfm_summary as values: text, binary, accessors, errors.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TimeZone = 'UTC';

-- kind and params are enough
SELECT '{"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426}}'::cdp.clv_model;
SELECT '{"params":{"v":15.44,"q":3.74,"p":6.25},"kind":"gamma_gamma","unit":"1 day"}'::cdp.clv_model;
SELECT '{"kind":"mbgnbd","status":"insufficient","n":1}'::cdp.clv_model;
-- everything a fit says survives
SELECT '{"kind":"gamma_gamma","params":{"p":1e-3,"q":2,"v":1e300},"unit":"90 minutes","status":"boundary","not_identified":["spend_spread","spend_level"],"n":12.5,"skipped":3,"loglik":-1234.5678901234567,"iterations":12,"covariance":[[1],[0.5,0],[-0.25,1e-9,3]]}'::cdp.clv_model;

CREATE TABLE public.model AS
SELECT text::cdp.clv_model AS model FROM (VALUES
	('{"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426}}'),
	('{"kind":"mbgnbd","status":"insufficient","n":1}'),
	('{"kind":"gamma_gamma","params":{"p":1e-3,"q":2,"v":1e300},"unit":"90 minutes","status":"boundary","not_identified":["spend_spread","spend_level"],"n":12.5,"skipped":3,"loglik":-1234.5678901234567,"iterations":12,"covariance":[[1],[0.5,0],[-0.25,1e-9,3]]}'),
	(NULL)) AS given (text);
-- there and back, as text and as bytes
SELECT count(*) FROM public.model WHERE model::text::cdp.clv_model::text = model::text;
CREATE TABLE public.binary (sent bytea);
INSERT INTO public.binary SELECT cdp._clv_model_send(model) FROM public.model;
SELECT count(*), max(length(sent)) FROM public.binary WHERE sent IS NOT NULL;

-- accessors
SELECT cdp.model_param(model, 'r') AS r, cdp.model_status(model) AS status, cdp.model_loglik(model) IS NULL AS none,
	model::jsonb -> 'params' -> 'b' AS b
FROM public.model LIMIT 1;
SELECT cdp.model_standard_error(model, 'p') AS p, cdp.model_standard_error(model, 'q') IS NULL AS unknown, cdp.model_loglik(model)
FROM public.model WHERE model::jsonb ->> 'kind' = 'gamma_gamma';
SELECT cdp.model_with_unit(model, '1 day') FROM public.model LIMIT 1;
SELECT cdp.model_param(model, 'p') FROM public.model LIMIT 1;
SELECT cdp.model_with_unit(model, '-1 day') FROM public.model LIMIT 1;

-- what is no model, and why
SELECT 'x'::cdp.clv_model;
SELECT '[]'::cdp.clv_model;
SELECT '{}'::cdp.clv_model;
SELECT '{"kind":"bg"}'::cdp.clv_model;
SELECT '{"kind":"bgnbd"}'::cdp.clv_model;
SELECT '{"kind":7}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":3}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1}}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":0}}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":"1","alpha":1,"a":1,"b":1}}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1,"s":1}}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"parms":1}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"unit":"-7 days"}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"status":"fine"}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"status":"insufficient"}'::cdp.clv_model;
SELECT '{"kind":"logistic","status":"insufficient","covariance":[]}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"covariance":[[1],[1]]}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"covariance":[[-1],[0,1],[0,0,1],[0,0,0,1]]}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"covariance":[["1"],[0,1],[0,0,1],[0,0,0,1]]}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"not_identified":["rate"]}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"not_identified":"rate"}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"n":-1}'::cdp.clv_model;
SELECT '{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1},"iterations":1e9}'::cdp.clv_model;

-- summaries
SELECT '{"x":2,"t_x":30.43,"t":38.86,"m":22.35}'::cdp.rfm_summary;
SELECT '{"x":0,"t_x":0,"t":1.5,"unit":"1 day","first_at":"2026-01-01T00:00:00+01:00","refused":1}'::cdp.rfm_summary;
SELECT cdp.x(rfm), cdp.t_x(rfm), cdp.t(rfm), cdp.m(rfm), cdp.first_at(rfm), cdp.last_at(rfm),
	rfm::jsonb ->> 'unit' AS unit, length(cdp._rfm_summary_send(rfm)) AS bytes
FROM (SELECT '{"x":2,"t_x":30.43,"t":38.86,"m":22.35,"last_at":"2026-01-01 12:00+00"}'::cdp.rfm_summary AS rfm) AS one;
SELECT rfm::text::cdp.rfm_summary::text = rfm::text AS same, rfm FROM cdp.make_rfm(3, 1, 2, 1e-9, '1 year') AS rfm;
SELECT '{"x":2}'::cdp.rfm_summary;
SELECT '{"x":2,"t_x":3,"t":2}'::cdp.rfm_summary;
SELECT '{"x":2,"t_x":1,"t":2,"y":1}'::cdp.rfm_summary;
SELECT '{"x":2,"t_x":1,"t":2,"refused":-1}'::cdp.rfm_summary;
SELECT '{"x":2,"t_x":1,"t":2,"first_at":"infinity"}'::cdp.rfm_summary;
SELECT cdp.make_rfm(1, 1, 1, 'NaN');
SELECT cdp.make_rfm(1, 1, 1, 1, '0');
DROP TABLE public.model, public.binary;

-- binary: COPY there and back, and hostile bytes
CREATE TABLE public.kept (model cdp.clv_model, rfm cdp.rfm_summary);
INSERT INTO public.kept VALUES
	('{"kind":"bgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426},"loglik":-1}', cdp.make_rfm(1, 1, 2));
CREATE TABLE public.returned (LIKE public.kept);
DO $$
DECLARE
	file text := current_setting('data_directory') || '/model_types.bin';
BEGIN
	EXECUTE format('COPY public.kept TO %L (FORMAT binary)', file);
	EXECUTE format('COPY public.returned FROM %L (FORMAT binary)', file);
END
$$;
SELECT count(*) FROM public.kept, public.returned
WHERE kept.model::text = returned.model::text AND kept.rfm::text = returned.rfm::text;
DO $$
DECLARE
	file text := current_setting('data_directory') || '/model_types.bin';
	whole bytea := pg_read_binary_file(file);
	accepted int := 0;
	refused int := 0;
	object oid;
BEGIN
	-- one byte of the model or summary flipped at a time
	FOR i IN 25 .. length(whole) - 3 LOOP
		object := lo_from_bytea(0, set_byte(whole, i, 255 - get_byte(whole, i)));
		PERFORM lo_export(object, file);
		PERFORM lo_unlink(object);
		BEGIN
			EXECUTE format('COPY public.returned FROM %L (FORMAT binary)', file);
			accepted := accepted + 1;
		EXCEPTION WHEN OTHERS THEN
			refused := refused + 1;
		END;
	END LOOP;
	IF accepted = 0 OR refused = 0 THEN
		RAISE WARNING 'accepted %, refused %', accepted, refused;
	END IF;
END
$$;
-- what was accepted is a value like any other
SELECT count(*) AS faults FROM public.returned
WHERE NOT (cdp.p_alive(model, 1, 1, 2) BETWEEN 0 AND 1)
	OR model::text::cdp.clv_model::text <> model::text
	OR rfm::text::cdp.rfm_summary::text <> rfm::text;
DROP TABLE public.kept, public.returned;
