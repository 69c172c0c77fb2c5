/*
 * model.c
 *		Fuzz the maths of models without a server.
 *
 * The first byte of the input chooses what is asked, the rest makes numbers.
 * Of scores it is checked that they are in their range and rise with the
 * horizon; of fits, that they end, and that their parameters are positive and
 * finite; of measures of quality, that they are in theirs.  Parameters are of
 * the size that customers and fits have, times a few million, so everything
 * is finite; every fourth input is of any doubles, where a result may be not
 * a number (which is NULL to SQL) but nothing worse.
 *
 *	test/fuzz/run.sh model [seconds]
 */
#include "postgres.h"

#include <math.h>

#include "model/count_case.h"
#include "model/count_fit.h"
#include "model/interval.h"
#include "model/logistic.h"
#include "model/pareto_fit.h"
#include "model/quality.h"
#include "model/sbg.h"
#include "model/spend.h"

#include "fuzz.h"

#define MAX_ROWS 24
#define MAX_FEATURES 4
#define ROUNDING 1e-9

/* What is left of the input. */
typedef struct Bytes
{
	const uint8 *next;
	const uint8 *end;
	bool		wild;			/* any doubles */
} Bytes;

static int
take_byte(Bytes *bytes)
{
	return bytes->next < bytes->end ? *bytes->next++ : 0;
}

/* A positive number: 10^low to 10^high, or any at all. */
static double
take_positive(Bytes *bytes, double low, double high)
{
	double		value = take_byte(bytes) * 256 + take_byte(bytes);

	if (bytes->wild)
		return pow(10, value / 65535 * 631 - 323);
	return pow(10, low + value / 65535 * (high - low));
}

/* A count of purchases or periods. */
static double
take_count(Bytes *bytes, double high)
{
	return floor(take_positive(bytes, -1, high) *
				 (take_byte(bytes) % 4 == 0 ? 0 : 1));
}

static CdpCustomer
take_customer(Bytes *bytes)
{
	CdpCustomer customer;

	customer.x = fmin(take_count(bytes, 5), 9007199254740992.0);
	customer.t = take_positive(bytes, -4, 5);
	customer.t_x = customer.x > 0 ?
		customer.t * (take_byte(bytes) / 255.0) : 0;
	return customer;
}

/* In the range; what is not a number only of any doubles. */
static void
insist_range(const Bytes *bytes, double value, double low, double high,
			 const char *promise)
{
	fuzz_insist((value >= low && value <= high) ||
				(bytes->wild && isnan(value)), promise);
}

static void
score_case(Bytes *bytes)
{
	CdpCountCase item = {.kind = take_byte(bytes) % 3};
	double		alive;
	double		active;
	double		expected;

	for (int i = 0; i < CDP_CASE_PARAMS; i++)
		item.params.values[i] = take_positive(bytes, -7, 5);
	item.customer = take_customer(bytes);
	item.horizon = take_positive(bytes, -5, 8);
	alive = cdp_model_case_alive(&item);
	active = cdp_model_case_active(&item);
	expected = cdp_model_case_expected(&item);
	insist_range(bytes, alive, 0, 1, "P(alive) is a probability");
	insist_range(bytes, active, 0, 1, "P(active) is a probability");
	insist_range(bytes, expected, 0, HUGE_VAL, "purchases are not negative");
	if (bytes->wild)
		return;
	fuzz_insist(active <= alive, "who buys is alive");
	fuzz_insist(expected >= active * (1 - ROUNDING),
				"purchases are no fewer than P(at least one)");
	fuzz_insist(isfinite(expected), "purchases are finite");
	fuzz_insist(cdp_model_case_loglik(&item) < HUGE_VAL,
				"the likelihood is finite");
	item.horizon *= 2;
	fuzz_insist(cdp_model_case_active(&item) >= active * (1 - ROUNDING),
				"P(active) rises with the horizon");
	fuzz_insist(cdp_model_case_expected(&item) >= expected * (1 - ROUNDING),
				"purchases rise with the horizon");
}

