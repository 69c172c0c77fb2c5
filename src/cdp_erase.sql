-- Erasure of one subject, in one transaction.
--
-- What goes: identifiers, sets, observations, pins, events (or what tells whose
-- they were), timelines, the profile's row, scores, memberships, experiment
-- assignments, groups, decisions and the reasons of what stewards did, the
-- profile's part of the identity log, contact points, waiting and rejected
-- records, examples of warnings, ledger keys of its messages.
--
-- What stays, and why:
--
--	tombstones		keyed hashes of the identifiers, so that they do not come back
--					(and what became of the events, to be done again after a restore)
--	suppressions	keyed hashes, too: who objected is not written to again
--	consent_proof	what was agreed to, under a keyed hash: to prove it to whoever
--					asks about a known identifier
--	audience_sent	keys that destinations hold, until they acknowledge that these
--					are removed
--	privacy_request	the ledger's row
--	membership_change	that a profile of some number has left: for those who
--					follow changes; likewise the row "erased" of crm_outbox
--	blocked_value	rules for values that others' records name, too, for every type
--					and by patterns
--	counts			sizes of segments, figures of models, tallies
--
-- Locks, in the order of everybody else: the merger's lock, then ingest held
-- off (cdp._hold_ingest()), then the profiles in order of ids, those of others
-- that lose something among them, and the identifiers, for whoever records a
-- consent meanwhile.  All are waited for before anything is read, so the
-- isolation level must be READ COMMITTED.
--
-- Cost: that of the subject's own rows, each found by a key: events by their
-- names and times in the timeline (timeline/subject.sql).  What has no key is
-- short and read from end to end: inbox, rejects, warnings, pending work,
-- decisions, actions of stewards, bitmaps.

