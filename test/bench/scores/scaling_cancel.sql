-- scaling_cancel.sql: each fit, cancelled at five instants of its course; how late
-- it ended.
CREATE PROCEDURE pg_temp.cancel(what text, units bigint, query text, after_ms double precision) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
EXCEPTION WHEN query_canceled THEN
	INSERT INTO bench.cancelled VALUES (what, units, after_ms,
		extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - after_ms);
END
$$;
SELECT format('SET statement_timeout = %s; CALL pg_temp.cancel(%L, %s, %L, %s); RESET statement_timeout;',
	after_ms, what, units, query, after_ms)
FROM bench.asked JOIN (
	SELECT what, units, max(seconds) AS seconds FROM bench.took GROUP BY what, units) AS took USING (what),
	generate_series(1, 5) AS part, LATERAL (SELECT round(1000 * seconds * (part - 0.5) / 5) AS after_ms) AS chosen
WHERE what LIKE 'fit %' AND units = :units AND after_ms >= 1
ORDER BY n, part
\gexec
