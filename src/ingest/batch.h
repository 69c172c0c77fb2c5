/*
 * batch.h
 *		Inside the ingest room: records on their way into the store.
 */
#ifndef CDP_INGEST_BATCH_H
#define CDP_INGEST_BATCH_H

#include "utils/uuid.h"

#include "base/base.h"
#include "identity/identity.h"
#include "ingest/record.h"

/* A row of cdp.source. */
typedef struct CdpSource
{
	int			source_id;
	const char *name;
	bool		third_party;
	const char *region;			/* or NULL */
	bool		own_user_ids;
	Interval   *dedupe_for;		/* NULL: ledger keys are kept for ever */
	Interval   *retention;		/* NULL: what it sends is kept for ever */
	CdpMapping *mapping;		/* or NULL */
	CdpReject	mapping_problem;	/* reason NULL: the mapping is fine */
} CdpSource;

/* What holds for a whole batch. */
typedef struct CdpIngestConfig
{
	List	   *sources;		/* of CdpSource */
	CdpSource  *last_source;	/* found last: records come in runs */
	const char *store_id;		/* salt of hashed keys */
	const char *currency;		/* the store's */
	const char *region;			/* the store's default, or NULL */
	pg_tz	   *zone;
	int			max_size;
	int64		future_tolerance_us;
	int64		skew_tolerance_us;
	TimestampTz now;
} CdpIngestConfig;

typedef enum CdpOutcome
{
	CDP_STORED,
	CDP_DUPLICATE,
	CDP_REJECTED
} CdpOutcome;

/* One record from text to rows. */
typedef struct CdpItem
{
	/* in */
	const char *source_name;	/* or NULL */
	const char *text;			/* or NULL */
	int			len;
	TimestampTz received_at;
	const char *default_message_id; /* if the record has none; or NULL */
	bool		read_again;		/* an earlier run has read that far */
	/* out */
	CdpOutcome	outcome;
	CdpSource  *source;			/* NULL: unknown */
	CdpRecord	record;
	bool		has_key;
	pg_uuid_t	key;			/* of the message ledger */
	int			nkeys;
	CdpIdentityKey *keys;
	bool		is_alias;		/* says that two of them are one customer */
	int64		set_id;
	int64		owner;
	bool		new_set;
	int64		reject_id;
	bool		has_store_amount;
	Numeric		store_amount;	/* in the store's currency */
} CdpItem;

typedef struct CdpBatch
{
	/* in */
	CdpItem    *items;
	int			nitems;
	bool		live;			/* records come from their sender just now */
	bool		make_months;	/* partitions may be made */
	const char *sent_at;		/* of the envelope, or NULL */
	const char *only_source;	/* all records are of this one; or NULL */
	CdpUnmapped *unmapped;		/* what mappings leave out is noted here; or NULL */
	/* out */
	CdpIngestConfig config;
	int64	   *event_ids;
	int			nevents;
	TimestampTz since;			/* earliest and latest of the events */
	TimestampTz until;
} CdpBatch;

/* batch.c: the one path; raises only if the store does not work */
extern void cdp_ingest_process(CdpBatch *batch);

/* its steps, for the preview */
extern void cdp_ingest_check_source(CdpBatch *batch);
extern void cdp_ingest_read_item(CdpItem *item, CdpBatch *batch,
								 MemoryContext scratch);

/* config.c: the mapping's check raises */
extern void cdp_ingest_check_mapping(Jsonb *mapping);
extern void cdp_ingest_load_config(CdpIngestConfig *config);
extern CdpSource *cdp_ingest_find_source(CdpIngestConfig *config,
										 const char *name);

/* identifiers.c */
extern const char *cdp_ingest_region(const CdpSource *source,
									 const CdpIngestConfig *config);
extern void cdp_ingest_normalise_item(CdpItem *item,
									  const CdpIngestConfig *config);
extern void cdp_ingest_attach(CdpBatch *batch);

/* ledger.c */
extern void cdp_ingest_make_key(CdpItem *item, const char *store_id,
								int ordinal);
extern void cdp_ingest_drop_repeats(CdpBatch *batch);
extern void cdp_ingest_forget_keys(CdpBatch *batch);

/* erased.c */
#define CDP_INGEST_ERASED "erased"
extern void cdp_ingest_refuse_erased(CdpBatch *batch);

/* money.c */
extern void cdp_ingest_convert(CdpBatch *batch);

/* Why the profile room refuses a trait. */
#define CDP_INGEST_TRAIT_REFUSED \
	"The value is not of the type or form, or does not match the format, that cdp.trait has for this trait, so it was not used."

/* Why the consent room refuses an answer. */
#define CDP_INGEST_CONSENT_REFUSED \
	"The store does not know this consent's purpose or channel, so it was not used; see cdp.purpose and cdp.channel."

/* What it warns of and keeps. */
#define CDP_INGEST_DOCUMENT_UNKNOWN \
	"Nobody has added the text that this consent names, so its receipt has no version and hash; the consent is kept; see cdp.add_consent_document()."

/* column.c: arrays as parameters of statements over a set */
typedef struct CdpColumn
{
	Oid			type;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			room;
} CdpColumn;

extern CdpColumn *cdp_column(Oid type, int room);
extern void cdp_column_add(CdpColumn *column, Datum value);
extern void cdp_column_add_null(CdpColumn *column);
extern void cdp_column_add_text(CdpColumn *column, const char *text);
extern Datum cdp_column_array(const CdpColumn *column);

/* write_events.c, write_facts.c, write_rejects.c */
extern void cdp_ingest_make_months(CdpBatch *batch);
extern void cdp_ingest_resolve_aliases(CdpBatch *batch);
extern void cdp_ingest_write_events(CdpBatch *batch);
extern void cdp_ingest_write_traits(CdpBatch *batch);
extern void cdp_ingest_write_aliases(CdpBatch *batch);
extern void cdp_ingest_write_consents(CdpBatch *batch);
extern void cdp_ingest_write_rejects(CdpBatch *batch);
extern void cdp_ingest_write_warnings(CdpBatch *batch);
extern void cdp_ingest_write_tally(CdpBatch *batch);

/* step.c: the columns of a plan are those of its inbox_plan */
extern int	cdp_ingest_take_records(CdpPlan *plan, Datum *values,
									CdpItem **items);
extern int64 cdp_ingest_current_run(void);
extern void cdp_ingest_redo_upkeep(void);

/* table_source.c */
extern int	cdp_ingest_take_tables(int batch, int64 run_id, CdpItem **items);

/* known_rejects.c */
extern int	cdp_ingest_drop_known_rejects(CdpItem **items, int count,
										  const char *store_id);

#endif							/* CDP_INGEST_BATCH_H */
