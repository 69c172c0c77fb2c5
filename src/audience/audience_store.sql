-- Membership; audience.h tells how bitmap and changes go together.
CREATE TABLE cdp.segment_membership (
	segment_id integer PRIMARY KEY REFERENCES cdp.segment_definition ON DELETE CASCADE,
	version integer NOT NULL,
	folded bigint NOT NULL,
	as_of timestamptz NOT NULL,
	members cdp.profile_bitmap NOT NULL
);
COMMENT ON TABLE cdp.segment_membership IS
'members of each segment at its last refresh, as a bitmap of profile ords';
COMMENT ON COLUMN cdp.segment_membership.version IS
'the version of the definition that was evaluated';
COMMENT ON COLUMN cdp.segment_membership.folded IS
'the last row of membership_change that the bitmap contains';

-- One table, not partitions.  A refresh deletes nothing: what it folds stays for
-- 400 days as history, and then goes a day at a time, 2,500 rows in about 10 ms.
-- Nobody who reads knows when the change that he looks for was, so he would look
-- in every partition: of a million changes in 14 months, 70 us for the last one
-- of a profile and segment, not 8, and 100 us for those since a fold, not 13; and
-- whoever drops one waits for every reader of audiences, as they do for him.
CREATE TABLE cdp.membership_change (
	change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	profile_id bigint NOT NULL,
	segment_id integer NOT NULL REFERENCES cdp.segment_definition ON DELETE CASCADE,
	change text COLLATE "C" NOT NULL CHECK (change IN ('entered', 'exited')),
	reason text COLLATE "C" NOT NULL CHECK (reason IN
		('event', 'time', 'merge', 'split', 'consent', 'definition', 'erasure', 'restriction')),
	at timestamptz NOT NULL,
	run_id bigint,
	ord integer NOT NULL
);
CREATE INDEX membership_change_profile_idx
	ON cdp.membership_change (profile_id, segment_id, change_id);
CREATE INDEX membership_change_segment_idx
	ON cdp.membership_change (segment_id, change_id);
COMMENT ON TABLE cdp.membership_change IS
'who entered and left which segment, when and why; insert-only; new definitions are in membership_base';
COMMENT ON COLUMN cdp.membership_change.reason IS
'event: its data changed; time: nothing but time passed; merge, split: of profiles; consent: it answered, and the segment asks for consents; definition: a segment inside this one was defined anew; restriction, erasure: it lost its row';
COMMENT ON COLUMN cdp.membership_change.run_id IS 'the merge run; NULL: outside of runs';
COMMENT ON COLUMN cdp.membership_change.ord IS 'the number of the profile in bitmaps';

CREATE TRIGGER note_exits AFTER DELETE ON cdp.profile_current
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION cdp._note_exits();

-- A new definition moves many for one reason: one bitmap, not as many rows.
CREATE TABLE cdp.membership_base (
	segment_id integer NOT NULL REFERENCES cdp.segment_definition ON DELETE CASCADE,
	folded bigint NOT NULL,
	version integer NOT NULL,
	at timestamptz NOT NULL,
	members cdp.profile_bitmap NOT NULL,
	PRIMARY KEY (segment_id, folded, at)
);
COMMENT ON TABLE cdp.membership_base IS
'members of a segment when a version of its definition was first evaluated; membership_change tells what changed since';

CREATE TABLE cdp.segment_size_log (
	segment_id integer NOT NULL REFERENCES cdp.segment_definition ON DELETE CASCADE,
	version integer NOT NULL,
	as_of timestamptz NOT NULL,
	run_id bigint,
	size bigint NOT NULL,
	entered bigint NOT NULL,
	exited bigint NOT NULL
);
CREATE INDEX segment_size_log_idx ON cdp.segment_size_log (segment_id, as_of);
COMMENT ON TABLE cdp.segment_size_log IS
'size of each segment whenever a refresh changed it, after 30 days one row a day; read the view cdp.segment_history';

