INSERT INTO cdp.setting (name, value, description, kind) VALUES
	('score_every', '1 day', 'a merge run scores all customers again when their scores are older than this', 'interval');

CREATE TABLE cdp.model (
	name text PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('clv', 'churn', 'contract', 'propensity')),
	description text,
	options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
	version integer,
	status text NOT NULL DEFAULT 'waiting',
	detail text,
	created_at timestamptz NOT NULL DEFAULT cdp.clock()
);
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE OF name, kind, options ON cdp.model
	FOR EACH ROW EXECUTE FUNCTION cdp._check_model();
COMMENT ON TABLE cdp.model IS
'models that score customers: what they say, their options, the version in use, and what they wait for; a row of kind contract is yours to insert';
COMMENT ON COLUMN cdp.model.options IS
'horizon (interval), kinds (purchase-count models to choose from by likelihood), min_repeat_customers; for clv also margin and annual_rate; for contract horizon, period (between renewals), grace (how late a renewal may come), lifetime (how far ahead renewals are counted), min_ended; models of kind propensity have theirs in cdp.propensity';
COMMENT ON COLUMN cdp.model.status IS
'waiting (detail says for what), converged, boundary (usable; the model in cdp.model_version says what is not identified), or failed (detail is the error; its scores stay)';
SELECT cdp._watch_table('cdp.model', 'name');

-- Truth: versions are kept, and a score names the version that made it.
CREATE TABLE cdp.model_version (
	model text NOT NULL REFERENCES cdp.model ON UPDATE CASCADE ON DELETE CASCADE,
	version integer NOT NULL,
	as_of timestamptz NOT NULL,
	status text NOT NULL,
	customers bigint NOT NULL,
	repeat_customers bigint,
	left_out bigint,
	ended bigint,
	count_model cdp.clv_model,
	spend_model cdp.clv_model,
	labels bigint,
	logistic cdp.clv_model,
	features jsonb,
	PRIMARY KEY (model, version),
	CHECK (num_nonnulls(count_model, logistic) = 1),
	CHECK (num_nulls(logistic, labels, features) IN (0, 3))
);
COMMENT ON TABLE cdp.model_version IS
'every fit of a model: from which customers, as of when, and the fitted model itself';
COMMENT ON COLUMN cdp.model_version.left_out IS
'of a model of purchases: profiles that ordered, but paid nothing or gave all back; they are not among its customers';
COMMENT ON COLUMN cdp.model_version.ended IS
'of a model of contracts: of how many of the customers the contract had ended';
COMMENT ON COLUMN cdp.model_version.count_model IS
'how often customers buy; of a model of contracts, who renews';
COMMENT ON COLUMN cdp.model_version.labels IS
'of a labelled model: of how many of the customers the label was true';
COMMENT ON COLUMN cdp.model_version.features IS
'of a labelled model, for each coefficient: name, expression and type, its place among the expressions, whether it tells that the value is unknown, its mean, and the usual value';

