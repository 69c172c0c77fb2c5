-- Whatever happened before: who is erased is gone, others are as they were, and
-- the store is what a rebuild makes of it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set digest :abs_srcdir '/test/data/digest.sql'
\i :digest
\set traces :abs_srcdir '/test/data/traces.sql'
\i :traces
\set histories :abs_srcdir '/test/data/erase_histories.sql'
\i :histories
\set SHOW_CONTEXT never
\set seed `echo "${CDP_SEED:-17}"`
\echo seed :seed
SET client_min_messages = error;
SELECT setseed(:seed / 1000.0);

CREATE TEMP TABLE erased (n integer, words text[]);
CREATE FUNCTION pg_temp.step(n integer) RETURNS TABLE (was_found boolean, "left" text, others bigint, amount numeric)
LANGUAGE plpgsql AS $$
DECLARE
	done record;
BEGIN
	SELECT * INTO done FROM pg_temp.erase(pg_temp.pick('{delete,anonymise}'));
	INSERT INTO pg_temp.erased VALUES (n, done.words);
	RETURN QUERY SELECT done.places > 0, done."left", done.others, done.amount;
END
$$;
-- twice in one life: while much waits, and while nothing does; and later again
SELECT pg_temp.live(60);
SELECT * FROM pg_temp.step(1);
SELECT ok FROM cdp.verify_identity();
SELECT * FROM pg_temp.step(2);
CALL cdp.merge();
SELECT * FROM pg_temp.step(3);
SELECT ok FROM cdp.verify_identity();
SELECT pg_temp.live(60);
CALL cdp.merge();
SELECT pg_temp.live(20);
SELECT * FROM pg_temp.step(4);
CALL cdp.merge();
SELECT * FROM pg_temp.step(5);
CALL cdp.merge();
SELECT ok FROM cdp.verify_identity();
SELECT count(*) FROM cdp.todo;

-- a rebuild changes nothing that is told (scores are as of the last day)
SELECT cdp.refresh_scores() > 0 AS scored;
SELECT cdp.refresh_segments() >= 0 AS refreshed;
CREATE TEMP TABLE told AS SELECT * FROM pg_temp.canonical_digest();
CREATE TEMP TABLE said AS SELECT * FROM pg_temp.exact_digest('{run_log,segment_refresh,segment_size_log,segment_membership,segment_state,score_run,insight_run,identity_state,group_kind,membership_base,profile_score,propensity}', '{as_of}');
CALL cdp.rebuild();
SELECT name FROM told FULL JOIN pg_temp.canonical_digest() AS again USING (name) WHERE told.digest IS DISTINCT FROM again.digest;
SELECT name FROM said FULL JOIN pg_temp.exact_digest('{run_log,segment_refresh,segment_size_log,segment_membership,segment_state,score_run,insight_run,identity_state,group_kind,membership_base,profile_score,propensity}', '{as_of}') AS again USING (name)
WHERE said.digest IS DISTINCT FROM again.digest;

-- what was erased stays erased, though all is sent again
SELECT count(*) > 0 AS refused
FROM pg_temp.sent, LATERAL cdp.ingest_batch(source, jsonb_build_array(record)) AS done
WHERE done.outcome = 'rejected';
CALL cdp.merge();
SELECT count(*) FROM pg_temp.erased, LATERAL pg_temp.traces(words, '{audience_sent}');
SELECT ok FROM cdp.verify_identity();
SELECT count(*) >= 0 AS told FROM cdp.audience_delta('letters');
SELECT count(cdp.audience_ack('letters', last_delta)) >= 0 AS acknowledged
FROM cdp.audience_progress WHERE last_delta > acknowledged;
SELECT count(*) FROM pg_temp.erased, LATERAL pg_temp.traces(words);
