-- What predicates are worth, for a profile made by hand.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\set SHOW_CONTEXT never
SET TIME ZONE 'Asia/Tokyo';	-- nobody should care
SET DateStyle = 'ISO';

CREATE FUNCTION pg_temp.context() RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
SELECT '{
	"zone": "Europe/Berlin",
	"events": {"order": 1, "cart_add": 2, "page_view": 3, "never": 70},
	"properties": {"order": {"cart_id": 1, "category": 2, "gift": 5, "weight": 6},
		"cart_add": {"cart_id": 1},
		"*": {"cart_id": 1, "category": 2, "gift": 5, "weight": 6}},
	"traits": {"trial_ends": "timestamp"},
	"segments": {"br": "country = ''BR''",
		"buyer": "in_segment(''br'') and did(order)"}}'::jsonb $$;

-- name, time, amount, properties by slot
CREATE TEMP TABLE event (name_id int, at timestamptz, amount numeric, properties jsonb);
INSERT INTO event VALUES
	(2, '2026-05-31 10:00+00', NULL, '{"1": "c1"}'),
	(1, '2026-05-31 13:00+00', 50.25, '{"1": "c1", "2": "shoes", "5": true, "6": 1.5}'),
	(1, '2026-03-01 13:00+00', 20, '{"2": "hats", "5": false, "6": 0.123456789}'),
	(1, '2026-03-01 12:59:59.999+00', NULL, '{"6": "heavy"}'),
	(3, '2026-06-01 11:59+00', NULL, NULL),
	(3, '2026-05-31 21:59:59.999+00', NULL, NULL),
	(2, '2026-06-01 08:00+00', NULL, '{"1": "c2"}'),
	(1, '2026-06-01 12:00+00', 1000, NULL);	-- at the as-of instant: not seen

-- TRUE, false or unknown
CREATE FUNCTION pg_temp.truth(source text, as_of timestamptz DEFAULT '2026-06-01 12:00+00')
RETURNS text LANGUAGE sql AS $$
SELECT CASE cdp._evaluate(
		ARRAY[source, regexp_replace(source, '^(.*?)( at time zone .*)?$', 'not (\1)\2')]::cdp.predicate[],
		pg_temp.context(), as_of, 42,
		(SELECT cdp.timeline_agg(name_id, at, amount, properties) FROM event), NULL,
		ROW('{"country": "BR", "age": 41, "vip": true, "birth_date": "1990-06-05",
		  "leap_day": "2000-02-29", "trial_ends": "2026-06-03T09:00:00+02:00",
		  "signup": "2026-03-29 02:30", "big": 123456789012345678901234567890.5, "huge": 9e131071,
		  "tags": ["golf", "tea", 7, null], "address": {"city": "Rio", "zip": null},
		  "a.b": "flat", "a": {"b": "nested", "c": 3}, "empty": "", "nothing": null,
		  "note": "50% off_\\", "strasse": "ÄÖÜ straße"}',
		'{"email": ["ann@example.com", "b@example.com"], "phone": []}',
		'{"marketing/email": {"state": "granted", "at": "2026-01-01T00:00:00Z", "expires_at": "2026-06-01T12:00:01Z"},
		  "marketing/sms": {"state": "granted", "at": "2026-01-01T00:00:00Z", "expires_at": "2026-06-01T12:00:00Z"},
		  "marketing/post": {"state": "granted", "at": "2026-06-01T12:00:00Z", "expires_at": null},
		  "marketing/phone": {"state": "withdrawn", "at": "2026-01-01T00:00:00Z"}}',
		'{"clv": {"value": 12.5, "percentile": 0.93}, "churn": {"value": 0.25}}',
		'known', '2026-01-01 00:00+00', '2026-06-01 11:59+00', 8, 2, 70.25, 60.25,
		'2026-03-01 13:00+00', '2026-05-31 13:00+00', 5, 3, NULL, 'loyal',
		410.5, 0.25, 'low', NULL, NULL)::cdp._profile_facts)
	WHEN '{1}' THEN 'TRUE' WHEN '{2}' THEN 'false' ELSE 'unknown' END
$$;

