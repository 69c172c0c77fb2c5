-- Every rule of the identity function by hand: limits, decisions, expiry,
-- stand-ins; what is refused and why.  After each case the oracle is asked
-- too; where it differs, a line says so.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\set oracle :abs_srcdir '/test/data/identity_oracle.sql'
\set histories :abs_srcdir '/test/data/identity_histories.sql'
\i :fresh
\i :stand_ins
SELECT cdp.add_identifier_type('card', 4, 'loyalty card', max_per_profile => 2);
\i :oracle
\i :histories
-- The profiles of the store, a line each; identifiers in brackets link
-- nothing, those of "nobody" have no profile.
CREATE FUNCTION pg_temp.told() RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.drain(), identity_test.judge();
	RETURN QUERY
	SELECT concat(CASE WHEN root IS NULL THEN 'nobody: ' END,
		string_agg(format(CASE WHEN shared OR expired THEN '[%s]' ELSE '%s' END,
			identity_test.as_written(key)), ' ' ORDER BY key))
	FROM identity_test.stored GROUP BY root, CASE WHEN root IS NULL THEN key END
	ORDER BY root IS NULL, min(key);
	RETURN QUERY
	SELECT concat_ws(' ', 'refused:', identity_test.as_written(a), identity_test.as_written(b),
		'by', rule, type, 'set', set_id)
	FROM identity_test.stored_refused ORDER BY a, b;
	RETURN QUERY
	SELECT format('DIFFERS: %s %s oracle %s store %s', what, key, oracle, store)
	FROM identity_test.difference;
