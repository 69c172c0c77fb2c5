// components_duckdb.mjs FILE RUNS SECONDS: components of a CSV of links, by
// DuckDB's recursive CTE with a key, one thread.  Prints and stops as
// components_time.py does; reading the file does not count.  DUCKDB is the folder that npm
// installed @duckdb/node-api in.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.DUCKDB}/`);
const { DuckDBInstance } = require('@duckdb/node-api');
const [file, runs, seconds] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
await connection.run(`CREATE TABLE link AS
	SELECT column0 AS a, column1 AS b FROM read_csv('${file}', header = false)`);
const before = process.resourceUsage().maxRSS;
const query = `WITH RECURSIVE both_ways AS MATERIALIZED (
		SELECT a, b FROM link UNION SELECT b, a FROM link
	), label(node, component) USING KEY (node) AS (
		SELECT DISTINCT a, a FROM both_ways
		UNION
		SELECT own.node, min(other.component)
		FROM label AS other
			JOIN both_ways ON both_ways.b = other.node
			JOIN recurring.label AS own ON own.node = both_ways.a
		WHERE other.component < own.component
		GROUP BY own.node
	)
	SELECT count(*) || ' ' || count(*) FILTER (node = component) || ' ' ||
		sum((node % 100003) * (component % 99991)) FROM label`;
const cpus = [], walls = [];
let digest = '';
let started = process.cpuUsage();
setInterval(() => {
	const used = process.cpuUsage(started);
	if ((used.user + used.system) / 1e6 > seconds) {
		const memory = (process.resourceUsage().maxRSS - before) / 1024;
		console.log(`>${seconds}|>${seconds}|>${seconds}|>${seconds}|${memory.toFixed(1)}|`);
		process.exit(0);
	}
}, 100);
for (let run = 0; run < runs; run++) {
	const cpu = started = process.cpuUsage(), wall = process.hrtime.bigint();
	digest = (await connection.runAndReadAll(query)).getRows()[0][0];
	const used = process.cpuUsage(cpu);
	cpus.push((used.user + used.system) / 1e6);
	walls.push(Number(process.hrtime.bigint() - wall) / 1e9);
	if (cpus.at(-1) > 10) break;
}
const memory = (process.resourceUsage().maxRSS - before) / 1024;
const middle = (list) => list.sort((x, y) => x - y)[list.length >> 1].toFixed(3);
console.log([middle(cpus), cpus[0].toFixed(3), cpus.at(-1).toFixed(3),
	middle(walls), memory.toFixed(1), digest].join('|'));
process.exit(0);
