-- Names and types of predicates: what the checker says, and what is refused.
\getenv abs_srcdir PG_ABS_SRCDIR
\set extension :abs_srcdir '/test/data/extension.sql'
\i :extension
\set SHOW_CONTEXT never

-- what a store could know
CREATE FUNCTION pg_temp.context() RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
SELECT '{
	"zone": "Europe/Berlin",
	"events": {"order": 1, "cart_add": 2, "page_view": 3},
	"properties": {"order": {"category": 1, "coupon": 2},
		"cart_add": {"cart_id": 3},
		"*": {"campaign": 4}},
	"traits": {"country": "text", "age": "number", "vip": "boolean",
		"trial_ends": "timestamp", "tags": "json", "address": "json",
		"third.party": "text"},
	"segments": {"br": "country = ''BR''", "broken": "nope(1)",
		"snake": "in_segment(''tail'')", "tail": "in_segment(''snake'')",
		"outer": "in_segment(''br'') and did(order)"},
	"identifiers": ["email", "phone"],
	"scores": ["clv", "churn"],
	"channels": ["email", "sms"],
	"purposes": ["marketing"],
	"values": {"kind": ["known", "anonymous"], "lifecycle": ["new", "active", "lost"],
		"churn_band": ["low", "high"]}}'::jsonb $$;
CREATE FUNCTION pg_temp.say(cdp.predicate) RETURNS SETOF text LANGUAGE sql AS $$
SELECT format('%s at %s: %s%s', severity, "position", message, E'\n\t' || hint)
FROM cdp._predicate_check($1, pg_temp.context())
$$;
\pset tuples_only on