CREATE TABLE cdp.model_quality (
	model text NOT NULL,
	version integer NOT NULL,
	holdout_from timestamptz NOT NULL,
	holdout_to timestamptz NOT NULL,
	customers bigint NOT NULL,
	said double precision NOT NULL,
	happened double precision NOT NULL,
	error double precision,
	auc double precision,
	calibration jsonb NOT NULL,
	verdict text,
	PRIMARY KEY (model, version),
	FOREIGN KEY (model, version) REFERENCES cdp.model_version
		ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE cdp.model_quality IS
'how a model fitted before holdout_from did up to holdout_to: clv as revenue, others as share of customers';
COMMENT ON COLUMN cdp.model_quality.error IS
'share said less share that happened; clv: revenue said over revenue that happened, less 1';
COMMENT ON COLUMN cdp.model_quality.calibration IS
'ten bands of customers by what was said, each with customers, said and happened';

CREATE TABLE cdp.model_verdict_rule (
	kind text NOT NULL,
	position integer NOT NULL,
	verdict text NOT NULL CHECK (verdict IN ('good', 'usable', 'do not use')),
	max_error double precision,
	max_relative_error double precision,
	min_auc double precision,
	reason text,
	PRIMARY KEY (kind, position)
);
COMMENT ON TABLE cdp.model_verdict_rule IS
'a model gets the verdict of the first row of its kind whose limits its holdout figures keep';
COMMENT ON COLUMN cdp.model_verdict_rule.max_error IS
'largest error, as cdp.model_quality has it, whatever its sign';
COMMENT ON COLUMN cdp.model_verdict_rule.max_relative_error IS
'largest error as a share of what happened: of something rare an error of some per cent points is large';
COMMENT ON COLUMN cdp.model_verdict_rule.reason IS 'where the limits come from';
INSERT INTO cdp.model_verdict_rule (kind, position, verdict, max_error, max_relative_error, min_auc, reason) VALUES
	('churn', 1, 'good', 0.05, NULL, 0.70, 'AUC 0.7: acceptable discrimination (Hosmer, Lemeshow 2000, section 5.2.4); error: our choice, one customer in 20'),
	('churn', 2, 'usable', 0.10, NULL, 0.60, 'our choice: ranks better than chance, one customer in 10'),
	('churn', 3, 'do not use', NULL, NULL, NULL, 'what is left'),
	('clv', 1, 'good', 0.15, NULL, NULL, 'our choice: near enough to plan by'),
	('clv', 2, 'usable', 0.35, NULL, NULL, 'our choice: enough to tell customers apart, not to plan revenue'),
	('clv', 3, 'do not use', NULL, NULL, NULL, 'what is left'),
	('contract', 1, 'good', 0.05, NULL, NULL, 'error as of churn; no AUC: contracts of one age are all scored alike'),
	('contract', 2, 'usable', 0.10, NULL, NULL, 'error as of churn'),
	('contract', 3, 'do not use', NULL, NULL, NULL, 'what is left'),
	('propensity', 1, 'good', NULL, 0.25, 0.70, 'AUC as of churn; error: 100 labels, the fewest to learn from, vary by a tenth by chance, and by a quarter about once in 80 times'),
	('propensity', 2, 'usable', NULL, 0.50, 0.60, 'our choice: ranks better than chance, but off by up to half'),
	('propensity', 3, 'do not use', NULL, NULL, NULL, 'what is left');

CREATE TABLE cdp.churn_band_rule (
	band text PRIMARY KEY,
	churn_from double precision NOT NULL UNIQUE
);
COMMENT ON TABLE cdp.churn_band_rule IS
'a customer is in the band with the highest churn_from that her churn reaches';
INSERT INTO cdp.churn_band_rule (band, churn_from) VALUES
	('low', 0), ('medium', 0.5), ('high', 0.8);

CREATE TABLE cdp.lifecycle_rule (
	position integer PRIMARY KEY,
	stage text NOT NULL CHECK (stage IN
		('new', 'active', 'cooling', 'at_risk', 'lost', 'one_time')),
	first_within interval,
	silent_for interval,
	max_purchases integer,
	churn_from double precision,
	description text
);
COMMENT ON TABLE cdp.lifecycle_rule IS
'a customer is in the stage of the first rule whose conditions, those that are not NULL, all hold';
INSERT INTO cdp.lifecycle_rule (position, stage, first_within, silent_for, max_purchases, churn_from, description) VALUES
	(10, 'new', '30 days', NULL, NULL, NULL, 'first bought within 30 days'),
	(20, 'one_time', NULL, NULL, 1, NULL, 'bought once, and not lately'),
	(30, 'lost', NULL, '365 days', NULL, NULL, 'silent for a year'),
	(40, 'at_risk', NULL, NULL, NULL, 0.8, 'will probably not buy within the horizon of model churn'),
	(50, 'cooling', NULL, NULL, NULL, 0.5, 'rather will not buy than will'),
	(60, 'active', NULL, NULL, NULL, 0, 'rather will buy'),
	(70, 'at_risk', NULL, '180 days', NULL, NULL, 'no model yet: silent for half a year'),
	(80, 'cooling', NULL, '90 days', NULL, NULL, 'no model yet: silent for a quarter'),
	(90, 'active', NULL, NULL, NULL, NULL, 'no model yet: bought within a quarter');

-- Derived: a row is as of the last refresh of them all, or of the profile's own
-- last cdp.ingest() or merge run; ranks (fifths and percentiles) are of the last
-- refresh of all.  A profile without orders and returns has no revenue.
CREATE TABLE cdp.profile_score (
	profile_id bigint PRIMARY KEY,
	rfm_recency integer,
	rfm_frequency integer,
	rfm_monetary integer,
	lifecycle text,
	clv_365d numeric,
	clv_365d_low numeric,
	clv_365d_high numeric,
	churn_90d double precision,
	churn_band text,
	model_verdict text,
	scores jsonb NOT NULL DEFAULT '{}',
	as_of timestamptz NOT NULL,
	revenue numeric,
	rfm cdp.rfm_summary
) WITH (fillfactor = 60);
-- Not by rfm, which each refresh changes: such updates would not be HOT.
CREATE INDEX profile_score_unranked_idx ON cdp.profile_score (profile_id)
	WHERE revenue IS NOT NULL AND rfm_recency IS NULL;
COMMENT ON TABLE cdp.profile_score IS
'scores of every profile with an order, and of those that other models score';
COMMENT ON COLUMN cdp.profile_score.clv_365d_low IS
'clv_365d is a mean, and lies between this and clv_365d_high with probability 0.95; what the customer spends may be further from it';
COMMENT ON COLUMN cdp.profile_score.scores IS
'by model: value, low, high, percentile (0 to 100; none before the first refresh of all that saw the profile) and version; without a version it is a sum of points; of contracts also lifetime, the renewals expected to come';

CREATE TABLE cdp.score_run (
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	as_of timestamptz NOT NULL,
	profiles bigint NOT NULL,
	statement_at timestamptz NOT NULL
);
COMMENT ON TABLE cdp.score_run IS
'one row: when all scores were last made, and of how many profiles';

CREATE VIEW cdp.rfm AS
SELECT profile_id,
	rfm_recency AS recency,
	rfm_frequency AS frequency,
	rfm_monetary AS monetary,
	pg_catalog.concat(rfm_recency, rfm_frequency, rfm_monetary) AS cell,
	(cdp.x(rfm) + 1)::bigint AS purchases,
	revenue,
	cdp.first_at(rfm) AS first_at,
	cdp.last_at(rfm) AS last_at,
	as_of
FROM cdp.profile_score
WHERE rfm IS NOT NULL;
COMMENT ON VIEW cdp.rfm IS
'recency, frequency and monetary value of customers in fifths, 1 to 5, 5 the best';

CREATE VIEW cdp.lifecycle AS
SELECT profile_id,
	lifecycle AS stage,
	(cdp.x(rfm) + 1)::bigint AS purchases,
	cdp.last_at(rfm) AS last_at,
	as_of
FROM cdp.profile_score
WHERE lifecycle IS NOT NULL;
COMMENT ON VIEW cdp.lifecycle IS
'the stage of each customer: new, active, cooling, at_risk, lost or one_time, by cdp.lifecycle_rule';
