-- Indexes over traits: a column of cdp.unified_profile is looked up by its index.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SELECT cdp.add_source('web') \g /dev/null
SELECT cdp.ingest_batch('web', jsonb_agg(jsonb_build_object('type', 'identify', 'userId', 'u' || n, 'messageId', n, 'traits',
	jsonb_build_object('city', 'city ' || n, 'size', n, 'vip', n = 7, 'nick', 'nick ' || n, 'birth_date', date '2000-01-01' + n))))
FROM generate_series(1, 50) AS n \g /dev/null
SELECT cdp.expose_trait(name) FROM unnest('{size,vip,nick}'::text[]) AS name \g /dev/null
SELECT cdp.index_trait(name) FROM unnest('{city,size,vip,nick,birth_date}'::text[]) AS name \g /dev/null

-- each kind of column, fixed or exposed: its own index answers
CREATE FUNCTION pg_temp.index_used(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) SELECT profile_id FROM cdp.unified_profile WHERE ' || condition LOOP
		IF line ~ 'profile_current_trait_\w+_idx' THEN
			RETURN (SELECT name FROM cdp.trait WHERE line ~ cdp._trait_index(name));
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
SET enable_seqscan = off;
SELECT condition, pg_temp.index_used(condition) AS trait
FROM unnest(ARRAY['city = ''city 3''', 'nick = ''nick 4''', 'size > 48', 'vip', 'birth_date < ''2000-01-03''', 'region = ''x''']) AS condition;
SELECT count(*) FILTER (WHERE city = 'city 3'), count(*) FILTER (WHERE size > 48), count(*) FILTER (WHERE vip) FROM cdp.unified_profile;
SELECT city FROM cdp.unified_profile WHERE city = 'city 3';
SELECT city FROM cdp.unified_profile WHERE size > 48 ORDER BY 1;
SELECT city FROM cdp.unified_profile WHERE vip;
-- a value longer than an index entry of a btree stops nothing
SELECT cdp.ingest('web', jsonb_build_object('type', 'identify', 'userId', 'u99', 'messageId', 'long', 'traits', jsonb_build_object('nick',
	(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) AS n)))) IS NOT NULL AS stored;
SELECT length(nick) FROM cdp.unified_profile WHERE nick = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) AS n);

-- the flag says what there is, and nobody sets it by hand
SELECT name FROM cdp.trait WHERE indexed ORDER BY name;
UPDATE cdp.trait SET indexed = true WHERE name = 'region';
UPDATE cdp.trait SET indexed = false WHERE name = 'city';
INSERT INTO cdp.trait (name, indexed) VALUES ('hat', true);
UPDATE cdp.trait SET type = 'number', form = NULL WHERE name = 'city';
DELETE FROM cdp.trait WHERE name = 'city';
UPDATE cdp.trait SET rule = 'earliest' WHERE name = 'city';
SELECT cdp.index_trait('city');
SELECT cdp.unindex_trait('city'), cdp.unindex_trait('region');
SELECT pg_temp.index_used('city = ''city 3''') AS trait;
SELECT name FROM cdp.trait WHERE indexed ORDER BY name;
SELECT cdp.index_trait('hat');
SELECT cdp.index_trait('First Name'), cdp.unindex_trait('firstName');
SELECT cdp.index_trait('email');