-- each must be TRUE, or what stands in the second column
CREATE TEMP TABLE expected (topic text, source text, truth text DEFAULT 'TRUE');
CREATE FUNCTION pg_temp.differ() RETURNS TABLE (topic text, source text, expected text, found text)
LANGUAGE sql AS $$
	SELECT topic, source, truth, pg_temp.truth(source)
	FROM expected WHERE pg_temp.truth(source) <> truth
$$;

INSERT INTO expected (topic, source, truth) VALUES
-- fields and traits
('field', 'kind = ''known'' and events = 8 and orders = 2 and gross_revenue = 70.25', 'TRUE'),
('field', 'revenue = 60.25 and average_order_value = 35.125 and lifecycle = ''loyal''', 'TRUE'),
('field', 'rfm_recency = 5 and rfm_frequency = 3 and rfm_monetary is null', 'TRUE'),
('field', 'clv_365d = 410.5 and churn_90d = 0.25 and churn_band = ''low''', 'TRUE'),
('field', 'first_seen = 2026-01-01T00:00Z and last_seen = 2026-06-01T11:59Z', 'TRUE'),
('field', 'first_order_at = 2026-03-01T13:00Z and last_order_at = 2026-05-31T13:00Z', 'TRUE'),
('field', 'email = ''ann@example.com'' and phone is null', 'TRUE'),
('trait', 'country = ''BR'' and "country" = ''BR'' and COUNTRY < ''C''', 'TRUE'),
('trait', '"Country" is null and nothing is null and address.zip is null and address.street is null', 'TRUE'),
('trait', 'vip', 'TRUE'),
('trait', 'not vip', 'false'),
('trait', 'address.city = ''Rio'' and a.b = ''flat'' and a.c = 3', 'TRUE'),
('trait', 'country.code is null', 'TRUE'),
-- kinds do not mix
('kind', 'age = country', 'unknown'),
('kind', 'age = vip', 'unknown'),
('kind', 'country', 'unknown'),
('kind', 'age > nothing', 'unknown'),
('kind', 'age is distinct from country', 'TRUE'),
('kind', 'nothing is distinct from null', 'false'),
-- arithmetic is exact
('number', '0.1 + 0.2 = 0.3 and 1 / 4 = 0.25 and 2 * 3 = 6 and -age = 0 - 41', 'TRUE'),
('number', 'big - 0.5 = 123456789012345678901234567890', 'TRUE'),
('number', 'age * age / age - age = 0 and age / 2 * 2 = age', 'TRUE'),
('number', '99999999999999999 * 10 + 1 > 999999999999999990', 'TRUE'),
('number', '9223372036854775807 + 9223372036854775807 = 18446744073709551614', 'TRUE'),
('number', '922337203685477.5807 + 0.0001 = 922337203685477.5808', 'TRUE'),
('number', '1 / 0 is null and 0 / 0 is null and 1.5 / 0.00 is null and age / (age - age) is null', 'TRUE'),
('number', 'huge * huge is null and huge + huge is null and huge / 10 < huge and abs(huge * huge) is null', 'TRUE'),
('number', '1 / 3 = 0.33333333333333333333', 'TRUE'),
('number', 'abs(0 - age) = 41 and abs(age) = 41 and abs(country) is null', 'TRUE'),
('number', 'age + country = 1', 'unknown'),
-- texts
('text', 'country like ''B_'' and country like ''%R'' and country not like ''b%''', 'TRUE'),
('text', 'country ilike ''b%'' and strasse ilike ''äöü%'' and lower(strasse) = ''äöü straße''', 'TRUE'),
('text', 'strasse like ''___ stra_e'' and length(strasse) = 10 and length(empty) = 0', 'TRUE'),
('text', 'note like ''50\% off\_\\'' and note not like ''50\_ %''', 'TRUE'),
('text', 'empty like '''' and empty like ''%'' and empty not like ''_'' and country like ''%%%R%%''', 'TRUE'),
('text', 'note contains ''% off'' and note contains '''' and not (note contains ''OFF'')', 'TRUE'),
('text', 'age like ''4%''', 'unknown'),
('text', 'country contains 5', 'unknown'),
('text', 'empty = '''' and empty is not null', 'TRUE'),
-- lists
('list', 'tags contains ''golf'' and tags contains 7 and not (tags contains ''7'')', 'TRUE'),
('list', 'tags contains any (''x'', ''tea'') and tags contains all (''tea'', 7) and length(tags) = 4', 'TRUE'),
('list', 'tags contains all (''tea'', ''x'') or tags contains any (''x'', ''y'')', 'false'),
('list', 'tags contains nothing', 'unknown'),
('list', 'tags contains any (''golf'', nothing)', 'TRUE'),
('list', 'tags contains any (''x'', nothing)', 'unknown'),
('list', 'tags contains all (''x'', nothing)', 'false'),
('list', 'nothing contains ''x''', 'unknown'),
('list', 'address contains ''Rio''', 'unknown'),
('list', 'country in (''PT'', ''BR'') and age not in (1, 2)', 'TRUE'),
('list', 'country in (''PT'', nothing)', 'unknown'),
('list', 'country not in (''BR'', nothing)', 'false'),
('list', 'nothing in (''PT'')', 'unknown'),
('list', 'age between 41 and 41 and age not between 42 and 50', 'TRUE'),
('list', 'age between nothing and 40', 'false'),
('list', 'age between nothing and 50', 'unknown'),
-- times: local where no offset is written, in the predicate's zone
('time', 'now = 2026-06-01T12:00Z and now = 2026-06-01T14:00 and today = 2026-06-01', 'TRUE'),
('time', 'today = 2026-06-01T00:00 and now = 2026-06-01T21:00 at time zone ''Asia/Tokyo''', 'TRUE'),
('time', 'trial_ends = 2026-06-03T07:00Z and trial_ends - now = 43 hours and trial_ends < now + 2 days', 'TRUE'),
('time', 'now - first_seen = 151.5 days and now - first_seen > 3600 hours', 'TRUE'),
('time', 'birth_date + 36 years > today and birth_date + 35 years < today and birth_date = 1990-06-05', 'TRUE'),
('time', 'leap_day + 1 year = 2001-02-28 and leap_day + 4 years = 2004-02-29 and leap_day - 1 month = 2000-01-29', 'TRUE'),
('time', 'signup < 2026-03-29T01:30:01Z and signup > 2026-03-29T00:59:59Z', 'TRUE'),
('time', 'country < now', 'unknown'),
('time', 'age < now', 'unknown'),
('time', 'days_to_anniversary(birth_date) = 4 and days_to_anniversary(leap_day) = 272', 'TRUE'),
('time', 'days_to_anniversary(now) = 0 and days_to_anniversary(country) is null', 'TRUE'),
-- events
('event', 'did(order) and did(page_view) and not did(never) and did(any) and not did(unheard_of)', 'TRUE'),
('event', 'count(order) = 3 and count(any) = 7 and count(never) = 0 and count(unheard_of) = 0', 'TRUE'),
('event', 'sum(order.amount) = 70.25 and sum(order.total) = 70.25 and sum(order.revenue) = sum(order.value)', 'TRUE'),
('event', 'avg(order.amount) = 35.125 and min(order.amount) = 20 and max(any.amount) = 50.25', 'TRUE'),
('event', 'sum(cart_add.amount) = 0 and avg(cart_add.amount) is null and min(never.amount) is null', 'TRUE'),
('event', 'sum(order.weight) = 1.623456789 and avg(order.weight) = 0.8117283945', 'TRUE'),
('event', 'min(order.weight) = 0.123456789 and max(order.weight) = ''heavy''', 'TRUE'),
('event', 'distinct_count(order.category) = 2 and distinct_count(any.cart_id) = 2 and distinct_count(never.amount) = 0', 'TRUE'),
('event', 'active_days(any) = 3 and active_days(page_view) = 2 and active_days(never) = 0', 'TRUE'),
('event', 'active_days(page_view) = 2 at time zone ''UTC''', 'TRUE'),
('event', 'active_days(page_view) = 1 at time zone ''Pacific/Honolulu''', 'false'),
('event', 'first(order) = 2026-03-01T12:59:59Z + 0.999 seconds and last(order) = 2026-05-31T13:00Z', 'TRUE'),
('event', 'first(never) is null and last(never) is null and earliest(never.amount) is null', 'TRUE'),
('event', 'earliest(order.category) is null and latest(order.category) = ''shoes'' and earliest(cart_add.cart_id) = ''c1''', 'TRUE'),
('event', 'latest(order.gift) and count(order where gift) = 1 and count(order where not gift) = 1', 'TRUE'),
-- sessions: two events a millisecond apart are one, minutes apart they are not
('event', 'sessions(any) = 6 and sessions(order) = 2 and sessions(any, 4 hours) = 2 and sessions(never) = 0', 'TRUE'),
('event', 'session_minutes(order) > 0.00001666666 and session_minutes(order) < 0.00001666667', 'TRUE'),
('event', 'session_minutes(never) = 0 and session_minutes(page_view) = 0 and pages_per_session(never) is null', 'TRUE'),
('event', 'pages_per_session(any) * 3 > 0.9999 and pages_per_session(page_view) = 1 and pages_per_session(order) = 0', 'TRUE'),
('where', 'count(order where amount > 20) = 1 and count(order where amount >= 20) = 2 and count(order where amount is null) = 1', 'TRUE'),
('where', 'count(order where category in (''hats'', ''shoes'') and profile.country = ''BR'') = 2', 'TRUE'),
('where', 'count(order where occurred_at < 2026-03-01T13:00Z) = 1', 'TRUE'),
('where', 'count(any where cart_id = ''c1'') = 2 and count(order where weight > 1) = 1', 'TRUE'),
('where', 'count(order where amount > avg(order.amount)) = 1', 'TRUE'),
('where', 'count(page_view where occurred_at > last(cart_add)) = 1', 'TRUE'),
-- sequences
('sequence', 'sequence(cart_add then order) and not sequence(order then never)', 'TRUE'),
('sequence', 'sequence(cart_add then order within 3 hours)', 'false'),
('sequence', 'sequence(cart_add then order within 3.0001 hours)', 'TRUE'),
('sequence', 'sequence(cart_add then order same cart_id)', 'TRUE'),
('sequence', 'sequence(order then cart_add same cart_id)', 'false'),
('sequence', 'sequence(cart_add then no order within 3 hours same cart_id)', 'TRUE'),
('sequence', 'sequence(cart_add then no order within 4 hours)', 'TRUE'),
('sequence', 'sequence(cart_add then no order within 4.0001 hours)', 'false'),
('sequence', 'sequence(cart_add then no order, 1 day) and sequence(cart_add then no order)', 'TRUE'),
('sequence', 'sequence(order then no order)', 'TRUE'),
('sequence', 'sequence(order then no page_view)', 'false'),
('sequence', 'sequence(cart_add then no page_view then order)', 'TRUE'),
('sequence', 'sequence(order then no cart_add then order then page_view)', 'TRUE'),
('sequence', 'sequence(order then no order then order)', 'TRUE'),
('sequence', 'sequence(order where amount = 20 then no cart_add then order where amount = 50.25)', 'false'),
('sequence', 'sequence(order where amount = 20 then no cart_add within 30 days then order where amount = 50.25)', 'TRUE'),
('sequence', 'sequence(cart_add then order, 23 hours)', 'false'),
('sequence', 'sequence(order then order then order)', 'TRUE'),
('sequence', 'sequence(order then order then order then order)', 'false'),
('sequence', 'sequence(any then any within 1 second)', 'TRUE'),
('sequence', 'sequence(order)', 'TRUE'),
-- functions
('function', 'in_segment(''buyer'') and in_segment(''br'')', 'TRUE'),
('function', 'consent(''marketing'', ''email'') and not consent(''marketing'', ''sms'')', 'TRUE'),
('function', 'consent(''marketing'', ''post'') or consent(''marketing'', ''phone'') or consent(''ads'', ''web'')', 'false'),
('function', 'has_id(''email'') and not has_id(''phone'') and not has_id(''fax'')', 'TRUE'),
('function', 'score(''clv'') = 12.5 and percentile(''clv'') > 0.9 and percentile(''churn'') is null and score(''x'') is null', 'TRUE'),
('function', 'coalesce(nothing, age, 5) = 41 and coalesce(nothing, nothing) is null', 'TRUE'),
('function', 'bucket(''exp'', 1) = 0 and bucket(''exp'', 2) = 1', 'TRUE'),
('function', 'suppressed(''email'') or suppressed(''nosuch'')', 'false'),
-- near: Berlin and Paris are 877.46 km apart, a degree of the equator is 111.195
('near', 'near(52.52, 13.405, 48.8566, 2.3522, 877.5) and near(48.8566, 2.3522, 52.52, 13.405, 877.5)', 'TRUE'),
('near', 'near(52.52, 13.405, 48.8566, 2.3522, 877.4)', 'false'),
('near', 'near(0, 0, 0, 1, 111.196) and near(0, 179.5, 0, -179.5, 111.196) and near(0, -180, 0, 180, 0.001)', 'TRUE'),
('near', 'near(0, 0, 0, 1, 111.195) or near(0, 179.5, 0, -179.5, 111.195)', 'false'),
-- the same point, poles, the other side: 20015.114 km
('near', 'near(age, a.c, 41, 3, 0) and near(90, 10, 90, -170, 0.001) and near(-90, 0, 90, 0, 20015.12)', 'TRUE'),
('near', 'near(0, 0, 0, 180, 20015.11) or near(52.5, 13.4, -52.5, -166.6, 20015.11)', 'false'),
('near', 'near(age, a.c, 0 - 91 + 0, 3, 5) or near(0, age * 4.5, 0, 0, 5) or near(0, 0, big, 0, 5) or near(huge, 0, 0, 0, 5)', 'unknown'),
('near', 'near(nothing, 0, 0, 0, 5) or near(0, country, 0, 0, 5) or near(0, 0, 0, 0, nothing) or near(0, 0, 0, 0, 3 - 5)', 'unknown');
SELECT count(*) AS predicates FROM expected;
SELECT * FROM pg_temp.differ();

