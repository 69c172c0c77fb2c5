-- scaling_draw.sql: :customers customers of a Pareto/NBD model with r = s = 1, whose
-- rates and lifetimes have inverse functions, watched for 8 to 60 weeks; their
-- spend of a Gamma-Gamma model with p = 6, q = 4; and contracts of an sBG model,
-- of at most 12 renewals.
SET client_min_messages = warning;
DROP TABLE IF EXISTS bench.customer;
SELECT setseed(0.5);
CREATE FUNCTION pg_temp.gamma(shape int) RETURNS float8 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	sum float8 := 0;
BEGIN
	FOR i IN 1 .. shape LOOP
		sum := sum - ln(1 - random());
	END LOOP;
	RETURN sum;
END
$$;
CREATE FUNCTION pg_temp.draw(t float8, OUT x float8, OUT t_x float8, OUT m float8, OUT odd float8)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	wait float8 := -12 / ln(1 - random());
	until float8 := least(t, 10 * ln(1 - random()) / ln(1 - random()));
	at float8 := -ln(1 - random()) * wait;
BEGIN
	x := 0;
	t_x := 0;
	WHILE at < until LOOP
		x := x + 1;
		t_x := floor(7 * at) / 7;
		at := at - ln(1 - random()) * wait;
	END LOOP;
	m := CASE WHEN x > 0 THEN round((pg_temp.gamma((6 * x)::int) / (6 * x) * 90 / pg_temp.gamma(4))::numeric, 2) ELSE 0 END;
	odd := random() / 7;
END
$$;
CREATE TABLE bench.customer AS
SELECT drawn.x, drawn.t_x, watched.t, drawn.m, drawn.odd,
	least(ceil(ln(1 - watched.luck) / ln(1 - watched.leaves)), 12) AS tenure,
	ln(1 - watched.luck) / ln(1 - watched.leaves) <= 12 AS ended,
	random() < 1 / (1 + exp(0.5 * drawn.x - 0.02 * (watched.t - drawn.t_x))) AS left_then
FROM (
	SELECT (56 + floor(365 * random())) / 7 AS t, random() AS luck, 1 - power(random(), 1 / 2.5) AS leaves
	FROM generate_series(1, :customers) OFFSET 0
) AS watched, LATERAL pg_temp.draw(watched.t) AS drawn;
VACUUM (FREEZE, ANALYZE) bench.customer;
