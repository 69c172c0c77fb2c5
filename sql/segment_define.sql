-- Segments in a store: definition, versions, refusal, starter, evaluation.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
DELETE FROM cdp.segment;

-- three profiles made by hand: ann buys often, bob once and long ago, and
-- somebody left a cart this morning
INSERT INTO cdp.profile (profile_id, root, founder, ord, created_at, rooted_at)
SELECT id, id, id, id, '2026-01-01', '2026-01-01' FROM generate_series(1, 3) AS id;
INSERT INTO cdp.profile_current (profile_id, ord, kind, traits, identifiers, consents, sources,
	first_seen, last_seen, events, orders, gross_revenue, revenue, first_order_at, last_order_at, as_of)
VALUES
	(1, 1, 'known', '{"country": "DE", "vip": true}', '{"email": ["ann@example.com"]}', '{}', '{web}',
		'2025-01-01', '2026-05-30', 4, 3, 350, 350, '2025-01-01', '2026-05-30', '2026-06-01'),
	(2, 2, 'known', '{"country": "BR"}', '{"email": ["bob@example.com"]}', '{}', '{web}',
		'2025-02-01', '2025-02-01', 1, 1, 50, 50, '2025-02-01', '2025-02-01', '2026-06-01'),
	(3, 3, 'anonymous', '{}', '{}', '{}', '{web}',
		'2026-06-01 07:00+00', '2026-06-01 07:30+00', 2, 0, 0, 0, NULL, NULL, '2026-06-01');
INSERT INTO cdp.event_name (name)
SELECT name FROM unnest(ARRAY['order', 'cart_add', 'page_view']) AS name
ON CONFLICT (name) DO NOTHING;
INSERT INTO cdp.timeline_chunk (profile_id, chunk, data)
SELECT profile_id, 1, cdp.timeline_agg(name_id, at, amount, '{}')
FROM (VALUES
		(1, 'order', '2025-01-01'::timestamptz, 100.0), (1, 'order', '2026-05-01', 200), (1, 'order', '2026-05-30', 50),
		(1, 'cart_add', '2026-05-29 23:00+00', NULL),
		(2, 'order', '2025-02-01', 50),
		(3, 'page_view', '2026-06-01 07:00+00', NULL), (3, 'cart_add', '2026-06-01 07:30+00', NULL))
	AS made (profile_id, name, at, amount)
	JOIN cdp.event_name USING (name)
GROUP BY profile_id;
INSERT INTO cdp.trait (name, type) VALUES ('vip', 'boolean')
ON CONFLICT (name) DO UPDATE SET type = 'boolean';

-- defining, and defining again: a version for each change, none for the same
SELECT cdp.define_segment('germans', 'Country = ''DE''', 'live in Germany') > 0 AS defined;
SELECT cdp.define_segment('germans', 'country   = ''DE''') = segment_id AS same FROM cdp.segment;
SELECT cdp.define_segment('germans', 'country in (''DE'', ''AT'')') = segment_id AS same FROM cdp.segment;
SELECT name, predicate, version, description, active, author = current_user AS mine, defined_at, size, error
FROM cdp.segment;
SELECT version, predicate, description, author = current_user AS mine, defined_at
FROM cdp.segment_version ORDER BY version;

-- the zone that a predicate needs is the store's at the time of definition
SELECT cdp.define_segment('this_week', 'did(order, this week)') > 0 AS defined;
SELECT cdp.define_segment('tokyo_week', 'did(order, this week) at time zone ''Asia/Tokyo''') > 0 AS defined;
SELECT cdp.define_segment('seven_days', 'did(order, 7 days)') > 0 AS defined;
SELECT name, predicate FROM cdp.segment ORDER BY name;

-- what is probably not meant is noticed
SET client_min_messages = notice;
SELECT cdp.define_segment('typo', 'contry != ''DE'' or did(ordr)') > 0 AS defined;

