CREATE FUNCTION cdp._explain(
	predicate cdp.predicate,
	context jsonb,
	as_of timestamptz,
	profile_id bigint DEFAULT NULL,
	timeline cdp.timeline DEFAULT NULL,
	later_timelines cdp.timeline[] DEFAULT NULL,
	facts cdp._profile_facts DEFAULT NULL,
	OUT line integer,
	OUT depth integer,
	OUT node text,
	OUT truth text,
	OUT value text,
	OUT decides boolean)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'cdp__explain';
COMMENT ON FUNCTION cdp._explain IS
'the tree of a predicate with what it is worth for a profile; all it needs to know is in its arguments';

CREATE FUNCTION cdp._explain_membership(
	profile_id bigint,
	predicate cdp.predicate,
	as_of timestamptz)
RETURNS TABLE (line integer, node text, truth text, value text, decides boolean)
LANGUAGE plpgsql STABLE ROWS 20
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	live bigint := cdp._unrestricted(cdp.resolve($1));
	context jsonb := cdp._evaluation_context();
	from_log cdp.timeline[];
BEGIN
	IF cdp._has_undeclared(array_remove(ARRAY[$2], NULL), context) THEN
		context := cdp._wide_context(ARRAY[$2], context);
		from_log := (
			SELECT packed.chunks
			FROM cdp._pack_few(context, cdp._asked_events(ARRAY[$2], context),
				ARRAY[live]) AS packed);
		from_log := coalesce(from_log, '{}');
	END IF;
	RETURN QUERY
	SELECT told.line, told.node, told.truth, told.value, told.decides
	FROM cdp.profile_current AS current
	LEFT JOIN cdp.timeline_chunk AS first
		ON first.profile_id = current.profile_id AND first.chunk = 1
	LEFT JOIN cdp.profile_score AS score
		ON score.profile_id = current.profile_id
	CROSS JOIN LATERAL cdp._explain($2, context, $3, current.profile_id,
		CASE WHEN from_log IS NULL THEN first.data ELSE from_log[1] END,
		CASE WHEN from_log IS NULL THEN (
			SELECT array_agg(later.data ORDER BY later.chunk)
			FROM cdp.timeline_chunk AS later
			WHERE later.profile_id = current.profile_id AND later.chunk > 1)
		ELSE from_log[2:] END,
		cdp._facts(current, score, (
			SELECT held.channels FROM cdp._suppressed AS held
			WHERE held.profile_id = current.profile_id))) AS told
	WHERE current.profile_id = live
	ORDER BY told.line;
END
$$;
COMMENT ON FUNCTION cdp._explain_membership(bigint, cdp.predicate, timestamptz) IS
'what the doors cdp.explain_membership() do';

CREATE FUNCTION cdp._segment_predicate(segment text) RETURNS cdp.predicate
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_predicate cdp.predicate;
BEGIN
	SELECT defined.predicate INTO found_predicate
	FROM cdp.segment_definition AS defined
	WHERE defined.name = $1;
	IF NOT FOUND AND $1 IS NOT NULL THEN
		RAISE EXCEPTION 'there is no segment "%"', $1
			USING ERRCODE = 'undefined_object',
				DETAIL = 'Segments are rows of cdp.segment.',
				HINT = 'A predicate is told apart by its type: cdp.predicate ''orders > 3''.';
	END IF;
	RETURN found_predicate;
END
$$;
COMMENT ON FUNCTION cdp._segment_predicate(text) IS
'how a segment is defined now; raises if there is none of that name';
