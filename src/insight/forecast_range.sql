-- The range of a sum that is forecast; forecast.sql tells the story.

-- Wilson and Hilferty (1931); z is the quantile of the normal distribution.
CREATE FUNCTION cdp._sum_quantile(mean double precision, variance double precision, z double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
	WHEN mean <= 0 OR variance <= 0 THEN mean
	ELSE mean * greatest(0, 1 - variance / (9 * mean * mean)
		+ z * sqrt(variance) / (3 * mean)) ^ 3
END;
COMMENT ON FUNCTION cdp._sum_quantile(double precision, double precision, double precision) IS
'the quantile of a gamma distribution with this mean and variance';

-- The distribution of a sum of amounts, each of which comes or not, on a grid of
-- so many cells: an amount between two points is shared by both.  What is so
-- unlikely that products would underflow is impossible.
CREATE FUNCTION cdp._sum_distribution(amounts double precision[], chances double precision[], cells integer)
RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cell double precision := (SELECT sum(amount) FROM unnest($1) AS amount) / $3;
	share double precision[] := array_fill(0::double precision, ARRAY[$3 + 2]);
	whole integer;
	part double precision;
	p double precision;
	next double precision;
BEGIN
	share[1] := 1;
	FOR i IN 1 .. cardinality($1) LOOP
		whole := floor($1[i] / cell);
		part := $1[i] / cell - whole;
		part := CASE WHEN part < 1e-50 THEN 0 ELSE part END;
		p := CASE WHEN $2[i] < 1e-50 THEN 0 ELSE $2[i] END;
		FOR j IN REVERSE $3 + 2 .. 1 LOOP
			next := share[j] * (1 - p)
				+ CASE WHEN j > whole THEN p * (1 - part) * share[j - whole] ELSE 0 END
				+ CASE WHEN j > whole + 1 THEN p * part * share[j - whole - 1] ELSE 0 END;
			share[j] := CASE WHEN next < 1e-150 THEN 0 ELSE next END;
		END LOOP;
	END LOOP;
	RETURN share;
END
$$;
COMMENT ON FUNCTION cdp._sum_distribution(double precision[], double precision[], integer) IS
'the probability of each multiple of a cell as the sum of amounts, each of which comes with its chance';

-- errors are standard errors of the chances.
CREATE FUNCTION cdp._sum_range(
	amounts double precision[],
	chances double precision[],
	errors double precision[],
	OUT mean double precision,
	OUT variance double precision,
	OUT low double precision,
	OUT high double precision)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cells CONSTANT integer := 200;
	total double precision;
BEGIN
	SELECT coalesce(sum(amount), 0), coalesce(sum(amount * chance), 0),
		coalesce(sum(amount * amount * chance * (1 - chance)) + sum(amount * error) ^ 2, 0)
	INTO total, mean, variance
	FROM unnest($1, $2, $3) AS deal (amount, chance, error);
	IF cardinality($1) > 100 OR total <= 0 THEN
		low := cdp._sum_quantile(mean, variance, -1.959964);
		high := least(total, cdp._sum_quantile(mean, variance, 1.959964));
		RETURN;
	END IF;
	SELECT greatest(0, min(place) FILTER (WHERE so_far > 0.025) - 2) * total / cells,
		least(cells, min(place) FILTER (WHERE so_far >= 0.975)) * total / cells
	INTO low, high
	FROM (
		SELECT place, sum(sum(weight * share)) OVER (ORDER BY place) AS so_far
		FROM (VALUES (0, 4 / 6.0), (-1, 1 / 6.0), (1, 1 / 6.0)) AS at (side, weight)
		CROSS JOIN LATERAL unnest(cdp._sum_distribution($1, ARRAY(
			SELECT least(1, greatest(0, chance + side * sqrt(3) * error))
			FROM unnest($2, $3) WITH ORDINALITY AS deal (chance, error, place)
			ORDER BY place), cells)) WITH ORDINALITY AS distribution (share, place)
		GROUP BY place
	) AS cumulated;
END
$$;
COMMENT ON FUNCTION cdp._sum_range(double precision[], double precision[], double precision[]) IS
'mean, variance and 95 % range of a sum of amounts, each of which comes with its chance';
