-- Labelled models: what they see of the past, a signal that was planted and
-- leaks that were, scores before and after there are enough labels.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
\pset format unaligned
SET TIME ZONE 'UTC';
SET client_min_messages = warning;
SELECT cdp.add_source('web') > 0 AS web;
CREATE FUNCTION pg_temp.send(who text, event text, at timestamptz, properties jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql AS $$
	INSERT INTO cdp.inbox (source, record)
	SELECT 'web', jsonb_build_object('type', 'track', 'messageId', concat_ws('/', $1, $2, $3), 'userId', $1,
		'event', $2, 'timestamp', to_char($3, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'properties', $4)
$$;
CREATE FUNCTION pg_temp.who(bigint) RETURNS text STABLE
LANGUAGE sql AS $$ SELECT identifiers -> 'user_id' ->> 0 FROM cdp.profile_current WHERE profile_id = $1 $$;

-- by hand: the cut is 1 May, the horizon ends on 31 May
SELECT pg_temp.send(who, event, at) FROM (VALUES
	('before', 'page_view', timestamptz '2026-04-20'), ('before', 'order', '2026-04-30 23:59:59.999'),
	('within', 'page_view', '2026-04-20'), ('within', 'order', '2026-05-01'),
	('last', 'page_view', '2026-04-01'), ('last', 'page_view', '2026-04-30'), ('last', 'order', '2026-05-30 23:59:59.999'),
	('late', 'page_view', '2026-04-20'), ('late', 'order', '2026-05-31'),
	('twice', 'order', '2026-04-02'), ('twice', 'order', '2026-05-02'),
	('new', 'page_view', '2026-05-01'), ('new', 'order', '2026-05-02'),
	('silent', 'page_view', '2026-01-01')
) AS sent (who, event, at) \g /dev/null
CALL cdp.merge();
SELECT pg_temp.who(profile_id) AS who, happened, said
FROM cdp._propensity_sample('did(order, 30 days)', 'true', ARRAY['count(page_view, 20 days)', 'did(order)', 'days_since(order)']::cdp.predicate[],
	'2026-05-01', '2026-05-31') ORDER BY 1;
-- who: only those who had not bought then
SELECT pg_temp.who(profile_id) AS who, happened
FROM cdp._propensity_sample('did(order)', 'not did(order)', '{}', '2026-05-01', '2026-05-31') ORDER BY 1;
-- a label that looks back further sees the window all the same
SELECT pg_temp.who(profile_id) AS who, happened
FROM cdp._propensity_sample('count(order, 10 years) >= 1', 'true', '{}', '2026-05-01', '2026-05-31') ORDER BY 1;

-- values as numbers: logarithms, yes and no, unknown
SELECT round(x::numeric, 6) FROM unnest(cdp._feature_row(ARRAY['0', '9', '-9', '1e999', 'true', 'false', NULL, 'null', '"text"', '[1]']::jsonb[], '{7,9,1}')) AS x;
SELECT cdp._feature_means(said) FROM (VALUES ('{1,2}'::float8[]), ('{3,6}')) AS row (said);
SELECT cdp._feature_means(said) FROM (VALUES ('{1,2}'::float8[]), ('{3}')) AS row (said);
SELECT cdp._feature_row('{1}', '{2}');

-- a shop: half of the visitors look at products, and those buy more often; what
-- follows purchases is planted too
\set seed 11
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE TABLE public.visitor AS
SELECT n, 'v' || n AS who, n % 2 = 0 AS is_keen FROM generate_series(1, 800) AS n;
CREATE TABLE public.happening AS
SELECT who, event, at, CASE WHEN event = 'order' THEN jsonb_build_object('total', 20, 'currency', 'EUR') ELSE '{}' END AS properties
FROM (
	SELECT who, 'page_view' AS event, timestamptz '2026-01-01' + random() * 150 * interval '1 day' AS at
	FROM public.visitor, generate_series(1, 6)
	UNION ALL
	SELECT who, 'product_view', timestamptz '2026-01-01' + random() * 150 * interval '1 day'
	FROM public.visitor, generate_series(1, 12) WHERE is_keen OR random() < 0.1
	UNION ALL
	SELECT who, 'order', timestamptz '2026-03-25' + random() * 67 * interval '1 day'
	FROM public.visitor WHERE random() < CASE WHEN is_keen THEN 0.8 ELSE 0.1 END
) AS happened;
-- shipped a day after each order; and who bought is told as a trait
INSERT INTO public.happening
SELECT who, 'shipped', at + interval '1 day', '{}' FROM public.happening WHERE event = 'order';
INSERT INTO cdp.inbox (source, record)
SELECT DISTINCT 'web', jsonb_build_object('type', 'identify', 'messageId', 'is/' || who, 'userId', who,
	'timestamp', '2026-05-31T00:00:00Z', 'traits', jsonb_build_object('customer_class', 1))
FROM public.happening WHERE event = 'order';
-- half of the visitors come first
SELECT pg_temp.send(who, event, at, properties) FROM public.happening JOIN public.visitor USING (who) WHERE n <= 400 \g /dev/null
CALL cdp.merge();
ANALYZE;

-- the sample is what plain SQL over the log says
WITH sample AS (
	SELECT profile_id, happened, said
	FROM cdp._propensity_sample('did(order, 45 days)', 'did(page_view, 60 days)',
		ARRAY['count(product_view, 30 days)', 'did(order)', 'days_since(page_view)', 'sum(order.amount, 40 days)']::cdp.predicate[],
		'2026-04-01', '2026-05-16')
), oracle AS (
	SELECT owner.profile_id, cut.at AS cut,
		coalesce(bool_or(name = 'order' AND occurred_at >= cut.at), false) AS happened,
		count(*) FILTER (WHERE name = 'product_view' AND occurred_at < cut.at AND occurred_at >= cut.at - interval '30 days') AS views,
		coalesce(bool_or(name = 'order' AND occurred_at < cut.at), false) AS ordered,
		floor(extract(epoch FROM cut.at - max(occurred_at) FILTER (WHERE name = 'page_view' AND occurred_at < cut.at)) / 86400) AS silent,
		coalesce(sum(amount) FILTER (WHERE name = 'order' AND occurred_at < cut.at AND occurred_at >= cut.at - interval '40 days'), 0) AS spent,
		bool_or(name = 'page_view' AND occurred_at < cut.at AND occurred_at >= cut.at - interval '60 days') AS is_it
	FROM cdp.event JOIN cdp._set_profile AS owner USING (set_id), (VALUES (timestamptz '2026-04-01')) AS cut (at)
	WHERE occurred_at < '2026-05-16'
	GROUP BY 1, 2
)
SELECT count(*) > 200 AS many, count(*) FILTER (WHERE sample.happened) > 50 AS labels,
	count(*) FILTER (WHERE sample.profile_id IS NULL OR oracle.profile_id IS NULL OR sample.happened <> oracle.happened
		OR sample.said IS DISTINCT FROM ARRAY[to_jsonb(views), to_jsonb(ordered), to_jsonb(silent), to_jsonb(spent)]) AS differ
FROM sample FULL JOIN (SELECT * FROM oracle WHERE is_it) AS oracle USING (profile_id);

-- the leaks: the trait cannot be a feature, by itself or as a computed trait
SELECT cdp.define_propensity('leaky', 'did(order)', features => ARRAY['customer_class']::cdp.predicate[]);
SELECT cdp.define_computed_trait('leak', 'coalesce(customer_class, 0) + count(page_view)');
SELECT cdp.define_computed_trait('views', 'count(product_view, 30 days)');
SELECT cdp.define_computed_trait('pages', 'count(page_view, 30 days)');
SELECT cdp.define_computed_trait('parcels', 'count(shipped)');
SELECT cdp.define_computed_trait('silent_days', 'days_since(product_view)');
SELECT cdp._default_features();

-- points until there are labels enough
SELECT cdp.define_propensity('buyer', 'did(order)', '30 days', 'not did(order)');
INSERT INTO cdp.lead_rule (model, predicate, points) VALUES ('buyer', 'did(product_view, 30 days)', 10), ('buyer', 'did(page_view, 7 days)', 5);
CALL cdp.merge();
SELECT status, version, says ~ '^waiting: [0-9]+ of [0-9]+ customers did it within 30 days; it takes 100, and as many who did not, to learn; until then it scores by points$' AS says
FROM cdp.model_report('buyer');
SELECT made_by, version, count(*) > 50 AS many, min(value), max(value), min(percentile) FROM cdp.score WHERE model = 'buyer' GROUP BY 1, 2;

-- then what was learnt
SELECT pg_temp.send(who, event, at, properties) FROM public.happening JOIN public.visitor USING (who) WHERE n > 400 \g /dev/null
SET cdp.test_clock = '2026-06-01 13:00:00+00';
CALL cdp.merge();
SELECT status, kind, version, fitted_on > 100 AS fitted_on, holdout_from, holdout_to, auc > 0.7 AS finds, verdict IN ('good', 'usable', 'do not use') AS verdict,
	jsonb_array_length(calibration) > 5 AS bands, abs(said - happened) < 0.25 AS calibrated,
	says ~ '^learnt from [0-9]+ customers, of whom [0-9]+ did it; of [0-9]+ held back it said [0-9.]+ % would, [0-9.]+ % did: ' AS says
FROM cdp.model_report('buyer');
SELECT made_by, version, count(*) > 50 AS many, bool_and(value BETWEEN 0 AND 1) AS probability FROM cdp.score WHERE model = 'buyer' GROUP BY 1, 2;
-- listed with the model; parcels, which only follow orders, weigh nothing
SELECT position, name, expression, is_unknown, usual > 0 AS usual, coefficient <> 0 AS weighs
FROM cdp.model_feature WHERE model = 'buyer' ORDER BY position;
SELECT avg(value) FILTER (WHERE is_keen) > 2 * avg(value) FILTER (WHERE NOT is_keen) AS keen_are_likelier
FROM cdp.score JOIN public.visitor ON who = pg_temp.who(profile_id) WHERE model = 'buyer';

-- without the leaks the same is learnt
SELECT cdp.define_propensity('blind', 'did(order)', '30 days', 'not did(order)', min_labels => 10,
	features => ARRAY['count(page_view, 30 days)', 'days_since(product_view)', 'count(product_view, 30 days)']::cdp.predicate[]);
CALL cdp.merge();
SELECT count(*) > 50 AS many, max(abs(a.value - b.value)) < 1e-6 AS same
FROM cdp.score AS a JOIN cdp.score AS b USING (profile_id) WHERE a.model = 'buyer' AND b.model = 'blind';

-- the future changes no feature of the past, and the past no label
CREATE TABLE public.sample AS
SELECT * FROM cdp._propensity_sample('did(order)', 'true', cdp._default_features(), '2026-04-01', '2026-05-01');
SELECT pg_temp.send(who, event, at + interval '45 days', properties) FROM public.happening JOIN public.visitor USING (who) WHERE n % 8 = 0 AND at >= '2026-03-20' \g /dev/null
SELECT pg_temp.send(who, 'order', '2026-03-31 23:59:59.999') FROM public.visitor WHERE n % 5 = 0 \g /dev/null
CALL cdp.merge();
SELECT count(*) > 400 AS many,
	count(*) FILTER (WHERE before.said IS DISTINCT FROM after.said) AS features_differ,
	count(*) FILTER (WHERE before.happened IS DISTINCT FROM after.happened) AS labels_differ
FROM public.sample AS before
LEFT JOIN cdp._propensity_sample('did(order)', 'true', cdp._default_features(), '2026-04-01', '2026-05-01') AS after USING (profile_id);

-- scores follow within score_every
SET cdp.test_clock = '2026-06-02 13:00:00+00';
CALL cdp.merge();

-- why: the sentence, then contributions that add up to the log odds
SELECT regexp_replace(reason, '[0-9.]+', 'N', 'g') AS reason
FROM (SELECT profile_id FROM cdp.score WHERE model = 'buyer' ORDER BY value DESC, profile_id LIMIT 1) AS best,
	cdp.score_reasons(profile_id, 'buyer') WITH ORDINALITY AS said (reason, contribution, place)
ORDER BY place > 1, said.reason COLLATE "C";
WITH explained AS (
	SELECT profile_id, value, (SELECT sum(contribution) FROM cdp.score_reasons(profile_id, 'buyer')) AS added
	FROM cdp.score WHERE model = 'buyer' AND value BETWEEN 0.001 AND 0.999 ORDER BY profile_id LIMIT 40)
SELECT count(*) > 20 AS many, max(ln(value / (1 - value)) - added) - min(ln(value / (1 - value)) - added) < 0.05 AS adds_up FROM explained;
SELECT count(*) FROM cdp.score_reasons((SELECT min(profile_id) FROM cdp.profile_current WHERE orders > 0), 'buyer');

-- versions are kept; a fit scores anew, a rebuild leaves the same
CALL cdp.fit_models();
SELECT model, array_agg(version ORDER BY version) FROM cdp.model_version WHERE logistic IS NOT NULL GROUP BY 1 ORDER BY 1;
SELECT DISTINCT model, version, made_by FROM cdp.score WHERE model IN ('buyer', 'blind') ORDER BY 1;
CREATE TABLE public.before AS SELECT * FROM cdp.profile_score;
CALL cdp.rebuild();
SELECT count(*) AS different
FROM public.before FULL JOIN cdp.profile_score AS after USING (profile_id)
WHERE to_jsonb(before) IS DISTINCT FROM to_jsonb(after);
-- the same customers, the same version: deterministic
CREATE TABLE public.fitted AS SELECT model, logistic::text AS logistic, features FROM cdp.model_version WHERE logistic IS NOT NULL AND version = 2;
SET max_parallel_workers_per_gather = 0;
SELECT cdp._fit_propensities() > 0 AS fitted;
SELECT count(*) FROM public.fitted JOIN cdp.model_version AS again USING (model)
WHERE again.version = 3 AND (fitted.logistic <> again.logistic::text OR fitted.features <> again.features);

-- too few who did not is as bad as too few who did
SELECT cdp.define_propensity('all', 'did(any)', '150 days', min_labels => 10);
SELECT cdp.define_propensity('none', 'did(call)', '30 days', min_labels => 10);
CALL cdp.merge();
SELECT name, status, regexp_replace(detail, '^[0-9]+ of [0-9]+', 'n of m') FROM cdp.model WHERE name IN ('all', 'none') ORDER BY 1;
DROP TABLE public.visitor, public.happening, public.sample, public.before, public.fitted;
