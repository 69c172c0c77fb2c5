-- insight_people.sql: who the people of insight.sh are, what they agreed to, and
-- all that a merge run makes of it.
INSERT INTO cdp.purpose (purpose, description, legal_basis) VALUES
	('marketing', 'offers', 'consent'), ('ads_personalisation', 'advertising', 'consent');
INSERT INTO cdp.next_action_rule (position, predicate, action) VALUES
	(10, 'latest(ticket.status, 90 days) in (''new'', ''open'')', 'answer ticket'), (20, 'did(cart_add, 3 days) and not did(order, 3 days)', 'finish cart'),
	(30, 'did(any)', 'recommend');
SELECT cdp._model_starter(), cdp.define_propensity('purchase_30d', 'did(order, 30 days)', '30 days',
	features => '{"count(order, 90 days)","count(product_view, 30 days)","did(cart_add, 14 days)","days_since(any)"}');
SELECT cdp.define_segment('buyers', 'did(order, 30 days)'), cdp.define_segment('clickers', 'did(ad_click, 90 days)');
SELECT cdp.add_audience('news', 'buyers', 'marketing', 'email'), cdp.add_audience('retarget', 'clickers', 'marketing', 'email');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'identify', 'userId', 'u' || n, 'messageId', 'p' || n, 'timestamp', '2025-06-02T00:00:00Z',
	'traits', jsonb_build_object('email', format('person%s@example.com', n), 'region', 'R' || n % 16),
	'consent', CASE WHEN n % 2 = 0 THEN jsonb_build_array(jsonb_build_object('purpose', 'marketing', 'channel', 'email', 'state', 'granted'),
		jsonb_build_object('purpose', 'ads_personalisation', 'channel', 'ads', 'state', 'granted')) ELSE '[]' END)::text
FROM generate_series(1, :profiles) AS n;
CALL cdp.merge();
CALL cdp.fit_models();
CALL cdp.merge();
VACUUM (FREEZE, ANALYZE);
