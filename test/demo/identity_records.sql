-- identity_records.sql: a month at Bean & Leaf's, where people share devices.
-- Forty households: a family tablet (its cookie and device), a family mailbox
-- in some, a kiosk in the shop that everybody uses; people with accounts and
-- without.  household.record has a JSON line each, and whose it really is.
CREATE SCHEMA household;

-- A number from 0 to 1 that is the same in every run.
CREATE FUNCTION household.chance(variadic what text[]) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN ('x' || left(md5(array_to_string(what, '/')), 8))::bit(32)::bigint / 4294967296.0;

CREATE TABLE household.person AS
SELECT row_number() OVER (ORDER BY home, place) AS person, home,
	household.chance('account', home::text, place::text) < 0.7 AS has_account,
	household.chance('card', home::text, place::text) < 0.5 AS has_card
FROM generate_series(1, 40) AS home,
	LATERAL generate_series(1, 1 + (household.chance('size', home::text) * 4)::integer) AS place;

-- What each of them does, in the 30 days of May.
CREATE TABLE household.act AS
SELECT row_number() OVER () AS record, person.*,
	household.chance('act', seed) AS what, household.chance('where', seed) AS place,
	household.chance('mail', seed) AS mail,
	'2026-05-01 08:00+00'::timestamptz + 30 * household.chance('when', seed) * interval '1 day' AS at
FROM household.person,
	generate_series(1, 12) AS number,
	LATERAL concat(person, '-', number) AS seed;

CREATE TABLE household.record AS
SELECT record, person, at,
	jsonb_strip_nulls(jsonb_build_object('anonymous_id', cookie, 'device_id', device,
		'user_id', CASE WHEN has_account AND what < 0.5 THEN 'u-' || person END,
		'email', CASE WHEN what BETWEEN 0.3 AND 0.8 THEN
			CASE WHEN mail < 0.1 THEN 'family' || home || '@mail.example'
				ELSE 'p' || person || '@mail.example' END END,
		'phone', CASE WHEN what BETWEEN 0.45 AND 0.6 THEN '+49301' || 100000 + person END,
		'crm_id', CASE WHEN has_card AND what > 0.7 THEN 'card-' || person END)) AS keys
FROM (
	SELECT *, CASE WHEN place < 0.15 THEN 'tablet-' || home WHEN place < 0.17 THEN 'kiosk'
			ELSE 'cookie-' || person || CASE WHEN place < 0.6 THEN 'a' ELSE 'b' END END AS cookie,
		CASE WHEN place < 0.15 THEN 'pad-' || home WHEN place > 0.8 THEN 'phone-' || person END AS device
	FROM household.act
) AS act;

-- Mara, who has a tablet with Jonas, and Nora, whom the story follows.
INSERT INTO household.record
SELECT 10000 + row_number() OVER (ORDER BY at), person, at::timestamptz, keys::jsonb
FROM (VALUES
	(901, '2026-05-02 18:00+00', '{"anonymous_id": "c-71f0a2", "user_id": "mara"}'),
	(901, '2026-05-02 18:10+00', '{"anonymous_id": "c-71f0a2", "user_id": "mara", "email": "mara.lindner@example.com"}'),
	(901, '2026-05-03 09:00+00', '{"email": "mara.lindner@example.com", "phone": "+491701234567", "crm_id": "4711"}'),
	(901, '2026-05-09 21:00+00', '{"anonymous_id": "c-b84411", "email": "mara.lindner@example.com"}'),
	(901, '2026-05-10 20:00+00', '{"anonymous_id": "tablet-berg", "user_id": "mara"}'),
	(902, '2026-05-10 20:30+00', '{"anonymous_id": "tablet-berg", "user_id": "jonas"}'),
	(902, '2026-05-11 08:00+00', '{"email": "jonas.berg@example.com", "user_id": "jonas"}'),
	(902, '2026-05-11 08:30+00', '{"anonymous_id": "c-0d9e77", "email": "jonas.berg@example.com"}'),
	(902, '2026-05-20 12:00+00', '{"anonymous_id": "c-0d9e77", "phone": "+491701234567"}'),
	(903, '2026-05-04 12:00+00', '{"anonymous_id": "c-5e2b10", "email": "nora.weiss@example.com"}'),
	(903, '2026-05-12 12:00+00', '{"anonymous_id": "c-5e2b10"}'),
	(903, '2026-05-30 12:00+00', '{"email": "nora.weiss@example.com", "phone": "+491707654321"}')
) AS told (person, at, keys);

ALTER TABLE household.record ADD PRIMARY KEY (record), ADD line text;
UPDATE household.record SET line = jsonb_strip_nulls(jsonb_build_object('type', 'track',
	'event', CASE WHEN record % 3 = 0 THEN 'Order Completed' ELSE 'Product Viewed' END,
	'messageId', 'm' || record, 'timestamp', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'anonymousId', keys -> 'anonymous_id', 'userId', keys -> 'user_id',
	'context', CASE WHEN keys ? 'device_id' THEN jsonb_build_object('device', jsonb_build_object('id', keys -> 'device_id')) END,
	'externalIds', CASE WHEN keys ? 'crm_id' THEN jsonb_build_array(jsonb_build_object('type', 'crm_id', 'id', keys -> 'crm_id')) END,
	'properties', jsonb_build_object('email', keys -> 'email', 'phone', keys -> 'phone',
		'total', CASE WHEN record % 3 = 0 THEN 9 + record % 40 END)));
ANALYZE household.record;

-- Six orders: as it happened, and five shuffles.
CREATE FUNCTION household.place(turn integer, record bigint, at timestamptz) RETURNS text
LANGUAGE sql STABLE
RETURN CASE turn WHEN 1 THEN to_char(at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') ELSE '' END
	|| md5(turn || '/' || record);