-- logic has three values
CREATE TEMP TABLE three (name text, source text);
INSERT INTO three VALUES ('TRUE', 'true'), ('false', 'false'), ('unknown', 'nothing');
SELECT a.name AS a, b.name AS b,
	pg_temp.truth(format('%s and %s', a.source, b.source)) AS "and",
	pg_temp.truth(format('%s or %s', a.source, b.source)) AS "or",
	pg_temp.truth(format('%s = %s', a.source, b.source)) AS "=",
	pg_temp.truth(format('%s is distinct from %s', a.source, b.source)) AS "distinct"
FROM three AS a, three AS b
ORDER BY 1, 2;
SELECT name AS a, pg_temp.truth(format('not (%s)', source)) AS "not",
	pg_temp.truth(format('%s is true', source)) AS "is true",
	pg_temp.truth(format('%s is not true', source)) AS "is not true",
	pg_temp.truth(format('%s is false', source)) AS "is false",
	pg_temp.truth(format('%s is null', source)) AS "is null"
FROM three
ORDER BY 1;

-- near against another formula, the chord between points of a ball; distances
-- so near the limit that rounding decides are left out
\set seed 5
\getenv seed CDP_TEST_SEED
\echo seed :seed
SELECT setseed(:seed / 1000.0) \g /dev/null
CREATE TEMP TABLE spot AS
SELECT n, (random() * 180 - 90)::numeric(8, 5) AS a_lat, (random() * 360 - 180)::numeric(8, 5) AS a_lon,
	random() AS near_by, random() * 4 - 2 AS d_lat, random() * 4 - 2 AS d_lon,
	(random() * 180 - 90)::numeric(8, 5) AS b_lat, (random() * 360 - 180)::numeric(8, 5) AS b_lon,
	(random() * 300)::numeric(8, 3) AS km
