-- questions_story.sql: what people ask of a customer data platform, in turn, each
-- answer under the SQL that gave it; the records of the six systems are merged.
\pset footer off
\pset null ''
\pset linestyle ascii
-- a month ago the journey began to be followed, and half got an offer
SET cdp.test_clock = '2026-05-01 12:00:00+00';
SELECT cdp.start_journey() \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
SELECT cdp.add_experiment('offer', 'did(order, since 2026-05-01)', segment => 'journey_buying') \g /dev/null
SELECT cdp.assign_experiment('offer') \g /dev/null
RESET cdp.test_clock;
SELECT cdp.refresh_segments() \g /dev/null
SELECT cdp.refresh_insights() \g /dev/null
-- somebody who has bought a few times, and lately
SELECT profile_id AS who FROM cdp.unified_profile
WHERE kind = 'known' AND orders BETWEEN 3 AND 8 ORDER BY last_seen DESC, profile_id LIMIT 1 \gset

\echo '## WHAT ANALYSTS ASK'
\echo '## What did this customer buy before the current purchase?'
\set ECHO queries
SELECT occurred_at, amount, current_at, product_id, product_name FROM cdp.previous_purchase(:who);
\set ECHO none
\echo '## Which segments is the customer in, since when?'
\set ECHO queries
SELECT segment, since FROM cdp.memberships(:who) ORDER BY segment LIMIT 3;
\set ECHO none
\echo '## Will the customer leave, and what are they worth?'
\set ECHO queries
SELECT churn_band, round(churn_90d::numeric, 2) AS churn_90d, revenue, round(clv_365d) AS clv_365d, round(clv_365d_low) AS low, round(clv_365d_high) AS high
FROM cdp.unified_profile WHERE profile_id = :who;
SELECT reason FROM cdp.score_reasons(:who, 'churn') LIMIT 2;
\set ECHO none
\echo '## What interests them now?'
\set ECHO queries
SELECT item, round(share::numeric, 2) AS share, round(lift::numeric, 1) AS lift, events FROM cdp.interests(:who) WHERE kind = 'category' LIMIT 3;
\set ECHO none
\echo '## What do they intend to buy, and when?'
\set ECHO queries
SELECT cart_value, cart_age, considered, round(order_30d::numeric, 2) AS order_30d, next_order_at::date AS next_order FROM cdp.intent(:who);
\set ECHO none
\echo '## Where do they like to be met?'
\set ECHO queries
SELECT channel, round(share::numeric, 2) AS share, sends, round(response_rate::numeric, 2) AS response_rate, best_hour, best_weekday FROM cdp.channel_preference(:who) LIMIT 3;
\set ECHO none
\echo '## Where are they in the journey?'
\set ECHO queries
SELECT stage, since, time_in_stage FROM cdp.journey_stage(:who);
SELECT from_stage, to_stage, profiles FROM cdp.journey_flow('2026-05-01 12:00+00') WHERE from_stage <> to_stage ORDER BY profiles DESC, from_stage, to_stage LIMIT 3;
\set ECHO none
\echo '## What next?'
\set ECHO queries
SELECT product_name, price, reason, because, round(lift::numeric, 1) AS lift, support FROM cdp.recommend(:who, 3);
\set ECHO none
\echo '## What did the campaign do?'
INSERT INTO cdp.campaign VALUES ('spring', '2026-05-01', 900);
\set ECHO queries
SELECT kind, campaign, round(conversions::numeric, 1) AS conversions, round(revenue::numeric) AS revenue, round(cost_per_conversion::numeric, 2) AS per_conversion
FROM cdp.attribution('order', '30 days', 'time_decay');
\set ECHO none
\echo '## Which arm won?'
\set ECHO queries
SELECT arm, profiles, conversions, round(rate::numeric, 2) AS rate, round(lift::numeric, 2) AS lift, round(lift_low::numeric, 2) AS low, round(lift_high::numeric, 2) AS high FROM cdp.experiment_result('offer');
\set ECHO none
\echo '## Who is like my best customers?  Those who did not agree are not asked'
\echo '(The best are said by what they spent, which the model sees as well: an easy one.)'
SELECT cdp.define_segment('best', 'rfm_monetary >= 4') \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
\set ECHO queries
SELECT part, name, round(value::numeric, 2) AS value, profiles FROM cdp.lookalike_report('best', 'marketing', 'email') WHERE part = 'fit' OR name = '0.1';
\set ECHO none

