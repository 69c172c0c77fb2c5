-- One row: which version of the extension this store was made for.
CREATE TABLE cdp.store (
	version text NOT NULL,
	store_id uuid NOT NULL DEFAULT gen_random_uuid(),
	icu_version text NOT NULL DEFAULT cdp.icu_version(),
	created_at timestamptz NOT NULL DEFAULT now(),
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
COMMENT ON TABLE cdp.store IS
'one row: the version of the store, compared with the extension''s by every entry point';
COMMENT ON COLUMN cdp.store.icu_version IS
'what the canonical forms of its identifiers were first made with; compare with cdp.icu_version()';
SELECT cdp._watch_table('cdp.store');
CREATE TRIGGER keep_row BEFORE DELETE ON cdp.store
	FOR EACH ROW EXECUTE FUNCTION cdp._keep_store();

CREATE TABLE cdp.setting (
	name text PRIMARY KEY,
	value text,
	description text NOT NULL,
	kind text NOT NULL DEFAULT 'text'
		CHECK (kind IN ('text', 'integer', 'interval', 'time_zone', 'region', 'currency')),
	built_in boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE cdp.setting IS
'settings that change the meaning of data: time zone, region, currency, limits';
COMMENT ON COLUMN cdp.setting.kind IS
'what the value is checked for: text, integer (from 1), interval (from 0), time_zone, region or currency';
COMMENT ON COLUMN cdp.setting.built_in IS
'made by cdp.setup() and read by its name: it can be neither deleted nor renamed';
SELECT cdp._watch_table('cdp.setting');
CREATE TRIGGER check_value BEFORE INSERT OR UPDATE OR DELETE ON cdp.setting
	FOR EACH ROW EXECUTE FUNCTION cdp._check_setting();

INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('time_zone', 'UTC', 'time zone of calendar windows and reports', 'time_zone'),
	('default_region', NULL, 'region of phone numbers written without a country code', 'region'),
	('currency', 'USD', 'currency of the amounts in the store', 'currency');

CREATE TABLE cdp.todo (
	todo_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	phase text NOT NULL,
	ids bigint[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX todo_phase_idx ON cdp.todo (phase, todo_id);
COMMENT ON TABLE cdp.todo IS
'pending work: written by the transaction that makes it, deleted by the batch that does it';

CREATE TABLE cdp.run_log (
	run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL,
	state text NOT NULL DEFAULT 'running'
		CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
	phase text,
	done bigint NOT NULL DEFAULT 0,
	total bigint,
	phase_ms jsonb NOT NULL DEFAULT '{}',
	error text,
	pid integer NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz
);
CREATE INDEX run_log_state_idx ON cdp.run_log (state) WHERE state = 'running';
COMMENT ON TABLE cdp.run_log IS
'one row per run (merge, rebuild, ...); read it through the view cdp.run';

CREATE VIEW cdp.run AS
SELECT run_id, kind,
	CASE WHEN state <> 'running' THEN state
		WHEN NOT EXISTS (
			SELECT FROM pg_catalog.pg_locks AS held
			WHERE held.locktype = 'advisory'
				AND held.database = (SELECT oid FROM pg_catalog.pg_database
					WHERE datname = pg_catalog.current_database())
				AND held.classid = 6513776 AND held.objid = 1
				AND held.objsubid = 2 AND held.granted
				AND held.pid = run_log.pid)
		THEN 'interrupted'
		WHEN EXISTS (
			SELECT FROM pg_catalog.pg_locks AS asked
			WHERE asked.pid = run_log.pid AND NOT asked.granted)
		THEN 'waiting' ELSE state END AS state,
	phase, done, total,
	round((done / nullif((phase_ms ->> phase)::numeric / 1000, 0)), 1) AS rate_per_second,
	CASE WHEN state = 'running' AND total > done AND done > 0
		THEN make_interval(secs => ((total - done)
			* (phase_ms ->> phase)::numeric / 1000 / done)::double precision)
		END AS eta,
	phase_ms, error, started_at, updated_at, finished_at
FROM cdp.run_log;
COMMENT ON VIEW cdp.run IS
'runs and their progress; one whose session died shows as interrupted, one that waits for another transaction to finish its changes as waiting';
