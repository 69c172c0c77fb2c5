/*
 * ingest.h
 *		Front door of the ingest room: records in, facts out.
 *
 * A record is one message from a source: who (identifiers), when, and what
 * (an event and/or traits and/or consents).  Two ways in share one path:
 *
 *		cdp.ingest(), cdp.ingest_batch()		cdp.inbox, table sources
 *		   one call, read your own merge		   merge run, in batches
 *						\								/
 *					text of records -> CdpBatch (batch.c)
 *
 *	1. record.c reads each text into a CdpRecord.  It is pure: it takes bytes
 *	   and never raises on bad data, so no subtransaction is needed per row.
 *	   What cannot be used at all becomes a reject with a reason, a bad field
 *	   beside good ones a warning.
 *	2. ledger.c drops repeats: (source, message id) is accepted once.
 *	3. identity attaches the identifiers and gives each record its set.
 *	4. write_*.c store events, trait observations, consents, rejects, warnings,
 *	   counts, and note what is to be done as rows of cdp.todo: one statement
 *	   over arrays each, whatever the number of records.
 *
 * Every record ends in exactly one of: stored, duplicate, rejected; the view
 * cdp.ingest_count adds them up.  cdp.preview_mapping() takes records as far as
 * it goes without writing, and shows what they would become (preview.c).
 *
 * Other rooms need no C of this one: they read its tables (ingest_store.sql).
 * The roof takes what says whether a lost batch is tried again.
 *
 * Locks.  First that of event_other, which the merge run takes alone to make
 * partitions; then ledger keys and identifiers, which are inserted in key
 * order, so that two calls never wait for each other in a circle; the
 * merger's lock last and only if it is free (cdp._settle()).  Calls never run
 * DDL; only the merge run makes partitions, first thing in its batch.
 */
#ifndef CDP_INGEST_H
#define CDP_INGEST_H

/*
 * Is the error, by which a batch of the run was lost, due to a table source
 * that was read in it?  Then the batch is to be tried again, which leaves that
 * source out and notes its failure (table_source.c).
 */
extern bool cdp_ingest_forgives(const ErrorData *error);

#endif							/* CDP_INGEST_H */
