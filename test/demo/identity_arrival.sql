-- identity_arrival.sql: the same limits applied as records arrive, the way
-- customer bases are often kept: a record joins what it finds, unless that
-- breaks a limit; then its weakest identifier is dropped, and so on.
CREATE TABLE household.priority (type text PRIMARY KEY, priority integer, most integer);
INSERT INTO household.priority VALUES ('user_id', 1, 1), ('crm_id', 2, 1), ('email', 3, 5),
	('phone', 4, 3), ('device_id', 5, 5), ('anonymous_id', 6, NULL);
CREATE TABLE household.arrived (turn integer, type text, value text, customer bigint,
	PRIMARY KEY (turn, type, value));
CREATE INDEX ON household.arrived (turn, customer);
CREATE TABLE household.credited (turn integer, record bigint, person bigint, type text, value text);

CREATE FUNCTION household.arrive(turn integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one record;
	kept text[];
	found bigint[];
BEGIN
	DROP TABLE IF EXISTS beside;
	CREATE TEMP TABLE beside (type text, value text, strong_type text, strong text,
		PRIMARY KEY (type, value, strong_type, strong));
	FOR one IN SELECT * FROM household.record ORDER BY household.place(turn, record, at) LOOP
		INSERT INTO beside SELECT weak.key, weak.value, strong.key, strong.value
		FROM jsonb_each_text(one.keys) AS weak, jsonb_each_text(one.keys) AS strong
		WHERE strong.key IN ('user_id', 'crm_id') AND weak.key NOT IN ('user_id', 'crm_id')
		ON CONFLICT DO NOTHING;
		-- What is not known to be shared so far, the strongest first.
		SELECT array_agg(type ORDER BY priority) INTO kept
		FROM household.priority
		WHERE one.keys ? type AND NOT EXISTS (SELECT FROM beside
			WHERE beside.type = priority.type AND beside.value = one.keys ->> priority.type
			GROUP BY strong_type HAVING count(*) > 1);
		LOOP
			SELECT array_agg(DISTINCT customer ORDER BY customer) INTO found
			FROM unnest(kept) AS type JOIN household.arrived AS known
				ON known.turn = $1 AND known.type = type.type AND value = one.keys ->> type.type;
			EXIT WHEN cardinality(kept) <= 1 OR NOT EXISTS (
				SELECT FROM (SELECT type, value FROM household.arrived
						WHERE arrived.turn = $1 AND customer = ANY (found)
					UNION SELECT type, one.keys ->> type FROM unnest(kept) AS type) AS together
				JOIN household.priority USING (type) GROUP BY type, most HAVING count(*) > most);
			kept := trim_array(kept, 1);
		END LOOP;
		UPDATE household.arrived SET customer = found[1]
		WHERE arrived.turn = $1 AND customer = ANY (found[2:]);
		INSERT INTO household.arrived SELECT $1, type, one.keys ->> type, coalesce(found[1], one.record)
		FROM unnest(kept) AS type ON CONFLICT DO NOTHING;
		INSERT INTO household.credited VALUES ($1, one.record, one.person, kept[1], one.keys ->> kept[1]);
	END LOOP;
END
$$;
