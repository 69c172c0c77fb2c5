/*
 * model.h
 *		Front door of the model room: what a customer is worth, and whether
 *		she will come back.
 *
 * The question.  Customers of a shop do not say when they leave: they are
 * just silent.  The models here tell a silence that means nothing from one
 * that means goodbye, from three numbers a customer: x, how often she came
 * back after her first purchase; t_x, when she last did; t, how long we have
 * watched.  A fourth, m, the mean amount of her repeat purchases, tells what
 * the next one will be worth.  cdp.rfm_agg makes the four from purchases.
 *
 * The models.  While "alive" a customer buys at random at a rate of her own,
 * gamma-distributed over customers (r, alpha).  After a purchase she may drop
 * out for good, with a probability of her own, beta-distributed (a, b): that
 * is BG/NBD (Fader, Hardie, Lee 2005).  In it who never came back cannot have
 * left; MBG/NBD (Batislam, Denizel, Filiztekin 2007) lets her drop out after
 * the first purchase too.  In Pareto/NBD (Schmittlein, Morrison, Colombo 1987)
 * she may drop out at any moment, at a rate of her own, gamma-distributed (s,
 * beta).  Of the last two the likelier is the default.  Spend is Gamma-Gamma
 * (p, q, v; Fader, Hardie 2013): amounts vary around a mean of the customer's
 * own.  Customers under contract do say when they leave; who will renew is
 * told by the shifted beta-geometric model (Fader, Hardie 2007).  Any other
 * outcome with examples is for logistic regression.
 *
 * Churn is 1 - P(at least one purchase in the next h), not 1 - P(alive):
 * whoever buys once in ten years is alive and is no customer of next quarter,
 * and BG/NBD holds every one-time buyer for alive.
 *
 * How it is laid out
 *
 *	special.c	gamma function differences and kin		pure
 *	quadrature.c integrals of e^f, f concave			pure
 *	newton.c	maximise in a box, damped Newton		pure
 *	count.c		BG/NBD, MBG/NBD: one customer's scores	pure
 *	pareto.c	Pareto/NBD: likewise					pure
 *	count_case.c one customer under any of these		pure
 *	fit_core.c	from several starts to one fit			pure
 *	count_surface.c what likelihoods and fits of these share pure
 *	count_fit.c	likelihood and fit of BG/NBD, MBG/NBD	pure
 *	pareto_fit.c likelihood and fit of Pareto/NBD		pure
 *	spend.c		Gamma-Gamma: scores and fit				pure
 *	sbg.c		shifted beta-geometric: likewise		pure
 *	interval.c	delta method							pure
 *	quality.c	AUC, lift, calibration, losses			pure
 *	logistic.c	ridge logistic regression				pure
 *	json_field.c reads types written as JSON objects
 *	rfm.c		type cdp.rfm_summary
 *	rfm_agg.c	cdp.rfm_agg
 *	clv_model.c	type cdp.clv_model: a fitted model as a value
 *	gather.c	the state of aggregates that need all rows
 *	fit.c		the fit aggregates of customers
 *	score_args.c arguments of the scoring functions, checked
 *	score.c		the scoring functions
 *	score_range.c the range that a score lies in
 *	score_interval.c how well scores of purchases and spend are known
 *	contract.c	scores of customers under contract
 *	contract_interval.c and how well they are known
 *	quality_agg.c how good scores were
 *	fit_logistic.c fit and prediction of logistic regression
 *	model.sql	what manages models in the store: options, fit, measure
 *	tenure.sql	models of contracts, from events of profiles
 *	model_score_store.sql what the scores of one customer are, inlined
 *	profile_score.sql the scores of all profiles, or of a few
 *	report.sql	what they say of themselves and of one customer, in words
 *
 * Pure files see no server header: doubles in, doubles out, no allocation but
 * what the caller hands in, so they can be fuzzed and compared with an oracle
 * by themselves.  Whatever takes long calls back now and then, which is how
 * the server's interrupts get in.
 *
 * Invariants.  No function returns NaN or infinity: what is not defined is
 * NULL.  A fit never raises for its data: its status says converged, boundary
 * (usable; some part of the model is not identified by these customers, and
 * the detail says which), max_iterations, or insufficient (no parameters).
 * Fits sort their customers first, so the plan that fed them does not matter.
 * Scores are a function of data, model version and as-of time; model versions
 * are kept, and a rebuild scores again but does not fit again.
 *
 * Cost.  A fit holds 32 bytes for each distinct (x, t_x, t) and sees each
 * about ten times at 0.1 us.  A score is 0.1 us (P(alive)) to 1 us (expected
 * purchases); expectations over very many purchases take 50 us.  Pareto/NBD
 * takes 1 us a score and for each look of a fit at a history.  What goes on
 * without end (DERT) is a sum of 20 expectations for each time that the scale
 * triples, in Pareto/NBD one integral.
 */
#ifndef CDP_MODEL_H
#define CDP_MODEL_H

#include "base/base.h"

#endif							/* CDP_MODEL_H */
