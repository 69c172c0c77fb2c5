-- Random histories of a small store, and what membership must be after every
-- step of them.  Included by sql/audience_histories.sql and by
-- test/soak/membership_histories.sh, behind fresh.sql.
--
-- Each step has an instant of its own and does one deed.  After it every
-- profile is in what it should be in (membership_test.differences): after a
-- refresh, all profiles in what a fresh evaluation finds; after a call of
-- cdp.ingest(), so its own profile, and others as before it; after anything
-- else, all profiles as before it.  What the readers said after each step is
-- kept, and cdp.memberships(), segment_history and segment_diff() must tell
-- the same of it later (membership_test.check_past).
\set ECHO none
CREATE SCHEMA membership_test;

CREATE FUNCTION membership_test.one_of(VARIADIC choices text[]) RETURNS text
LANGUAGE sql VOLATILE
RETURN choices[1 + floor(random() * cardinality(choices))::integer];

-- Segments of every kind, with other definitions that they get now and then.
CREATE TABLE membership_test.kind (name text, predicates text[]);
INSERT INTO membership_test.kind VALUES
	('buyers', '{"did(order, 7 days)", "did(order, 36 hours)", "count(order, 30 days) >= 2"}'),
	('left_carts', '{"sequence(cart_add then no order within 4 hours same cart_id, 7 days)", "sequence(cart_add then no order within 1 day)"}'),
	('quick', '{"sequence(page_view then order within 1 day)"}'),
	('big', '{"sum(order.amount, 30 days) > 100", "max(order.amount) >= 50"}'),
	('lively', '{"active_days(any, calendar 7 days) >= 2", "count(any, this week) >= 2"}'),
	('first_page', '{"first(page_view) > now - 3 days", "did(page_view, today)"}'),
	('lapsed', '{"last(any) < now - 5 days"}'),
	('in_town', '{"city in (''A'', ''B'')", "city = ''C'' or age > 40"}'),
	('grown', '{"age >= 18 and kind = ''known''"}'),
	('agreed', '{"consent(''news'', ''email'')"}'),
	('barred', '{"suppressed(''email'')"}'),
	('readers', '{"count(page_view where page = ''tea'', 30 days) >= 1", "earliest(page_view.page) = ''tea''"}'),
	('never', '{"not did(order)"}'),
	('addressed', '{"has_id(''email'') and first_seen < now - 1 day"}'),
	('nested', '{"in_segment(''buyers'') and not in_segment(''in_town'')", "in_segment(''in_town'') or in_segment(''never'')"}'),
	('deeper', '{"in_segment(''nested'') or in_segment(''readers'') and orders > 1"}'),
	('doomed', '{"age > 30", "in_segment(''nosuch'')"}');

CREATE PROCEDURE membership_test.set_up()
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cdp.add_source('shop'), cdp.add_source('web');
	INSERT INTO cdp.purpose (purpose, description, time_to_live)
	VALUES ('news', 'news', '6 days');
	DELETE FROM cdp.segment;
	INSERT INTO cdp.trait (name, type) VALUES ('city', 'text'), ('age', 'number')
	ON CONFLICT DO NOTHING;
	PERFORM cdp.define_segment(name, predicates[1]::cdp.predicate) FROM membership_test.kind
	WHERE name <> 'nested' AND name <> 'deeper';
	PERFORM cdp.define_segment('nested', (SELECT predicates[1]::cdp.predicate
		FROM membership_test.kind WHERE name = 'nested'));
	PERFORM cdp.define_segment('deeper', (SELECT predicates[1]::cdp.predicate
		FROM membership_test.kind WHERE name = 'deeper'));
END
$$;

-- Deeds.  Eight people, who share devices and addresses now and then.
CREATE FUNCTION membership_test.identifier() RETURNS text
LANGUAGE sql VOLATILE
RETURN membership_test.one_of('user_id:u', 'user_id:u', 'anonymous_id:c', 'email:p')
	|| 1 + floor(random() * 8)::integer;
