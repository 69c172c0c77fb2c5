/*
 * pause.h
 *		How the server's interrupts get into pure code.
 */
#ifndef CDP_MODEL_PAUSE_H
#define CDP_MODEL_PAUSE_H

#include <stddef.h>

/* Called now and then by whatever takes long; may be NULL. */
typedef void (*CdpPause) (void);

/* Elements of a light loop between two pauses: some 0.1 ms. */
#define CDP_PAUSE_EVERY 16384

/* Pause now and then in a loop that is at element i. */
static inline void
cdp_model_pause_at(size_t i, CdpPause pause)
{
	if (i % CDP_PAUSE_EVERY == CDP_PAUSE_EVERY - 1 && pause != NULL)
		pause();
}

#endif							/* CDP_MODEL_PAUSE_H */
