/*
 * globe.h
 *		Distances on the earth.
 */
#ifndef CDP_SEGMENT_GLOBE_H
#define CDP_SEGMENT_GLOBE_H

/* In degrees: -90 to 90, -180 to 180. */
typedef struct CdpPoint
{
	double		latitude;
	double		longitude;
} CdpPoint;

/* The shortest way over the ground, on a globe of the earth's mean radius. */
extern double cdp_segment_distance_km(const CdpPoint *a, const CdpPoint *b);

#endif							/* CDP_SEGMENT_GLOBE_H */
