-- Roles: who may do what, kind by kind, as rows in one place.
--
-- Kinds are what people come for; the objects of a kind are views and doors,
-- never tables with personal data.  cdp.grant_role() grants them to a role
-- that exists already; it makes none.  An operator is a member of the role
-- that owns the store, and needs no list.
CREATE FUNCTION cdp._role_matrix()
RETURNS TABLE (kind text, privilege text, object text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	SELECT v.kind, v.privilege, unnest(v.objects)
	FROM (VALUES
		-- figures without identifiers
		('reader', 'SELECT', ARRAY['profile_metric', 'segment_member', 'profile_id_map',
			'profile_order', 'profile_return', 'score', 'model_feature', 'contract', 'rfm',
			'lifecycle', 'segment', 'segment_history', 'audience', 'destination', 'purpose',
			'channel', 'catalog', 'event_product', 'profile_session', 'ingest_count', 'run',
			'health', 'identity_benchmark', 'experiment', 'experiment_assignment',
			'interest_weight', 'usual_interest', 'product_pair', 'channel_rule', 'usual_response',
			'journey_rule', 'campaign', 'deal', 'pipeline_stage', 'lookalike_feature', 'taxonomy',
			'taxonomy_item', 'taxonomy_path', 'contact_limit']),
		('reader', 'EXECUTE', ARRAY['audience_funnel', 'experiment_result', 'overlap',
			'predicate_check', 'rough_size', 'segment_diff', 'waterfall', 'previous_purchase',
			'interests', 'intent', 'recommend', 'channel_preference', 'journey_stage',
			'journey_flow', 'attribution', 'funnel', 'forecast', 'forecast_backtest',
			'lookalike_report', 'best_sellers', 'audience_reach', 'classify', 'model_report',
			'model_calibration', 'score_reasons']),
		-- those who may be reached, and the customer at the counter
		('crm', 'SELECT', ARRAY['audience_member', 'audience_arm', 'experiment', 'crm_contact',
			'profile_metric', 'segment_member', 'profile_id_map', 'profile_order', 'profile_return',
			'score', 'contract', 'segment', 'audience', 'destination', 'purpose', 'channel',
			'catalog', 'event_product', 'computed_trait', 'profile_computed_trait',
			'profile_session', 'campaign', 'deal', 'pipeline_stage', 'crm_outbox',
			'next_action_rule', 'ticket_status', 'interaction_type', 'crm_field', 'crm_duplicate']),
		('crm', 'EXECUTE', ARRAY['audience_funnel', 'experiment_arm', 'experiment_result',
			'computed_traits_of', 'why_not', 'memberships', 'profile', 'consent', 'record_consent',
			'suppress', 'previous_purchase', 'interests', 'intent', 'recommend',
			'channel_preference', 'journey_stage', 'attribution', 'deals_of', 'open_deals', 'funnel',
			'forecast', 'permissions_of', 'contact_state',
			'forecast_backtest', 'interaction_history', 'next_action', 'best_sellers', 'contact_of',
			'model_report', 'score_reasons']),
		-- those who may be reached
		('activation', 'SELECT', ARRAY['audience_member', 'audience_contactable', 'audience_arm',
			'audience', 'destination', 'lookalike_feature', 'taxonomy', 'taxonomy_item',
			'taxonomy_path', 'contact_limit']),
		('activation', 'EXECUTE', ARRAY['audience_funnel', 'audience_delta', 'audience_ack',
			'predicate_check', 'rough_size', 'suppress', 'lookalike', 'lookalike_report',
			'audience_reach', 'browsing', 'classify']),
		-- whose data it is, and what is wrong with it
		('steward', 'SELECT', ARRAY['unified_profile', 'profile_metric', 'profile_identifier',
			'profile_trait', 'profile_trait_history', 'profile_event', 'profile_order',
			'profile_return', 'profile_id_map', 'computed_trait', 'profile_computed_trait',
			'segment_member', 'segment', 'segment_history', 'score', 'contract', 'identity_log',
			'conflict', 'decision', 'steward_action', 'profile_group', 'group_kind',
			'identity_benchmark', 'identifier_type', 'blocked_value', 'reject', 'ingest_warning',
			'purpose', 'channel', 'consent_document', 'catalog', 'run', 'health', 'text_property']),
		('steward', 'EXECUTE', ARRAY['profile', 'resolve', 'find_profile', 'memberships',
			'search_text', 'explain_identity', 'weak_links', 'profile_graph', 'identity_at',
			'identity_history', 'explain_membership', 'suggest_blocked', 'block_value',
			'unblock_value', 'preview_rules', 'decide', 'undecide', 'unmerge', 'retract',
			'unretract', 'undo_action', 'pin_trait', 'unpin_trait', 'lineage', 'record_consent',
			'consent', 'consent_at', 'consent_receipt', 'add_consent_document', 'suppress',
			'unsuppress', 'why_not', 'computed_traits_of', 'overlap', 'segment_diff', 'waterfall',
			'audience_funnel', 'convert_amounts', 'previous_purchase', 'interests', 'intent',
			'recommend', 'channel_preference', 'journey_stage', 'score_reasons']),
		-- what people ask about their own data
		('privacy', 'SELECT', ARRAY['privacy_request', 'erasure', 'profile_id_map',
			'profile_identifier', 'purpose', 'channel', 'retention_rule', 'health']),
		('privacy', 'EXECUTE', ARRAY['find_profile', 'resolve', 'request_privacy', 'close_request',
			'export_subject', 'erase_subject', 'restrict_subject', 'unrestrict_subject',
			'rectify_subject', 'find_value', 'readmit_identifier', 'record_consent', 'suppress',
			'unsuppress']),
		-- records in, nothing out
		('ingest', 'INSERT', ARRAY['inbox']),
		('ingest', 'EXECUTE', ARRAY['ingest', 'ingest_batch']),
		-- what was done, by whom and why
		('auditor', 'SELECT', ARRAY['consent_log', 'consent_state', 'consent_document', 'purpose',
			'channel', 'suppression', 'identity_log', 'conflict', 'decision', 'steward_action',
			'membership_change', 'segment', 'segment_version', 'segment_history', 'audience',
			'destination', 'release_log', 'privacy_request', 'run', 'setting', 'store']),
		('auditor', 'EXECUTE', ARRAY['memberships', 'audience_funnel', 'overlap', 'segment_diff',
			'waterfall', 'why_not', 'consent', 'consent_at', 'consent_receipt'])
	) AS v (kind, privilege, objects);
END;
COMMENT ON FUNCTION cdp._role_matrix() IS
'what each kind of role may do: privilege by table or view, EXECUTE by door';

-- The matrix met with what the store has: a door is granted with all its
-- signatures, cdp.audience_member with the views of single audiences.
CREATE FUNCTION cdp._role_grants(kind text)
RETURNS TABLE (privilege text, object text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT matrix.privilege, format('TABLE %I.%I', 'cdp', class.relname)
	FROM cdp._role_matrix() AS matrix
		JOIN pg_class AS class ON class.relname = matrix.object
			AND class.relnamespace = 'cdp'::regnamespace
			AND class.relkind IN ('r', 'p', 'v', 'm')
	WHERE matrix.kind = $1 AND matrix.privilege <> 'EXECUTE'
	UNION ALL
	SELECT matrix.privilege, format('TABLE %I.%I', 'cdp', made.view_name)
	FROM cdp._role_matrix() AS matrix CROSS JOIN cdp.audience_view AS made
	WHERE matrix.kind = $1 AND matrix.object = 'audience_member'
	UNION ALL
	SELECT 'EXECUTE', format('FUNCTION %s', proc.oid::regprocedure)
	FROM cdp._role_matrix() AS matrix
		JOIN pg_proc AS proc ON proc.proname = matrix.object
			AND proc.pronamespace = 'cdp'::regnamespace AND proc.prosecdef
	WHERE matrix.kind = $1 AND matrix.privilege = 'EXECUTE'
$$;
COMMENT ON FUNCTION cdp._role_grants(text) IS
'what there is to grant to a role of that kind';

CREATE FUNCTION cdp._check_role(role text, kind text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF $2 IS NULL OR $2 <> 'operator'
			AND NOT EXISTS (SELECT FROM cdp._role_matrix() AS matrix WHERE matrix.kind = $2) THEN
		RAISE EXCEPTION 'unknown kind of role "%"', coalesce($2, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'A kind is reader, crm, activation, steward, privacy, ingest, operator or auditor.';
	END IF;
	IF $1 IS NULL THEN
		RAISE EXCEPTION 'the role must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Give the name of a role that exists.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) THEN
		RAISE EXCEPTION 'role "%" does not exist', $1
			USING ERRCODE = 'undefined_object',
				HINT = format('Run CREATE ROLE %I.', $1);
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_role(text, text) IS 'raise unless both exist';

CREATE FUNCTION cdp._store_owner() RETURNS name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'cdp.store'::regclass
$$;
COMMENT ON FUNCTION cdp._store_owner() IS 'the role that owns the store';

-- The schema belongs to whoever made the extension, perhaps not to the owner
-- of the store.
CREATE FUNCTION cdp._grant_schema_usage(role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF has_schema_privilege($1, 'cdp', 'USAGE') THEN
		RETURN;
	END IF;
	IF NOT has_schema_privilege('cdp', 'USAGE WITH GRANT OPTION') THEN
		RAISE EXCEPTION 'permission denied to grant usage of schema cdp'
			USING ERRCODE = 'insufficient_privilege',
				HINT = format('Run GRANT USAGE ON SCHEMA cdp TO %I as the schema''s owner first.', $1);
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA cdp TO %I', $1);
END
$$;
COMMENT ON FUNCTION cdp._grant_schema_usage(text) IS
'let a role see into schema cdp';

-- Who is a member of the owner can become the owner, with all its powers: so
-- an owner with power over the whole server is given to nobody.
CREATE FUNCTION cdp._check_owner_grantable(owner name) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_roles AS held
		WHERE (held.rolsuper OR held.rolcreaterole)
			AND pg_has_role($1, held.oid, 'MEMBER'))
	THEN
		RAISE EXCEPTION 'cannot make an operator of a store that role "%" owns', $1
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'An operator is a member of the owner, and this owner is a superuser or may create roles: the operator could do all that too.',
				HINT = 'Let a role of its own own the store: CREATE ROLE app; CREATE SCHEMA cdp AUTHORIZATION app, then CREATE EXTENSION cdp and, as app, cdp.setup().';
	END IF;
END
$$;
COMMENT ON FUNCTION cdp._check_owner_grantable(name) IS
'raise if members of the role that owns the store would rule the whole server';

CREATE FUNCTION cdp._grant_owner(owner name, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cdp._check_owner_grantable($1);
	EXECUTE format('GRANT %I TO %I', $1, $2);
EXCEPTION WHEN insufficient_privilege THEN
	RAISE EXCEPTION 'permission denied to make role "%" an operator', $2
		USING ERRCODE = 'insufficient_privilege',
			DETAIL = format('An operator is a member of role "%s", which owns the store, and role "%s" has no ADMIN option on it.', $1, current_user),
			HINT = format('Run GRANT %I TO %I as a superuser or a role that has it.', $1, $2);
END
$$;
COMMENT ON FUNCTION cdp._grant_owner(name, text) IS
'make a role a member of the role that owns the store';

-- COPY cdp.inbox (source, record) and its default need nothing but INSERT.
CREATE FUNCTION cdp.grant_role(role text, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('grant roles');
	PERFORM cdp._check_role($1, $2);
	IF $2 = 'operator' THEN
		PERFORM cdp._grant_owner(cdp._store_owner(), $1);
		RETURN;
	END IF;
	PERFORM cdp._grant_schema_usage($1);
	FOR wanted IN SELECT privilege, object FROM cdp._role_grants($2) ORDER BY 2, 1 LOOP
		EXECUTE format('GRANT %s ON %s TO %I', wanted.privilege, wanted.object, $1);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cdp.grant_role(text, text) IS
'let a role work as reader, crm, activation, steward, privacy, ingest, operator or auditor; run it again after an upgrade';

-- The right to see into the schema came with the first kind and goes with the
-- last, so that DROP ROLE finds nothing; a right that somebody else gave stays.
CREATE FUNCTION cdp._revoke_schema_usage(role text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	whom oid := (SELECT pg_roles.oid FROM pg_roles WHERE rolname = $1);
BEGIN
	IF EXISTS (
		SELECT FROM pg_class, aclexplode(relacl) AS held
		WHERE relnamespace = 'cdp'::regnamespace AND held.grantee = whom
		UNION ALL
		SELECT FROM pg_proc, aclexplode(proacl) AS held
		WHERE pronamespace = 'cdp'::regnamespace AND held.grantee = whom)
		OR NOT has_schema_privilege('cdp', 'USAGE WITH GRANT OPTION')
	THEN
		RETURN;
	END IF;
	EXECUTE format('REVOKE USAGE ON SCHEMA cdp FROM %I', $1);
END
$$;
COMMENT ON FUNCTION cdp._revoke_schema_usage(text) IS
'no longer let a role see into schema cdp, unless it still may do something there';

CREATE FUNCTION cdp.revoke_role(role text, kind text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted record;
BEGIN
	PERFORM cdp._check_store();
	PERFORM cdp._check_store_owner('revoke roles');
	PERFORM cdp._check_role($1, $2);
	IF $2 = 'operator' THEN
		EXECUTE format('REVOKE %I FROM %I', cdp._store_owner(), $1);
		RETURN;
	END IF;
	FOR wanted IN SELECT privilege, object FROM cdp._role_grants($2) ORDER BY 2, 1 LOOP
		EXECUTE format('REVOKE %s ON %s FROM %I', wanted.privilege, wanted.object, $1);
	END LOOP;
	PERFORM cdp._revoke_schema_usage($1);
END
$$;
COMMENT ON FUNCTION cdp.revoke_role(text, text) IS
'take back what cdp.grant_role() gave; what another kind of the role shares with this one must be granted anew';
