-- Deltas: what a destination must add and remove to hold an audience.
--
-- A destination is a set of keys, each with the profile that it is of.  A key
-- is what the destination gets: the identifier, or its match key if the
-- destination is a platform (its options say {"platform": "google"}), or the
-- profile's number if the channel needs no identifier.  Identifiers of one
-- type may be the external ids by which a platform knows the owner's customers
-- ({"platform": "meta", "external_id": "user_id"}); others, but addresses, no
-- platform is told.
--
-- cdp.audience_sent is what the destination may hold: every key that was ever
-- given out and whose removal was not acknowledged.  It is kept by key, not by
-- profile, so it does not matter what became of the profile: merged away,
-- split, erased, a key that is no longer wanted is removed.  Two profiles
-- whose addresses make one key are one row, of the lower number, and the key
-- goes when neither wants it.
--
-- Each call compares what is wanted now with that table and numbers what
-- differs: the next delta.  It gives out everything that is not acknowledged,
-- each key once, by its last word: so nobody is listed whom
-- cdp.audience_member does not list at that instant, however old the delta
-- that first told of them; and what got lost on the way comes again.  Deltas
-- applied in order, whatever was lost, applied twice or acknowledged late,
-- leave the destination with the audience of the last one.
--
-- Calls for one audience wait for each other, by its row of
-- cdp.audience_progress; shared locks on the audience and its destination keep
-- both as they are meanwhile.

CREATE FUNCTION cdp._audience_keys(audience_id integer)
RETURNS TABLE (profile_id bigint, identifier_type text, key text)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	about record;
BEGIN
	SELECT audience.name, destination.options ->> 'platform' AS platform,
		destination.options ->> 'external_id' AS external_id
	INTO about
	FROM cdp.audience LEFT JOIN cdp.destination USING (destination)
	WHERE audience.audience_id = $1;
	RETURN QUERY
	SELECT min(wanted.profile_id), wanted.type, wanted.key
	FROM (
		SELECT member.profile_id,
			CASE WHEN about.platform IS NOT NULL AND member.identifier_type = about.external_id
					AND member.identifier_type NOT IN ('email', 'phone')
				THEN 'external_id' ELSE coalesce(member.identifier_type, 'profile_id') END AS type,
			CASE WHEN member.identifier_type IS NULL THEN member.profile_id::text
				WHEN about.platform IS NULL THEN member.identifier
				WHEN member.identifier_type IN ('email', 'phone')
					THEN cdp.match_key(about.platform, member.identifier_type, member.identifier)
				WHEN member.identifier_type = about.external_id
					THEN cdp.match_key(about.platform, 'external_id', member.identifier)
			END AS key
		FROM cdp.audience_member AS member
		WHERE member.audience = about.name
		OFFSET 0) AS wanted
	WHERE wanted.key IS NOT NULL
	GROUP BY wanted.key, wanted.type;
END
$$;
COMMENT ON FUNCTION cdp._audience_keys(integer) IS
'the keys that the destination of an audience should hold now, each with its profile';