/* Of a discount, which takes many expectations. */
static void
score_discounted(Bytes *bytes)
{
	CdpCountCase item = {.kind = take_byte(bytes) % 3};
	double		plain;

	bytes->wild = false;
	for (int i = 0; i < CDP_CASE_PARAMS; i++)
		item.params.values[i] = take_positive(bytes, -4, 4);
	item.customer = take_customer(bytes);
	item.horizon = take_positive(bytes, -2, 4);
	plain = cdp_model_case_expected(&item);
	item.rate = take_positive(bytes, -5, 1);
	insist_range(bytes, cdp_model_case_expected(&item), 0,
				 plain * (1 + ROUNDING),
				 "a discount makes purchases no more");
}

static void
score_spend(Bytes *bytes)
{
	CdpSpendParams params;
	double		x = take_count(bytes, 5);
	double		m = take_positive(bytes, -3, 6);
	double		spend;

	params.p = take_positive(bytes, -4, 6);
	params.q = take_positive(bytes, -4, 6);
	params.v = take_positive(bytes, -4, 6);
	if (cdp_model_spend_expected(&params, x, m, &spend))
		insist_range(bytes, spend, 0, HUGE_VAL, "spend is not negative");
	if (x > 0 && !bytes->wild)
		fuzz_insist(isfinite(cdp_model_spend_loglik(&params, x, m)),
					"the likelihood of spend is finite");
}

static void
score_contract(Bytes *bytes)
{
	CdpSbgParams params;
	double		tenure = fmin(take_count(bytes, 7), 9007199254740992.0);
	double		horizon = fmin(take_count(bytes, 9), 9007199254740992.0);
	double		survival;

	params.a = take_positive(bytes, -6, 6);
	params.b = take_positive(bytes, -6, 6);
	survival = cdp_model_sbg_survival(&params, tenure, horizon);
	insist_range(bytes, survival, 0, 1, "survival is a probability");
	insist_range(bytes, cdp_model_sbg_retention(&params, tenure + 1), 0, 1,
				 "retention is a probability");
	insist_range(bytes, cdp_model_sbg_expected(&params, tenure, horizon), 0,
				 horizon, "a lifetime is no longer than the horizon");
	insist_range(bytes, cdp_model_sbg_discounted(&params, tenure,
												 take_positive(bytes, -6, 1)),
				 0, HUGE_VAL, "renewals to come are not negative");
}

/* A fit says something finite, or that it does not know. */
static void
insist_fit(const CdpFit *fit)
{
	if (fit->status == CDP_FIT_INSUFFICIENT)
		return;
	fuzz_insist(isfinite(fit->loglik), "the likelihood of a fit is finite");
	for (int i = 0; i < fit->nparams; i++)
		fuzz_insist(isfinite(fit->params[i]) && fit->params[i] > 0,
					"parameters are positive and finite");
}

static int
compare_rows(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(double)) == 0 ? 0 :
		*(const double *) left < *(const double *) right ? -1 : 1;
}

static void
fit_customers(Bytes *bytes)
{
	CdpCountGroup groups[MAX_ROWS];
	int			kind = take_byte(bytes) % 3;
	int			n = 2 + take_byte(bytes) % (MAX_ROWS - 1);
	CdpFit		fit;

	bytes->wild = false;
	for (int i = 0; i < n; i++)
	{
		groups[i].customer = take_customer(bytes);
		groups[i].weight = 1 + take_byte(bytes);
	}
	qsort(groups, n, sizeof(CdpCountGroup), compare_rows);
	if (kind == CDP_CASE_PARETO_NBD)
		cdp_model_fit_pareto(groups, n, NULL, &fit);
	else
		cdp_model_fit_count((CdpCountKind) kind, groups, n, NULL, &fit);
	insist_fit(&fit);
}

static void
fit_spenders(Bytes *bytes)
{
	CdpSpendGroup groups[MAX_ROWS];
	int			n = 2 + take_byte(bytes) % (MAX_ROWS - 1);
	CdpFit		fit;

	bytes->wild = false;
	for (int i = 0; i < n; i++)
	{
		groups[i].x = 1 + take_count(bytes, 4);
		groups[i].m = take_positive(bytes, -3, 6);
		groups[i].weight = 1 + take_byte(bytes);
	}
	qsort(groups, n, sizeof(CdpSpendGroup), compare_rows);
	cdp_model_fit_spend(groups, n, NULL, &fit);
	insist_fit(&fit);
}

