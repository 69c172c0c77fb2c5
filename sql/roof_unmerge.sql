-- Two customers who become one and part again are what they were: traits,
-- timelines, orders, consents, memberships and scores, ids included.  Every
-- table is compared, row by row; those that differ are named: what was done is
-- kept, and so is what followed from it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set digest :abs_srcdir '/test/data/digest.sql'
\i :fresh
\set ECHO none
\i :digest
\set ECHO all
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT cdp._consent_starter(), cdp._model_starter(), cdp._segment_starter() \g /dev/null
SELECT cdp.add_source(name) FROM unnest(ARRAY['web', 'shop', 'crm']) AS name \g /dev/null

-- a hundred customers with orders, so that there are scores
INSERT INTO cdp.inbox (source, record)
SELECT 'shop', jsonb_build_object('type', 'track', 'event', 'order', 'userId', 'u' || person,
	'messageId', format('o%s-%s', person, n),
	'timestamp', timestamptz '2025-06-01 10:00:00+00' + (person * 7 + n * (person % 11 + 3) * 5) % 360 * interval '1 day',
	'properties', jsonb_build_object('order_id', format('o%s-%s', person, n),
		'total', 10 + (person * 13 + n * 7) % 90, 'email', format('p%s@x.de', person)))
FROM generate_series(1, 100) AS person, generate_series(1, person % 6 + 1) AS n;
-- Kim, of the web and the shop
INSERT INTO cdp.inbox (source, record)
SELECT source, record::jsonb || jsonb_build_object('messageId', 'kim-' || n) FROM (VALUES
	(1, 'web', '{"type": "page", "anonymousId": "ck", "timestamp": "2026-05-01T09:00:00Z", "properties": {"path": "/bags"}}'),
	(2, 'web', '{"type": "identify", "anonymousId": "ck", "userId": "kim", "timestamp": "2026-05-01T09:10:00Z",
		"traits": {"email": "kim@x.de", "first_name": "Kim", "last_name": "Park", "birth_date": "1970-03-01", "city": "Berlin"}}'),
	(3, 'shop', '{"type": "track", "event": "order", "userId": "kim", "timestamp": "2026-05-02T10:00:00Z",
		"properties": {"order_id": "k-1", "total": 120, "email": "kim@x.de"}}'),
	(4, 'shop', '{"type": "track", "event": "order", "userId": "kim", "timestamp": "2026-05-20T10:00:00Z",
		"properties": {"order_id": "k-2", "total": 80}}'),
	(5, 'web', '{"type": "track", "event": "Product Viewed", "anonymousId": "ck", "timestamp": "2026-05-21T10:00:00Z",
		"properties": {"product_id": "bag-1"}}')) AS given (n, source, record);
-- Lee, of the CRM and the shop, who bought once, and later than Kim moved
INSERT INTO cdp.inbox (source, record)
SELECT source, record::jsonb || jsonb_build_object('messageId', 'lee-' || n) FROM (VALUES
	(1, 'crm', '{"type": "identify", "externalIds": [{"type": "crm_id", "id": "77"}], "timestamp": "2026-04-01T09:00:00Z",
		"traits": {"email": "lee@x.de", "phone": "+49301234567", "first_name": "Lee", "last_name": "Park", "city": "Bonn"}}'),
	(2, 'shop', '{"type": "track", "event": "order", "anonymousId": "cl", "timestamp": "2026-05-10T10:00:00Z",
		"properties": {"order_id": "l-1", "total": 40, "email": "lee@x.de"}}'),
	(3, 'web', '{"type": "page", "anonymousId": "cl", "timestamp": "2026-05-22T09:00:00Z"}')) AS given (n, source, record);
CALL cdp.merge();
SELECT cdp.record_consent('email', 'kim@x.de', 'marketing', 'email', 'granted', '2026-05-03'),
	cdp.record_consent('email', 'lee@x.de', 'marketing', 'email', 'denied', '2026-05-04'),
	cdp.record_consent('phone', '+49301234567', 'marketing', 'sms', 'granted', '2026-05-04') \g /dev/null
SELECT cdp.pin_trait(cdp.find_profile('email', 'lee@x.de'), 'first_name', '"Leo"', 'as he signs') \g /dev/null
SELECT cdp.define_segment('parks', 'last_name = ''Park'' and revenue > 150') \g /dev/null
CALL cdp.merge();
CREATE VIEW pg_temp.both AS
SELECT profile_id, first_name, city, identifiers, events, orders, revenue, segments, consents
FROM cdp.unified_profile WHERE last_name = 'Park';
\x
TABLE pg_temp.both ORDER BY profile_id;
\x
SELECT count(*) > 50 AS scored FROM cdp.score;

-- But for when work was done and how ids came to lead where they lead: epochs,
-- runs, since when, leaves.
CREATE FUNCTION pg_temp.state() RETURNS TABLE (name text, rows bigint, digest text)
LANGUAGE sql AS $$
	SELECT * FROM pg_temp.exact_digest('{}', '{split_epoch,rooted_at,epoch,folded,run_id,leaf,former_leaf,tried_at}')
$$;
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
CREATE TEMP TABLE first AS SELECT * FROM pg_temp.state();
CREATE TEMP TABLE first_current AS TABLE cdp.profile_current;
CREATE FUNCTION pg_temp.differs() RETURNS TABLE (name text, rows_more bigint)
LANGUAGE sql AS $$
	SELECT now.name, now.rows - first.rows
	FROM pg_temp.state() AS now JOIN pg_temp.first USING (name)
	WHERE now.digest <> first.digest ORDER BY now.name COLLATE "C"
$$;

-- merged by a decision: all that is theirs is one
SELECT cdp.decide('user_id:kim', 'email:lee@x.de', 'always', 'the same person') AS decision \gset
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
\x
TABLE pg_temp.both ORDER BY profile_id;
\x
SELECT * FROM pg_temp.differs();
-- and taken back
SELECT cdp.undecide(:decision, 'mother and son') IS NOT NULL AS done;
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
SELECT * FROM pg_temp.differs();

-- merged by a record, and unmerged: the evidence is there, and refused
SELECT cdp.ingest('web', '{"type": "identify", "messageId": "m1", "anonymousId": "ck", "timestamp": "2026-05-23T09:00:00Z",
	"externalIds": [{"type": "anonymous_id", "id": "cl"}]}') = 101 AS ingested;
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
SELECT count(*) AS customers FROM pg_temp.both;
SELECT * FROM pg_temp.differs();
SELECT cdp.unmerge(101, '{email:lee@x.de,phone:+49301234567,crm_id:crm/77,anonymous_id:cl}', 'mother and son');
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
SELECT * FROM pg_temp.differs();
-- what became of their rows: the record is Kim's, so she was seen by it
SELECT profile_id, now.key AS column, first.value AS was, now.value AS is
FROM cdp.profile_current AS current
JOIN pg_temp.first_current USING (profile_id),
	LATERAL jsonb_each(to_jsonb(current)) AS now
JOIN LATERAL jsonb_each(to_jsonb(first_current)) AS first USING (key)
WHERE now.value <> first.value ORDER BY 1, 2;
-- merged again as the unmerge is undone; then the record is taken back
SELECT max(action_id) AS action FROM cdp.steward_action \gset
SELECT cdp.undo_action(:action, 'one after all') IS NOT NULL AS done;
CALL cdp.merge();
SELECT count(*) AS customers FROM pg_temp.both;
SELECT max(set_id) AS set FROM cdp.identifier_set \gset
SELECT cdp.retract(:set, 'the browser of both') IS NOT NULL AS done;
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
SELECT * FROM pg_temp.differs();

-- parted by a decision, and one again
SELECT cdp.decide('user_id:kim', 'anonymous_id:ck', 'never', 'a browser in a library') AS decision \gset
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
SELECT * FROM pg_temp.differs();
SELECT cdp.undecide(:decision, 'her own') IS NOT NULL AS done;
CALL cdp.merge();
SELECT cdp.refresh_scores() > 50 AS scored;
CALL cdp.merge();
SELECT * FROM pg_temp.differs();

-- all of it survives a rebuild
CREATE TEMP TABLE before_rebuild AS SELECT * FROM pg_temp.state();
CALL cdp.rebuild();
SELECT now.name FROM pg_temp.state() AS now JOIN pg_temp.before_rebuild AS before USING (name)
WHERE now.digest <> before.digest ORDER BY now.name COLLATE "C";
SELECT ok FROM cdp.verify_identity();
