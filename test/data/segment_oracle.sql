-- Random predicates over random data: the evaluator against the queries that
-- cdp.predicate_to_sql() writes.  Included by sql/segment_oracle.sql and by
-- test/soak/segment_oracle.sh, behind fresh.sql.
CREATE SCHEMA segment_test;

CREATE FUNCTION segment_test.pick(VARIADIC choices text[]) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT $1[1 + floor(random() * cardinality($1))::integer] $$;

-- The data.  Summer time begins or ends in these months in three of the zones,
-- in Sao Paulo at midnight.
CREATE FUNCTION segment_test.random_time() RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
	SELECT CASE floor(random() * 5)
		WHEN 0 THEN timestamptz '2018-10-27 00:00+00' + floor(random() * 23) * interval '168 hours'
			+ floor(random() * 8) * interval '30 minutes'
		WHEN 1 THEN segment_test.pick('2018-11-03 23:30-03', '2018-11-04 01:00-02', '2019-02-16 23:30-02',
			'2019-02-16 23:30-03', '2019-02-17 00:00-03', '2018-10-28 02:30+02', '2018-10-28 02:30+01',
			'2019-03-31 01:59:59.999+01', '2018-11-01 00:00+01', '2018-12-31 23:59:59.999+01')::timestamptz
		WHEN 2 THEN timestamptz '2018-10-01 00:00+00' + floor(random() * 180 * 86400000::bigint) * interval '1 millisecond'
		ELSE timestamptz '2019-02-10 10:00+00' + floor(random() * 5) * interval '20 minutes'
			+ floor(random() * 2) * interval '1 millisecond'
	END $$;

-- Mostly of one kind, now and then of another.
CREATE FUNCTION segment_test.random_value(kind text) RETURNS jsonb
LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.15 THEN
		segment_test.pick('null', '5', 'true', '"heavy"', '["shoes", 5]', '{"a": 1}', '"2018-11-04"', '""', '1.50')::jsonb
	ELSE CASE kind
		WHEN 'category' THEN to_jsonb(segment_test.pick('shoes', 'Bags', 'hats', 'äpfel', 'ÄPFEL', '50%'))
		WHEN 'weight' THEN segment_test.pick('0.5', '1', '1.5', '2', '0.123456789', '123456789012345678901234567890.5')::jsonb
		WHEN 'cart_id' THEN to_jsonb(segment_test.pick('c1', 'c2', 'c3'))
		WHEN 'gift' THEN to_jsonb(random() < 0.5)
		WHEN 'due' THEN to_jsonb(segment_test.pick('2018-11-04', '2018-11-04T00:30', '2019-02-16T23:30:00.5', '2018-10-28T02:30',
			'2018-12-31T23:00:00Z', '2019-03-31 02:30', '1992-02-29', '2019-02-30', '2019-01-01T00:00:00-03:30'))
		WHEN 'age' THEN segment_test.pick('18', '41', '41.5', '0', '-3')::jsonb
		WHEN 'tags' THEN segment_test.pick('["golf", "tea"]', '["tea", 7, null]', '[]', '[true, ["tea"]]', '["2018-11-04"]')::jsonb
		WHEN 'country' THEN to_jsonb(segment_test.pick('BR', 'DE', 'de'))
		WHEN 'latitude' THEN segment_test.pick('0', '0', '52.52', '-33.9', '90', '-90', '90.0000001', '100')::jsonb
		WHEN 'longitude' THEN segment_test.pick('0', '1', '13.4', '-180', '180', '179.9', '-180.5')::jsonb
		WHEN 'ship' THEN segment_test.pick('{"city": "shoes", "box": {"size": 2}}', '{"city": "hats", "box": {"size": 0.5, "gift": true}}',
			'{"city": null, "box": [{"size": 1}]}', '{"city": ["Rio"], "box.size": 5}', '{"box": {"size": "c1"}}', '[{"city": "hats"}]')::jsonb
		WHEN 'address' THEN segment_test.pick('{"city": "Rio", "zip": 7}', '{"city": null}', '{"city": ["Rio"]}')::jsonb
	END END $$;

