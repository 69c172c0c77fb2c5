/*
 * types.h
 *		Front door of the types room: canonical keys as SQL types.
 *
 *	cdp.email			an address in the canonical form of norm/email.c
 *	cdp.phone			a number in E.164
 *	cdp.identifier_key	type, scope and value of an identifier in one word
 *
 * The store keeps identifiers as plain text.  The types are for tables of
 * one's own and for arguments: a column of type cdp.email holds no value that
 * is not an address, and two spellings of one address are equal in it.
 *
 * A value is a varlena whose bytes are its canonical text: input and recv
 * normalise, so nothing else is ever stored.  Hence
 *	- output is that of text, and the cast to text costs nothing;
 *	- two values are equal exactly when their bytes are, so the operators,
 *	  the hash and the sort support are those of bytea: no collation, the
 *	  same order in every locale;
 *	- what was put out can be put in again.  Unicode promises it for the
 *	  characters it has assigned; phone.c tells what it takes when numbering
 *	  plans change.
 *
 * The cast to text is for assignment, not implicit: otherwise
 *		address = 'Ann@x.org'::text
 * would quietly compare as text and find nothing.  It is an error instead,
 * and 'Ann@x.org'::text::cdp.email is what was meant.
 *
 * The text form of a key is drawn in identifier_key.c.
 */
#ifndef CDP_TYPES_H
#define CDP_TYPES_H

#include "lib/stringinfo.h"

/* Limits in bytes. */
#define CDP_KEY_MAX_TYPE	63
#define CDP_KEY_MAX_SCOPE	255

/* The parts of an identifier key; scope is "" for a global one. */
typedef struct CdpKeyParts
{
	const char *type;
	int			type_length;
	const char *scope;
	int			scope_length;
	const char *value;
	int			value_length;
} CdpKeyParts;

/*
 * Take the text form apart.  type and value point into s; scope does too or
 * is palloc'd.  False, with *reason a constant sentence, if it is none.
 */
extern bool cdp_types_split_key(const char *s, int len, CdpKeyParts *parts,
								const char **reason);

/*
 * Append the text form of these parts.  False, with *reason a constant
 * sentence and nothing appended, if they cannot make a key.
 */
extern bool cdp_types_join_key(const CdpKeyParts *parts, StringInfo out,
							   const char **reason);

#endif							/* CDP_TYPES_H */
