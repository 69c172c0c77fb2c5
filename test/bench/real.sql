-- real.sql: what real.sh runs; :data is where the files are, :work a scratch
-- folder.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

CREATE EXTENSION cdp;
SELECT cdp.setup(currency => 'USD') \g /dev/null
SELECT cdp.add_source('cdnow'), cdp.add_source('crm_a'), cdp.add_source('crm_b') \g /dev/null
INSERT INTO cdp.identifier_type (type, priority, strong, scope, max_per_profile,
	max_strong_per_value, stitches, normaliser, description)
VALUES ('soc_sec_id', 3, false, 'global', 1, 1, true, 'text', 'social security number');

-- The files, and their rows as the systems would send them: JSON lines.
CREATE SCHEMA file;
CREATE TABLE file.purchase (row bigint GENERATED ALWAYS AS IDENTITY,
	customer text, date date, amount numeric);
CREATE TABLE file.person (unique_id text, given_name text, surname text,
	street_number text, address_1 text, address_2 text, suburb text, postcode text,
	state text, date_of_birth text, soc_sec_id text, cluster integer,
	branch text DEFAULT 'a');
CREATE TABLE file.holdout (customer text, x integer, t_x double precision,
	t double precision, m double precision, first_amount double precision,
	x_hold integer, spend_hold double precision, t_hold double precision);
CREATE TABLE file.fit (dataset text, model text, n integer, n_groups integer,
	p1 double precision, p2 double precision, p3 double precision, p4 double precision,
	loglik double precision, gradient text, se1 text, se2 text, se3 text, se4 text,
	hessian_condition text, iterations text, status text, route text);
\cd :data
\copy file.purchase (customer, date, amount) FROM 'clv/cdnow_full_tx.csv' WITH (FORMAT csv, HEADER)
\copy file.person (unique_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id, cluster) FROM 'identity/febrl4a.csv' WITH (FORMAT csv, HEADER)
ALTER TABLE file.person ALTER branch SET DEFAULT 'b';
\copy file.person (unique_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, date_of_birth, soc_sec_id, cluster) FROM 'identity/febrl4b.csv' WITH (FORMAT csv, HEADER)
\copy file.holdout FROM 'clv/cdnow_full_rfm_cal39w.csv' WITH (FORMAT csv, HEADER)
\copy file.fit FROM 'clv/fits.csv' WITH (FORMAT csv, HEADER)
CREATE TABLE file.record AS
SELECT 'cdnow' AS source, row, jsonb_build_object('type', 'track',
	'event', 'Order Completed', 'userId', customer, 'messageId', 'cdnow-' || row,
	'timestamp', date || 'T12:00:00Z', 'properties',
	jsonb_build_object('order_id', 'cdnow-' || row, 'total', amount))::text AS line
FROM file.purchase
UNION ALL
SELECT 'crm_' || branch, row_number() OVER (), jsonb_strip_nulls(jsonb_build_object(
	'type', 'identify', 'messageId', unique_id, 'timestamp', '1998-01-01T00:00:00Z',
	'externalIds', jsonb_build_array(
		jsonb_build_object('type', 'crm_id', 'id', unique_id),
		jsonb_build_object('type', 'soc_sec_id', 'id', soc_sec_id)),
	'traits', jsonb_build_object('first_name', given_name, 'last_name', surname,
		'street', concat_ws(' ', street_number, address_1, address_2),
		'city', suburb, 'postal_code', postcode, 'region', upper(state),
		'birth_date', regexp_replace(date_of_birth, '^(\d{4})(\d\d)(\d\d)$', '\1-\2-\3'))))::text
FROM file.person;
\cd :work
\copy (SELECT line FROM file.record WHERE source = 'cdnow' ORDER BY row) TO 'cdnow.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
\copy (SELECT line FROM file.record WHERE source = 'crm_a' ORDER BY row) TO 'crm_a.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
\copy (SELECT line FROM file.record WHERE source = 'crm_b' ORDER BY row) TO 'crm_b.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
CREATE TABLE file.mark (name text PRIMARY KEY, lsn pg_lsn, at timestamptz);
CHECKPOINT;

-- The main job.
INSERT INTO file.mark VALUES ('start', pg_current_wal_insert_lsn(), clock_timestamp());
SET cdp.source = 'cdnow';
\copy cdp.inbox(record) FROM 'cdnow.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'crm_a';
\copy cdp.inbox(record) FROM 'crm_a.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'crm_b';
\copy cdp.inbox(record) FROM 'crm_b.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
INSERT INTO file.mark VALUES ('copied', pg_current_wal_insert_lsn(), clock_timestamp());
CALL cdp.merge();
INSERT INTO file.mark VALUES ('merged', pg_current_wal_insert_lsn(), clock_timestamp());
VACUUM ANALYZE;

