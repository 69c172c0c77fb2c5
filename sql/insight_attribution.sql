-- Attribution, against an oracle that walks through each person's days.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
-- what the campaign of an event is
SELECT campaign, cdp._campaign_name(campaign) FROM unnest('{"\"spring\"","7","true","null","[1]","\" \"","{\"name\": \"spring\", \"source\": \"mail\"}","{\"source\": \"mail\"}","{\"medium\": \"x\"}"}'::jsonb[]) AS campaign;
\set seed 17
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
SELECT cdp.add_source('web'), cdp.add_source('till', priority => 200) \g /dev/null
CREATE TEMP TABLE sent AS
SELECT n, 'web' AS source, 1 + floor(random() * 20)::integer AS person, (ARRAY['page_view', 'page_view', 'email_click', 'email_sent', 'order', 'sign_up', 'ad_click', 'search'])[1 + floor(random() * 8)::int] AS event,
	-- many close together, for visits
	date_trunc('milliseconds', timestamptz '2026-03-01 00:00+00' + floor(random() * 60) * interval '36 hours' + random() * interval '3 hours') AS at,
	(ARRAY['spring', 'mail', 'search', NULL, NULL])[1 + floor(random() * 5)::int] AS campaign, floor(random() * 100)::numeric AS amount
FROM generate_series(1, 4000) AS n;
UPDATE sent SET campaign = NULL WHERE event = 'search';
INSERT INTO sent SELECT n + 10000, 'till', person, event, at + (random() - 0.5) * interval '3 hours', NULL, amount + 1 FROM sent WHERE event = 'order' AND n % 4 = 0;
UPDATE sent SET at = date_trunc('milliseconds', at);
INSERT INTO cdp.inbox (source, record)
SELECT source, jsonb_strip_nulls(jsonb_build_object('type', 'track', 'event', event, 'messageId', n, 'userId', 'u' || person, 'timestamp', at,
	'context', CASE WHEN n % 2 = 0 THEN jsonb_build_object('campaign', jsonb_build_object('name', campaign, 'medium', CASE WHEN campaign IS NOT NULL THEN 'x' END)) END,
	'properties', jsonb_build_object('campaign', CASE WHEN n % 2 = 1 THEN campaign END, 'total', CASE WHEN event = 'order' THEN amount END, 'order_id', CASE WHEN event = 'order' THEN (n % 10000)::text END)))::text FROM sent;
CALL cdp.merge();

-- the oracle, one conversion after the other
CREATE TEMP TABLE credit (model text, conversion text, since timestamptz, until timestamptz, kind text, campaign text, credit float8, revenue float8);
CREATE PROCEDURE pg_temp.attribute(conversion text, since timestamptz, until timestamptz, span interval) LANGUAGE plpgsql AS $$
DECLARE
	converted record;
	step record;
	visit integer;
	before timestamptz;
	names text[];
	kinds text[];
	times timestamptz[];
	visits integer[];
	pages boolean[];
	n integer;
	tagged integer;
	decay float8[];
BEGIN
	FOR converted IN
		SELECT * FROM sent AS one WHERE event = attribute.conversion AND at >= since AND at < until AND NOT EXISTS (
			SELECT FROM sent AS better WHERE attribute.conversion = 'order' AND better.source = 'till' AND better.n = one.n + 10000 AND better.at < until)
	LOOP
		visit := 0; before := NULL; names := '{}'; kinds := '{}'; times := '{}'; visits := '{}'; pages := '{}';
		-- one entry a campaign of a visit, and one for a visit that may turn out to be direct
		FOR step IN SELECT * FROM sent WHERE person = converted.person AND at < until AND event <> 'email_sent' ORDER BY at LOOP
			IF before IS NULL OR step.at - before > '30 minutes' THEN
				visit := visit + 1;
				names := names || NULL::text; kinds := kinds || 'direct'::text; times := times || step.at; visits := visits || visit; pages := pages || false;
			END IF;
			before := step.at;
			IF step.event = 'page_view' THEN
				FOR i IN 1 .. cardinality(kinds) LOOP IF visits[i] = visit AND names[i] IS NULL THEN pages[i] := true; END IF; END LOOP;
			END IF;
			IF step.campaign IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(names, visits) AS had (name, v) WHERE name = step.campaign AND v = visit) THEN
				names := names || step.campaign; kinds := kinds || 'campaign'::text; times := times || step.at; visits := visits || visit; pages := pages || true;
			END IF;
		END LOOP;
		SELECT array_agg(kind ORDER BY at, kind, name COLLATE "C"), array_agg(name ORDER BY at, kind, name COLLATE "C"), array_agg(at ORDER BY at, kind, name COLLATE "C") INTO kinds, names, times
		FROM unnest(kinds, names, times, visits, pages) AS touch (kind, name, at, v, page)
		WHERE (kind = 'campaign' OR page AND NOT EXISTS (SELECT FROM unnest(kinds, visits) AS other (k, w) WHERE w = v AND k = 'campaign'))
			AND at <= converted.at AND at >= converted.at - span;
		n := coalesce(cardinality(kinds), 0);
		IF n = 0 THEN
			INSERT INTO credit SELECT model, attribute.conversion, attribute.since, attribute.until, 'none', NULL, 1, converted.amount FROM unnest(cdp._attribution_models()) AS model;
			CONTINUE;
		END IF;
		tagged := (SELECT max(i) FROM generate_subscripts(kinds, 1) AS i WHERE kinds[i] = 'campaign');
		decay := ARRAY(SELECT 0.5 ^ (extract(epoch FROM converted.at - t)::float8 / 604800) FROM unnest(times) WITH ORDINALITY AS v (t, i) ORDER BY i);
		FOR i IN 1 .. n LOOP
			INSERT INTO credit SELECT model, attribute.conversion, attribute.since, attribute.until, kinds[i], names[i], share, share * converted.amount FROM (VALUES
				('first', CASE WHEN i = 1 THEN 1.0 ELSE 0 END), ('last', CASE WHEN i = n THEN 1 ELSE 0 END), ('last_non_direct', CASE WHEN i = coalesce(tagged, n) THEN 1 ELSE 0 END),
				('linear', 1.0 / n), ('position', CASE n WHEN 1 THEN 1 WHEN 2 THEN 0.5 ELSE CASE WHEN i IN (1, n) THEN 0.4 ELSE 0.2 / (n - 2) END END),
				('time_decay', decay[i] / (SELECT sum(d) FROM unnest(decay) AS d))) AS said (model, share);
		END LOOP;
	END LOOP;
