-- Labelled models before they have learnt: definitions, points, failures, and
-- scores beside those of purchase counts.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'UTC';
SET client_min_messages = warning;
SELECT cdp.add_source('web') > 0 AS web;

-- who was there when; a bought long ago, b and c never did
CREATE FUNCTION pg_temp.send(who text, event text, at timestamptz, properties jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql AS $$
	INSERT INTO cdp.inbox (source, record)
	SELECT 'web', jsonb_build_object('type', 'track', 'messageId', concat_ws('/', $1, $2, $3), 'userId', $1,
		'event', $2, 'timestamp', to_char($3, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'properties', $4)
$$;
SELECT pg_temp.send('a', 'order', '2026-01-05 10:00', '{"total": 20}') \g /dev/null
SELECT pg_temp.send('a', 'page_view', '2026-05-30 10:00') \g /dev/null
SELECT pg_temp.send('b', 'sign_up', '2026-05-20 10:00') \g /dev/null
SELECT pg_temp.send('b', 'cart_add', '2026-05-30 10:00') \g /dev/null
SELECT pg_temp.send('b', 'checkout', '2026-05-30 11:00') \g /dev/null
SELECT pg_temp.send('c', 'page_view', '2026-02-01 10:00') \g /dev/null
CALL cdp.merge();
CREATE VIEW pg_temp.who AS
SELECT profile_id, identifiers -> 'user_id' ->> 0 AS who FROM cdp.unified_profile;

CREATE FUNCTION pg_temp.refusal(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE command;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLERRM || '; ' || detail;
END
$$;

-- a new store has two: they wait for labels, and one has points meanwhile
SELECT name, kind, status, version, detail FROM cdp.model WHERE kind = 'propensity' ORDER BY name;
SELECT model, label, horizon, who, features FROM cdp.propensity ORDER BY model;
SELECT who, model, value, low, high, percentile, version, made_by FROM cdp.score JOIN pg_temp.who USING (profile_id) ORDER BY 1, 2;
SELECT who, reason, contribution FROM pg_temp.who, cdp.score_reasons(profile_id, 'lead') ORDER BY who, contribution IS NOT NULL, contribution DESC;
SELECT status, version, fitted_on, verdict, says FROM cdp.model_report('lead');

-- the scores are in reach of predicates
SELECT who FROM pg_temp.who WHERE cdp.is_member(profile_id, 'score(''lead'') >= 50 and percentile(''lead'') = 100');
SELECT who FROM pg_temp.who WHERE cdp.is_member(profile_id, 'score(''lead'') is null');

-- what is no definition
SELECT cdp.define_propensity('Lead', 'did(order)');
SELECT cdp.define_propensity('churn', 'did(order)');
SELECT cdp.define_propensity('m', NULL);
SELECT cdp.define_propensity('m', 'did(order)', '0 days');
SELECT cdp.define_propensity('m', 'did(order)', l2 => 'NaN');
SELECT cdp.define_propensity('m', 'did(order)', min_labels => 0);
SELECT cdp.define_propensity('m', 'did(order)', features => '{}');
SELECT cdp.define_propensity('m', 'did(order)', features => ARRAY['latest(order.channel)', 'count(order)']::cdp.predicate[]);
SELECT cdp.define_propensity('m', 'did(order)', features => array_agg(format('count(order, %s days)', n)::cdp.predicate)) FROM generate_series(1, 128) AS n;
SELECT cdp.define_propensity('m', 'did(order, 90 dogs)');
SELECT cdp.define_propensity('m', 'count(order)');

-- what was not known at any instant of the past is neither label nor feature
SELECT cdp.add_trait('is_customer', 'boolean') \g /dev/null
SELECT cdp.define_propensity('m', 'is_customer');
SELECT cdp.define_propensity('m', 'did(order)', who => 'orders = 0');
SELECT cdp.define_propensity('m', 'did(order)', features => ARRAY['score(''lead'')']::cdp.predicate[]);
SELECT cdp.define_propensity('m', 'did(order)', who => 'in_segment(''one_time_buyers'')');
-- a name is not a question that stays
SELECT cdp.define_propensity('m', 'did(order)', who => 'in_segment(''abandoned_cart'')');
SELECT cdp.define_propensity('m', 'did(order)', features => ARRAY['count(order where coupon = ''x'')']::cdp.predicate[]);

-- computed traits are features if they are numbers or booleans about events
SELECT cardinality(cdp._default_features()) AS standard;
SELECT cdp.define_computed_trait('views', 'count(page_view, 30 days)');
SELECT cdp.define_computed_trait('has_account', 'did(sign_up)');
SELECT cdp.define_computed_trait('channel', 'latest(order.channel)');
SELECT cdp.define_computed_trait('first_bought', 'first(order)');
SELECT cdp.define_computed_trait('age_of_profile', 'did(order, since first_seen)');
SELECT cdp.define_computed_trait('loyal', 'is_customer and did(order)');
SELECT cdp._default_features();

-- rules: checked when they are written
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('lead', 'did(order', 1);
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('lead', 'count(order)', 1);
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('lead', 'score(''purchase_30d'') > 0.5', 1);
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('churn', 'did(order)', 1);
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('lead', 'did(order)', 'NaN');

-- they may look at all of a profile, count with the next merge run, and a model
-- without any has no scores
INSERT INTO cdp.lead_rule (model, predicate, points, description)
VALUES ('lead', 'score(''churn'') is null and has_id(''user_id'')', 1.5, 'is known to us'), ('lead', 'did(order where coupon is null)', 100, NULL);
CALL cdp.merge();
SELECT who, value, percentile FROM cdp.score JOIN pg_temp.who USING (profile_id) WHERE model = 'lead' ORDER BY 1;
UPDATE cdp.lead_rule SET points = 2.5 WHERE points = 1.5;
CALL cdp.merge();
SELECT who, value FROM cdp.score JOIN pg_temp.who USING (profile_id) WHERE model = 'lead' ORDER BY 1;
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('purchase_30d', 'did(order)', 1);
CALL cdp.merge();
SELECT who, model, value FROM cdp.score JOIN pg_temp.who USING (profile_id) ORDER BY 1, 2;

-- scores of purchase counts and these leave each other alone: rows of profiles
-- without orders stay, a customer keeps both
SELECT cdp.refresh_scores();
SELECT who, scores, revenue, rfm_recency, lifecycle FROM cdp.profile_score JOIN pg_temp.who USING (profile_id) ORDER BY 1;
CREATE TABLE public.before AS SELECT * FROM cdp.profile_score;
CALL cdp.rebuild();
SELECT count(*) AS different
FROM public.before FULL JOIN cdp.profile_score AS after USING (profile_id)
WHERE to_jsonb(before) IS DISTINCT FROM to_jsonb(after);

-- b buys: no lead any more, a customer at once
SELECT cdp._scores_due();
SELECT pg_temp.send('b', 'order', '2026-06-01 11:00', '{"total": 50}') \g /dev/null
CALL cdp.merge();
SELECT who, scores, revenue, lifecycle FROM cdp.profile_score JOIN pg_temp.who USING (profile_id) ORDER BY 1;
-- and the order was somebody else's
UPDATE cdp.profile_score SET revenue = 5, lifecycle = 'new' WHERE profile_id = (SELECT profile_id FROM pg_temp.who WHERE who = 'c');
SELECT cdp.refresh_scores();
SELECT who, scores, revenue, lifecycle, as_of FROM cdp.profile_score JOIN pg_temp.who USING (profile_id) WHERE who = 'c';

-- a model that fails says why, keeps its scores, and leaves the others working
SELECT cdp.declare_property('cart_add', 'colour') \g /dev/null
CALL cdp.merge();
SELECT cdp.define_propensity('red', 'did(cart_add where colour = ''red'')', who => 'not did(cart_add where colour = ''red'')');
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('red', 'did(cart_add)', 1);
CALL cdp.merge();
SELECT who, value FROM cdp.score JOIN pg_temp.who USING (profile_id) WHERE model = 'red' ORDER BY 1;
SELECT cdp.undeclare_property('cart_add', 'colour') \g /dev/null
SET cdp.test_clock = '2026-06-02 12:00:00+00';
CALL cdp.merge();
SELECT name, status, detail FROM cdp.model WHERE kind = 'propensity' ORDER BY name;
SELECT says FROM cdp.model_report('red');
SELECT who, model, value, as_of FROM cdp.score JOIN pg_temp.who USING (profile_id) ORDER BY 1, 2;
-- until it can again
SELECT cdp.declare_property('cart_add', 'colour') \g /dev/null
CALL cdp.merge();
UPDATE cdp.lead_rule SET points = 7 WHERE model = 'red';
CALL cdp.merge();
SELECT name, status, detail FROM cdp.model WHERE name = 'red';
SELECT who, model, value, as_of FROM cdp.score JOIN pg_temp.who USING (profile_id) WHERE model = 'red' ORDER BY 1;

-- another definition: what is the same changes nothing
SELECT cdp.define_propensity('red', 'did(cart_add where colour = ''red'')', who => 'not did(cart_add where colour = ''red'')', description => 'red cars');
SELECT tried_at IS NULL AS due FROM cdp.propensity WHERE model = 'red';
SELECT cdp.define_propensity('red', 'did(cart_add)', '14 days', features => ARRAY['count(page_view)', 'did(search)']::cdp.predicate[]);
SELECT tried_at IS NULL AS due, label, horizon, who, features FROM cdp.propensity WHERE model = 'red';
SELECT name, description FROM cdp.model WHERE name = 'red';

-- dropped with its scores and rules, unless somebody asks for it
SELECT cdp.define_segment('hot', 'score(''lead'') > 20');
SELECT cdp.define_computed_trait('reds', 'coalesce(score(''red''), 0)');
SELECT cdp.drop_model('lead');
SELECT cdp.drop_model('red');
SELECT cdp.drop_model('churn');
SELECT cdp.drop_model('nothing');
SELECT cdp.drop_segment('hot');
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('lead', 'in_segment(''sleeping'')', -5);
SELECT regexp_replace(message, '[0-9]+', 'N') AS message FROM pg_temp.refusal('SELECT cdp.drop_segment(''sleeping'')') AS message;
-- under the merger's lock, as whoever writes scores
BEGIN;
SELECT cdp.drop_model('lead');
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND classid = 6513776 AND objid = 2;
COMMIT;
SELECT name FROM cdp.model ORDER BY name;
SELECT count(*) AS rules FROM cdp.lead_rule WHERE model = 'lead';
SELECT who, scores, revenue FROM cdp.profile_score JOIN pg_temp.who USING (profile_id) ORDER BY 1;

-- an id that was merged away has the reasons of its survivor, one never given none
SELECT cdp.define_propensity('fan', 'did(search)') \g /dev/null
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('fan', 'did(page_view)', 3), ('fan', 'did(order)', 4);
SELECT cdp.ingest('web', '{"type": "page", "messageId": "visit", "anonymousId": "x", "timestamp": "2026-06-02T10:00:00Z"}') \g /dev/null
CALL cdp.merge();
CREATE TABLE public.asked AS SELECT cdp.find_profile('anonymous_id', 'x', 'web') AS visitor, (SELECT profile_id FROM pg_temp.who WHERE who = 'a') AS customer;
SELECT cdp.ingest('web', '{"type": "alias", "messageId": "same", "userId": "a", "previousId": "x", "timestamp": "2026-06-02T11:00:00Z"}') \g /dev/null
CALL cdp.merge();
SELECT visitor <> customer AS two_ids, cdp.resolve(visitor) = cdp.resolve(customer) AS one_person FROM public.asked;
SELECT id, said.* FROM public.asked, LATERAL (VALUES ('customer', customer), ('visitor', visitor)) AS v (id, profile_id),
	cdp.score_reasons(profile_id, 'fan') WITH ORDINALITY AS said (reason, contribution, place)
ORDER BY id, place;
SELECT count(*) FROM cdp.score_reasons(0, 'fan');
DROP TABLE public.before, public.asked;
