-- remake.sql: the timelines of 100 profiles made anew, as after a split: their
-- events looked up by what their timelines hold, and by reading the whole log.
-- Both must leave the bytes that were there.
CREATE TABLE bench.remade AS
SELECT array_agg(profile_id ORDER BY profile_id) AS ids
FROM (SELECT profile_id FROM bench.owner WHERE n % (SELECT count(*) / 100 FROM bench.owner) = 0) AS chosen;
CREATE TABLE bench.kept AS
SELECT chunk.* FROM cdp.timeline_chunk AS chunk, bench.remade WHERE profile_id = ANY (ids);
CREATE FUNCTION bench.remake(round integer, by_timelines boolean, OUT ms double precision, OUT differ bigint) LANGUAGE plpgsql AS $$
DECLARE
	start double precision;
BEGIN
	DELETE FROM cdp.timeline_chunk AS chunk USING bench.remade WHERE profile_id = ANY (ids);
	INSERT INTO cdp.timeline_chunk TABLE bench.kept;
	start := bench.cpu();
	PERFORM cdp._timeline_make(ids, CASE WHEN by_timelines THEN ids END) FROM bench.remade;
	ms := (bench.cpu() - start) * 1000;
	differ := (SELECT count(*)
		FROM bench.kept FULL JOIN (SELECT chunk.* FROM cdp.timeline_chunk AS chunk, bench.remade WHERE profile_id = ANY (ids)) AS now
			USING (profile_id, chunk)
		WHERE (kept.data OPERATOR(cdp.=) now.data) IS NOT true);
END
$$;
SELECT format('Timelines of %s profiles with %s events made anew: %s ms of CPU by what they hold, %s ms by reading the log, medians of 5; chunks that differ: %s.',
	(SELECT cardinality(ids) FROM bench.remade), (SELECT sum(cdp.timeline_count(data)) FROM bench.kept),
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE by_timelines)),
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT by_timelines)), sum(differ))
FROM generate_series(1, 5) AS round, unnest('{true,false}'::boolean[]) AS by_timelines, bench.remake(round, by_timelines);
SELECT '';
