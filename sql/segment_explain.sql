-- Why a profile is a member or not: hand-checked trees, and for random
-- predicates that truth and deciding leaves hold together.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset null '-'
SET timezone = 'UTC';
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.ingest('shop', '{"type": "identify", "messageId": "1", "userId": "ann",
	"traits": {"email": "ann@example.com", "country": "BR", "age": 41, "latitude": 52.5, "longitude": 13.4}}'),
	cdp.ingest('shop', '{"type": "track", "event": "order", "messageId": "2", "userId": "ann",
	"timestamp": "2026-05-01T00:00:00Z", "properties": {"total": 10, "currency": "EUR"}}'),
	cdp.ingest('shop', '{"type": "track", "event": "order", "messageId": "3", "userId": "ann",
	"timestamp": "2026-05-31T00:00:00Z", "properties": {"total": 30.5, "currency": "EUR"}}'),
	cdp.ingest('shop', '{"type": "track", "event": "page_view", "messageId": "4", "userId": "ann",
	"timestamp": "2026-05-31T12:00:00Z"}') \g /dev/null
CALL cdp.merge();
SELECT cdp.find_profile('email', 'ann@example.com') AS ann \gset
CREATE FUNCTION pg_temp.why(cdp.predicate) RETURNS TABLE (node text, truth text, value text, decides text)
LANGUAGE sql AS $$
	SELECT node, truth, value, CASE WHEN decides THEN 'decides' END
	FROM cdp.explain_membership(cdp.find_profile('email', 'ann@example.com'), $1) ORDER BY line
$$;

