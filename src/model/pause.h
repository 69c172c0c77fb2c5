/*
 * pause.h
 *		How the server's interrupts get into pure code.
 */
#ifndef CDP_MODEL_PAUSE_H
#define CDP_MODEL_PAUSE_H

/* Called now and then by whatever takes long; may be NULL. */
typedef void (*CdpPause) (void);

#endif							/* CDP_MODEL_PAUSE_H */
