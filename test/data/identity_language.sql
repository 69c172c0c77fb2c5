-- Histories as text; part of identity_histories.sql.
-- A step as a line:
--	4 crm crm_id:7 email:ann@x.de		a record of 4 May 2026, or of a time
--	never email:ann@x.de crm_id:crm/7	always, undecide alike
--	block device_id:d1					unblock, block_row, unblock_row alike
--	retract crm crm_id:7 email:ann@x.de	unretract alike
--	unmerge email:ann@x.de phone:+493012345
--	rule email max_per_profile 2		-: none; change alike
--	clock 2026-07-30T00:00, work 3, stitch, queue, drain, rebuild, undo_unmerge
CREATE FUNCTION identity_test.read_key(word text, source text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE
RETURN format(CASE WHEN word IS NULL THEN NULL WHEN strpos(word, '/') > 0 THEN '%s:%3$s' ELSE '%s:%s/%s' END,
	identity_test.key_type(word), cdp._identifier_scope(identity_test.key_type(word), source),
	substr(word, strpos(word, ':') + 1));

CREATE FUNCTION identity_test.read_time(word text) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN word ~ '^-?\d+$' THEN timestamptz '2026-05-01 00:00:00+00'
	+ (word::integer - 1) * interval '1 day' ELSE (word || '+00')::timestamptz END;

CREATE FUNCTION identity_test.read_step(line text, OUT step identity_test.step)
LANGUAGE plpgsql AS $$
DECLARE
	words text[] := regexp_split_to_array(btrim(line, E' \t'), '\s+');
BEGIN
	step.what := CASE WHEN words[1] ~ '\d' THEN 'record' ELSE words[1] END;
	step.n := (SELECT coalesce(max(n), 0) + 1 FROM identity_test.record);
	CASE step.what
		WHEN 'record' THEN
			step.at := identity_test.read_time(words[1]);
			step.a := words[2];
			step.keys := (SELECT array_agg(identity_test.read_key(word, words[2]))
				FROM unnest(words[3:]) AS word);
		WHEN 'retract', 'unretract' THEN
			step.a := words[2];
			step.keys := (SELECT identity_test.sorted(array_agg(
				identity_test.read_key(word, words[2]))) FROM unnest(words[3:]) AS word);
		WHEN 'unmerge' THEN
			step.keys := (SELECT array_agg(identity_test.read_key(word)) FROM unnest(words[2:]) AS word);
		WHEN 'always', 'never', 'undecide', 'block', 'unblock', 'block_row', 'unblock_row' THEN
			step.a := identity_test.read_key(words[2]);
			step.b := identity_test.read_key(words[3]);
		WHEN 'rule', 'change' THEN
			step.a := words[2];
			step.b := words[3];
			step.c := nullif(words[4], '-');
		WHEN 'clock' THEN
			step.at := identity_test.read_time(words[2]);
		WHEN 'work' THEN
			step.number := words[2];
		ELSE
			NULL;
	END CASE;
END
$$;

CREATE FUNCTION identity_test.write_step(step identity_test.step) RETURNS text
LANGUAGE sql STABLE
RETURN concat_ws(' ', CASE WHEN step.what = 'record'
		THEN to_char(step.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI') ELSE step.what END,
	identity_test.as_written(step.a), identity_test.as_written(step.b),
	CASE WHEN step.what IN ('rule', 'change') THEN coalesce(step.c, '-')
		WHEN step.what = 'clock' THEN to_char(step.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI') END,
	identity_test.as_written(array_to_string(step.keys, ' ')), step.number);

-- The steps, and what differs after them.
CREATE FUNCTION identity_test.tell() RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT identity_test.write_step(step) FROM identity_test.step ORDER BY n;
	RETURN QUERY SELECT format('=> %s: %s', what, rows) FROM identity_test.check_steps();
	RETURN QUERY SELECT format('   %s %s: oracle %s, store %s', what, key,
		coalesce(oracle, 'NULL'), coalesce(store, 'NULL')) FROM identity_test.difference;
	RETURN QUERY SELECT format('   rebuild: %s %s from %s to %s', what, id, b.says, a.says)
	FROM identity_test.before_rebuild AS b FULL JOIN identity_test.after_rebuild AS a USING (what, id)
	WHERE b.says IS DISTINCT FROM a.says;
END
$$;
