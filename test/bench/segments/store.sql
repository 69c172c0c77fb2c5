-- store.sql: the store of segments.sh, and the flat table of its peers; with what
-- the file :more writes into the log, too (insight.sh).
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', currency => 'EUR', starter => false), cdp.add_source('web');
SELECT setseed(0.5);
CREATE SCHEMA bench;

INSERT INTO cdp.inbox (source, record)
SELECT 'web', format('{"type": "identify", "userId": "u%s", "messageId": "i%s", "timestamp": "2025-06-01T00:00:00Z", "traits": {"country": "%s"}}',
	n, n, (ARRAY['BR', 'DE', 'IN', 'US'])[1 + n % 4])
FROM generate_series(1, :profiles) AS n;
CALL cdp.merge();

-- one set a profile, in random order of activity
CREATE TABLE bench.owner AS
SELECT set_id, profile_id, row_number() OVER (ORDER BY random())::integer AS n FROM cdp._set_profile;
ALTER TABLE bench.owner ADD PRIMARY KEY (n);
ANALYZE bench.owner;
SELECT cdp._timeline_learn_names('{page_view,product_view,search,cart_add,order,email_open,email_click}');

INSERT INTO cdp.event (source_id, name, occurred_at, received_at, set_id, amount, properties)
SELECT 1, made.name, made.at, made.at, owner.set_id, made.amount, made.properties
FROM (
	SELECT name, at, floor(power(random(), 2) * :profiles)::integer + 1 AS n,
		CASE WHEN name = 'order' THEN (500 + floor(random() * 20000)) / 100 END AS amount,
		CASE WHEN name IN ('order', 'cart_add', 'product_view') THEN
			jsonb_build_object('product_id', 'p' || floor(power(random(), 2) * 2000), 'category', 'c' || floor(random() * 20)) ELSE '{}' END AS properties
	FROM (
		SELECT (ARRAY['page_view', 'page_view', 'page_view', 'page_view', 'page_view', 'product_view', 'product_view',
				'search', 'cart_add', 'order', 'email_open', 'email_click'])[1 + floor(random() * 12)::integer] AS name,
			date_trunc('milliseconds', timestamptz '2026-06-01 00:00+00' - random() * interval '365 days') AS at
		FROM generate_series(1, :events)
	) AS happened
) AS made
JOIN bench.owner ON owner.n = made.n
ORDER BY made.at;
\if :{?more}
\i :more
\endif
ANALYZE cdp.event;
SELECT cdp._timeline_make(NULL);

CREATE TABLE bench.event AS
SELECT owner.profile_id, event.name::text AS name, (event.occurred_at AT TIME ZONE 'UTC')::timestamp(3) AS occurred_at, event.amount,
	event.properties ->> 'product_id' AS product_id, event.properties ->> 'category' AS category
FROM cdp.event JOIN bench.owner USING (set_id)
ORDER BY event.occurred_at;
CREATE INDEX event_name_at_idx ON bench.event (name, occurred_at) INCLUDE (profile_id, amount, product_id, category);
CREATE INDEX event_at_idx ON bench.event (occurred_at) INCLUDE (profile_id);
CREATE TABLE bench.profile AS SELECT profile_id FROM cdp.profile_current;
ALTER TABLE bench.profile ADD PRIMARY KEY (profile_id);
CREATE TABLE bench.took (round integer, what text, n integer, seconds double precision, members bigint);
CREATE FUNCTION bench.cpu() RETURNS double precision LANGUAGE sql VOLATILE AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint / 1e9 $$;
VACUUM (FREEZE, ANALYZE);
