-- What is in use cannot be dropped, and the error says who uses it.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
DELETE FROM cdp.segment;
SELECT cdp.declare_property('order', 'idle') IS NOT NULL AS declared;
SELECT cdp.define_computed_trait('idle', 'days_since(any)');
SELECT cdp.define_computed_trait('bought', 'unique_list(order.product_id)');
SELECT cdp.define_computed_trait('many', 'length(bought) > 3 and count(order, 90 days) > 2');
SELECT cdp.define_segment('base', 'idle < 9') \g /dev/null
SELECT cdp.define_segment('inner', 'not in_segment(''base'')') \g /dev/null
SELECT cdp.define_segment('outer', 'in_segment(''inner'') and bought contains ''x''') \g /dev/null
SELECT cdp.define_segment('deep', 'count(order where profile.idle > 3 and profile.bought.x is null) > 1') \g /dev/null
-- none of these is a use: a text, a property, an event, another name
SELECT cdp.define_segment('alike', 'email = ''idle'' and email != ''in_segment(''''base'''')''
	and did(idle) and idle2 = 1 and count(order where idle > 1) > 1') \g /dev/null
SELECT cdp.define_computed_trait('is_base', 'in_segment(''base'')');
SELECT cdp.define_segment('named', 'is_base') \g /dev/null
SELECT cdp._consent_starter() \g /dev/null
SELECT cdp.add_audience('news', 'outer', 'marketing', 'email') \g /dev/null
SELECT cdp.add_experiment('trial', 'orders > 0', 'outer'),
	cdp.add_experiment('measured', 'in_segment(''inner'') and idle < 3', 'inner') \g /dev/null

-- those that use it directly are named
SELECT cdp.drop_computed_trait('idle');
SELECT cdp.drop_computed_trait('bought');
SELECT cdp.drop_segment('base');
SELECT cdp.drop_segment('inner');
SELECT cdp.drop_segment('outer');
SELECT cdp.drop_computed_trait('nosuch');
SELECT cdp.drop_segment('nosuch');
SELECT count(*) AS segments, (SELECT count(*) FROM cdp.computed_trait) AS traits FROM cdp.segment;

-- points that events tell make a trait that is kept, those that traits tell none
SELECT cdp.declare_property('store_visit', 'latitude'), cdp.declare_property('store_visit', 'longitude') \g /dev/null
SELECT cdp.define_computed_trait('was_near', 'near(latest(store_visit.latitude), latest(store_visit.longitude), 52.5, 13.4, 5)');
SELECT cdp.define_computed_trait('lives_near', 'near(latitude, longitude, 52.5, 13.4, 5)');
SELECT name, type, steady FROM cdp.computed_trait WHERE name LIKE '%near' ORDER BY name;
SELECT cdp.drop_computed_trait('was_near'), cdp.drop_computed_trait('lives_near') \g /dev/null

-- from the last user on everything goes
DELETE FROM cdp.audience;
SELECT cdp.drop_experiment('trial'), cdp.drop_experiment('measured') \g /dev/null
SELECT cdp.drop_segment('alike'), cdp.drop_segment('deep'), cdp.drop_segment('outer');
SELECT cdp.drop_computed_trait('bought');
SELECT cdp.drop_computed_trait('is_base');
SELECT cdp.drop_segment('named');
SELECT cdp.drop_computed_trait('many'), cdp.drop_computed_trait('is_base'), cdp.drop_segment('inner');
SELECT cdp.drop_computed_trait('bought'), cdp.drop_segment('base'), cdp.drop_computed_trait('idle');
SELECT count(*) AS segments, (SELECT count(*) FROM cdp.computed_trait) AS traits,
	(SELECT count(*) FROM cdp.trait WHERE name = 'bought') AS registered FROM cdp.segment;
