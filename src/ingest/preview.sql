-- Mappings are tried out before they are used: the records go the way of
-- those that are taken in (preview.c), and nothing is written.
CREATE FUNCTION cdp._preview_records(
	source text,
	mapping jsonb,
	records text[],
	message_ids text[],
	OUT record integer,
	OUT part text,
	OUT field text,
	OUT value text,
	OUT becomes text,
	OUT problem text)
RETURNS SETOF record
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'cdp__preview_records';
COMMENT ON FUNCTION cdp._preview_records(text, jsonb, text[], text[]) IS
'what records would become; mapping NULL: the source''s own; message_ids are for records that have none';

-- The rows that a table source would begin with, as the merge run reads them.
CREATE FUNCTION cdp._sample_table(
	source text,
	OUT records text[],
	OUT message_ids text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
AS $$
DECLARE
	reading cdp.table_source;
BEGIN
	SELECT table_source.* INTO reading
	FROM cdp.table_source JOIN cdp.source USING (source_id)
	WHERE source.name = $1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	EXECUTE format(
		'SELECT array_agg(to_jsonb(source_row)::text), array_agg(concat_ws(''@'', %1$I, %2$s))'
		' FROM (SELECT * FROM %3$s ORDER BY %4$s%1$I LIMIT 10) AS source_row',
		reading.key, coalesce(quote_ident(reading.watermark), 'NULL'),
		reading.relation, quote_ident(reading.watermark) || ', ')
	INTO records, message_ids;
END
$$;
COMMENT ON FUNCTION cdp._sample_table(text) IS
'first rows of a table source and their message ids; nulls if it is none or empty';

-- A string stands for the text of a line, which need not be JSON.
CREATE FUNCTION cdp._sample_texts(sample jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(CASE WHEN jsonb_typeof(line) = 'string'
			THEN line #>> '{}' ELSE line::text END ORDER BY place), '{}')
	FROM jsonb_array_elements(CASE WHEN jsonb_typeof($1) = 'array'
			THEN $1 ELSE jsonb_build_array($1) END)
		WITH ORDINALITY AS sample (line, place)
$$;
COMMENT ON FUNCTION cdp._sample_texts(jsonb) IS
'texts of the records in a sample: one, or an array of them';

CREATE FUNCTION cdp.preview_mapping(
	source text,
	mapping jsonb DEFAULT NULL,
	sample jsonb DEFAULT NULL)
RETURNS TABLE (record integer, part text, field text, value text,
	becomes text, problem text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	records text[] := cdp._sample_texts(preview_mapping.sample);
	message_ids text[];
BEGIN
	PERFORM cdp._check_store();
	IF preview_mapping.source IS NULL THEN
		RAISE EXCEPTION 'source of cdp.preview_mapping() must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Make one with cdp.add_source(); its mapping may be given later.';
	END IF;
	PERFORM cdp._check_mapping(preview_mapping.mapping);
	PERFORM cdp._check_mapping_types(preview_mapping.mapping);
	IF records IS NULL THEN
		SELECT * INTO records, message_ids
		FROM cdp._sample_table(preview_mapping.source);
	END IF;
	IF records IS NULL THEN
		SELECT array_agg(waiting.record ORDER BY inbox_id) INTO records
		FROM (SELECT inbox_id, inbox.record FROM cdp.inbox
			WHERE inbox.source = preview_mapping.source
			ORDER BY inbox_id LIMIT 10) AS waiting;
	END IF;
	IF records IS NULL THEN
		SELECT array_agg(kept.record ORDER BY reject_id) INTO records
		FROM (SELECT reject_id, reject.record FROM cdp.reject
			WHERE reject.source = preview_mapping.source
			ORDER BY reject_id LIMIT 10) AS kept;
	END IF;
	RETURN QUERY
	SELECT * FROM cdp._preview_records(preview_mapping.source,
		preview_mapping.mapping, coalesce(records, '{}'),
		coalesce(message_ids, '{}'));
	IF records IS NULL THEN
		RAISE NOTICE 'there is no record of source "%" to preview', preview_mapping.source
			USING HINT = 'Give a record, or an array of records, as sample.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp.preview_mapping(text, jsonb, jsonb) IS
'what records would become, loading nothing: a row for each field, warning, unmapped field or reject; mapping NULL: the source''s own; sample NULL: first rows of its table, else its records that wait in the inbox, else its rejects';
