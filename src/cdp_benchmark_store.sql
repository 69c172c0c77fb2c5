-- How good the identity graph is, as far as the store itself can tell: each
-- figure with the range that is healthy, and why that one.  It reads whole
-- tables: for a look now and then, not for a monitor (cdp.health is).
CREATE VIEW cdp.identity_benchmark AS
SELECT measure, trim_scale(round(value, 6)) AS value, unit,
	'at most ' || most AS healthy,
	coalesce(value <= most, true) AS ok,
	reason,
	CASE WHEN value > most THEN hint END AS hint
FROM (VALUES
	('many_given_names', (
			SELECT avg((names > 3)::integer)
			FROM (SELECT count(DISTINCT lower(btrim(trait.value #>> '{}'))) AS names
				FROM cdp.trait_observation AS trait
				JOIN cdp.identifier_set AS set USING (set_id)
				JOIN cdp.identifier AS owner ON owner.identifier_id = set.owner
				JOIN cdp.profile ON profile.profile_id = owner.leaf
				WHERE trait.name = 'first_name' AND jsonb_typeof(trait.value) = 'string'
					AND btrim(trait.value #>> '{}') <> ''
				GROUP BY profile.root) AS named),
		'share of named profiles', 0.01,
		'one person is written in two or three ways; a family in one profile has more than three given names',
		'Look at such profiles with cdp.weak_links(), and at cdp.suggest_blocked().'),
	('largest_profile', (
			SELECT max(identifier_count) FROM cdp.profile_current)::numeric,
		'identifiers', 200,
		'a customer of many years with several browsers has tens; hundreds are many people or a robot',
		'Look for a value to block: cdp.suggest_blocked(), cdp.profile_graph().'),
	('profiles_past_alarm', (
			SELECT count(*) FROM cdp.profile_current
			WHERE identifier_count > (SELECT value::integer FROM cdp.setting
				WHERE setting.name = 'component_alarm'))::numeric,
		'profiles', 0,
		'the setting component_alarm says how many identifiers nobody has',
		'Look for a value to block: cdp.suggest_blocked(), cdp.profile_graph().'),
	('shared_identifiers', (
			SELECT avg(identifier.shared::integer)
			FROM cdp.identifier
			JOIN cdp.identifier_type AS type USING (type_id)
			WHERE identifier.leaf IS NOT NULL AND NOT type.strong),
		'share of weak identifiers', 0.05,
		'families, offices and kiosks share some in a hundred; more means that a source sends one value for many people',
		'See cdp.suggest_blocked(), or raise max_strong_per_value of a type whose values people do share.'),
	('conflicts', (
			SELECT (SELECT count(*) FROM cdp.refused_link)::numeric
				/ nullif(count(*), 0)
			FROM cdp.profile WHERE root = profile_id),
		'a profile', 0.01,
		'now and then a customer opens a second account; more means a limit that does not fit, or numbers of several sources that are mistaken for each other',
		'See cdp.conflict by rule and type, and cdp.suggest_blocked().'),
	('anonymous_profiles', (
			SELECT avg((kind = 'anonymous')::integer) FROM cdp.profile_current),
		'share of profiles', 0.98,
		'even where few visitors ever buy, 1 in 50 profiles becomes known; fewer means that logins come without the cookie',
		'Let sources send the cookie or device with each login and order.'),
	('flipping_ids', (
			SELECT count(*)::numeric / nullif((SELECT count(*) FROM cdp.identifier), 0)
			FROM (SELECT moved.what, moved.id
				FROM cdp.identity_log AS log
				CROSS JOIN LATERAL (
					SELECT 'profile' AS what, unnest(log.profiles) AS id
					UNION ALL
					SELECT 'identifier' AS what, unnest(log.identifiers) AS id) AS moved
				WHERE log.at > cdp.clock() - interval '30 days'
					AND log.profile_before IS DISTINCT FROM log.profile_after
				GROUP BY moved.what, moved.id
				HAVING count(*) > 2 AND bool_or(log.change = 'split')) AS flipping),
		'share of identifiers', 0.001,
		'an id that moved three times in 30 days, once by a split, misleads whoever kept it: one such move is a mistake mended, three are a rule that wavers',
		'See cdp.identity_history() of its identifiers: a decision with cdp.decide() ends it.'),
	('sets_of_shared', (
			SELECT avg(owner.shared::integer)
			FROM cdp.identifier_set AS set
			JOIN cdp.identifier AS owner ON owner.identifier_id = set.owner
			WHERE NOT set.retracted),
		'share of sets', 0.05,
		'their events belong to a shared identifier and so to nobody; a kiosk has some, a whole source must not',
		'Let the source send another identifier besides: a cookie, a login, an order''s e-mail address.')
) AS figure (measure, value, unit, most, reason, hint);
COMMENT ON VIEW cdp.identity_benchmark IS
'how good the identity graph is: a figure a row, the range that is healthy and why, and a hint when it is not; reads whole tables';
