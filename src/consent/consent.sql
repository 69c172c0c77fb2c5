-- From the least to the most restrictive; NULL for what is no state.  Not STRICT:
-- so the planner puts the body in the place of the call.
CREATE FUNCTION cdp._consent_strictness(state text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position(ARRAY['granted', 'requested', 'expired', 'withdrawn',
	'denied', 'objected'], state);
COMMENT ON FUNCTION cdp._consent_strictness(text) IS
'of two answers that meet, the one with the higher number counts';

-- A guard against mistakes, not against the owner.  Erasure says that it comes
-- (privacy.sql), for its transaction.
CREATE FUNCTION cdp._refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE'
		AND current_setting('cdp_erase.transaction', true) = pg_current_xact_id_if_assigned()::text
	THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'cannot change rows of cdp.%', TG_TABLE_NAME
		USING ERRCODE = 'integrity_constraint_violation',
			DETAIL = 'The table is append-only.';
END
$$;
COMMENT ON FUNCTION cdp._refuse_change() IS
'trigger: an append-only table stays so';

-- A voice is who answers: what was born with a profile id, by that id, or an
-- identifier that is lost and whose refusals are kept, by its own, negative.
CREATE FUNCTION cdp._voices(speaks_for bigint[], root bigint, known_at timestamptz)
RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $3 IS NOT NULL THEN
		RETURN ARRAY(SELECT -id FROM unnest($1) AS id) || ARRAY(
			SELECT past.leaf FROM cdp._identifiers_at($2, $3) AS past
			WHERE past.identifier_id = ANY ($1));
	END IF;
	RETURN ARRAY(SELECT -id FROM unnest($1) AS id) || ARRAY(
		SELECT identifier.leaf
		FROM unnest($1) AS given (id)
			JOIN cdp.identifier ON identifier.identifier_id = given.id
			JOIN cdp.profile ON profile.profile_id = identifier.leaf AND profile.root = $2);
END
$$;
COMMENT ON FUNCTION cdp._voices(bigint[], bigint, timestamptz) IS
'the voices that these identifiers have in a live profile, or may have had';

CREATE FUNCTION cdp._is_back(kept_of bigint, root bigint, known_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gave_it bigint := (SELECT said.identifier_id
		FROM cdp.consent_log AS said WHERE said.consent_id = $1);
BEGIN
	IF $3 IS NOT NULL THEN
		RETURN EXISTS (SELECT FROM cdp._identifiers_at($2, $3) AS past
			WHERE past.identifier_id = gave_it);
	END IF;
	RETURN EXISTS (
		SELECT FROM cdp.identifier
			JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE identifier.identifier_id = gave_it AND profile.root = $2);
END
$$;
COMMENT ON FUNCTION cdp._is_back(bigint, bigint, timestamptz) IS
'whether the identifier that gave an answer is of a live profile, so that what was kept for it is not needed';

-- NULL profile_ids are all live profiles; known_at NULL is all that is known by
-- now, of whom it is known to be.
CREATE FUNCTION cdp._answers(profile_ids bigint[], known_at timestamptz)
RETURNS TABLE (root bigint, voice bigint, voices bigint[], consent_id bigint, kept_of bigint,
	purpose text, channel text, state text, at timestamptz)
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
	), speaker AS (
		SELECT live.root, identifier.leaf, identifier.identifier_id
		FROM wanted
			JOIN cdp.profile AS live ON live.profile_id = wanted.id
				AND live.root = live.profile_id
			CROSS JOIN LATERAL (
				SELECT live.profile_id AS id
				UNION ALL
				SELECT merged.profile_id FROM cdp.profile AS merged
				WHERE merged.root = live.profile_id AND merged.root <> merged.profile_id) AS leaf
			JOIN cdp.identifier ON identifier.leaf = leaf.id
		WHERE $2 IS NULL
		UNION ALL
		SELECT wanted.id, past.leaf, past.identifier_id
		FROM wanted CROSS JOIN LATERAL cdp._identifiers_at(wanted.id, $2) AS past
		WHERE $2 IS NOT NULL
	)
	SELECT speaker.root,
		CASE WHEN said.kept_of IS NULL OR said.speaks_for[1] = said.identifier_id
			THEN speaker.leaf ELSE -said.speaks_for[1] END,
		CASE WHEN said.speaks_for IS NOT NULL
			THEN cdp._voices(said.speaks_for, speaker.root, $2) END,
		said.consent_id, said.kept_of, said.purpose::text, said.channel::text,
		said.state::text, said.at
	FROM speaker JOIN cdp.consent_log AS said USING (identifier_id)
	WHERE ($2 IS NULL OR said.recorded_at <= $2)
		AND (said.set_id IS NULL OR said.set_id NOT IN (
			SELECT gone.set_id FROM cdp._retracted_sets($2) AS gone))
		AND (said.kept_of IS NULL OR NOT cdp._is_back(said.kept_of, speaker.root, $2));
END
$$;
COMMENT ON FUNCTION cdp._answers(bigint[], timestamptz) IS
'the answers that count for profiles, each by its voice, and with the voices whose answers it takes the place of as well; NULL: no other';

-- The one rule; consent.h tells it.  A grant by a call confirms what its own voice
-- had asked for, also where it is taken for the answer of another.
CREATE FUNCTION cdp._combine_consents(
	profile_ids bigint[],
	as_of timestamptz,
	known_at timestamptz DEFAULT NULL)
RETURNS TABLE (profile_id bigint, purpose text, channel text, state text,
	at timestamptz, expires_at timestamptz, consent_id bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH heard AS MATERIALIZED (
		SELECT given.root, given.voice, given.voices, given.consent_id, given.at, given.state,
			purpose.purpose, given.channel COLLATE "C" AS channel,
			purpose.time_to_live, purpose.double_opt_in
		FROM cdp._answers($1, $3) AS given
			JOIN cdp.purpose ON purpose.purpose = given.purpose
		WHERE given.at <= $2
	), said AS (
		SELECT heard.*, heard.voice AS in_voice FROM heard WHERE heard.voices IS NULL
		UNION ALL
		SELECT heard.*, other.voice
		FROM heard JOIN (SELECT DISTINCT root, purpose, channel, voice FROM heard) AS other
			USING (root, purpose, channel)
		WHERE other.voice = heard.voice OR other.voice = ANY (heard.voices)
	), answer AS (
		SELECT said.*,
			max(at) FILTER (WHERE state = 'requested') OVER before AS requested_at,
			max(at) FILTER (WHERE state IN ('withdrawn', 'denied', 'objected'))
				OVER before AS refused_at
		FROM said
		WINDOW before AS (PARTITION BY root, in_voice, purpose, channel ORDER BY at)
	), confirmed AS (
		SELECT answer.*, greatest(requested_at, max(requested_at)
			FILTER (WHERE in_voice = voice) OVER (PARTITION BY root, consent_id)) AS asked_at
		FROM answer
	), weighed AS (
		SELECT root, in_voice, purpose, channel, at, consent_id, time_to_live, counted.state,
			cdp._consent_strictness(counted.state) AS strictness
		FROM confirmed
			CROSS JOIN LATERAL (SELECT CASE
				WHEN confirmed.state = 'granted' AND confirmed.double_opt_in
					AND NOT coalesce(asked_at > coalesce(refused_at, '-infinity'), false)
				THEN 'requested' ELSE confirmed.state END AS state) AS counted
	), last_word AS (
		SELECT DISTINCT ON (root, in_voice, purpose, channel)
			root, purpose, channel, state, at, strictness, consent_id,
			CASE WHEN state = 'granted'
				THEN cdp._kept_until(at, time_to_live) END AS expires_at
		FROM weighed
		ORDER BY root, in_voice, purpose, channel, at DESC, strictness DESC, consent_id DESC
	)
	SELECT root, purpose, channel,
		(array_agg(state ORDER BY strictness DESC, at DESC, consent_id DESC))[1],
		(array_agg(at ORDER BY strictness DESC, at DESC, consent_id DESC))[1],
		CASE WHEN max(strictness) < cdp._consent_strictness('expired')
			THEN min(expires_at) END,
		(array_agg(consent_id ORDER BY strictness DESC, at DESC, consent_id DESC))[1]
	FROM last_word
	GROUP BY root, purpose, channel;
END
$$;
COMMENT ON FUNCTION cdp._combine_consents(bigint[], timestamptz, timestamptz) IS
'what profiles have agreed to as of an instant, from the log as it was known at another, and the answer that decides; from expires_at on the state is expired';

CREATE FUNCTION cdp._consent(profile_id bigint, purpose text, channel text, as_of timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := (SELECT root FROM cdp.profile WHERE profile.profile_id = $1);
BEGIN
	PERFORM cdp._check_purpose($2);
	PERFORM cdp._check_channel($3);
	IF $4 IS NOT NULL THEN
		RETURN cdp._consent_then(live, $2, $3, $4, NULL);
	END IF;
	RETURN coalesce((
		SELECT CASE WHEN held.expires_at <= cdp.clock() THEN 'expired' ELSE held.state END
		FROM cdp.consent_state AS held
		WHERE held.profile_id = live AND held.purpose = $2 AND held.channel = $3), 'unknown');
END
$$;
COMMENT ON FUNCTION cdp._consent(bigint, text, text, timestamptz) IS
'what the door cdp.consent() does';

CREATE FUNCTION cdp._consent_then(
	profile_id bigint, purpose text, channel text, at timestamptz, known_at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((
		SELECT CASE WHEN held.expires_at <= $4 THEN 'expired' ELSE held.state END
		FROM cdp._combine_consents(ARRAY[$1], $4, $5) AS held
		WHERE held.purpose = $2 AND held.channel = $3), 'unknown')
$$;
COMMENT ON FUNCTION cdp._consent_then(bigint, text, text, timestamptz, timestamptz) IS
'what a profile had answered by then, from the log';

CREATE FUNCTION cdp._check_consent_instant(at timestamptz) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $1 IS NULL THEN
		RAISE EXCEPTION 'argument "at" of cdp.consent_at() must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'cdp.consent() tells what holds now.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_consent_instant(timestamptz) IS
'raise unless there is an instant to ask about';

CREATE FUNCTION cdp._consent_at(
	profile_id bigint, purpose text, channel text, at timestamptz, known_at timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_purpose($2);
	PERFORM cdp._check_channel($3);
	PERFORM cdp._check_consent_instant($4);
	RETURN cdp._consent_then(cdp._profile_known_as($1, $5), $2, $3, $4, $5);
END
$$;
COMMENT ON FUNCTION cdp._consent_at(bigint, text, text, timestamptz, timestamptz) IS
'what the door cdp.consent_at() does';

-- What was known is asked of the id itself, what is known of the live profile.
CREATE FUNCTION cdp._profile_known_as(profile_id bigint, known_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN $2 IS NULL THEN profile.root ELSE profile.profile_id END
	FROM cdp.profile
	WHERE profile.profile_id = $1
$$;
COMMENT ON FUNCTION cdp._profile_known_as(bigint, timestamptz) IS
'the profile id that cdp._combine_consents() is asked for; NULL: there is none';

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
		('marketing', 'offers and news of one''s own', 'consent', false, NULL),
		('ads_personalisation', 'advertisements chosen by what is known of the person', 'consent', false, '13 months'),
		('analytics', 'measuring how pages and shops are used', 'consent', false, '13 months'),
		('personalisation', 'one''s own pages arranged by what is known of the person', 'consent', false, '13 months'),
		('service', 'messages that a contract needs', 'contract', false, NULL)
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION cdp._consent_starter() IS
'the purposes that a new store starts with';
