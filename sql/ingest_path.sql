\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET timezone = 'America/New_York';
\set SHOW_CONTEXT never
SELECT cdp.add_source('any');

-- a path of a mapping means what the server makes of it: for a trait the first
-- match, for an identifier all of them.  Paths that we walk ourselves and those
-- that the server evaluates, on records in which names come again at each depth.
CREATE FUNCTION pg_temp.pick(texts text) RETURNS text
LANGUAGE sql VOLATILE
RETURN (string_to_array(texts, '~'))[1 + floor(random() * cardinality(string_to_array(texts, '~')))::integer];
CREATE FUNCTION pg_temp.random_json(depth integer) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	kind double precision := random();
	made jsonb := '[]';
BEGIN
	IF depth = 0 OR kind < 0.15 THEN
		RETURN pg_temp.pick('1~2.50~"x"~"y z"~null~true~{}~[]~"2026-05-01"~"2026-05-01T10:00:00"~"10"')::jsonb;
	ELSIF kind < 0.5 THEN
		FOR n IN 1..ceil(random() * 3) LOOP
			made := made || jsonb_build_array(pg_temp.random_json(depth - 1));
		END LOOP;
		RETURN made;
	END IF;
	made := '{}';
	FOR n IN 1..ceil(random() * 4) LOOP
		made := made || jsonb_build_object(pg_temp.pick('a~b~b c~size~ä'), pg_temp.random_json(depth - 1));
	END LOOP;
	RETURN made;
END
$$;
CREATE FUNCTION pg_temp.random_path() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	path text := pg_temp.pick('$~$~$~$~$~$~lax $~strict $');
BEGIN
	FOR n IN 1..floor(random() * 5) LOOP
		path := path || pg_temp.pick('.a~.b~."b c"~.size~.ä~[0]~[1]~[*]~.a~.b~.*~.**~[last]~[0 to 1]~."\u0061"~.size()~.type()~.double()~.datetime()~.keyvalue()~ ? (@.a > 1)~ ? (@ == "x")~ ? (@.datetime() < "2026-05-01T08:00:00Z".datetime())~ ? (@ like_regex "^.")');
	END LOOP;
	RETURN path || pg_temp.pick('~~~~~~~ + 1~ * $.a~ == 1~ / $.b');
END
$$;
CREATE FUNCTION pg_temp.try(tries integer, OUT asked bigint, OUT matched bigint, OUT several bigint, OUT wrong text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	record jsonb;
	path text;
	expected jsonb[];
	first jsonb;
	many text[];
	one jsonb;
BEGIN
	asked := 0;
	matched := 0;
	several := 0;
	FOR n IN 1..tries LOOP
		record := jsonb_build_object('id', 'i', 'a', pg_temp.random_json(4), 'b', pg_temp.random_json(3), 'b c', pg_temp.random_json(2));
		path := pg_temp.random_path();
		-- the store's zone, not the session's, is that of times without an offset
		SET LOCAL timezone = 'UTC';
		expected := ARRAY(SELECT jsonb_path_query_tz(record, path::jsonpath, silent => true));
		SET LOCAL timezone = 'America/New_York';
		first := nullif(expected[1], 'null');
		SELECT max(CASE WHEN part = 'trait' THEN becomes END)::jsonb,
			coalesce(array_agg(value) FILTER (WHERE part = 'identifier' AND field = 'crm_id'), '{}')
		INTO one, many
		FROM cdp.preview_mapping('any', jsonb_build_object(
			'identifiers', jsonb_build_object('user_id', '$.id', 'crm_id', path),
			'traits', jsonb_build_object('t', path)), record);
		asked := asked + 1;
		matched := matched + (first IS NOT NULL)::integer;
		several := several + (cardinality(many) > 1)::integer;
		IF first IS DISTINCT FROM one OR many IS DISTINCT FROM ARRAY(
				SELECT element.value #>> '{}'
				FROM unnest(expected) WITH ORDINALITY AS match (value, place),
					jsonb_array_elements(CASE WHEN jsonb_typeof(match.value) = 'array'
						THEN match.value ELSE jsonb_build_array(match.value) END)
					WITH ORDINALITY AS element (value, element_place)
				WHERE jsonb_typeof(element.value) IN ('string', 'number')
				ORDER BY place, element_place) THEN
			wrong := concat_ws(' | ', path, record, expected::text, one, many::text);
			RETURN;
		END IF;
	END LOOP;
END
$$;
\set seed 0.17
\echo seed :seed
SELECT setseed(:seed) \g /dev/null
SELECT asked, matched > asked / 4 AS enough_matched, several > asked / 50 AS enough_several, wrong
FROM pg_temp.try(3000);

-- nor do a division by zero and a time that is none raise: they are warnings
SELECT part, problem FROM cdp.preview_mapping('any', '{"identifiers": {"user_id": "$.id"}, "traits": {"t": "$.a / 0", "u": "$.a.datetime(\"YYYY\")"}}',
	'{"id": "u", "a": "x"}') ORDER BY part COLLATE "C";
