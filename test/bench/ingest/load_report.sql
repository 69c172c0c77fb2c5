-- load_report.sql: the runs of load.sql as a table.
CREATE VIEW cost AS
SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds, min(seconds) AS least, max(seconds) AS most
FROM took
GROUP BY what;
CREATE VIEW ratio AS
SELECT other.what, percentile_cont(0.5) WITHIN GROUP (ORDER BY (copied.seconds + ingested.seconds) / other.seconds) AS ratio,
	min((copied.seconds + ingested.seconds) / other.seconds) AS least,
	max((copied.seconds + ingested.seconds) / other.seconds) AS most
FROM took AS other
JOIN took AS copied ON copied.run = other.run AND copied.what = 'copy'
JOIN took AS ingested ON ingested.run = other.run AND ingested.what = 'ingest'
GROUP BY other.what;
\echo '| records in' :records '| CPU s | least-most | µs a record |'
\echo '|---|---|---|---|'
SELECT format('| %s | %s | %s-%s | %s |', label, round(seconds::numeric, 1), round(least::numeric, 1), round(most::numeric, 1),
	round((1000000 * seconds / :records)::numeric, 1))
FROM cost JOIN (VALUES (1, 'copy', 'COPY to the inbox'), (2, 'ingest', 'merge run: ingest'), (3, 'stitch', 'merge run: stitch'),
	(4, 'timeline', 'merge run: timeline'), (5, 'profile', 'merge run: profile'), (6, 'score', 'merge run: score'),
	(7, 'segment', 'merge run: segment'), (8, 'set_based', 'peer: the same by set-based SQL from an inbox'),
	(9, 'jsonb', 'peer: COPY to a jsonb table with a btree'), (10, 'floor', 'floor: the rows, ready-made, by INSERT ... SELECT'))
	AS named (place, what, label) USING (what)
ORDER BY place;
\echo
\echo '| COPY and ingest, against | target | value | least-most |'
\echo '|---|---|---|---|'
SELECT format('| %s | %s | %s | %s-%s |', label, target, round(ratio::numeric, 2), round(least::numeric, 2), round(most::numeric, 2))
FROM ratio JOIN (VALUES (1, 'set_based', 'the same rows by set-based SQL', 'at most 1.5'),
	(2, 'jsonb', 'COPY to a jsonb table with a btree', 'at most 7'),
	(3, 'floor', 'the rows, ready-made', '')) AS named (place, what, label, target) USING (what)
ORDER BY place;