-- the first false link of "and"; values of aggregates, of what they begin at
SELECT * FROM pg_temp.why('country = ''BR'' and count(order, 90 days) >= 3 and sum(order.amount) > 100
	and did(page_view, since last(order))');
-- true "and": all links; true "or": the first
SELECT * FROM pg_temp.why('country = ''BR'' and (age < 18 or age between 40 and 50 or did(order)) and not did(refund)');
-- unknown: what is unknown
SELECT * FROM pg_temp.why('country = ''BR'' and (shoe_size > 40 or age < 18) and hat = 3');
-- tests of every kind, and what they look at
SELECT * FROM pg_temp.why('country in (''PT'', ''BR'') and email like ''ann%'' and age + 1 = -(3 - 45)
	and shoe_size is null and (age > 40) is true and tags contains any (''a'', ''b'') and lower(country) != ''x''');
SELECT * FROM pg_temp.why('sequence(order then page_view within 1 day) and near(latitude, longitude, 52.52, 13.4, 50)
	and first(order) < now - 30 days and max(order.amount) is distinct from 5');
-- a bare question, a constant, a boolean trait that is none
SELECT * FROM pg_temp.why('did(order)');
SELECT * FROM pg_temp.why('true');
SELECT * FROM pg_temp.why('country');
SELECT * FROM pg_temp.why('false and vip and not beard');
SELECT * FROM pg_temp.why('not (not false)');

-- segments within segments and computed traits, by what they stand for
SELECT cdp.define_segment('grown', 'age >= 18') \g /dev/null
SELECT cdp.define_segment('buyer', 'in_segment(''grown'') and (count(order) > 5 or hat = 3)') \g /dev/null
SELECT cdp.define_computed_trait('idle', 'days_since(any)') \g /dev/null
SELECT * FROM pg_temp.why('not in_segment(''buyer'') and idle < 10');
SELECT line, node, truth, value, decides FROM cdp.explain_membership(:ann, 'buyer');
-- at another instant
SELECT node, truth, value FROM cdp.explain_membership(:ann, cdp.predicate 'count(order) > 1', '2026-05-30');
SELECT node, truth, value FROM cdp.explain_membership(:ann, segment => 'grown', as_of => '2026-05-30');

-- nobody, nothing, no such segment, no such function
SELECT count(*) FROM cdp.explain_membership(99999, 'grown');
SELECT count(*) FROM cdp.explain_membership(NULL, 'grown');
SELECT count(*) FROM cdp.explain_membership(:ann, NULL::text);
SELECT count(*) FROM cdp.explain_membership(:ann, NULL::cdp.predicate);
SELECT * FROM cdp.explain_membership(:ann, 'age > 3');
SELECT * FROM cdp.explain_membership(:ann, cdp.predicate 'nope(1)');
SELECT * FROM cdp.explain_membership(:ann, 'grown', NULL);

-- random trees of leaves that are true, false or unknown: the first line is
-- what is_member says; if it is true or false, it stays so whatever the leaves
-- are that do not decide; if it is unknown, it would be known if those were
-- that decide
\set seed 3
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE FUNCTION pg_temp.make(depth integer) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	dice double precision := random();
BEGIN
	IF depth = 0 OR dice < 0.15 THEN
		RETURN format('%s = %s', (ARRAY['41', 'age', 'shoe_size', 'age', 'count(order)'])[1 + floor(random() * 5)],
			(ARRAY['41', '2'])[1 + floor(random() * 2)]);
	ELSIF dice < 0.3 THEN
		RETURN format('not (%s)', pg_temp.make(depth - 1));
	END IF;
	RETURN format(CASE WHEN dice < 0.65 THEN '(%s) and (%s) and (%s)' ELSE '(%s) or (%s) or (%s)' END,
		pg_temp.make(depth - 1), pg_temp.make(depth - 1), pg_temp.make(depth - 1));
END
$$;
-- the truth of such a tree in plain SQL
CREATE FUNCTION pg_temp.oracle(predicate text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	answer boolean;
BEGIN
	EXECUTE 'SELECT ' || replace(replace(replace(predicate, 'age', '41'), 'shoe_size', 'NULL::integer'), 'count(order)', '2')
	INTO answer;
	RETURN answer;
END
$$;
-- the tree as its lines tell it, with the leaves that decide, or the others,
-- made another: lines are read backwards, so children wait for their parent
CREATE FUNCTION pg_temp.turned(predicate text, those_that_decide boolean, another text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told record;
	depth integer;
	stack text[] := '{}';
	levels integer[] := '{}';
	top integer;
	parts text[];
BEGIN
	FOR told IN
		SELECT node, truth, decides FROM cdp.explain_membership(
			cdp.find_profile('email', 'ann@example.com'), predicate::cdp.predicate)
		WHERE truth IS NOT NULL ORDER BY line DESC
	LOOP
		depth := (length(told.node) - length(ltrim(told.node))) / 2;
		parts := '{}';
		WHILE cardinality(levels) > 0 AND levels[cardinality(levels)] > depth LOOP
			top := cardinality(levels);
			parts := parts || stack[top];
			stack := stack[:top - 1];
			levels := levels[:top - 1];
		END LOOP;
		stack := stack || CASE ltrim(told.node)
			WHEN 'and' THEN '(' || array_to_string(parts, ' and ') || ')'
			WHEN 'or' THEN '(' || array_to_string(parts, ' or ') || ')'
			WHEN 'not' THEN '(not ' || parts[1] || ')'
			ELSE CASE WHEN told.decides = those_that_decide THEN another ELSE ltrim(told.node) END END;
		levels := levels || depth;
	END LOOP;
	RETURN stack[1];
END
$$;
CREATE TEMP TABLE random_tree AS
SELECT n, pg_temp.make(3) AS predicate FROM generate_series(1, 150) AS n;
SELECT count(*) AS trees, count(DISTINCT first.truth) AS truths,
	count(*) FILTER (WHERE first.truth <> coalesce(pg_temp.oracle(predicate)::text, 'unknown')) AS wrong,
	count(*) FILTER (WHERE (first.truth = 'true') <> cdp.is_member(:ann, predicate::cdp.predicate)) AS not_is_member,
	count(*) FILTER (WHERE pg_temp.oracle(pg_temp.turned(predicate, NULL, ''))
		IS DISTINCT FROM pg_temp.oracle(predicate)) AS badly_told,
	count(*) FILTER (WHERE first.truth <> 'unknown' AND EXISTS (
		SELECT FROM unnest('{age = 41,age = 999,shoe_size = 1}'::text[]) AS leaf
		WHERE pg_temp.oracle(pg_temp.turned(predicate, false, leaf))
			IS DISTINCT FROM pg_temp.oracle(predicate))) AS not_sufficient,
	count(*) FILTER (WHERE first.truth = 'unknown' AND EXISTS (
		SELECT FROM unnest('{age = 41,age = 999}'::text[]) AS leaf
		WHERE pg_temp.oracle(pg_temp.turned(predicate, true, leaf)) IS NULL)) AS not_needed
FROM random_tree
	CROSS JOIN LATERAL (SELECT told.truth FROM cdp.explain_membership(:ann, predicate::cdp.predicate) AS told
		WHERE line = 1) AS first;
-- no predicate is no mistake, and no answer
SELECT cdp.segment_size(NULL) AS size, cdp.is_member(:ann, NULL) AS is_member,
	(SELECT count(*) FROM cdp.explain_membership(:ann, NULL::cdp.predicate)) AS lines;
