/*
 * predicate.c
 *		The SQL type cdp.predicate.
 *
 * A value is its canonical text, stored as text is.  So output copies, and
 * equality, order and hash compare bytes; they mean what the language means
 * by equal because every way in (text, binary, jsonb) parses and prints.
 * Input checks syntax only: names are bound when a predicate is checked,
 * defined or evaluated, so a dump restores in any order.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/base.h"
#include "segment/ast.h"
#include "segment/predicate.h"

PG_FUNCTION_INFO_V1(cdp_predicate_in);
PG_FUNCTION_INFO_V1(cdp_predicate_out);
PG_FUNCTION_INFO_V1(cdp_predicate_recv);
PG_FUNCTION_INFO_V1(cdp_predicate_send);
PG_FUNCTION_INFO_V1(cdp_predicate_eq);
PG_FUNCTION_INFO_V1(cdp_predicate_ne);
PG_FUNCTION_INFO_V1(cdp_predicate_lt);
PG_FUNCTION_INFO_V1(cdp_predicate_le);
PG_FUNCTION_INFO_V1(cdp_predicate_gt);
PG_FUNCTION_INFO_V1(cdp_predicate_ge);
PG_FUNCTION_INFO_V1(cdp_predicate_cmp);
PG_FUNCTION_INFO_V1(cdp_predicate_hash);
PG_FUNCTION_INFO_V1(cdp_predicate_hash_extended);

/* The canonical text must be readable again, so it keeps the same limit. */
static void
check_canonical_size(int length)
{
	if (length > CDP_PREDICATE_MAX_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("predicate is too long"),
				 errdetail("A predicate has at most %d bytes, this one has %d in canonical form.",
						   CDP_PREDICATE_MAX_SIZE, length)));
}

/* See predicate.h. */
text *
cdp_segment_predicate_from_text(const char *source, int length)
{
	char	   *canonical = cdp_segment_print(cdp_segment_parse(source, length));

	check_canonical_size(strlen(canonical));
	return cstring_to_text(canonical);
}

Datum
cdp_predicate_in(PG_FUNCTION_ARGS)
{
	char	   *source = PG_GETARG_CSTRING(0);

	PG_RETURN_TEXT_P(cdp_segment_predicate_from_text(source, strlen(source)));
}

Datum
cdp_predicate_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(TextDatumGetCString(PG_GETARG_DATUM(0)));
}

/* The binary form is the text; what arrives is parsed like any input. */
Datum
cdp_predicate_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length;
	char	   *source = pq_getmsgtext(message,
									   message->len - message->cursor, &length);

	PG_RETURN_TEXT_P(cdp_segment_predicate_from_text(source, length));
}

Datum
cdp_predicate_send(PG_FUNCTION_ARGS)
{
	text	   *predicate = PG_GETARG_TEXT_PP(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendtext(&message, VARDATA_ANY(predicate),
				VARSIZE_ANY_EXHDR(predicate));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Order of the bytes, so that it is the same under every collation. */
static int
compare_arguments(FunctionCallInfo fcinfo)
{
	text	   *left = PG_GETARG_TEXT_PP(0);
	text	   *right = PG_GETARG_TEXT_PP(1);
	int			left_length = VARSIZE_ANY_EXHDR(left);
	int			right_length = VARSIZE_ANY_EXHDR(right);
	int			order = memcmp(VARDATA_ANY(left), VARDATA_ANY(right),
							   Min(left_length, right_length));

	if (order == 0)
		order = left_length - right_length;
	PG_FREE_IF_COPY(left, 0);
	PG_FREE_IF_COPY(right, 1);
	return order;
}

Datum
cdp_predicate_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

Datum
cdp_predicate_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

Datum
cdp_predicate_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
cdp_predicate_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
cdp_predicate_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
cdp_predicate_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
cdp_predicate_cmp(PG_FUNCTION_ARGS)
{
	int			order = compare_arguments(fcinfo);

	PG_RETURN_INT32((order > 0) - (order < 0));
}

Datum
cdp_predicate_hash(PG_FUNCTION_ARGS)
{
	text	   *predicate = PG_GETARG_TEXT_PP(0);
	Datum		hash = hash_any((unsigned char *) VARDATA_ANY(predicate),
								VARSIZE_ANY_EXHDR(predicate));

	PG_FREE_IF_COPY(predicate, 0);
	return hash;
}

Datum
cdp_predicate_hash_extended(PG_FUNCTION_ARGS)
{
	text	   *predicate = PG_GETARG_TEXT_PP(0);
	Datum		hash = hash_any_extended((unsigned char *) VARDATA_ANY(predicate),
										 VARSIZE_ANY_EXHDR(predicate),
										 PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(predicate, 0);
	return hash;
}

/* See predicate.h. */
bool
cdp_segment_is_equal(const struct varlena *a, const struct varlena *b)
{
	return VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

/* See predicate.h. */
struct varlena *
cdp_segment_copy(const struct varlena *from)
{
	struct varlena *copy = palloc(VARSIZE_ANY(from));

	memcpy(copy, from, VARSIZE_ANY(from));
	return copy;
}

/* See predicate.h. */
text **
cdp_segment_predicates(ArrayType *array, int *count)
{
	Datum	   *elements;
	text	  **predicates;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("predicates must be an array of one dimension without nulls")));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &elements, NULL, count);
	predicates = palloc(sizeof(text *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		predicates[i] = DatumGetTextPP(elements[i]);
	return predicates;
}
