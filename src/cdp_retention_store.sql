-- How long is what kept: every rule that is in force, from where it is set.
CREATE VIEW cdp.retention_rule AS
SELECT 'event'::text AS data_class, source.name::text AS source, NULL::text AS identifier_type,
	NULL::text AS purpose, source.retention AS max_age, 'removed'::text AS action
FROM cdp.source WHERE source.retention IS NOT NULL
UNION ALL
SELECT 'trait observation', source.name, NULL, NULL, source.retention, 'removed'
FROM cdp.source WHERE source.retention IS NOT NULL
UNION ALL
SELECT 'trait observation with expires', source.name, NULL, NULL, NULL, 'removed'
FROM cdp.source WHERE source.kind = 'third_party'
UNION ALL
SELECT 'message key', source.name, NULL, NULL, source.dedupe_for, 'removed'
FROM cdp.source WHERE source.dedupe_for IS NOT NULL
UNION ALL
SELECT 'identifier', NULL, type.type, NULL, type.time_to_live, 'hidden, and no key'
FROM cdp.identifier_type AS type WHERE type.time_to_live IS NOT NULL
UNION ALL
SELECT 'consent', NULL, NULL, purpose.purpose, purpose.time_to_live, 'expired'
FROM cdp.purpose WHERE purpose.time_to_live IS NOT NULL
UNION ALL
SELECT own.data_class, NULL, NULL, NULL, own.max_age, 'removed'
FROM (VALUES ('run', interval '90 days'), ('reject', '90 days'), ('ingest warning', '90 days'),
	('membership change', '400 days')) AS own (data_class, max_age);
COMMENT ON VIEW cdp.retention_rule IS
'how long which data is kept, and what becomes of it then: set by cdp.source.retention and dedupe_for, cdp.identifier_type.time_to_live and cdp.purpose.time_to_live; max_age NULL: as the row of the third party says; what no row is about is kept for ever';
