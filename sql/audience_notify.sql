-- Which segments are told of; what is told is in the isolation test of this
-- name, whose output has no process ids.
\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
\set SHOW_CONTEXT never
DELETE FROM cdp.segment;
SELECT cdp.add_source('shop') \g /dev/null
SELECT cdp.define_segment('buyer', 'did(order)'), cdp.define_segment('quiet', 'not did(order)'),
	cdp.define_segment('known', 'kind = ''known''') \g /dev/null
SELECT cdp.notify_segment('buyer'), cdp.notify_segment('known', false), cdp.notify_segment('quiet');
SELECT name, notify FROM cdp.segment ORDER BY name;
SELECT cdp.notify_segment('nosuch');
SELECT cdp.notify_segment('buyer', NULL);
SELECT cdp.notify_segment(NULL);
-- a new definition leaves it as it is
SELECT cdp.define_segment('buyer', 'did(order, 365 days)') \g /dev/null
SELECT notify FROM cdp.segment WHERE name = 'buyer';