static void
fit_contracts(Bytes *bytes)
{
	CdpSbgGroup groups[MAX_ROWS];
	int			n = 2 + take_byte(bytes) % (MAX_ROWS - 1);
	CdpFit		fit;

	bytes->wild = false;
	for (int i = 0; i < n; i++)
	{
		groups[i].tenure = take_count(bytes, 5);
		groups[i].churned = groups[i].tenure > 0 ? take_byte(bytes) % 2 : 0;
		groups[i].weight = 1 + take_byte(bytes);
	}
	qsort(groups, n, sizeof(CdpSbgGroup), compare_rows);
	cdp_model_fit_sbg(groups, n, NULL, &fit);
	insist_fit(&fit);
}

/* Features of any doubles do not have to fit, but predict a probability. */
static void
fit_outcomes(Bytes *bytes)
{
	double		rows[MAX_ROWS * (MAX_FEATURES + 2)];
	double		params[MAX_FEATURES + 1];
	double		covariance[(MAX_FEATURES + 1) * (MAX_FEATURES + 1)];
	double		work[7 * (MAX_FEATURES + 1) +
					 2 * (MAX_FEATURES + 1) * (MAX_FEATURES + 1)];
	bool		held[MAX_FEATURES + 1];
	CdpLogistic fit = {.rows = rows,.work = work,.params = params,
	.covariance = covariance,.held = held};
	double	   *next = rows;

	fit.nfeatures = take_byte(bytes) % (MAX_FEATURES + 1);
	fit.nrows = 1 + take_byte(bytes) % MAX_ROWS;
	fit.l2 = take_byte(bytes) % 2 * take_positive(bytes, -6, 6);
	fuzz_insist(cdp_model_logistic_work(fit.nfeatures) <= lengthof(work),
				"a fit works in the room it asks for");
	for (size_t i = 0; i < fit.nrows; i++)
	{
		*next++ = take_byte(bytes) % 2;
		for (int j = 0; j < fit.nfeatures; j++)
			*next++ = (take_byte(bytes) % 3 - 1) * take_positive(bytes, -9, 9);
		*next++ = 1 + take_byte(bytes) % 8;
	}
	cdp_model_fit_logistic(&fit);
	if (fit.status == CDP_FIT_INSUFFICIENT)
		return;
	for (int j = 0; j <= fit.nfeatures && !bytes->wild; j++)
		fuzz_insist(isfinite(params[j]), "coefficients are finite");
	insist_range(bytes, cdp_model_logistic_predict(params, fit.nfeatures,
												   rows + 1), 0, 1,
				 "a prediction is a probability");
}

static void
measure_quality(Bytes *bytes)
{
	CdpQualityRow rows[MAX_ROWS];
	CdpQualityBand bands[MAX_ROWS];
	int			n = 1 + take_byte(bytes) % MAX_ROWS;
	CdpQualityRows all = {rows, n};
	int			nbands = 1 + take_byte(bytes) % MAX_ROWS;
	double		fraction = (1 + take_byte(bytes)) / 256.0;
	double		area;
	double		count = 0;
	double		lift;

	for (int i = 0; i < n; i++)
	{
		rows[i].score = take_byte(bytes) % 8 *
			(bytes->wild ? take_positive(bytes, 0, 0) : 1);
		rows[i].happened = take_byte(bytes) % 2;
		rows[i].weight = 1 + take_byte(bytes);
		count += rows[i].weight;
	}
	qsort(rows, n, sizeof(CdpQualityRow), compare_rows);
	area = cdp_model_auc(&all);
	lift = cdp_model_lift(&all, fraction);
	fuzz_insist(isnan(area) == isnan(lift), "both compare two outcomes");
	fuzz_insist(isnan(area) || (area >= 0 && area <= 1 + ROUNDING),
				"an area is from 0 to 1");
	fuzz_insist(isnan(lift) ||
				(lift >= 0 && lift <= (1 + ROUNDING) / fraction),
				"a lift is no more than all there are");
	cdp_model_calibration(&all, bands, nbands);
	for (int i = 0; i < nbands; i++)
		count -= bands[i].count;
	fuzz_insist(count == 0, "each row is in a band");
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static void (*const asked[]) (Bytes *bytes) = {
		score_case, score_discounted, score_spend, score_contract,
		fit_customers, fit_spenders, fit_contracts, fit_outcomes,
		measure_quality
	};
	Bytes		bytes = {data + 1, data + size};

	if (size == 0)
		return 0;
	bytes.wild = data[0] % 4 == 3;
	asked[data[0] / 4 % lengthof(asked)] (&bytes);
	return 0;
}