FROM generate_series(1, 2000) AS n;
UPDATE spot SET b_lat = greatest(-90, least(90, a_lat + d_lat::numeric(8, 5))),
	b_lon = greatest(-180, least(180, a_lon + d_lon::numeric(8, 5)))
WHERE near_by < 0.8;
UPDATE spot SET km = km * 60 WHERE near_by >= 0.8;
WITH ball AS (
	SELECT spot.*, 2 * 6371.0088 * asind(least(1, sqrt(
			(cosd(a_lat::float8) * cosd(a_lon::float8) - cosd(b_lat::float8) * cosd(b_lon::float8)) ^ 2
			+ (cosd(a_lat::float8) * sind(a_lon::float8) - cosd(b_lat::float8) * sind(b_lon::float8)) ^ 2
			+ (sind(a_lat::float8) - sind(b_lat::float8)) ^ 2) / 2)) * pi() / 180 AS chord_km
	FROM spot)
SELECT count(*) > 1900 AS enough, count(*) FILTER (WHERE chord_km <= km) BETWEEN 400 AND 1600 AS both_ways,
	count(*) FILTER (WHERE (chord_km <= km) <> (pg_temp.truth(
		format('near(%s, %s, %s, %s, %s)', a_lat, a_lon, b_lat, b_lon, km)) = 'TRUE')) AS wrong
