-- How good scores were, as parallel aggregates.

CREATE FUNCTION cdp._auc_step(internal, double precision, boolean) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__auc_step';

CREATE FUNCTION cdp._auc_final(internal) RETURNS double precision
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__auc_final';

CREATE FUNCTION cdp._lift_step(internal, double precision, boolean) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__lift_step';

CREATE FUNCTION cdp._lift_step(internal, double precision, boolean, double precision) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__lift_step';

CREATE FUNCTION cdp._lift_final(internal) RETURNS double precision
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__lift_final';

CREATE FUNCTION cdp._calibration_step(internal, double precision, boolean) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__calibration_step';

CREATE FUNCTION cdp._calibration_step(internal, double precision, double precision, integer) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__calibration_step';

CREATE FUNCTION cdp._calibration_final(internal) RETURNS jsonb
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__calibration_final';

CREATE FUNCTION cdp._brier_step(double precision[], double precision, boolean) RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__brier_step';

CREATE FUNCTION cdp._log_loss_step(double precision[], double precision, boolean) RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__log_loss_step';

CREATE FUNCTION cdp._mean_combine(double precision[], double precision[]) RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__mean_combine';

CREATE FUNCTION cdp._mean_final(double precision[]) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp__mean_final';

CREATE AGGREGATE cdp.auc(score double precision, outcome boolean) (
	SFUNC = cdp._auc_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._auc_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.auc(double precision, boolean) IS
'area under the ROC curve: probability that a row whose outcome is true has the higher score, equal scores by halves; NULL when there is one outcome only';

CREATE AGGREGATE cdp.lift(score double precision, outcome boolean, fraction double precision) (
	SFUNC = cdp._lift_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._lift_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.lift(double precision, boolean, double precision) IS
'share of true outcomes in the fraction of rows with the highest scores, over their share in all; rows tied at the cut count by their share; NULL when there is one outcome only';

CREATE AGGREGATE cdp.lift(score double precision, outcome boolean) (
	SFUNC = cdp._lift_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._lift_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.lift(double precision, boolean) IS
'share of true outcomes in the tenth of rows with the highest scores, over their share in all; rows tied at the cut count by their share; NULL when there is one outcome only';

CREATE AGGREGATE cdp.calibration(said double precision, happened double precision, bands integer) (
	SFUNC = cdp._calibration_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._calibration_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.calibration(double precision, double precision, integer) IS
'what was said against what happened, means by bands of as many rows each, lowest first; rows of which the same was said are in one band';

CREATE AGGREGATE cdp.calibration(p double precision, outcome boolean) (
	SFUNC = cdp._calibration_step, STYPE = internal, SSPACE = 1048576,
	FINALFUNC = cdp._calibration_final, COMBINEFUNC = cdp._gather_combine,
	SERIALFUNC = cdp._gather_serial, DESERIALFUNC = cdp._gather_deserial,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.calibration(double precision, boolean) IS
'probabilities against shares of true outcomes, by ten bands of as many rows each, lowest first; rows with the same probability are in one band';

CREATE AGGREGATE cdp.brier(p double precision, outcome boolean) (
	SFUNC = cdp._brier_step, STYPE = double precision[], INITCOND = '{0,0}',
	FINALFUNC = cdp._mean_final, COMBINEFUNC = cdp._mean_combine,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.brier(double precision, boolean) IS
'mean squared difference between probability and outcome: 0 is perfect';

CREATE AGGREGATE cdp.log_loss(p double precision, outcome boolean) (
	SFUNC = cdp._log_loss_step, STYPE = double precision[], INITCOND = '{0,0}',
	FINALFUNC = cdp._mean_final, COMBINEFUNC = cdp._mean_combine,
	PARALLEL = safe);
COMMENT ON AGGREGATE cdp.log_loss(double precision, boolean) IS
'mean of -ln of the probability given to what happened; probabilities closer than 1e-15 to 0 or 1 count as that';
