-- story.sql: questions that teams ask, each answer under the SQL that gave it.
\pset footer off
\pset null '-'
\set ECHO queries

\echo
\echo '## How many records became how many profiles?'
SELECT sum(records) AS records, sum(stored) AS stored, sum(duplicates) AS sent_twice,
	sum(rejected) AS rejected FROM cdp.ingest_count;
SELECT kind, count(*) AS profiles, sum(orders) AS orders, sum(revenue) AS revenue
FROM cdp.unified_profile GROUP BY kind ORDER BY revenue DESC;
\echo '## What was rejected, and why?'
SELECT reason, count(*) AS records, min(message) AS message
FROM cdp.reject GROUP BY reason ORDER BY 2 DESC;
\echo '## Who is mara.lindner@example.com? One row for what six systems know.'
SELECT profile_id, name, city, phone, sources, orders, revenue, identifiers
FROM cdp.unified_profile WHERE email = 'mara.lindner@example.com' \gx
SELECT profile_id AS mara FROM cdp.unified_profile WHERE email = 'mara.lindner@example.com' \gset
\echo '## Why is the cookie c-71f0a2 the same person as customer 4711 of the north CRM?'
SELECT says FROM cdp.explain_identity('anonymous_id:c-71f0a2', 'crm_id:crm_north/4711');
\echo '## What did she buy before?'
SELECT occurred_at::date AS on, properties ->> 'product_id' AS product, amount, source
FROM cdp.profile_event WHERE profile_id = :mara AND name = 'order' ORDER BY occurred_at DESC LIMIT 4;
\echo '## Which segments is she in, will she leave, and what is she worth?'
SELECT segments, lifecycle, churn_90d, churn_band, clv_365d, clv_365d_low, clv_365d_high
FROM cdp.unified_profile WHERE profile_id = :mara \gx
SELECT * FROM cdp.score_reasons(:mara, 'churn');
\echo '## Whom may we write to? Segments are facts; audiences are what consent leaves of them.'
SELECT * FROM cdp.audience_funnel('finish_cart');
SELECT * FROM cdp.audience_funnel('win_back');
\echo '## For the CRM team: what sells best in each region?'
\echo
\echo 'Try next (test/demo.sh --keep leaves this server running):'