END $$;
CALL pg_temp.attribute('order', '-infinity', '2026-06-01 12:00+00', '30 days');
CALL pg_temp.attribute('order', '2026-04-01', '2026-05-01', '4 days');
CALL pg_temp.attribute('sign_up', '-infinity', '2026-06-01 12:00+00', '20 minutes');
CREATE TEMP TABLE told AS
SELECT 'order' AS conversion, '-infinity'::timestamptz AS since, '2026-06-01 12:00+00'::timestamptz AS until, * FROM cdp.attribution()
UNION ALL SELECT 'order', '2026-04-01', '2026-05-01', * FROM cdp.attribution('order', '4 days', NULL, '2026-04-01', '2026-05-01')
UNION ALL SELECT 'sign_up', '-infinity', '2026-06-01 12:00+00', * FROM cdp.attribution('sign_up', '20 minutes');
SELECT count(*) > 50 AS compared, count(*) FILTER (WHERE abs(conversions - credits) < 1e-6 AND (conversion <> 'order' OR abs(revenue - worth) < 1e-6)) = count(*) AS alike,
	max(credits) FILTER (WHERE kind = 'direct') > 5 AS direct, max(credits) FILTER (WHERE kind = 'none') > 5 AS none
FROM (SELECT conversion, since, until, model_name, kind, coalesce(campaign, '') AS campaign, conversions, revenue FROM told) AS told
	FULL JOIN (SELECT conversion, since, until, model AS model_name, kind, coalesce(campaign, '') AS campaign, sum(credit) AS credits, sum(revenue) AS worth FROM credit GROUP BY 1, 2, 3, 4, 5, 6) AS credit
	USING (conversion, since, until, model_name, kind, campaign);
-- credits add up to conversions, and revenue to theirs
SELECT model_name, round(sum(conversions)::numeric, 6) = orders AS adds_up, round(sum(revenue)::numeric, 4) = total AS in_money
FROM told, (SELECT count(*) AS orders, sum(amount) AS total FROM cdp.profile_order) AS bought WHERE conversion = 'order' AND since = '-infinity' GROUP BY 1, orders, total ORDER BY 1;

-- cost, of the days asked for; one that led to nothing is listed
INSERT INTO cdp.campaign VALUES ('spring', '2026-03-31', 1000), ('spring', '2026-04-01', 30), ('spring', '2026-04-30', 70), ('mail', '2026-04-10', 0), ('poster', '2026-04-10', 5);
SELECT campaign, touches > 0 AS touched, cost, cost_per_conversion = 100 / nullif(conversions, 0) AS per_conversion, return_on_cost = revenue / 100 AS on_cost
FROM cdp.attribution('order', '4 days', 'linear', '2026-04-01', '2026-05-01') WHERE kind = 'campaign' ORDER BY campaign;
SELECT cost FROM cdp.attribution(model => 'first') WHERE campaign = 'spring';

-- whatever an event says of its campaign
SELECT count(cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'lead', 'messageId', 'lead' || n, 'userId', 'l' || n, 'timestamp', '2026-05-20',
	'properties', jsonb_build_object('campaign', campaign))))
FROM unnest('{"\"spring\"","7","7.5","true","null","[1]","\" \"","\" spring  \"","{\"name\": \"spring\", \"source\": \"mail\"}","{\"name\": null, \"source\": \"mail\"}","{\"name\": \" \", \"source\": \"mail\"}","{\"name\": {\"a\": 1}}","{\"name\": true}"}'::jsonb[])
	WITH ORDINALITY AS told (campaign, n);
CALL cdp.merge();
SELECT kind, campaign, conversions, conversions = (SELECT count(*) FROM cdp.event WHERE name = 'lead'
	AND cdp._campaign_name(properties -> 'campaign') IS NOT DISTINCT FROM told.campaign) AS alike
FROM cdp.attribution('lead', '1 day', 'last') AS told WHERE touches > 0 OR kind = 'none' ORDER BY campaign COLLATE "C";
SELECT * FROM cdp._timeline_touches('[]', '{}', 1, 0, 0, '{}', '{}', '{1,2}', '{1}', '1 day', '-infinity', 'infinity');

SELECT * FROM cdp.attribution('ordre');
SELECT * FROM cdp.attribution(NULL);
SELECT * FROM cdp.attribution('order', '-1 day');
SELECT * FROM cdp.attribution('order', NULL);
SELECT * FROM cdp.attribution('order', '1 day', 'magic');
SELECT count(*) FROM cdp.attribution('chat');
INSERT INTO cdp.campaign VALUES ('spring', '2026-05-01', -1);
