-- segments_story.sql: who is in which segment, at which instant, and why; the
-- records of the six systems are merged already.
\pset footer off
\pset null ''
\pset linestyle ascii

\echo '## A cart is left at 11:00; it is abandoned four hours later, to the microsecond'
SELECT cdp.ingest('web', '{"type": "track", "event": "Product Added", "userId": "u-cart", "messageId": "seg-1", "timestamp": "2026-06-01T09:00:00Z",
	"traits": {"email": "cora@example.com"}, "properties": {"cart_id": "k-1", "product_id": "assam-250"}, "consent": [{"purpose": "marketing", "channel": "email", "state": "granted", "at": "2026-05-01T00:00:00Z"}]}') AS cora \gset
CALL cdp.merge();
\set ECHO queries
SELECT predicate FROM cdp.segment WHERE name = 'abandoned_cart';
SELECT at AT TIME ZONE 'Europe/Berlin' AS at, cdp.is_member(:cora, 'in_segment(''abandoned_cart'')', at) AS abandoned
FROM (VALUES (timestamptz '2026-06-01 14:59:59.999999 Europe/Berlin'), ('2026-06-01 15:00:00 Europe/Berlin')) AS instant (at);
\set ECHO none
\echo 'Nothing happened in between, so nothing is written when she becomes a member: the run finds it.'
SET cdp.test_clock = '2026-06-01 14:59:59.999999 Europe/Berlin';
SELECT cdp.refresh_segments(ARRAY['abandoned_cart']) \g /dev/null
SET cdp.test_clock = '2026-06-01 15:00:00 Europe/Berlin';
SELECT cdp.refresh_segments(ARRAY['abandoned_cart']) \g /dev/null
\set ECHO queries
SELECT change, reason, at AT TIME ZONE 'Europe/Berlin' AS at FROM cdp.membership_change WHERE profile_id = :cora
	AND segment_id = (SELECT segment_id FROM cdp.segment WHERE name = 'abandoned_cart');
\set ECHO none

\echo '## She orders inside a transaction, which is then taken back'
SET cdp.test_clock = '2026-06-01 15:20:00 Europe/Berlin';
\set ECHO queries
SELECT count(*) AS in_audience FROM cdp.audience_member WHERE audience = 'finish_cart' AND profile_id = :cora;
BEGIN;
SELECT cdp.ingest('web', '{"type": "track", "event": "Order Completed", "userId": "u-cart", "messageId": "seg-2",
	"timestamp": "2026-06-01T12:59:59Z", "properties": {"order_id": "B-1", "total": 12.90, "currency": "EUR"}}') = :cora AS hers;
SELECT count(*) AS in_audience FROM cdp.audience_member WHERE audience = 'finish_cart' AND profile_id = :cora;
ROLLBACK;
SELECT count(*) AS in_audience FROM cdp.audience_member WHERE audience = 'finish_cart' AND profile_id = :cora;
\set ECHO none
\echo 'The order came late, with a time before the deadline, and still counts: a cart left and bought in time was never abandoned.'

\echo '## Why is she in?'
\set ECHO queries
SELECT node, truth, value, decides
FROM cdp.explain_membership(:cora, cdp.predicate 'in_segment(''abandoned_cart'') and (orders = 0 or sum(order.amount, 90 days) < 20) and consent(''marketing'', ''email'')');
\set ECHO none

\echo '## A property that nobody declared is answered from the log'
\set ECHO queries
SELECT cdp.segment_size('count(page_view where path = ''/tea'') >= 1') AS tea_readers;
SELECT severity, message FROM cdp.predicate_check('count(page_view where path = ''/tea'') >= 1');
\set ECHO none

\echo '## From a segment to those who may be written to'
\set ECHO queries
SELECT step, members, lost, reason, hint FROM cdp.audience_funnel('finish_cart');
\set ECHO none

\echo '## Twenty segments over everything that happened, in one line of time'
SELECT cdp.define_segment('demo_' || n, predicate::cdp.predicate) FROM (VALUES
	(1, 'count(order, 90 days) >= 3'), (2, 'did(order, 30 days)'), (3, 'did(order) and not did(order, 180 days)'), (4, 'sum(order.amount, 1 year) > 200'),
	(5, 'avg(order.amount) > 60'), (6, 'max(order.amount, 90 days) > 100'), (7, 'did(cart_add, 7 days) and not did(order, 7 days)'),
	(8, 'sequence(product_view then order within 7 days same product_id)'), (9, 'count(page_view, 30 days) >= 2'), (10, 'distinct_count(product_view.product_id, 30 days) >= 3'),
	(11, 'active_days(any, 30 days) >= 4'), (12, 'sum(order.amount, 90 days) < 0.5 * sum(order.amount, between 90 and 180 days ago)'), (13, 'first(order) > now - 30 days'),
	(14, 'did(email_open, 30 days) and not did(email_click, 30 days)'), (15, 'last(any) < now - 60 days'), (16, 'count(search, 14 days) >= 2 and not did(order, 14 days)'),
	(17, 'kind = ''known'' and has_id(''phone'')'), (18, 'orders >= 2 and country = ''DE'''), (19, 'count(any, this month) > 0'), (20, 'earliest(order.channel) = ''store'' and latest(order.channel) = ''web''')) AS demo (n, predicate) \g /dev/null
SELECT count(*) AS events FROM cdp.event \gset
SELECT count(*) AS profiles FROM cdp.profile_current \gset
SELECT array_agg(name ORDER BY name) AS demo FROM cdp.segment WHERE name LIKE 'demo\_%' \gset
SELECT clock_timestamp() AS start \gset
SELECT cdp.refresh_segments(:'demo') AS changes \gset
SELECT format('20 segments, %s profiles, %s events: %s ms, %s memberships', :'profiles', :'events',
	round(extract(epoch FROM clock_timestamp() - :'start'::timestamptz) * 1000), sum(size)) AS "one transaction, one instant"
FROM cdp.segment WHERE name LIKE 'demo\_%';
\set ECHO queries
SELECT * FROM cdp.waterfall('{demo_4,demo_2,demo_11}');
SELECT combination, members FROM cdp.overlap('{demo_2,demo_9,demo_11}') ORDER BY cardinality(combination), combination;
\set ECHO none
