-- insight_whole.sql: what answers about all profiles cost, beside plain SQL; see
-- insight.sh.  A peer reads the log and the profile of each event, and must come
-- to the same figures.  That of the forecast leaves customers out, for whom there
-- would have to be a model of purchases: it does less than what it is beside.
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
	SELECT kind, campaign, round(conversions::numeric, 3) FROM cdp.attribution('order', '30 days', 'linear') ORDER BY 1, 2$q$, $q$
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
	SELECT kind, campaign, round(sum(credit)::numeric, 3) FROM credited GROUP BY 1, 2
	UNION ALL SELECT 'campaign', campaign, 0 FROM cdp.campaign WHERE campaign NOT IN (SELECT campaign FROM credited WHERE campaign IS NOT NULL) ORDER BY 1, 2$q$),
('the same by all six models', $q$SELECT count(*) FROM cdp.attribution('order', '30 days')$q$, NULL),
('best sellers by region, 90 days', $q$
	SELECT place, rank, product_id, units, orders, customers FROM cdp.best_sellers('90 days', 10) ORDER BY 1, 2$q$, $q$
	SELECT place, rank, product_id, units, orders, customers FROM (
		SELECT traits ->> 'region' AS place, product_id, sum(coalesce(quantity, 1)) AS units, count(DISTINCT event_id) AS orders, count(DISTINCT profile_id) AS customers,
			row_number() OVER (PARTITION BY traits ->> 'region' ORDER BY sum(coalesce(quantity, 1)) DESC, count(DISTINCT event_id) DESC, product_id) AS rank
		FROM cdp.event_product JOIN cdp.profile_current USING (profile_id) WHERE event_product.name = 'order' AND occurred_at >= '2026-03-03'
		GROUP BY 1, 2 HAVING count(DISTINCT profile_id) >= 10) AS ranked WHERE rank <= 10 ORDER BY 1, 2$q$),
('reach of two audiences', $q$
	SELECT audience, people, addressable, overlap, round(contacts_7d::numeric, 6), round(contacts_30d::numeric, 6)
	FROM cdp.audience_reach('{news,retarget}') WHERE audience IS NOT NULL ORDER BY 1$q$, $q$
	WITH inside AS (
		SELECT DISTINCT 'news' AS audience, profile_id FROM cdp.profile_event WHERE name = 'order' AND occurred_at >= '2026-05-02'
		UNION ALL SELECT DISTINCT 'retarget', profile_id FROM cdp.profile_event WHERE name = 'ad_click' AND occurred_at >= '2026-03-03'),
	reached AS (SELECT audience, profile_id, count(*) OVER (PARTITION BY profile_id) > 1 AS twice FROM inside JOIN cdp.consent_state AS held USING (profile_id)
		WHERE purpose = 'marketing' AND channel = 'email' AND state = 'granted' AND profile_id IN (SELECT profile_id FROM cdp.contact_point WHERE type = 'email')),
	sent AS (SELECT profile_id, count(*) FILTER (WHERE occurred_at >= '2026-05-25') AS in_7, count(*) AS in_30
		FROM cdp.profile_event WHERE name = 'email_sent' AND occurred_at >= '2026-05-02' GROUP BY 1)
	SELECT audience, (SELECT count(*) FROM inside WHERE inside.audience = reached.audience) AS people, count(*) AS addressable, count(*) FILTER (WHERE twice) AS overlap,
		round(sum(coalesce(in_7, 0)) / count(*), 6) AS in_7, round(sum(coalesce(in_30, 0)) / count(*), 6) AS in_30
	FROM reached LEFT JOIN sent USING (profile_id) GROUP BY 1 ORDER BY 1$q$),
('lookalikes of a segment, the best 1,000', $q$SELECT count(*) FROM cdp.lookalike('buyers', 1000)$q$, NULL),
('forecast of 90 days (plain SQL: of deals only)', $q$
	SELECT units, round(open_amount, 2), round(expected) FROM cdp.forecast('90 days') WHERE part = 'deals'$q$, $q$
	WITH step AS (SELECT deal_id, stage, amount, at, lead(at) OVER deal AS left_at, min(at) FILTER (WHERE outcome <> 'open') OVER every AS ended_at,
			bool_or(outcome = 'won') OVER every AS won, outcome
		FROM (SELECT properties ->> 'deal_id' AS deal_id, properties ->> 'stage' AS stage, amount, occurred_at AS at, position, outcome
			FROM cdp.profile_event JOIN cdp.pipeline_stage ON stage = properties ->> 'stage' WHERE name = 'deal_stage') AS told
		WINDOW deal AS (PARTITION BY deal_id ORDER BY at, position), every AS (PARTITION BY deal_id)),
	followed AS (SELECT stage, age, extract(epoch FROM coalesce(ended_at, '2026-06-01') - at) / 86400 - age AS days, won, ended_at IS NOT NULL AS ended
		FROM step CROSS JOIN unnest('{0,1,2,3,5,7,10,14,20,28,40,56,80,112,160,224,320,448,640}'::float8[]) AS age
		WHERE outcome = 'open' AND extract(epoch FROM coalesce(left_at, '2026-06-01') - at) / 86400 > age),
	tied AS (SELECT stage, age, days, count(*) AS n, count(*) FILTER (WHERE ended AND won) AS won, count(*) FILTER (WHERE ended) AS ended FROM followed GROUP BY 1, 2, 3),
	risk AS (SELECT *, sum(n) OVER (PARTITION BY stage, age ORDER BY days DESC) AS at_risk FROM tied),
	survived AS (SELECT *, coalesce(exp(sum(CASE WHEN ended < at_risk THEN ln(1 - ended / at_risk) ELSE -700 END)
		OVER (PARTITION BY stage, age ORDER BY days ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) AS still_open FROM risk),
	chance AS MATERIALIZED (SELECT stage, age, coalesce(sum(still_open * won / at_risk) FILTER (WHERE days <= 90), 0) AS chance FROM survived
		GROUP BY 1, 2 HAVING sum(CASE WHEN days > 90 THEN n ELSE ended END) >= CASE WHEN age = 0 THEN 5 ELSE 20 END)
	SELECT count(*) AS units, round(sum(amount), 2) AS open_amount, round(sum(amount * (SELECT chance FROM chance WHERE chance.stage = step.stage
		AND (age = 0 OR age <= extract(epoch FROM '2026-06-01' - at) / 86400) ORDER BY age DESC LIMIT 1))::numeric) AS expected
	FROM step WHERE left_at IS NULL AND outcome = 'open'$q$),
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
