-- From the least to the most restrictive.
CREATE FUNCTION cdp._consent_strictness(state text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_position(ARRAY['granted', 'requested', 'expired', 'withdrawn',
	'denied', 'objected'], state);
COMMENT ON FUNCTION cdp._consent_strictness(text) IS
'of two answers that meet, the one with the higher number counts';

-- In UTC: how long a grant lasts must not depend on the session's time zone.
CREATE FUNCTION cdp._consent_expiry(at timestamptz, time_to_live interval) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ((at AT TIME ZONE 'UTC') + time_to_live) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION cdp._consent_expiry(timestamptz, interval) IS
'when a grant given then expires; NULL: never';

CREATE FUNCTION cdp._refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'cannot change rows of cdp.%', TG_TABLE_NAME
		USING ERRCODE = 'integrity_constraint_violation',
			DETAIL = 'The table is append-only.';
END
$$;
COMMENT ON FUNCTION cdp._refuse_change() IS
'trigger: an append-only table stays so';

-- The one rule; consent.h tells it.  NULL means all live profiles.
CREATE FUNCTION cdp._combine_consents(profile_ids bigint[], as_of timestamptz)
RETURNS TABLE (profile_id bigint, purpose text, channel text, state text,
	at timestamptz, expires_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH wanted AS (
		SELECT id FROM unnest($1) AS id
		UNION ALL
		SELECT every.profile_id FROM cdp.profile AS every WHERE $1 IS NULL
	), born AS (
		SELECT live.root, leaf.id AS leaf
		FROM wanted
			JOIN cdp.profile AS live ON live.profile_id = wanted.id
				AND live.root = live.profile_id
			CROSS JOIN LATERAL (
				SELECT live.profile_id AS id
				UNION ALL
				SELECT merged.profile_id FROM cdp.profile AS merged
				WHERE merged.root = live.profile_id AND merged.root <> merged.profile_id) AS leaf
	), last_word AS (
		SELECT DISTINCT ON (born.root, born.leaf, said.purpose, said.channel)
			born.root, said.purpose, said.channel, said.state, said.at,
			cdp._consent_strictness(said.state) AS strictness,
			CASE WHEN said.state = 'granted'
				THEN cdp._consent_expiry(said.at, purpose.time_to_live) END AS expires_at
		FROM born
			JOIN cdp.identifier ON identifier.leaf = born.leaf
			JOIN cdp.consent_log AS said USING (identifier_id)
			JOIN cdp.purpose ON purpose.purpose = said.purpose
		WHERE said.at <= $2
		ORDER BY born.root, born.leaf, said.purpose, said.channel,
			said.at DESC, strictness DESC
	)
	SELECT root, purpose, channel,
		(array_agg(state ORDER BY strictness DESC, at DESC))[1],
		(array_agg(at ORDER BY strictness DESC, at DESC))[1],
		CASE WHEN max(strictness) < cdp._consent_strictness('expired')
			THEN min(expires_at) END
	FROM last_word
	GROUP BY root, purpose, channel;
END
$$;
COMMENT ON FUNCTION cdp._combine_consents(bigint[], timestamptz) IS
'what live profiles have agreed to as of an instant, from the log; from expires_at on the state is expired';

CREATE FUNCTION cdp.consent(
	profile_id bigint,
	purpose text,
	channel text,
	as_of timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := (SELECT root FROM cdp.profile WHERE profile.profile_id = $1);
	instant timestamptz := coalesce($4, cdp.clock());
	found_state text;
BEGIN
	PERFORM cdp._check_purpose($2);
	PERFORM cdp._check_channel($3);
	IF $4 IS NULL THEN
		SELECT CASE WHEN held.expires_at <= instant THEN 'expired' ELSE held.state END
		INTO found_state
		FROM cdp.consent_state AS held
		WHERE held.profile_id = live AND held.purpose = $2 AND held.channel = $3;
	ELSE
		SELECT CASE WHEN held.expires_at <= instant THEN 'expired' ELSE held.state END
		INTO found_state
		FROM cdp._combine_consents(ARRAY[live], instant) AS held
		WHERE held.purpose = $2 AND held.channel = $3;
	END IF;
	RETURN coalesce(found_state, 'unknown');
END
$$;
COMMENT ON FUNCTION cdp.consent(bigint, text, text, timestamptz) IS
'what a profile has answered about a purpose and channel, now or as of a past instant: granted, requested, expired, withdrawn, denied, objected or unknown';

CREATE FUNCTION cdp._check_purpose(purpose text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.purpose WHERE purpose.purpose = $1) THEN
		RAISE EXCEPTION 'unknown purpose "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A purpose is a row of cdp.purpose.',
				HINT = 'Run SELECT purpose, description FROM cdp.purpose.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_purpose(text) IS 'raise unless it is a purpose';

CREATE FUNCTION cdp._check_channel(channel text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.channel WHERE channel.channel = $1) THEN
		RAISE EXCEPTION 'unknown channel "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A channel is a row of cdp.channel.',
				HINT = 'Run SELECT channel, description FROM cdp.channel.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_channel(text) IS 'raise unless it is a channel';

CREATE FUNCTION cdp._check_consent_state(state text) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cdp._consent_strictness($1) IS NULL THEN
		RAISE EXCEPTION 'invalid consent state "%"', coalesce($1, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A state is requested, granted, denied, withdrawn, expired or objected.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_consent_state(text) IS 'raise unless it is a state of consent';

CREATE FUNCTION cdp._consent_starter() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.purpose (purpose, description, legal_basis, double_opt_in, time_to_live) VALUES
		('marketing', 'offers and news of one''s own', 'consent', true, NULL),
		('ads_personalisation', 'advertisements chosen by what is known of the person', 'consent', false, '13 months'),
		('analytics', 'measuring how pages and shops are used', 'consent', false, '13 months'),
		('personalisation', 'one''s own pages arranged by what is known of the person', 'consent', false, '13 months'),
		('service', 'messages that a contract needs', 'contract', false, NULL)
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION cdp._consent_starter() IS
'the purposes that a new store starts with';
