-- cdp.clv_model and cdp.rfm_summary of bytes and texts that were spoilt at random:
-- refused as data that is wrong, or values whose scores are finite.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
\set seed 6
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null

-- what is spoilt: models of every kind, fitted, given and of no use; summaries
CREATE TABLE public.model (n int GENERATED ALWAYS AS IDENTITY, model cdp.clv_model);
INSERT INTO public.model (model)
SELECT cdp.fit_bgnbd(x, t_x, t) FROM (VALUES (0, 0, 30.0), (2, 9, 31), (1, 3, 30), (7, 30, 33), (3, 8, 30), (1, 20, 30)) AS one (x, t_x, t)
UNION ALL SELECT cdp.fit_pareto_nbd(x, t_x, t) FROM (VALUES (0, 0, 30.0), (2, 9, 31), (1, 3, 30), (7, 30, 33), (3, 8, 30), (1, 20, 30)) AS one (x, t_x, t)
UNION ALL SELECT cdp.fit_gamma_gamma(x, m) FROM (VALUES (1, 20.5), (2, 31.25), (5, 8), (3, 77)) AS one (x, m)
UNION ALL SELECT cdp.fit_sbg(tenure, churned) FROM (VALUES (1, true), (2, false), (3, true), (4, false), (1, true), (2, true)) AS one (tenure, churned)
UNION ALL SELECT cdp.fit_logistic(y, ARRAY[n % 3, n, 0], 1) FROM unnest('{t,f,f,t,t,f,t}'::boolean[]) WITH ORDINALITY AS one (y, n)
UNION ALL SELECT text::cdp.clv_model FROM (VALUES
	('{"kind":"mbgnbd","status":"insufficient","n":1}'), ('{"kind":"logistic","status":"insufficient"}'),
	('{"kind":"mbgnbd","params":{"r":0.243,"alpha":4.414,"a":0.793,"b":2.426},"unit":"1 hour"}'),
	('{"kind":"pareto_nbd","params":{"r":1e-9,"alpha":1e9,"s":1e-9,"beta":1e9}}'),
	('{"kind":"gamma_gamma","params":{"p":1e-3,"q":2,"v":1e300},"unit":"90 minutes","status":"boundary","not_identified":["spend_spread","spend_level"],"n":12.5,"skipped":3,"loglik":-1234.5678901234567,"iterations":12,"covariance":[[1],[0.5,0],[-0.25,1e-9,3]]}')) AS given (text);
CREATE TABLE public.summary (n int GENERATED ALWAYS AS IDENTITY, rfm cdp.rfm_summary);
INSERT INTO public.summary (rfm)
SELECT text::cdp.rfm_summary FROM (VALUES ('{"x":2,"t_x":30.43,"t":38.86,"m":22.35}'), ('{"x":0,"t_x":0,"t":1.5,"unit":"1 day"}'),
	('{"x":7,"t_x":3,"t":4,"m":1e6,"unit":"1 hour","first_at":"2026-01-01T00:00:00+01:00","last_at":"2026-01-08","refused":3}')) AS given (text);

-- numbers that are on the edge of something, and others
CREATE FUNCTION public.odd_number() RETURNS float8 LANGUAGE sql VOLATILE AS $$
	SELECT (ARRAY['NaN', 'Infinity', '-Infinity', 0, '-0', -1, 1, 5e-324, 2.3e-308, 1.7e308, -1.7e308, 1e-300, 1e300, 1e15, 1e-15,
		9007199254740993, 10 ^ (600 * random() - 300), 10 ^ (20 * random() - 10)]::float8[])[1 + floor(18 * random())]
$$;
-- bits, a byte, a double or a length is another
CREATE FUNCTION public.spoil(bytes bytea) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	at int := floor(random() * length(bytes));
	deed int := floor(random() * 7);
BEGIN
	IF deed = 0 THEN
		RETURN substr(bytes, 1, at);
	ELSIF deed = 1 THEN
		RETURN bytes || substr(bytes, 1 + at);
	ELSIF deed = 2 THEN
		RETURN set_byte(bytes, at, floor(random() * 256)::int);
	ELSIF deed = 3 THEN
		RETURN set_bit(bytes, floor(8 * random() * length(bytes))::int, floor(random() * 2)::int);
	ELSIF deed = 4 THEN
		RETURN set_byte(bytes, least(floor(random() * 6)::int, length(bytes) - 1), floor(random() * 9)::int);
	END IF;
	at := greatest(length(bytes) - 8 * (1 + floor(random() * (length(bytes) / 8))::int), 0);
	RETURN overlay(bytes PLACING float8send(public.odd_number()) FROM 1 + at FOR 8);
