/*
 * segment.h
 *		Front door of the segment room: questions about a profile.
 *
 * A predicate is a yes/no/unknown question about one profile at one instant,
 * written in a small language that reads like SQL:
 *
 *		country = 'BR' and count(order where amount > 50, 90 days) >= 3
 *
 * As a type, cdp.predicate, it is its canonical text and nothing else: a dump
 * restores in any order, equality and hash are those of the text, and a
 * reader sees what is stored.  A segment is a named, versioned predicate.
 *
 * The way of a predicate through this room:
 *
 *		text --lexer.c--> tokens --parser*.c--> tree --printer.c--> text
 *												  |
 *						bind*.c: names and types, against a context
 *												  |
 *								program --evaluate*.c--> true, false, unknown
 *
 * - The language (lexer, parser, tree, printer) knows no table: ast.h tells
 *	 its grammar and limits.
 * - Binding looks names up in a context: a jsonb value that SQL builds from
 *	 the store (cdp._evaluation_context(), kept by the session).  One binder
 *	 serves both the checker, which reports all it finds, and the compiler,
 *	 which raises the first error: they cannot disagree.
 * - For builders the tree is also JSON (predicate_json.c).
 * - explain.c walks a program and tells what each part is worth.
 * - first_true.c waits for predicates that become true one after the other, as
 *	 events come (stages.c, of a funnel).
 * - An expression that is no question has a value: cdp.computed_trait names
 *	 such expressions (computed.sql).
 * - to_sql*.c writes a bound predicate as a query over the event log, for
 *	 people and as the oracle of the evaluator.
 * - The program of many predicates is evaluated together: one pass over a
 *	 profile's timeline feeds the aggregates of all of them.  program.h tells
 *	 how.  Evaluation does no SPI, so it is parallel safe.
 *
 * Time.  Every evaluation has one as-of instant.  Events strictly before it
 * are seen, windows are half-open.  Calendar units use the zone that the
 * predicate names, else the store's, never the session's.
 *
 * Unknown.  Logic is three-valued as in SQL; a member is IS TRUE.  Nothing is
 * cast silently: what cannot be compared is an error where it can be seen at
 * definition, and unknown where only the data tells.
 *
 * Timelines hold the declared properties (cdp.event_property).  A predicate
 * over others is evaluated on timelines that are made of the log for it
 * (log.sql), and so is a single one that is about few events: another way to
 * the same answer.
 *
 * Computed traits are expressions of the same language whose value is wanted
 * (computed.sql).  Those that change with events only are kept in the rows of
 * profiles: the profile room asks cdp._steady_values() for them.
 *
 * Membership is the next room's (audience): it asks cdp._evaluate_all() who
 * is in which segment, and keeps the answer.
 */
#ifndef CDP_SEGMENT_H
#define CDP_SEGMENT_H

/*
 * The arm, 0 to count - 1, of one of count equal groups that (salt, id)
 * belongs to: the first eight bytes of SHA-256(salt ":" id), big endian,
 * modulo count.  Never changes.
 */
extern int	cdp_segment_bucket(const char *salt, int salt_length,
							   const char *id, int id_length, int count);

#endif							/* CDP_SEGMENT_H */
