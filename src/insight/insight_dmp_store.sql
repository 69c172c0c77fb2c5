-- What a DMP works with: a tree of categories, limits of contacts, and how far
-- audiences reach.

CREATE TABLE cdp.taxonomy (
	category text COLLATE "C" PRIMARY KEY CHECK (category <> ''),
	parent text COLLATE "C" REFERENCES cdp.taxonomy ON UPDATE CASCADE,
	description text NOT NULL DEFAULT ''
);
COMMENT ON TABLE cdp.taxonomy IS
'a tree of categories, by which events, products and audiences are classified';
COMMENT ON COLUMN cdp.taxonomy.parent IS 'NULL: at the root';
CREATE TRIGGER check_tree BEFORE INSERT OR UPDATE ON cdp.taxonomy
	FOR EACH ROW EXECUTE FUNCTION cdp._check_taxonomy();

CREATE TABLE cdp.taxonomy_item (
	kind text NOT NULL CHECK (kind IN ('event', 'product', 'audience')),
	value text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL
		REFERENCES cdp.taxonomy ON UPDATE CASCADE ON DELETE CASCADE,
	PRIMARY KEY (kind, value)
);
COMMENT ON TABLE cdp.taxonomy_item IS
'what is in which category of cdp.taxonomy under another name: the category that events or the catalogue say, a product, an audience';
COMMENT ON COLUMN cdp.taxonomy_item.value IS
'of an event the category that it says, of a product its product_id, of an audience its name';

CREATE VIEW cdp.taxonomy_path AS
WITH RECURSIVE path AS (
	SELECT category, category AS ancestor, 0 AS distance FROM cdp.taxonomy
	UNION ALL
	SELECT path.category, above.parent, path.distance + 1
	FROM path
	JOIN cdp.taxonomy AS above ON above.category = path.ancestor
	WHERE above.parent IS NOT NULL
) CYCLE category, ancestor SET is_cycle USING seen
SELECT category::text AS category, ancestor::text AS ancestor, distance
FROM path
WHERE NOT is_cycle;
COMMENT ON VIEW cdp.taxonomy_path IS
'every category with itself (distance 0) and all above it';

CREATE TABLE cdp.contact_limit (
	channel text COLLATE "C" NOT NULL REFERENCES cdp.channel,
	"window" interval NOT NULL CHECK ("window" > '0' AND "window" <= '366 days'),
	max_contacts integer NOT NULL CHECK (max_contacts >= 0),
	PRIMARY KEY (channel, "window")
);
COMMENT ON TABLE cdp.contact_limit IS
'so often at most is somebody contacted by a channel within any window; cdp.audience_contactable keeps to it, cdp.audience_delta(), which keeps lists, does not';
COMMENT ON COLUMN cdp.contact_limit.max_contacts IS
'contacts are events that cdp.interaction_type has for the channel with direction out';

INSERT INTO cdp.interaction_type (event, channel, direction) VALUES
	('ad_impression', 'ads', 'out'), ('push_sent', 'push', 'out');

-- Of the limits of a channel one is enough.  The members come first, so a timeline is
-- read only of who may be reached.
CREATE VIEW cdp.audience_contactable WITH (security_barrier) AS
SELECT member.*
FROM cdp.audience_member AS member
WHERE NOT EXISTS (
	SELECT
	FROM cdp.contact_limit AS cap
	WHERE cap.channel = member.channel
		AND cap.max_contacts <= (
			SELECT count(*)
			FROM cdp.timeline_chunk AS chunk
			CROSS JOIN LATERAL cdp.timeline_events(chunk.data, ARRAY(
				SELECT event_name.name_id
				FROM cdp.interaction_type AS type
				JOIN cdp.event_name ON event_name.name = type.event
				WHERE type.channel = member.channel AND type.direction = 'out')) AS event
			WHERE chunk.profile_id = member.profile_id
				AND cdp.timeline_last(chunk.data) >= cdp._later(cdp.clock(), -cap."window")
				AND event.occurred_at >= cdp._later(cdp.clock(), -cap."window")
				AND event.occurred_at < cdp.clock()));
COMMENT ON VIEW cdp.audience_contactable IS
'the members of cdp.audience_member who were not contacted as often as cdp.contact_limit allows, now';

-- Doors.
CREATE FUNCTION cdp.classify(kind text, value text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._classify($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.classify(text, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.classify(text, text) IS
'the categories of an event (by the category it says), product or audience, from the root of cdp.taxonomy down; NULL: none';

CREATE FUNCTION cdp.browsing(
	category text,
	days integer DEFAULT 30,
	purpose text DEFAULT 'ads_personalisation',
	channel text DEFAULT 'ads',
	as_of timestamptz DEFAULT cdp.clock())
RETURNS TABLE (profile_id bigint, kind text, views bigint, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._browsing($1, $2, $3, $4, coalesce($5, cdp.clock()))
$$;
REVOKE ALL ON FUNCTION cdp.browsing(text, integer, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.browsing(text, integer, text, text, timestamptz) IS
'who has looked at pages or products of a category, or of one below it, within so many days, and how often: only those who have granted the purpose on the channel, and not asked to be left alone there';

CREATE FUNCTION cdp.audience_reach(audiences text[])
RETURNS TABLE (
	audience text,
	destination text,
	channel text,
	people bigint,
	addressable bigint,
	identifiers bigint,
	overlap bigint,
	contacts_7d double precision,
	contacts_30d double precision)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM cdp._audience_reach($1)
$$;
REVOKE ALL ON FUNCTION cdp.audience_reach(text[]) FROM PUBLIC;
COMMENT ON FUNCTION cdp.audience_reach(text[]) IS
'how far audiences reach: people in the segment, those who may be reached, by how many identifiers, how many of them are in another of these audiences too, and how often they were contacted on average in the last 7 and 30 days; the last row is all of them together';
