-- Segments that fail when they are evaluated: the others go on, the error is
-- told, and what mends the cause mends the segment.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET timezone = 'UTC';
DELETE FROM cdp.segment;
SELECT cdp.add_source('shop') \g /dev/null
INSERT INTO cdp.trait (name, type) VALUES ('age', 'number');
CREATE FUNCTION pg_temp.told(n integer, traits jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.ingest('shop', jsonb_build_object('type', 'identify', 'messageId', n::text || traits, 'userId', 'u' || n, 'traits', traits))
$$;
SELECT pg_temp.told(1, '{"age": 20, "city": "A"}'), pg_temp.told(2, '{"age": 40, "city": "B"}'), pg_temp.told(3, '{}') \g /dev/null
SELECT cdp.define_segment('grown', 'age > 30'), cdp.define_segment('in_a', 'city = ''A'''),
	cdp.define_segment('young_or_in_a', 'not in_segment(''grown'') or in_segment(''in_a'')'), cdp.define_segment('all', 'true') \g /dev/null
SELECT cdp.refresh_segments();
CREATE FUNCTION pg_temp.show() RETURNS TABLE (segment text, members text, size bigint, error text) LANGUAGE sql AS $$
	SELECT segment.name, (SELECT string_agg(value, ' ' ORDER BY value) FROM cdp.segment_member AS member
			JOIN cdp.profile_identifier AS known USING (profile_id) WHERE member.segment = segment.name AND known.type = 'user_id'),
		segment.size, segment.error
	FROM cdp.segment ORDER BY segment.name
$$;
SELECT * FROM pg_temp.show();

-- a trait becomes of another type: what compares it with a number fails, and
-- so does what stands on that; both keep their members
UPDATE cdp.trait SET type = 'text' WHERE name = 'age';
SELECT pg_temp.told(1, '{"city": "B"}') \g /dev/null
SELECT * FROM pg_temp.show();
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.show();
-- the next ingest leaves them alone, a run says so and is done
SELECT pg_temp.told(3, '{"city": "A"}') \g /dev/null
SELECT * FROM pg_temp.show();
CALL cdp.merge();
SELECT state, phase, error FROM cdp.run ORDER BY run_id DESC LIMIT 1;
-- the cause is mended: so are they
UPDATE cdp.trait SET type = 'number' WHERE name = 'age';
CALL cdp.merge();
SELECT state, phase, error FROM cdp.run ORDER BY run_id DESC LIMIT 1;
SELECT * FROM pg_temp.show();
-- or a new definition is the remedy
UPDATE cdp.trait SET type = 'text' WHERE name = 'age';
SELECT cdp.refresh_segments();
SELECT cdp.define_segment('grown', 'age = ''40''') \g /dev/null
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.show();

-- a segment that others stand on is gone, whatever cdp.drop_segment() says
SELECT cdp.drop_segment('in_a');
DELETE FROM cdp.segment WHERE name = 'in_a';
SELECT pg_temp.told(2, '{"city": "C"}') \g /dev/null
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.show();
SELECT cdp.define_segment('in_a', 'city = ''A''') \g /dev/null
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.show();

-- all fail: nothing is lost
UPDATE cdp.segment_definition SET predicate = 'in_segment(''nosuch'')';
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.show();
SELECT pg_temp.told(2, '{"city": "A"}') IS NOT NULL AS taken;
DELETE FROM cdp.segment;

-- only together they ask for more properties than can be had: each is evaluated
SELECT cdp.ingest('shop', jsonb_build_object('type', 'track', 'event', 'order', 'messageId', 'o', 'userId', 'u1', 'timestamp', '2026-05-01T00:00:00Z',
	'properties', (SELECT jsonb_object_agg('p' || n, n) FROM generate_series(1, 300) AS n))) IS NOT NULL AS taken;
SELECT count(*) FROM (SELECT cdp.define_segment('wide_' || k, (SELECT string_agg(format('did(order where p%s is not null)', n), ' and ' ORDER BY n)
		|| CASE k WHEN 3 THEN ' and count(order where p300 > 0) > 1' ELSE '' END
	FROM generate_series(100 * k - 99, 100 * k) AS n)::cdp.predicate) FROM generate_series(1, 3) AS k) AS defined;
SELECT cdp.refresh_segments();
SELECT * FROM pg_temp.show();
SELECT cdp.ingest('shop', '{"type": "track", "event": "order", "messageId": "p", "userId": "u1", "timestamp": "2026-05-02T00:00:00Z", "properties": {"p300": 1}}') IS NOT NULL AS taken;
SELECT * FROM pg_temp.show();
