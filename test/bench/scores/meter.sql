-- meter.sql: what a backend has used, and where that is noted.
CREATE SCHEMA bench;
CREATE TABLE bench.took (what text, units bigint, seconds double precision, mb double precision,
	n integer GENERATED ALWAYS AS IDENTITY);
CREATE FUNCTION bench.cpu() RETURNS double precision LANGUAGE sql VOLATILE AS $$
	SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint / 1e9 $$;
CREATE FUNCTION bench.peak_mb() RETURNS double precision LANGUAGE sql VOLATILE AS $$
	SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::double precision / 1024 $$;
