-- identity_load.sql: one of six stores takes the records, in turn :turn, by
-- :batch at a time; 0: one call of cdp.ingest() each.  Prints a row for
-- household.answer.
SELECT cdp.add_source('shop') \g /dev/null
SELECT :batch = 0 AS one_by_one \gset
\if :one_by_one
	SELECT cdp.ingest('shop', line::jsonb)
	FROM (SELECT line FROM household.record ORDER BY household.place(:turn, record, at)) AS sorted \g /dev/null
	CALL cdp.merge();
\else
	INSERT INTO cdp.inbox (source, record)
	SELECT 'shop', line FROM household.record ORDER BY household.place(:turn, record, at);
	CALL cdp.merge(batch => :batch);
\endif

-- Who a record is credited to, and who most of that customer's records are of.
WITH credited AS (
	SELECT profile.root AS customer, person
	FROM household.record
		JOIN cdp.event ON message_id = 'm' || record.record
		JOIN cdp.identifier_set USING (set_id)
		JOIN cdp.identifier ON identifier.identifier_id = owner
		JOIN cdp.profile ON profile.profile_id = leaf
	WHERE NOT shared
), counted AS (
	SELECT customer, sum(count) - max(count) AS wrong
	FROM (SELECT customer, person, count(*) FROM credited GROUP BY customer, person) AS cell
	GROUP BY customer
), part AS (
	SELECT string_agg(type || ':' || value, ' ' ORDER BY type, value) AS line
	FROM cdp.profile_identifier
	GROUP BY profile_id
)
SELECT 'cdp', :turn, CASE :batch WHEN 0 THEN 'one by one' ELSE :batch || ' at a time' END,
	(SELECT count(DISTINCT profile_id) FROM cdp.profile_identifier WHERE NOT shared),
	(SELECT sum(wrong) FROM counted),
	(SELECT md5(string_agg(line, chr(10) ORDER BY line COLLATE "C")) FROM part);
