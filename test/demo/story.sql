-- story.sql: questions that teams ask, each answer under the SQL that gave it.
\pset footer off
\pset null ''
\pset linestyle ascii

SELECT profile_id AS mara FROM cdp.unified_profile
WHERE email = 'mara.lindner@example.com' \gset
\set ECHO queries

\echo '## How many records became how many profiles?'
SELECT sum(records) AS records, sum(duplicates) AS sent_twice, sum(rejected) AS rejected,
	(SELECT count(*) FROM cdp.unified_profile WHERE kind = 'known') AS customers,
	(SELECT count(*) FROM cdp.unified_profile WHERE kind <> 'known') AS nameless_visitors
FROM cdp.ingest_count;
\echo '## What was rejected, and why? (The raw record is kept, to be mended and retried.)'
SELECT reason, count(*) AS records, left(min(record), 63) AS example
FROM cdp.reject GROUP BY reason ORDER BY 2 DESC, 1;
\echo '## Who is customer 4711? Two CRMs have that number, and it is two people.'
SELECT profile_id, name, city, crm_id, orders, round(revenue, 2) AS revenue, sources
FROM cdp.unified_profile, jsonb_array_elements_text(identifiers -> 'crm_id') AS crm_id
WHERE crm_id LIKE '%/4711' ORDER BY revenue DESC;
\echo '## How do we know that a cookie of the web shop is the one in the north, Mara?'
SELECT says FROM cdp.explain_identity('anonymous_id:c-71f0a2', 'crm_id:crm_north/4711');
\echo '## What did Mara buy before, and where?'
SELECT event.occurred_at::date AS bought, product_name AS product, amount::numeric(9,2), source
FROM cdp.profile_event AS event JOIN cdp.event_product AS product USING (profile_id, event_id)
WHERE profile_id = :mara AND event.name = 'order' ORDER BY event.occurred_at DESC LIMIT 3;
\echo '## Which segments is she in? Will she leave, and why do we think so? What is she worth?'
SELECT segments, lifecycle, round(churn_90d::numeric, 2) AS churn_90d, churn_band,
	clv_365d AS worth, clv_365d_low AS mean_from, clv_365d_high AS mean_to
FROM cdp.unified_profile WHERE profile_id = :mara;
SELECT reason FROM cdp.score_reasons(:mara, 'churn');
\echo '## Is that to be believed? A model fitted three months ago said; these customers did. (# did, | said)'
SELECT says FROM cdp.model_report('churn');
SELECT customers, said, did, bar FROM cdp.model_calibration('churn');
\echo '## Whom may we remind of a full cart, whom win back? Audiences are who of a segment agreed.'
SELECT audience, step, members, lost, reason
FROM unnest('{finish_cart,win_back}'::text[]) AS audience, cdp.audience_funnel(audience);
\echo '## For the CRM team: what sells best in each region?'
SELECT DISTINCT ON (region) region, product_name AS product, count(*) AS orders
FROM cdp.event_product AS event JOIN cdp.unified_profile USING (profile_id)
WHERE event.name = 'order' AND region IS NOT NULL
GROUP BY region, product_name ORDER BY region, count(*) DESC;
\set ECHO none
\echo '## Try next (test/demo.sh --keep leaves this server running):'
\echo '   SELECT cdp.define_segment(''tea'', $$sum(order.amount where product_id = ''assam-250'') > 50$$);'
\echo '   SELECT cdp.ingest(''web'', ''{"type": "page", "userId": "u-100001"}'');'
\echo '   SELECT * FROM cdp.health;'