-- The audience's row of progress, locked.
CREATE FUNCTION cdp._lock_progress(
	audience text,
	OUT audience_id integer,
	OUT last_delta bigint,
	OUT acknowledged bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	id integer;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._hash_key();
	id := cdp._find_audience($1);
	PERFORM FROM cdp.audience WHERE audience.audience_id = id FOR SHARE;
	PERFORM FROM cdp.destination
	WHERE destination.destination = (SELECT audience.destination FROM cdp.audience
		WHERE audience.audience_id = id)
	FOR SHARE;
	INSERT INTO cdp.audience_progress (audience_id) VALUES (id) ON CONFLICT DO NOTHING;
	SELECT progress.audience_id, progress.last_delta, progress.acknowledged
	INTO _lock_progress.audience_id, _lock_progress.last_delta, _lock_progress.acknowledged
	FROM cdp.audience_progress AS progress
	WHERE progress.audience_id = id
	FOR UPDATE;
END
$$;
COMMENT ON FUNCTION cdp._lock_progress(text) IS
'how far an audience''s destination is; others who ask wait';

CREATE FUNCTION cdp._check_since(audience text, since bigint, acknowledged bigint, last_delta bigint)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 < $3 OR $2 > $4 THEN
		RAISE EXCEPTION 'audience "%" cannot tell what changed since delta %', $1, $2
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('Deltas up to %s are acknowledged and forgotten; the last is %s.', $3, $4),
				HINT = 'Leave out "since" to get all that is not acknowledged.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_since(text, bigint, bigint, bigint) IS
'raise unless what changed since a delta is known';

-- Writes the next delta, if anything differs; returns how much does.  What is
-- wanted and what was sent are both large, whatever the planner knows of a
-- table that was filled a moment ago: no nested loops.  What they are said to
-- cost would also start JIT for an audience of three.
CREATE FUNCTION cdp._note_delta(audience_id integer, delta bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	changes bigint;
BEGIN
	WITH wanted AS MATERIALIZED (
		SELECT profile_id, identifier_type, key FROM cdp._audience_keys($1)
	), gone AS (
		UPDATE cdp.audience_sent AS sent
		SET removed = $2
		WHERE sent.audience_id = $1 AND sent.removed IS NULL
			AND NOT EXISTS (SELECT FROM wanted
				WHERE wanted.identifier_type = sent.identifier_type AND wanted.key = sent.key)
		RETURNING 1
	), come AS (
		INSERT INTO cdp.audience_sent AS sent (audience_id, profile_id, added, identifier_type, key)
		SELECT $1, wanted.profile_id, $2, wanted.identifier_type, wanted.key
		FROM wanted
			LEFT JOIN cdp.audience_sent AS known ON known.audience_id = $1
				AND known.identifier_type = wanted.identifier_type AND known.key = wanted.key
		WHERE known.profile_id IS DISTINCT FROM wanted.profile_id OR known.removed IS NOT NULL
		ON CONFLICT (audience_id, identifier_type, key) DO UPDATE
		SET profile_id = excluded.profile_id, added = excluded.added, removed = NULL
		RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come) INTO changes;
	UPDATE cdp.audience_progress AS progress
	SET last_delta = $2
	WHERE progress.audience_id = $1 AND changes > 0;
	RETURN changes;
END
$$;
COMMENT ON FUNCTION cdp._note_delta(integer, bigint) IS
'compare what an audience''s destination may hold with what it should, and write down what differs as a delta of that number';

CREATE FUNCTION cdp._audience_delta(audience text, since bigint)
RETURNS TABLE (delta bigint, change text, profile_id bigint, identifier_type text, key text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	progress record;
	told bigint;
BEGIN
	SELECT * INTO progress FROM cdp._lock_progress($1);
	told := coalesce($2, progress.acknowledged);
	PERFORM cdp._check_since($1, told, progress.acknowledged, progress.last_delta);
	PERFORM cdp._note_delta(progress.audience_id, progress.last_delta + 1);
	PERFORM cdp._log_release(progress.audience_id, told);
	RETURN QUERY
	SELECT * FROM cdp._delta_rows(progress.audience_id, told) AS line
	ORDER BY line.delta, line.identifier_type, line.key;
END
$$;
COMMENT ON FUNCTION cdp._audience_delta(text, bigint) IS
'what the door cdp.audience_delta() does';

CREATE FUNCTION cdp._delta_rows(audience_id integer, since bigint)
RETURNS TABLE (delta bigint, change text, profile_id bigint, identifier_type text, key text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sent.removed, sent.added),
		CASE WHEN sent.removed IS NULL THEN 'add' ELSE 'remove' END,
		sent.profile_id, sent.identifier_type, sent.key
	FROM cdp.audience_sent AS sent
	WHERE sent.audience_id = $1 AND coalesce(sent.removed, sent.added) > $2
$$;
COMMENT ON FUNCTION cdp._delta_rows(integer, bigint) IS
'the last word on each key that an audience''s destination was told of after a delta';

CREATE FUNCTION cdp._log_audience_event(audience_id integer, event text, delta bigint, added bigint, removed bigint, content_hash bytea)
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.release_log (event, delta, added, removed, content_hash,
		audience, segment, destination, purpose, channel, run_id)
	SELECT $2, $3, $4, $5, $6, audience.name, segment.name, audience.destination,
		audience.purpose, audience.channel, (SELECT run_id FROM cdp.segment_refresh)
	FROM cdp.audience JOIN cdp.segment USING (segment_id)
	WHERE audience.audience_id = $1
$$;
COMMENT ON FUNCTION cdp._log_audience_event(integer, text, bigint, bigint, bigint, bytea) IS
'append to cdp.release_log';

-- A plain hash would be undone by hashing all likely rows.
CREATE FUNCTION cdp._log_release(audience_id integer, since bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told record;
BEGIN
	SELECT max(line.delta) AS last, count(*) FILTER (WHERE line.change = 'add') AS added,
		count(*) FILTER (WHERE line.change = 'remove') AS removed,
		sha256(string_agg(sha256(convert_to(concat_ws(E'\t', line.change, line.profile_id,
			line.identifier_type, line.key), 'UTF8')), ''
			ORDER BY line.identifier_type, line.key)) AS digest
	INTO told
	FROM cdp._delta_rows($1, $2) AS line;
	IF told.last IS NOT NULL THEN
		PERFORM cdp._log_audience_event($1, 'released', told.last, told.added, told.removed,
			cdp._keyed_hash(cdp._hash_key(), encode(told.digest, 'hex')));
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._log_release(integer, bigint) IS
'write down that a destination is told what changed after a delta; nothing if nothing did';

CREATE FUNCTION cdp._audience_ack(audience text, upto bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	progress record;
	confirmed record;
BEGIN
	SELECT * INTO progress FROM cdp._lock_progress($1);
	IF $2 IS NULL OR $2 > progress.last_delta THEN
		RAISE EXCEPTION 'audience "%" has no delta %', $1, coalesce($2::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('The last one is %s.', progress.last_delta),
				HINT = format('Acknowledge the largest "delta" that cdp.audience_delta(%L) gave.', $1);
	END IF;
	IF $2 <= progress.acknowledged THEN
		RETURN;
	END IF;
	SELECT count(*) FILTER (WHERE change = 'add') AS added,
		count(*) FILTER (WHERE change = 'remove') AS removed
	INTO confirmed
	FROM cdp._delta_rows(progress.audience_id, progress.acknowledged)
	WHERE delta <= $2;
	DELETE FROM cdp.audience_sent
	WHERE audience_id = progress.audience_id AND removed <= $2;
	UPDATE cdp.audience_progress
	SET acknowledged = $2, acknowledged_at = cdp.clock()
	WHERE audience_id = progress.audience_id;
	PERFORM cdp._log_audience_event(progress.audience_id, 'acknowledged', $2,
		confirmed.added, confirmed.removed, NULL);
END
$$;
COMMENT ON FUNCTION cdp._audience_ack(text, bigint) IS
'what the door cdp.audience_ack() does';

-- In place of a foreign key of cdp.audience_sent, which would be asked for
-- every key.  Keys are sent under a lock on the audience's row, for which the
-- change of the row has waited.
CREATE FUNCTION cdp._keep_destination() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM cdp.audience_progress WHERE audience_id = OLD.audience_id FOR UPDATE;
	IF EXISTS (SELECT FROM cdp.audience_sent WHERE audience_id = OLD.audience_id) THEN
		RAISE EXCEPTION 'cannot % audience "%"',
				CASE TG_OP WHEN 'DELETE' THEN 'drop' ELSE 'change the destination of' END, OLD.name
			USING ERRCODE = 'object_in_use',
				DETAIL = 'Its destination holds members, or was not seen to remove them.',
				HINT = 'Set active to false, send cdp.audience_delta() and acknowledge it first.';
	END IF;
	RETURN coalesce(NEW, OLD);
END
$$;
COMMENT ON FUNCTION cdp._keep_destination() IS
'trigger: an audience stays, and keeps its destination, while that holds members';

-- cdp.match_key() raises if it does not know the platform.
CREATE FUNCTION cdp._check_platform() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp.match_key(NEW.options ->> 'platform', 'email', NULL);
	IF NEW.options ->> 'external_id' IS NOT NULL THEN
		PERFORM cdp.match_key(NEW.options ->> 'platform', 'external_id', NULL);
		PERFORM cdp._check_known_type(NEW.options ->> 'external_id');
		IF NEW.options ->> 'external_id' IN ('email', 'phone') THEN
			RAISE EXCEPTION 'identifiers of type "%" are no external ids', NEW.options ->> 'external_id'
				USING ERRCODE = 'invalid_parameter_value',
					DETAIL = 'A platform may be told external ids as they are, and addresses and numbers only as match keys.',
					HINT = 'They are sent as match keys without being named here.';
		END IF;
	END IF;
	IF TG_OP = 'UPDATE'
		AND OLD.options ->> 'platform' IS DISTINCT FROM NEW.options ->> 'platform'
		AND EXISTS (SELECT FROM cdp.audience_sent JOIN cdp.audience USING (audience_id)
			WHERE audience.destination = OLD.destination)
	THEN
		RAISE EXCEPTION 'cannot change the platform of destination "%"', OLD.destination
			USING ERRCODE = 'object_in_use',
				DETAIL = 'It holds members by keys of the present one.',
				HINT = 'Add another destination for the new platform.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION cdp._check_platform() IS
'trigger: the platform of a destination is a known one, and stays while it holds members; its external ids are of a known type';

CREATE FUNCTION cdp.drop_audience(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	id integer;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('drop an audience');
	id := cdp._find_audience($1);
	PERFORM FROM cdp.audience WHERE audience_id = id FOR UPDATE;
	IF EXISTS (SELECT FROM cdp.experiment WHERE experiment.audience_id = id) THEN
		RAISE EXCEPTION 'cannot drop audience "%"', $1
			USING ERRCODE = 'dependent_objects_still_exist',
				DETAIL = format('Experiment "%s" is over it.',
					(SELECT min(experiment.name) FROM cdp.experiment WHERE experiment.audience_id = id)),
				HINT = 'See cdp.drop_experiment().';
	END IF;
	PERFORM cdp._drop_audience_view(made.view_name)
	FROM cdp.audience_view AS made
	WHERE made.audience_id = id
	ORDER BY made.view_name;
	DELETE FROM cdp.audience WHERE audience_id = id;
END
$$;
COMMENT ON FUNCTION cdp.drop_audience(text) IS
'remove an audience and its views; refused while its destination holds members';