END
$$;
CREATE FUNCTION public.spoil(given text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	at int := 1 + floor(random() * length(given));
	deed int := floor(random() * 8);
	numbers text[] := ARRAY(SELECT one[1] FROM regexp_matches(given, '[:\[,](-?[0-9][0-9.e+-]*)', 'g') AS one);
BEGIN
	IF deed = 0 THEN
		RETURN left(given, at);
	ELSIF deed = 1 THEN
		RETURN overlay(given PLACING '' FROM at FOR 1 + floor(random() * 9)::int);
	ELSIF deed = 2 THEN
		RETURN overlay(given PLACING (ARRAY['"', '{', '}', '[', ']', ',', ':', '-', '1', 'e9', '\', '\u0000', 'null', 'true', '1e999', '💥', ' '])[1 + floor(17 * random())]
			FROM at FOR floor(random() * 2)::int);
	ELSIF deed = 3 THEN
		RETURN left(given, at) || substr(given, 1 + floor(random() * length(given))::int);
	ELSIF deed = 4 THEN
		RETURN replace(given, (ARRAY['bgnbd', 'pareto_nbd', 'gamma_gamma', 'sbg', 'logistic', 'converged'])[1 + floor(6 * random())],
			(ARRAY['mbgnbd', 'bgnbd', 'sbg', 'boundary', 'insufficient', 'logistic'])[1 + floor(6 * random())]);
	ELSIF deed = 5 THEN
		RETURN regexp_replace(given, '"unit":"[^"]*"', '"unit":"' || (ARRAY['1 microsecond', '0', '-1 day', '178000000 years', '100000000 days 1 hour',
			'1 month', '2147483647 days', 'infinity', '292000 years 1 second', ''])[1 + floor(10 * random())] || '"');
	END IF;
	RETURN regexp_replace(given, '([:\[,])' || replace(numbers[1 + floor(random() * cardinality(numbers))], '.', '\.'), '\1' || public.odd_number()::text);
END
$$;

-- Everything that can be asked of a model, of these customers and of the one
-- whose summary it is; each answer, and the range that it must be in.
CREATE FUNCTION public.answers(model cdp.clv_model, rfm cdp.rfm_summary)
RETURNS TABLE (what text, answer float8, low float8, high float8) LANGUAGE plpgsql STABLE AS $$
DECLARE
	kind text := model::jsonb ->> 'kind';
	most float8 := 1.7976931348623157e308;
	features int := (SELECT count(*) - 1 FROM jsonb_object_keys(model::jsonb -> 'params'));
BEGIN
	RETURN QUERY SELECT 'log-likelihood', cdp.model_loglik(model), -most, most;
	RETURN QUERY SELECT name, one.answer, CASE WHEN kind = 'logistic' THEN -most ELSE 0 END, most
	FROM jsonb_object_keys(model::jsonb -> 'params') AS name, unnest(ARRAY[cdp.model_param(model, name), cdp.model_standard_error(model, name)]) AS one (answer);
	IF kind IN ('bgnbd', 'mbgnbd', 'pareto_nbd') THEN
		RETURN QUERY SELECT one.what, one.answer, 0::float8, one.high
		FROM (VALUES (0::float8, 0::float8, 0::float8), (0, 0, 1e9), (3, 2, 4), (1e4, 1e3, 1e3), (1, 1e-9, 50)) AS customer (x, t_x, t),
			(VALUES (0::float8), (1e-9), (12), (1e9)) AS h (horizon), LATERAL (VALUES
				('p_alive', cdp.p_alive(model, x, t_x, t), 1::float8), ('p_active', cdp.p_active(model, x, t_x, t, horizon), 1),
				('churn', cdp.churn(model, x, t_x, t, horizon), 1),
				('expected_purchases', cdp.expected_purchases(model, x, t_x, t, horizon), most)) AS one (what, answer, high);
		RETURN QUERY SELECT one.what, one.answer, 0::float8, one.high
		FROM cdp.p_alive_interval(model, rfm) AS alive, cdp.churn_interval(model, rfm, '90 days') AS churn,
			cdp.expected_purchases_interval(model, rfm, '90 days') AS expected,
			cdp.expected_purchases_new_interval(model, '90 days') AS of_new, cdp.next_purchase_at_interval(model, rfm) AS next, LATERAL (VALUES
			('p_alive', cdp.p_alive(model, rfm), 1::float8), ('churn', cdp.churn(model, rfm, '90 days'), 1),
			('p_alive low', alive.low, 1), ('p_alive high', alive.high, 1), ('churn low', churn.low, 1), ('churn high', churn.high, 1),
			('expected low', expected.low, most), ('expected high', expected.high, most),
			('of new low', of_new.low, most), ('of new high', of_new.high, most),
			('next low', extract(epoch FROM next.low)::float8 + 1e15, most), ('next high', extract(epoch FROM next.high)::float8 + 1e15, most),
			('of new', cdp.expected_purchases_new(model, '90 days'), most), ('dert', cdp.dert(model, rfm, 0.1), most),
			('clv', cdp.clv(model, '{"kind":"gamma_gamma","params":{"p":6,"q":4,"v":15}}', rfm), most),
			('next', extract(epoch FROM cdp.next_purchase_at(model, rfm))::float8 + 1e15, most)) AS one (what, answer, high);
	ELSIF kind = 'gamma_gamma' THEN
		RETURN QUERY SELECT one.what, one.answer, 0::float8, most
		FROM cdp.expected_spend_interval(model, rfm) AS spend, LATERAL (VALUES ('expected_spend', cdp.expected_spend(model, 0, 0)), ('of 3', cdp.expected_spend(model, 3, 20)),
			('of many', cdp.expected_spend(model, 1e9, 1e-9)), ('hers', cdp.expected_spend(model, rfm)), ('low', spend.low), ('high', spend.high)) AS one (what, answer);
	ELSIF kind = 'sbg' THEN
		RETURN QUERY SELECT one.what, one.answer, 0::float8, one.high
		FROM (VALUES (0::float8), (1), (30), (1e6)) AS t (tenure), LATERAL (VALUES ('retention', cdp.retention(model, tenure + 1), 1::float8), ('survival', cdp.survival(model, tenure), 1),
			('active', cdp.p_active(model, tenure, 12), 1), ('churn', cdp.churn(model, tenure, 12), 1), ('lifetime', cdp.expected_lifetime(model, tenure), most),
			('of 60', cdp.expected_lifetime(model, tenure, 60), 60), ('dert', cdp.dert(model, tenure, 0.1), most)) AS one (what, answer, high);
		RETURN QUERY SELECT one.what || ' ' || bound, one.answer, 0::float8, one.high
		FROM (VALUES (0::float8), (1), (30), (1e6)) AS t (tenure), cdp.retention_interval(model, tenure + 1) AS stays, cdp.survival_interval(model, tenure) AS lasts,
			cdp.p_active_interval(model, tenure, 12) AS renews, cdp.churn_interval(model, tenure, 12) AS leaves, cdp.expected_lifetime_interval(model, tenure) AS lives,
			cdp.expected_lifetime_interval(model, tenure, 60) AS of_60, cdp.dert_interval(model, tenure, 0.1) AS worth, LATERAL (VALUES
			('retention', stays.low, stays.high, 1::float8), ('survival', lasts.low, lasts.high, 1), ('active', renews.low, renews.high, 1), ('churn', leaves.low, leaves.high, 1),
			('lifetime', lives.low, lives.high, most), ('of 60', of_60.low, of_60.high, 60), ('dert', worth.low, worth.high, most)) AS bounds (what, low, top, high),
			LATERAL (VALUES ('low', bounds.low), ('high', bounds.top)) AS ends (bound, answer), LATERAL (SELECT bounds.what, ends.answer, bounds.high) AS one;
	ELSIF features >= 0 THEN
		RETURN QUERY SELECT 'predict', cdp.predict_logistic(model, array_fill(x, ARRAY[features])), 0::float8, 1::float8 FROM unnest(ARRAY[0, 1, -1e9, 1e300]::float8[]) AS x
		WHERE features > 0;
		RETURN QUERY SELECT 'predict low, high', one.answer, 0::float8, 1::float8
		FROM unnest(ARRAY[0, 1, -1e9, 1e300]::float8[]) AS x, cdp.predict_logistic_interval(model, array_fill(x, ARRAY[features])) AS i, unnest(ARRAY[i.low, i.high]) AS one (answer)
		WHERE features > 0;
	END IF;
END
$$;
-- A fault: an answer out of range, no number, or an error; another value when it is
-- written and read.
CREATE FUNCTION public.fault(model cdp.clv_model, rfm cdp.rfm_summary) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF model::text::cdp.clv_model::text <> model::text OR rfm::text::cdp.rfm_summary::text <> rfm::text
			OR model::jsonb::text::cdp.clv_model::text <> model::text THEN
		RETURN 'another when read again';
	END IF;
	RETURN (SELECT format('%s is %s', what, answer) FROM public.answers(model, rfm) WHERE NOT answer BETWEEN low AND high LIMIT 1);
EXCEPTION
	-- of a summary that no such model can be asked about, which says why
	WHEN invalid_parameter_value THEN
		RETURN CASE WHEN SQLERRM NOT LIKE 'invalid argument %' THEN SQLERRM END;
	WHEN OTHERS THEN
		RETURN SQLERRM;
END
$$;

-- A text, or bytes in a file as COPY reads it, to a value.
CREATE TABLE public.given (model cdp.clv_model, rfm cdp.rfm_summary, fault text);
CREATE TABLE public.refusal (state text, message text, what text);
CREATE FUNCTION public.read_bytes(model bytea, rfm bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	file text := current_setting('data_directory') || '/model_hostile.bin';
	object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) || int2send(2::int2)
		|| int4send(length(model)) || model || int4send(length(rfm)) || rfm || int2send((-1)::int2));
BEGIN
	PERFORM lo_export(object, file);
	PERFORM lo_unlink(object);
	EXECUTE format('COPY public.given (model, rfm) FROM %L (FORMAT binary)', file);
END
$$;
CREATE PROCEDURE public.try_all(times int, binary_too boolean) LANGUAGE plpgsql AS $$
DECLARE
	base record;
	text_model text;
	text_rfm text;
BEGIN
	FOR i IN 1 .. times LOOP
		SELECT * INTO STRICT base FROM (SELECT model FROM public.model ORDER BY random() LIMIT 1) AS m, (SELECT rfm FROM public.summary ORDER BY random() LIMIT 1) AS s;
		text_model := CASE WHEN i % 4 < 3 THEN public.spoil(base.model::text) ELSE base.model::text END;
		text_rfm := CASE WHEN i % 4 = 3 THEN public.spoil(base.rfm::text) ELSE base.rfm::text END;
		BEGIN
			IF binary_too THEN
				PERFORM public.read_bytes(
					CASE WHEN i % 4 < 3 THEN public.spoil(cdp._clv_model_send(base.model)) ELSE cdp._clv_model_send(base.model) END,
					CASE WHEN i % 4 = 3 THEN public.spoil(cdp._rfm_summary_send(base.rfm)) ELSE cdp._rfm_summary_send(base.rfm) END);
			ELSE
				INSERT INTO public.given (model, rfm) SELECT text_model::cdp.clv_model, text_rfm::cdp.rfm_summary;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO public.refusal VALUES (SQLSTATE, SQLERRM, CASE WHEN binary_too THEN 'bytes' ELSE 'text' END);
		END;
	END LOOP;
END
$$;

CALL public.try_all(1500, true);
SELECT count(*) BETWEEN 300 AND 1200 AS some_taken FROM public.given;
CALL public.try_all(1500, false);
SELECT count(*) BETWEEN 600 AND 2400 AS some_taken FROM public.given;
-- refusals are of the class "data exception", or say that bytes are missing
SELECT state, message FROM public.refusal WHERE state NOT LIKE '22%' AND state <> '08P01' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) > 100 AS bytes FROM public.refusal WHERE what = 'bytes';
-- and what was taken is sound
UPDATE public.given SET fault = public.fault(model, rfm);
SELECT count(DISTINCT model::jsonb ->> 'kind') AS kinds, count(fault) AS faults FROM public.given;
SELECT fault, left(model::text, 300) AS model, rfm FROM public.given WHERE fault IS NOT NULL ORDER BY fault COLLATE "C", given::text LIMIT 5;
-- of a rate that is next to none, terms of a sum that are rounded to themselves
SELECT cdp.expected_purchases('{"kind":"bgnbd","params":{"r":2.3e-308,"alpha":4.4,"a":0.8,"b":2.4}}', 0, 0, 0, 39) < 1e-300 AS none;
-- much was asked, and what is no number would have been seen
SELECT (SELECT count(*) FROM public.answers('{"kind":"bgnbd","params":{"r":1,"alpha":1,"a":1,"b":1}}', '{"x":1,"t_x":1,"t":1}')) AS asked,
	count(*) FILTER (WHERE NOT answer BETWEEN 0 AND 1.7976931348623157e308) AS seen
FROM unnest('{NaN,Infinity,-Infinity,-1}'::float8[]) AS answer;
DROP TABLE public.model, public.summary, public.given, public.refusal;
