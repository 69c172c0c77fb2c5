-- Views and doors over several rooms.  Views grow only at their end.

-- The view is made by a function, because cdp.expose_trait() adds columns.  Who
-- asks for one profile pays for the planning of all columns: a subquery that would
-- name an expression has the planner copy all of them, and so would a view inside.
CREATE FUNCTION cdp._make_unified_profile() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	exposed_columns text;
BEGIN
	SELECT string_agg(format(', %s AS %I', cdp._trait_column(
			CASE WHEN cdp._may_expire(trait.name)
				THEN 'cdp._traits_at(current.traits, current.expiring, cdp.clock())'
				ELSE 'current.traits' END, trait.name, trait.type), trait.name),
			E'\n' ORDER BY trait.exposed)
	INTO exposed_columns
	FROM cdp.trait
	WHERE trait.exposed IS NOT NULL;

	EXECUTE format($view$
CREATE OR REPLACE VIEW cdp.unified_profile AS
SELECT current.profile_id,
	current.kind::text AS kind,
	coalesce(%2$s -> 'email' ->> 0,
		CASE WHEN cdp._contact_lasts(current.lineage, 'email',
				(SELECT type.time_to_live FROM cdp.identifier_type AS type WHERE type.type = 'email'), cdp.clock())
			THEN cdp.normalise_email(cdp._trait_text(current.traits, 'email')) END) AS email,
	coalesce(%2$s -> 'phone' ->> 0,
		CASE WHEN cdp._contact_lasts(current.lineage, 'phone',
				(SELECT type.time_to_live FROM cdp.identifier_type AS type WHERE type.type = 'phone'), cdp.clock())
			THEN cdp.normalise_phone(cdp._trait_text(current.traits, 'phone'),
				(SELECT setting.value FROM cdp.setting WHERE setting.name = 'default_region')) END) AS phone,
	cdp._trait_text(current.traits, 'first_name') AS first_name,
	cdp._trait_text(current.traits, 'last_name') AS last_name,
	coalesce(cdp._trait_text(current.traits, 'name'),
		nullif(concat_ws(' ', cdp._trait_text(current.traits, 'first_name'),
			cdp._trait_text(current.traits, 'last_name')), '')) AS name,
	cdp._iso_date(current.traits ->> 'birth_date') AS birth_date,
	cdp._trait_text(current.traits, 'gender') AS gender,
	cdp._trait_text(current.traits, 'company') AS company,
	cdp._trait_text(current.traits, 'street') AS street,
	cdp._trait_text(current.traits, 'city') AS city,
	cdp._trait_text(current.traits, 'region') AS region,
	cdp._trait_text(current.traits, 'postal_code') AS postal_code,
	cdp._trait_text(current.traits, 'country') AS country,
	cdp._trait_text(current.traits, 'language') AS language,
	cdp._trait_text(current.traits, 'time_zone') AS time_zone,
	cdp._trait_text(current.traits, 'account_id') AS account_id,
	current.first_seen,
	current.last_seen,
	current.sources,
	%2$s AS identifiers,
	current.events,
	current.orders,
	current.revenue,
	round(current.gross_revenue / nullif(current.orders, 0), 4) AS average_order_value,
	(SELECT setting.value FROM cdp.setting WHERE setting.name = 'currency') AS currency,
	current.first_order_at,
	current.last_order_at,
	score.rfm_recency,
	score.rfm_frequency,
	score.rfm_monetary,
	score.lifecycle,
	score.clv_365d,
	score.clv_365d_low,
	score.clv_365d_high,
	score.churn_90d,
	score.churn_band,
	score.model_verdict,
	score.as_of AS scored_at,
	ARRAY(
		SELECT segment.name::text
		FROM cdp.segment_definition AS segment
		WHERE segment.segment_id = ANY (current.segment_ids)
		ORDER BY segment.name) AS segments,
	current.consents,
	cdp._traits_at(current.traits, current.expiring, cdp.clock()) AS traits,
	current.as_of
	%1$s
FROM cdp.profile_current AS current
LEFT JOIN cdp.profile_score AS score ON score.profile_id = current.profile_id
$view$, exposed_columns,
		'cdp._lasting_identifiers(current.identifiers, current.identifiers_until, cdp.clock())');
END
$$;
COMMENT ON FUNCTION cdp._make_unified_profile() IS
'make or extend the view cdp.unified_profile';

SELECT cdp._make_unified_profile();
COMMENT ON VIEW cdp.unified_profile IS
'one row per customer: who, how to reach, what they did, what they are worth, which segments they are in';

CREATE VIEW cdp.profile_metric AS
SELECT profile_id, kind, region, country, language, time_zone,
	first_seen, last_seen, sources, events, orders, revenue,
	average_order_value, currency, first_order_at, last_order_at,
	rfm_recency, rfm_frequency, rfm_monetary, lifecycle,
	clv_365d, clv_365d_low, clv_365d_high, churn_90d, churn_band,
	model_verdict, scored_at, segments, as_of
FROM cdp.unified_profile;
COMMENT ON VIEW cdp.profile_metric IS
'one row per customer without personal columns, for reporting';

CREATE FUNCTION cdp.profile(type text, value text, source text DEFAULT NULL)
RETURNS SETOF cdp.unified_profile
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found cdp.unified_profile := cdp._read_profile($1, $2, $3);
BEGIN
	IF found.profile_id IS NOT NULL THEN
		RETURN NEXT found;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.profile(text, text, text) IS
'the unified profile of an identifier, which is normalised first; source is for types whose values are a source''s own';

CREATE FUNCTION cdp.expose_trait(name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text;
BEGIN
	PERFORM cdp._check_store();
	IF EXISTS (SELECT FROM cdp.computed_trait WHERE computed_trait.name = $1 AND NOT steady) THEN
		RAISE EXCEPTION 'computed trait "%" cannot be a column', $1
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'It changes with the clock, so it is computed when it is read.',
				HINT = 'Read cdp.profile_computed_trait or cdp.computed_traits_of().';
	END IF;
	IF octet_length($1) > 63 THEN
		RAISE EXCEPTION 'the name of trait "%" is too long for a column', $1
			USING ERRCODE = 'name_too_long';
	END IF;
	known := cdp._known_trait($1);
	IF EXISTS (
		SELECT FROM pg_attribute
		WHERE attrelid = 'cdp.unified_profile'::regclass AND attname = known)
	THEN
		RAISE EXCEPTION 'cdp.unified_profile has a column "%" already', known
			USING ERRCODE = 'duplicate_column';
	END IF;
	LOCK TABLE cdp.trait IN SHARE ROW EXCLUSIVE MODE;
	UPDATE cdp.trait
	SET exposed = (SELECT coalesce(max(other.exposed), 0) + 1 FROM cdp.trait AS other)
	WHERE trait.name = known;
	PERFORM cdp._make_unified_profile();
	-- plans that call it hear of a change, and so of the column
	ALTER FUNCTION cdp.profile(text, text, text) ROWS 1;
END
$$;
COMMENT ON FUNCTION cdp.expose_trait(text) IS
'add a trait as a column to the end of cdp.unified_profile';

REVOKE ALL ON FUNCTION cdp.profile(text, text, text), cdp.expose_trait(text)
	FROM PUBLIC;