FROM ball WHERE abs(chord_km - km) > 0.01;

-- windows are half-open: the first and the last instant of each, to the
-- microsecond; the order of 13:00 on 31 May is the one that comes and goes
SELECT the_window, at AS as_of, pg_temp.truth(format('did(order where amount = 50.25, %s)', the_window), at) AS did
FROM (VALUES
	('ever', '2026-05-31 13:00+00'::timestamptz), ('ever', '2026-05-31 13:00:00.000001+00'),
	('1 hour', '2026-05-31 14:00+00'), ('1 hour', '2026-05-31 14:00:00.000001+00'),
	('90 minutes', '2026-05-31 14:30+00'), ('0.5 hours', '2026-05-31 13:30:00.000001+00'),
	('7 days', '2026-06-07 13:00+00'), ('7 days', '2026-06-07 13:00:00.000001+00'),
	('1 month', '2026-06-30 13:00+00'), ('1 month', '2026-06-30 13:00:00.000001+00'),
	('1 month', '2026-07-01 12:59+00'),
	('between 1 and 2 hours ago', '2026-05-31 14:00+00'),
	('between 1 and 2 hours ago', '2026-05-31 14:00:00.000001+00'),
	('between 1 and 2 hours ago', '2026-05-31 15:00+00'),
	('between 1 and 2 hours ago', '2026-05-31 15:00:00.000001+00'),
	('today', '2026-05-31 21:59:59.999999+00'), ('today', '2026-05-31 22:00+00'),
	('this week', '2026-05-31 21:59:59+00'), ('this week', '2026-05-31 22:00+00'),
	('last week', '2026-05-31 22:00+00'), ('last week', '2026-06-07 21:59:59+00'),
	('last week', '2026-06-07 22:00+00'),
	('last month', '2026-05-31 22:00+00'), ('last month', '2026-06-30 22:00+00'),
	('this quarter', '2026-06-30 21:59:59+00'), ('last quarter', '2026-06-30 22:00+00'),
	('this year', '2026-12-31 22:59:59+00'), ('last year', '2026-12-31 23:00+00'),
	('between 2026-05-31 and 2026-06-01', '2026-07-01 00:00+00'),
	('between 2026-05-31T15:00 and 2026-06-01', '2026-07-01 00:00+00'),
	('between 2026-05-31T15:01 and 2026-06-01', '2026-07-01 00:00+00'),
	('between 2026-05-01 and 2026-05-31T15:00', '2026-07-01 00:00+00'),
	('between 2026-05-01 and 2027-01-01', '2026-05-31 13:00+00'),
	('since 2026-05-31T15:00', '2026-07-01 00:00+00'),
	('since 2026-05-31T15:01', '2026-07-01 00:00+00'),
	('since last(order)', '2026-06-01 12:00+00'),
	('since nothing', '2026-06-01 12:00+00'),
	('since now + 1 day', '2026-06-01 12:00+00'))
	AS given (the_window, at);

