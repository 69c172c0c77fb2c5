CREATE FUNCTION cdp.clock() RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_clock';
COMMENT ON FUNCTION cdp.clock() IS
'the instant that "now" means: the start of the statement (in a run: of the batch), or the superuser''s cdp.test_clock';

-- The role that was set, or else the login; also in doors that run as their owner,
-- which leave that setting as it is.
CREATE FUNCTION cdp._actor() RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN coalesce(nullif(current_setting('role'), 'none'), session_user);
COMMENT ON FUNCTION cdp._actor() IS
'who is asking: what the logs of actions note';

CREATE FUNCTION cdp._check_store() RETURNS void
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__check_store';
COMMENT ON FUNCTION cdp._check_store() IS
'raise unless there is a store and its version is the extension''s';

CREATE FUNCTION cdp._check_store_owner(task text) RETURNS void
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__check_store_owner';
COMMENT ON FUNCTION cdp._check_store_owner(text) IS
'raise unless the current user is a member of the role that owns the store';

CREATE FUNCTION cdp._store_is_current() RETURNS boolean
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__store_is_current';
COMMENT ON FUNCTION cdp._store_is_current() IS
'is the store''s version the extension''s; if not, cdp.migrate() must run first';

-- Whoever changes profiles holds the merger's lock to the end of the transaction,
-- and takes it before any lock of a row or table (base.h).
CREATE FUNCTION cdp._lock_merger() RETURNS void
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'cdp__lock_merger';
COMMENT ON FUNCTION cdp._lock_merger() IS
'wait for the merger''s lock, and hold it to the end of the transaction';

CREATE FUNCTION cdp._try_lock_merger() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'cdp__try_lock_merger';
COMMENT ON FUNCTION cdp._try_lock_merger() IS
'the same without waiting; false if somebody else holds it';

-- A setting that changes the meaning of data is a row of cdp.setting.
CREATE FUNCTION cdp._read_setting(name text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT setting.value FROM cdp.setting WHERE setting.name = $1);
END
$$;
COMMENT ON FUNCTION cdp._read_setting(text) IS
'the value of a row of cdp.setting; NULL when it has none';

-- Whatever the session's role in replication: what another one keeps must
-- follow what replication brings, too.
CREATE FUNCTION cdp._announce_change() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'cdp__announce_change';
COMMENT ON FUNCTION cdp._announce_change() IS
'trigger: tell all sessions that what they keep of a table is out of date';

