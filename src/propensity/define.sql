-- Labelled models: their definition.

-- What a profile is known for today was not known in the past.
CREATE FUNCTION cdp._check_past(what text, expression cdp.predicate, context jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	why text := cdp._why_no_feature($2, $3);
BEGIN
	IF why = 'facts' THEN
		RAISE EXCEPTION '% "%" is not about events only', $1, $2
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'What a profile is known for today may have been told after the fact: a model that learns from the past must not see it.',
				HINT = 'Ask for the events themselves; of a computed trait or segment, write its expression instead of its name.';
	ELSIF why = 'undeclared' THEN
		RAISE EXCEPTION '% "%" asks for a property that timelines do not hold', $1, $2
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Declare the property with cdp.declare_property() first.';
	ELSIF why = 'names' THEN
		RAISE EXCEPTION '% "%" asks by the name of a segment or computed trait', $1, $2
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'What the name means can change, and what a model has learnt cannot.',
				HINT = 'Write the expression instead of its name.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_past(text, cdp.predicate, jsonb) IS
'raise unless the answer was known at any instant of the past, and its question stays what it is';

CREATE FUNCTION cdp._bind_question(what text, question cdp.predicate, context jsonb)
RETURNS cdp.predicate
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bound cdp.predicate := cdp._predicate_bind($2, $3);
BEGIN
	PERFORM cdp._check_past($1, bound, $3);
	RETURN bound;
END
$$;
COMMENT ON FUNCTION cdp._bind_question(text, cdp.predicate, jsonb) IS
'a label, or who a model is about, after all checks';

CREATE FUNCTION cdp._bind_features(features cdp.predicate[], context jsonb)
RETURNS cdp.predicate[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	feature cdp.predicate;
	bound record;
	result cdp.predicate[] := '{}';
BEGIN
	IF cardinality($1) = 0 OR array_position($1, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'features must not be empty or null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Leave them out to learn from the computed traits.';
	END IF;
	IF cardinality($1) > cdp._max_features() THEN
		RAISE EXCEPTION 'a model has at most % features', cdp._max_features()
			USING ERRCODE = 'program_limit_exceeded';
	END IF;
	FOREACH feature IN ARRAY $1 LOOP
		bound := cdp._expression_bind(feature, $2);
		PERFORM cdp._check_past('feature', bound.expression, $2);
		IF bound.type NOT IN ('number', 'boolean') THEN
			RAISE EXCEPTION 'feature "%" is neither a number nor a boolean', feature
				USING ERRCODE = 'datatype_mismatch',
					HINT = 'Compare it, as in latest(order.channel) = ''app'', or of a time take days_since().';
		END IF;
		result := result || bound.expression;
	END LOOP;
	RETURN result;
END
$$;
COMMENT ON FUNCTION cdp._bind_features(cdp.predicate[], jsonb) IS
'the features of a model after all checks';

CREATE FUNCTION cdp._check_propensity(defined record) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present text := (SELECT kind FROM cdp.model WHERE name = defined.model);
BEGIN
	IF defined.model IS NULL OR defined.model !~ '^[a-z][a-z0-9_]{0,62}$' THEN
		RAISE EXCEPTION 'invalid name of a model "%"', defined.model
			USING ERRCODE = 'invalid_name',
				DETAIL = 'It is a lower-case letter and up to 62 more letters, digits and underscores.';
	END IF;
	IF present <> 'propensity' THEN
		RAISE EXCEPTION 'model "%" is of kind %', defined.model, present
			USING ERRCODE = 'duplicate_object',
				HINT = 'Choose another name.';
	END IF;
	IF num_nulls(defined.label, defined.horizon, defined.who, defined.l2, defined.min_labels) > 0 THEN
		RAISE EXCEPTION 'model "%" needs a label, a horizon, who it is about, l2 and min_labels', defined.model
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF NOT isfinite(defined.horizon) OR defined.horizon <= '0' OR defined.horizon > '10 years' THEN
		RAISE EXCEPTION 'invalid horizon "%"', defined.horizon
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A horizon is longer than 0 and at most 10 years.';
	END IF;
	IF NOT defined.l2 BETWEEN 0 AND 1e9 OR defined.min_labels < 1 THEN
		RAISE EXCEPTION 'invalid l2 % or min_labels %', defined.l2, defined.min_labels
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'l2 is from 0 to 1e9, min_labels at least 1.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_propensity(record) IS
'raise unless the definition is one, its predicates aside';

-- What was learnt for another definition is not used, but kept.
CREATE FUNCTION cdp._keep_definition(defined record, description text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present cdp.propensity;
BEGIN
	INSERT INTO cdp.model (name, kind, description, detail)
	VALUES (defined.model, 'propensity', $2, 'not fitted yet')
	ON CONFLICT (name) DO UPDATE SET description = coalesce($2, model.description);
	SELECT * INTO present FROM cdp.propensity AS kept WHERE kept.model = defined.model;
	IF present.model IS NOT NULL AND to_jsonb(present) - '{tried_at,scored_at}'::text[]
		= to_jsonb(defined) - '{tried_at,scored_at}'::text[]
	THEN
		RETURN;
	END IF;
	INSERT INTO cdp.propensity
	SELECT * FROM jsonb_populate_record(NULL::cdp.propensity, to_jsonb(defined))
	ON CONFLICT (model) DO UPDATE SET label = excluded.label,
		horizon = excluded.horizon, who = excluded.who, features = excluded.features,
		l2 = excluded.l2, min_labels = excluded.min_labels, tried_at = NULL;
	UPDATE cdp.model SET version = NULL, status = 'waiting', detail = 'not fitted yet'
	WHERE name = defined.model;
END
$$;

CREATE FUNCTION cdp.define_propensity(
	name text,
	label cdp.predicate,
	horizon interval DEFAULT '90 days',
	who cdp.predicate DEFAULT 'true',
	features cdp.predicate[] DEFAULT NULL,
	description text DEFAULT NULL,
	l2 double precision DEFAULT 1,
	min_labels integer DEFAULT 100)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	context jsonb := cdp._evaluation_context();
	defined cdp.propensity;
BEGIN
	PERFORM cdp._check_store();
	LOCK TABLE cdp.propensity IN SHARE ROW EXCLUSIVE MODE;
	defined.model := $1;
	defined.label := $2;
	defined.horizon := $3;
	defined.who := $4;
	defined.features := $5;
	defined.l2 := $7;
	defined.min_labels := $8;
	PERFORM cdp._check_propensity(defined);
	defined.label := cdp._bind_question('label', defined.label, context);
	defined.who := cdp._bind_question('who', defined.who, context);
	IF defined.features IS NOT NULL THEN
		defined.features := cdp._bind_features(defined.features, context);
	END IF;
	PERFORM cdp._keep_definition(defined, $6);
END
$$;
COMMENT ON FUNCTION cdp.define_propensity IS
'define or redefine a labelled model: how likely is it that the label comes true of a profile within the horizon';

CREATE FUNCTION cdp.drop_model(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind text := (SELECT described.kind FROM cdp.model AS described WHERE described.name = $1);
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._lock_merger();
	LOCK TABLE cdp.segment_definition, cdp.computed_trait, cdp.propensity IN SHARE ROW EXCLUSIVE MODE;
	IF kind IS NULL THEN
		RAISE EXCEPTION 'there is no model "%"', $1
			USING ERRCODE = 'undefined_object',
				HINT = 'Models are rows of cdp.model.';
	END IF;
	IF kind IN ('churn', 'clv') THEN
		RAISE EXCEPTION 'cannot drop model "%"', $1
			USING ERRCODE = 'object_in_use',
				DETAIL = format('It is of kind %s, whose scores are columns of profiles.', kind);
	END IF;
	PERFORM cdp._check_unused('model', 'scores', $1);
	DELETE FROM cdp.model AS described WHERE described.name = $1;
	DELETE FROM cdp.profile_score AS scored
	WHERE scored.revenue IS NULL AND scored.scores ? $1 AND scored.scores - $1 = '{}';
	UPDATE cdp.profile_score AS scored SET scores = scored.scores - $1
	WHERE scored.scores ? $1;
END
$$;
COMMENT ON FUNCTION cdp.drop_model(text) IS
'remove a model with its versions, rules and scores, but not churn and clv; refused while a segment or computed trait asks for its score';

CREATE FUNCTION cdp._propensity_starter() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp.define_propensity('lead', 'did(order, 90 days)', '90 days', 'not did(order)',
		description => 'probability that somebody who never bought will, in the next 90 days; points until that is learnt');
	SELECT cdp.define_propensity('purchase_30d', 'did(order, 30 days)', '30 days',
		description => 'probability of a purchase in the next 30 days');
	INSERT INTO cdp.lead_rule (model, predicate, points, description)
	SELECT 'lead', predicate, points, description
	FROM (VALUES
		(cdp.predicate 'did(checkout, 14 days)', 30, 'began a checkout within two weeks'),
		(cdp.predicate 'did(cart_add, 14 days)', 25, 'put something into the cart within two weeks'),
		(cdp.predicate 'count(product_view, 14 days) >= 3', 15, 'looked at three products or more within two weeks'),
		(cdp.predicate 'did(sign_up)', 15, 'has opened an account'),
		(cdp.predicate 'did(search, 14 days)', 5, 'searched within two weeks'),
		(cdp.predicate 'did(email_click, 30 days)', 10, 'followed a link in an e-mail within a month'),
		(cdp.predicate 'did(campaign_response, 30 days)', 10, 'answered a campaign within a month'),
		(cdp.predicate 'active_days(any, 30 days) >= 3', 10, 'was here on three days or more within a month'),
		(cdp.predicate 'not did(any, 60 days)', -20, 'has not been here for two months')
	) AS starter (predicate, points, description)
$$;
COMMENT ON FUNCTION cdp._propensity_starter() IS
'define the labelled models that a new store begins with: lead and purchase_30d';
