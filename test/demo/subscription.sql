-- subscription.sql: 900 people have coffee sent to them each month; each leaves
-- with a probability of her own.  Half of those who leave say so.
INSERT INTO cdp.model (name, kind, description, options) VALUES
	('subscription', 'contract', 'will not renew the subscription within 90 days',
		'{"period": "1 month", "horizon": "90 days"}');
INSERT INTO cdp.inbox (source, record)
SELECT 'web', jsonb_build_object('type', 'track', 'event', event,
	'messageId', concat_ws('-', 'sub', n, event, k), 'userId', 'sub-' || n,
	'timestamp', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'properties', jsonb_build_object('renewal_id', concat_ws('-', 'sub', n, k)))
FROM generate_series(1, 900) AS n
	CROSS JOIN LATERAL (
		SELECT timestamptz '2024-07-01 09:00:00+00' + floor(660 * shop.chance('sub' || n)) * interval '1 day' AS start,
			0.02 + 0.5 * shop.chance('leaves' || n) ^ 3 AS leaves
	) AS person
	CROSS JOIN LATERAL (
		SELECT floor(ln(1 - shop.chance('stays' || n)) / ln(1 - leaves))::int AS renewals
	) AS lasted
	CROSS JOIN LATERAL (
		SELECT 'Subscription Started' AS event, 0 AS k, start AS at
		UNION ALL
		SELECT 'Subscription Renewed', k, start + k * interval '1 month'
		FROM generate_series(1, least(renewals, 30)) AS k
		UNION ALL
		SELECT 'Subscription Cancelled', 0, start + renewals * interval '1 month' + interval '20 days'
		WHERE n % 2 = 0 AND renewals < 30
	) AS happened
WHERE at < '2026-06-01 12:00:00+00';
