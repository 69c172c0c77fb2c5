-- questions_story.sql: what people ask of a customer data platform, in turn, each
-- answer under the SQL that gave it; the records of the six systems are merged.
\pset footer off
\pset null ''
\pset linestyle ascii
SELECT cdp.start_journey() \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
SELECT cdp.refresh_insights() \g /dev/null
-- somebody who has bought a few times, and lately
SELECT profile_id AS who FROM cdp.unified_profile
WHERE kind = 'known' AND orders BETWEEN 3 AND 8 ORDER BY last_seen DESC, profile_id LIMIT 1 \gset

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
SELECT stage, time_in_stage FROM cdp.journey_stage(:who);
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
\echo '## Who is like my best customers?  Those who did not agree are not asked'
SELECT cdp.define_segment('best', 'rfm_monetary >= 4') \g /dev/null
SELECT cdp.refresh_segments() \g /dev/null
\set ECHO queries
SELECT part, name, round(value::numeric, 2) AS value, profiles FROM cdp.lookalike_report('best', 'marketing', 'email') WHERE part = 'fit' OR name = '0.1';
\set ECHO none
