-- catalog.sql: what the shop sells, and what its mail service reports; then
-- the generator's tables go.
INSERT INTO cdp.catalog (product_id, name, category, price, currency, stock) VALUES
	('espresso-1kg', 'Espresso Napoli 1 kg', 'coffee', 24.90, 'EUR', 310),
	('filter-1kg', 'Filter Roast 1 kg', 'coffee', 22.90, 'EUR', 180),
	('decaf-500', 'Decaf 500 g', 'coffee', 14.50, 'EUR', 64),
	('yirga-250', 'Yirgacheffe 250 g', 'coffee', 11.90, 'EUR', 41),
	('assam-250', 'Assam 250 g', 'tea', 9.90, 'EUR', 120),
	('sencha-100', 'Sencha 100 g', 'tea', 12.90, 'EUR', 0),
	('earlgrey-250', 'Earl Grey 250 g', 'tea', 10.90, 'EUR', 95),
	('rooibos-250', 'Rooibos 250 g', 'tea', 7.90, 'EUR', 77),
	('moka-pot', 'Moka Pot', 'kitchen', 34.00, 'EUR', 22),
	('grinder', 'Hand Grinder', 'kitchen', 89.00, 'EUR', 9),
	('kettle', 'Gooseneck Kettle', 'kitchen', 64.00, 'EUR', 14),
	('mug-set', 'Mug Set', 'kitchen', 29.00, 'EUR', 53);
SELECT cdp.suppress('email', email, 'email', 'bounced')
FROM shop.person
WHERE shop.chance('bounces' || n) < 0.03;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