CREATE FUNCTION cdp._event_policy(events text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy text := coalesce($1, cdp._read_setting('erase_events'));
BEGIN
	IF policy NOT IN ('delete', 'anonymise') THEN
		RAISE EXCEPTION 'unknown policy for events "%"', policy
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It is delete or anonymise.',
				HINT = 'The argument "events" goes before the setting erase_events.';
	END IF;
	RETURN policy;
END
$$;
COMMENT ON FUNCTION cdp._event_policy(text) IS
'what is to become of events: delete or anonymise';

CREATE FUNCTION cdp._sum_counts(counts jsonb[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(jsonb_object_agg(name, total), '{}')
	FROM (
		SELECT part.key AS name, sum(part.value::bigint) AS total
		FROM unnest($1) AS one (counts), jsonb_each_text(one.counts) AS part
		GROUP BY part.key
		HAVING sum(part.value::bigint) > 0) AS summed
$$;
COMMENT ON FUNCTION cdp._sum_counts(jsonb[]) IS
'counts of rows by table, those that are not 0';

-- What is the subject's own of what goes: what is in its profile, or came only
-- with it and stands alone, and what a steward blocked, by its value, that came
-- only with it.  Not what says nothing of a person (an address of a network, the
-- mailbox of a role), nor what a decision gave to somebody else.
CREATE FUNCTION cdp._own_identifiers(gone bigint[], leaves bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(
		SELECT identifier_id FROM cdp.identifier
		WHERE identifier_id = ANY ($1)
			AND (leaf = ANY ($2) OR EXISTS (
				SELECT FROM cdp._own_blocked_values($1) AS own
				JOIN cdp.identifier_type AS type ON type.type = own.type
				WHERE type.type_id = identifier.type_id AND own.value = lower(identifier.value COLLATE "C")))
		ORDER BY 1)
$$;
COMMENT ON FUNCTION cdp._own_identifiers(bigint[], bigint[]) IS
'of identifiers that go with a subject''s profiles, those to be buried and looked for';

-- All that a subject is found by in raw text.
CREATE FUNCTION cdp._subject_values(identifier_ids bigint[], OUT keys text[], OUT "values" text[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(cdp._suppression_key(type.type, identifier.scope, identifier.value)),
		array_agg(identifier.value::text)
	FROM unnest($1) AS given (id)
	JOIN cdp.identifier ON identifier.identifier_id = given.id
	JOIN cdp.identifier_type AS type USING (type_id)
$$;
COMMENT ON FUNCTION cdp._subject_values(bigint[]) IS
'identifiers as keys, and their values';

-- What waits for a profile is done before: then all that is derived from its
-- data is its own.
CREATE FUNCTION cdp._settle_profile(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp._settle_subject($1);
	leaves bigint[] := ARRAY(SELECT own.leaf FROM cdp._profile_leaf AS own WHERE own.root = live);
BEGIN
	PERFORM cdp._settle_timelines(leaves);
	PERFORM cdp._refresh_profiles(cdp._stale_neighbours(leaves));
	RETURN live;
END
$$;
COMMENT ON FUNCTION cdp._settle_profile(bigint) IS
'do what waits for a profile and those it exchanged something with; the live profile it is then';

-- The caller holds the locks and has done what waits.
CREATE FUNCTION cdp._erase_profile(profile_id bigint, events text, OUT subject bytea[], OUT counts jsonb, OUT destinations jsonb)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	whom record;
	named record;
	gone bigint[];
	own bigint[];
	losing bigint[];
	event_ids bigint[];
	times timestamptz[];
BEGIN
	SELECT * INTO whom FROM cdp._find_subject($1);
	gone := whom.members || whom.lone;
	losing := cdp._losing_profiles(gone, whom.leaves);
	PERFORM FROM cdp.profile WHERE profile.profile_id = ANY (whom.leaves || losing)
	ORDER BY profile.profile_id FOR UPDATE;
	PERFORM FROM cdp.identifier WHERE identifier.identifier_id = ANY (gone)
	ORDER BY identifier.identifier_id FOR UPDATE;
	own := cdp._own_identifiers(gone, whom.leaves);
	subject := cdp._bury(own, $2);
	SELECT * INTO named FROM cdp._subject_values(own);
	SELECT array_agg(found.event_id), array_agg(found.occurred_at) INTO event_ids, times
	FROM cdp._events_of(whom.leaves, whom.sets) AS found;
	destinations := cdp._destinations_of(whom.leaves);
	counts := cdp._sum_counts(ARRAY[
		cdp._erase_records(named.keys, named.values, ARRAY(
			SELECT DISTINCT source_id FROM cdp.identifier_set WHERE set_id = ANY (whom.sets))),
		cdp._erase_events(event_ids, times, $2 = 'anonymise'),
		cdp._erase_memberships(whom.leaves),
		cdp._erase_scores(whom.leaves),
		cdp._erase_traits(gone, whom.leaves, whom.sets),
		cdp._erase_consents(gone, whom.leaves),
		cdp._erase_identity(gone, whom.leaves, whom.sets, whom.beside),
		cdp._erase_answers(whom.leaves)]);
	PERFORM cdp._refresh_profiles(losing);
	PERFORM cdp._drop_todo('{stitch,alias}', whom.sets);
	PERFORM cdp._drop_todo('{timeline}', event_ids);
	PERFORM cdp._drop_todo('{profile,score,segment,rebuild_timeline,rescan_timeline}', whom.leaves);
END
$$;
COMMENT ON FUNCTION cdp._erase_profile(bigint, text) IS
'erase a live profile; keyed hashes of its identifiers, how many rows of which table went, and which destinations hold keys of it';

CREATE FUNCTION cdp._begin_erasure() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- With nothing to judge it only refuses what judging refuses.
	PERFORM cdp._stitch('{}', false);
	PERFORM cdp._lock_merger();
	PERFORM cdp._hold_ingest();
	PERFORM cdp._hash_key();
END
$$;
COMMENT ON FUNCTION cdp._begin_erasure() IS
'take the locks of erasing, in their order';

-- Judging what waits may part the profile.  Who keeps its id need not be the
-- person that was looked up, so nobody is erased then.
CREATE FUNCTION cdp._settle_whole(profile_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before bigint[] := ARRAY(
		SELECT identifier.identifier_id
		FROM cdp._profile_leaf AS own JOIN cdp.identifier USING (leaf)
		WHERE own.root = cdp._profile_to_change($1));
	live bigint := cdp._settle_profile($1);
BEGIN
	IF EXISTS (
		SELECT FROM cdp.identifier JOIN cdp.profile ON profile.profile_id = identifier.leaf
		WHERE identifier.identifier_id = ANY (before) AND profile.root <> live) THEN
		RAISE EXCEPTION 'records that wait part profile %', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'It would not be certain who of its people is meant.',
				HINT = 'Run CALL cdp.merge() and look the person up again, with cdp.find_profile().';
	END IF;
	RETURN live;
END
$$;
COMMENT ON FUNCTION cdp._settle_whole(bigint) IS
'do what waits for a profile, which must not part it; the live profile it is then';

CREATE FUNCTION cdp._erase_subject(profile_id bigint, reason text, events text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	policy text;
	live bigint;
	done record;
	request bigint;
	receipt jsonb;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_reason($2);
	policy := cdp._event_policy($3);
	PERFORM cdp._begin_erasure();
	live := cdp._settle_whole($1);
	SELECT * INTO done FROM cdp._erase_profile(live, policy);
	request := cdp._begin_request('erase', done.subject, $2);
	receipt := jsonb_build_object(
		'kind', 'erase',
		'request_id', request,
		'store_id', (SELECT store_id FROM cdp.store),
		'requested_at', (SELECT requested_at FROM cdp.privacy_request AS asked
			WHERE asked.request_id = request),
		'done_at', cdp.clock(),
		'events', CASE policy WHEN 'anonymise' THEN 'anonymised' ELSE 'deleted' END,
		'identifiers', cardinality(done.subject),
		'rows', done.counts,
		'destinations', done.destinations);
	PERFORM cdp._close_request(request, done.subject, $2, done.counts, receipt);
	RETURN receipt;
END
$$;
COMMENT ON FUNCTION cdp._erase_subject(bigint, text, text) IS
'what the door cdp.erase_subject() does';

-- After an older dump was restored: profiles that have tombstones.  In one that
-- has other identifiers as well two people are merged who were parted later: the
-- identifiers without tombstones stay.
CREATE FUNCTION cdp._buried_identifiers() RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM cdp.tombstone) THEN
		RETURN '{}';
	END IF;
	RETURN ARRAY(
		WITH hashed AS MATERIALIZED (
			SELECT identifier.identifier_id,
				cdp._keyed_hash((SELECT cdp._hash_key()),
					cdp._suppression_key(type.type, identifier.scope, identifier.value)) AS key_hash
			FROM cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
			WHERE identifier.leaf IS NOT NULL
		)
		SELECT hashed.identifier_id
		FROM hashed JOIN cdp.tombstone USING (key_hash)
		ORDER BY 1);
END
$$;
COMMENT ON FUNCTION cdp._buried_identifiers() IS
'identifiers of profiles that have been erased already';

-- Events of whom several erasures name go if one of them took events away.
CREATE FUNCTION cdp._buried_policy(profile_id bigint) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT max(dead.events COLLATE "C")
	FROM cdp._identifier_hashes(ARRAY(
		SELECT member.identifier_id FROM cdp._profile_members($1) AS member)) AS own
	JOIN cdp.tombstone AS dead USING (key_hash)
$$;
COMMENT ON FUNCTION cdp._buried_policy(bigint) IS
'what became of the events of a profile that has been erased already; NULL: not known';

CREATE FUNCTION cdp._replay_one(profile_id bigint, buried bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint := cdp._settle_profile($1);
	members bigint[] := ARRAY(SELECT member.identifier_id FROM cdp._profile_members(live) AS member);
	done record;
	request bigint;
BEGIN
	-- Judging what waited may have parted the buried from the others.
	IF NOT members && $2 THEN
		RETURN;
	END IF;
	IF NOT members <@ $2 THEN
		-- Erasing takes decisions about what is buried anyway.
		DELETE FROM cdp.decision
		WHERE verdict = 'always' AND identifier_a = ANY (members) AND identifier_b = ANY (members)
			AND (identifier_a = ANY ($2)) <> (identifier_b = ANY ($2));
		live := cdp._unmerge(live, (cdp._subject_values(ARRAY(
			SELECT unnest(members) INTERSECT SELECT unnest($2)))).keys, 'erased');
	END IF;
	SELECT * INTO done FROM cdp._erase_profile(live, cdp._event_policy(cdp._buried_policy(live)));
	request := cdp._open_request('erase', done.subject, 'erased again after a restore', NULL);
	PERFORM cdp._close_request(request, done.subject, 'erased again after a restore', done.counts, NULL);
END
$$;
COMMENT ON FUNCTION cdp._replay_one(bigint, bigint[]) IS
'erase again what has tombstones of a profile';

-- Judging what waited for one may have joined another to it, and erased that.
CREATE FUNCTION cdp._replay_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	buried bigint[];
	live bigint;
	erased bigint := 0;
BEGIN
	PERFORM cdp._begin_erasure();
	buried := cdp._buried_identifiers();
	LOOP
		SELECT profile.root INTO live
		FROM unnest(buried) WITH ORDINALITY AS dead (id, n)
		JOIN cdp.identifier ON identifier.identifier_id = dead.id
		JOIN cdp.profile ON profile.profile_id = identifier.leaf
		ORDER BY dead.n
		LIMIT 1;
		EXIT WHEN NOT FOUND OR erased >= $1;
		PERFORM cdp._replay_one(live, buried);
		erased := erased + 1;
	END LOOP;
	RETURN erased;
END
$$;
COMMENT ON FUNCTION cdp._replay_step(integer) IS
'erase some profiles again that have tombstones; how many';

CREATE PROCEDURE cdp.replay_erasures(wait boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp_replay_erasures';
COMMENT ON PROCEDURE cdp.replay_erasures(boolean) IS
'erase again whoever has a tombstone, after an older dump was restored and cdp.erasure was copied back in';
