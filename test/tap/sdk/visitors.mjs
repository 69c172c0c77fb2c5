// visitors.mjs PORT: three people use a shop under the SDKs of Segment and of
// RudderStack.  Each looks around under a cookie, logs in and buys.
import { createRequire } from 'node:module';

const [port] = process.argv.slice(2);
const require = createRequire(process.cwd() + '/');
const { Analytics } = require('@segment/analytics-node');
const RudderAnalytics = require('@rudderstack/rudder-sdk-node');
const host = `http://127.0.0.1:${port}`;

function visit(client, name, n) {
	const anonymousId = `${name}-cookie-${n}`;
	const userId = `${name}-user-${n}`;
	const email = `Visitor${n}@${name}.Example`;

	client.page({ anonymousId, name: 'Home', properties: { url: 'https://shop.example/', path: '/', title: 'Home' } });
	client.track({ anonymousId, event: 'Product Viewed',
		properties: { product_id: 'mug', category: 'kitchen', price: 12.5 },
		context: { campaign: { name: 'spring', source: 'mail' } } });
	client.screen({ anonymousId, name: 'Cart', context: { device: { id: `${name}-device-${n}`, type: 'ios' } } });
	client.identify({ anonymousId, userId, traits: { email, firstName: 'Vera', lastName: `Visitor ${n}`,
		address: { city: 'Köln', postalCode: '50667', country: 'DE' } } });
	client.track({ userId, event: 'Order Completed', timestamp: new Date(Date.now() - 3600000),
		properties: { order_id: `${name}-order-${n}`, total: 25 + n, currency: 'EUR',
			products: [{ product_id: 'mug', quantity: 2, price: 12.5 }] } });
	client.group({ userId, groupId: `${name}-company`, traits: { name: 'Company' } });
	client.alias({ userId, previousId: `${name}-former-cookie-${n}` });
	client.track({ anonymousId: `${name}-former-cookie-${n}`, event: 'Products Searched', properties: { query: 'mug' } });
}

const segment = new Analytics({ writeKey: 'segment', host, maxEventsInBatch: 10, flushInterval: 50 });
const rudder = new RudderAnalytics('rudderstack', { dataPlaneUrl: host, flushAt: 10, flushInterval: 50 });
for (let n = 1; n <= 3; n++) {
	visit(segment, 'segment', n);
	visit(rudder, 'rudderstack', n);
}
await segment.closeAndFlush();
await new Promise((resolve) => rudder.flush(resolve));
await new Promise((resolve) => setTimeout(resolve, 3000));
process.exit(0);
