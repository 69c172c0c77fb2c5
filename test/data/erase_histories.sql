-- erase_histories.sql: random histories of people who come together and part,
-- after which somebody is erased; after fresh.sql, digest.sql and traces.sql.
--
-- Every record has a word of its own in its event and its trait, every answer
-- one in its evidence, so whatever is found later is known by whose it was.
\set ECHO none
SELECT cdp.add_source('web'), cdp.add_source('till') \g /dev/null
SELECT cdp.add_destination('mailer', 'csv'), cdp.define_segment('buyers', 'count(order) > 1'),
	cdp.add_audience('letters', 'buyers', 'marketing', 'email', 'mailer'),
	cdp.add_experiment('hello', segment => 'buyers', metric => 'count(order) > 3'),
	cdp.index_text('order', 'note'), cdp.add_group_kind('household', ARRAY['device_id']) \g /dev/null
UPDATE cdp.trait SET history = true WHERE name = 'first_name';

CREATE TABLE pg_temp.sent (n integer, source text, record jsonb);

CREATE FUNCTION pg_temp.pick(words text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT words[1 + floor(random() * cardinality(words))]
$$;

-- Somebody's record: some of their identifiers, at times one of somebody else.
CREATE FUNCTION pg_temp.make_record(n integer, source text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	who integer := 1 + floor(random() * 7);
	other integer := 1 + floor(random() * 7);
	keys jsonb := '[]';
	type text;
BEGIN
	FOREACH type IN ARRAY ARRAY['user_id', 'crm_id', 'email', 'phone', 'anonymous_id', 'device_id'] LOOP
		IF random() < 0.4 OR type = 'anonymous_id' AND keys = '[]' THEN
			keys := keys || jsonb_build_object('type', type, 'id', pg_temp.name_of(type,
				CASE WHEN random() < 0.06 THEN other ELSE who END)
				|| CASE type WHEN 'crm_id' THEN '-' || source ELSE '' END);
		END IF;
	END LOOP;
	RETURN jsonb_build_object('type', 'track', 'event', pg_temp.pick('{order,order,page_view}'),
		'timestamp', CASE WHEN random() < 0.06 THEN '1950-01-01T00:00:00Z'
			ELSE to_char('2026-01-01'::timestamp + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
		'externalIds', keys, 'traits', jsonb_build_object('first_name', 'word' || n || 'x'),
		'properties', jsonb_build_object('note', 'word' || n || 'x', 'amount', n, 'order_id', 'word' || n || 'x'))
		|| CASE WHEN random() < 0.3 THEN jsonb_build_object('consent', jsonb_build_array(jsonb_build_object(
			'purpose', 'marketing', 'channel', 'email', 'state', pg_temp.pick('{granted,granted,denied}'),
			'at', '2026-01-01T00:00:00Z', 'evidence', 'said' || n || 'x'))) ELSE '{}' END
		|| CASE WHEN random() < 0.5 THEN jsonb_build_object('messageId', 'word' || n || 'x') ELSE '{}' END;
END
$$;

CREATE FUNCTION pg_temp.name_of(type text, who integer) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT CASE type
		WHEN 'email' THEN format('Quokka%s-%s@quokka.example', who, floor(random() * 2))
		WHEN 'phone' THEN format('0171 555%s0%s', 100 + who, floor(random() * 2))
		WHEN 'device_id' THEN format('quokkatab-%s', who % 3)
		WHEN 'anonymous_id' THEN format('quokkacookie-%s-%s', who, floor(random() * 3))
		ELSE format('quokka-%s-%s', type, who) END
$$;

CREATE FUNCTION pg_temp.any_key() RETURNS text LANGUAGE sql AS $$
	SELECT cdp._suppression_key(type.type, identifier.scope, identifier.value)
	FROM cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
	ORDER BY random() LIMIT 1
$$;

CREATE FUNCTION pg_temp.any_profile() RETURNS bigint LANGUAGE sql AS $$
	SELECT profile_id FROM cdp.profile WHERE root = profile_id
		AND EXISTS (SELECT FROM cdp.identifier JOIN cdp.profile AS leaf ON leaf.profile_id = identifier.leaf
			WHERE leaf.root = profile.profile_id)
	ORDER BY random() LIMIT 1
$$;

-- What a steward may do; what cannot be done at the time is not done.
CREATE FUNCTION pg_temp.act() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	profile bigint := pg_temp.any_profile();
	key text := pg_temp.any_key();
	own text := (SELECT value FROM cdp.profile AS held JOIN cdp.identifier ON identifier_id = founder
		WHERE held.profile_id = profile);
BEGIN
	CASE floor(random() * 7)::integer
		WHEN 0 THEN PERFORM cdp.decide(key, pg_temp.any_key(), pg_temp.pick('{always,never}'), key || ' it is');
		WHEN 1 THEN PERFORM cdp.unmerge(cdp._profile_to_change(profile), ARRAY[key], key || ' is another');
		WHEN 2 THEN PERFORM cdp.retract((SELECT set_id FROM cdp.identifier_set ORDER BY random() LIMIT 1), 'wrong');
		WHEN 3 THEN PERFORM cdp.pin_trait(profile, 'city', to_jsonb(own), own);
		WHEN 4 THEN PERFORM cdp.experiment_arm('hello', profile);
		WHEN 5 THEN PERFORM cdp.audience_delta('letters');
		ELSE PERFORM cdp.audience_ack('letters', max(last_delta)) FROM cdp.audience_progress;
	END CASE;
EXCEPTION WHEN raise_exception OR data_exception OR object_not_in_prerequisite_state OR undefined_object
	OR invalid_parameter_value THEN NULL;
END
$$;

CREATE FUNCTION pg_temp.live(records integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	record jsonb;
	source text;
BEGIN
	FOR n IN (SELECT coalesce(max(sent.n), 0) + 1 FROM pg_temp.sent) .. (SELECT coalesce(max(sent.n), 0) + records FROM pg_temp.sent) LOOP
		source := pg_temp.pick('{web,web,till}');
		record := pg_temp.make_record(n, source);
		INSERT INTO pg_temp.sent VALUES (n, source, record);
		IF random() < 0.6 THEN
			PERFORM cdp.ingest(source, record);
		ELSE
			INSERT INTO cdp.inbox (source, record) VALUES (source, record::text);
		END IF;
		IF random() < 0.15 THEN
			PERFORM pg_temp.act();
		END IF;
	END LOOP;
END
$$;

-- The words and values by which a live profile is found.
CREATE FUNCTION pg_temp.words_of(live bigint, with_lone boolean) RETURNS text[] LANGUAGE sql AS $$
	WITH whom AS MATERIALIZED (SELECT * FROM cdp._find_subject(live)),
	own AS (SELECT identifier.value, type.type FROM whom, cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier_id = ANY (members || lone)
			-- one that came with theirs alone may come again
			AND (identifier_id <> ALL (lone) OR with_lone AND NOT EXISTS (SELECT FROM cdp.inbox WHERE record ~* identifier.value)
				AND NOT EXISTS (SELECT FROM cdp.reject WHERE record ~* identifier.value))),
	dead AS (SELECT cdp._suppression_key(type.type, identifier.scope, identifier.value) AS key
		FROM whom, cdp.identifier JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier_id = ANY (members))
	SELECT array_agg(DISTINCT word) FROM (
		SELECT value AS word FROM own
		UNION ALL SELECT '0' || substr(value, 4, 3) || ' ' || substr(value, 7) FROM own WHERE type = 'phone'
		UNION ALL SELECT event.properties ->> 'note' FROM whom, cdp.event WHERE set_id = ANY (sets)
		UNION ALL SELECT said.evidence #>> '{}' FROM whom, cdp.consent_log AS said
			WHERE said.identifier_id = ANY (members || lone) AND said.evidence IS NOT NULL
		-- what waits or was rejected, by whom it names
		UNION ALL SELECT raw.record::jsonb #>> '{traits,first_name}'
		FROM (SELECT source, record FROM cdp.inbox UNION ALL SELECT source, record FROM cdp.reject WHERE record IS NOT NULL) AS raw
		WHERE EXISTS (SELECT FROM cdp._record_keys(ARRAY[raw.source], ARRAY[raw.record]) AS named JOIN dead
			ON dead.key = cdp._suppression_key(named.type, cdp._identifier_scope(named.type, named.source), named.value))
	) AS found
$$;

-- Erase somebody.  places: in how many places they were; left: in how many they
-- are, but for keys that a destination is yet to be told of; others: events of
-- others that are gone; amount: what was lost of all amounts.
CREATE FUNCTION pg_temp.erase(policy text, OUT places bigint, OUT "left" text, OUT others bigint, OUT amount numeric, OUT words text[])
LANGUAGE plpgsql AS $$
DECLARE
	live bigint;
	own bigint;
	events bigint := (SELECT count(*) FROM cdp.event);
	total numeric := (SELECT coalesce(sum(event.amount), 0) FROM cdp.event);
	own_total numeric;
	every text[];
BEGIN
	PERFORM cdp._begin_erasure();
	live := cdp._settle_profile(pg_temp.any_profile());
	words := pg_temp.words_of(live, false);
	SELECT count(*), coalesce(sum(event.amount), 0) INTO own, own_total
	FROM cdp._find_subject(live) AS whom, cdp.event WHERE set_id = ANY (whom.sets);
	SELECT count(*) INTO places FROM pg_temp.traces(words);
	every := pg_temp.words_of(live, true);
	PERFORM cdp.erase_subject(live, 'random', policy);
	SELECT string_agg(DISTINCT relation || '.' || place, ' ') INTO "left" FROM pg_temp.traces(every, '{audience_sent}');
	others := events - own - (SELECT count(*) FROM cdp.event WHERE set_id <> 0)
		- (SELECT count(*) FROM pg_temp.hidden);
	amount := total - (SELECT coalesce(sum(event.amount), 0) FROM cdp.event)
		- CASE policy WHEN 'delete' THEN own_total ELSE 0 END;
	TRUNCATE pg_temp.hidden;
	INSERT INTO pg_temp.hidden SELECT event_id FROM cdp.event WHERE set_id = 0;
END
$$;
CREATE TABLE pg_temp.hidden (event_id bigint);
\set ECHO all
