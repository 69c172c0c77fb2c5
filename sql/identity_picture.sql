-- A profile as a picture.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\set stand_ins :abs_srcdir '/test/data/identity_stand_ins.sql'
\i :fresh
\i :stand_ins
\pset format unaligned
\pset tuples_only on
SELECT cdp._attach('web', '[
	{"at": "2026-05-01", "ids": [["user_id", "u1"], ["email", "ann@example.com"], ["email", "info@example.com"]]},
	{"at": "2026-05-02", "ids": [["user_id", "u1"], ["phone", "030 1234567"]]},
	{"at": "2026-05-03", "ids": [["email", "ann@example.com"], ["phone", "030 1234567"]]},
	{"at": "2026-05-04", "ids": [["email", "ann@example.com"], ["anonymous_id", "c-71"]]},
	{"at": "2026-05-05", "ids": [["email", "ann@example.com"], ["anonymous_id", "c-71"]]},
	{"at": "2026-05-05", "ids": [["user_id", "u1"], ["device_id", "tablet-9"]]},
	{"at": "2026-05-05", "ids": [["user_id", "u2"], ["device_id", "tablet-9"]]},
	{"at": "2026-05-05", "ids": [["user_id", "u3"], ["device_id", "tablet-9"]]},
	{"at": "2026-05-06", "ids": [["user_id", "u2"], ["crm_id", "17"]]},
	{"at": "2026-01-01", "ids": [["user_id", "u1"], ["third_party_id", "t-0"]]}]') \g /dev/null
SELECT cdp._attach('crm', '[
	{"at": "2026-05-07", "ids": [["crm_id", "31"], ["email", "ann@example.com"]]},
	{"at": "2026-05-08", "ids": [["user_id", "u1"], ["user_id", "u4"]]},
	{"at": "2026-05-09", "ids": [["user_id", "u1"], ["user_id", "u4"]]}]') \g /dev/null
SELECT cdp._attach('web', '[{"at": "2026-05-09", "ids": [["anonymous_id", "c-80"]]}]') \g /dev/null
INSERT INTO cdp.steward_action (actor, action) VALUES ('ann', 'always'), ('ben', 'never');
INSERT INTO cdp.decision (verdict, identifier_a, identifier_b, action_id)
SELECT verdict, least(a, b), greatest(a, b), action_id
FROM (VALUES ('always', 'user_id:u2', 'anonymous_id:c-80', 1), ('never', 'user_id:u1', 'user_id:u3', 2))
	AS made (verdict, a_key, b_key, action_id)
CROSS JOIN LATERAL (SELECT cdp._parse_identifier(a_key) AS a, cdp._parse_identifier(b_key) AS b) AS parsed;
SELECT cdp._stitch_everything() IS NOT NULL;
-- keys, what is no key, what was refused, what was decided
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'u1'));
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'u1'), 'dot', masked => false);
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'u2'));
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'u4'), 'dot');
-- a shared identifier is a profile, too: with the people it was seen with
SELECT cdp.profile_graph(cdp.find_profile('device_id', 'tablet-9'));
-- what is not judged yet
SELECT cdp._attach('web', '[{"at": "2026-05-09", "ids": [["user_id", "u3"], ["anonymous_id", "c-80"]]}]') \g /dev/null
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'u3'));

-- values are the senders', and may be hostile
SELECT cdp._mermaid_text(value), cdp._dot_text(value)
FROM (VALUES (1, 'cookie "]:::x'), (2, E'a\nb\r\t\u0001c'), (3, '<script>alert(1)</script>'),
	(4, '#quot;&quot;#34;'), (5, 'back\slash\" \N'), (6, '`*bold* _x_ a_b ~y~ 1. [l](http://x) {q} |p| %%'),
	(7, U&'Z\00FCrich \202Egnp.exe\200B!'), (8, repeat('long ', 40)), (9, ''), (10, 'end;')) AS given (n, value)
ORDER BY n;
SELECT cdp._attach('web', jsonb_build_array(jsonb_build_object('at', '2026-05-01', 'ids', jsonb_build_array(
	jsonb_build_array('user_id', E'"];\nx-->y'), jsonb_build_array('anonymous_id', '</svg>&#x27;\"}'))))) \g /dev/null
SELECT cdp._stitch_step(100);
SELECT cdp.profile_graph((SELECT max(profile_id) FROM cdp.profile_identifier));
SELECT cdp.profile_graph((SELECT max(profile_id) FROM cdp.profile_identifier), 'dot');

-- giants: the strongest hundred are drawn, the rest is counted
SELECT cdp._attach('till', (SELECT jsonb_agg(jsonb_build_object('at', '2026-05-01',
		'ids', jsonb_build_array(jsonb_build_array('user_id', 'giant'), jsonb_build_array('anonymous_id', 'g' || i),
		jsonb_build_array('anonymous_id', 'h' || i), jsonb_build_array('email', 'info' || '@x' || i || '.de'))))
	FROM generate_series(1, 2200) AS i)) \g /dev/null
SELECT cdp._stitch_everything() IS NOT NULL;
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'giant', 'till'), 'mermaid') AS picture \gset
SELECT count(*), count(*) FILTER (WHERE line ~ '^\tn[0-9]+\[') AS nodes, count(*) FILTER (WHERE line ~ ' n[0-9]+$') AS links,
	count(*) FILTER (WHERE line ~ '^\ts[0-9]+\[') AS beside
FROM regexp_split_to_table(:'picture', '\n') AS line;
SELECT line FROM regexp_split_to_table(:'picture', '\n') AS line WHERE line ~ 'more';
SELECT cdp.profile_graph(cdp.find_profile('user_id', 'giant', 'till'))
	= cdp.profile_graph(cdp.find_profile('user_id', 'giant', 'till'), 'mermaid', NULL) AS same;

-- errors
SELECT cdp.profile_graph(1, 'svg');
SELECT cdp.profile_graph(1, NULL);
SELECT cdp.profile_graph(4711);
SELECT cdp.profile_graph(NULL);
