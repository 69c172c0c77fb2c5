-- Recompute what is derived for these profiles.  Ids that are no longer live
-- lose their rows.  The locks make sessions that answer for one profile at
-- once see each other's answers.
CREATE FUNCTION cdp._refresh_consents(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM cdp.profile
	WHERE profile_id = ANY ($1)
	ORDER BY profile_id
	FOR NO KEY UPDATE;
	PERFORM cdp._hash_key();
	IF cdp._has_answered($1) THEN
		PERFORM cdp._refresh_consent_state($1);
		PERFORM cdp._refresh_contact_points($1);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._refresh_consents(bigint[]) IS
'bring consent_state and contact_point of these profiles up to date';

-- Most profiles never answered anything, and a contact point comes of a grant.
CREATE FUNCTION cdp._has_answered(profile_ids bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM cdp.consent_state WHERE profile_id = ANY ($1))
		OR EXISTS (SELECT FROM cdp.contact_point WHERE profile_id = ANY ($1))
		OR EXISTS (
			SELECT FROM unnest($1) AS wanted (root)
			CROSS JOIN LATERAL (
				SELECT wanted.root AS id
				UNION ALL
				SELECT merged.profile_id FROM cdp.profile AS merged
				WHERE merged.root = wanted.root AND merged.root <> merged.profile_id) AS leaf
			JOIN cdp.identifier ON identifier.leaf = leaf.id
			CROSS JOIN LATERAL (
				SELECT FROM cdp.consent_log AS said
				WHERE said.identifier_id = identifier.identifier_id
				LIMIT 1) AS answer);
END
$$;
COMMENT ON FUNCTION cdp._has_answered(bigint[]) IS
'whether any of these profiles has anything that is derived from consents, or should have';

-- NOT IN, none of whose columns is ever null, is looked up by hash even where the
-- caller has joins by hash turned off; NOT EXISTS would compare each with each.
CREATE FUNCTION cdp._refresh_consent_state(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	WITH now_held AS MATERIALIZED (
		SELECT profile_id, purpose, channel, state, at, expires_at
		FROM cdp._combine_consents($1, 'infinity')
	), gone AS (
		DELETE FROM cdp.consent_state AS held
		WHERE held.profile_id = ANY ($1)
			AND (held.profile_id, held.purpose, held.channel)
				NOT IN (SELECT profile_id, purpose, channel FROM now_held)
	)
	INSERT INTO cdp.consent_state AS held (profile_id, purpose, channel, state, at, expires_at)
	SELECT profile_id, purpose, channel, state, at, expires_at FROM now_held
	ORDER BY profile_id, purpose, channel
	ON CONFLICT (profile_id, purpose, channel) DO UPDATE
	SET state = excluded.state, at = excluded.at, expires_at = excluded.expires_at
	WHERE (held.state, held.at, held.expires_at)
		IS DISTINCT FROM (excluded.state, excluded.at, excluded.expires_at);
END
$$;
COMMENT ON FUNCTION cdp._refresh_consent_state(bigint[]) IS
'derive consent_state of these profiles from the log';

-- Only profiles that granted something have contact points: nobody else can
-- be released.  Best is what the newest grant came with, then the newest.  One that
-- has expired is none; it is again when a merge run finds that it was seen again.
CREATE FUNCTION cdp._find_contact_points(profile_ids bigint[])
RETURNS TABLE (profile_id bigint, identifier_id bigint, expires_at timestamptz, rank integer, type text, value text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH wanted AS (
		SELECT DISTINCT held.profile_id, identifier_type.type_id, identifier_type.type,
			identifier_type.time_to_live
		FROM cdp.consent_state AS held
			JOIN cdp.channel USING (channel)
			JOIN cdp.identifier_type ON identifier_type.type = ANY (channel.identifier_types)
		WHERE held.profile_id = ANY ($1) AND held.state = 'granted'
	)
	SELECT wanted.profile_id, identifier.identifier_id, lasting.until,
		(row_number() OVER (PARTITION BY wanted.profile_id, wanted.type
			ORDER BY latest_grant.at DESC NULLS LAST, identifier.first_seen DESC,
				identifier.value))::integer,
		wanted.type, identifier.value
	FROM wanted
		JOIN cdp.profile AS live ON live.profile_id = wanted.profile_id
			AND live.root = live.profile_id
		CROSS JOIN LATERAL (
			SELECT live.profile_id AS id
			UNION ALL
			SELECT merged.profile_id FROM cdp.profile AS merged
			WHERE merged.root = live.profile_id AND merged.root <> merged.profile_id) AS leaf
		JOIN cdp.identifier ON identifier.leaf = leaf.id
			AND identifier.type_id = wanted.type_id
		CROSS JOIN LATERAL (SELECT max(said.at) AS at FROM cdp.consent_log AS said
			WHERE said.identifier_id = identifier.identifier_id
				AND said.state = 'granted') AS latest_grant
		CROSS JOIN LATERAL cdp._identifier_until(identifier.identifier_id,
			wanted.time_to_live) AS lasting
	WHERE NOT identifier.blocked AND NOT identifier.shared
		AND (lasting.until IS NULL OR lasting.until > cdp.clock());
END
$$;
COMMENT ON FUNCTION cdp._find_contact_points(bigint[]) IS
'identifiers by which these profiles can be reached, best first';

-- A hash is made once, when an identifier becomes a contact point.
CREATE FUNCTION cdp._refresh_contact_points(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	WITH now_found AS MATERIALIZED (
		SELECT found.profile_id, found.identifier_id, found.expires_at, found.rank,
			found.type, found.value,
			coalesce(known.key_hash, cdp._keyed_hash((SELECT cdp._hash_key()),
				cdp._suppression_key(found.type, identifier.scope, found.value))) AS key_hash
		FROM cdp._find_contact_points($1) AS found
			JOIN cdp.identifier USING (identifier_id)
			LEFT JOIN cdp.contact_point AS known USING (profile_id, type, identifier_id)
	), gone AS (
		DELETE FROM cdp.contact_point AS point
		WHERE point.profile_id = ANY ($1)
			AND (point.profile_id, point.type, point.rank)
				NOT IN (SELECT profile_id, type, rank FROM now_found)
	)
	INSERT INTO cdp.contact_point AS point (profile_id, identifier_id, expires_at, rank,
		type, value, key_hash)
	SELECT profile_id, identifier_id, expires_at, rank, type, value, key_hash FROM now_found
	ORDER BY profile_id, type, rank
	ON CONFLICT (profile_id, type, rank) DO UPDATE
	SET identifier_id = excluded.identifier_id, expires_at = excluded.expires_at,
		value = excluded.value, key_hash = excluded.key_hash
	WHERE (point.identifier_id, point.expires_at)
		IS DISTINCT FROM (excluded.identifier_id, excluded.expires_at);
END
$$;
COMMENT ON FUNCTION cdp._refresh_contact_points(bigint[]) IS
'derive contact_point of these profiles';

-- A purpose's rules reach back to the answers that were given before.
CREATE FUNCTION cdp._note_purpose() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answered bigint[] := ARRAY(SELECT profile_id FROM cdp.consent_state
		WHERE purpose = NEW.purpose ORDER BY profile_id);
BEGIN
	PERFORM cdp._refresh_consents(answered);
	PERFORM cdp._add_todo('profile', answered);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_purpose() IS
'trigger: what holds of a purpose follows its new row at once';

-- A channel that needs another type of identifiers finds those of all who granted it
-- before; a type that it needs no more is released no more at once.
CREATE FUNCTION cdp._note_channel() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._add_todo('profile', ARRAY(
		SELECT DISTINCT profile_id FROM cdp.consent_state
		WHERE channel = NEW.channel AND state = 'granted'
		ORDER BY profile_id));
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_channel() IS
'trigger: the next merge run finds the addresses that a channel''s identifier types add';

-- Found by their values: where an identifier is blocked that nobody granted anything
-- for, there is nothing to find.
CREATE FUNCTION cdp._drop_blocked_points() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM cdp.contact_point AS point
	WHERE (NEW.type IS NULL OR point.type = NEW.type)
		AND (lower(point.value) = NEW.value OR lower(point.value) ~ NEW.pattern);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._drop_blocked_points() IS
'trigger: an address is released no more from the moment on that it is blocked';

-- Who answered while an identifier was blocked has made it a contact point.  Judging has
-- waited for them: what they wrote is seen now, by the flags that it has set.
CREATE FUNCTION cdp._drop_points(identifier_ids bigint[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM cdp.contact_point AS point
	USING cdp.identifier
	WHERE identifier.identifier_id = point.identifier_id
		AND identifier.blocked
		AND ($1 IS NULL OR point.identifier_id = ANY ($1))
$$;
COMMENT ON FUNCTION cdp._drop_points(bigint[]) IS
'release those of these identifiers (NULL: of all) no more that are blocked; the caller has judged them';
