/*
 * probe.h
 *		Rows of a store's table by an index, one key after the other (probe.c).
 */
#ifndef CDP_IDENTITY_PROBE_H
#define CDP_IDENTITY_PROBE_H

typedef struct CdpProbe CdpProbe;

/*
 * Between these two all probes see one snapshot: a new one (above READ
 * COMMITTED, the transaction's) with everything this transaction wrote so far.
 */
extern void cdp_identity_begin_reading(void);
extern void cdp_identity_end_reading(void);

/* Read cdp.<table> by the first nkeys columns of cdp.<index>. */
extern CdpProbe *cdp_identity_probe_open(const char *table, const char *index,
										 int nkeys);
extern void cdp_identity_probe_close(CdpProbe *probe);

/* The number of a column, for cdp_identity_probe_value(). */
extern int	cdp_identity_probe_column(CdpProbe *probe, const char *name);

/* Go to the first row with these keys; false: there is none. */
extern bool cdp_identity_probe_find(CdpProbe *probe, const Datum *keys);

/* A column of the row found, valid until the next find; null is 0. */
extern Datum cdp_identity_probe_value(CdpProbe *probe, int column);

#endif							/* CDP_IDENTITY_PROBE_H */
