// reader.mjs HOST PORT TABLE...: reads tables by node's pg, as a service does.
// For each table it prints a line "@TABLE", a JSON array of what the columns'
// values are in JavaScript and one of the values of each row, as texts.
import { createRequire } from 'node:module';

const [host, port, ...tables] = process.argv.slice(2);
const { Client } = createRequire(process.cwd() + '/')('pg');
const client = new Client({ host, port, user: 'tool', database: 'postgres' });

// Dates have milliseconds; infinity is a number.
function text(value) {
	if (value === null) return null;
	if (value instanceof Date) return value.toISOString();
	if (Buffer.isBuffer(value)) return '\\x' + value.toString('hex');
	if (typeof value.toPostgres === 'function') return JSON.stringify({ ...value });
	if (Array.isArray(value)) return JSON.stringify(value.map((one) => Buffer.isBuffer(one) ? text(one) : one));
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function kind(value) {
	if (value === null) return null;
	if (Array.isArray(value)) return 'Array';
	return typeof value === 'object' ? value.constructor.name : typeof value;
}

await client.connect();
for (const table of tables) {
	const { rows, fields } = await client.query({ text: `SELECT * FROM cdp.${table}`, rowMode: 'array' });
	const kinds = fields.map((_, i) =>
		[...new Set(rows.map((row) => kind(row[i])).filter((one) => one !== null))].sort().join(' '));
	console.log(`@${table}\n${JSON.stringify(kinds)}`);
	for (const row of rows) console.log(JSON.stringify(row.map(text)));
}
await client.end();
