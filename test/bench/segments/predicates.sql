-- predicates.sql: the twenty predicates of segments.sh, and what its peers run:
-- for each a query over the flat table that PostgreSQL and DuckDB both
-- understand, written as one who knows SQL would.
CREATE TABLE bench.predicate (n integer PRIMARY KEY, predicate cdp.predicate, query text);
CREATE FUNCTION bench.days(number integer) RETURNS text LANGUAGE sql AS $$
	SELECT format('occurred_at >= TIMESTAMP ''2026-06-01'' - INTERVAL ''%s days''', number) $$;
CREATE FUNCTION bench.grouped(events text, condition text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT count(*) FROM (SELECT profile_id FROM event WHERE %s GROUP BY profile_id HAVING %s) AS found', events, condition) $$;
CREATE FUNCTION bench.except(yes text, no text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT count(*) FROM (SELECT profile_id FROM event WHERE %s EXCEPT SELECT profile_id FROM event WHERE %s) AS found', yes, no) $$;
INSERT INTO bench.predicate VALUES
(1, 'count(order, 90 days) >= 3', bench.grouped('name = ''order'' AND ' || bench.days(90), 'count(*) >= 3')),
(2, 'did(order, 30 days)', 'SELECT count(DISTINCT profile_id) FROM event WHERE name = ''order'' AND ' || bench.days(30)),
(3, 'did(order) and not did(order, 180 days)', bench.grouped('name = ''order''', 'max(occurred_at) < TIMESTAMP ''2026-06-01'' - INTERVAL ''180 days''')),
(4, 'sum(order.amount, 300 days) > 500', bench.grouped('name = ''order'' AND ' || bench.days(300), 'sum(amount) > 500')),
(5, 'avg(order.amount) > 110', bench.grouped('name = ''order''', 'avg(amount) > 110')),
(6, 'max(order.amount, 90 days) > 190', bench.grouped('name = ''order'' AND ' || bench.days(90), 'max(amount) > 190')),
(7, 'did(cart_add, 7 days) and not did(order, 7 days)', bench.except('name = ''cart_add'' AND ' || bench.days(7), 'name = ''order'' AND ' || bench.days(7))),
(8, 'sequence(cart_add then no order within 4 hours, 7 days)', format('SELECT count(DISTINCT cart.profile_id) FROM (SELECT * FROM event WHERE name = ''cart_add'' AND %s) AS cart
	WHERE cart.occurred_at + INTERVAL ''4 hours'' <= TIMESTAMP ''2026-06-01'' AND NOT EXISTS (SELECT 1 FROM event AS bought WHERE bought.name = ''order'' AND bought.profile_id = cart.profile_id
		AND bought.occurred_at > cart.occurred_at AND bought.occurred_at < cart.occurred_at + INTERVAL ''4 hours'' AND bought.%s)', bench.days(7), bench.days(7))),
(9, 'sequence(product_view then order within 7 days same product_id, 60 days)', format('SELECT count(DISTINCT seen.profile_id) FROM (SELECT * FROM event WHERE name = ''product_view'' AND %s) AS seen
	JOIN (SELECT * FROM event WHERE name = ''order'' AND %s) AS bought ON bought.profile_id = seen.profile_id AND bought.product_id = seen.product_id
		AND bought.occurred_at > seen.occurred_at AND bought.occurred_at < seen.occurred_at + INTERVAL ''7 days''', bench.days(60), bench.days(60))),
(10, 'count(page_view, 30 days) >= 5', bench.grouped('name = ''page_view'' AND ' || bench.days(30), 'count(*) >= 5')),
(11, 'distinct_count(product_view.product_id, 60 days) >= 4', bench.grouped('name = ''product_view'' AND ' || bench.days(60), 'count(DISTINCT product_id) >= 4')),
(12, 'active_days(any, 30 days) >= 8', bench.grouped(bench.days(30), 'count(DISTINCT date_trunc(''day'', occurred_at)) >= 8')),
(13, 'did(order where category = ''c1'', 90 days)', 'SELECT count(DISTINCT profile_id) FROM event WHERE name = ''order'' AND category = ''c1'' AND ' || bench.days(90)),
(14, 'count(order where amount > 150, 300 days) >= 2', bench.grouped('name = ''order'' AND amount > 150 AND ' || bench.days(300), 'count(*) >= 2')),
(15, 'sum(order.amount, 90 days) < 0.5 * sum(order.amount, between 90 and 180 days ago)', bench.grouped('name = ''order'' AND ' || bench.days(180),
	format('coalesce(sum(CASE WHEN %s THEN amount END), 0) < 0.5 * coalesce(sum(CASE WHEN NOT %s THEN amount END), 0)', bench.days(90), bench.days(90)))),
(16, 'first(order) > now - 30 days', bench.grouped('name = ''order''', 'min(occurred_at) > TIMESTAMP ''2026-06-01'' - INTERVAL ''30 days''')),
(17, 'did(email_open, 30 days) and not did(email_click, 30 days)', bench.except('name = ''email_open'' AND ' || bench.days(30), 'name = ''email_click'' AND ' || bench.days(30))),
(18, 'last(page_view) < now - 60 days', bench.grouped('name = ''page_view''', 'max(occurred_at) < TIMESTAMP ''2026-06-01'' - INTERVAL ''60 days''')),
(19, 'latest(order.category) = ''c2''', 'SELECT count(*) FROM (SELECT category, row_number() OVER (PARTITION BY profile_id ORDER BY occurred_at DESC) AS place FROM event WHERE name = ''order'') AS ranked WHERE place = 1 AND category = ''c2'''),
(20, 'count(search, 14 days) >= 2 and not did(order, 14 days)', format('SELECT count(*) FROM (SELECT profile_id FROM event WHERE name = ''search'' AND %s GROUP BY profile_id HAVING count(*) >= 2 EXCEPT SELECT profile_id FROM event WHERE name = ''order'' AND %s) AS found', bench.days(14), bench.days(14)));
-- the same with other windows, for a hundred predicates
CREATE TABLE bench.many AS
SELECT n + 20 * step AS n, regexp_replace(predicate::text, '(\d+) days', format('%s days', 10 + 17 * step), '') ::cdp.predicate AS predicate
FROM bench.predicate, generate_series(0, 4) AS step
WHERE n <> 15 OR step = 0;
UPDATE bench.many SET predicate = (SELECT predicate FROM bench.predicate WHERE predicate.n = many.n) WHERE n <= 20;
INSERT INTO bench.many SELECT 15 + 20 * step, format('sum(order.amount, %s days) < 0.5 * sum(order.amount, between %s and %s days ago)', 30 + step, 30 + step, 90 + step)::cdp.predicate
FROM generate_series(1, 4) AS step;
