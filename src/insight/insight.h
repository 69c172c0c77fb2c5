/*
 * insight.h
 *		Front door of the insight room: the answers to what people ask.
 *
 * Everything before this room makes the data true; here it is asked.  A
 * question is one function or view, and its rules are rows of a table that
 * cdp.setup() filled and the store's owner changes: weights, stages, models.
 * The room is SQL, but for what is done for each of thousands of events.
 *
 * One profile.  An answer about one profile reads its timeline, which is a few
 * pages found by a key, and never scans the event log.  Timelines hold which
 * products each event is about (item.h).  What they do not hold, such as the
 * prices of one order, is looked up in the log by name and time, which the
 * timeline knows.  So an answer takes milliseconds, however many profiles there
 * are.
 *
 * Any id that a profile ever had leads to the live one; an id that was never
 * given is an error, and so is that of somebody whose data is only kept
 * (cdp._person_asked()).
 *
 * As-of.  Every answer is as of an instant, by default cdp.clock(): events at
 * that instant or later are not seen.
 *
 * All profiles.  What an answer compares a profile with (how usual is it, what
 * is bought together) is derived, kept in tables, and made anew by the merge
 * run once it is old.
 *
 * Cost.  One profile with tens of events takes about 2 ms CPU, most of which is
 * planning and look-ups; what is made anew reads all timelines.  Attribution
 * decodes the timelines of all who converted, a lookalike evaluates its features
 * for all who agreed, twice fitted, and a funnel asks its stages of all in one
 * pass.
 *
 * Privileges.  Tables of rules and figures without identifiers are for
 * readers; what tells of one person is a door for those who may know her.
 *
 *	events.sql			what one profile did, and with which products, or all did
 *	walk.c				through timelines, event by event, each order once
 *	report.c			which report of an order counts
 *	item.c				the products of an event of a timeline
 *	products.c			events and products of timelines as rows
 *	refresh.sql			what answers compare with, made anew
 *	purchase.sql		cdp.previous_purchase()
 *	interests.sql		cdp.interests()
 *	interest.c			the sums of interests, from a timeline
 *	contact.c			channels, days and hours, from a timeline
 *	elements.c			arrays, taken apart
 *	deals.sql			the funnel of a pipeline
 *	forecast.sql		what deals and customers will bring, and did
 *	forecast_range.sql	how far a sum of uncertain amounts may be off
 *	funnel.sql			how many came from one predicate to the next
 *	best_sellers.sql	what sells where
 *	crm.sql				next actions, and the dealings with a customer
 *	outbox.sql			what changed, for a CRM that asks from time to time
 *	dmp.sql				categories, who browsed them, reach of audiences
 *	intent.sql			cdp.intent()
 *	channel.sql			cdp.channel_preference()
 *	journey.sql			cdp.journey_stage(), cdp.journey_flow()
 *	recommend.sql		cdp.recommend(), products bought together, best sellers
 *	attribution.sql		cdp.attribution()
 *	campaign.c			what the campaign of an event is
 *	touches.c			the touches of conversions, from a timeline
 *	lookalike.sql		cdp.lookalike()
 *	erase.sql			what is known of a person who is erased, gone
 *
 * The room has no C functions for others.
 */
#ifndef CDP_INSIGHT_INSIGHT_H
#define CDP_INSIGHT_INSIGHT_H

#endif							/* CDP_INSIGHT_INSIGHT_H */
