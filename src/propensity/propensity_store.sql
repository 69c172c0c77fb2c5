CREATE TABLE cdp.propensity (
	model text PRIMARY KEY
		REFERENCES cdp.model ON UPDATE CASCADE ON DELETE CASCADE,
	label cdp.predicate NOT NULL,
	horizon interval NOT NULL,
	who cdp.predicate NOT NULL,
	features cdp.predicate[],
	l2 double precision NOT NULL,
	min_labels integer NOT NULL,
	tried_at timestamptz,
	scored_at timestamptz
);
COMMENT ON TABLE cdp.propensity IS
'labelled models: what they say is coming, of whom, learnt from what; change them with cdp.define_propensity() and cdp.drop_model()';
COMMENT ON COLUMN cdp.propensity.label IS
'what is to happen within the horizon; asked of the events of that time only';
COMMENT ON COLUMN cdp.propensity.features IS
'NULL: the computed traits that are numbers or booleans about events, as they are when the model learns';
COMMENT ON COLUMN cdp.propensity.l2 IS 'the ridge penalty';
COMMENT ON COLUMN cdp.propensity.min_labels IS
'so many customers must have done it, and as many not, before the model is learnt; until then points score';
COMMENT ON COLUMN cdp.propensity.tried_at IS
'when, by the server''s clock, scoring was last tried; NULL: the next merge run does';
COMMENT ON COLUMN cdp.propensity.scored_at IS 'the instant that its scores are as of';

CREATE TABLE cdp.lead_rule (
	rule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model text NOT NULL
		REFERENCES cdp.propensity ON UPDATE CASCADE ON DELETE CASCADE,
	predicate cdp.predicate NOT NULL,
	points double precision NOT NULL
		CHECK (points BETWEEN -1000000 AND 1000000),
	description text
);
COMMENT ON TABLE cdp.lead_rule IS
'before a labelled model has learnt, its score is the sum of the points of its rules that hold';

-- Such a rule would change with every scoring, though nothing happened.
CREATE FUNCTION cdp._check_no_score(predicate cdp.predicate) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	without jsonb := context || jsonb_build_object('scores', (
		SELECT jsonb_agg(name) FROM cdp.model WHERE kind <> 'propensity'));
BEGIN
	IF EXISTS (
		SELECT message FROM cdp._predicate_check($1, without)
		EXCEPT ALL
		SELECT message FROM cdp._predicate_check($1, context))
	THEN
		RAISE EXCEPTION 'a rule cannot give points for the score of a labelled model'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'Rules are asked before these models have scored.',
				HINT = 'Ask for what the score is made of.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_no_score(cdp.predicate) IS
'raise if a predicate asks for a score that a model of kind propensity gives';

CREATE FUNCTION cdp._check_lead_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.predicate := cdp._predicate_bind(NEW.predicate, cdp._evaluation_context());
	PERFORM cdp._check_no_score(NEW.predicate);
	RETURN NEW;
END
$$;
CREATE TRIGGER check_rule BEFORE INSERT OR UPDATE ON cdp.lead_rule
	FOR EACH ROW EXECUTE FUNCTION cdp._check_lead_rule();

CREATE FUNCTION cdp._note_lead_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE cdp.propensity SET tried_at = NULL
	WHERE tried_at IS NOT NULL AND model IN (OLD.model, NEW.model);
	RETURN NULL;
END
$$;
CREATE TRIGGER note_rule AFTER INSERT OR UPDATE OR DELETE ON cdp.lead_rule
	FOR EACH ROW EXECUTE FUNCTION cdp._note_lead_rule();

CREATE VIEW cdp.score AS
SELECT profile_score.profile_id,
	one.key AS model,
	(one.value ->> 'value')::double precision AS value,
	(one.value ->> 'low')::double precision AS low,
	(one.value ->> 'high')::double precision AS high,
	(one.value ->> 'percentile')::double precision AS percentile,
	(one.value ->> 'version')::integer AS version,
	coalesce(defined.scored_at, profile_score.as_of) AS as_of,
	coalesce(made.kind, 'points') AS made_by
FROM cdp.profile_score
	CROSS JOIN LATERAL pg_catalog.jsonb_each(profile_score.scores) AS one
	LEFT JOIN cdp.propensity AS defined ON defined.model = one.key
	LEFT JOIN (
		SELECT version.model, version.version,
			coalesce(version.count_model, version.logistic)::jsonb ->> 'kind' AS kind
		FROM cdp.model_version AS version
		OFFSET 0
	) AS made ON made.model = one.key
		AND made.version = (one.value ->> 'version')::integer;
COMMENT ON VIEW cdp.score IS
'one row per profile and model: the value, the range it is known to (95 %), its percentile among all scored profiles, and whether a model or points made it';

CREATE VIEW cdp.model_feature AS
SELECT described.name AS model,
	made.version,
	feature.ord::integer AS position,
	feature.value ->> 'name' AS name,
	feature.value ->> 'expression' AS expression,
	(feature.value -> 'unknown')::boolean AS is_unknown,
	(feature.value ->> 'usual')::double precision AS usual,
	cdp._coefficient(made.logistic, feature.ord::integer) AS coefficient
FROM cdp.model AS described
	JOIN cdp.model_version AS made
		ON made.model = described.name AND made.version = described.version
	CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(made.features)
		WITH ORDINALITY AS feature (value, ord);
COMMENT ON VIEW cdp.model_feature IS
'what each labelled model in use has learnt from: its features, their usual values, and what they weigh';
COMMENT ON COLUMN cdp.model_feature.is_unknown IS
'the feature is that the value of the expression is unknown';
COMMENT ON COLUMN cdp.model_feature.usual IS
'the typical value where it is known (the mean of the logarithm, taken back); of yes and no, and of unknown, the share';
COMMENT ON COLUMN cdp.model_feature.coefficient IS
'what a unit of sign(x) ln(1 + |x|) adds to the log odds';

CREATE FUNCTION cdp.score_reasons(profile_id bigint, model text)
RETURNS TABLE (reason text, contribution double precision)
LANGUAGE sql STABLE ROWS 6 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._score_reasons($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.score_reasons(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.score_reasons(bigint, text) IS
'why a profile has its score, most telling first: its own purchases in words; for a labelled model what adds to the log odds and takes from them; for points the rules that hold';
