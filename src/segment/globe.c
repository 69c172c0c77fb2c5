/*
 * globe.c
 *		Distances on the earth.
 *
 * The earth is taken for a globe of its mean radius (IUGG), which is wrong by
 * 0.6 % at most: enough to tell who lives near a store.  The haversine formula
 * (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984)
 * stays exact for points close to each other, where the law of cosines
 * does not.
 */
#include "postgres.h"

#include <math.h>

#include "segment/globe.h"

#define MEAN_RADIUS_KM 6371.0088

static double
to_radians(double degrees)
{
	return degrees * (M_PI / 180.0);
}

/* hav(x) = sin^2(x / 2) */
static double
haversine(double radians)
{
	double		half = sin(radians / 2);

	return half * half;
}

/*
 * hav(d / r) = hav(lat2 - lat1) + cos(lat1) cos(lat2) hav(lon2 - lon1);
 * rounding must not put it above 1, which is the other side of the globe.
 */
double
cdp_segment_distance_km(const CdpPoint *a, const CdpPoint *b)
{
	double		latitude = to_radians(a->latitude);
	double		other_latitude = to_radians(b->latitude);
	double		apart = haversine(other_latitude - latitude) +
		cos(latitude) * cos(other_latitude) *
		haversine(to_radians(b->longitude - a->longitude));

	return 2 * MEAN_RADIUS_KM * asin(sqrt(Min(apart, 1.0)));
}
