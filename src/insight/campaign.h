/*
 * campaign.h
 *		Private to the insight room: what an event says of its campaign.
 */
#ifndef CDP_INSIGHT_CAMPAIGN_H
#define CDP_INSIGHT_CAMPAIGN_H

#include "timeline/timeline.h"

/*
 * The name of the campaign that a property tells, not terminated; NULL: none.
 * It stands in the property or is palloc'd.
 */
extern const char *cdp_insight_campaign(const CdpTimelineValue *value,
										int *length);

#endif							/* CDP_INSIGHT_CAMPAIGN_H */
