-- Groups of profiles: households and the like.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\set histories :abs_srcdir '/test/data/identity_histories.sql'
\i :fresh
\i :stand_ins
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.seen(source text, ids text) RETURNS bigint
LANGUAGE sql AS $$
	SELECT cardinality(cdp._stitch(cdp._attach(source, jsonb_build_array(jsonb_build_object(
		'ids', (SELECT jsonb_agg(jsonb_build_array(split_part(id, ':', 1), split_part(id, ':', 2)))
			FROM unnest(string_to_array(ids, ' ')) AS id))), false)));
$$;
CREATE VIEW pg_temp.household AS
SELECT kind, profile_id, group_id, (SELECT string_agg(value, ' ' ORDER BY value COLLATE "C")
	FROM cdp.profile_identifier AS i WHERE i.profile_id = g.profile_id) AS identifiers
FROM cdp.profile_group AS g;
-- what no kind can be
SELECT cdp.add_group_kind('House Hold', '{phone}');
SELECT cdp.add_group_kind(NULL, '{phone}');
SELECT cdp.add_group_kind('household', '{}');
SELECT cdp.add_group_kind('household', NULL);
SELECT cdp.add_group_kind('household', '{phone,address}');
SELECT cdp.add_group_kind('household', '{phone,NULL}');
SELECT cdp.add_group_kind('household', '{phone}', 1);
SELECT cdp.add_group_kind('household', '{phone}', NULL);
SELECT cdp.drop_group_kind('household');
-- without kinds there is nothing to do
SELECT cdp._group_step(1000);

-- a family: two on one tablet, a third by the phone; the tablet is shared, so
-- that it merges nobody, and has what nobody is named on itself
SELECT cdp.add_identifier_type('address', description => 'postal address, only describes') > 0 AS added;
SELECT cdp.add_group_kind('household', '{device_id,phone,address}', 4, 'who lives together');
SELECT cdp.add_group_kind('household', '{phone}');
SELECT sum(pg_temp.seen('web', ids)) > 0 AS seen FROM unnest(ARRAY[
	'user_id:ann device_id:tablet', 'user_id:bob device_id:tablet', 'device_id:tablet',
	'user_id:bob phone:+49301234567', 'user_id:cid phone:+49301234567',
	'user_id:dan device_id:other', 'anonymous_id:c1 device_id:other']) AS ids;
SELECT cdp._group_step(1000);
SELECT * FROM pg_temp.household ORDER BY 1, 2;
-- a type that only describes may link
SELECT sum(pg_temp.seen('crm', ids)) > 0 AS seen FROM unnest(ARRAY[
	'user_id:dan address:high street 5', 'user_id:eve address:high street 5']) AS ids;
SELECT cdp._group_step(1000);
SELECT * FROM pg_temp.household ORDER BY 1, 2;
-- nothing has changed: nothing is made
SELECT cdp._group_step(1000);
CREATE TABLE pg_temp.before AS SELECT xmin::text::bigint AS version, * FROM cdp.profile_group;
UPDATE cdp.group_kind SET made_from = NULL;
SELECT cdp._group_step(1000);
SELECT count(*) AS rewritten FROM cdp.profile_group JOIN pg_temp.before USING (kind, profile_id)
WHERE profile_group.xmin::text::bigint <> version;
-- a kiosk: five are too many for this kind, and so it links none of them
SELECT sum(pg_temp.seen('web', format('user_id:k%s device_id:kiosk', n))) > 0 AS seen FROM generate_series(1, 4) AS n;
SELECT cdp._group_step(1000);
SELECT group_id, count(*) FROM cdp.profile_group GROUP BY group_id ORDER BY 1;
SELECT sum(pg_temp.seen('web', 'user_id:k5 device_id:kiosk')) > 0 AS seen;
SELECT cdp._group_step(1000);
SELECT group_id, count(*) FROM cdp.profile_group GROUP BY group_id ORDER BY 1;
-- the kind may be changed by hand, and its next groups are by that
UPDATE cdp.group_kind SET max_profiles_per_value = 10;
SELECT cdp._group_step(1000);
SELECT group_id, count(*) FROM cdp.profile_group GROUP BY group_id ORDER BY 1;
-- a group is what its profiles are now: a merge, a blocked value, evidence
-- taken back
SELECT sum(pg_temp.seen('web', 'anonymous_id:c9 phone:+49301234567')) > 0 AS seen;
SELECT cdp._group_step(1000);
SELECT sum(pg_temp.seen('web', 'anonymous_id:c9 user_id:ann')) > 0 AS seen;
SELECT cdp.block_value('device_id', 'kiosk');
SELECT cdp._group_step(1000);
SELECT * FROM pg_temp.household ORDER BY 1, 2;
UPDATE cdp.identifier_set SET retracted = true
WHERE set_id = (SELECT set_id FROM cdp.identifier_set_member JOIN cdp.identifier USING (identifier_id)
	WHERE value = '+49301234567' ORDER BY set_id OFFSET 1 LIMIT 1);
