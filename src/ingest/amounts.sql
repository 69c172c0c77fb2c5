-- Amounts that waited for an exchange rate.
--
-- An event that came without one keeps what was sent as the property cdp_amount
-- (money.c).  cdp.convert_amounts() reads such events and no others, by their own
-- index, and of them only those that have a rate today.  It leaves an event as
-- it would be if the rate had been there: without the property, and without an
-- amount if that does not fit.
--
-- Locks.  The merger's lock first: nobody appends to timelines, makes them anew
-- or removes events meanwhile, and what was appended without an amount has been
-- committed and is seen; hence READ COMMITTED only.  Then that of event_other,
-- as whoever ingests takes it (batch.c), so that no month is made meanwhile.
-- An ingest under way may still write an event by the rates of before: it waits
-- for the next call, and cdp.health counts it.

CREATE FUNCTION cdp._convert_amount(amount numeric, rate numeric)
RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__convert_amount';
COMMENT ON FUNCTION cdp._convert_amount(numeric, numeric) IS
'an amount converted and rounded, as ingest does it; NULL: it does not fit';

CREATE FUNCTION cdp._begin_convert_amounts() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'cannot convert amounts above isolation level READ COMMITTED'
			USING ERRCODE = 'feature_not_supported',
				DETAIL = 'A snapshot taken before the work of another session would miss timelines that it made.',
				HINT = 'Run SET default_transaction_isolation = ''read committed''.';
	END IF;
	PERFORM cdp._lock_merger();
	LOCK TABLE cdp.event_other IN ROW EXCLUSIVE MODE;
END
$$;
COMMENT ON FUNCTION cdp._begin_convert_amounts() IS
'check the isolation level and take the locks that converting amounts needs';

-- The rates are those that ingest reads: the newest that was valid at the time
-- of the event; the store's own currency needs none.
CREATE FUNCTION cdp._fill_amounts(OUT filled bigint, OUT set_ids bigint[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
	own text := cdp._read_setting('currency');
BEGIN
	WITH rated AS MATERIALIZED (
		SELECT exchange_rate.currency, min(exchange_rate.valid_from) AS since,
			NULL::numeric AS fixed
		FROM cdp.exchange_rate
		WHERE exchange_rate.currency <> own
		GROUP BY exchange_rate.currency
		UNION ALL
		SELECT own, '-infinity', 1
	), converted AS (
		UPDATE cdp.event
		SET amount = cdp._convert_amount((event.properties ->> 'cdp_amount')::numeric,
				coalesce(rated.fixed, (
					SELECT exchange_rate.rate
					FROM cdp.exchange_rate
					WHERE exchange_rate.currency = event.currency
						AND exchange_rate.valid_from <= event.occurred_at
					ORDER BY exchange_rate.valid_from DESC
					LIMIT 1))),
			properties = nullif(event.properties - 'cdp_amount', '{}')
		FROM rated
		WHERE event.amount IS NULL
			AND event.properties ? 'cdp_amount'
			AND event.currency = rated.currency
			AND event.occurred_at >= rated.since
		RETURNING event.set_id, event.amount
	)
	SELECT count(*), array_agg(DISTINCT converted.set_id) INTO filled, set_ids
	FROM converted
	WHERE converted.amount IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cdp._fill_amounts() IS
'compute the amounts that wait and have a rate today: how many, and the sets whose events they are';
