-- cdp.crm_outbox: what changed, for a CRM that asks from time to time.
--
-- Reading.  A reader keeps one number, the last change_no that it did, and reads
-- what is greater, in order.  It never skips one, for numbers are given under
-- the lock of the one row of cdp.crm_feed, which is held until the transaction
-- ends: who has a later number commits later.  (A sequence would not do: two
-- transactions may commit in the other order.)
--
-- What is told.  A row with a contact: put it there, whatever was there.  merged:
-- those in previous_profile_ids are no contacts of their own any more.  removed and
-- erased: that profile is none.  Only the last row of a profile has its contact;
-- earlier ones that say nothing else are gone, so there are gaps, the table does not
-- grow with time, and nobody reads what is no longer so.
--
-- Writing.  Whatever changes a row of cdp.profile_current, a score or a next action,
-- or suppresses a contact point, notes the profiles as work of phase "crm"
-- in cdp.todo by a trigger; the merge run compares cdp.crm_contact with what was told
-- and tells what differs.  What time alone changes (a consent that expires) is found by
-- a look at all customers every "crm_every".  All of this costs nothing until
-- cdp.feed_crm() enables the triggers.
--
-- Erasure (erase.sql) calls cdp._crm_tell_erased(profile_ids) in its transaction,
-- with the live profile and all ids that lead to it: what was told of them goes
-- from the table, and one row "erased" each, which holds nothing but the profile
-- id, tells those who have copied it.

-- Tables whose changes are told, and the column that names the profile.
CREATE FUNCTION cdp._make_crm_triggers() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made record;
BEGIN
	FOR made IN
		SELECT name, operation, side
		FROM unnest('{profile_current,profile_score,profile_action,suppression}'::text[]) AS name,
			(VALUES ('insert', 'NEW'), ('update', 'NEW'), ('delete', 'OLD')) AS v (operation, side)
	LOOP
		EXECUTE format('CREATE TRIGGER tell_crm_%1$s AFTER %1$s ON cdp.%2$I'
			' REFERENCING %3$s TABLE AS changed'
			' FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_crm_%4$s();'
			' ALTER TABLE cdp.%2$I DISABLE TRIGGER tell_crm_%1$s',
			made.operation, made.name, made.side,
			CASE made.name WHEN 'suppression' THEN 'suppressed' ELSE 'profiles' END);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._make_crm_triggers() IS
'make the triggers that note which customers may have to be told of; they are disabled';

CREATE FUNCTION cdp._note_crm_profiles() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._add_todo('crm', array_agg(DISTINCT profile_id)) FROM changed HAVING count(*) > 0;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_crm_profiles() IS
'trigger: profiles that cdp.crm_outbox may have to tell of';

CREATE FUNCTION cdp._note_crm_suppressed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._add_todo('crm', array_agg(DISTINCT point.profile_id))
	FROM changed JOIN cdp.contact_point AS point USING (key_hash)
	HAVING count(*) > 0;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cdp._note_crm_suppressed() IS
'trigger: profiles whose permissions a suppression changes';

