-- insight_store.sql: what the store of insight.sh has besides that of segments.sh:
-- a catalogue, campaigns, sends, tickets and deals, and orders of several products.
SELECT cdp._timeline_learn_names('{ad_click,email_sent,ticket,deal_stage}');
INSERT INTO cdp.catalog (product_id, name, category, price, stock)
SELECT 'p' || n, 'Product ' || n, 'c' || n % 20, 10 + n % 90, n % 7 FROM generate_series(0, 1999) AS n;
INSERT INTO cdp.campaign (campaign, spent_on, cost)
SELECT 'campaign ' || n, date '2025-06-01' + 30 * n, 1000 * n FROM generate_series(1, 12) AS n;

-- one order in three has a list, of two products
UPDATE cdp.event SET properties = jsonb_build_object('products', jsonb_build_array(
	properties || jsonb_build_object('name', 'Product ' || substr(properties ->> 'product_id', 2), 'price', amount, 'quantity', 1 + event_id % 2),
	jsonb_build_object('product_id', 'p' || floor(power(random(), 2) * 2000), 'category', 'c' || event_id % 20, 'name', 'another', 'price', 5)))
WHERE name = 'order' AND event_id % 3 = 0;

-- one event in twenty more
INSERT INTO cdp.event (source_id, name, occurred_at, received_at, set_id, properties)
SELECT 1, made.name, made.at, made.at, owner.set_id, CASE made.name
	WHEN 'ad_click' THEN jsonb_build_object('campaign', 'campaign ' || 1 + floor(random() * 12))
	WHEN 'ticket' THEN jsonb_build_object('ticket_id', 't' || made.place, 'status', (ARRAY['new', 'open', 'solved'])[1 + floor(random() * 3)::integer])
	ELSE '{}' END
FROM (
	SELECT place, floor(power(random(), 2) * :profiles)::integer + 1 AS n,
		(ARRAY['ad_click', 'ad_click', 'email_sent', 'email_sent', 'ticket'])[1 + floor(random() * 5)::integer] AS name,
		date_trunc('milliseconds', timestamptz '2026-06-01 00:00+00' - random() * interval '365 days') AS at
	FROM generate_series(1, :events / 20) AS place
) AS made
JOIN bench.owner ON owner.n = made.n;

-- one profile in twenty has a deal, of up to four steps
INSERT INTO cdp.event (source_id, name, occurred_at, received_at, set_id, amount, properties)
SELECT 1, 'deal_stage', date_trunc('milliseconds', deal.at), deal.at, deal.set_id, deal.amount,
	jsonb_build_object('deal_id', 'd' || deal.n, 'stage', CASE WHEN step.place < 4 THEN step.stage WHEN deal.n % 3 = 0 THEN 'won' ELSE 'lost' END)
FROM (SELECT owner.n, owner.set_id, timestamptz '2026-05-31 00:00+00' - random() * interval '300 days' AS opened_at,
		(100 + floor(random() * 5000)) AS amount, 1 + floor(random() * 4) AS steps
	FROM bench.owner WHERE owner.n % 20 = 0) AS made,
	unnest('{qualification,proposal,negotiation,closed}'::text[]) WITH ORDINALITY AS step (stage, place),
	LATERAL (SELECT made.n, made.set_id, made.amount, least(made.opened_at + step.place * interval '9 days', timestamptz '2026-05-31 23:00+00') AS at) AS deal
WHERE step.place <= made.steps;