INSERT INTO cdp.steward_action (action) VALUES ('retract');
SELECT cdp._group_step(1000);
SELECT * FROM pg_temp.household ORDER BY 1, 2;
-- while a batch of sets waits groups are left for later; what waits beyond
-- that has them made again
SELECT cardinality(cdp._attach('web', '[{"ids": [["user_id", "eve"], ["phone", "+49301111111"]]}, {"ids": [["user_id", "ann"], ["phone", "+49301111111"]]}]'));
SELECT cdp._group_step(2), made_from IS NULL AS unsettled FROM cdp.group_kind;
SELECT cdp._group_step(3), made_from IS NULL AS unsettled FROM cdp.group_kind;
SELECT made_from IS NULL AS unsettled FROM cdp.group_kind;
SELECT cdp._stitch_step(100);
SELECT made_from IS NULL AS unsettled FROM cdp.group_kind;
SELECT group_id, count(*) FROM cdp.profile_group GROUP BY group_id ORDER BY 1;
-- the step that judges the last sets makes the groups: a merge run need not
-- come to a step with nothing to do
SELECT cardinality(cdp._attach('web', '[{"ids": [["user_id", "new"], ["phone", "+49301111111"]]}]'));
SELECT cdp._stitch_step(100);
SELECT made_from IS NULL AS unsettled FROM cdp.group_kind;
SELECT group_id, count(*) FROM cdp.profile_group GROUP BY group_id ORDER BY 1;
-- a kind of its own links by its own types; both are kept apart
SELECT cdp.add_group_kind('by_phone', '{phone}');
SELECT cdp._group_step(1000) > 0 AS written;
SELECT kind, group_id, count(*) FROM cdp.profile_group GROUP BY kind, group_id ORDER BY 1, 2;
SELECT cdp.drop_group_kind('household');
SELECT kind, group_id, count(*) FROM cdp.profile_group GROUP BY kind, group_id ORDER BY 1, 2;
SELECT cdp.drop_group_kind('by_phone');

-- Random stores against plain SQL: values seen with profiles, profiles joined
-- by values, and the smallest id that can be reached.
SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2) > 0 AS added;
\i :oracle
\i :histories
CREATE TABLE pg_temp.bearer (kind text, identifier_id bigint, profile_id bigint);
CREATE TABLE pg_temp.link (kind text, a bigint, b bigint, PRIMARY KEY (kind, a, b));
CREATE FUNCTION pg_temp.expected() RETURNS TABLE (kind text, profile_id bigint, group_id bigint)
LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE pg_temp.bearer, pg_temp.link;
	INSERT INTO pg_temp.bearer
	SELECT DISTINCT g.kind, value.identifier_id, profile.root
	FROM cdp.group_kind AS g, cdp.identifier_set AS set, cdp.identifier AS value,
		cdp.identifier_type AS type, cdp.identifier AS owner, cdp.profile
	WHERE value.identifier_id = ANY (set.identifiers) AND type.type_id = value.type_id
		AND owner.identifier_id = set.owner AND profile.profile_id = owner.leaf
		AND type.type = ANY (g.types) AND NOT value.blocked AND NOT value.expired AND NOT retracted;
	DELETE FROM pg_temp.bearer WHERE (bearer.kind, identifier_id) IN (
		SELECT b.kind, b.identifier_id FROM pg_temp.bearer AS b JOIN cdp.group_kind AS g USING (kind)
		GROUP BY b.kind, b.identifier_id, g.max_profiles_per_value HAVING count(*) > g.max_profiles_per_value);
	INSERT INTO pg_temp.link
	SELECT DISTINCT one.kind, one.profile_id, other.profile_id
	FROM pg_temp.bearer AS one JOIN pg_temp.bearer AS other USING (kind, identifier_id)
	WHERE one.profile_id <> other.profile_id;
	ANALYZE pg_temp.link;
	RETURN QUERY
	WITH RECURSIVE reached AS (
		SELECT link.kind, link.a AS profile_id, link.a AS other FROM pg_temp.link
		UNION
		SELECT link.kind, reached.profile_id, link.b
		FROM reached JOIN pg_temp.link ON link.kind = reached.kind AND link.a = reached.other
	)
	SELECT reached.kind, reached.profile_id, min(other) FROM reached GROUP BY 1, 2;
