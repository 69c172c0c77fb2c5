/*
 * survivor.h
 *		Private to the profile room: choose a value among observations.
 */
#ifndef CDP_PROFILE_SURVIVOR_H
#define CDP_PROFILE_SURVIVOR_H

#include "utils/jsonb.h"
#include "utils/timestamp.h"

typedef enum CdpSurvivorRule
{
	CDP_SURVIVOR_LATEST,
	CDP_SURVIVOR_EARLIEST,
	CDP_SURVIVOR_SOURCE_PRIORITY,
	CDP_SURVIVOR_MOST_FREQUENT,
	CDP_SURVIVOR_LONGEST,
	CDP_SURVIVOR_MIN,
	CDP_SURVIVOR_MAX,
	CDP_SURVIVOR_SUM,
	CDP_SURVIVOR_UNION
} CdpSurvivorRule;

typedef struct CdpObservation
{
	TimestampTz at;
	int64		set_id;			/* 0 if unknown */
	int32		priority;		/* higher counts more */
	int32		source_length;
	const char *source;			/* not terminated */
	Jsonb	   *value;
	/* filled in by cdp_survivor_choose */
	JsonbValue	json;			/* the value, as what it is */
	const char *text;			/* its text; a string's without quotes */
	int			length;
	int64		weight;			/* characters or occurrences */
} CdpObservation;

/* Raises for an unknown rule; NULL is "latest". */
extern CdpSurvivorRule cdp_survivor_rule(const char *name, bool *non_empty);

/*
 * The observation that survives, or NULL; *value is the surviving value,
 * which for sum and union is made of all of them.
 */
extern CdpObservation *cdp_survivor_choose(CdpObservation *observations,
										   int count, const char *rule,
										   Jsonb **value);

#endif							/* CDP_PROFILE_SURVIVOR_H */