-- 7 days are 168 hours, calendar 7 days keep the time of day: over the change
-- of summer time on 29 March they differ by an hour
TRUNCATE event;
INSERT INTO event VALUES (1, '2026-03-28 12:00+01', 1, NULL);
SELECT at AS as_of, pg_temp.truth('did(order, 7 days)', at) AS days,
	pg_temp.truth('did(order, calendar 7 days)', at) AS calendar_days,
	pg_temp.truth('did(order, calendar 1 week)', at) AS calendar_week,
	pg_temp.truth('did(order, calendar 7 days) at time zone ''UTC''', at) AS utc
FROM (VALUES ('2026-04-04 12:00+02'::timestamptz), ('2026-04-04 12:00:00.000001+02'),
	('2026-04-04 13:00+02'), ('2026-04-04 13:00:00.000001+02')) AS given (at);

-- where summer time begins at midnight a day begins at 01:00: the one after it
-- begins at 00:00 all the same, and so does the month before
TRUNCATE event;
INSERT INTO event VALUES (1, '2018-11-04 12:00-02', 1, NULL), (1, '2018-11-05 00:30-02', 1, NULL);
SELECT pg_temp.truth('active_days(order) = 2 at time zone ''America/Sao_Paulo''') AS days;
TRUNCATE event;
INSERT INTO event VALUES (1, '2006-03-01 00:30+02', 1, NULL);
SELECT pg_temp.truth('did(order, last month) at time zone ''Asia/Damascus''', '2006-04-15') AS last_month;

