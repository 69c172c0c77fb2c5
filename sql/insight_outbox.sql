-- A reader that has nothing but SELECT on cdp.crm_outbox ends up with what
-- cdp.crm_contact says, whatever happens to the customers.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT cdp.add_source('shop') \g /dev/null

CREATE TABLE public.copied (profile_id bigint PRIMARY KEY, crm_ids text[], contact jsonb);
CREATE TABLE public.progress AS SELECT 0::bigint AS last;
DROP ROLE IF EXISTS cdp_test_poller;
CREATE ROLE cdp_test_poller;
GRANT USAGE ON SCHEMA cdp TO cdp_test_poller;
GRANT SELECT ON cdp.crm_outbox TO cdp_test_poller;
GRANT ALL ON public.copied, public.progress TO cdp_test_poller;
-- what every reader does: in order, put and take away
CREATE FUNCTION public.poll(at_most integer DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said cdp.crm_outbox;
	did text := '';
BEGIN
	FOR said IN SELECT * FROM cdp.crm_outbox WHERE change_no > (SELECT last FROM public.progress)
		ORDER BY change_no LIMIT at_most LOOP
		did := concat_ws(' ', nullif(did, ''), said.change);
		IF said.change = 'merged' THEN
			DELETE FROM public.copied WHERE profile_id = ANY (said.previous_profile_ids);
		ELSIF said.change IN ('removed', 'erased') THEN
			DELETE FROM public.copied WHERE profile_id = said.profile_id;
		END IF;
		IF said.contact IS NOT NULL THEN
			INSERT INTO public.copied VALUES (said.profile_id, said.crm_ids, said.contact)
			ON CONFLICT (profile_id) DO UPDATE SET crm_ids = excluded.crm_ids, contact = excluded.contact;
		END IF;
		UPDATE public.progress SET last = said.change_no;
	END LOOP;
	RETURN did;
END $$;
CREATE FUNCTION public.differ() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (
		SELECT profile_id, crm_ids, to_jsonb(contact) - '{profile_id,crm_ids,owner,crm_stage,open_deals,open_deal_amount}'::text[] AS contact
		FROM cdp.crm_contact AS contact) AS now
	FULL JOIN public.copied ON (copied.profile_id, copied.crm_ids, copied.contact) = (now.profile_id, now.crm_ids, now.contact)
	WHERE now.profile_id IS NULL OR copied.profile_id IS NULL $$;
CREATE FUNCTION pg_temp.seen(id text, person jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT cdp.ingest('shop', '{"type": "identify", "timestamp": "2026-05-01T10:00:00Z"}' || jsonb_build_object('messageId', id) || person) $$;

-- nothing is written until somebody is fed
SELECT pg_temp.seen('a1', '{"userId": "ann", "traits": {"email": "ann@example.com", "city": "Rome", "owner": "Eve"}}') AS ann \gset
SELECT pg_temp.seen('x1', '{"anonymousId": "c1"}') AS cookie \gset
CALL cdp.merge();
SELECT count(*) FROM cdp.crm_outbox;
SELECT cdp.feed_crm();
SELECT pg_temp.seen('b1', '{"userId": "bob", "traits": {"city": "Oslo"}, "externalIds": [{"type": "crm_id", "id": "31"}]}') AS bob \gset
CALL cdp.merge();
SELECT change_no, change, profile_id IN (:ann, :bob) AS told, previous_profile_ids, crm_ids, contact ->> 'city' AS city,
	contact ? 'owner' AS crm_keeps, changed_at FROM cdp.crm_outbox ORDER BY change_no;
SET ROLE cdp_test_poller;
SELECT public.poll();
SELECT cdp.feed_crm(false);
RESET ROLE;
SELECT public.differ();

-- a change is told once, and what did not change is not
SELECT pg_temp.seen('a2', '{"userId": "ann", "timestamp": "2026-05-02", "traits": {"city": "Pisa"}}') \g /dev/null
SELECT pg_temp.seen('a3', '{"userId": "ann", "timestamp": "2026-05-03", "traits": {"owner": "Kim"}}') \g /dev/null
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
CALL cdp.merge();
SELECT public.poll() AS changes;
SELECT contact ->> 'city' AS city FROM public.copied WHERE profile_id = :ann;
-- a cookie becomes a customer, and customers become one
SELECT pg_temp.seen('x2', '{"anonymousId": "c1", "userId": "cyd"}') \g /dev/null
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
SELECT cdp.decide('user_id:ann', 'user_id:bob', 'always', 'same') AS decision \gset
CALL cdp.merge();
SELECT change, previous_profile_ids = ARRAY[greatest(:ann, :bob)]::bigint[] AS previous FROM cdp.crm_outbox ORDER BY change_no DESC LIMIT 1;
SELECT public.poll() AS changes, public.differ();
-- and two again, with the id of before
SELECT cdp.undecide(:decision, 'not the same') \g /dev/null
CALL cdp.merge();
SELECT change, profile_id = greatest(:ann, :bob) AS back, previous_profile_ids = ARRAY[least(:ann, :bob)]::bigint[] AS previous
FROM cdp.crm_outbox WHERE change = 'split';
SELECT public.poll() AS changes, public.differ();
-- merged and parted before anybody looked: nothing is skipped
SELECT cdp.decide('user_id:ann', 'user_id:cyd', 'always', 'same') AS decision \gset
CALL cdp.merge();
SELECT cdp.undecide(:decision, 'not the same') \g /dev/null
CALL cdp.merge();
SELECT public.poll(1) IS NOT NULL AS first, public.poll(1) IS NOT NULL AS second, public.poll() IS NOT NULL AS rest, public.differ();
-- consents and suppressions are told
SELECT cdp.record_consent('email', 'ann@example.com', 'marketing', 'email', 'granted') \g /dev/null
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
SELECT contact -> 'permissions' AS permissions FROM public.copied WHERE profile_id = :ann;
SELECT cdp.suppress('email', 'ann@example.com', 'email', 'bounce');
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
SELECT contact -> 'permissions' AS permissions FROM public.copied WHERE profile_id = :ann;
SELECT cdp.unsuppress('email', 'ann@example.com', 'email');
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
-- what time alone changes is told by the daily look at all
SELECT cdp.record_consent('email', 'ann@example.com', 'analytics', 'post', 'granted', at => '2025-05-01 13:00+00') \g /dev/null
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
SET cdp.test_clock = '2026-06-02 11:59:00+00';
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
SET cdp.test_clock = '2026-06-02 13:00:00+00';
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
-- who is no customer any more is no contact
SELECT cdp.block_value('user_id', 'cyd') \g /dev/null
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
-- erased: what was told is gone, and the number tells
SELECT cdp._crm_tell_erased(ARRAY[:ann, 12345]);
SELECT change, profile_id = :ann AS ann, crm_ids, contact, previous_profile_ids FROM cdp.crm_outbox ORDER BY change_no DESC LIMIT 1;
SELECT count(*) FROM cdp.crm_outbox WHERE crm_outbox::text ~ 'ann@example|Pisa|Rome';
SELECT public.poll() AS changes;
SELECT count(*) AS copies FROM public.copied WHERE profile_id = :ann;
-- the next look finds that she is still there, which an erased one is not
UPDATE cdp.crm_feed SET checked_at = NULL;
CALL cdp.merge();
SELECT public.poll() AS changes, public.differ();
-- whose fields are whose is a rule
UPDATE cdp.crm_field SET owned_by = 'crm' WHERE field = 'city';
CALL cdp.merge();
SELECT public.poll() AS changes;
SELECT count(*) FILTER (WHERE contact ? 'city') AS with_city FROM public.copied;
UPDATE cdp.crm_field SET owned_by = 'cdp' WHERE field = 'city';

-- At random: people, merges, parting and erasures, read in pages of any size.
\set seed 0.6931
SELECT setseed(:seed) AS "seed 0.6931";
-- records of who was erased are refused, and say so
SET client_min_messages = error;
CREATE PROCEDURE pg_temp.happen() LANGUAGE plpgsql AS $$
DECLARE
	a text := 'u' || (random() * 11)::integer;
	b text := 'u' || (random() * 11)::integer;
BEGIN
	CASE (random() * 4)::integer
		WHEN 0 THEN PERFORM pg_temp.seen(gen_random_uuid()::text, jsonb_build_object('userId', a, 'timestamp', timestamptz '2026-05-10' + random() * interval '10 days', 'traits', jsonb_build_object('city', 'c' || (random() * 3)::integer)));
		WHEN 1 THEN PERFORM pg_temp.seen(gen_random_uuid()::text, jsonb_build_object('userId', a, 'anonymousId', b));
		WHEN 2 THEN PERFORM cdp.decide('user_id:' || a, 'user_id:' || b, 'always', 'random')
			WHERE a <> b AND cdp.find_profile('user_id', a) IS NOT NULL AND cdp.find_profile('user_id', b) IS NOT NULL
				AND NOT EXISTS (SELECT FROM cdp.decision WHERE withdrawn_by IS NULL);
		WHEN 3 THEN PERFORM cdp.undecide(decision_id, 'random') FROM (SELECT decision_id FROM cdp.decision WHERE withdrawn_by IS NULL ORDER BY 1 LIMIT 1) AS d;
		ELSE PERFORM public.poll((random() * 3)::integer);
	END CASE;
END $$;
SELECT CASE WHEN n % 5 = 0 THEN 'CALL cdp.merge()' WHEN n % 40 = 1 AND n > 40
	THEN format('SELECT cdp.erase_subject(id, ''asked'') IS NOT NULL AS erased FROM cdp.find_profile(''user_id'', ''u%s'') AS id WHERE id IS NOT NULL', n / 40)
	ELSE 'CALL pg_temp.happen()' END FROM generate_series(1, 150) AS n \gexec
CALL cdp.merge();
SELECT public.poll() IS NOT NULL AS polled, public.differ();
SELECT (SELECT count(*) > 5 FROM public.copied) AS several,
	(SELECT bool_and(change IN (SELECT change FROM cdp.crm_outbox)) FROM unnest('{merged,split,erased}'::text[]) AS change) AS all_of_it;
-- nothing is left of who was erased
SELECT count(*) FROM public.copied WHERE profile_id <> :ann AND profile_id IN (SELECT profile_id FROM cdp.crm_outbox WHERE change = 'erased');
-- one row of a profile has its contact, and a second reader from the beginning agrees
SELECT count(*) = (SELECT count(*) FROM public.copied) AS compact FROM cdp.crm_outbox WHERE contact IS NOT NULL;
TRUNCATE public.copied;
UPDATE public.progress SET last = 0;
SELECT public.poll(7) IS NOT NULL AS some, public.poll() IS NOT NULL AS rest, public.differ();
-- and when nobody is fed any more, nothing is kept
SELECT cdp.feed_crm(false);
SELECT cdp.feed_crm(NULL);
CALL cdp.merge();
SELECT count(*) FROM cdp.crm_outbox;
SELECT count(*) AS enabled FROM pg_trigger WHERE tgname LIKE 'tell\_crm\_%' AND tgenabled <> 'D';
DROP FUNCTION public.poll(integer), public.differ();
DROP TABLE public.copied, public.progress;
DROP OWNED BY cdp_test_poller;
DROP ROLE cdp_test_poller;