CREATE FUNCTION membership_test.as_written(identifier text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN identifier LIKE 'email:%' THEN identifier || '@x.de' ELSE identifier END;

CREATE FUNCTION membership_test.profile_of(identifier text) RETURNS bigint
LANGUAGE sql STABLE
RETURN cdp.find_profile(split_part(membership_test.as_written(identifier), ':', 1),
	split_part(membership_test.as_written(identifier), ':', 2));

-- One record in three is late, and few are of tomorrow.
CREATE FUNCTION membership_test.record(n text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	person text := 1 + floor(random() * 8)::integer;
	device text := CASE WHEN random() < 0.9 THEN person ELSE (1 + floor(random() * 8)::integer)::text END;
	told jsonb := jsonb_build_object('messageId', n, 'anonymousId', 'c' || device,
		'timestamp', to_char((cdp.clock() - CASE floor(random() * 6)
			WHEN 0 THEN random() * interval '30 days' WHEN 1 THEN random() * interval '40 hours'
			WHEN 2 THEN interval '0' WHEN 3 THEN - random() * interval '3 hours'
			ELSE random() * interval '10 minutes' END) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
BEGIN
	IF random() < 0.4 THEN
		told := told || jsonb_build_object('userId', 'u' || person);
	END IF;
	IF random() < 0.25 THEN
		RETURN told || jsonb_build_object('type', 'identify', 'traits', jsonb_strip_nulls(jsonb_build_object(
			'city', CASE WHEN random() < 0.7 THEN membership_test.one_of('A', 'B', 'C') END,
			'age', CASE WHEN random() < 0.7 THEN floor(random() * 60) END,
			'email', CASE WHEN random() < 0.5 THEN 'p' || person || '@x.de' END)));
	END IF;
	RETURN told || jsonb_build_object('type', 'track',
		'event', membership_test.one_of('order', 'order', 'cart_add', 'page_view', 'page_view'),
		'properties', jsonb_build_object('total', membership_test.one_of('5', '19.99', '60', '-3'), 'currency', 'EUR',
			'cart_id', membership_test.one_of('k1', 'k2'), 'page', membership_test.one_of('tea', 'mugs')));
END
$$;

-- What may be refused, such as a decision against another, is not done.
CREATE FUNCTION membership_test.act(what text, n integer, OUT done text, OUT own bigint[])
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	who text := membership_test.identifier();
	other text := membership_test.identifier();
	written text := membership_test.as_written(who);
	named text;
BEGIN
	done := what;
	own := '{}';
	CASE what
	WHEN 'ingest' THEN
		own := ARRAY[cdp.ingest(membership_test.one_of('shop', 'web'), membership_test.record(n::text))];
	WHEN 'batch' THEN
		own := ARRAY(SELECT taken.profile_id FROM cdp.ingest_batch('web', (
			SELECT jsonb_agg(membership_test.record(n || '-' || k)) FROM generate_series(1, 4) AS k)) AS taken
			WHERE taken.outcome = 'stored');
	WHEN 'inbox' THEN
		INSERT INTO cdp.inbox (source, record)
		SELECT 'shop', membership_test.record(n || '-' || k) FROM generate_series(1, 3) AS k;
	WHEN 'decide' THEN
		PERFORM cdp.decide(written, membership_test.as_written(other), membership_test.one_of('always', 'always', 'never'), 'test');
	WHEN 'unmerge' THEN
		PERFORM cdp.unmerge(membership_test.profile_of(who), ARRAY[written], 'test');
	WHEN 'retract' THEN
		PERFORM cdp.retract((SELECT set_id FROM cdp.identifier_set WHERE NOT retracted ORDER BY random() LIMIT 1), 'test');
	WHEN 'unretract' THEN
		PERFORM cdp.unretract((SELECT set_id FROM cdp.identifier_set WHERE retracted ORDER BY random() LIMIT 1), 'test');
	WHEN 'undo' THEN
		PERFORM cdp.undo_action((SELECT action_id FROM cdp.steward_action ORDER BY random() LIMIT 1), 'test');
	WHEN 'answer' THEN
		PERFORM cdp.record_consent(split_part(written, ':', 1), split_part(written, ':', 2), 'news', 'email',
			membership_test.one_of('granted', 'granted', 'withdrawn'), cdp.clock());
	WHEN 'suppress' THEN
		PERFORM cdp.suppress('email', 'p' || 1 + floor(random() * 8) || '@x.de', 'email',
			until => cdp.clock() + membership_test.one_of('5 hours', '2 days')::interval);
	WHEN 'unsuppress' THEN
		PERFORM cdp.unsuppress('email', 'p' || 1 + floor(random() * 8) || '@x.de');
	WHEN 'refresh' THEN
		PERFORM cdp.refresh_segments();
	WHEN 'refresh one' THEN
		own := NULL;
		PERFORM cdp.refresh_segments(ARRAY[(SELECT name::text FROM cdp.segment WHERE active ORDER BY random() LIMIT 1)]);
	WHEN 'define' THEN
		SELECT kind.name INTO named FROM membership_test.kind WHERE kind.name <> 'doomed' ORDER BY random() LIMIT 1;
		PERFORM cdp.define_segment(named, (SELECT membership_test.one_of(VARIADIC predicates)::cdp.predicate
			FROM membership_test.kind WHERE name = named));
	WHEN 'doom' THEN
		-- an accident that cdp.define_segment() would have refused, or its mending
		UPDATE cdp.segment_definition SET predicate = (SELECT membership_test.one_of(VARIADIC predicates)::cdp.predicate
			FROM membership_test.kind WHERE name = 'doomed')
		WHERE name = 'doomed';
	WHEN 'switch' THEN
		UPDATE cdp.segment SET active = NOT active WHERE name = (SELECT name FROM membership_test.kind
			WHERE NOT active OR random() < 0.5 ORDER BY random() LIMIT 1);
	WHEN 'declare' THEN
		PERFORM cdp.declare_property('page_view', 'page');
	WHEN 'undeclare' THEN
		PERFORM cdp.undeclare_property('page_view', 'page');
	WHEN 'pace' THEN
		UPDATE cdp.setting SET value = membership_test.one_of('0', '1 day') WHERE name = 'refresh_every';
	WHEN 'merge', 'clock' THEN
		NULL;
	END CASE;
EXCEPTION
	WHEN SQLSTATE '22023' OR SQLSTATE '55000' OR SQLSTATE 'P0002' OR undefined_object OR null_value_not_allowed THEN
		done := 'refused';
END
$$;

-- Instants at which something comes into a window, or leaves it, are met to
-- the microsecond.
CREATE FUNCTION membership_test.next_instant(far boolean) RETURNS timestamptz
LANGUAGE sql VOLATILE
RETURN CASE WHEN far THEN coalesce(
	(SELECT instant FROM (SELECT occurred_at + edge - floor(random() * 2) * interval '1 us' AS instant
			FROM cdp.event, unnest('{04:00,36:00,1 day,3 days,5 days,7 days,30 days,00:00:00.000001}'::interval[]) AS edge) AS edges
		WHERE instant > cdp.clock() AND instant < cdp.clock() + interval '3 days'
		ORDER BY random() LIMIT 1),
	cdp.clock() + interval '20 hours')
	ELSE cdp.clock() + random() * interval '10 minutes' + interval '1 ms' END;

-- What is found.
CREATE TABLE membership_test.step (
	n integer PRIMARY KEY, at timestamptz, what text, own bigint[],
	refreshed boolean, live bigint[]);
CREATE TABLE membership_test.said (
	n integer, segment_id integer, profile_id bigint, PRIMARY KEY (n, segment_id, profile_id));
CREATE TABLE membership_test.found (n integer, what text, segment text, profile_id bigint);

-- What a fresh evaluation of each segment by itself finds of these profiles
-- (NULL: of all), now.  One that cannot be evaluated keeps its members.
CREATE FUNCTION membership_test.fresh(profile_ids bigint[])
RETURNS TABLE (segment_id integer, profile_id bigint, is_member boolean)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	each record;
BEGIN
	FOR each IN SELECT segment.segment_id, predicate FROM cdp.segment WHERE active LOOP
		BEGIN
			RETURN QUERY SELECT each.segment_id, evaluated.profile_id, cardinality(evaluated.matched) > 0
			FROM cdp._evaluate_all(ARRAY[each.predicate::cdp.predicate], cdp.clock(), $1) AS evaluated;
		EXCEPTION WHEN undefined_object OR invalid_parameter_value THEN
			NULL;
		END;
	END LOOP;
END
$$;

-- Which memberships step n may not have left as they are.  An ingest may bring
-- others up to date with its own profile: those that it judged beside it.
CREATE FUNCTION membership_test.differences(step membership_test.step)
RETURNS TABLE (what text, segment_id integer, profile_id bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN QUERY
	WITH fresh AS MATERIALIZED (
		SELECT * FROM membership_test.fresh(CASE WHEN cardinality(step.own) > 0 THEN step.live END)
	), now_in AS MATERIALIZED (
		SELECT said.segment_id, said.profile_id FROM membership_test.said WHERE n = step.n
	), was_in AS MATERIALIZED (
		SELECT said.segment_id, said.profile_id FROM membership_test.said WHERE n = step.n - 1
	), pair AS MATERIALIZED (
		SELECT segment.segment_id, live.profile_id, fresh.is_member,
			(segment.segment_id, live.profile_id) IN (SELECT * FROM now_in) AS is_in,
			(segment.segment_id, live.profile_id) IN (SELECT * FROM was_in) AS was_in,
			live.profile_id = ANY (before.live) AS was_live,
			segment.active AND held.as_of = step.at AS refreshed,
			segment.active AND segment.error IS NULL AND held.version = segment.version AS follows
		FROM cdp.segment
			CROSS JOIN unnest(step.live) AS live (profile_id)
			LEFT JOIN cdp.segment_membership AS held USING (segment_id)
			LEFT JOIN fresh USING (segment_id, profile_id)
			LEFT JOIN membership_test.step AS before ON before.n = step.n - 1
	)
	SELECT CASE
			WHEN refreshed THEN 'is not as refreshed'
			WHEN pair.profile_id = ANY (step.own) THEN 'does not follow its ingest'
			ELSE 'moved' END,
		pair.segment_id, pair.profile_id
	FROM pair
	WHERE CASE
		WHEN refreshed THEN is_in IS DISTINCT FROM coalesce(is_member, false)
		WHEN pair.profile_id = ANY (step.own) AND follows THEN is_in <> is_member
		WHEN step.refreshed AND NOT EXISTS (SELECT FROM cdp.segment_membership AS held
			WHERE held.segment_id = pair.segment_id) THEN is_in
		WHEN cardinality(step.own) > 0 AND follows AND is_in = is_member THEN false
		WHEN was_live THEN is_in <> was_in END
	UNION ALL
	SELECT 'is in what nobody lists', said.segment_id, said.profile_id
	FROM now_in AS said
	WHERE said.profile_id <> ALL (step.live);
END
$$;

-- All readers say the same of the present.
CREATE FUNCTION membership_test.disagreements()
RETURNS TABLE (what text, segment_id integer, profile_id bigint)
LANGUAGE sql STABLE AS $$
	WITH listed AS MATERIALIZED (
		SELECT segment_id, profile_id FROM cdp._member
	), by_row AS (
		SELECT id AS segment_id, current.profile_id
		FROM cdp.profile_current AS current
			CROSS JOIN unnest(segment_ids) AS id
			JOIN cdp.profile ON profile.profile_id = current.profile_id AND root = profile.profile_id
	), by_door AS (
		SELECT segment.segment_id, live.profile_id
		FROM cdp.profile AS live
			CROSS JOIN LATERAL cdp.memberships(live.profile_id) AS told
			JOIN cdp.segment ON segment.name = told.segment
		WHERE live.root = live.profile_id
	), by_instant AS (
		SELECT segment.segment_id, live.profile_id
		FROM cdp.profile AS live
			CROSS JOIN LATERAL cdp.memberships(live.profile_id, cdp.clock()) AS told
			JOIN cdp.segment ON segment.name = told.segment
		WHERE live.root = live.profile_id
	), by_bitmap AS (
		SELECT segment.segment_id, profile.profile_id
		FROM cdp.segment
			CROSS JOIN LATERAL cdp.bitmap_members(cdp._current_members(segment.segment_id)) AS member (ord)
			JOIN cdp.profile USING (ord)
		WHERE root = profile.profile_id
	)
	SELECT 'segment_ids', * FROM (TABLE by_row EXCEPT TABLE listed) AS more
	UNION ALL SELECT 'not in segment_ids', * FROM (TABLE listed EXCEPT TABLE by_row) AS fewer
	UNION ALL SELECT 'memberships()', * FROM (TABLE by_door EXCEPT TABLE listed) AS more
	UNION ALL SELECT 'not in memberships()', * FROM (TABLE listed EXCEPT TABLE by_door) AS fewer
	UNION ALL SELECT 'memberships(now)', * FROM (TABLE by_instant EXCEPT TABLE listed) AS more
	UNION ALL SELECT 'not in memberships(now)', * FROM (TABLE listed EXCEPT TABLE by_instant) AS fewer
	UNION ALL SELECT 'bitmap', * FROM (TABLE by_bitmap EXCEPT TABLE listed) AS more
	UNION ALL SELECT 'not in bitmap', * FROM (TABLE listed EXCEPT TABLE by_bitmap) AS fewer
$$;

-- What the queries of cdp.predicate_to_sql() and cdp.is_member() find, after a
-- refresh for which nothing was left to do: queries read the log.
CREATE FUNCTION membership_test.queried(step membership_test.step)
RETURNS TABLE (what text, segment_id integer, profile_id bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	each record;
BEGIN
	FOR each IN SELECT segment.segment_id, predicate FROM cdp.segment
		JOIN cdp.segment_membership AS held USING (segment_id)
		WHERE active AND held.as_of = step.at
	LOOP
		RETURN QUERY EXECUTE format('
			WITH listed AS (SELECT profile_id FROM membership_test.said WHERE n = %1$s AND segment_id = %2$s),
				asked AS (SELECT profile_id FROM unnest(%3$L::bigint[]) AS profile_id WHERE cdp.is_member(profile_id, %4$L)),
				queried AS (%5$s)
			SELECT ''query does not find'', %2$s, profile_id FROM (TABLE listed EXCEPT TABLE queried) AS more
			UNION ALL SELECT ''query finds'', %2$s, profile_id FROM (TABLE queried EXCEPT TABLE listed) AS fewer
			UNION ALL SELECT ''is_member'', %2$s, profile_id FROM (TABLE asked EXCEPT TABLE listed) AS more
			UNION ALL SELECT ''not is_member'', %2$s, profile_id FROM (TABLE listed EXCEPT TABLE asked) AS fewer',
			step.n, each.segment_id, step.live, each.predicate, cdp.predicate_to_sql(each.predicate::cdp.predicate, step.at));
	END LOOP;
END
$$;

CREATE FUNCTION membership_test.note(step membership_test.step) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	step.live := ARRAY(SELECT profile_id FROM cdp.profile_current JOIN cdp.profile USING (profile_id)
		WHERE root = profile_id ORDER BY 1);
	step.refreshed := EXISTS (SELECT FROM cdp.segment_refresh WHERE refreshed_at = step.at);
	INSERT INTO membership_test.step VALUES (step.*);
	INSERT INTO membership_test.said SELECT step.n, segment_id, profile_id FROM cdp._member;
	INSERT INTO membership_test.found
	SELECT step.n, d.what, segment.name, d.profile_id
	FROM (SELECT * FROM membership_test.differences(step)
		UNION ALL SELECT * FROM membership_test.disagreements()
		UNION ALL SELECT * FROM membership_test.queried(step) WHERE step.refreshed AND NOT EXISTS (SELECT FROM cdp.todo)) AS d
		JOIN cdp.segment USING (segment_id);
END
$$;

CREATE FUNCTION membership_test.set_clock(at timestamptz) RETURNS text
LANGUAGE sql VOLATILE
RETURN set_config('cdp.test_clock', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US+00'), false);

-- Steps go on from where the history is.
CREATE PROCEDURE membership_test.play(steps integer)
LANGUAGE plpgsql AS $$
DECLARE
	step membership_test.step;
	first integer := (SELECT coalesce(max(n), 0) + 1 FROM membership_test.step);
BEGIN
	PERFORM membership_test.set_clock(coalesce(max(at), '2026-06-01 12:00+00')) FROM membership_test.step;
	FOR n IN first .. first + steps - 1 LOOP
		step.n := n;
		step.what := CASE WHEN n = 1 THEN 'refresh' ELSE membership_test.one_of('ingest', 'ingest', 'ingest', 'ingest', 'ingest', 'ingest',
			'ingest', 'ingest', 'batch', 'inbox', 'decide', 'decide', 'unmerge', 'unmerge', 'retract', 'unretract', 'undo', 'answer', 'answer',
			'suppress', 'unsuppress', 'refresh', 'refresh', 'refresh one', 'define', 'define', 'doom', 'doom', 'switch', 'declare', 'undeclare',
			'pace', 'merge', 'merge', 'merge', 'merge', 'clock', 'clock') END;
		step.at := membership_test.next_instant(step.what = 'clock' OR step.what IN ('merge', 'refresh') AND random() < 0.4);
		PERFORM membership_test.set_clock(step.at);
		IF step.what = 'merge' THEN
			CALL cdp.merge();
			step.own := '{}';
		ELSE
			SELECT done, coalesce(own, '{}') INTO step.what, step.own FROM membership_test.act(step.what, n);
		END IF;
		PERFORM membership_test.note(step);
		COMMIT;
	END LOOP;
END
$$;

-- Of what was said at some earlier instants, what is told differently now.
CREATE PROCEDURE membership_test.check_memberships(instants integer)
LANGUAGE sql AS $$
	WITH asked AS MATERIALIZED (
		SELECT n, at, live FROM membership_test.step
		WHERE at >= coalesce((SELECT told_since FROM cdp.segment_refresh), '-infinity')
		ORDER BY random() LIMIT instants
	), told AS MATERIALIZED (
		SELECT asked.n, segment.segment_id, profile_id
		FROM asked
			CROSS JOIN unnest(live) AS profile_id
			CROSS JOIN LATERAL cdp.memberships(profile_id, at) AS member
			JOIN cdp.segment ON segment.name = member.segment
	), said AS MATERIALIZED (
		SELECT said.* FROM membership_test.said JOIN asked USING (n)
	)
	INSERT INTO membership_test.found
	SELECT n, d.what, segment.name, profile_id
	FROM (SELECT 'is told later' AS what, * FROM (TABLE told EXCEPT TABLE said) AS more
		UNION ALL SELECT 'is not told later', * FROM (TABLE said EXCEPT TABLE told) AS fewer) AS d
		JOIN cdp.segment USING (segment_id)
$$;

-- Each size is the one before it and what moved, and the last one is the size.
CREATE PROCEDURE membership_test.check_sizes()
LANGUAGE sql AS $$
	INSERT INTO membership_test.found
	SELECT NULL::integer, format('size %s, not %s of %s', size, adds_up_to, as_of), segment, NULL::bigint
	FROM (SELECT *, coalesce(lag(size) OVER (PARTITION BY segment ORDER BY as_of, version), 0)
			+ entered - exited AS adds_up_to FROM cdp.segment_history) AS history
	WHERE size <> adds_up_to
	UNION ALL
	SELECT NULL::integer, format('size %s, last of the history %s', coalesce(segment.size, 0), history.size), segment.name, NULL
	FROM cdp.segment JOIN (SELECT DISTINCT ON (segment) segment AS name, size
		FROM cdp.segment_history ORDER BY segment, as_of DESC, version DESC) AS history USING (name)
	WHERE coalesce(segment.size, 0) <> history.size
$$;

-- Between two refreshes: what is told adds up, from the members of the one to
-- those of the other, and by reasons that there were (of a segment that failed
-- for a while, since it last did not).
CREATE PROCEDURE membership_test.check_diffs(pairs integer)
LANGUAGE sql AS $$
	WITH refresh AS MATERIALIZED (
		SELECT n, at FROM membership_test.step
		WHERE refreshed AND at >= coalesce((SELECT told_since FROM cdp.segment_refresh), '-infinity')
	), pair AS MATERIALIZED (
		SELECT a.n AS from_n, b.n AS to_n, a.at AS from_at, b.at AS to_at, segment.segment_id, segment.name::text AS name
		FROM refresh AS a JOIN refresh AS b ON a.n < b.n CROSS JOIN cdp.segment
		ORDER BY random() LIMIT pairs
	), total AS MATERIALIZED (
		SELECT pair.*, told.*
		FROM pair CROSS JOIN LATERAL (
			SELECT sum(members) FILTER (WHERE change = 'before') AS before,
				sum(members) FILTER (WHERE change = 'entered') AS entered,
				sum(members) FILTER (WHERE change = 'exited') AS exited,
				sum(members) FILTER (WHERE change = 'after') AS after,
				array_agg(DISTINCT reason) AS reasons
			FROM cdp.segment_diff(pair.name, pair.from_at, pair.to_at)) AS told
	)
	INSERT INTO membership_test.found
	SELECT to_n, format('diff since step %s: %s + %s - %s = %s by %s', from_n, before, entered, exited, after, reasons), name, NULL
	FROM total
	WHERE before + coalesce(entered, 0) - coalesce(exited, 0) <> after
		OR before <> (SELECT count(*) FROM membership_test.said WHERE said.n = from_n AND said.segment_id = total.segment_id)
		OR after <> (SELECT count(*) FROM membership_test.said WHERE said.n = to_n AND said.segment_id = total.segment_id)
		OR 'erasure' = ANY (reasons)
		OR 'definition' = ANY (reasons) AND NOT EXISTS (SELECT FROM cdp.membership_base AS base
			WHERE base.segment_id = total.segment_id AND base.at > from_at AND base.at <= to_at)
		OR reasons && '{merge,split}' AND name <> 'doomed' AND NOT EXISTS (SELECT FROM cdp.identity_log
			WHERE at > (SELECT coalesce(max(step.at), '-infinity') FROM membership_test.step WHERE refreshed AND step.at < from_at)
				AND at <= to_at)
$$;

CREATE PROCEDURE membership_test.check_past(instants integer)
LANGUAGE plpgsql AS $$
BEGIN
	CALL membership_test.check_memberships(instants);
	CALL membership_test.check_sizes();
	CALL membership_test.check_diffs(instants);
END
$$;
\set ECHO all
