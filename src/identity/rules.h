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
	bool		strong;
	bool		source_scoped;
	bool		is_user_id;		/* the type that own_user_ids is about */
	int			max_strong_per_value;	/* 0: no limit */
	const char *normaliser;
	struct varlena *pattern;	/* text, or NULL */
} CdpIdentityType;

/* What cdp.identity_state said when it was read. */
typedef struct CdpIdentityState
{
	int64		epoch;			/* of splits */
	int64		rules_epoch;	/* of the last change of a rule */
} CdpIdentityState;

/*
 * Read the state and, if need be, the rules.  Inside an SPI connection.  The
 * epoch is older than anything read after, which errs on the safe side.
 */
extern CdpIdentityState cdp_identity_refresh_rules(void);

/* By name or number, as of the last refresh; NULL if there is none. */
extern const CdpIdentityType *cdp_identity_type_by_name(const char *name);
extern const CdpIdentityType *cdp_identity_type_by_id(int type_id);

/* Does a value of the type mean nothing? */
extern bool cdp_identity_is_blocked(const CdpIdentityType *type,
									const char *value);

#endif							/* CDP_IDENTITY_RULES_H */
