// graphql.mjs HOST PORT TABLE...: reads tables by PostGraphile, as a web page does:
// it makes a schema of what the role may see, and asks for all columns of all rows.
// For each table it prints a line "@TABLE", a JSON array of the columns' types and
// one of the values of each row, as texts.
import { createRequire } from 'node:module';

const [host, port, ...tables] = process.argv.slice(2);
const require = createRequire(process.cwd() + '/');
const { Pool } = require('pg');
const { createPostGraphileSchema } = require('postgraphile-core');
const { getNamedType, getNullableType, graphql, isLeafType, isListType } = require('graphql');
const pool = new Pool({ host, port, user: 'tool', database: 'postgres' });
const pgClient = await pool.connect();
const schema = await createPostGraphileSchema(pool, 'cdp', { ignoreRBAC: false, dynamicJson: true });
const collections = Object.values(schema.getQueryType().getFields()).filter((field) => field.name.startsWith('all'));

const fieldsOf = (type) => Object.values(getNamedType(type).getFields());
const rowOf = (collection) => getNamedType(fieldsOf(collection.type).find((field) => field.name === 'nodes').type);
const isInterval = (type) => getNamedType(type).name === 'Interval';
const ask = (field) => isLeafType(getNamedType(field.type)) ? field.name
	: `${field.name} { ${fieldsOf(field.type).map(ask).join(' ')} }`;
const typeName = (type) => isListType(getNullableType(type)) ? `[${getNamedType(type).name}]` : getNamedType(type).name;
const text = (value) => value === null ? null : typeof value === 'object' ? JSON.stringify(value) : String(value);

for (const table of tables) {
	const name = table.replace(/(^|_)(\w)/g, (_, before, letter) => letter.toUpperCase());
	const collection = collections.find((one) => rowOf(one).name === name);
	if (!collection) throw new Error(`${table} is not in the schema`);
	// columns come first, in order; what is related to the row comes behind them
	const columns = fieldsOf(rowOf(collection))
		.filter((field) => field.name !== 'nodeId' && (isLeafType(getNamedType(field.type)) || isInterval(field.type)));
	const answer = await graphql(schema,
		`{ ${collection.name} { nodes { ${columns.map(ask).join(' ')} } } }`, null, { pgClient });
	if (answer.errors) throw answer.errors[0];
	console.log(`@${table}\n${JSON.stringify(columns.map((field) => typeName(field.type)))}`);
	for (const row of answer.data[collection.name].nodes)
		console.log(JSON.stringify(columns.map((field) => text(row[field.name]))));
}
pgClient.release();
await pool.end();
