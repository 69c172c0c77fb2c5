-- cdp._refresh_profiles(ids) is the one way in which rows of profile_current
-- come to be: behind a cdp.ingest(), in the merge run, in a rebuild.  It reads
-- evidence, observations, timelines and consents of these profiles and writes
-- the rows that differ.
--
-- The caller holds the merger's lock, cdp._lock_merger(): a
-- profile that loses its row exits from its segments (audience.h).
--
-- Times in JSON are in UTC whatever the session's zone, or rows would differ
-- between sessions.

-- Put a value first in the list of a key, if it is in there.
CREATE FUNCTION cdp._prefer_identifier(identifiers jsonb, type text, value text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN ($1 -> $2) ? $3
		THEN jsonb_set($1, ARRAY[$2], jsonb_build_array($3) || (($1 -> $2) - $3))
		ELSE $1 END
$$;
COMMENT ON FUNCTION cdp._prefer_identifier(jsonb, text, text) IS
'identifiers with this value as the best of its type, if it is among them';

-- The best e-mail address and phone number are those that the traits say.
CREATE FUNCTION cdp._order_identifiers(identifiers jsonb, traits jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_array_length($1 -> 'phone') > 1 AND $2 ? 'phone'
		THEN cdp._prefer_identifier(by_email.list, 'phone',
			cdp.normalise_phone($2 ->> 'phone', cdp._read_setting('default_region'::text)))
		ELSE by_email.list END
	FROM (
		SELECT CASE WHEN jsonb_array_length($1 -> 'email') > 1 AND $2 ? 'email'
			THEN cdp._prefer_identifier($1, 'email',
				cdp.normalise_email($2 ->> 'email'))
			ELSE $1 END AS list
	) AS by_email
$$;
COMMENT ON FUNCTION cdp._order_identifiers(jsonb, jsonb) IS
'identifiers with the e-mail address and phone number of the traits first';

-- One plan, made once, that goes from profile to profile by keys, tables in the
-- order written: what it costs does not depend on what the planner thinks of
-- the store, which may have been empty when the session made it.
CREATE FUNCTION cdp._refresh_profiles(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET join_collapse_limit = 1
SET jit = off
AS $$
DECLARE
	names text[];
	expressions cdp.predicate[];
	context jsonb;
BEGIN
	PERFORM cdp._refresh_consents($1);

	-- Seldom is anything computed from events: this is all it costs then.
	SELECT array_agg(trait.name::text), array_agg(trait.expression)
	INTO names, expressions
	FROM cdp.computed_trait AS trait
	WHERE trait.steady;
	IF names IS NOT NULL THEN
		context := cdp._evaluation_context();
	END IF;

	DELETE FROM cdp.profile_current AS old
	WHERE old.profile_id = ANY ($1)
		AND NOT EXISTS (
			SELECT FROM cdp._live_profile AS live
			WHERE live.profile_id = old.profile_id);

	INSERT INTO cdp.profile_current AS old (profile_id, first_seen, last_seen,
		events, orders, first_order_at, last_order_at, as_of, ord, kind,
		gross_revenue, revenue, sources, traits, lineage, identifiers, consents,
		expiring, identifiers_until)
	SELECT made.profile_id, made.first_seen, made.last_seen,
		made.events, made.orders, made.first_order_at, made.last_order_at,
		cdp.clock(), made.ord, made.kind,
		made.gross_revenue, made.revenue, made.sources,
		CASE WHEN names IS NULL THEN made.traits
			ELSE made.traits - names || computed.traits END,
		CASE WHEN names IS NULL THEN made.lineage
			ELSE made.lineage - names || (
				SELECT coalesce(jsonb_object_agg(name, '{"rule": "computed"}'::jsonb), '{}')
				FROM jsonb_object_keys(computed.traits) AS name) END,
		CASE WHEN made.traits ?| '{email,phone}'
			THEN cdp._order_identifiers(made.identifiers, made.traits)
			ELSE made.identifiers END,
		made.consents, made.expiring, made.identifiers_until
	FROM cdp._make_profiles($1) AS made
	CROSS JOIN LATERAL (
		SELECT CASE WHEN names IS NOT NULL THEN cdp._steady_values(
				made.profile_id, names, expressions, context) END AS traits
		OFFSET 0
	) AS computed
	ORDER BY made.profile_id
	ON CONFLICT ON CONSTRAINT profile_current_pkey DO UPDATE
	SET first_seen = excluded.first_seen, last_seen = excluded.last_seen,
		events = excluded.events, orders = excluded.orders,
		first_order_at = excluded.first_order_at,
		last_order_at = excluded.last_order_at,
		as_of = excluded.as_of, ord = excluded.ord, kind = excluded.kind,
		gross_revenue = excluded.gross_revenue, revenue = excluded.revenue,
		sources = excluded.sources, traits = excluded.traits,
		lineage = excluded.lineage, identifiers = excluded.identifiers,
		consents = excluded.consents, expiring = excluded.expiring,
		identifiers_until = excluded.identifiers_until
	WHERE (old.first_seen, old.last_seen, old.events, old.orders,
			old.first_order_at, old.last_order_at, old.ord, old.kind,
			old.gross_revenue, old.revenue, old.sources, old.traits,
			old.lineage, old.identifiers, old.consents, old.expiring,
			old.identifiers_until)
		IS DISTINCT FROM (excluded.first_seen, excluded.last_seen,
			excluded.events, excluded.orders, excluded.first_order_at,
			excluded.last_order_at, excluded.ord, excluded.kind,
			excluded.gross_revenue, excluded.revenue, excluded.sources,
			excluded.traits, excluded.lineage, excluded.identifiers,
			excluded.consents, excluded.expiring, excluded.identifiers_until);
END
$$;
COMMENT ON FUNCTION cdp._refresh_profiles(bigint[]) IS
'bring the rows of these profiles up to date; ids that are no longer live lose theirs';

-- What rows are made of besides a profile's own evidence: rules of traits, the
-- rank and names of sources, the region of numbers.  Who changes one notes in
-- a row of phase "all_profiles" that every profile waits, and the merge run
-- makes a list of them, under the merger's lock: whoever made rows before by
-- the former rule has committed then.
CREATE FUNCTION cdp._note_all_profiles() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.profile) THEN
		PERFORM cdp._add_todo('all_profiles', '{0}');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_all_profiles() IS
'note that the rows of all profiles are to be made anew';

CREATE FUNCTION cdp._list_all_profiles() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM cdp.todo WHERE phase = 'all_profiles';
	IF FOUND THEN
		DELETE FROM cdp.todo WHERE phase = 'profile';
		PERFORM cdp._add_todo('profile', ARRAY(
			SELECT profile_id FROM cdp.profile
			UNION
			SELECT profile_id FROM cdp.profile_current
			ORDER BY 1));
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._list_all_profiles() IS
'if all profiles wait, note each of them as work of phase "profile"';

-- Whoever noted a profile may not have seen that it was being merged: what it
-- has become part of is made anew as well.
CREATE FUNCTION cdp._profile_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._list_all_profiles();
	ids := cdp._take_todo('profile', $1);
	IF ids IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM cdp._refresh_profiles(ARRAY(
		SELECT id FROM unnest(ids) AS id
		UNION
		SELECT root FROM cdp.profile WHERE profile_id = ANY (ids)));
	PERFORM cdp._add_todo('score', ids);
	RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION cdp._profile_step(integer) IS
'do one batch of pending profiles; returns how many, 0 when there is none';

-- Between a steward's deed and the merge run there are rows of profiles that
-- were merged away; what counts all rows must not count those.
CREATE FUNCTION cdp._drop_merged_rows() RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM cdp.profile_current AS old
	USING (SELECT DISTINCT unnest(ids) AS profile_id FROM cdp.todo WHERE phase = 'profile') AS waiting
		JOIN cdp.profile USING (profile_id)
	WHERE old.profile_id = waiting.profile_id AND profile.root <> profile.profile_id
$$;
COMMENT ON FUNCTION cdp._drop_merged_rows() IS
'drop the rows of profiles that were merged away and wait for phase "profile"';

CREATE FUNCTION cdp._profile_make_all(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	DELETE FROM cdp.todo WHERE phase IN ('profile', 'all_profiles');
	FOR ids IN
		SELECT array_agg(numbered.profile_id)
		FROM (
			SELECT profile_id, row_number() OVER (ORDER BY profile_id) AS place
			FROM (
				SELECT profile_id FROM cdp.profile
				UNION
				SELECT profile_id FROM cdp.profile_current
			) AS every
		) AS numbered
		GROUP BY (numbered.place - 1) / $1
		ORDER BY (numbered.place - 1) / $1
	LOOP
		PERFORM cdp._refresh_profiles(ids);
	END LOOP;
	RETURN (SELECT count(*) FROM cdp.profile_current);
END
$$;
COMMENT ON FUNCTION cdp._profile_make_all(integer) IS
'make the rows of all profiles anew, some at a time';

CREATE FUNCTION cdp._profile_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._profile_make_all(10000);
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._profile_rebuild(integer) IS
'make the rows of all profiles anew, for cdp.rebuild()';