-- a cart is abandoned at the second, and an order at that very instant comes
-- too late to save it
TRUNCATE event;
INSERT INTO event VALUES (2, '2026-05-01 10:00+00', NULL, '{"1": "c"}'),
	(1, '2026-05-01 14:00+00', 9, '{"1": "c"}');
SELECT at AS as_of,
	pg_temp.truth('sequence(cart_add then no order within 4 hours)', at) AS abandoned,
	pg_temp.truth('sequence(cart_add then order within 4 hours)', at) AS bought,
	pg_temp.truth('sequence(cart_add then no order within 4.001 hours)', at) AS saved
FROM (VALUES ('2026-05-01 13:59:59.999999+00'::timestamptz), ('2026-05-01 14:00+00'),
	('2026-05-01 14:00:00.000001+00'), ('2026-05-01 15:00+00')) AS given (at);

-- strictly increasing: events of one instant do not follow one another
TRUNCATE event;
INSERT INTO event VALUES (2, '2026-05-01 10:00+00', NULL, NULL), (1, '2026-05-01 10:00+00', 9, NULL);
SELECT pg_temp.truth('sequence(cart_add then order)'), pg_temp.truth('sequence(order then cart_add)'),
	pg_temp.truth('sequence(cart_add then no order)');

-- nothing known of a profile at all
SELECT cdp._evaluate(ARRAY['not did(any)', 'country is null', 'kind is null', 'has_id(''email'')',
	'count(any) = 0', 'email is null', 'average_order_value is null', 'score(''x'') is null',
	'not consent(''a'', ''b'')', 'last(any) is null', 'sequence(any then any)']::cdp.predicate[],
	'{}', '2026-06-01');
SELECT cdp._evaluate('{}', '{}', '2026-06-01'), cdp._evaluate(NULL, '{}', '2026-06-01'),
	cdp._evaluate('{now = now}', '{}', NULL);

-- several chunks are one timeline; amounts add up beyond 64 bits; a long
-- timeline is no trouble for a sequence
SELECT cdp._evaluate(ARRAY['count(order) = 20000', 'sum(order.amount) = 18000000000050010000',
	'avg(order.amount) = 900000000002500.5', 'distinct_count(order.amount) = 5000',
	'sequence(order then order then order then order then order within 1 second then order)',
	'sequence(order then no order within 10 seconds)',
	'active_days(order) = 1', 'first(order) < last(order)']::cdp.predicate[],
	'{"events": {"order": 1}}', '2026-06-01', 1, NULL,
	(SELECT array_agg(chunk ORDER BY number) FROM (
		SELECT number, cdp.timeline_agg(1, '2026-05-01'::timestamptz + (number * 5000 + i) * interval '1 ms',
			900000000000000 + i, NULL) AS chunk
		FROM generate_series(0, 3) AS number, generate_series(1, 5000) AS i
		GROUP BY number) AS chunks));

