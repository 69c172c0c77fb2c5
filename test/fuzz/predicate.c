/*
 * predicate.c
 *		Fuzz parsing and printing predicates without a server.
 *
 * The input is the text of a predicate, as far as it is valid UTF-8 without a
 * zero byte, which is all that the server lets in.  Whatever it is, parsing
 * stays inside it (the sanitizers see to that) or raises.  What parses prints
 * to a canonical text: that parses too, unless it is too long, and prints to
 * itself.
 *
 *	test/fuzz/run.sh predicate [seconds]
 */
#include "postgres.h"

#include <setjmp.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/datetime.h"

#include "segment/ast.h"

#include "fuzz.h"

static jmp_buf raised;

/* What parsing allocates is freed when the next input comes. */
typedef struct Block
{
	struct Block *next;
	Size		size;			/* of what follows */
} Block;

static Block *blocks = NULL;

static void
free_blocks(void)
{
	while (blocks != NULL)
	{
		Block	   *next = blocks->next;

		free(blocks);
		blocks = next;
	}
}

void *
palloc(Size size)
{
	Block	   *block = malloc(sizeof(Block) + size);

	block->next = blocks;
	block->size = size;
	blocks = block;
	return block + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
repalloc(void *pointer, Size size)
{
	void	   *larger = palloc(size);

	memcpy(larger, pointer, Min(size, ((Block *) pointer - 1)->size));
	return larger;
}

void
pfree(void *pointer)
{
}

char *
pnstrdup(const char *text, Size length)
{
	Size		size = strnlen(text, length);
	char	   *copy = palloc0(size + 1);

	return memcpy(copy, text, size);
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

/* An error has made its parts by the time it goes back to the harness. */
bool
errstart(int elevel, const char *domain)
{
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return true;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	longjmp(raised, 1);
}

void
check_stack_depth(void)
{
}

/* Of lists the tree needs one thing. */
List *
lappend(List *list, void *datum)
{
	if (list == NIL)
	{
		list = palloc0(sizeof(List));
		list->type = T_List;
	}
	if (list->length == list->max_length)
	{
		ListCell   *cells = palloc0((2 * list->length + 2) * sizeof(ListCell));

		if (list->length > 0)
			memcpy(cells, list->elements, list->length * sizeof(ListCell));
		list->elements = cells;
		list->max_length = 2 * list->length + 2;
	}
	list->elements[list->length++].ptr_value = datum;
	return list;
}

const int	day_tab[2][13] = {
	{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0},
	{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0}
};

int
pg_mblen(const char *text)
{
	return pg_utf_mblen((const unsigned char *) text);
}

int
pg_mbcliplen(const char *text, int length, int limit)
{
	int			clipped = 0;

	while (clipped < length && *text != '\0')
	{
		int			next = pg_mblen(text);

		if (clipped + next > limit)
			break;
		clipped += next;
		text += next;
	}
	return clipped;
}

int
pg_mbstrlen_with_len(const char *text, int length)
{
	int			characters = 0;

	while (length > 0 && *text != '\0')
	{
		length -= pg_mblen(text);
		text += pg_mblen(text);
		characters++;
	}
	return characters;
}

/* The canonical text; NULL: it is none, or one that is too long. */
static char *
read_text(const char *source, int length)
{
	char	   *canonical;

	if (setjmp(raised) != 0)
		return NULL;
	canonical = cdp_segment_print(cdp_segment_parse(source, length));
	return strlen(canonical) <= CDP_PREDICATE_MAX_SIZE ? canonical : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const uint8 *zero = memchr(data, '\0', size);
	int			length = pg_encoding_verifymbstr(PG_UTF8, (const char *) data,
												 zero != NULL ? zero - data : size);
	char	   *source;
	char	   *canonical;
	char	   *again;

	free_blocks();
	source = pnstrdup((const char *) data, length);
	canonical = read_text(source, length);
	if (canonical == NULL)
		return 0;
	again = read_text(canonical, strlen(canonical));
	fuzz_insist(again != NULL, "a canonical text can be read");
	fuzz_insist(strcmp(canonical, again) == 0, "it is its own canonical text");
	return 0;
}
