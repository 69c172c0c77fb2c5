/*
 * rules.h
 *		The rules of cdp.identifier_type and cdp.blocked_value, as this session
 *		knows them.
 *
 * Rules are rows that hardly ever change and are asked for every value, so
 * each session keeps a copy.  cdp_identity_refresh_rules() compares its
 * version (a uuid that a trigger changes with the rules) with that of the
 * store and reads them again if they differ: one read of one row per batch.
 */
#ifndef CDP_IDENTITY_RULES_H
#define CDP_IDENTITY_RULES_H

typedef struct CdpIdentityType
{
	int			type_id;
	const char *name;
	int			priority;		/* 1 is strongest; 0: only describes */
	bool		strong;			/* by itself, or standing in */
	bool		strong_itself;
	bool		known;			/* a profile that has one is known */
	bool		joins_known;	/* may join two known profiles */
	bool		source_scoped;
	bool		is_user_id;		/* the type that own_user_ids is about */
	int			max_per_profile;	/* 0: no limit */
	int			max_strong_per_value;	/* 0: no limit */
	int64		look_after_us;	/* it cannot expire sooner; 0: it never does */
	const char *normaliser;
	struct varlena *pattern;	/* text, or NULL */
} CdpIdentityType;

/* What cdp.identity_state said when it was read. */
typedef struct CdpIdentityState
{
	int64		epoch;			/* of splits */
	int64		rules_epoch;	/* of the last change of a rule */
	bool		has_strong;		/* the store has a value of a strong type */
} CdpIdentityState;

/*
 * Read the state and, if need be, the rules.  Inside an SPI connection.  The
 * epoch is older than anything read after, which errs on the safe side.
 */
extern CdpIdentityState cdp_identity_refresh_rules(void);

/* Read them only if a type may have changed since this was last called. */
extern void cdp_identity_hear_rules(void);

/* Does some type stand in as long as the store has no strong value? */
extern bool cdp_identity_has_stand_in(void);

/* Bits of profile.marks. */
#define CDP_MARK_NEVER_JOINS 1	/* has one that never joins known profiles */
#define CDP_MARK_KNOWN 2
#define CDP_MARK_REPLAYED 4		/* its link component broke a rule */

/* What a linking identifier of the type makes of its profile. */
static inline int
cdp_identity_marks(const CdpIdentityType *type)
{
	return (type->joins_known ? 0 : CDP_MARK_NEVER_JOINS) |
		(type->known ? CDP_MARK_KNOWN : 0);
}

/* Is a value counted in its profile's "watched"? */
static inline bool
cdp_identity_is_watched(const CdpIdentityType *type)
{
	return type->max_per_profile > 0 || type->known;
}

/* Raise unless there is a type of that name. */
extern void cdp_identity_check_type(const char *type);

/* The region of numbers written without a country code; NULL if none is set. */
extern char *cdp_identity_default_region(void);

/* By name or number, as of the last refresh; NULL if there is none. */
extern const CdpIdentityType *cdp_identity_type_by_name(const char *name);
extern const CdpIdentityType *cdp_identity_type_by_id(int type_id);

/* The numbers of all types that are strong, as integer[]. */
extern Datum cdp_identity_strong_types(void);

/*
 * Other rules than those of the store, to judge by in memory: those with
 * changes (jsonb, see preview.sql), of the snapshot of the statement, in the
 * current memory context.  Inside an SPI connection.
 */
typedef struct CdpIdentityRules CdpIdentityRules;
extern CdpIdentityRules *cdp_identity_read_changed(Datum changes,
												   bool has_strong);

/*
 * Let the session go by given rules; returns those it went by (NULL: none
 * yet), which the caller puts back, also after an error.  Nothing in between
 * may refresh the rules.
 */
extern CdpIdentityRules *cdp_identity_swap_rules(CdpIdentityRules *other);

/* Does a value of the type mean nothing? */
extern bool cdp_identity_is_blocked(const CdpIdentityType *type,
									const char *value);

#endif							/* CDP_IDENTITY_RULES_H */
