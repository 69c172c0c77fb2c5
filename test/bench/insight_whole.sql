-- insight_whole.sql: what answers about all profiles cost, beside plain SQL; see
-- insight.sh.  A peer reads the log and the profile of each event, and must come
-- to the same figures.
CREATE TEMP TABLE whole (n integer GENERATED ALWAYS AS IDENTITY, what text, query text, peer text);
INSERT INTO whole (what, query, peer) VALUES
('funnel of three events, 90 days', $q$
	SELECT step, reached FROM cdp.funnel(ARRAY['did(product_view)', 'did(cart_add)', 'did(order)']::cdp.predicate[], '90 days') ORDER BY step$q$, $q$
	WITH one AS (SELECT profile_id, min(occurred_at) AS at FROM cdp.profile_event WHERE name = 'product_view' AND occurred_at >= '2026-03-03' GROUP BY 1),
	two AS (SELECT one.profile_id, min(event.occurred_at) AS at FROM one JOIN cdp.profile_event AS event USING (profile_id)
		WHERE event.name = 'cart_add' AND event.occurred_at >= one.at GROUP BY 1),
	three AS (SELECT two.profile_id FROM two JOIN cdp.profile_event AS event USING (profile_id) WHERE event.name = 'order' AND event.occurred_at >= two.at GROUP BY 1)
	SELECT * FROM (VALUES (1, (SELECT count(*) FROM one)), (2, (SELECT count(*) FROM two)), (3, (SELECT count(*) FROM three))) AS v (step, reached)$q$),
('attribution of orders, 30 days, linear', $q$
	SELECT kind, campaign, round(conversions::numeric, 6) FROM cdp.attribution('order', '30 days', 'linear') ORDER BY 1, 2$q$, $q$
	WITH did AS (SELECT profile_id, name, occurred_at AS at, properties ->> 'campaign' AS campaign,
			coalesce(occurred_at - lag(occurred_at) OVER (PARTITION BY profile_id ORDER BY occurred_at) > interval '30 minutes', true) AS begins
		FROM cdp.profile_event WHERE name <> 'email_sent'),
	visited AS (SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY profile_id ORDER BY at) AS visit FROM did),
	touch AS (SELECT profile_id, 'campaign' AS kind, campaign, min(at) AS at FROM visited WHERE campaign IS NOT NULL GROUP BY profile_id, visit, campaign
		UNION ALL SELECT profile_id, 'direct', NULL, min(at) FROM visited GROUP BY profile_id, visit
		HAVING count(campaign) = 0 AND bool_or(name = 'page_view')),
	credited AS (SELECT coalesce(kind, 'none') AS kind, campaign, 1.0::float8 / count(*) OVER (PARTITION BY converted.event_id) AS credit
		FROM (SELECT profile_id, event_id, occurred_at FROM cdp.profile_event WHERE name = 'order') AS converted
		LEFT JOIN touch ON touch.profile_id = converted.profile_id AND touch.at <= converted.occurred_at AND touch.at >= converted.occurred_at - interval '30 days')
	SELECT kind, campaign, round(sum(credit)::numeric, 6) FROM credited GROUP BY 1, 2
	UNION ALL SELECT 'campaign', campaign, 0 FROM cdp.campaign WHERE campaign NOT IN (SELECT campaign FROM credited WHERE campaign IS NOT NULL) ORDER BY 1, 2$q$),
('the same by all six models', $q$SELECT count(*) FROM cdp.attribution('order', '30 days')$q$, NULL),
('best sellers by region, 90 days', $q$
	SELECT place, rank, product_id, units, orders, customers FROM cdp.best_sellers('90 days', 10) ORDER BY 1, 2$q$, $q$
	SELECT place, rank, product_id, units, orders, customers FROM (
		SELECT traits ->> 'region' AS place, product_id, sum(coalesce(quantity, 1)) AS units, count(DISTINCT event_id) AS orders, count(DISTINCT profile_id) AS customers,
			row_number() OVER (PARTITION BY traits ->> 'region' ORDER BY sum(coalesce(quantity, 1)) DESC, count(DISTINCT event_id) DESC, product_id) AS rank
		FROM cdp.event_product JOIN cdp.profile_current USING (profile_id) WHERE event_product.name = 'order' AND occurred_at >= '2026-03-03'
		GROUP BY 1, 2 HAVING count(DISTINCT profile_id) >= 10) AS ranked WHERE rank <= 10 ORDER BY 1, 2$q$),
('reach of two audiences', $q$SELECT audience, people, addressable, contacts_30d FROM cdp.audience_reach('{news,retarget}') WHERE audience IS NOT NULL ORDER BY 1$q$, NULL),
('lookalikes of a segment, the best 1,000', $q$SELECT count(*) FROM cdp.lookalike('buyers', 1000)$q$, NULL),
('forecast of 90 days', $q$SELECT part, units FROM cdp.forecast('90 days') ORDER BY 1, 2$q$, NULL),
('cdp.crm_contact, all rows', $q$SELECT count(contact) FROM cdp.crm_contact AS contact$q$, NULL),
('figures that answers compare with, made anew', $q$SELECT cdp._refresh_insights(cdp.clock()) > 0$q$, NULL);
CREATE TEMP TABLE spent (n integer, is_peer boolean, seconds double precision, told text);
CREATE FUNCTION pg_temp.ask(n integer, is_peer boolean, query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	begun double precision := bench.cpu();
	told text;
BEGIN
	EXECUTE format('SELECT string_agg(answer::text, '' '') FROM (%s) AS answer', query) INTO told;
	INSERT INTO spent VALUES ($1, $2, bench.cpu() - begun, md5(told));
END
$$;
SELECT count(pg_temp.ask(n, is_peer, asked)) FROM generate_series(1, :rounds), whole, LATERAL (VALUES (false, query), (true, peer)) AS v (is_peer, asked)
WHERE asked IS NOT NULL AND what LIKE '%' || :'only' || '%' \g /dev/null
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '
\qecho
\qecho '| answer about all profiles | CPU s (median) | plain SQL over the log | times as fast | same figures |'
\qecho '|---|---|---|---|---|'
SELECT '', what, round(own::numeric, 2), coalesce(round(other::numeric, 2)::text, '-'), coalesce(round((other / own)::numeric, 1)::text, '-'),
	CASE WHEN other IS NULL THEN '-' WHEN alike THEN 'yes' ELSE '**no**' END, ''
FROM (
	SELECT n, what, percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE NOT is_peer) AS own,
		percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE is_peer) AS other, count(DISTINCT told) = 1 AS alike
	FROM whole JOIN spent USING (n) GROUP BY n, what) AS measured ORDER BY n;
