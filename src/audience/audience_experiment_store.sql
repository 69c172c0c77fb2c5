-- Experiments; experiment.sql tells how they are judged.
CREATE TABLE cdp.experiment (
	experiment_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	segment_id integer REFERENCES cdp.segment_definition,
	audience_id integer REFERENCES cdp.audience,
	starts_at timestamptz NOT NULL,
	ends_at timestamptz CHECK (ends_at > starts_at),
	created_at timestamptz NOT NULL DEFAULT cdp.clock(),
	name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
	salt text NOT NULL,
	arms text[] NOT NULL,
	shares numeric[] NOT NULL,
	metric cdp.predicate NOT NULL,
	CHECK (num_nonnulls(segment_id, audience_id) = 1)
);
COMMENT ON TABLE cdp.experiment IS
'experiments, over the members of a segment or an audience; made by cdp.add_experiment()';
COMMENT ON COLUMN cdp.experiment.salt IS
'decides with the profile id which arm it is (cdp.bucket)';
COMMENT ON COLUMN cdp.experiment.arms IS
'the first is the control, which the others are compared with: hold it out';
COMMENT ON COLUMN cdp.experiment.shares IS
'how much of the members each arm gets; their sum is 1';
COMMENT ON COLUMN cdp.experiment.metric IS
'true of a profile that converted';
CREATE TRIGGER keep_assigned BEFORE UPDATE OF salt, arms, shares, metric, segment_id, audience_id, starts_at
	ON cdp.experiment
	FOR EACH ROW EXECUTE FUNCTION cdp._keep_experiment();

CREATE TABLE cdp.experiment_member (
	experiment_id integer NOT NULL REFERENCES cdp.experiment ON DELETE CASCADE,
	profile_id bigint NOT NULL,
	assigned_at timestamptz NOT NULL,
	converted_before boolean NOT NULL,
	arm text COLLATE "C" NOT NULL,
	PRIMARY KEY (experiment_id, profile_id)
);
COMMENT ON TABLE cdp.experiment_member IS
'the arm of each profile, given on first sight and never changed; read it as cdp.experiment_assignment';
COMMENT ON COLUMN cdp.experiment_member.converted_before IS
'the metric was true already: what it is true of later tells nothing';

-- Profiles that were merged had an arm each; the first one counts.
CREATE VIEW cdp.experiment_assignment AS
SELECT experiment.name::text AS experiment, profile.root AS profile_id,
	member.arm::text AS arm, member.assigned_at, member.converted_before
FROM cdp.experiment_member AS member
	JOIN cdp.experiment USING (experiment_id)
	JOIN cdp.profile USING (profile_id)
WHERE NOT EXISTS (
	SELECT FROM cdp.experiment_member AS earlier
		JOIN cdp.profile AS merged ON merged.profile_id = earlier.profile_id
	WHERE earlier.experiment_id = member.experiment_id
		AND merged.root = profile.root
		AND (earlier.assigned_at, earlier.profile_id) < (member.assigned_at, member.profile_id))
	AND profile.root NOT IN (SELECT kept.profile_id FROM cdp._restricted_profile AS kept);
COMMENT ON VIEW cdp.experiment_assignment IS
'the arm that each live profile has in each experiment';

-- For those who reach people: the arms of those who may be reached.
CREATE VIEW cdp.audience_arm WITH (security_barrier) AS
SELECT DISTINCT member.audience, assigned.experiment, member.profile_id, assigned.arm
FROM cdp.experiment
	JOIN cdp.audience USING (audience_id)
	JOIN cdp.audience_member AS member ON member.audience = audience.name::text
	JOIN cdp.experiment_assignment AS assigned ON assigned.experiment = experiment.name::text
		AND assigned.profile_id = member.profile_id;
COMMENT ON VIEW cdp.audience_arm IS
'the arms of members of audiences under experiment: only of those who may be reached now';

CREATE FUNCTION cdp.experiment_arm(name text, profile_id bigint) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cdp._experiment_arm($1, $2);
END
$$;
REVOKE ALL ON FUNCTION cdp.experiment_arm(text, bigint) FROM PUBLIC;
COMMENT ON FUNCTION cdp.experiment_arm(text, bigint) IS
'the arm of a profile in an experiment, given to it now if it is a member that was never seen; NULL: it is no member';

CREATE FUNCTION cdp.experiment_result(name text)
RETURNS TABLE (arm text, profiles bigint, conversions bigint, rate double precision,
	rate_low double precision, rate_high double precision, lift double precision,
	lift_low double precision, lift_high double precision, sample_ratio_p double precision)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT arm, profiles, conversions, rate, rate_low, rate_high, lift, lift_low,
		lift_high, sample_ratio_p
	FROM cdp._experiment_result($1)
$$;
REVOKE ALL ON FUNCTION cdp.experiment_result(text) FROM PUBLIC;
COMMENT ON FUNCTION cdp.experiment_result(text) IS
'conversions of each arm: the rate with its range (Wilson), how much it is above that of the first arm with the range of that (Newcombe), both 95 %, and how likely arms as uneven as these are by chance (below 0.001: do not trust the experiment)';