-- one program for many rows, compiled anew when predicates or context change
SELECT v, cdp._evaluate(ARRAY[format('x = %s', v), 'x = 1', 'in_segment(''s'')']::cdp.predicate[],
	jsonb_build_object('segments', jsonb_build_object('s', format('x > %s', v))), '2026-06-01',
	facts => jsonb_populate_record(NULL::cdp._profile_facts, '{"traits": {"x": 2}}'))
FROM generate_series(1, 3) AS v;

-- PL/pgSQL keeps a call site for a transaction and gives it new values
DO $$
DECLARE
	predicates cdp.predicate[] := '{x = 1}';
	context jsonb := '{}';
	matched integer[];
BEGIN
	FOR n IN 1 .. 3 LOOP
		matched := cdp._evaluate(predicates, context, '2026-06-01', facts => jsonb_populate_record(NULL::cdp._profile_facts, '{"traits": {"x": 2}}'));
		RAISE NOTICE '%: %', predicates, matched;
		predicates := ARRAY[format('x = %s', n + 1)];
	END LOOP;
END
$$;

-- a computed trait refers to no others, though a predicate that says the same may
SELECT cdp._evaluate(predicates::cdp.predicate[],
	'{"events": {"order": 1}, "computed": {"idle": "days_since(any)", "rested": "count(any where profile.idle > 30)"}}',
	'2026-06-01', 1, cdp.timeline_agg(1, '2026-01-01 00:00+00', NULL, NULL)) AS matched
FROM (VALUES ('{count(any where profile.idle > 30) = 1, rested = 0}'),
	('{rested = 0, count(any where profile.idle > 30) = 1}')) AS given (predicates)
GROUP BY predicates
ORDER BY predicates;
-- active days of all windows are counted together: beside plain SQL, for windows
-- that begin and end at any hour, over a change of the clocks, in three zones
SELECT setseed(0.25);
CREATE TEMP TABLE happened AS
SELECT n % 40 AS profile_id, 1 + floor(random() * 3)::integer AS name_id,
	date_trunc('milliseconds', '2026-03-20 00:00+00'::timestamptz + random() ^ 2 * interval '30 days') AS at
FROM generate_series(1, 600) AS n;
CREATE TEMP TABLE asked AS
SELECT row_number() OVER () AS n, zone, event, name_ids, young, young + length AS old
FROM unnest('{UTC,Europe/Berlin,Pacific/Honolulu}'::text[]) AS zone
	CROSS JOIN (VALUES ('any', '{1,2,3}'::integer[]), ('order', '{1}'), ('page_view', '{3}')) AS named (event, name_ids)
	CROSS JOIN (SELECT floor(random() * 300)::integer AS young, 1 + floor(random() * 400)::integer AS length
		FROM generate_series(1, 12)) AS windows;
WITH found AS (
	SELECT profile_id, count.n, count.days
	FROM (SELECT profile_id, cdp.timeline_agg(name_id, at, NULL, NULL) AS timeline FROM happened GROUP BY profile_id) AS profile,
		unnest(cdp._evaluate_values(ARRAY(SELECT format('active_days(%s, between %s and %s hours ago) at time zone %L', event, young, old, zone)::cdp.predicate
				FROM asked ORDER BY n),
			pg_temp.context(), '2026-04-15 09:30+00', profile_id, timeline)) WITH ORDINALITY AS count (days, n)
), plain AS (
	SELECT profile_id, asked.n, count(DISTINCT (at AT TIME ZONE zone)::date) AS days
	FROM happened, asked
	WHERE name_id = ANY (name_ids)
		AND at >= timestamptz '2026-04-15 09:30+00' - old * interval '1 hour'
		AND at < timestamptz '2026-04-15 09:30+00' - young * interval '1 hour'
	GROUP BY profile_id, asked.n
)
SELECT count(*) AS compared, count(*) FILTER (WHERE found.days::bigint <> coalesce(plain.days, 0)) AS differ,
	count(*) FILTER (WHERE plain.days > 1) > 500 AS many_days, count(*) FILTER (WHERE plain.days IS NULL) > 500 AS none
FROM found LEFT JOIN plain USING (profile_id, n);