-- what cannot be evaluated is refused
SELECT cdp.define_segment('Big Spenders', 'vip');
SELECT cdp.define_segment(NULL, 'vip');
SELECT cdp.define_segment('nothing', NULL);
SELECT cdp.define_segment('lost', 'in_segment(''germanz'')');
SELECT cdp.define_segment('coupon', 'count(order where coupon = ''X'') > 1');
SELECT cdp.define_segment('wrong', 'vip = 5');
SELECT cdp.define_segment('syntax', 'vip and');

-- segments of segments, but no circles, direct or not
SELECT cdp.define_segment('good_germans', 'in_segment(''germans'') and vip') > 0 AS defined;
SELECT cdp.define_segment('best_germans', 'in_segment(''good_germans'') and count(order) >= 3') > 0 AS defined;
SELECT cdp.define_segment('self', 'in_segment(''self'')');
SELECT cdp.define_segment('germans', 'in_segment(''best_germans'')');
SELECT name, version FROM cdp.segment WHERE name LIKE '%germans' ORDER BY name;

-- dropping: not what others stand on
SELECT cdp.drop_segment('germans');
SELECT cdp.drop_segment('typo');
SELECT cdp.drop_segment('typo');

-- who is in, at which instant
SELECT profile_id, ord, matched
FROM cdp._evaluate_all(ARRAY['in_segment(''best_germans'')', 'kind = ''known''', 'did(cart_add, 1 day)']::cdp.predicate[])
ORDER BY profile_id;
SELECT profile_id, matched
FROM cdp._evaluate_all(ARRAY['did(order, 30 days)']::cdp.predicate[], '2026-05-31', ARRAY[1, 2, 99])
ORDER BY profile_id;
SELECT cdp.segment_size('did(order)') AS ever, cdp.segment_size('did(order)', '2025-02-01') AS before,
	cdp.segment_size('not did(order)') AS never, cdp.segment_size('vip is null') AS unknown;
SELECT cdp.is_member(1, 'vip') AS ann, cdp.is_member(2, 'vip') AS bob, cdp.is_member(99, 'vip') AS nobody,
	cdp.is_member(3, 'sequence(cart_add then no order within 4 hours)') AS abandoned,
	cdp.is_member(3, 'sequence(cart_add then no order within 4 hours)', '2026-06-01 11:29:59.999999+00') AS not_yet,
	cdp.is_member(3, 'sequence(cart_add then no order within 4 hours)', '2026-06-01 11:30+00') AS now;
SELECT * FROM cdp.predicate_check('contry = ''DE'' and sum(order.price) > 1 and in_segment(''germany'')');

-- the starter segments are all defined, and mean what they say
SELECT cdp._segment_starter();
SELECT name, segment.version, segment.predicate, segment.description
FROM cdp.segment JOIN cdp.segment_version USING (segment_id)
WHERE segment.description IS NOT NULL AND name <> 'germans'
ORDER BY name;
SELECT cdp._segment_starter();
SELECT max(version) AS still FROM cdp.segment WHERE name = 'sleeping';
INSERT INTO cdp.profile_score (profile_id, rfm_monetary, churn_band, scores, as_of)
VALUES (1, 5, 'high', '{"clv": {"value": 100, "percentile": 95}}', '2026-06-01');
SELECT name, (SELECT array_agg(profile_id ORDER BY profile_id)
	FROM cdp._evaluate_all(ARRAY[predicate::cdp.predicate]) WHERE matched <> '{}') AS members
FROM cdp.segment
WHERE name IN ('new_customers', 'abandoned_cart', 'lapsed_vip', 'at_risk_high_value', 'sleeping', 'one_time_buyers')
ORDER BY name;
SELECT cdp.is_member(1, 'in_segment(''lapsed_vip'')', '2026-11-26 00:00+00') AS after_179_days,
	cdp.is_member(1, 'in_segment(''lapsed_vip'')', '2026-11-26 00:00:00.000001+00') AS lapsed;
