// receiver.mjs SOCKETS PORT: takes what SDKs post and hands it to
// cdp.ingest_batch(), nothing more.  The write key of a client is the name of
// its source.  Each client's first batch is answered with an error after it
// was taken, as when an answer is lost on its way: the SDK sends it again.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';

const [host, port] = process.argv.slice(2);
const { Pool } = createRequire(process.cwd() + '/')('pg');
const pool = new Pool({ host, port, user: 'collector', database: 'postgres', max: 2 });
const met = new Set();

createServer(async (request, response) => {
	const parts = [];
	for await (const part of request) parts.push(part);
	const body = Buffer.concat(parts);
	const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
	const [source] = Buffer.from(request.headers.authorization.split(' ')[1], 'base64').toString().split(':');
	await pool.query('SELECT cdp.ingest_batch($1, $2)', [source, text.toString()]);
	response.writeHead(met.has(source) ? 200 : 500, { 'content-type': 'application/json' });
	response.end('{"success": true}');
	met.add(source);
}).listen(0, '127.0.0.1', function () {
	console.log(this.address().port);
});