\echo '## WHAT A CRM TEAM ASKS'
-- the CRM of the north sends its deals; the funnel and the forecast learn of them
INSERT INTO cdp.inbox (source, record)
SELECT 'crm_north', jsonb_build_object('type', 'track', 'event', 'deal_stage', 'messageId', concat_ws('-', 'deal', n, step),
	'externalIds', jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', value)),
	'timestamp', to_char(timestamptz '2026-01-05 09:00+00' + (n % 110 + 12 * step) * interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'properties', jsonb_build_object('deal_id', 'D-' || n, 'stage', stage, 'amount', 200 + 37 * (n % 40), 'owner', 'Eve'))
FROM (SELECT value, row_number() OVER (ORDER BY value COLLATE "C") AS n FROM cdp.profile_identifier WHERE type = 'crm_id' AND scope = 'crm_north') AS contact
	CROSS JOIN LATERAL unnest((ARRAY['qualification', 'proposal', 'negotiation', CASE WHEN n % 5 < 3 THEN 'closed_won' ELSE 'closed_lost' END])[:1 + n % 4])
		WITH ORDINALITY AS reached (stage, step)
WHERE n <= 120;
-- and somebody was entered twice
INSERT INTO cdp.inbox (source, record) VALUES
	('crm_north', '{"type": "identify", "messageId": "twice-1", "externalIds": [{"type": "crm_id", "id": "9001"}], "traits": {"phone": "030 901820", "first_name": "Bo", "city": "Berlin"}}'),
	('crm_north', '{"type": "identify", "messageId": "twice-2", "externalIds": [{"type": "crm_id", "id": "9002"}], "traits": {"phone": "030 901820", "last_name": "Berg"}}');
-- a data broker's rows
INSERT INTO cdp.inbox (source, record)
SELECT 'dmp', jsonb_build_object('id', value, 'segment', CASE WHEN row_number() OVER (ORDER BY value COLLATE "C") % 3 = 0 THEN 'sport' ELSE 'home' END,
	'value', true, 'expires', '2027-01-01')
FROM cdp.profile_identifier WHERE type = 'third_party_id';
SELECT cdp.feed_crm() \g /dev/null
CALL cdp.merge();
\echo '## What do we know of a customer?'
\set ECHO queries
SELECT name, permissions, loyalty_level, last_interaction, orders, revenue, churn_band, next_action
FROM cdp.crm_contact WHERE profile_id = :who;
SELECT occurred_at, event, channel, subject FROM cdp.interaction_history(:who, 3);
\set ECHO none
\echo '## What shall we do next, and for how many?'
\set ECHO queries
SELECT next_action, count(*) AS customers FROM cdp.crm_contact GROUP BY next_action ORDER BY customers DESC, next_action;
\set ECHO none
\echo '## Which leads do we call first?'
\set ECHO queries
SELECT profile_id, round(value::numeric, 2) AS value, round(percentile::numeric) AS percentile, made_by FROM cdp.score WHERE model = 'lead' ORDER BY score.value DESC, profile_id LIMIT 3;
\set ECHO none
\echo '## How do our deals stand, and what will they bring?'
\set ECHO queries
SELECT step, stage, reached, round(conversion::numeric, 2) AS conversion, median_time, lost FROM cdp.funnel('sales', '365 days');
SELECT part, units, open_amount, expected, low, high FROM cdp.forecast('90 days');
\set ECHO none
\echo '## What changed for our CRM?'
\set ECHO queries
SELECT change, count(*) AS contacts, max(change_no) AS last FROM cdp.crm_outbox WHERE change_no > 0 GROUP BY change ORDER BY change;
\set ECHO none
\echo '## Who is in our CRM twice?'
\set ECHO queries
SELECT source, survivor_crm_id, other_crm_id, evidence, filled_fields FROM cdp.crm_duplicate ORDER BY source, survivor_crm_id, other_crm_id LIMIT 3;
\set ECHO none
\echo '## What sells best, in each region?'
\set ECHO queries
SELECT place, product_name, orders, units FROM cdp.best_sellers('90 days', 1) ORDER BY place;
\set ECHO none

\echo '## WHAT A DMP TEAM ASKS'
INSERT INTO cdp.taxonomy (category, parent) VALUES ('drinks', NULL), ('coffee', 'drinks'), ('tea', 'drinks');
\echo '## What is it about?'
\set ECHO queries
SELECT cdp.classify('product', 'sencha-100'), cdp.classify('event', 'coffee') AS event;
\set ECHO none
\echo '## Who browsed it, and agreed to be told of?'
\set ECHO queries
SELECT kind, count(*) AS profiles, sum(views) AS views FROM cdp.browsing('drinks', 30) GROUP BY kind ORDER BY kind;
\set ECHO none
\echo '## What do third parties say, apart from what we know?'
\set ECHO queries
SELECT name, kind, count(*) AS profiles
FROM cdp.profile_trait JOIN cdp.profile_metric USING (profile_id)
WHERE name LIKE 'third_party.%' GROUP BY name, kind ORDER BY profiles DESC, name, kind LIMIT 3;
\set ECHO none
\echo '## How far do our audiences reach?'
\set ECHO queries
SELECT audience, people, addressable, identifiers, overlap, contacts_7d, contacts_30d FROM cdp.audience_reach('{win_back,finish_cart}');
\set ECHO none
