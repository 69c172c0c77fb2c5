// duckdb.mjs EVENTS PROFILES QUERIES ROUND: a round of segments.sh in DuckDB, on
// one thread: rows (round, what, n, seconds of CPU, members) on standard output.
import { DuckDBInstance } from '@duckdb/node-api';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const [events, profiles, queries, round] = process.argv.slice(2);
const made = existsSync('bench.duckdb');
const instance = await DuckDBInstance.create('bench.duckdb', { threads: '1' });
const connection = await instance.connect();
if (!made) {
	await connection.run(`CREATE TABLE event AS SELECT * FROM read_csv('${events}', header = true, types = {'profile_id': 'BIGINT', 'name': 'VARCHAR',
		'occurred_at': 'TIMESTAMP', 'amount': 'DECIMAL(19,4)', 'product_id': 'VARCHAR', 'category': 'VARCHAR'})`);
	await connection.run(`CREATE TABLE profile AS SELECT * FROM read_csv('${profiles}', header = true)`);
	await connection.run('CHECKPOINT');
}
const version = await connection.runAndReadAll('SELECT version()');
writeFileSync('version', String(version.getRows()[0][0]));

const cpu = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };
const ask = async (query) => Number((await connection.runAndReadAll(query)).getRows()[0][0]);
const asked = readFileSync(queries, 'utf8').trim().split('\n').map((line) => line.split('\t'));
const plain = (text) => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
for (const [, query] of asked) await ask(plain(query)); // all is in memory
for (const [n, query] of asked) {
	const start = cpu();
	const members = await ask(plain(query));
	console.log([round, 'duckdb', n, cpu() - start, members].join('\t'));
}