END
$$;
-- Lines as identity_test.read_step() reads them, one by one; each record is
-- stitched at once.
CREATE FUNCTION pg_temp.and_then(lines text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOREACH line IN ARRAY string_to_array(btrim(lines, E' \t\n'), E'\n') LOOP
		PERFORM identity_test.perform(identity_test.read_step(line)),
			cdp._stitch(identity_test.attach());
	END LOOP;
	RETURN QUERY SELECT pg_temp.told();
END
$$;
CREATE FUNCTION pg_temp.story(lines text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM identity_test.forget();
	RETURN QUERY SELECT pg_temp.and_then(lines);
END
$$;
-- Whose are the events of a set?
CREATE FUNCTION pg_temp.owner_of(ids text) RETURNS text
LANGUAGE sql AS $$
	SELECT identity_test.as_written(stored.key)
	FROM cdp.identifier_set
	LEFT JOIN identity_test.stored ON identifier_id = owner
	WHERE ids = (SELECT string_agg(identity_test.as_written(key), ' ' ORDER BY key)
		FROM identity_test.stored WHERE identifier_id = ANY (identifiers))
$$;
\pset format unaligned
\pset tuples_only on

-- A limit: two accounts at the ends of a chain cannot be one customer.  All
-- links between them are of cookies; so the chain breaks at the latest, in
-- whatever order they came.
SELECT pg_temp.story('
	4 web anonymous_id:c2 user_id:u2
	1 web user_id:u1 anonymous_id:c1
	5 web anonymous_id:c1 email:ann@x.de
	2 web email:ann@x.de anonymous_id:c2');
SELECT rule, type, identifier_a, identifier_b, profile_a = profile_b, source, first_seen, records, set_id
FROM cdp.conflict;
-- seen earlier after all: another link is the latest now
SELECT pg_temp.and_then('1 web anonymous_id:c1 email:ann@x.de');
-- the limit raised, lowered, and gone
SELECT pg_temp.and_then('rule user_id max_per_profile 2');
SELECT pg_temp.and_then('rule user_id max_per_profile 1');
SELECT pg_temp.and_then('rule user_id max_per_profile -');
-- no customer may have none
UPDATE cdp.identifier_type SET max_per_profile = 0 WHERE type = 'user_id';

-- The rank of a link, the priority of its weaker end, goes before its time.
SELECT pg_temp.story('
	1 web user_id:u1 anonymous_id:c1
	2 web anonymous_id:c1 email:ann@x.de
	9 web email:ann@x.de phone:+493012345
	9 crm phone:+493012345 crm_id:7
	9 crm crm_id:7 device_id:d1
	9 web device_id:d1 user_id:u2');

-- Of one rank and time the lesser key, by type, scope and value, goes first,
-- then the greater one: e-mail before phone, and b before c.
SELECT pg_temp.story('
	1 web user_id:u2 phone:+493012346
	1 web phone:+493012346 email:c@x.de
	1 web phone:+493012345 email:c@x.de
	1 web user_id:u1 phone:+493012345');
SELECT pg_temp.story('
	1 web device_id:b anonymous_id:c1
	1 web device_id:c anonymous_id:c1
	1 web device_id:a anonymous_id:c1
	rule device_id max_per_profile 2');

-- The sixth e-mail address of a customer is left outside; the events of its
-- record are the customer's all the same.
SELECT pg_temp.story('
	7 web user_id:u1 email:e7@x.de
	6 web user_id:u1 email:e6@x.de
	5 web user_id:u1 email:e5@x.de
	4 web user_id:u1 email:e4@x.de
	3 web user_id:u1 email:e3@x.de
	2 web user_id:u1 email:e2@x.de');
SELECT pg_temp.owner_of('email:e7@x.de user_id:u1');

-- Limits count by source where the type does: one customer of two CRMs, but
-- not two of one.
SELECT pg_temp.story('
	1 crm crm_id:7 email:ann@x.de
	2 crm2 crm_id:7 email:ann@x.de
	3 web email:ann@x.de anonymous_id:c1
	4 web anonymous_id:c1 phone:+493012345
	5 crm crm_id:8 phone:+493012345');

-- Two accounts on one record: they stay two, and what came with both is
-- shared.
SELECT pg_temp.story('1 web user_id:u2 user_id:u1 anonymous_id:c1');
SELECT pg_temp.owner_of('anonymous_id:c1 user_id:u1 user_id:u2');

-- Two limits at once: the stronger type is named; of equal priority the one
-- that was added first.
SELECT pg_temp.story('
	rule phone max_per_profile 1
	rule card max_per_profile 1
	1 web phone:+493012345 card:k1
	1 web phone:+493012346 card:k2
	2 web card:k1 anonymous_id:c1
	3 web card:k2 anonymous_id:c1');
SELECT pg_temp.and_then('
	rule email max_per_profile 1
	rule email stands_in false
	1 web phone:+493012345 email:ann@x.de
	1 web phone:+493012346 email:bob@x.de');

-- A value of a data provider joins an unknown identifier to a known one, and
-- never two that are known.
SELECT pg_temp.story('
	1 web user_id:u1 third_party_id:t1
	2 web third_party_id:t1 anonymous_id:c1
	3 web third_party_id:t1 email:ann@x.de');
-- what else joins the two does; then nothing is refused
SELECT pg_temp.and_then('4 web user_id:u1 email:ann@x.de');
-- known is what is known by then: the number came to the cookie first
SELECT pg_temp.story('
	1 web anonymous_id:c1 phone:+493012345
	2 web anonymous_id:c1 third_party_id:t1
	3 web user_id:u1 third_party_id:t1');
-- unknown ones it joins, and then one account with all of them
SELECT pg_temp.story('
	1 web anonymous_id:c1 third_party_id:t1
	2 web anonymous_id:c2 third_party_id:t1
	3 web anonymous_id:c2 user_id:u1
	4 web third_party_id:t1 phone:+493012345');
SELECT pg_temp.and_then('rule third_party_id joins_known true');

-- never: the two part at the weakest link between them; the reason goes
-- before a limit.
SELECT pg_temp.story('
	1 web anonymous_id:c1 email:ann@x.de
	2 web anonymous_id:c1 device_id:d1
	3 web device_id:d1 anonymous_id:c2
	never email:ann@x.de anonymous_id:c2');
SELECT pg_temp.and_then('rule anonymous_id max_per_profile 1');
SELECT pg_temp.and_then('undecide email:ann@x.de anonymous_id:c2');
-- of two that have nothing to do with each other: it is remembered
SELECT pg_temp.story('
	1 web user_id:u1
	1 web email:ann@x.de
	never user_id:u1 email:ann@x.de');
SELECT pg_temp.and_then('2 web user_id:u1 email:ann@x.de anonymous_id:c1');

-- always: without evidence, and for shared and expired identifiers too.
SELECT pg_temp.story('
	1 web user_id:u1 device_id:kiosk
	1 web user_id:u2 device_id:kiosk
	1 web anonymous_id:c1
	-99 web third_party_id:old
	always user_id:u1 device_id:kiosk
	always anonymous_id:c1 user_id:u1
	always third_party_id:web/old user_id:u2');
SELECT pg_temp.owner_of('device_id:kiosk user_id:u2');
SELECT pg_temp.and_then('undecide user_id:u1 device_id:kiosk');
-- it goes beyond limits, and what has no account still joins; who has more
-- does not
SELECT pg_temp.and_then('
	always user_id:u1 user_id:u2
	2 web user_id:u1 email:ann@x.de
	3 web anonymous_id:c1 phone:+493012345
	4 web phone:+493012345 user_id:u3');

-- An identifier expires when it was not seen for so long, to the second.
SELECT pg_temp.story('
	1 web third_party_id:t1 anonymous_id:c1
	2 web anonymous_id:c1 user_id:u1
	clock 2026-07-29T23:59:59');
SELECT pg_temp.and_then('clock 2026-07-30T00:00');
-- seen again elsewhere it links again, in the old set too
SELECT pg_temp.and_then('80 web third_party_id:t1');
SELECT pg_temp.and_then('clock 2026-12-01T00:00');
-- the same set seen again
SELECT pg_temp.and_then('200 web third_party_id:t1 anonymous_id:c1');
-- long gone when it comes
SELECT pg_temp.and_then('1 web third_party_id:t2 user_id:u1');
-- an account that expired makes nothing shared, until it is back
SELECT pg_temp.story('
	rule user_id time_to_live 20days
	1 web user_id:u1 device_id:d1
	30 web user_id:u2 device_id:d1');
SELECT pg_temp.and_then('30 web user_id:u1');

-- Without any account the e-mail address tells people apart.
SELECT pg_temp.story('
	1 web email:ann@x.de device_id:d1
	2 web email:bob@x.de device_id:d1');
-- the first account ends that
SELECT pg_temp.and_then('3 web user_id:u1 anonymous_id:c1');
-- with its evidence taken back, or itself blocked, there is none
SELECT pg_temp.and_then('retract web user_id:u1 anonymous_id:c1');
SELECT pg_temp.and_then('unretract web user_id:u1 anonymous_id:c1');
SELECT pg_temp.and_then('block user_id:u1');

-- A set that was taken back links nothing and shows nothing to be shared; its
-- events stay with its strongest member that has other evidence.
SELECT pg_temp.story('
	1 web user_id:u1 device_id:d1
	2 web user_id:u2 device_id:d1 anonymous_id:c1
	3 web anonymous_id:c1 device_id:d1');
SELECT pg_temp.and_then('retract web user_id:u2 device_id:d1 anonymous_id:c1');
SELECT pg_temp.owner_of('anonymous_id:c1 device_id:d1 user_id:u2');
SELECT pg_temp.and_then('unretract web user_id:u2 device_id:d1 anonymous_id:c1');

-- A blocked identifier, or one that only describes, is nobody's and joins
-- nobody, whatever was decided.
SELECT pg_temp.story('
	1 web email:info@shop.de user_id:u1 ip:10.0.0.1
	1 web email:info@shop.de anonymous_id:c1
	1 web device_id:d1 anonymous_id:c2
	always device_id:d1 user_id:u1
	block device_id:d1');
SELECT pg_temp.and_then('unblock device_id:d1');

-- Owners: the strongest that links; else the strongest that is shared or
-- expired; else nobody.
SELECT pg_temp.story('
	1 web user_id:u1 device_id:d1 email:e@x.de
	1 web user_id:u2 device_id:d1 email:e@x.de
	1 web device_id:d1 email:e@x.de anonymous_id:c1
	1 web device_id:d1 email:e@x.de
	-99 web device_id:d1 third_party_id:t1
	1 web device_id:00 ip:10.0.0.1');
SELECT ids, pg_temp.owner_of(ids)
FROM unnest(ARRAY['anonymous_id:c1 device_id:d1 email:e@x.de', 'device_id:d1 email:e@x.de',
	'device_id:d1 third_party_id:web/t1', 'device_id:00 ip:10.0.0.1']) AS ids;
DROP SCHEMA identity_test CASCADE;
