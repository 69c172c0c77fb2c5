-- components_data.sql: links of a graph like those of real identities, to be
-- run with psql -v links=1000000 -v shape_links=1000000.
--
-- Components have 2 nodes and more, with a power-law tail cut at 2,000; a
-- node is linked to the first of its component (seven times in ten, as a
-- cookie to its e-mail) or to a random earlier one; a fifth of the links are
-- repeats.  One node, a junk mailbox, is linked to one component in a hundred:
-- the accidental giant.  Node ids are dense and scattered (a multiplication
-- modulo their number), links come in random order: nothing lies close to
-- what it belongs to.
--
-- link (a, b) has ids; link_text the same with texts of 20 bytes.  path, star
-- and random have shape_links links over as many nodes.
\set ON_ERROR_STOP on
SET work_mem = '256MB';
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT setseed(0.42) \g /dev/null

CREATE TEMP TABLE part AS
	SELECT number, size, sum(size) OVER (ORDER BY number)::bigint - size AS first
	FROM (
		SELECT number, least(2000, 1 + floor((1 - random()) ^ (-1 / 1.3)::float8))::bigint AS size
		FROM generate_series(1, :links / 4) AS number
		OFFSET 0
	) AS drawn;
SELECT sum(size)::bigint + 1 AS nodes FROM part \gset

CREATE TABLE link AS
	SELECT 1 + a * 2654435761 % :nodes AS a, 1 + b * 2654435761 % :nodes AS b
	FROM (
		SELECT first + place AS a,
			first + CASE WHEN random() < 0.7 THEN 0 ELSE floor(random() * place) END::bigint AS b,
			1 + (random() < 0.25)::integer AS times
		FROM part, generate_series(1, size - 1) AS place
		UNION ALL
		SELECT first, :nodes - 1, 1 FROM part WHERE number % 100 = 0
	) AS drawn, generate_series(1, times)
	ORDER BY random()
	LIMIT :links;
CREATE TABLE link_text AS
	SELECT left(md5(a::text), 20) AS a, left(md5(b::text), 20) AS b FROM link;

CREATE TABLE path AS
	SELECT i::bigint AS a, i::bigint + 1 AS b FROM generate_series(1, :shape_links) AS i;
CREATE TABLE star AS
	SELECT 0::bigint AS a, i::bigint AS b FROM generate_series(1, :shape_links) AS i;
CREATE TABLE random AS
	SELECT floor(random() * :shape_links)::bigint AS a,
		floor(random() * :shape_links)::bigint AS b
	FROM generate_series(1, :shape_links);
DROP TABLE part;
VACUUM ANALYZE;
CHECKPOINT;