\echo '| what | CDNOW | CRMs (febrl4) |'
\echo '|---|---|---|'
SELECT format('| %s | %s | %s |', what, coalesce(cdnow, 0), coalesce(crm, 0))
FROM (
	SELECT 1 AS line, 'records in' AS what, sum(records) FILTER (WHERE source = 'cdnow') AS cdnow,
		sum(records) FILTER (WHERE source <> 'cdnow') AS crm
	FROM cdp.ingest_count
	UNION ALL
	SELECT 2, 'stored', sum(stored) FILTER (WHERE source = 'cdnow'),
		sum(stored) FILTER (WHERE source <> 'cdnow')
	FROM cdp.ingest_count
	UNION ALL
	SELECT 3, 'rejected', sum(rejected) FILTER (WHERE source = 'cdnow'),
		sum(rejected) FILTER (WHERE source <> 'cdnow')
	FROM cdp.ingest_count
	UNION ALL
	SELECT 4, 'profiles', count(*) FILTER (WHERE sources = '{cdnow}'),
		count(*) FILTER (WHERE sources && '{crm_a,crm_b}')
	FROM cdp.unified_profile
	UNION ALL
	SELECT 5, 'customers or persons in the file',
		(SELECT count(DISTINCT customer) FROM file.purchase),
		(SELECT count(DISTINCT cluster) FROM file.person)
) AS figures
ORDER BY line;

-- Who is who, against the truth in the file.
CREATE TABLE file.found AS
SELECT person.branch, person.cluster, profile_identifier.profile_id
FROM file.person
	JOIN cdp.profile_identifier ON type = 'crm_id' AND scope = 'crm_' || branch
		AND value = unique_id;
\echo
\echo '| persons in two CRMs, joined by soc_sec_id | pairs |'
\echo '|---|---|'
SELECT format('| true pairs / found / right | %s / %s / %s |', 5000, count(*),
	count(*) FILTER (WHERE a.cluster = b.cluster))
FROM file.found AS a
	JOIN file.found AS b ON a.profile_id = b.profile_id AND a.branch = 'a' AND b.branch = 'b';

\echo
\echo '| phase | seconds | units per second | WAL MB |'
\echo '|---|---|---|---|'
SELECT format('| COPY | %s | %s | %s |', round(extract(epoch FROM copied.at - start.at)::numeric, 2),
	round((SELECT count(*) FROM file.record) / extract(epoch FROM copied.at - start.at)),
	round((copied.lsn - start.lsn) / 1e6, 1))
FROM file.mark AS start, file.mark AS copied
WHERE start.name = 'start' AND copied.name = 'copied';
SELECT format('| %s | %s | %s | |', key, round(value::numeric / 1000, 2),
	CASE WHEN key = 'ingest' THEN round((SELECT count(*) FROM file.record) / (value::numeric / 1000)) END)
FROM cdp.run, jsonb_each_text(phase_ms)
WHERE kind = 'merge'
ORDER BY array_position('{ingest,stitch,timeline,profile,score,segment}', key);
SELECT format('| all of CALL cdp.merge() | %s | | %s |',
	round(extract(epoch FROM merged.at - copied.at)::numeric, 2),
	round((merged.lsn - copied.lsn) / 1e6, 1))
FROM file.mark AS copied, file.mark AS merged
WHERE copied.name = 'copied' AND merged.name = 'merged';

\echo
\echo '| per million events | MB |'
\echo '|---|---|'
WITH events AS (SELECT count(*) / 1e6 AS millions FROM cdp.event), relation AS (
	SELECT CASE WHEN relname LIKE 'event_2%' OR relname LIKE 'event_1%' OR relname = 'event_other' THEN 'event log'
			WHEN relname LIKE 'timeline%' THEN 'timelines'
			WHEN relname LIKE 'identi%' OR relname IN ('profile', 'identity_log') THEN 'identity graph'
			WHEN relname LIKE 'profile_%' THEN 'profiles and scores'
			WHEN relname LIKE 'trait%' THEN 'trait observations'
			WHEN relname = 'message' THEN 'message ledger'
			ELSE 'all else' END AS part,
		sum(pg_total_relation_size(oid)) / 1e6 AS megabytes
	FROM pg_class
	WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'm')
	GROUP BY 1
)
SELECT format('| disk: %s | %s |', part, round(megabytes / millions, 1)) FROM relation, events
UNION ALL
SELECT format('| disk: total | %s |', round(sum(megabytes) / min(millions), 1)) FROM relation, events
UNION ALL
SELECT format('| WAL: COPY and merge | %s |', round((merged.lsn - start.lsn) / 1e6 / millions, 1))
FROM events, file.mark AS start, file.mark AS merged
WHERE start.name = 'start' AND merged.name = 'merged';

