\getenv abs_srcdir PG_ABS_SRCDIR
\set fresh :abs_srcdir '/test/data/fresh.sql'
\i :fresh
SET TIME ZONE 'UTC';
SELECT cdp.add_source('web') \g /dev/null
-- The names of Segment's specifications (ecommerce, email, live chat, accounts)
-- become those that one can rely on; others pass through.
CREATE TEMP TABLE sent AS
SELECT place, event FROM unnest(ARRAY['Products Searched', 'Product List Viewed', 'Product List Filtered', 'Promotion Viewed',
	'Promotion Clicked', 'Product Clicked', 'Product Viewed', 'Product Added', 'Product Removed', 'Cart Viewed',
	'Checkout Started', 'Checkout Step Viewed', 'Checkout Step Completed', 'Payment Info Entered', 'Order Updated',
	'Order Completed', 'Order Refunded', 'Order Cancelled', 'Coupon Entered', 'Coupon Applied', 'Coupon Denied',
	'Coupon Removed', 'Product Added to Wishlist', 'Product Removed from Wishlist', 'Wishlist Product Added to Cart',
	'Product Shared', 'Cart Shared', 'Product Reviewed', 'Email Delivered', 'Email Opened', 'Email Link Clicked',
	'Email Bounced', 'Unsubscribed', 'Live Chat Conversation Started', 'Account Created', 'Signed Up', 'Signed In'])
	WITH ORDINALITY AS named (event, place);
SELECT count(cdp.ingest('web', jsonb_build_object('type', 'track', 'event', event, 'userId', 'u', 'messageId', 'm' || place,
	'timestamp', '2026-05-01T10:00:00Z', 'properties', '{"order_id": "o-1", "total": 10}'::jsonb))) FROM sent;
SELECT sent.event, event.name FROM sent JOIN cdp.event ON message_id = 'm' || place ORDER BY place;
-- an order that was refunded and one that was cancelled lessen revenue
SELECT orders, revenue FROM cdp.profile('user_id', 'u');
SELECT cdp.ingest('web', '{"type": "track", "event": "Order Completed", "userId": "v", "messageId": "v1", "timestamp": "2026-05-01T10:00:00Z",
	"properties": {"order_id": "o-2", "total": 30}}') IS NOT NULL AS taken;
SELECT cdp.ingest('web', '{"type": "track", "event": "orderCancelled", "userId": "v", "messageId": "v2", "timestamp": "2026-05-02T10:00:00Z",
	"properties": {"order_id": "o-2", "total": 30}}') IS NOT NULL AS taken;
SELECT orders, revenue FROM cdp.profile('user_id', 'v');
