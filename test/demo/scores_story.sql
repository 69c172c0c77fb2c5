-- scores_story.sql: who is worth what, who will leave, and how we know.
\pset footer off
\pset null ''
\pset linestyle ascii

SELECT profile_id AS mara FROM cdp.unified_profile
WHERE email = 'mara.lindner@example.com' \gset
SELECT profile_id AS best FROM cdp.unified_profile
WHERE clv_365d IS NOT NULL ORDER BY clv_365d DESC, profile_id LIMIT 1 \gset

\echo '## Which models are there, and may they be used?'
\set ECHO queries
SELECT model.name, report.says FROM cdp.model, cdp.model_report(model.name) AS report ORDER BY model.kind, model.name;
\set ECHO none
\echo '## Churn: what a model fitted before the last 90 days said of each tenth of the customers, and what they did.'
\echo 'The bar is how many did not buy again, | where the model said it would end.'
\set ECHO queries
SELECT customers, said, did, bar FROM cdp.model_calibration('churn');
\set ECHO none
\echo '## Value: the same, in EUR a customer'
\set ECHO queries
SELECT customers, said, did, bar FROM cdp.model_calibration('clv');
SELECT name, clv_365d AS worth, clv_365d_low AS mean_from, clv_365d_high AS mean_to, round(churn_90d::numeric, 2) AS churn_90d, churn_band, lifecycle
FROM cdp.unified_profile WHERE clv_365d IS NOT NULL ORDER BY clv_365d DESC, profile_id LIMIT 4;
SELECT reason FROM cdp.score_reasons(:best, 'clv');
SELECT reason FROM cdp.score_reasons(:mara, 'churn');
\set ECHO none

\echo '## Mara orders again: her scores are new at once, and gone with a ROLLBACK'
\set ECHO queries
BEGIN;
SELECT cdp.ingest('web', '{"type": "track", "event": "Order Completed", "messageId": "back-1", "timestamp": "2026-06-01T09:00:00Z",
	"externalIds": [{"type": "email", "id": "mara.lindner@example.com"}], "properties": {"order_id": "B-back", "total": 24.50, "currency": "EUR"}}') = :mara AS hers;
SELECT round(churn_90d::numeric, 2) AS churn_90d, clv_365d, lifecycle, scored_at = cdp.clock() AS as_of_now FROM cdp.unified_profile WHERE profile_id = :mara;
ROLLBACK;
SELECT round(churn_90d::numeric, 2) AS churn_90d, clv_365d, lifecycle FROM cdp.unified_profile WHERE profile_id = :mara;
\set ECHO none

\echo '## Under contract it is simpler: who renews? The longer they have stayed, the likelier they stay.'
\set ECHO queries
SELECT renewals, count(*) AS contracts, round(100 * avg(churn)::numeric, 1) AS leaves_within_90_days, round(avg(lifetime)::numeric, 1) AS renewals_to_come
FROM cdp.contract WHERE NOT ended AND renewals IN (1, 3, 6, 12, 18) GROUP BY renewals ORDER BY renewals;
SELECT customers, said, did, bar FROM cdp.model_calibration('subscription');
SELECT reason FROM cdp.score_reasons((SELECT min(profile_id) FROM cdp.contract WHERE NOT ended), 'subscription');
\set ECHO none
\echo 'Which model when? See the README: "What is a customer worth, and will they leave?"'
