-- Search in free text: notes, chats and answers to surveys are properties of
-- events, and those that are marked as text can be searched.
--
-- A mark is a row of cdp.text_property and a full-text index over the log, for
-- events of that name only.  The index belongs to the partitioned table, so
-- months that are made later have it.  Searches use the configuration that the
-- index was made with.
--
-- A full-text vector holds at most a megabyte, and one text beyond that would
-- stop the merge run: what follows the first 100000 characters is not found.

CREATE TABLE cdp.text_property (
	event text COLLATE "C" NOT NULL,
	property text COLLATE "C" NOT NULL,
	configuration text NOT NULL,
	PRIMARY KEY (event, property)
);
COMMENT ON TABLE cdp.text_property IS
'properties of events whose text can be searched; made by cdp.index_text()';
COMMENT ON COLUMN cdp.text_property.configuration IS
'text search configuration of the index: how text becomes words';

CREATE FUNCTION cdp._text_index(event text, property text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('event_text_%s_idx', left(md5(format('%I.%I', $1, $2)), 16))
$$;
COMMENT ON FUNCTION cdp._text_index(text, text) IS
'the name of the index over a property of an event';

-- The index serves queries that have this very expression.
CREATE FUNCTION cdp._text_vector(property text, configuration text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('to_tsvector(%L::regconfig, left(properties ->> %L, 100000))', $2, $1)
$$;
COMMENT ON FUNCTION cdp._text_vector(text, text) IS
'the expression that a text index is over';

-- Indexing and ingest both lock event_other before any other table (see
-- cdp._make_event_months()).
CREATE FUNCTION cdp.index_text(event text, property text, configuration regconfig DEFAULT 'simple')
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present text;
BEGIN
	PERFORM cdp._check_store();
	IF $1 IS NULL OR $2 IS NULL OR $3 IS NULL THEN
		RAISE EXCEPTION 'event, property and configuration of cdp.index_text() must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	LOCK TABLE cdp.event_other IN SHARE MODE;
	SELECT marked.configuration INTO present
	FROM cdp.text_property AS marked
	WHERE marked.event = $1 AND marked.property = $2;
	IF present = $3::text THEN
		RETURN;
	END IF;
	IF present IS NOT NULL THEN
		RAISE EXCEPTION 'property "%" of event "%" is indexed already', $2, $1
			USING ERRCODE = 'duplicate_object',
				DETAIL = format('Its text search configuration is "%s".', present),
				HINT = format('Run SELECT cdp.unindex_text(%L, %L) first.', $1, $2);
	END IF;
	EXECUTE format('CREATE INDEX %I ON cdp.event USING gin (%s) WHERE name = %L',
		cdp._text_index($1, $2), cdp._text_vector($2, $3::text), $1);
	INSERT INTO cdp.text_property (event, property, configuration)
	VALUES ($1, $2, $3::text);
END
$$;
COMMENT ON FUNCTION cdp.index_text(text, text, regconfig) IS
'mark a property of an event as text, so that cdp.search_text() finds it; events cannot be written meanwhile';

CREATE FUNCTION cdp.unindex_text(event text, property text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_store();
	LOCK TABLE cdp.event_other IN ACCESS EXCLUSIVE MODE;
	DELETE FROM cdp.text_property AS marked
	WHERE marked.event = $1 AND marked.property = $2;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	EXECUTE format('DROP INDEX cdp.%I', cdp._text_index($1, $2));
	RETURN true;
END
$$;
COMMENT ON FUNCTION cdp.unindex_text(text, text) IS
'drop the index that cdp.index_text() made; false if there is none';

-- Its parameters are the words and the limit.
CREATE FUNCTION cdp._text_query(event text, property text, configuration text)
RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format(
		'(SELECT owner.profile_id, event.event_id, event.name::text AS name,'
		' %1$L AS property, event.occurred_at::timestamptz AS occurred_at,'
		' properties ->> %1$L AS body, wanted.query, %2$L::regconfig AS configuration,'
		' ts_rank(%3$s, wanted.query) AS rank'
		' FROM websearch_to_tsquery(%2$L::regconfig, $1) AS wanted (query)'
		' CROSS JOIN cdp.event'
		' JOIN cdp.source ON source.source_id = event.source_id'
		' JOIN cdp._set_profile AS owner ON owner.set_id = event.set_id'
		' WHERE event.name = %4$L AND %3$s @@ wanted.query'
		' AND (source.retention IS NULL'
		' OR event.occurred_at > cdp._kept_after(source.retention))'
		' AND owner.profile_id NOT IN (SELECT kept.profile_id'
		' FROM cdp._restricted_profile AS kept)'
		' ORDER BY rank DESC, event.occurred_at DESC, event.event_id DESC LIMIT $2)',
		$2, $3, cdp._text_vector($2, $3), $1)
$$;
COMMENT ON FUNCTION cdp._text_query(text, text, text) IS
'the statement that searches one property of one event';

CREATE FUNCTION cdp.search_text(
	query text,
	event text DEFAULT NULL,
	property text DEFAULT NULL,
	"limit" bigint DEFAULT 100)
RETURNS TABLE (profile_id bigint, event_id bigint, name text, property_name text,
	occurred_at timestamptz, headline text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	queries text;
BEGIN
	PERFORM cdp._check_store();
	SELECT string_agg(cdp._text_query(marked.event, marked.property, marked.configuration),
		' UNION ALL ')
	INTO queries
	FROM cdp.text_property AS marked
	WHERE marked.event = coalesce($2, marked.event)
		AND marked.property = coalesce($3, marked.property);
	IF queries IS NULL THEN
		RAISE EXCEPTION 'that text is not indexed'
			USING ERRCODE = 'undefined_object',
				DETAIL = 'Only the properties in cdp.text_property can be searched.',
				HINT = format('Run SELECT cdp.index_text(%L, %L).',
					coalesce($2, 'event'), coalesce($3, 'property'));
	END IF;
	RETURN QUERY EXECUTE format(
		'SELECT profile_id, event_id, name, property, occurred_at,'
		' ts_headline(configuration, left(body, 100000), query)'
		' FROM (SELECT * FROM (%s) AS every'
		' ORDER BY rank DESC, occurred_at DESC, event_id DESC, property LIMIT $2) AS best'
		' ORDER BY rank DESC, occurred_at DESC, event_id DESC, property', queries)
	USING $1, $4;
END
$$;
COMMENT ON FUNCTION cdp.search_text(text, text, text, bigint) IS
'events whose text has these words, as one types them into a web search ("in quotes", or, -not): best first, then newest; headline is an extract with the words in <b> and </b>, not escaped for HTML';

REVOKE ALL ON FUNCTION cdp.index_text(text, text, regconfig),
	cdp.unindex_text(text, text), cdp.search_text(text, text, text, bigint)
	FROM PUBLIC;