-- Models on the first 39 weeks, against the reference and what came next.
-- The reference counts orders of zero value (80 of CDNOW's) as purchases; cdp
-- does not.  So purchases are counted here with an amount of one, and their
-- mean amount is put beside.
CREATE TABLE file.rfm AS
SELECT customer, cdp.make_rfm(cdp.x(counted), cdp.t_x(counted), cdp.t(counted),
		CASE WHEN cdp.x(counted) > 0 THEN repeat_amount / cdp.x(counted) ELSE 0 END) AS rfm
FROM (
	SELECT profile_id, cdp.rfm_agg(occurred_at, 1, '1997-10-01 00:00+00') AS counted,
		sum(amount) FILTER (WHERE day > first_day)::double precision AS repeat_amount
	FROM (
		SELECT profile_id, occurred_at, amount, occurred_at::date AS day,
			min(occurred_at::date) OVER (PARTITION BY profile_id) AS first_day
		FROM cdp.profile_order
		WHERE occurred_at < '1997-10-01 00:00+00'
	) AS purchase
	GROUP BY profile_id
) AS summary
	JOIN (SELECT profile_id, value AS customer FROM cdp.profile_identifier
		WHERE type = 'user_id') AS named USING (profile_id);
\echo
SELECT format('Summaries of customers that differ from the reference file: %s of %s.',
	count(*) FILTER (WHERE rfm IS NULL OR cdp.x(rfm) <> x
		OR abs(cdp.t_x(rfm) - t_x) > 1e-9 OR abs(cdp.t(rfm) - t) > 1e-9
		OR abs(cdp.m(rfm) - m) > 1e-6), count(*))
FROM file.holdout LEFT JOIN file.rfm USING (customer);

CREATE TABLE file.model AS
SELECT 'bg' AS name, cdp.fit_bgnbd(rfm) AS model FROM file.rfm
UNION ALL
SELECT 'mbg', cdp.fit_mbgnbd(rfm) FROM file.rfm
UNION ALL
SELECT 'gg', cdp.fit_gamma_gamma(rfm) FROM file.rfm;
\echo
\echo '| model, 39 weeks | by | parameters | log-likelihood |'
\echo '|---|---|---|---|'
SELECT line
FROM (
	SELECT name, 1 AS position, format('| %s | cdp | %s | %s |', name,
		(SELECT string_agg(parameter || ' ' || round(cdp.model_param(model, parameter)::numeric, 8), ', ' ORDER BY place)
		 FROM unnest(CASE name WHEN 'gg' THEN '{p,q,v}' ELSE '{r,alpha,a,b}' END::text[])
			WITH ORDINALITY AS named (parameter, place)),
		round(cdp.model_loglik(model)::numeric, 8)) AS line
	FROM file.model
	UNION ALL
	SELECT fit.model, 2, format('| | reference | %s | %s |',
		CASE fit.model WHEN 'gg' THEN format('p %s, q %s, v %s', round(p1::numeric, 8), round(p2::numeric, 8), round(p3::numeric, 8))
			ELSE format('r %s, alpha %s, a %s, b %s', round(p1::numeric, 8), round(p2::numeric, 8),
				round(p3::numeric, 8), round(p4::numeric, 8)) END,
		round(loglik::numeric, 8))
	FROM file.fit WHERE dataset = 'cdnow_full39w' AND fit.model <> 'pn'
	UNION ALL
	SELECT name, 3, format('| | difference | %s | %s |',
		CASE WHEN abs(cdp.model_loglik(fitted.model) - loglik) <= 1e-6 THEN 'within 1e-6' ELSE '**more than 1e-6**' END,
		(cdp.model_loglik(fitted.model) - loglik)::real)
	FROM file.model AS fitted JOIN file.fit ON fit.model = name AND dataset = 'cdnow_full39w'
) AS lines
ORDER BY array_position('{bg,mbg,gg}', name), position;

CREATE TABLE file.said AS
SELECT name, customer, x,
	cdp.expected_purchases(model, x, t_x, t, 39) AS purchases,
	cdp.p_active(model, x, t_x, t, 39) AS active, x_hold
FROM file.rfm JOIN file.holdout USING (customer), file.model
WHERE name <> 'gg';
\echo
\echo '| the 39 weeks after | purchases | customers who buy | AUC of who buys |'
\echo '|---|---|---|---|'
WITH ranked AS (
	SELECT name, purchases, active, x_hold > 0 AS buys,
		rank() OVER tied + (count(*) OVER (PARTITION BY name, active) - 1) / 2.0 AS place
	FROM file.said
	WINDOW tied AS (PARTITION BY name ORDER BY active)
)
SELECT format('| %s said | %s | %s | %s |', name, round(sum(purchases)), round(sum(active)),
	round((sum(place) FILTER (WHERE buys) - count(*) FILTER (WHERE buys) * (count(*) FILTER (WHERE buys) + 1) / 2.0)
		/ (count(*) FILTER (WHERE buys) * count(*) FILTER (WHERE NOT buys)), 4))
FROM ranked
GROUP BY name
ORDER BY name;
SELECT format('| happened | %s | %s | |', sum(x_hold), count(*) FILTER (WHERE x_hold > 0))
FROM file.holdout;
\echo
\echo '| customers who came back | customers | bg said, mean | happened, mean |'
\echo '|---|---|---|---|'
SELECT format('| %s | %s | %s | %s |', CASE least(x, 7) WHEN 0 THEN 'never' WHEN 1 THEN 'once'
		WHEN 7 THEN '7 times or more' ELSE least(x, 7) || ' times' END,
	count(*), round(avg(purchases)::numeric, 3), round(avg(x_hold), 3))
FROM file.said
WHERE name = 'bg'
GROUP BY least(x, 7)
ORDER BY least(x, 7);