END
$$;
CREATE FUNCTION pg_temp.differences() RETURNS bigint
LANGUAGE sql AS $$
	WITH expected AS MATERIALIZED (SELECT * FROM pg_temp.expected())
	SELECT count(*) FROM ((TABLE expected EXCEPT TABLE cdp.profile_group)
		UNION ALL (TABLE cdp.profile_group EXCEPT TABLE expected)) AS d;
$$;
CREATE FUNCTION pg_temp.try(seed integer)
RETURNS TABLE (differences bigint, groups bigint, written_in_vain bigint)
LANGUAGE plpgsql AS $$
DECLARE
	found record;
BEGIN
	PERFORM setseed(seed / 1000.0), identity_test.forget();
	PERFORM random() FROM generate_series(1, 20);
	UPDATE cdp.group_kind SET max_profiles_per_value = 2 + floor(random() * 6);
	differences := 0;
	FOR step IN 1 .. 12 LOOP
		FOR n IN 1 .. 12 LOOP
			SELECT * INTO found FROM identity_test.random_record(20, 0.6);
			INSERT INTO identity_test.record VALUES (step * 100 + n, found.source, found.at, found.keys);
		END LOOP;
		IF random() < 0.7 THEN
			PERFORM cdp._stitch(identity_test.attach());
		ELSE
			PERFORM identity_test.queue();
		END IF;
		IF random() < 0.3 THEN
			PERFORM cdp.block_value(type, value)
			FROM (SELECT type, value FROM cdp.identifier JOIN cdp.identifier_type USING (type_id)
				ORDER BY random() LIMIT 1) AS one;
		END IF;
		IF random() < 0.3 THEN
			UPDATE cdp.identifier_set SET retracted = NOT retracted
			WHERE set_id = (SELECT set_id FROM cdp.identifier_set ORDER BY random() LIMIT 1)
			RETURNING * INTO found;
			PERFORM cdp._rejudge(found.identifiers);
			INSERT INTO cdp.steward_action (action) VALUES ('retract');
		END IF;
		IF random() < 0.5 THEN
			PERFORM identity_test.drain();
		END IF;
		PERFORM cdp._group_step(1000);
		CONTINUE WHEN step % 3 <> 0;
		differences := differences + pg_temp.differences();
	END LOOP;
	groups := (SELECT count(DISTINCT (kind, group_id)) FROM cdp.profile_group);
	UPDATE cdp.group_kind SET made_from = NULL;
	written_in_vain := cdp._group_step(1000);
	RETURN NEXT;
END
$$;
SELECT cdp.add_group_kind('by_device', '{device_id,ip}'), cdp.add_group_kind('by_phone', '{phone,card}'),
	cdp.add_group_kind('by_provider', '{third_party_id}');
SELECT seed, differences, groups > 3 AS has_groups, written_in_vain
FROM generate_series(1, 8) AS seed, LATERAL pg_temp.try(seed) AS tried;
DROP SCHEMA identity_test CASCADE;
-- a rule is checked when its row is updated, too
INSERT INTO cdp.group_kind (kind, types) VALUES ('by_hand', '{phone}');
UPDATE cdp.group_kind SET types = '{phone,fax}' WHERE kind = 'by_hand';
UPDATE cdp.group_kind SET max_profiles_per_value = 1 WHERE kind = 'by_hand';
