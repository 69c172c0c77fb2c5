/*
 * path.h
 *		Inside the ingest room: paths of mappings into records.
 */
#ifndef CDP_INGEST_PATH_H
#define CDP_INGEST_PATH_H

#include "ingest/record.h"

typedef struct CdpPath CdpPath;

/* A record that paths look into. */
typedef struct CdpPathTarget
{
	const JsonbValue *root;
	Jsonb	   *jsonb;			/* made from root when first needed; or NULL */
	pg_tz	   *zone;			/* of times without an offset */
	MemoryContext scratch;		/* matches may be in it */
	List	  **used;			/* values that paths led to are noted here, unless
								 * it is NULL */
	bool		failed;			/* the last path could not be evaluated, so it has
								 * no match */
} CdpPathTarget;

/* NULL: the text is no path.  Raises nothing. */
extern CdpPath *cdp_ingest_compile_path(const char *text);

/* All matches, in the order of SQL's path language; may be JSON null. */
extern List *cdp_ingest_path_all(const CdpPath *path, CdpPathTarget *target);

/*
 * The member of the object at "whole" that a path leads to, or to elements of;
 * or NULL.
 */
extern const char *cdp_ingest_path_member(const CdpPath *path,
										  const CdpPath *whole);

/* Append the members of the record, as text, that a path begins with. */
extern List *cdp_ingest_path_columns(const CdpPath *path, List *columns);

#endif							/* CDP_INGEST_PATH_H */
