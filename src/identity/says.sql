-- Identifiers and evidence in words, with what is personal left out.
--
-- In PL/pgSQL, which keeps plans: a giant has thousands of links, and what is
-- written in SQL but not inlined would be planned for each.

-- "ann@example.com" is told from others but not given away: "a...@e...com".
-- What a value is, not what its type is called, says how: user ids may be
-- addresses, and other systems write "@" as "%40".
CREATE FUNCTION cdp._mask(type text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN value ~ '@|%40' THEN regexp_replace(value,
		'^(.?).*?(?:@|%40)(.?)[^.]*(?:.*\.([^.]*))?$', '\1...@\2...\3')
	WHEN type = 'phone' OR value ~ '^\+[0-9]{7,15}$' THEN
		regexp_replace(value, '^(\+?..).*(..)$', '\1...\2')
	WHEN type = 'ip' THEN regexp_replace(value, '^([^.:]*).*$', '\1...')
	-- of a long random id its ends are enough to know it by
	WHEN length(value) > 24 THEN left(value, 8) || '...' || right(value, 4)
	ELSE value END;
COMMENT ON FUNCTION cdp._mask(text, text) IS
'an identifier''s value, with what is personal in it left out';

CREATE FUNCTION cdp._scoped_value(type text, scope text, value text, masked boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN scope <> '' THEN scope || '/' ELSE '' END
	|| CASE WHEN masked THEN cdp._mask(type, value) ELSE value END;
COMMENT ON FUNCTION cdp._scoped_value(text, text, text, boolean) IS
'value, or source/value where values are a source''s own; masked or not';

CREATE FUNCTION cdp._identifier_says(identifier_id bigint, masked boolean DEFAULT true)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT CASE type.type WHEN 'anonymous_id' THEN 'cookie'
				ELSE replace(type.type, '_', ' ') END || ' '
			|| cdp._scoped_value(type.type, identifier.scope, identifier.value, $2)
		FROM cdp.identifier
		JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier.identifier_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._identifier_says(bigint, boolean) IS
'an identifier as a sentence names it';

CREATE FUNCTION cdp._identifier_key(identifier_id bigint) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT type.type || ':'
			|| cdp._scoped_value(type.type, identifier.scope, identifier.value, true)
		FROM cdp.identifier
		JOIN cdp.identifier_type AS type USING (type_id)
		WHERE identifier.identifier_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._identifier_key(bigint) IS
'an identifier as type:value, masked';

CREATE FUNCTION cdp._day(at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN to_char($1 AT TIME ZONE coalesce(cdp._read_setting('time_zone'::text), 'UTC'), 'FMDD Mon YYYY');
END
$$;
COMMENT ON FUNCTION cdp._day(timestamptz) IS
'a day in the store''s time zone, as a sentence names it';

CREATE FUNCTION cdp._count_says(count bigint, noun text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN to_char($1, 'FM999,999,999,999,990') || ' ' || $2
		|| CASE WHEN $1 = 1 THEN '' ELSE 's' END;
END
$$;
COMMENT ON FUNCTION cdp._count_says(bigint, text) IS
'"1 link", "4,211 links"';

-- What was the record about?  Events are above this room, so they are looked
-- up late; there is an index on name and time, and there are few names.
CREATE FUNCTION cdp._event_says(set_id bigint, at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT replace(min(event.name), '_', ' ')
		FROM cdp.event_name
		JOIN cdp.event ON event.name = event_name.name
			AND event.occurred_at = $2::timestamptz(3)
		WHERE event.set_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._event_says(bigint, timestamptz) IS
'the name of the event that brought a set at that time; NULL: there was none';

-- "seen 14 times, last on 5 Nov 2026"
CREATE FUNCTION cdp._seen_says(records bigint, first_seen timestamptz, last_seen timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN $1 = 1 THEN 'seen once' ELSE 'seen ' || cdp._count_says($1, 'time') END
		|| CASE WHEN cdp._day($2) <> cdp._day($3) THEN ', last on ' || cdp._day($3) ELSE '' END;
END
$$;
COMMENT ON FUNCTION cdp._seen_says(bigint, timestamptz, timestamptz) IS
'how often something was seen, as a sentence says it';

CREATE FUNCTION cdp._set_says(
	set_id bigint,
	source_id integer,
	first_seen timestamptz,
	a text,
	b text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT CASE WHEN event.says IS NULL
			THEN format('%s put %s and %s on one record on %s',
				cdp._source_name($2), $4, $5, cdp._day($3))
			ELSE format('%s %s of %s put %s and %s on one record',
				cdp._source_name($2), event.says, cdp._day($3), $4, $5) END
		FROM cdp._event_says($1, $3) AS event (says));
END
$$;
COMMENT ON FUNCTION cdp._set_says(bigint, integer, timestamptz, text, text) IS
'a sentence: which record put two identifiers together';

CREATE FUNCTION cdp._decision_says(decision_id bigint, what text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT format('decided by %s on %s: %s', action.actor, cdp._day(action.at), $2)
			|| CASE WHEN action.reason <> '' THEN format(' ("%s")', action.reason) ELSE '' END
		FROM cdp.decision
		JOIN cdp.steward_action AS action USING (action_id)
		WHERE decision.decision_id = $1);
END
$$;
COMMENT ON FUNCTION cdp._decision_says(bigint, text) IS
'a sentence: who decided what, when and why';

-- A rule that refused a link, as it reads after "refused: ".
CREATE FUNCTION cdp._refusal_says(rule text, type_id integer) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE $1
		WHEN 'never' THEN 'never one customer, as decided'
		WHEN 'max_per_profile' THEN (SELECT format('a profile has at most %s %s', max_per_profile, type)
			FROM cdp.identifier_type AS limited WHERE limited.type_id = $2)
		WHEN 'joins_known' THEN coalesce((SELECT format('a %s joins no two known profiles', type)
			FROM cdp.identifier_type AS joining WHERE joining.type_id = $2),
			'it joins no two known profiles')
		ELSE $1 END;
END
$$;
COMMENT ON FUNCTION cdp._refusal_says(text, integer) IS
'the rule that refused a link, in words';

-- Why an identifier links nothing: the rule, and how a sentence goes on after
-- its name.  No row if it may link.
CREATE FUNCTION cdp._why_no_key(identifier_id bigint)
RETURNS TABLE (rule text, says text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT reason.rule, CASE reason.rule
		WHEN 'describes' THEN 'only describes: not a key'
		WHEN 'blocked' THEN 'is a blocked value: not a key'
		WHEN 'retracted' THEN 'has no evidence any more: all of it was retracted'
		WHEN 'shared' THEN format('is shared by %s people: not a key', cdp._shared_by($1))
		WHEN 'expired' THEN format('has expired, last seen on %s: not a key',
			(SELECT cdp._day(max(evidence.last_seen))
			FROM cdp.identifier_set_member AS member
			JOIN cdp.identifier_set AS evidence USING (set_id)
			WHERE member.identifier_id = $1 AND NOT evidence.retracted))
		END
	FROM cdp.identifier
	JOIN cdp.identifier_type AS type USING (type_id)
	CROSS JOIN LATERAL (SELECT CASE
		WHEN type.priority IS NULL OR NOT type.stitches THEN 'describes'
		WHEN identifier.blocked THEN 'blocked'
		WHEN identifier.leaf IS NULL THEN 'retracted'
		WHEN identifier.shared THEN 'shared'
		WHEN identifier.expired THEN 'expired' END) AS reason (rule)
	WHERE identifier.identifier_id = $1 AND reason.rule IS NOT NULL
$$;
COMMENT ON FUNCTION cdp._why_no_key(bigint) IS
'why an identifier links nothing: the rule, and words that go on after its name; no row if it may';

CREATE FUNCTION cdp._shared_by(identifier_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT count(*) AS people
		FROM cdp.identifier_strong AS pair
		JOIN cdp.identifier AS strong ON strong.identifier_id = pair.strong_id
		WHERE pair.weak_id = $1 AND strong.leaf IS NOT NULL AND NOT strong.expired
		GROUP BY strong.type_id, strong.scope
		ORDER BY people DESC
		LIMIT 1);
END
$$;
COMMENT ON FUNCTION cdp._shared_by(bigint) IS
'how many strong identifiers of one kind a shared one was seen with';
