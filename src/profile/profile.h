/*
 * profile.h
 *		Front door of the profile room: one trustworthy row per customer.
 *
 * What sources say about people are observations: a trait, its value, when,
 * and with which identifier set.  Whose they are follows from the set, as for
 * events, so a merge or split of profiles moves no observation; and of each
 * set and trait the latest is kept, so what is stored does not depend on the
 * order of arrival.
 *
 * The registry (cdp.trait) says of what type, form and format values are; what
 * does not fit is a warning of the record that brought it (trait_check.sql).
 *
 * Survivorship.  A profile's value of a trait is chosen among its observations
 * by the trait's rule (cdp.trait), an aggregate usable by itself:
 * cdp.survivor(value, observed_at, priority, rule).  It is deterministic to
 * the last tie.  survivor.c tells the rules.  A steward's pin wins until it is
 * taken back; it hangs on the founder of the profile, so it survives merges.
 *
 * cdp.profile_current holds the result: one row per live profile with traits,
 * lineage (which source, set, time and rule each value came from),
 * identifiers and metrics.  cdp._refresh_profiles(ids) is the only code that
 * makes such rows, for one profile behind a cdp.ingest() as for all of them in
 * a rebuild; it writes only rows that differ.  What it needs of events it
 * takes from timelines, never from the log.
 *
 * A changed rule of a trait, rank of a source, business key of an event or
 * region of the store makes all rows work of the next merge run
 * (cdp._note_all_profiles()).
 *
 * What depends on the clock is not stored here: a row is true until one of its
 * inputs changes, and whoever changes one notes the profile as work of phase
 * "profile" in cdp.todo; whoever changes a rule, that all profiles wait.  Of
 * observations that expire the row tells what survives until when, and readers
 * look at the clock (expiring.c); and of identifiers that expire, until when they
 * last: the first merge run after that takes them out of the row.  Traits that are
 * computed from events alone are in the row as well; the segment room evaluates
 * them.
 *
 * The public views (cdp.unified_profile and its companions) are at most one
 * join over profile_current.
 */
#ifndef CDP_PROFILE_PROFILE_H
#define CDP_PROFILE_PROFILE_H

#include "utils/date.h"
#include "utils/jsonb.h"

/* A trait as a column of text shows it, palloc'd; NULL: it shows nothing. */
extern text *cdp_profile_trait_text(Jsonb *traits, const char *name, int len);

/* May observations of a trait of this name expire? */
extern bool cdp_profile_may_expire(const char *name);

/* The value of a trait of "expiring" at an instant; false: it has none. */
extern bool cdp_profile_expiring_value(Jsonb *expiring, const char *name, int len,
									   TimestampTz at, JsonbValue *value);

/* Traits together with what expiring ones are worth at an instant. */
extern Jsonb *cdp_profile_traits_at(Jsonb *traits, Jsonb *expiring, TimestampTz at);

/* Identifiers without those that have expired by an instant. */
extern Jsonb *cdp_profile_lasting_identifiers(Jsonb *identifiers, Jsonb *until,
											  TimestampTz at);

/*
 * Does an address that a trait tells still stand in for an identifier, whose type
 * has this time to live (NULL: for ever)?
 */
extern bool cdp_profile_contact_lasts(Jsonb *lineage, const char *name,
									  const Interval *time_to_live, TimestampTz at);

/* Text as a date, as cdp._iso_date(); false: it is none. */
extern bool cdp_profile_iso_date(const char *value, int len, DateADT *date);

#endif							/* CDP_PROFILE_PROFILE_H */
