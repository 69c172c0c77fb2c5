-- The store of enforcement.sh.
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup(time_zone => 'UTC', default_region => 'DE', currency => 'EUR', starter => false);
INSERT INTO cdp.purpose (purpose, description, legal_basis) VALUES
	('marketing', 'offers', 'consent'), ('service', 'messages that a contract needs', 'contract');
SELECT cdp.add_source('web'), cdp.define_segment('everyone', 'kind = ''known''');
SELECT cdp.add_audience('news', 'everyone', 'marketing', 'email');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'messageId', n, 'userId', 'u' || n,
	'timestamp', '2026-05-01T00:00:00Z', 'traits', jsonb_build_object('email', 'person' || n || '@example.com'),
	'consent', jsonb_build_array(
		jsonb_build_object('purpose', 'service', 'channel', 'email', 'state', 'granted'),
		jsonb_build_object('purpose', 'marketing', 'channel', 'email',
			'state', CASE WHEN n % 10 < 6 THEN 'granted' WHEN n % 10 < 8 THEN 'denied' ELSE 'withdrawn' END)))::text
FROM generate_series(1, :profiles) AS n;
CALL cdp.merge();
SELECT count(cdp.suppress('email', 'person' || n || '@example.com', 'email', 'bounce'))
FROM generate_series(1, :profiles, 20) AS n;
VACUUM ANALYZE;
