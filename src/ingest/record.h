/*
 * record.h
 *		Inside the ingest room: what a record is once it has been read.
 *
 * Everything declared here is pure: bytes in, structs out, in the caller's
 * memory context; no table is read and bad data raises nothing.
 */
#ifndef CDP_INGEST_RECORD_H
#define CDP_INGEST_RECORD_H

#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Nesting beyond this is refused: the server's parser recurses. */
#define CDP_INGEST_MAX_DEPTH 100

/* No time is before 1970-01-01 00:00 UTC. */
#define CDP_INGEST_EARLIEST \
	((int64) (UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY)

/* Longest name of an event, trait, purpose, ..., in bytes: fits a btree. */
#define CDP_INGEST_MAX_NAME 255

/* More traits than that in one record are a sender's mistake. */
#define CDP_INGEST_MAX_TRAITS 1000

/* So much of a value is told in a warning, in bytes. */
#define CDP_INGEST_MAX_EXCERPT 100

/*
 * The property in which an event keeps an amount that waits for an exchange
 * rate.  It is the store's own: what a sender calls by that name is left out.
 */
#define CDP_INGEST_KEPT_AMOUNT "cdp_amount"

/* Why a record cannot be used; reason NULL: it can. */
typedef struct CdpReject
{
	const char *reason;			/* code, such as "malformed_json" */
	const char *field;			/* where, or NULL */
	const char *message;		/* the rule that was broken */
} CdpReject;

/* A field that could not be used in a record that can. */
typedef struct CdpWarning
{
	const char *reason;
	const char *field;
	const char *value;			/* what stood there, cut; or NULL */
	const char *message;
} CdpWarning;

/* The field of a former id. */
#define CDP_INGEST_FORMER_ID "previousId"

/* An identifier as the sender wrote it. */
typedef struct CdpRawIdentifier
{
	const char *type;
	const char *value;
	int			len;
	const char *field;			/* where it stood */
} CdpRawIdentifier;

typedef struct CdpTraitValue
{
	const char *name;
	Jsonb	   *value;
	TimestampTz expires_at;		/* DT_NOEND: never */
} CdpTraitValue;

typedef struct CdpConsentAnswer
{
	const char *purpose;
	const char *channel;
	const char *state;
	const char *basis;			/* NULL: the purpose's */
	const char *document;		/* or NULL */
	const char *actor;			/* or NULL */
	Jsonb	   *evidence;		/* or NULL */
	TimestampTz at;
} CdpConsentAnswer;

/* One record, read. */
typedef struct CdpRecord
{
	CdpReject	reject;
	List	   *warnings;		/* of CdpWarning */
	const char *third_party;	/* whose name its traits bear; or NULL */
	const char *message_id;		/* or NULL */
	Jsonb	   *canonical;		/* the whole record, only without message_id */
	bool		has_time;		/* the sender said when */
	TimestampTz occurred_at;	/* to the millisecond */
	List	   *identifiers;	/* of CdpRawIdentifier */
	const char *aliased;		/* type that previousId is of if a source may
								 * say so (identifiers.c); or NULL */
	List	   *traits;			/* of CdpTraitValue, names distinct */
	bool		traits_full;	/* some were left out */
	List	   *consents;		/* of CdpConsentAnswer */
	const char *event;			/* in snake_case; NULL: no event */
	bool		has_amount;
	Numeric		amount;			/* as sent, in currency */
	const char *amount_field;
	const char *currency;		/* upper case, or NULL: the store's */
	Jsonb	   *properties;		/* or NULL */
} CdpRecord;

/* A number that was kept as text; text NULL: none was. */
typedef struct CdpLostNumber
{
	const char *field;
	const char *text;
} CdpLostNumber;

typedef struct CdpMapping CdpMapping;

/* What a mapping left out of a record. */
typedef struct CdpUnmapped
{
	List	   *paths;			/* of char * */
	List	   *values;			/* of char *, JSON */
} CdpUnmapped;

/* What reading depends on besides the bytes. */
typedef struct CdpReadOptions
{
	const char *source;
	bool		third_party;
	const CdpMapping *mapping;	/* NULL: the Segment spec */
	pg_tz	   *zone;			/* of times without an offset */
	int			max_size;		/* bytes */
	TimestampTz now;
	TimestampTz received_at;
	bool		live;			/* received_at is when it was sent, too */
	int64		future_tolerance_us;
	int64		skew_tolerance_us;
	int64		retention_us;	/* what is older is refused; 0: nothing is */
	const char *sent_at;		/* of the envelope, or NULL */
	CdpUnmapped *unmapped;		/* to be filled; or NULL: nobody asks */
} CdpReadOptions;

/* record.c */
extern void cdp_ingest_read_record(const char *text, int len,
								   const CdpReadOptions *options,
								   MemoryContext scratch, CdpRecord *record);
extern void cdp_ingest_reject(CdpRecord *record, const char *reason,
							  const char *field, const char *message);
extern void cdp_ingest_warn(CdpRecord *record, const char *reason,
							const char *field, const char *value,
							const char *message);
extern void cdp_ingest_add_identifier(CdpRecord *record, const char *type,
									  const JsonbValue *value,
									  const char *field);
extern void cdp_ingest_add_trait(CdpRecord *record, const char *name,
								 const JsonbValue *value);
extern void cdp_ingest_read_time(CdpRecord *record, const JsonbValue *time,
								 const JsonbValue *sent_at,
								 const JsonbValue *received_at,
								 const char *field,
								 const CdpReadOptions *options);
extern void cdp_ingest_read_event_name(CdpRecord *record,
									   const JsonbValue *name,
									   const char *field);
extern void cdp_ingest_read_amount(CdpRecord *record, const JsonbValue *value,
								   const char *field);
extern void cdp_ingest_read_currency(CdpRecord *record,
									 const JsonbValue *value,
									 const char *field);
extern void cdp_ingest_read_message_id(CdpRecord *record,
									   const JsonbValue *value,
									   const char *field);

/* consents.c */
extern void cdp_ingest_read_consents(CdpRecord *record,
									 const JsonbValue *consents,
									 const CdpReadOptions *options);

/* segment_spec.c: records as the SDKs of Segment and RudderStack send them */
extern void cdp_ingest_read_segment(CdpRecord *record, JsonbValue *root,
									const CdpReadOptions *options);

/* traits.c: our name of a trait, NULL if it has none; traits of an object */
extern char *cdp_ingest_trait_name(const char *name, int len);
extern void cdp_ingest_read_traits(CdpRecord *record,
								   const JsonbValue *traits);

/* third_party.c: rows {id, segment, value, expires} */
extern bool cdp_ingest_is_third_party_row(const JsonbValue *root);
extern void cdp_ingest_read_third_party(CdpRecord *record, JsonbValue *root,
										const CdpReadOptions *options);

/* mapping.c */
extern CdpMapping *cdp_ingest_compile_mapping(Jsonb *mapping,
											  CdpReject *problem);
extern List *cdp_ingest_mapping_columns(const CdpMapping *mapping);
extern void cdp_ingest_apply_mapping(CdpRecord *record, JsonbValue *root,
									 const CdpReadOptions *options,
									 MemoryContext scratch);

/* unmapped.c */
extern void cdp_ingest_find_unmapped(const JsonbValue *root, const List *used,
									 CdpUnmapped *unmapped);

/* json.c */
extern JsonbValue *cdp_json_parse(const char *text, int len,
								  CdpReject *reject, CdpLostNumber *lost);
extern JsonbValue *cdp_json_tree(Jsonb *jsonb);
extern JsonbValue *cdp_json_find(const JsonbValue *object, const char *key);
extern JsonbValue *cdp_json_member(const JsonbValue *object, const char *key);
extern JsonbValue *cdp_json_object_member(const JsonbValue *object,
										  const char *key);
extern bool cdp_json_is_absent(const JsonbValue *value);
extern char *cdp_json_text(const JsonbValue *value);
extern char *cdp_json_shown(const JsonbValue *value);
extern char *cdp_json_key(const JsonbPair *pair);
extern JsonbValue cdp_json_copy_object(const JsonbValue *object, int room);
extern void cdp_json_put(JsonbValue *object, const char *key,
						 const JsonbValue *value);
extern void cdp_json_remove(JsonbValue *object, const char *key);

/* sender_time.c */
typedef enum CdpTimeVerdict
{
	CDP_TIME_OK,
	CDP_TIME_INVALID,			/* not a time */
	CDP_TIME_ABSURD				/* a time that no timestamp holds */
} CdpTimeVerdict;

extern CdpTimeVerdict cdp_ingest_parse_time(const char *text, int len,
											pg_tz *zone, TimestampTz *result);
extern CdpTimeVerdict cdp_ingest_time_of(const JsonbValue *value, pg_tz *zone,
										 TimestampTz *result);

/* amount.c */
extern bool cdp_ingest_parse_number(const char *text, int len,
									Numeric *result);
extern bool cdp_ingest_round_amount(Numeric value, Numeric *result,
									bool *inexact);
extern Numeric cdp_ingest_convert_amount(Numeric amount, Numeric rate);

#endif							/* CDP_INGEST_RECORD_H */