CREATE FUNCTION cdp._feed_crm(active boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trigger record;
BEGIN
	IF $1 IS NULL THEN
		RAISE EXCEPTION 'whether to feed the CRM must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM cdp._lock_merger();
	IF $1 = (SELECT feed.active FROM cdp.crm_feed AS feed FOR UPDATE) THEN
		RETURN;
	END IF;
	FOR trigger IN
		SELECT tgname, tgrelid::regclass AS relation FROM pg_trigger
		WHERE tgname LIKE 'tell\_crm\_%' AND tgfoid::regproc::text LIKE 'cdp.\_note\_crm\_%'
	LOOP
		EXECUTE format('ALTER TABLE %s %s TRIGGER %I', trigger.relation,
			CASE WHEN $1 THEN 'ENABLE' ELSE 'DISABLE' END, trigger.tgname);
	END LOOP;
	UPDATE cdp.crm_feed AS feed
	SET active = $1, checked_at = NULL,
		since_log_id = coalesce((SELECT max(log_id) FROM cdp.identity_log), 0);
	DELETE FROM cdp.todo WHERE phase = 'crm';
	IF NOT $1 THEN
		DELETE FROM cdp.crm_outbox;
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._feed_crm(boolean) IS
'begin or end to write cdp.crm_outbox';

-- contact: what may be told of a customer; NULL: it is none.
CREATE FUNCTION cdp._crm_contacts(profile_ids bigint[])
RETURNS TABLE (profile_id bigint, crm_ids text[], contact jsonb)
LANGUAGE sql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET jit = off
AS $$
	SELECT contact.profile_id, contact.crm_ids,
		to_jsonb(contact) - 'profile_id' - 'crm_ids' - ARRAY(
			SELECT field::text FROM cdp.crm_field WHERE owned_by = 'crm')
	FROM cdp.crm_contact AS contact
	WHERE contact.profile_id = ANY ($1)
$$;
COMMENT ON FUNCTION cdp._crm_contacts(bigint[]) IS
'what cdp.crm_outbox is to tell of these customers';

-- What is to be told of live profiles: how they differ from what was told of them
-- and of the ids that lead to them now.
CREATE FUNCTION cdp._crm_changes(profile_ids bigint[])
RETURNS TABLE (change text, profile_id bigint, previous_profile_ids bigint[], crm_ids text[], contact jsonb)
LANGUAGE sql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	WITH wanted AS MATERIALIZED (
		SELECT DISTINCT coalesce(profile.root, id) AS profile_id
		FROM unnest($1) AS id LEFT JOIN cdp.profile ON profile.profile_id = id
	), now AS MATERIALIZED (
		SELECT * FROM cdp._crm_contacts(ARRAY(SELECT profile_id FROM wanted))
	), merged AS (
		SELECT gone.root AS profile_id, array_agg(gone.profile_id ORDER BY gone.profile_id) AS ids
		FROM wanted
		JOIN cdp.profile AS gone ON gone.root = wanted.profile_id AND gone.profile_id <> gone.root
		JOIN cdp.crm_outbox AS told ON told.profile_id = gone.profile_id AND told.contact IS NOT NULL
		GROUP BY gone.root
	)
	SELECT CASE
			WHEN merged.ids IS NOT NULL THEN 'merged'
			WHEN told.profile_id IS NOT NULL THEN 'updated'
			WHEN parted.profile_before IS NOT NULL THEN 'split'
			ELSE 'created' END,
		now.profile_id,
		coalesce(merged.ids, CASE WHEN told.profile_id IS NULL AND parted.profile_before IS NOT NULL
			THEN ARRAY[parted.profile_before] END, '{}'),
		now.crm_ids, now.contact
	FROM now
	LEFT JOIN merged ON merged.profile_id = now.profile_id
	LEFT JOIN cdp.crm_outbox AS told
		ON told.profile_id = now.profile_id AND told.contact IS NOT NULL
	LEFT JOIN LATERAL (
		SELECT log.profile_before
		FROM cdp.identity_log AS log
		WHERE log.profile_after = now.profile_id AND log.change = 'split'
			AND log.profile_before <> now.profile_id
			AND log.log_id > (SELECT since_log_id FROM cdp.crm_feed)
		ORDER BY log.log_id DESC
		LIMIT 1
	) AS parted ON true
	WHERE merged.ids IS NOT NULL OR told.profile_id IS NULL
		OR (told.crm_ids, told.contact) IS DISTINCT FROM (now.crm_ids, now.contact)
	UNION ALL
	SELECT 'removed', told.profile_id, '{}', '{}', NULL
	FROM wanted
	CROSS JOIN LATERAL (
		SELECT wanted.profile_id AS id
		UNION
		SELECT gone.profile_id FROM cdp.profile AS gone
		WHERE gone.root = wanted.profile_id AND gone.profile_id <> gone.root
	) AS own
	JOIN cdp.crm_outbox AS told ON told.profile_id = own.id AND told.contact IS NOT NULL
	WHERE NOT EXISTS (SELECT FROM now WHERE now.profile_id = wanted.profile_id)
$$;
COMMENT ON FUNCTION cdp._crm_changes(bigint[]) IS
'how these profiles differ from what cdp.crm_outbox told of them';

-- Rows of one profile that said no more than what it is are gone with the next.
CREATE FUNCTION cdp._crm_forget(profile_ids bigint[]) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE cdp.crm_outbox SET contact = NULL, crm_ids = '{}'
	WHERE profile_id = ANY ($1) AND contact IS NOT NULL AND change = 'merged';
	DELETE FROM cdp.crm_outbox
	WHERE profile_id = ANY ($1) AND contact IS NOT NULL
$$;
COMMENT ON FUNCTION cdp._crm_forget(bigint[]) IS
'take back what was told of these profiles, but for which others they are now';

CREATE FUNCTION cdp._crm_tell(profile_ids bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	last bigint;
	added bigint;
	at timestamptz := cdp.clock();
BEGIN
	SELECT last_change_no INTO STRICT last FROM cdp.crm_feed FOR UPDATE;
	WITH changed AS MATERIALIZED (
		SELECT * FROM cdp._crm_changes($1)
	), forgotten AS MATERIALIZED (
		SELECT cdp._crm_forget(ARRAY(
			SELECT profile_id FROM changed
			UNION
			SELECT unnest(previous_profile_ids) FROM changed WHERE change = 'merged'))
	)
	INSERT INTO cdp.crm_outbox (change_no, change, profile_id, previous_profile_ids,
		crm_ids, contact, changed_at)
	SELECT last + row_number() OVER (ORDER BY profile_id), change, profile_id,
		previous_profile_ids, crm_ids, contact, at
	FROM changed CROSS JOIN forgotten;
	GET DIAGNOSTICS added = ROW_COUNT;
	UPDATE cdp.crm_feed SET last_change_no = last + added WHERE added > 0;
	RETURN added;
END
$$;
COMMENT ON FUNCTION cdp._crm_tell(bigint[]) IS
'write to cdp.crm_outbox how these profiles have changed; returns how many rows';

CREATE FUNCTION cdp._crm_tell_erased(profile_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	last bigint;
	added bigint;
	told bigint[];
BEGIN
	SELECT last_change_no INTO last FROM cdp.crm_feed WHERE active FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	told := ARRAY(
		SELECT profile_id FROM cdp.crm_outbox
		WHERE profile_id = ANY ($1) AND contact IS NOT NULL ORDER BY profile_id);
	PERFORM cdp._crm_forget(told);
	INSERT INTO cdp.crm_outbox (change_no, change, profile_id, changed_at)
	SELECT last + place, 'erased', id, cdp.clock()
	FROM unnest(told) WITH ORDINALITY AS gone (id, place);
	GET DIAGNOSTICS added = ROW_COUNT;
	UPDATE cdp.crm_feed SET last_change_no = last + added;
END
$$;
COMMENT ON FUNCTION cdp._crm_tell_erased(bigint[]) IS
'the crm part of erasing a subject: forget what was told of these profiles, and tell that they are erased';

-- What is due before phase "crm": next actions after each refresh of segments,
-- pipelines and all customers when it is time.  Then it is known how many wait.
CREATE FUNCTION cdp._crm_backlog() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	feed cdp.crm_feed;
	now timestamptz := cdp.clock();
	refreshed record;
	every interval := greatest(cdp._read_setting('crm_every'::text)::interval, '1 minute');
BEGIN
	PERFORM cdp._check_store();
	SELECT * INTO STRICT feed FROM cdp.crm_feed FOR UPDATE;
	SELECT coalesce(refreshed_at, '-infinity') AS at, run_id INTO refreshed
	FROM cdp.segment_refresh;
	IF (feed.acted_at, feed.run_id) IS DISTINCT FROM (refreshed.at, refreshed.run_id) THEN
		PERFORM cdp._refresh_actions(now);
		UPDATE cdp.crm_feed SET acted_at = refreshed.at, run_id = refreshed.run_id;
	END IF;
	IF coalesce(cdp._later(feed.learnt_at, every) <= now, true) THEN
		PERFORM cdp._learn_pipelines(now);
		UPDATE cdp.crm_feed SET learnt_at = now;
	END IF;
	IF feed.active AND coalesce(cdp._later(feed.checked_at, every) <= now, true) THEN
		PERFORM cdp._add_todo('crm', ARRAY(
			SELECT profile_id FROM cdp.profile_current WHERE kind = 'known'
			UNION
			SELECT profile_id FROM cdp.crm_outbox WHERE contact IS NOT NULL));
		UPDATE cdp.crm_feed SET checked_at = now;
	END IF;
	RETURN cdp._fold_todo('crm');
END
$$;
COMMENT ON FUNCTION cdp._crm_backlog() IS
'do what is due before what a CRM waits for; returns how many profiles wait';

CREATE FUNCTION cdp._crm_step(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[] := cdp._take_todo('crm', $1);
BEGIN
	IF ids IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM cdp._crm_tell(ids);
	RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION cdp._crm_step(integer) IS
'tell a CRM of one batch of the profiles that wait; returns how many, 0 when there is none';

CREATE FUNCTION cdp._crm_rebuild(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._refresh_actions(cdp.clock());
	RETURN 0;
END
$$;
COMMENT ON FUNCTION cdp._crm_rebuild(integer) IS
'make next actions anew, for cdp.rebuild()';