-- names that the store knows, in all places, give no message
SELECT pg_temp.say('country = ''BR'' and age > 3 and vip and trial_ends < now + 7 days
	and tags contains ''golf'' and address.city = ''Rio'' and third.party = ''x''
	and kind = ''known'' and revenue / orders > average_order_value
	and count(order where category = ''shoes'' and campaign is null and amount > 5
		and occurred_at > profile.first_seen and profile.age > 3) > 1
	and sum(order.total) > 1 and distinct_count(any.campaign) > 1
	and in_segment(''outer'') and has_id(''email'') and score(''clv'') > 1
	and percentile(''churn'') < 0.5 and bucket(''x'', 2) = 0
	and consent(''marketing'', ''email'') and days_to_anniversary(trial_ends) < 7
	and sequence(order then no cart_add within 1 day, 1 year)');

-- names it does not know: data that never came is a warning, what must be
-- defined first is an error; the nearest name is suggested
SELECT pg_temp.say('contry = ''BR''');
SELECT pg_temp.say('livecycle = ''new''');
SELECT pg_temp.say('zodiac = ''lion''');
SELECT pg_temp.say('did(ordr) or did(subscription_paused)');
SELECT pg_temp.say('has_id(''emial'') or score(''clw'') > 1');
SELECT pg_temp.say('in_segment(''bx'')');
SELECT pg_temp.say('consent(''marketting'', ''emial'') or consent(''research'', ''sms'')');
SELECT pg_temp.say('country = germany or did("Cart Add") or did("Page Viewed")');
SELECT pg_temp.say('cont(order) > 1');
SELECT pg_temp.say('count(order where cupon = ''X'') > 1 or sum(cart_add.price) > 1 or max(any.height) > 1');
SELECT pg_temp.say('count(order where ocurred_at > now - 1 day and categroy = ''a'') > 1 or sum(any.totl) > 1 or did(any where campain = ''X'')');
SELECT pg_temp.say('count(order where profile.contry = ''BR'') > 1');
SELECT pg_temp.say('count(order where category = ''a'' and did(cart_add where coupon = ''X'')) > 1');

-- fields that have few values: any other is a slip; of other texts nobody knows
SELECT pg_temp.say('lifecycle = ''activ'' or kind in (''known'', ''stranger'') or ''hihg'' = churn_band');
SELECT pg_temp.say('kind is distinct from ''unknown'' or count(order where profile.lifecycle = ''Lost'') > 0');
SELECT pg_temp.say('lifecycle is distinct from ''lost'' or kind = country or lifecycle is null or lifecycle > ''b'' or lifecycle like ''activ''
	or country = ''activ'' or did(order where category = ''activ'')');
SELECT message FROM cdp._predicate_check('lifecycle = ''activ''', '{"values": {"kind": ["known"]}}');

-- lint: tests that leave out unknowns
SELECT pg_temp.say('country != ''BR''');
SELECT pg_temp.say('country not in (''BR'', ''PT'')');
SELECT pg_temp.say('country is distinct from ''BR''');

-- types: whatever can be seen to be wrong without any data
SELECT pg_temp.say('age');
SELECT pg_temp.say('not age');
SELECT pg_temp.say('vip and 5');
SELECT pg_temp.say('age = ''42''');
SELECT pg_temp.say('country in (''a'', 1)');
SELECT pg_temp.say('vip > true');
SELECT pg_temp.say('first_seen > ''2026-01-01''');
SELECT pg_temp.say('age between ''a'' and now');
SELECT pg_temp.say('now - first_seen > 3 months');
SELECT pg_temp.say('age + 7 days > 3');
SELECT pg_temp.say('now + now > now');
SELECT pg_temp.say('country * 2 = 4');
SELECT pg_temp.say('-country = 1');
SELECT pg_temp.say('age like ''4%''');
SELECT pg_temp.say('country contains 5');
SELECT pg_temp.say('age contains 5');
SELECT pg_temp.say('age is true');
SELECT pg_temp.say('lower(age) = ''x'' or abs(country) = 1 or length(age) = 2');
SELECT pg_temp.say('coalesce(age, ''x'') = 1');
SELECT pg_temp.say('days_to_anniversary(country) = 1');
SELECT pg_temp.say('in_segment(br)');
SELECT pg_temp.say('consent(''marketing'')');
SELECT pg_temp.say('bucket(''x'', 0) = 1 or bucket(''x'', age) = 1 or bucket(''x'', 1.5) = 1');
SELECT pg_temp.say('count(order.amount) > 1');
SELECT pg_temp.say('sum(order) > 1');
SELECT pg_temp.say('count(order where amount) > 1');
SELECT pg_temp.say('sequence(order.amount then cart_add)');
SELECT pg_temp.say('did(order, since age)');

-- windows that hold nothing, and absurd ones
SELECT pg_temp.say('did(order, 0 days)');
SELECT pg_temp.say('did(order, calendar 0 weeks)');
SELECT pg_temp.say('did(order, between 90 and 30 days ago)');
SELECT pg_temp.say('did(order, between 2026-02-01 and 2026-01-01)');
SELECT pg_temp.say('did(order, 1000000 years)');
SELECT pg_temp.say('did(order, 99999999999999999999999999 seconds)');
SELECT pg_temp.say('sequence(order then order within 0 days)');
SELECT pg_temp.say('did(order, today) at time zone ''Europe/Atlantis''');

-- segments within segments
SELECT pg_temp.say('in_segment(''broken'')');
SELECT pg_temp.say('in_segment(''snake'')');

-- points on the globe, channels
SELECT pg_temp.say('near(address.latitude, address.longitude, 52.5, 13.4, 50) and suppressed(''email'')');
SELECT pg_temp.say('near(address, 52.5, 13.4, 50)');
SELECT pg_temp.say('near(age, country, 90.1, -180.5, -1)');
SELECT pg_temp.say('near(age, age, 90, -180, 100001)');
SELECT pg_temp.say('suppressed(''emial'')');
SELECT pg_temp.say('suppressed(age)');
\pset tuples_only off

-- evaluation and definition refuse what the checker calls an error
SELECT cdp._evaluate(ARRAY['vip', 'age = ''42''']::cdp.predicate[], pg_temp.context(), '2026-06-01');
SELECT cdp._predicate_bind('sum(order.price) > 5', pg_temp.context());
SELECT cdp._predicate_bind('near(a, 1, 2, 3)', pg_temp.context());
SELECT cdp._predicate_bind('near(age, age, 91, 0, 3)', pg_temp.context());
SELECT cdp._evaluate(ARRAY['vip', NULL]::cdp.predicate[], pg_temp.context(), '2026-06-01');

-- the zone is written into a predicate that needs one and names none
SELECT predicate, cdp._predicate_bind(predicate, pg_temp.context()) OPERATOR(cdp.<>) predicate AS needs_zone
FROM (VALUES
	(cdp.predicate 'did(order, 7 days)'),
	('did(order, calendar 7 days)'),
	('did(order, 3 months)'),
	('did(order, between 1 and 2 years ago)'),
	('did(order, between 1 and 2 weeks ago)'),
	('did(order, this week)'),
	('did(order, last year)'),
	('did(order, today)'),
	('did(order, between 2026-01-01 and 2026-02-01)'),
	('did(order, between 2026-01-01T00:00Z and 2026-02-01T00:00Z)'),
	('did(order, since 2026-01-01T00:00Z)'),
	('did(order, since trial_ends)'),
	('active_days(order) > 1'),
	('first_seen < today'),
	('first_seen < now - 7 days'),
	('first_seen < now - 1 month'),
	('zodiac < now'),
	('trial_ends < now'),
	('zodiac = sign'),
	('zodiac + 5 > sign'),
	('zodiac - sign > 5'),
	('coalesce(zodiac, now) < sign'),
	('coalesce(zodiac, 5) < sign'),
	('tags contains first_seen'),
	('days_to_anniversary(trial_ends) = 0'),
	('sequence(order then order within 1 month)'),
	('sequence(order then order within 30 days)'),
	('in_segment(''br'')'),
	('did(order, today) at time zone ''Asia/Tokyo'''))
	AS given (predicate);
SELECT cdp._predicate_bind('did(order, today) or vip', pg_temp.context());

-- a group of A/B tests never changes: SHA-256 of "salt:id"
SELECT cdp.bucket('exp', '42', 2), cdp.bucket('exp', '42', 1000000000),
	(('x' || substr(encode(sha256('exp:42'), 'hex'), 1, 16))::bit(64)::bigint::numeric
		+ 18446744073709551616) % 18446744073709551616 % 1000000000 AS by_hand;
SELECT cdp.bucket('exp', '42', 0);

-- whether more of a profile is asked for than its events, at any depth
SELECT predicate, cdp._asks_facts(ARRAY['did(order)', predicate], pg_temp.context()
	|| '{"segments": {"buyers": "did(order)", "br": "country = ''BR''"}, "computed": {"idle": "days_since(any)", "fit": "revenue / 2"}}') AS asks
FROM (VALUES
	(cdp.predicate 'count(order where total > 50, 90 days) >= 3 and now > today'),
	('bucket(''exp'', 2) = 1 or idle > 3'),
	('in_segment(''buyers'') and near(1, 2, 3, 4, coalesce(5, 6))'),
	('vip'),
	('orders > 1'),
	('has_id(''email'')'),
	('did(order) or not (did(order) and consent(''marketing'', ''email''))'),
	('suppressed(''email'')'),
	('score(''clv'') > 1'),
	('percentile(''clv'') > 90'),
	('in_segment(''br'')'),
	('fit > 1'),
	('did(order, since first_seen)'),
	('did(order where total > profile.age)'),
	('sum(order.amount) > revenue'))
	AS given (predicate);

-- what two sources tell of is two events, to aggregates that count them
SELECT format('%s at %s: %s%s', severity, "position", message, E'\n\t' || hint)
FROM cdp._predicate_check('count(order) > 1 and sum(order.total, 1 year) > 5 and did(order) and max(order.total) > 1
	and avg("Return".amount) > 1 and distinct_count(order.category) > 1 and count(any) > 1 and count(order) > 3',
	pg_temp.context() || '{"events": {"order": 1, "return": 2}, "told_twice": {"order": "order_id", "return": "return_id"}}');