-- People have two devices each, which merge when they sign in on them; now and
-- then they use somebody else's.
CREATE PROCEDURE segment_test.make_data(people integer, events integer)
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO cdp.inbox (source, record)
	SELECT segment_test.pick('web', 'shop'), jsonb_strip_nulls(jsonb_build_object('messageId', n, 'type', 'track',
		'event', segment_test.pick('order', 'order', 'cart_add', 'page_view', 'screen_view'),
		'userId', CASE WHEN random() < 0.3 THEN 'u' || person END,
		'anonymousId', 'a' || CASE WHEN random() < 0.97 THEN person * 2 + floor(random() * 2)
			ELSE floor(random() * people * 2) END,
		'timestamp', to_char(segment_test.random_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
		'properties', jsonb_build_object(
			'total', CASE WHEN random() < 0.5 THEN segment_test.pick('0', '5', '19.99', '100', '250.25', '-3')::jsonb END,
			'category', CASE WHEN random() < 0.8 THEN segment_test.random_value('category') END,
			'weight', CASE WHEN random() < 0.7 THEN segment_test.random_value('weight') END,
			'cart_id', CASE WHEN random() < 0.7 THEN segment_test.random_value('cart_id') END,
			'gift', CASE WHEN random() < 0.5 THEN segment_test.random_value('gift') END,
			'due', CASE WHEN random() < 0.5 THEN segment_test.random_value('due') END,
			'ship', CASE WHEN random() < 0.7 THEN segment_test.random_value('ship') END,
			'ship.city', CASE WHEN random() < 0.2 THEN segment_test.random_value('category') END)))
	FROM (SELECT n, floor(random() * random() * people) AS person FROM generate_series(1, events) AS n) AS given;
	CALL cdp.merge();
	UPDATE cdp.profile_current
	SET traits = jsonb_build_object(
			'country', segment_test.random_value('country'), 'age', segment_test.random_value('age'),
			'vip', segment_test.random_value('gift'), 'tags', segment_test.random_value('tags'),
			'birth_date', segment_test.random_value('due'), 'trial_ends', segment_test.random_value('due'),
			'latitude', segment_test.random_value('latitude'), 'longitude', segment_test.random_value('longitude'),
			'address', segment_test.random_value('address'))
			|| CASE WHEN random() < 0.3 THEN jsonb_build_object('address.city', segment_test.random_value('category')) ELSE '{}' END,
		consents = jsonb_build_object('marketing/email', jsonb_build_object(
			'state', segment_test.pick('granted', 'granted', 'withdrawn'),
			'at', segment_test.random_time(), 'expires_at', CASE WHEN random() < 0.5 THEN segment_test.random_time() END));
	UPDATE cdp.profile_score
	SET scores = jsonb_build_object('clv', jsonb_build_object('value', round(random()::numeric * 100, 2),
		'percentile', floor(random() * 100)))
	WHERE random() < 0.8;
	INSERT INTO cdp.contact_point (profile_id, identifier_id, rank, type, value, key_hash)
	SELECT profile_id, 0, rank, type, '', sha256(convert_to(type || floor(random() * 20), 'UTF8'))
	FROM cdp.profile_current, unnest(ARRAY['email', 'phone']) AS type, generate_series(1, 2) AS rank
	WHERE random() < 0.5;
	INSERT INTO cdp.suppression (key_hash, channel, type, reason, until)
	SELECT sha256(convert_to(type || n, 'UTF8')), channel, type, '', CASE WHEN random() < 0.6 THEN segment_test.random_time() END
	FROM unnest(ARRAY['email', 'phone']) AS type, unnest(ARRAY['', 'email', 'sms', 'ads']) AS channel, generate_series(0, 19) AS n
	WHERE random() < 0.4;
	ANALYZE;
END
$$;

-- The predicates.  event is NULL, or the event whose where-clause it is;
-- depth is how many levels there may be.
CREATE FUNCTION segment_test.path(event text, VARIADIC names text[]) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN event IS NULL THEN '' ELSE 'profile.' END || segment_test.pick(VARIADIC names) $$;

CREATE FUNCTION segment_test.property(event text) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT CASE event
		WHEN 'order' THEN segment_test.pick('amount', 'total', 'category', 'weight', 'cart_id', 'gift', 'due', 'occurred_at',
			'ship.city', 'ship.box.size')
		WHEN 'any' THEN segment_test.pick('amount', 'value', 'category', 'weight', 'cart_id', 'occurred_at', 'ship.city')
		WHEN 'cart_add' THEN segment_test.pick('amount', 'category', 'cart_id', 'occurred_at')
		ELSE segment_test.pick('revenue', 'category', 'occurred_at') END $$;

-- Lengths of windows; one of them is the favourite of the instant, at which
-- something comes into a window so long, or leaves it.
CREATE FUNCTION segment_test.any_length() RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT segment_test.pick('20 minutes', '4 hours', '1 day', '7 days', '7 days', '30 days', '1 month', '1 quarter', '1.5 hours') $$;
CREATE FUNCTION segment_test.length() RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.6 THEN current_setting('segment_test.favourite') ELSE segment_test.any_length() END $$;

CREATE FUNCTION segment_test.instant() RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT segment_test.pick('2018-11-04', '2019-02-17T00:00', '2018-10-28T02:30', '2019-01-01', '2018-12-31T23:00Z', '2019-02-10T10:20Z') $$;

CREATE FUNCTION segment_test.time(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	CASE floor(random() * CASE WHEN depth > 0 THEN 10 ELSE 5 END)
		WHEN 0 THEN RETURN segment_test.instant();
		WHEN 1 THEN RETURN 'now';
		WHEN 2 THEN RETURN 'today';
		WHEN 3 THEN RETURN segment_test.path(event, 'first_seen', 'last_seen', 'first_order_at', 'last_order_at', 'trial_ends', 'birth_date');
		WHEN 4 THEN RETURN CASE WHEN event IS NULL THEN 'last_seen' ELSE 'occurred_at' END;
		WHEN 5, 6 THEN RETURN segment_test.pick('first', 'last') || segment_test.events(depth - 1, false);
		WHEN 7, 8 THEN RETURN format('(%s %s %s)', segment_test.time(depth - 1, event), segment_test.pick('+', '-'), segment_test.length());
		ELSE RETURN segment_test.pick('min', 'max', 'earliest', 'latest', 'most_frequent') || format('(%s.occurred_at, %s)',
			segment_test.pick('any', 'order'), segment_test.window(depth - 1));
	END CASE;
END
$$;

CREATE FUNCTION segment_test.window(depth integer) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	CASE floor(random() * CASE WHEN depth > 0 THEN 9 ELSE 8 END)
		WHEN 0 THEN RETURN segment_test.length();
		WHEN 1 THEN RETURN segment_test.length();
		WHEN 2 THEN RETURN 'calendar ' || segment_test.pick('1 day', '7 days', '2 weeks', '1 month');
		WHEN 3 THEN RETURN segment_test.pick('between 4 and 7 hours ago', 'between 7 and 30 days ago', 'between 1 and 3 months ago');
		WHEN 4 THEN RETURN segment_test.pick('between 2018-11-04 and 2019-02-17', 'between 2018-10-28T02:30 and 2018-12-31T23:00Z');
		WHEN 5 THEN RETURN segment_test.pick('this ', 'last ') || segment_test.pick('week', 'month', 'quarter', 'year');
		WHEN 6 THEN RETURN 'today';
		WHEN 7 THEN RETURN 'ever';
		ELSE RETURN 'since ' || CASE WHEN random() < 0.8 THEN segment_test.time(depth - 1, NULL)
			ELSE segment_test.any_value(depth - 1, NULL) END;
	END CASE;
END
$$;

-- "(order.amount where ..., 7 days)"
CREATE FUNCTION segment_test.events(depth integer, with_property boolean, number boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	event text := segment_test.pick('order', 'order', 'any', 'any', 'cart_add', 'page_view', 'never_seen');
BEGIN
	RETURN '(' || event
		|| CASE WHEN number THEN '.' || CASE WHEN event = 'order' THEN segment_test.pick('amount', 'weight', 'category', 'ship.box.size') ELSE 'amount' END
			WHEN with_property THEN '.' || segment_test.property(event) ELSE '' END
		|| CASE WHEN random() < 0.4 THEN ' where ' || segment_test.question(depth - 1, event) ELSE '' END
		|| CASE WHEN random() < 0.6 THEN ', ' || segment_test.window(depth) ELSE '' END || ')';
END
$$;

CREATE FUNCTION segment_test.any_value(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	CASE floor(random() * CASE WHEN depth > 0 THEN 10 ELSE 3 END)
		WHEN 0 THEN RETURN CASE WHEN event IS NULL THEN 'tags' ELSE segment_test.property(event) END;
		WHEN 1, 2 THEN RETURN segment_test.path(event, 'country', 'age', 'vip', 'tags', 'birth_date', 'address.city', 'address.zip', 'address', 'nothing');
		WHEN 3, 4, 5, 6 THEN RETURN segment_test.pick('min', 'max', 'earliest', 'latest', 'most_frequent', 'unique_list', 'earliest', 'latest')
			|| segment_test.events(depth - 1, true);
		WHEN 7 THEN RETURN format('coalesce(%s, %s)', segment_test.any_value(depth - 1, event),
			segment_test.pick(segment_test.any_value(depth - 1, event), segment_test.number(depth - 1, event),
				segment_test.time(depth - 1, event), '''shoes''', '3 days', '1 month'));
		WHEN 8 THEN RETURN format('(%s %s %s)', segment_test.any_value(depth - 1, event), segment_test.pick('-', '+'),
			segment_test.pick(segment_test.any_value(depth - 1, event), segment_test.length(), segment_test.number(depth - 1, event)));
		ELSE RETURN segment_test.pick('null', segment_test.any_value(depth - 1, event));
	END CASE;
END
$$;

CREATE FUNCTION segment_test.number(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	CASE floor(random() * CASE WHEN depth > 0 THEN 14 ELSE 4 END)
		WHEN 0, 1 THEN RETURN segment_test.pick('0', '1', '2', '3', '5', '0.5', '100', '250.25', '41');
		WHEN 2 THEN RETURN segment_test.path(event, 'events', 'orders', 'revenue', 'gross_revenue', 'average_order_value', 'rfm_recency', 'clv_365d', 'churn_90d');
		WHEN 3 THEN RETURN segment_test.pick('score(''clv'')', 'percentile(''clv'')', 'bucket(''x'', 3)', 'score(''none'')');
		WHEN 4, 5 THEN RETURN 'count' || segment_test.events(depth - 1, false);
		WHEN 6, 7 THEN RETURN segment_test.pick('sum', 'avg', 'sum') || segment_test.events(depth - 1, true, true);
		WHEN 8 THEN RETURN 'distinct_count' || segment_test.events(depth - 1, true);
		WHEN 9 THEN RETURN segment_test.pick('active_days', 'days_since', 'sessions', 'session_minutes', 'pages_per_session')
			|| segment_test.events(depth - 1, false);
		WHEN 10 THEN RETURN format('(%s %s %s)', segment_test.number(depth - 1, event), segment_test.pick('+', '-', '*', '/', '/'),
			segment_test.pick(segment_test.number(depth - 1, event), segment_test.any_value(depth - 1, event)));
		WHEN 11 THEN RETURN segment_test.pick('abs(', '-(') || segment_test.number(depth - 1, event) || ')';
		WHEN 12 THEN RETURN format('length(%s)', segment_test.any_value(depth - 1, event));
		ELSE RETURN format('days_to_anniversary(%s)', segment_test.pick(segment_test.time(depth - 1, event), segment_test.path(event, 'birth_date', 'tags')));
	END CASE;
END
$$;

CREATE FUNCTION segment_test.text(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	CASE floor(random() * CASE WHEN depth > 0 THEN 4 ELSE 2 END)
		WHEN 0 THEN RETURN segment_test.pick('''shoes''', '''BR''', '''tea''', '''c1''', '''ÄPFEL''', '''2018-11-04''', '''''', '''known''');
		WHEN 1 THEN RETURN segment_test.path(event, 'country', 'kind', 'lifecycle', 'churn_band', 'address.city');
		WHEN 2 THEN RETURN format('lower(%s)', segment_test.pick(segment_test.text(depth - 1, event), segment_test.any_value(depth - 1, event)));
		ELSE RETURN segment_test.any_value(depth - 1, event);
	END CASE;
END
$$;

CREATE FUNCTION segment_test.value(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	CASE floor(random() * 6)
		WHEN 0 THEN RETURN segment_test.number(depth, event);
		WHEN 1 THEN RETURN segment_test.text(depth, event);
		WHEN 2 THEN RETURN segment_test.time(depth, event);
		WHEN 3 THEN RETURN segment_test.pick('true', '(' || segment_test.question(depth - 1, event) || ')');
		ELSE RETURN segment_test.any_value(depth, event);
	END CASE;
END
$$;

CREATE FUNCTION segment_test.sequence(depth integer) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	made text := '';
	event text;
BEGIN
	FOR step IN 0 .. 1 + floor(random() * 3) LOOP
		event := segment_test.pick('order', 'cart_add', 'any', 'page_view');
		made := made || CASE WHEN step = 0 THEN '' ELSE ' then ' || segment_test.pick('', '', 'no ') END
			|| event
			|| CASE WHEN random() < 0.3 THEN ' where ' || segment_test.question(depth - 1, event) ELSE '' END
			|| CASE WHEN step > 0 AND random() < 0.5 THEN ' within ' || segment_test.length() ELSE '' END
			|| CASE WHEN step > 0 AND random() < 0.4 THEN ' same ' || segment_test.pick('category', 'category', 'amount', 'cart_id', 'occurred_at') ELSE '' END;
	END LOOP;
	RETURN format('sequence(%s%s)', made, CASE WHEN random() < 0.5 THEN ', ' || segment_test.window(depth) ELSE '' END);
END
$$;

CREATE FUNCTION segment_test.comparison(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	op text := segment_test.pick('=', '!=', '<', '<=', '>', '>=');
BEGIN
	CASE floor(random() * 8)
		WHEN 0, 1, 6 THEN RETURN format('%s %s %s', segment_test.number(depth, event), op, segment_test.number(depth - 1, event));
		WHEN 2 THEN RETURN format('%s %s %s', segment_test.time(depth, event), op, segment_test.time(depth - 1, event));
		WHEN 3 THEN RETURN format('%s %s %s', segment_test.text(depth, event), op, segment_test.text(depth - 1, event));
		WHEN 4 THEN RETURN format('(%s - %s) %s %s', segment_test.time(depth, event), segment_test.time(depth - 1, event),
			op, segment_test.pick('4 hours', '30 days', '1.5 days', segment_test.any_value(depth - 1, event)));
		ELSE RETURN format('%s %s %s', segment_test.any_value(depth, event), op, segment_test.value(depth - 1, event));
	END CASE;
END
$$;

-- Half of the distances are somebody's own, to the last bit or one less.
CREATE FUNCTION segment_test.near(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	latitude text := segment_test.pick('0', '52.5', '-33.9', '90');
	longitude text := segment_test.pick('0', '13.4', '-180', '180', '1');
	own text := (SELECT distance_km::numeric || segment_test.pick('', ' - 0.00000000001') FROM (
		SELECT cdp._sql_distance_km(cdp._sql_degrees(cdp._sql_number(traits -> 'latitude'), 90),
			cdp._sql_degrees(cdp._sql_number(traits -> 'longitude'), 180), latitude::double precision, longitude::double precision) AS distance_km
		FROM cdp.profile_current ORDER BY random() LIMIT 1) AS given);
BEGIN
	RETURN format('near(%s, %s, %s, %s, %s)', segment_test.path(event, 'latitude'), segment_test.path(event, 'longitude'),
		latitude, longitude, CASE WHEN random() < 0.5 AND own IS NOT NULL THEN own
		ELSE segment_test.pick('0', '50', '110', '111.3', '10000', '20015.1', '99999', segment_test.number(depth - 1, event)) END);
END
$$;

CREATE FUNCTION segment_test.test(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	maybe text := segment_test.pick('', '', 'not ');
BEGIN
	CASE floor(random() * 7)
		WHEN 0 THEN RETURN format('%s %sin (%s, %s)', segment_test.any_value(depth, event), maybe,
			segment_test.value(depth - 1, event), segment_test.value(depth - 1, event));
		WHEN 1 THEN RETURN format('%s %sbetween %s and %s', segment_test.number(depth, event), maybe,
			segment_test.number(depth - 1, event), segment_test.any_value(depth - 1, event));
		WHEN 2 THEN RETURN format('%s %s%s %s', segment_test.text(depth, event), maybe, segment_test.pick('like', 'ilike'),
			segment_test.pick('''%e%''', '''S_oes''', '''äp%''', '''B_''', '''%''', '''50\%''', '''%\''', '''c1'''));
		WHEN 3 THEN RETURN format('%s contains %s', segment_test.any_value(depth, event), segment_test.pick(
			segment_test.value(depth - 1, event), '''tea''', '5', '2018-11-04',
			format('any (%s, %s)', segment_test.value(depth - 1, event), segment_test.value(depth - 1, event)),
			format('all (%s, ''tea'')', segment_test.value(depth - 1, event))));
		WHEN 4 THEN RETURN format('%s is %s%s', segment_test.value(depth, event), maybe, 'null');
		WHEN 5 THEN RETURN format('%s is %s%s', segment_test.pick(segment_test.path(event, 'vip', 'age'),
			'(' || segment_test.question(depth - 1, event) || ')'), maybe, segment_test.pick('true', 'false'));
		ELSE RETURN format('%s is %sdistinct from %s', segment_test.any_value(depth, event), maybe, segment_test.value(depth - 1, event));
	END CASE;
END
$$;

CREATE FUNCTION segment_test.question(depth integer, event text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	IF depth <= 0 THEN
		RETURN CASE WHEN event IS NULL OR random() < 0.3 THEN
			segment_test.path(event, 'vip', 'age > 18', 'country = ''BR''', 'orders >= 2', 'address.city is null')
		ELSE segment_test.pick('amount > 5', 'category = ''shoes''', 'amount is null', 'occurred_at < 2019-02-10',
			'category in (''hats'', 5)') END;
	END IF;
	CASE floor(random() * 14)
		WHEN 0, 1 THEN RETURN format('(%s and %s)', segment_test.question(depth - 1, event), segment_test.question(depth - 1, event));
		WHEN 2, 3 THEN RETURN format('(%s or %s)', segment_test.question(depth - 1, event), segment_test.question(depth - 1, event));
		WHEN 4 THEN RETURN format('not (%s)', segment_test.question(depth - 1, event));
		WHEN 5 THEN RETURN 'did' || segment_test.events(depth, false);
		WHEN 6 THEN RETURN segment_test.sequence(depth - 1);
		WHEN 7 THEN RETURN segment_test.pick('consent(''marketing'', ''email'')', 'has_id(''email'')', 'has_id(''user_id'')',
			'in_segment(''buyers'')', 'in_segment(''keen'')', segment_test.path(event, 'idle > 30', 'fresh'),
			'regular = 0', 'count(any where profile.idle > 30) = 0');
		WHEN 8, 9 THEN RETURN segment_test.test(depth - 1, event);
		WHEN 10 THEN RETURN CASE WHEN random() < 0.5 THEN segment_test.near(depth - 1, event)
			ELSE format('suppressed(''%s'')', segment_test.pick('email', 'sms', 'ads', 'post')) END;
		ELSE RETURN segment_test.comparison(depth - 1, event);
	END CASE;
END
$$;

-- An aggregate against a value that it often has.
CREATE FUNCTION segment_test.aggregate() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	op text := segment_test.pick('=', '=', '!=', '>=', '<');
BEGIN
	CASE floor(random() * 7)
		WHEN 0, 1 THEN RETURN format('%s%s %s %s', segment_test.pick('count', 'active_days', 'sessions', 'days_since'),
			segment_test.events(1, false), op, segment_test.pick('0', '1', '2', '3', '4', '6', '8'));
		WHEN 2 THEN RETURN format('%s%s %s %s', segment_test.pick('earliest', 'latest', 'most_frequent', 'min', 'max'), segment_test.events(1, true), op,
			segment_test.pick('''shoes''', '''hats''', '''Bags''', '''c1''', '0.5', '1.5', '5', '19.99', '2019-02-10T10:20Z', 'true'));
		WHEN 3 THEN RETURN format('%s%s %s %s', segment_test.pick('sum', 'avg'), segment_test.events(1, true, true), op,
			segment_test.pick('0', '1', '1.5', '5', '19.99', '24.99', '100'));
		WHEN 4 THEN RETURN segment_test.sequence(1);
		WHEN 5 THEN RETURN CASE WHEN random() < 0.5 THEN segment_test.near(1, NULL)
			ELSE format('suppressed(''%s'')', segment_test.pick('email', 'sms', 'ads')) END;
		ELSE RETURN format('unique_list%s contains %s', segment_test.events(1, true),
			segment_test.pick('''shoes''', '''hats''', '''c1''', '0.5', '5', '2019-02-10T10:20Z', 'true'));
	END CASE;
END
$$;

CREATE FUNCTION segment_test.predicate() RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.5 THEN segment_test.aggregate()
		ELSE segment_test.question(1 + ceil(random() * 3)::integer, NULL) END
		|| segment_test.pick('', '', ' at time zone ''Europe/Berlin''', ' at time zone ''America/Sao_Paulo''',
			' at time zone ''America/Havana''', ' at time zone ''Australia/Lord_Howe''') $$;

-- When an event comes into a window, or leaves it, to the microsecond.
CREATE FUNCTION segment_test.random_as_of() RETURNS timestamptz
LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.8
		THEN (SELECT occurred_at FROM cdp.event ORDER BY random() LIMIT 1)
			+ CASE WHEN random() < 0.7 THEN CASE current_setting('segment_test.favourite')
				WHEN '1 day' THEN '24:00' WHEN '7 days' THEN '168:00' WHEN '30 days' THEN '720:00'
				WHEN '1 quarter' THEN '3 months' WHEN '1.5 hours' THEN '01:30'
				ELSE current_setting('segment_test.favourite') END::interval ELSE '0' END
		ELSE segment_test.pick('2018-11-04 03:00+00', '2019-01-01 00:00+01', '2019-02-17 03:00+00', '2018-10-28 01:30+00', '2019-03-01 12:00+00')::timestamptz
		END + segment_test.pick('0', '1 us', '1 us', '-1 us', '1 ms', '-1 ms')::interval $$;

-- What was compared, and where the two differ.
CREATE TABLE segment_test.compared (
	as_of timestamptz,
	predicate cdp.predicate,
	members bigint,
	profiles bigint
);
CREATE TABLE segment_test.differs (
	as_of timestamptz,
	predicate cdp.predicate,
	only_evaluator bigint[],
	only_sql bigint[],
	error text
);

-- What the store can bind; others are of no use.
CREATE FUNCTION segment_test.predicates(wanted integer) RETURNS cdp.predicate[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	made cdp.predicate[] := '{}';
	predicate text;
BEGIN
	WHILE cardinality(made) < wanted LOOP
		predicate := segment_test.predicate();
		IF NOT EXISTS (SELECT FROM cdp.predicate_check(predicate::cdp.predicate) WHERE severity = 'error') THEN
			made := made || predicate::cdp.predicate;
		END IF;
	END LOOP;
	RETURN made;
END
$$;

-- A number or a time out of the range of its type is unknown to the evaluator,
-- and an error of the query: that is no difference.
CREATE PROCEDURE segment_test.compare(predicate cdp.predicate, as_of timestamptz, evaluated bigint[])
LANGUAGE plpgsql AS $$
DECLARE
	queried bigint[];
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(profile_id), ''{}'') FROM (%s) AS member',
		cdp.predicate_to_sql(predicate, as_of)) INTO queried;
	INSERT INTO segment_test.differs
	SELECT as_of, predicate, only_evaluator, only_sql
	FROM (SELECT ARRAY(SELECT unnest(evaluated) EXCEPT ALL SELECT unnest(queried)) AS only_evaluator,
		ARRAY(SELECT unnest(queried) EXCEPT ALL SELECT unnest(evaluated)) AS only_sql) AS both_ways
	WHERE only_evaluator <> '{}' OR only_sql <> '{}';
EXCEPTION
	WHEN numeric_value_out_of_range OR datetime_field_overflow THEN NULL;
	WHEN others THEN
		INSERT INTO segment_test.differs (as_of, predicate, error) VALUES (as_of, predicate, SQLERRM);
END
$$;

CREATE PROCEDURE segment_test.compare_at(at timestamptz, predicates cdp.predicate[])
LANGUAGE plpgsql AS $$
DECLARE
	evaluated record;
BEGIN
	FOR evaluated IN
		SELECT n, predicates[n] AS predicate,
			coalesce(array_agg(profile_id) FILTER (WHERE n = ANY (matched)), '{}') AS members, count(*) AS profiles
		FROM cdp._evaluate_all(predicates, at), generate_series(1, cardinality(predicates)) AS n
		GROUP BY n
	LOOP
		INSERT INTO segment_test.compared
		VALUES (at, evaluated.predicate, cardinality(evaluated.members), evaluated.profiles);
		CALL segment_test.compare(evaluated.predicate, at, evaluated.members);
	END LOOP;
END
$$;

CREATE PROCEDURE segment_test.compare_all(instants integer, predicates integer)
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. instants LOOP
		PERFORM set_config('segment_test.favourite', segment_test.any_length(), false);
		CALL segment_test.compare_at(segment_test.random_as_of(), segment_test.predicates(predicates));
		COMMIT;
	END LOOP;
END
$$;

-- Events of one instant have an order: who is the first, and the last?
CREATE PROCEDURE segment_test.compare_ties()
LANGUAGE plpgsql AS $$
DECLARE
	at timestamptz;
	predicates cdp.predicate[] := ARRAY(
		SELECT format('%s(%s%s) = ''%s''', aggregate, event, which, value)::cdp.predicate
		FROM unnest(ARRAY['earliest', 'latest']) AS aggregate, unnest(ARRAY['order.category', 'any.category']) AS event,
			unnest(ARRAY[' where occurred_at >= 2019-02-10T10:00Z', ', 20 minutes']) AS which,
			unnest(ARRAY['shoes', 'hats', 'Bags']) AS value);
BEGIN
	FOREACH at IN ARRAY ARRAY['2019-02-10 10:00:00.0005+00', '2019-02-10 10:20:00.000001+00', '2019-02-10 10:20:00.001001+00'] LOOP
		CALL segment_test.compare_at(at, predicates);
	END LOOP;
END
$$;

-- A store for all of it.
SELECT cdp.add_source('web') AS web, cdp.add_source('shop') AS shop \g /dev/null
SELECT cdp.declare_property('*', 'category') AS slot,
	cdp.declare_property('order', 'weight', 'number') AS slot, cdp.declare_property('order', 'gift', 'boolean') AS slot,
	cdp.declare_property('order', 'due') AS slot, cdp.declare_property('order', 'ship.box.size') AS slot, cdp.declare_property('*', 'ship.city') AS slot,
	cdp.declare_property('order', 'cart_id') AS slot, cdp.declare_property('cart_add', 'cart_id') AS slot \g /dev/null
SELECT cdp.add_trait('trial_ends', 'timestamp') \g /dev/null
SELECT cdp.define_segment('buyers', 'count(order, 90 days) >= 1 and vip is distinct from true'),
	cdp.define_segment('keen', 'in_segment(''buyers'') or active_days(any, last quarter) > 3 at time zone ''America/Sao_Paulo'''),
	cdp.define_computed_trait('idle', 'days_since(any)'),
	cdp.define_computed_trait('fresh', 'did(page_view, 7 days)'),
	cdp.define_computed_trait('regular', 'count(any where days_since(any) > 30)') \g /dev/null
