/*
 * propensity.h
 *		Front door of the propensity room: who will do it next?
 *
 * The question.  Any predicate over events can be a label: "orders within 90
 * days".  A labelled model learns from the past what went before it, and says
 * of everybody how likely it is to come next.
 *
 * Learning.  Take an instant a horizon ago, the cut.  What is known of a
 * profile are its events before the cut: the features are expressions over
 * them.  What happened are its events from the cut on, for one horizon: the
 * label is asked of a timeline that holds no others (cdp.timeline_between).
 * So the past cannot make a label true, and the future reaches no feature:
 *
 *		  events before the cut     |     events within the horizon
 *		  who is it, features		|	  label
 *		----------------------------+--------------------------------> time
 *								   cut						   cut + horizon
 *
 * For the same reason label, who and features are about events only.  A trait
 * as it is today, a score or a segment that looks at one may have been told
 * after the fact ("is a customer", set by the shop when the order came): at
 * the cut nobody knew it.  Such predicates are refused when a model is
 * defined, and computed traits of that kind are not taken for features.
 *
 * The model is ridge logistic regression (model room).  A number x enters as
 * sign(x) ln(1 + |x|): counts and sums of money are skewed, and the second
 * visit tells more than the hundredth.  A yes is 1, a no 0.  An unknown value
 * is 0, and where there are any, a column more tells that it is unknown.
 *
 * How good is it?  A second model, learnt one horizon earlier, says what will
 * happen in the last horizon, and is compared with what did
 * (cdp.model_quality).
 *
 * Before there are enough labels, a model scores by points: the sum of those
 * of the rules (cdp.lead_rule) that hold.  Points are not learnt from anything,
 * so rules may look at all of a profile.
 *
 * Versions are kept and hold all that scoring needs, so scores are a function
 * of events, versions (or rules) and the as-of time, and a rebuild makes the
 * same ones.  They live in cdp.profile_score beside those of purchase counts.
 *
 *	features.c			values to numbers, means of rows
 *	features.sql		which features, from which profiles
 *	learn.sql			a version: fitted, measured, kept
 *	score.sql			scores by a version or by points
 *	define.sql			cdp.define_propensity(), cdp.drop_model(), starters
 *	reasons.sql			cdp.score_reasons(), for models of all rooms
 *
 * Cost.  A fit reads all timelines three times, two of them for the measure;
 * scoring reads them once a model.  The fit itself holds 8 bytes a feature for
 * each profile in memory.
 *
 * The room has no C functions for others.
 */
#ifndef CDP_PROPENSITY_PROPENSITY_H
#define CDP_PROPENSITY_PROPENSITY_H

#endif							/* CDP_PROPENSITY_PROPENSITY_H */
