/*
 * elements.h
 *		Private to the insight room: array arguments of its functions.
 */
#ifndef CDP_INSIGHT_ELEMENTS_H
#define CDP_INSIGHT_ELEMENTS_H

#include "fmgr.h"
#include "utils/array.h"

/*
 * The elements of an array, of as many as there have to be: *count, or any
 * number if that is -1.  nulls NULL: none may be NULL, or it raises, since
 * whoever may use the schema may call these functions.
 */
extern Datum *cdp_insight_array(ArrayType *array, bool **nulls, int *count);

/* The same of an argument. */
extern Datum *cdp_insight_elements(FunctionCallInfo fcinfo, int argument,
								   bool **nulls, int *count);

#endif							/* CDP_INSIGHT_ELEMENTS_H */
