-- store.sql: the store of store.sh.
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', currency => 'EUR'), cdp.add_source('web');
\ir meter.sql
SELECT setseed(0.5);

INSERT INTO cdp.inbox (source, record)
SELECT 'web', format('{"type": "identify", "userId": "u%s", "messageId": "i%s", "timestamp": "2024-06-01T00:00:00Z", "traits": {"country": "%s"}}',
	n, n, (ARRAY['BR', 'DE', 'IN', 'US'])[1 + n % 4])
FROM generate_series(1, :profiles) AS n;
CALL cdp.merge();

-- One set a profile.  Customers of a BG/NBD model with r = a = 1: they buy at a
-- rate that is exponential of mean 1 in 12 weeks, and leave after each purchase
-- with a probability of their own, beta(1, 2.5); they come at any time.
CREATE TABLE bench.owner AS
SELECT set_id, profile_id, row_number() OVER ()::integer AS n,
	-ln(1 - random()) / 12 AS weekly, 1 - power(random(), 1 / 2.5) AS leaves,
	timestamptz '2026-06-01 00:00+00' - random() * interval '729 days' AS first_at,
	exp(3 + random()) AS spends
FROM cdp._set_profile;
ALTER TABLE bench.owner ADD PRIMARY KEY (n);
CREATE TABLE bench.placed AS
WITH RECURSIVE placed AS (
	SELECT n, first_at AS at, 1 AS number FROM bench.owner
	UNION ALL
	SELECT owner.n, placed.at - ln(1 - random()) / owner.weekly * interval '7 days', number + 1
	FROM placed JOIN bench.owner ON owner.n = placed.n
	WHERE random() >= owner.leaves
		AND number < 500 AND placed.at < '2026-06-01' AND owner.weekly > 1e-4
)
SELECT n, at FROM placed WHERE at < '2026-06-01';
ANALYZE bench.owner, bench.placed;

-- Of the other events two thirds are of the ten days before some order, the
-- rest of any time; the squared draw makes few people do much.
SELECT cdp._timeline_learn_names('{page_view,product_view,search,cart_add,order,email_open,email_click}');
SELECT cdp._make_event_months(ARRAY(SELECT (date '2024-05-01' + make_interval(months => n))::date FROM generate_series(0, 25) AS n));
CREATE TABLE bench.place AS
SELECT row_number() OVER ()::integer AS number, n, at FROM bench.placed;
ALTER TABLE bench.place ADD PRIMARY KEY (number);
INSERT INTO cdp.event (source_id, name, occurred_at, received_at, set_id, amount, properties)
SELECT 1, made.name, made.at, made.at, owner.set_id, made.amount, made.properties
FROM (
	SELECT n, 'order' AS name, date_trunc('milliseconds', at) AS at, round((spends * (0.5 + random()))::numeric, 2) AS amount, '{}'::jsonb AS properties
	FROM bench.placed JOIN bench.owner USING (n)
	UNION ALL
	SELECT coalesce(place.n, floor(power(random(), 2) * :profiles)::integer + 1), drawn.name,
		date_trunc('milliseconds', coalesce(place.at - random() * interval '10 days', timestamptz '2026-06-01 00:00+00' - random() * interval '729 days')),
		NULL, CASE WHEN drawn.name = 'product_view' THEN jsonb_build_object('product_id', 'p' || floor(power(random(), 2) * 2000)) ELSE '{}' END
	FROM (
		SELECT CASE WHEN random() < 0.667 THEN floor(random() * (SELECT count(*) FROM bench.place))::integer + 1 END AS number,
			(ARRAY['page_view', 'page_view', 'page_view', 'page_view', 'product_view', 'product_view',
				'search', 'cart_add', 'email_open', 'email_click'])[1 + floor(random() * 10)::integer] AS name
		FROM generate_series(1, :events)
	) AS drawn
	LEFT JOIN bench.place ON place.number = drawn.number
) AS made
JOIN bench.owner ON owner.n = made.n
WHERE made.at < '2026-06-01'
ORDER BY made.at;
ANALYZE cdp.event;
SELECT cdp._timeline_make(NULL);
SELECT cdp.rebuild_profiles();

CREATE TABLE bench.few AS
SELECT array_agg(profile_id) AS ids FROM (SELECT profile_id FROM bench.owner WHERE n % (:profiles / 1000) = 0 LIMIT 1000) AS chosen;
CREATE SEQUENCE bench.call;
CREATE PROCEDURE bench.ingest() LANGUAGE plpgsql AS $$
DECLARE
	call bigint;
BEGIN
	FOR i IN 1 .. 1000 LOOP
		call := nextval('bench.call');
		PERFORM cdp.ingest('web', format('{"type": "track", "event": "order", "userId": "u%s", "messageId": "b%s", "timestamp": "2026-05-31T12:00:00Z", "properties": {"total": 20, "currency": "EUR"}}',
			call * 7, call)::jsonb);
	END LOOP;
END
$$;
VACUUM (FREEZE, ANALYZE);
