-- Restriction, rectification, and looking for a value.
--
-- Who is restricted (GDPR, article 18) is only kept: evidence goes on coming in
-- and being judged, but there is no row of cdp.profile_current, from which
-- segments, audiences, reports and computed traits are made, and no score.  A
-- restriction is lifted as it was laid on, and all that is derived comes back.

CREATE FUNCTION cdp._restrict_subject(profile_id bigint, restricted boolean, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	whom record;
	hashes bytea[];
	request bigint;
BEGIN
	PERFORM cdp._begin_action($3);
	live := cdp._profile_to_change($1);
	IF cdp._is_restricted(live) = $2 THEN
		RAISE EXCEPTION 'profile % is % already', live, CASE WHEN $2 THEN 'restricted' ELSE 'not restricted' END
			USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	SELECT * INTO whom FROM cdp._find_subject(live);
	hashes := ARRAY(SELECT own.key_hash FROM cdp._identifier_hashes(whom.members) AS own);
	request := cdp._begin_request(CASE WHEN $2 THEN 'restrict' ELSE 'unrestrict' END, hashes, $3);
	IF $2 THEN
		INSERT INTO cdp.restriction (identifier_id, request_id)
		SELECT id, request FROM unnest(whom.members) AS id;
		PERFORM cdp._erase_scores(whom.leaves);
	ELSE
		DELETE FROM cdp.restriction WHERE identifier_id = ANY (whom.members);
	END IF;
	PERFORM cdp._refresh_profiles(ARRAY[live]);
	PERFORM cdp._score_profiles(ARRAY[live]);
	PERFORM cdp._evaluate_profiles(ARRAY[live]);
	PERFORM cdp._close_request(request, hashes, $3,
		jsonb_build_object('identifier', cardinality(whom.members)), NULL);
	RETURN request;
END
$$;
COMMENT ON FUNCTION cdp._restrict_subject(bigint, boolean, text) IS
'what the doors cdp.restrict_subject() and cdp.unrestrict_subject() do';

CREATE FUNCTION cdp._rectify_trait(profile_id bigint, name text, value jsonb, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	hashes bytea[];
	request bigint;
BEGIN
	PERFORM cdp._begin_action($4);
	live := cdp._profile_to_change($1);
	hashes := ARRAY(SELECT own.key_hash FROM cdp._identifier_hashes(
		(SELECT found.members FROM cdp._find_subject(live) AS found)) AS own);
	request := cdp._begin_request('rectify', hashes, $4);
	PERFORM cdp.pin_trait(live, $2, $3, $4);
	PERFORM cdp._close_request(request, hashes, $4, jsonb_build_object('trait_pin', 1), NULL);
	RETURN request;
END
$$;
COMMENT ON FUNCTION cdp._rectify_trait(bigint, text, jsonb, text) IS
'what the door cdp.rectify_subject() does for a trait';

CREATE FUNCTION cdp._check_rectified(type text, scope text, value text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cdp.tombstone
			WHERE key_hash = cdp._keyed_hash(cdp._hash_key(), cdp._suppression_key($1, $2, $3))) THEN
		RAISE EXCEPTION 'that identifier of type "%" was erased', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'cdp.readmit_identifier() lets it in again.';
	END IF;
	IF EXISTS (SELECT FROM cdp.identifier JOIN cdp.identifier_type AS known USING (type_id)
			WHERE known.type = $1 AND identifier.scope = $2 AND identifier.value = $3) THEN
		RAISE EXCEPTION 'that identifier of type "%" is known already', $1
			USING ERRCODE = 'unique_violation',
				HINT = 'If it is of the same person, cdp.decide(a, b, ''always'', reason) says so; cdp.unmerge() parts the wrong one.';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_rectified(text, text, text) IS
'raise if an identifier cannot take that value';

CREATE FUNCTION cdp._find_wrong_identifier(profile_id bigint, type text, value text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_id bigint := (
		SELECT min(identifier.identifier_id)
		FROM cdp._profile_members($1) AS member
		JOIN cdp.identifier USING (identifier_id)
		JOIN cdp.identifier_type AS known USING (type_id)
		WHERE known.type = $2 AND identifier.value = cdp._normal_value($2, $3, NULL));
BEGIN
	IF found_id IS NULL THEN
		RAISE EXCEPTION 'profile % has no such identifier of type "%"', $1, $2
			USING ERRCODE = 'undefined_object',
				HINT = 'See cdp.profile_identifier.';
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cdp._find_wrong_identifier(bigint, text, text) IS
'an identifier of a live profile, as somebody wrote it';

CREATE FUNCTION cdp._copy_suppressions(old_hash bytea, new_hash bytea) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO cdp.suppression (key_hash, channel, type, reason, until, created_at, actor)
	SELECT $2, held.channel, held.type, held.reason, held.until, held.created_at, held.actor
	FROM cdp.suppression AS held
	WHERE held.key_hash = $1
	ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION cdp._copy_suppressions(bytea, bytea) IS
'let objections against contacting an identifier count for another';

-- The identifier keeps its number, and with it all the evidence that names it;
-- who objected under the wrong value has objected.
-- Ingest is held off: a record that brings the new value waits, and finds it.
CREATE FUNCTION cdp._rectify_identifier(profile_id bigint, type text, wrong text, correct text, reason text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	live bigint;
	wrong_id bigint;
	wrong_hash bytea;
	hashes bytea[];
	request bigint;
BEGIN
	PERFORM cdp._begin_action($5);
	PERFORM cdp._hold_ingest();
	live := cdp._profile_to_change($1);
	wrong_id := cdp._find_wrong_identifier(live, $2, $3);
	PERFORM cdp._check_rectified($2, scope, cdp._normal_value($2, $4, NULL))
	FROM cdp.identifier WHERE identifier_id = wrong_id;
	wrong_hash := (SELECT own.key_hash FROM cdp._identifier_hashes(ARRAY[wrong_id]) AS own);
	UPDATE cdp.identifier SET value = cdp._normal_value($2, $4, NULL) WHERE identifier_id = wrong_id;
	PERFORM cdp._copy_suppressions(wrong_hash, own.key_hash)
	FROM cdp._identifier_hashes(ARRAY[wrong_id]) AS own;
	-- Rules may block the one value and not the other.
	PERFORM cdp._reflag(ARRAY[wrong_id]);
	PERFORM cdp._rejudge(ARRAY[wrong_id]);
	live := cdp.resolve(live);
	DELETE FROM cdp.contact_point AS point WHERE point.profile_id = live;
	hashes := ARRAY(SELECT own.key_hash FROM cdp._identifier_hashes(
		(SELECT found.members FROM cdp._find_subject(live) AS found)) AS own);
	request := cdp._begin_request('rectify', hashes, $5);
	IF EXISTS (SELECT FROM cdp.trait WHERE trait.name = $2) THEN
		PERFORM cdp.pin_trait(live, $2, to_jsonb($4), $5);
	END IF;
	PERFORM cdp._refresh_profiles(ARRAY[live]);
	PERFORM cdp._close_request(request, hashes, $5, jsonb_build_object('identifier', 1), NULL);
	RETURN request;
END
$$;
COMMENT ON FUNCTION cdp._rectify_identifier(bigint, text, text, text, text) IS
'what the door cdp.rectify_subject() does for an identifier';

-- Every column that may hold text, whatever its type; partitions with their
-- tables.
CREATE FUNCTION cdp._find_value(value text)
RETURNS TABLE (table_name text, column_name text, rows bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	looked record;
BEGIN
	PERFORM cdp._check_store();
	IF length(btrim($1)) < 3 OR $1 IS NULL THEN
		RAISE EXCEPTION 'a value to look for has at least three characters'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	FOR looked IN
		SELECT class.oid::regclass AS relation, class.relname, attribute.attname
		FROM cdp._store_tables() AS store (relation)
			JOIN pg_class AS class ON class.oid = store.relation
			JOIN pg_attribute AS attribute ON attrelid = class.oid
			JOIN pg_type AS type ON type.oid = atttypid
		WHERE attnum > 0 AND NOT attisdropped AND class.relname <> 'secret_key'
			AND (type.typcategory = 'S' OR type.oid IN (
				'jsonb'::regtype, 'text[]'::regtype, 'cdp.timeline'::regtype,
				'cdp.predicate'::regtype, 'cdp.predicate[]'::regtype))
		ORDER BY class.relname, attnum
	LOOP
		EXECUTE format('SELECT count(*) FROM %s WHERE strpos(lower(%I::text), lower($1)) > 0',
			looked.relation, looked.attname) INTO rows USING $1;
		IF rows > 0 THEN
			table_name := looked.relname;
			column_name := looked.attname;
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp._find_value(text) IS
'what the door cdp.find_value() does';