CREATE VIEW cdp.segment_history AS
SELECT segment.name AS segment, log.version, log.as_of, log.run_id, log.size,
	log.entered, log.exited
FROM cdp.segment_size_log AS log JOIN cdp.segment USING (segment_id);
COMMENT ON VIEW cdp.segment_history IS
'size, entered and exited of each segment at the refreshes that changed it; after 30 days one row a day (UTC), which has the sums of the day and its last size';

CREATE TABLE cdp.segment_refresh (
	refreshed_at timestamptz,
	run_id bigint,
	told_since timestamptz,
	thinned_before timestamptz,
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO cdp.segment_refresh DEFAULT VALUES;
COMMENT ON TABLE cdp.segment_refresh IS
'one row: the last refresh of all segments and the run that did it';
COMMENT ON COLUMN cdp.segment_refresh.told_since IS
'earliest instant that cdp.memberships() can tell of; NULL: from the first refresh on';
COMMENT ON COLUMN cdp.segment_refresh.thinned_before IS
'until then segment_size_log has one row a day';

INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('refresh_every', '0', 'merge runs refresh segments when the last refresh is older than this interval; 0: every run', 'interval');

-- Exact: the bitmap, and what changed since, one after the other.
CREATE VIEW cdp._membership AS
SELECT held.segment_id,
	coalesce((
		SELECT cdp._bitmap_moved(held.members, since.ord, since.change = 'entered')
		FROM (
			SELECT membership_change.ord, membership_change.change
			FROM cdp.membership_change
			WHERE membership_change.segment_id = held.segment_id
				AND membership_change.change_id > held.folded
			ORDER BY membership_change.change_id) AS since
	), held.members) AS members
FROM cdp.segment_membership AS held;
COMMENT ON VIEW cdp._membership IS
'members of each segment as told so far: the bitmap and the changes since; no row before its first refresh';

-- In one arm, so that the planner knows that a segment has one bitmap: it
-- takes what comes of several arms for one of two hundred, and then joins the
-- members of an audience in nested loops.  Whether a profile is live, and in
-- which part of the bitmap it would be, is asked through coalesce() for the same
-- reason: it takes an equality of two columns to hold for one row in two hundred.
-- Where profile_id is given, the profile is joined with the parts, and only
-- the one that it would be in is listed (bitmap_part.c).
CREATE VIEW cdp._member AS
SELECT held.segment_id, profile.profile_id
FROM cdp._membership AS held
	CROSS JOIN LATERAL cdp._bitmap_parts(held.members) AS part
	CROSS JOIN LATERAL cdp._part_members(part.members) AS member (ord)
	JOIN cdp.profile ON profile.ord = member.ord
		AND coalesce(profile.ord >> 16 = part.number, false)
		AND coalesce(profile.root = profile.profile_id, false);
COMMENT ON VIEW cdp._member IS
'members by number of the segment';

CREATE VIEW cdp.segment_member AS
SELECT member.profile_id, segment.name::text AS segment
FROM cdp.segment JOIN cdp._member AS member USING (segment_id);
COMMENT ON VIEW cdp.segment_member IS
'one row per profile and segment that it is in now';

CREATE FUNCTION cdp.memberships(profile_id bigint, at timestamptz DEFAULT NULL)
RETURNS TABLE (segment text, since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT segment, since FROM cdp._memberships($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.memberships(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION cdp.memberships(bigint, timestamptz) IS
'the segments that a profile is in, now or at an instant of the last 400 days, and since when';

-- Audiences.
CREATE TABLE cdp.destination (
	destination text COLLATE "C" PRIMARY KEY CHECK (destination ~ '^[a-z][a-z0-9_]{0,62}$'),
	kind text NOT NULL,
	description text NOT NULL DEFAULT '',
	options jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT cdp.clock()
);
COMMENT ON TABLE cdp.destination IS
'systems that audiences go to; made by cdp.add_destination()';

CREATE TABLE cdp.audience (
	audience_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
	segment_id integer NOT NULL REFERENCES cdp.segment_definition,
	purpose text COLLATE "C" NOT NULL REFERENCES cdp.purpose,
	channel text COLLATE "C" NOT NULL REFERENCES cdp.channel,
	destination text COLLATE "C" REFERENCES cdp.destination,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT cdp.clock()
);
COMMENT ON TABLE cdp.audience IS
'segments released to a destination for a purpose and channel; made by cdp.add_audience()';
COMMENT ON COLUMN cdp.audience.active IS 'false: nobody is released';

-- The enforcement.  Default deny: a row needs an answer "granted" that has not
-- expired, an identifier for the channel that has not either, and no suppression of
-- it; and the key by which suppressions are told must be the store's own.  Every
-- audience has a channel, but joined from the left it is joined first: the planner
-- would rather join all channels with all profiles, in order, and stop early.
-- Members are not listed, as cdp._member does: of everybody who granted, it is
-- asked whether the bitmap has them, in the part where they would be.  So whom
-- nobody may reach costs nothing more, and enforcing takes no longer than a join
-- that lists all members and enforces nothing.
CREATE VIEW cdp.audience_member WITH (security_barrier) AS
SELECT audience.name::text AS audience,
	audience.destination::text AS destination,
	profile.profile_id,
	point.type::text AS identifier_type,
	point.value::text AS identifier,
	audience.purpose::text AS purpose,
	audience.channel::text AS channel,
	held.at AS consented_at,
	held.expires_at AS consent_expires_at
FROM cdp.audience
	LEFT JOIN cdp.channel ON channel.channel = audience.channel
	JOIN cdp._membership AS membership ON membership.segment_id = audience.segment_id
	CROSS JOIN LATERAL cdp._bitmap_parts(membership.members) AS part
	JOIN cdp.consent_state AS held ON held.purpose = audience.purpose
		AND held.channel = audience.channel
		AND held.state = 'granted'
		AND (held.expires_at IS NULL OR held.expires_at > cdp.clock())
	JOIN cdp.profile ON profile.profile_id = held.profile_id
		AND coalesce(profile.root = profile.profile_id, false)
		AND profile.ord >> 16 = part.number
		AND cdp.bitmap_contains(part.members, profile.ord)
	LEFT JOIN cdp.contact_point AS point ON point.profile_id = held.profile_id
		AND point.type = ANY (channel.identifier_types)
		AND (point.expires_at IS NULL OR point.expires_at > cdp.clock())
WHERE audience.active
	AND (point.profile_id IS NOT NULL OR channel.identifier_types = '{}')
	AND NOT EXISTS (
		SELECT FROM cdp.suppression
		WHERE suppression.key_hash = point.key_hash
			AND suppression.channel IN ('', channel.channel)
			AND (suppression.until IS NULL OR suppression.until > cdp.clock()))
	AND NOT EXISTS (
		SELECT FROM cdp._outranked AS outranked
		WHERE outranked.profile_id = point.profile_id
			AND outranked.type = point.type
			AND outranked.rank = point.rank
			AND outranked.channel = channel.channel)
	AND cdp._verifies_key((SELECT key FROM cdp.secret_key),
		(SELECT check_value FROM cdp.secret_key));
COMMENT ON VIEW cdp.audience_member IS
'who may be reached: members of each audience with consent and without suppression, now';

CREATE FUNCTION cdp.audience_funnel(audience text)
RETURNS TABLE (step text, members bigint, lost bigint, reason text, hint text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT step, members, lost, reason, hint FROM cdp._audience_funnel($1)
$$;
REVOKE ALL ON FUNCTION cdp.audience_funnel(text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.audience_funnel(text) IS
'how many members of an audience''s segment each condition leaves, and why the others are lost';

CREATE FUNCTION cdp.why_not(profile_id bigint, audience text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT cdp._why_not($1, $2)
$$;
REVOKE ALL ON FUNCTION cdp.why_not(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.why_not(bigint, text) IS
'the first condition that keeps a profile out of an audience; NULL: it is in it';