-- Before the row, so that whoever reads what is not committed has heard of it.
-- TRUNCATE needs no trigger: the server itself announces a table's new file.
CREATE FUNCTION cdp._watch_table("table" regclass, columns text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('
		CREATE TRIGGER announce_change
		BEFORE INSERT OR DELETE OR UPDATE %2$s ON %1$s
		FOR EACH ROW EXECUTE FUNCTION cdp._announce_change();
		ALTER TABLE %1$s ENABLE ALWAYS TRIGGER announce_change',
		$1, 'OF ' || $2);
END
$$;
COMMENT ON FUNCTION cdp._watch_table(regclass, text) IS
'give a table the trigger by which sessions hear that a row has changed; columns (NULL: all): updates of others are not announced';

-- Conflicts of transactions, resources, locks, a server that shuts down, and
-- faults of the system: whoever goes on after errors must hand these on, since
-- tried again the same may succeed.
CREATE FUNCTION cdp._may_pass(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN left(state, 2) IN ('40', '53', '55', '57', '58', 'XX');
COMMENT ON FUNCTION cdp._may_pass(text) IS
'does an error of this SQLSTATE say nothing of what was tried';

-- A batch takes rows whole, so no row holds more than a batch can do with.
CREATE FUNCTION cdp._add_todo(phase text, ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO cdp.todo (phase, ids)
	SELECT $1, ($2)[first : first + 199]
	FROM generate_series(1, cardinality($2), 200) AS first;
END
$$;
COMMENT ON FUNCTION cdp._add_todo(text, bigint[]) IS
'note pending work for a phase of the merge run';

-- Rows are taken oldest first until they hold at least "units" ids; rows that
-- another transaction has locked are left for later.
CREATE FUNCTION cdp._take_todo(phase text, units integer) RETURNS bigint[]
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH waiting AS MATERIALIZED (
		SELECT todo_id, cardinality(ids) AS size
		FROM cdp.todo
		WHERE todo.phase = $1
		ORDER BY todo_id
		LIMIT $2
		FOR UPDATE SKIP LOCKED
	), chosen AS MATERIALIZED (
		SELECT todo_id
		FROM (SELECT todo_id, sum(size) OVER (ORDER BY todo_id) - size AS before
			  FROM waiting) AS running
		WHERE before < $2
	), taken AS (
		DELETE FROM cdp.todo
		USING chosen
		WHERE todo.todo_id = chosen.todo_id
		RETURNING todo.ids
	)
	SELECT array_agg(DISTINCT id)
	FROM taken, unnest(taken.ids) AS id
$$;
COMMENT ON FUNCTION cdp._take_todo(text, integer) IS
'remove and return pending work of a phase, distinct ids, about "units" of them; NULL when there is none';

-- One profile may be named by many rows: by the stitcher, by its timeline, by
-- each batch that touched it.  Once is enough.
CREATE FUNCTION cdp._fold_todo(phase text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[];
BEGIN
	WITH taken AS (
		DELETE FROM cdp.todo WHERE todo.phase = $1 RETURNING todo.ids
	)
	SELECT array_agg(DISTINCT id) INTO ids FROM taken, unnest(taken.ids) AS id;
	PERFORM cdp._add_todo($1, ids);
	RETURN coalesce(cardinality(ids), 0);
END
$$;
COMMENT ON FUNCTION cdp._fold_todo(text) IS
'leave each id that waits for a phase once; returns how many wait';

CREATE FUNCTION cdp._todo_size(phase text) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(sum(cardinality(ids)), 0) FROM cdp.todo WHERE todo.phase = $1
$$;
COMMENT ON FUNCTION cdp._todo_size(text) IS
'how many ids wait for a phase';

-- A store that was just loaded has no statistics, and plans made without them
-- can take a hundred times as long: autovacuum comes too late for the next
-- phase of a run.  Only sizes are looked at, so this costs little when nothing
-- has grown.
CREATE FUNCTION cdp._analyze_grown() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	grown regclass;
	analyzed bigint := 0;
BEGIN
	FOR grown IN
		SELECT oid
		FROM pg_class
		WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'r'
			AND pg_relation_size(oid) / current_setting('block_size')::integer
				> 1.5 * relpages + 8
		ORDER BY oid
	LOOP
		EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
		analyzed := analyzed + 1;
	END LOOP;
	RETURN analyzed;
END
$$;
COMMENT ON FUNCTION cdp._analyze_grown() IS
'analyze the tables of the store that have grown by half since they last were; returns how many';

-- In UTC, so that no two sessions disagree.  Whoever asks whether something is
-- kept asks this, to the microsecond: it is while it is later.
CREATE FUNCTION cdp._kept_after(max_age interval) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ((cdp.clock() AT TIME ZONE 'UTC') - max_age) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION cdp._kept_after(interval) IS
'what is of that instant or older has been kept for max_age; NULL for NULL: everything is kept';

CREATE FUNCTION cdp._kept_until(at timestamptz, max_age interval) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ((at AT TIME ZONE 'UTC') + max_age) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION cdp._kept_until(timestamptz, interval) IS
'from when on what is of an instant has been kept for max_age; NULL: never';

CREATE FUNCTION cdp._keep_store() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'cannot delete the row of cdp.store'
		USING ERRCODE = 'object_in_use',
			DETAIL = 'It tells every entry point the version of the store.',
			HINT = 'cdp.drop_store() drops the store with all its data.';
END
$$;
COMMENT ON FUNCTION cdp._keep_store() IS
'raise: cdp.store keeps its row';
