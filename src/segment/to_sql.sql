-- A predicate as a query.  What the query says is in plain SQL; these helpers
-- say the rest, and are SQL too, since the query is the oracle of the evaluator
-- (to_sql.c).

-- What a value from data is worth as each kind; NULL for the other kinds.
CREATE FUNCTION cdp._sql_boolean(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'boolean' THEN value::boolean END;
COMMENT ON FUNCTION cdp._sql_boolean(jsonb) IS
'the yes or no that a JSON value is; NULL: it is none';

CREATE FUNCTION cdp._sql_number(value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric END;
COMMENT ON FUNCTION cdp._sql_number(jsonb) IS
'the number that a JSON value is; NULL: it is none';

CREATE FUNCTION cdp._sql_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'string' THEN value #>> '{}' END;
COMMENT ON FUNCTION cdp._sql_text(jsonb) IS
'the text that a JSON value is; NULL: it is none';

CREATE FUNCTION cdp._sql_nested(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) IN ('array', 'object') THEN value END;
COMMENT ON FUNCTION cdp._sql_nested(jsonb) IS
'the array or object that a JSON value is; NULL: it is none';

CREATE FUNCTION cdp._sql_list(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value) WHEN 'array' THEN value END;
COMMENT ON FUNCTION cdp._sql_list(jsonb) IS
'the array that a JSON value is; NULL: it is none';

-- Values of all kinds have an order: by kind, then by value.
CREATE FUNCTION cdp._sql_rank(value jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value)
	WHEN 'boolean' THEN 1 WHEN 'number' THEN 2 WHEN 'string' THEN 3 ELSE 4 END;
COMMENT ON FUNCTION cdp._sql_rank(jsonb) IS
'the place of the kind of a JSON value in the order of values';

CREATE FUNCTION cdp._sql_lower(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(value COLLATE "und-x-icu");
COMMENT ON FUNCTION cdp._sql_lower(text) IS
'a text in lower case, by the rules of no particular language';

-- YYYY-MM-DD [("T"|" ") hh:mm [:ss [.fraction]] [Z | (+|-)hh[[:]mm]]]; days that
-- no month has, and hours, are checked before make_timestamp() would raise.
CREATE FUNCTION cdp._sql_time(value text, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
	SELECT CASE
		WHEN part[8] IS NOT NULL THEN local.at AT TIME ZONE 'UTC'
		WHEN part[9] = '+' THEN (local.at - local.off) AT TIME ZONE 'UTC'
		WHEN part[9] = '-' THEN (local.at + local.off) AT TIME ZONE 'UTC'
		ELSE local.at AT TIME ZONE zone END
	FROM regexp_match(value, '^([0-9]{4})-([0-9]{2})-([0-9]{2})'
		|| '(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]*))?)?'
		|| '(?:([Zz])|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?$') AS part,
	LATERAL (
		SELECT make_timestamp(part[1]::integer, part[2]::integer, part[3]::integer,
				coalesce(part[4], '0')::integer, coalesce(part[5], '0')::integer,
				coalesce(part[6], '0')::double precision)
			+ left(rpad(coalesce(part[7], ''), 6, '0'), 6)::integer * interval '1 microsecond',
			make_interval(hours => coalesce(part[10], '0')::integer,
				mins => coalesce(part[11], '0')::integer)
		WHERE part[1] > '0000' AND part[2] BETWEEN '01' AND '12'
			AND part[3] >= '01' AND part[3]::integer <= CASE
				WHEN part[2] IN ('04', '06', '09', '11') THEN 30
				WHEN part[2] <> '02' THEN 31
				WHEN part[1]::integer % 4 = 0
					AND (part[1]::integer % 100 <> 0 OR part[1]::integer % 400 = 0) THEN 29
				ELSE 28 END
			AND coalesce(part[4], '00') <= '23' AND coalesce(part[5], '00') <= '59'
			AND coalesce(part[6], '00') <= '59'
			AND coalesce(part[10], '00') <= '15' AND coalesce(part[11], '00') <= '59'
	) AS local (at, off));
COMMENT ON FUNCTION cdp._sql_time(text, text) IS
'the instant that an ISO 8601 text tells, local time in the zone if it has no offset; NULL: it is none';

CREATE FUNCTION cdp._sql_time_text(at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', CASE
	WHEN date_trunc('second', at AT TIME ZONE 'UTC') = at AT TIME ZONE 'UTC'
	THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END);
COMMENT ON FUNCTION cdp._sql_time_text(timestamptz) IS
'an instant as text in UTC';

-- Subtraction gives days of 24 hours; in other intervals days are the
-- calendar's, so they become hours.
CREATE FUNCTION cdp._sql_elapsed("from" timestamptz, "to" timestamptz) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN make_interval(hours => 24 * extract(day FROM "to" - "from")::integer)
	+ ("to" - "from" - make_interval(days => extract(day FROM "to" - "from")::integer));
COMMENT ON FUNCTION cdp._sql_elapsed(timestamptz, timestamptz) IS
'the time from one instant to another, in hours';

CREATE FUNCTION cdp._sql_fixed(duration interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN extract(month FROM duration) = 0 AND extract(year FROM duration) = 0
	THEN duration END;
COMMENT ON FUNCTION cdp._sql_fixed(interval) IS
'the duration if it has a fixed length, without months; else NULL';

-- Months keep the local time of day, hours are hours.
CREATE FUNCTION cdp._sql_move(at timestamptz, by interval, zone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN cdp._sql_fixed(by) IS NOT NULL THEN
	(at AT TIME ZONE 'UTC' + by) AT TIME ZONE 'UTC'
ELSE
	((at AT TIME ZONE zone + date_trunc('month', by)) AT TIME ZONE zone AT TIME ZONE 'UTC'
		+ (by - date_trunc('month', by))) AT TIME ZONE 'UTC'
END;
COMMENT ON FUNCTION cdp._sql_move(timestamptz, interval, text) IS
'an instant moved by a duration, which may have months of the calendar of a zone';

CREATE FUNCTION cdp._sql_anniversary(at timestamptz, as_of timestamptz, zone text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
	SELECT CASE WHEN this_year >= today THEN this_year - today
		ELSE (born + make_interval(years => years + 1))::date - today END
	FROM (
		SELECT born, today, years, (born + make_interval(years => years))::date AS this_year
		FROM (
			SELECT born, today, (extract(year FROM today) - extract(year FROM born))::integer AS years
			FROM (
				SELECT (at AT TIME ZONE zone)::date AS born, (as_of AT TIME ZONE zone)::date AS today
			) AS days
		) AS counted
	) AS anniversary);
COMMENT ON FUNCTION cdp._sql_anniversary(timestamptz, timestamptz, text) IS
'days to the next anniversary of the local day of an instant; 0 on the day';

CREATE FUNCTION cdp._sql_consented(consent jsonb, as_of timestamptz, zone text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(cdp._sql_text(consent -> 'state') = 'granted', false)
	AND NOT coalesce(cdp._sql_time(cdp._sql_text(consent -> 'at'), zone) >= as_of, false)
	AND (nullif(consent -> 'expires_at', 'null') IS NULL
		OR coalesce(cdp._sql_time(cdp._sql_text(consent -> 'expires_at'), zone) > as_of, false));
COMMENT ON FUNCTION cdp._sql_consented(jsonb, timestamptz, text) IS
'is a consent granted before the instant and not expired at it';

-- The haversine formula, in the order of operations of globe.c, so that who
-- is just near enough is the same.
CREATE FUNCTION cdp._sql_distance_km(
	latitude double precision,
	longitude double precision,
	other_latitude double precision,
	other_longitude double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT 2 * 6371.0088 * asin(sqrt(CASE WHEN apart > 1 THEN 1 ELSE apart END))
	FROM (SELECT sin(north / 2) * sin(north / 2)
			+ cos(radians(latitude)) * cos(radians(other_latitude)) * (sin(east / 2) * sin(east / 2)) AS apart
		FROM (SELECT radians(other_latitude) - radians(latitude) AS north,
				radians(other_longitude - longitude) AS east) AS way) AS haversine);
COMMENT ON FUNCTION cdp._sql_distance_km(double precision, double precision, double precision, double precision) IS
'the shortest way over the ground between two points in degrees, on a globe of the earth''s mean radius';

CREATE FUNCTION cdp._sql_degrees(value numeric, most double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT CASE WHEN degrees BETWEEN -most AND most THEN degrees END
	FROM (SELECT CASE WHEN abs(value) < 1000 THEN value::double precision END AS degrees) AS given);
COMMENT ON FUNCTION cdp._sql_degrees(numeric, double precision) IS
'degrees from -most to most; others are NULL';

CREATE FUNCTION cdp._sql_near(
	latitude numeric,
	longitude numeric,
	other_latitude numeric,
	other_longitude numeric,
	kilometres numeric)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kilometres >= 0 THEN
	cdp._sql_distance_km(cdp._sql_degrees(latitude, 90), cdp._sql_degrees(longitude, 180),
		cdp._sql_degrees(other_latitude, 90), cdp._sql_degrees(other_longitude, 180))
	<= least(kilometres, 100000)::double precision END;
COMMENT ON FUNCTION cdp._sql_near(numeric, numeric, numeric, numeric, numeric) IS
'are two points at most so many kilometres apart; NULL: one is not on the globe';

-- By slot, kind and bytes.
CREATE FUNCTION cdp._sql_event_order(name text, properties jsonb) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(lpad(declared.slot::text, 3, '0')
		|| CASE jsonb_typeof(value) WHEN 'string' THEN '0' || (value #>> '{}')
			WHEN 'number' THEN '1' || trim_scale(value::numeric)
			WHEN 'boolean' THEN '2' || value::text
			ELSE '3' || value::text END
		ORDER BY declared.slot), '{}')
	FROM (
		SELECT DISTINCT held.slot, cdp._event_property($2, held.property) AS value
		FROM cdp.event_property AS held
		WHERE held.event IN ($1, '*')
	) AS declared
	WHERE jsonb_typeof(value) <> 'null'
$$;
COMMENT ON FUNCTION cdp._sql_event_order(text, jsonb) IS
'what orders events of one instant, name, source and amount: their declared properties';

CREATE FUNCTION cdp._predicate_to_sql(
	predicate cdp.predicate,
	context jsonb,
	as_of timestamptz)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__predicate_to_sql';
COMMENT ON FUNCTION cdp._predicate_to_sql(cdp.predicate, jsonb, timestamptz) IS
'the query for the profiles that a predicate is true of, in a context';

CREATE FUNCTION cdp.predicate_to_sql(
	predicate cdp.predicate,
	as_of timestamptz DEFAULT cdp.clock())
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._predicate_to_sql($1, cdp._evaluation_context(), $2)
$$;
COMMENT ON FUNCTION cdp.predicate_to_sql(cdp.predicate, timestamptz) IS
'a query over the event log and profiles that returns the profile_ids of which the predicate is true at an instant';
