-- insight_answers.sql: what one profile's answers cost; see insight.sh.
CREATE TEMP TABLE answer (n integer GENERATED ALWAYS AS IDENTITY, what text, query text);
INSERT INTO answer (what, query) VALUES
	('cdp.previous_purchase(profile)', NULL), ('cdp.memberships(profile)', NULL), ('cdp.score_reasons(profile, ''churn'')', NULL), ('cdp.score_reasons(profile, ''purchase_30d'')', NULL),
	('cdp.interests(profile)', NULL), ('cdp.intent(profile)', NULL), ('cdp.channel_preference(profile)', NULL),
	('cdp.journey_stage(profile)', NULL), ('cdp.recommend(profile, 5)', NULL), ('cdp.contact_of(profile)', NULL),
	('cdp.interaction_history(profile)', NULL), ('cdp.deals_of(profile)', NULL), ('cdp.next_action(profile)', NULL),
	('cdp.unified_profile', 'SELECT * FROM cdp.unified_profile WHERE profile_id = $1'),
	('cdp.crm_contact', 'SELECT * FROM cdp.crm_contact WHERE profile_id = $1'),
	('orders, by SQL over the log (peer)', 'SELECT occurred_at, amount FROM cdp.profile_event WHERE profile_id = $1 AND name = ''order''');
UPDATE answer SET query = 'SELECT * FROM ' || replace(what, 'profile', '$1') WHERE query IS NULL;
CREATE TEMP TABLE asked AS
(SELECT 'any' AS who, profile_id FROM cdp.profile_current WHERE kind = 'known' ORDER BY md5(profile_id::text) LIMIT :people)
UNION ALL
(SELECT 'most active', profile_id FROM cdp.profile_current WHERE kind = 'known' ORDER BY events DESC, profile_id LIMIT :people / 4);
CREATE TEMP TABLE took (n integer, who text, seconds double precision, rows double precision);

-- One session asks, each statement is planned anew, and all its rows are fetched.
-- The first answers warm caches.  The kernel counts CPU time by ticks of some
-- milliseconds, so each question is asked several times and the mean is noted.
CREATE FUNCTION pg_temp.ask(answer answer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	person record;
	begun double precision;
	told record;
	rows bigint;
	times integer := CASE WHEN answer.what LIKE '%(peer)' THEN 1 ELSE 20 END;
BEGIN
	FOR person IN SELECT 'warm' AS who, profile_id FROM (SELECT * FROM asked LIMIT 1) AS first UNION ALL SELECT * FROM asked LOOP
		rows := 0;
		begun := bench.cpu();
		FOR i IN 1 .. times LOOP
			FOR told IN EXECUTE answer.query USING person.profile_id LOOP rows := rows + 1; END LOOP;
		END LOOP;
		INSERT INTO took VALUES (answer.n, person.who, (bench.cpu() - begun) / times, rows::float8 / times);
	END LOOP;
END
$$;
SELECT count(pg_temp.ask(answer)) FROM answer WHERE what LIKE '%' || :'only' || '%' \g /dev/null
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '
\qecho '| answer about one profile | any: median ms | 9 of 10 within | most | most active: median ms | most | under 5 ms | rows, mean |'
\qecho '|---|---|---|---|---|---|---|---|'
SELECT '', what, round((1000 * quantile[1])::numeric, 2), round((1000 * quantile[2])::numeric, 2), round((1000 * quantile[3])::numeric, 2),
	round((1000 * active[1])::numeric, 2), round((1000 * active[2])::numeric, 2),
	CASE WHEN what LIKE '%(peer)' THEN '' WHEN greatest(quantile[1], active[1]) < 0.005 THEN 'yes' ELSE '**no**' END, round(rows::numeric, 1), ''
FROM (
	SELECT n, what, avg(rows) AS rows, percentile_disc('{0.5,0.9,1}'::float8[]) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE who = 'any') AS quantile,
		percentile_disc('{0.5,1}'::float8[]) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE who = 'most active') AS active
	FROM answer JOIN took USING (n) GROUP BY n, what) AS measured ORDER BY n;
\qecho
SELECT format('Those drawn have %s events (median), the most active %s to %s.',
	percentile_disc(0.5) WITHIN GROUP (ORDER BY events) FILTER (WHERE who = 'any'), min(events) FILTER (WHERE who <> 'any'), max(events) FILTER (WHERE who <> 'any'))
FROM asked JOIN cdp.profile_current USING (profile_id);
