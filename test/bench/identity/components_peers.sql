-- components_peers.sql: other ways to the same partition inside PostgreSQL.

-- what says that two partitions are the same: nodes, components, a checksum
CREATE FUNCTION partition_digest(node bigint, component bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (node % 100003) * (component % 99991);

-- A stitching loop as projects in SQL have it: each round writes a new table
-- of labels, the least of a node's own and its neighbours', until none changes.
CREATE FUNCTION stitching_loop(links regclass)
RETURNS TABLE (node bigint, component bigint)
LANGUAGE plpgsql AS $$
DECLARE
	changed bigint;
BEGIN
	DROP TABLE IF EXISTS both_ways, label, next_label;
	EXECUTE format('CREATE TEMP TABLE both_ways AS SELECT a, b FROM %1$s UNION SELECT b, a FROM %1$s', links);
	CREATE TEMP TABLE label AS SELECT a AS node, least(a, min(b)) AS component FROM both_ways GROUP BY a;
	ANALYZE both_ways;
	LOOP
		ANALYZE label;
		CREATE TEMP TABLE next_label AS
			SELECT own.node, least(own.component, min(other.component)) AS component
			FROM label AS own
				JOIN both_ways ON both_ways.a = own.node
				JOIN label AS other ON other.node = both_ways.b
			GROUP BY own.node, own.component;
		SELECT count(*) INTO changed FROM next_label JOIN label USING (node)
		WHERE next_label.component <> label.component;
		DROP TABLE label;
		ALTER TABLE next_label RENAME TO label;
		EXIT WHEN changed = 0;
	END LOOP;
	RETURN QUERY TABLE label;
END
$$;

-- Reach by recursion: labels travel along links as long as they are smaller
-- than where they arrive.
CREATE FUNCTION recursive_cte(links regclass)
RETURNS TABLE (node bigint, component bigint)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($query$
		WITH RECURSIVE both_ways AS MATERIALIZED (
			SELECT a, b FROM %1$s UNION SELECT b, a FROM %1$s
		), reach AS (
			SELECT DISTINCT a AS node, a AS label FROM both_ways
			UNION
			SELECT both_ways.b, reach.label
			FROM reach JOIN both_ways ON both_ways.a = reach.node
			WHERE reach.label < both_ways.b
		)
		SELECT node, min(label) FROM reach GROUP BY node$query$, links);
END
$$;
