-- What roles cannot do, attempt by attempt over all that the catalogue has:
-- every kind of role against every relation and every function, by tricks with
-- the search path, by functions of one's own in the way of views, by errors,
-- EXPLAIN and statistics.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = error;
DROP ROLE IF EXISTS cdp_try_reader, cdp_try_crm, cdp_try_activation, cdp_try_steward,
	cdp_try_ingest, cdp_try_auditor, cdp_try_nobody;
CREATE ROLE cdp_try_reader;
CREATE ROLE cdp_try_crm;
CREATE ROLE cdp_try_activation;
CREATE ROLE cdp_try_steward;
CREATE ROLE cdp_try_ingest;
CREATE ROLE cdp_try_auditor;
CREATE ROLE cdp_try_nobody;
CREATE TEMP TABLE tried AS
SELECT kind, 'cdp_try_' || kind AS role
FROM unnest(ARRAY['reader', 'crm', 'activation', 'steward', 'ingest', 'auditor', 'nobody']) AS kind;
SELECT cdp.grant_role(role, kind) FROM tried WHERE kind <> 'nobody' \g /dev/null
GRANT USAGE ON SCHEMA cdp TO cdp_try_nobody;

-- ann may be reached; bob denied, carl is suppressed, dora was never asked.
-- Whatever is personal of them says so: zq<name>
SELECT cdp.add_source('shop'), cdp.add_destination('mailer', 'email service') \g /dev/null
SELECT cdp.ingest_batch('shop', jsonb_agg(jsonb_strip_nulls(jsonb_build_object('type', 'identify', 'messageId', name,
	'userId', 'u-' || name, 'anonymousId', 'zq' || name || '-cookie', 'traits', jsonb_build_object('email', 'zq' || name || '@example.com',
		'first_name', 'Zq' || name, 'city', 'zq' || name || 'ville', 'note', 'zq' || name || ' note'),
	'consent', CASE WHEN state IS NOT NULL THEN jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', state, 'at', '2026-05-01T00:00:00Z') END))))
FROM (VALUES ('ann', 'granted'), ('bob', 'denied'), ('carl', 'granted'), ('dora', NULL)) AS person (name, state) \g /dev/null
SELECT cdp.ingest_batch('shop', jsonb_agg(jsonb_build_object('type', 'track', 'event', event, 'messageId', name || event, 'userId', 'u-' || name,
	'timestamp', '2026-05-20T10:00:00Z', 'properties', properties || jsonb_build_object('secret', 'zq' || name || ' secret'))))
FROM unnest(ARRAY['ann', 'bob', 'carl', 'dora']) AS name, (VALUES ('order', jsonb '{"order_id": "o", "total": 10, "product_id": "p"}'), ('search', jsonb '{"query": "zqquery"}')) AS e (event, properties) \g /dev/null
SELECT cdp.suppress('email', 'zqcarl@example.com') \g /dev/null
SELECT cdp.define_segment('everyone', 'kind = ''known''') \g /dev/null
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email', 'mailer'), cdp.create_audience_view('news', ARRAY['identifier', 'first_name']) \g /dev/null
CALL cdp.merge();
ANALYZE;
SELECT count(*) AS members FROM cdp.audience_member;

-- every relation, every privilege, really tried: what works is what the matrix
-- says, and the views of audiences, which go with cdp.audience_member
CREATE FUNCTION pg_temp.attempt(role text, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE command;
	RAISE EXCEPTION 'undo' USING ERRCODE = 'QQ000';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'QQ000' THEN 'done' ELSE SQLSTATE END;
END
$$;
CREATE TEMP TABLE attempt AS
SELECT tried.kind, class.relname, privilege, pg_temp.attempt(tried.role, command) AS became
FROM tried CROSS JOIN pg_class AS class CROSS JOIN LATERAL (
	SELECT attname AS first_column FROM pg_attribute WHERE attrelid = class.oid AND attnum > 0 AND attgenerated = '' AND attidentity = '' ORDER BY attnum LIMIT 1) AS c
	CROSS JOIN LATERAL (VALUES
		('SELECT', CASE WHEN relkind = 'S' THEN format('SELECT last_value FROM cdp.%I', relname) ELSE format('SELECT FROM cdp.%I LIMIT 1', relname) END),
		('SELECT', format('EXPLAIN SELECT * FROM cdp.%I', relname)),
		('SELECT', format('COPY (SELECT * FROM cdp.%I) TO ''/dev/null''', relname)),
		('INSERT', format('INSERT INTO cdp.%I DEFAULT VALUES', relname)),
		('UPDATE', format('UPDATE cdp.%I SET %I = DEFAULT', relname, first_column)),
		('DELETE', format('DELETE FROM cdp.%I', relname)),
		('TRUNCATE', format('TRUNCATE cdp.%I', relname)),
		('TRIGGER', format('CREATE TRIGGER t AFTER DELETE ON cdp.%I EXECUTE FUNCTION cdp._refuse_change()', relname)),
		('OWNER', format('ALTER TABLE cdp.%I ADD x integer', relname)),
		('LOCK', format('LOCK TABLE cdp.%I IN ACCESS EXCLUSIVE MODE', relname))) AS t (privilege, command)
WHERE class.relnamespace = 'cdp'::regnamespace AND class.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
	AND (class.relkind NOT IN ('v', 'S') OR privilege IN ('SELECT', 'INSERT', 'DELETE'));
SELECT count(DISTINCT relname) > 100 AS all_relations, count(DISTINCT kind) AS kinds FROM attempt;
-- COPY to a file is for others than these
SELECT kind, relname, privilege, became FROM attempt
WHERE (became <> '42501') <> (kind, privilege, CASE WHEN relname = 'audience_news' THEN 'audience_member' ELSE relname END) IN
		(SELECT matrix.kind, matrix.privilege, matrix.object FROM cdp._role_matrix() AS matrix)
	AND NOT (became = '42501' AND privilege = 'SELECT' AND EXISTS (SELECT FROM attempt AS read
		WHERE read.kind = attempt.kind AND read.relname = attempt.relname AND read.privilege = 'SELECT' AND read.became = 'done'))
	-- what is no table refuses by its kind before it asks who
	AND became NOT IN ('55000', '42809', '0A000', '428C9')
ORDER BY 1, 2, 3;

-- every function, with arguments that name ann, bob and the audience: nothing
-- changes, nothing breaks, and nothing personal comes back, in rows or in errors,
-- but by the doors that a kind is granted; at last with nothing but NULLs, and with
-- arrays of NULLs.
CREATE FUNCTION pg_temp.arguments(types oidvector, variant integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(coalesce(CASE WHEN $2 = 5 AND format_type(type, NULL) LIKE '%[]' THEN '''{NULL,NULL}''' WHEN $2 <> 4 THEN CASE format_type(type, NULL)
			WHEN 'text' THEN (ARRAY[
				(ARRAY['''user_id''', '''u-bob''', 'NULL', 'NULL', 'NULL', 'NULL'])[least(n, 6)],
				(ARRAY['''news''', '''secret''', '''zq''', 'NULL', 'NULL', 'NULL'])[least(n, 6)],
				(ARRAY['''user_id:u-bob''', '''user_id:u-ann''', '''always''', '''why''', 'NULL', 'NULL'])[least(n, 6)]])[least($2, 3)]
			WHEN 'bigint' THEN '2' WHEN 'integer' THEN '2' WHEN 'bigint[]' THEN '''{1,2,3,4}''' WHEN 'integer[]' THEN '''{1,2}'''
			WHEN 'text[]' THEN '''{email,news,everyone}''' WHEN 'jsonb' THEN '''{}''' WHEN 'boolean' THEN 'true'
			WHEN 'timestamp with time zone' THEN '''2026-06-01''' WHEN 'interval' THEN '''1 day''' WHEN 'regclass' THEN '''cdp.identifier'''
			WHEN 'cdp.predicate' THEN '''kind = ''''known''''''' END END, 'NULL') || '::' || format_type(type, NULL), ', ' ORDER BY n)
	FROM unnest(types) WITH ORDINALITY AS a (type, n)
$$;
CREATE FUNCTION pg_temp.writes() RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE schemaname = 'cdp'
$$;
CREATE FUNCTION pg_temp.call(role text, command text, OUT told text, OUT writes bigint) LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	context text;
	before bigint := pg_temp.writes();
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE command INTO told;
	RESET ROLE;
	writes := pg_temp.writes() - before;
	RAISE EXCEPTION 'undo' USING ERRCODE = 'QQ000';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	IF SQLSTATE <> 'QQ000' THEN
		told := concat_ws(' ', SQLERRM, detail, hint);
		writes := 0;
	END IF;
END
$$;
CREATE TEMP TABLE called AS
SELECT tried.kind, proc.oid::regprocedure::text AS function, proc.proname, variant, result.told, result.writes
FROM tried CROSS JOIN pg_proc AS proc CROSS JOIN generate_series(1, 5) AS variant
	CROSS JOIN LATERAL pg_temp.call(tried.role, format('SELECT left(string_agg(x::text, '' ''), 5000) FROM (SELECT * FROM cdp.%I(%s)) AS x',
		proc.proname, pg_temp.arguments(proc.proargtypes, variant))) AS result
WHERE proc.pronamespace = 'cdp'::regnamespace AND proc.prokind = 'f'
	AND proc.prorettype NOT IN ('trigger'::regtype, 'internal'::regtype, 'event_trigger'::regtype)
	AND 'internal'::regtype <> ALL (proc.proargtypes::oid[])
	AND (tried.kind = 'reader' OR (tried.kind, variant) IN (('nobody', 4), ('activation', 1), ('ingest', 1), ('auditor', 1)));
SELECT count(DISTINCT function) > 500 AS all_functions FROM called;
SELECT DISTINCT kind, function, told FROM called
WHERE told ~* 'zq(ann|bob|carl|dora)'
	AND (kind, proname) NOT IN (SELECT matrix.kind, object FROM cdp._role_matrix() AS matrix WHERE privilege = 'EXECUTE')
ORDER BY 1, 2;
SELECT DISTINCT kind, function FROM called
WHERE writes > 0 AND (kind, proname) NOT IN (SELECT matrix.kind, object FROM cdp._role_matrix() AS matrix WHERE privilege = 'EXECUTE')
ORDER BY 1, 2;
-- the same calls by the steward and the owner do find something: the net holds
SELECT count(*) > 0 AS caught FROM pg_temp.call('cdp_try_steward', 'SELECT string_agg(x::text, '' '') FROM (SELECT * FROM cdp.profile(''user_id'', ''u-bob'')) AS x') AS result
WHERE told ~ 'zqbob';
SELECT writes > 0 AS caught FROM pg_temp.call(current_user, 'SELECT cdp.ingest(''shop'', ''{"userId": "u-new", "messageId": "n"}'')::text');

-- procedures; the detail names the owner, whoever runs the tests
\set VERBOSITY terse
SET ROLE cdp_try_reader;
CALL cdp.merge();
CALL cdp.rebuild();
CALL cdp.fit_models();
CALL cdp.retry_rejects();
RESET ROLE;
\set VERBOSITY default

-- statistics: nobody sees those of tables that they cannot read (the auditor may
-- read suppressions, of seven columns)
SELECT kind, count(*) FROM tried, pg_temp.call(role, 'SELECT count(*)::text FROM pg_stats WHERE schemaname = ''cdp'' AND tablename IN (''identifier'', ''contact_point'', ''event'', ''profile_current'', ''trait_observation'', ''suppression'')') AS seen
WHERE told::bigint > 0 AND NOT (kind = 'auditor' AND told::bigint = 7) GROUP BY 1;
SELECT DISTINCT pg_temp.attempt(role, 'SELECT FROM pg_statistic') FROM tried;

-- a function of one's own in the way of a view sees no more than the view shows,
-- but numbers of profiles and names of definitions, which its role may read in
-- other views
CREATE SCHEMA evil;
GRANT ALL ON SCHEMA evil TO PUBLIC;
CREATE TABLE evil.loot (who text, what text);
GRANT INSERT ON evil.loot TO PUBLIC;
CREATE FUNCTION evil.leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	INSERT INTO evil.loot VALUES (current_user, $1);
	RETURN true;
END
$$;
CREATE FUNCTION pg_temp.leaked(role text, view text) RETURNS TABLE (attribute text, shown bigint, leaked bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR attribute IN SELECT attname FROM pg_attribute WHERE attrelid = format('cdp.%I', view)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum LOOP
		DELETE FROM evil.loot;
		EXECUTE format('SET LOCAL ROLE %I', role);
		EXECUTE format('SELECT count(*) FROM cdp.%I WHERE evil.leak(%I::text)', view, attribute) INTO shown;
		RESET ROLE;
		EXECUTE format('SELECT count(*) FROM (SELECT what FROM evil.loot EXCEPT SELECT %I::text FROM cdp.%I) AS more', attribute, view) INTO leaked;
		IF leaked > 0 THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
SELECT tried.kind, matrix.object, found.attribute, found.leaked
FROM tried JOIN cdp._role_matrix() AS matrix USING (kind)
	JOIN pg_class AS class ON class.relname = matrix.object AND class.relnamespace = 'cdp'::regnamespace AND class.relkind = 'v'
	CROSS JOIN LATERAL pg_temp.leaked(tried.role, matrix.object) AS found
WHERE matrix.privilege = 'SELECT'
ORDER BY 1, 2, 3;

-- objects of one's own in the way of what doors and views use: in a schema
-- first in the path and in pg_temp, by every name that the store has.  A trap
-- counts in a sequence, which no rollback turns back.
CREATE SEQUENCE evil.stepped MINVALUE 0 START 0;
GRANT ALL ON SEQUENCE evil.stepped TO PUBLIC;
CREATE FUNCTION evil.trap() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	RETURN nextval('evil.stepped') > 0;
END
$$;
CREATE FUNCTION pg_temp.set_traps() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	item record;
	made bigint := 0;
BEGIN
	FOR item IN SELECT relname FROM pg_class WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
		EXECUTE format('CREATE VIEW evil.%I AS SELECT evil.trap() AS trap', item.relname);
		EXECUTE format('CREATE TEMP VIEW %I AS SELECT evil.trap() AS trap', item.relname);
		EXECUTE format('GRANT SELECT ON evil.%I, pg_temp.%1$I TO PUBLIC', item.relname);
		made := made + 1;
	END LOOP;
	FOR item IN SELECT op.oprname, op.oprleft::regtype AS a, op.oprright::regtype AS b FROM pg_operator AS op
		WHERE op.oprnamespace = 'pg_catalog'::regnamespace AND op.oprleft <> 0
			AND op.oprname IN ('=', '<>', '<', '<=', '>', '>=', '||', '->', '->>', '?', '@>', '+', '-', '*', '/', '~', '~~')
			AND 'p' NOT IN (SELECT typtype FROM pg_type WHERE oid IN (op.oprleft, op.oprright))
	LOOP
		EXECUTE format('CREATE OR REPLACE FUNCTION evil.f(%s, %s) RETURNS boolean LANGUAGE sql AS ''SELECT evil.trap()''', item.a, item.b);
		EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.f)', item.oprname, item.a, item.b);
		made := made + 1;
	END LOOP;
	FOR item IN SELECT proname, string_agg(format_type(type, NULL), ', ' ORDER BY n) AS args
		FROM pg_proc, unnest(proargtypes) WITH ORDINALITY AS a (type, n)
		WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provariadic = 0
			AND proname IN ('lower', 'length', 'array_position', 'cardinality', 'encode', 'sha256', 'convert_to', 'timezone', 'date_trunc',
				'current_setting', 'to_char', 'jsonb_array_length', 'set_config', 'pg_advisory_xact_lock', 'has_schema_privilege')
		GROUP BY pg_proc.oid, proname
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS boolean LANGUAGE sql AS ''SELECT evil.trap()''', item.proname, item.args);
		made := made + 1;
	END LOOP;
	RETURN made;
END
$$;
SELECT pg_temp.set_traps() > 300 AS many;
CREATE FUNCTION pg_temp.call_by(role text, path text, command text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	PERFORM pg_catalog.set_config('search_path', path, true);
	EXECUTE command;
	RAISE EXCEPTION 'undo';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM OPERATOR(pg_catalog.<>) 'undo';
END
$$;
\set path '''evil, pg_temp, pg_catalog, cdp'''
-- a trap works if it is stepped on, by a name, an operator or a function
SELECT command, pg_temp.call_by('cdp_try_reader', :path, command) AS failed, nextval('evil.stepped') AS stepped
FROM unnest(ARRAY['SELECT trap FROM identifier', 'SELECT 1 = 1', 'SELECT lower(''X''::text)']) AS command;
SELECT setval('evil.stepped', 0) \g /dev/null
-- every door that a kind is granted, and every view
CREATE TEMP TABLE trapped AS
SELECT tried.kind, proc.proname, pg_temp.call_by(tried.role, :path, format('SELECT FROM cdp.%I(%s)', proc.proname, pg_temp.arguments(proc.proargtypes, variant))) AS failed
FROM tried JOIN cdp._role_matrix() AS matrix USING (kind)
	JOIN pg_proc AS proc ON proc.proname = matrix.object AND proc.pronamespace = 'cdp'::regnamespace AND proc.prosecdef
	CROSS JOIN generate_series(1, 3) AS variant
WHERE matrix.privilege = 'EXECUTE'
UNION ALL
SELECT tried.kind, class.relname, pg_temp.call_by(tried.role, :path, format('SELECT FROM cdp.%I', class.relname))
FROM tried JOIN cdp._role_matrix() AS matrix USING (kind)
	JOIN pg_class AS class ON class.relname = matrix.object AND class.relnamespace = 'cdp'::regnamespace
WHERE matrix.privilege = 'SELECT';
SELECT count(*) > 200 AS many, count(*) FILTER (WHERE NOT failed) > 150 AS many_went_through, nextval('evil.stepped') - 1 AS stepped
FROM trapped;

DROP SCHEMA evil CASCADE;
DROP OWNED BY cdp_try_reader, cdp_try_crm, cdp_try_activation, cdp_try_steward,
	cdp_try_ingest, cdp_try_auditor, cdp_try_nobody;
DROP ROLE cdp_try_reader, cdp_try_crm, cdp_try_activation, cdp_try_steward,
	cdp_try_ingest, cdp_try_auditor, cdp_try_nobody;
