-- What the identity room calls in rooms above it; included by its tests, so
-- that they run with and without those rooms.
\set ECHO none
DO $$
BEGIN
	IF to_regclass('cdp.source') IS NULL THEN
		CREATE TABLE cdp.source (
			source_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			name text UNIQUE, kind text DEFAULT 'first_party',
			own_user_ids boolean DEFAULT false, default_region text);
	END IF;
	IF to_regprocedure('cdp._timeline_merge(bigint[], bigint[])') IS NULL THEN
		CREATE FUNCTION cdp._timeline_merge(bigint[], bigint[]) RETURNS void
		LANGUAGE sql AS 'SELECT';
	END IF;
END
$$;
INSERT INTO cdp.source (name, own_user_ids)
VALUES ('web', false), ('crm', false), ('crm2', false), ('till', true);
\set ECHO all
