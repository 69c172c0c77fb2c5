/*
 * country.c
 *		Countries as ISO 3166 codes of two letters.
 *
 * One source says "DE", the next "DEU", "Germany", "Deutschland" or
 * "ALEMANIA".  All of them are names in one table, each in the form that
 * names are compared in (name.c: case, accents and punctuation folded away):
 *
 *	1. the codes of two and of three letters;
 *	2. what ICU calls the country in eight languages, in full and in short
 *	   ("Hong Kong SAR China", "Hong Kong"), with "and" for "&";
 *	3. a few names in wide use that ICU does not have.
 *
 * Where two countries share a name (Spanish abbreviates the United Kingdom to
 * RU, which is Russia's code) the first in this order has it.
 *
 * The countries are those of ICU less three islands and towns that are no
 * country of ISO 3166; Kosovo's XK, which is in general use, stays.
 *
 * The table is made once per backend, on the first value: some 4500 names,
 * 1700 when equal ones are one, 40 kB, about 10 ms.  After that a country
 * costs what folding a name costs and a binary search.
 */
#include "postgres.h"

#include <unicode/uldnames.h>
#include <unicode/uloc.h>

#include "utils/memutils.h"

#include "norm/norm.h"
#include "norm/unicode.h"

#define MAX_DISPLAY_UNITS	128

static const char country_unknown[] =
	"A country is a code of ISO 3166, or its name in English, German, French, Spanish, Italian, Dutch, Polish or Portuguese.";

static const char *const display_languages[] =
{"en", "de", "fr", "es", "it", "nl", "pl", "pt"};

static const char *const no_countries[] = {"DG", "EA", "IC"};

static const struct
{
	const char *code;
	const char *name;
}			other_names[] =
{
	{"CI", "Ivory Coast"},
	{"CZ", "Czech Republic"},
	{"GB", "Great Britain"},
	{"KR", "Republic of Korea"},
	{"NL", "Holland"},
	{"RU", "Russian Federation"},
	{"US", "United States of America"},
};

typedef struct CountryName
{
	int32		name;			/* where it begins in the text */
	int32		rank;			/* of equal names the lowest counts */
	char		code[4];
} CountryName;

/* Names one after the other, each with its zero, and an index into them. */
typedef struct CountryTable
{
	CountryName *names;
	int			count;
	StringInfoData text;
} CountryTable;

/* names and text.data are of TopMemoryContext; NULL: not made yet. */
static CountryTable countries;

static int
compare_names(const void *a, const void *b, void *text)
{
	const CountryName *left = a;
	const CountryName *right = b;
	int			order = strcmp((char *) text + left->name,
							   (char *) text + right->name);

	return order != 0 ? order : left->rank - right->rank;
}

static void
add_name(CountryTable *table, const char *code, const char *name, int len)
{
	CountryName *added = &table->names[table->count];
	int			start = table->text.len;

	if (!cdp_norm_name(name, len, &table->text, NULL))
		return;
	appendStringInfoChar(&table->text, '\0');
	*added = (CountryName) {.name = start,.rank = table->count};
	strlcpy(added->code, code, sizeof(added->code));
	table->count++;
}

/* A name as ICU displays it, and with the word for "&" in English. */
static void
add_display_name(CountryTable *table, const char *code,
				 const UChar *units, int32_t length)
{
	CdpUnits	name = {(UChar *) units, length};
	StringInfoData utf8;
	char	   *ampersand;

	initStringInfo(&utf8);
	cdp_norm_to_utf8(&name, &utf8);
	add_name(table, code, utf8.data, utf8.len);
	ampersand = strchr(utf8.data, '&');
	if (ampersand != NULL)
	{
		char	   *spelt = psprintf("%.*sand%s", (int) (ampersand - utf8.data),
									 utf8.data, ampersand + 1);

		add_name(table, code, spelt, strlen(spelt));
		pfree(spelt);
	}
	pfree(utf8.data);
}

static bool
is_country(const char *code)
{
	for (int i = 0; i < lengthof(no_countries); i++)
		if (strcmp(code, no_countries[i]) == 0)
			return false;
	return true;
}

static void
add_codes(CountryTable *table, const char *const *codes)
{
	for (; *codes != NULL; codes++)
	{
		char		locale[8];
		const char *longer;

		if (!is_country(*codes))
			continue;
		snprintf(locale, sizeof(locale), "_%s", *codes);
		longer = uloc_getISO3Country(locale);
		add_name(table, *codes, *codes, strlen(*codes));
		add_name(table, *codes, longer, strlen(longer));
	}
}

/*
 * The names of all countries in one language, of one length.  While ICU's
 * handle is open nothing is raised but "out of memory".
 */
static void
add_display_names(CountryTable *table, const char *const *codes,
				  const char *language, UDisplayContext length)
{
	UErrorCode	status = U_ZERO_ERROR;
	UChar		name[MAX_DISPLAY_UNITS];
	ULocaleDisplayNames *names = uldn_openForContext(language, &length, 1,
													 &status);

	cdp_norm_check_icu(status);
	for (; *codes != NULL; codes++)
	{
		int32_t		units;

		if (!is_country(*codes))
			continue;
		status = U_ZERO_ERROR;
		units = uldn_regionDisplayName(names, *codes, name, lengthof(name),
									   &status);
		if (U_SUCCESS(status))
			add_display_name(table, *codes, name, units);
	}
	uldn_close(names);
}

/* Sort the names; of equal ones keep the first. */
static void
sort_names(CountryTable *table)
{
	int			kept = 0;

	qsort_arg(table->names, table->count, sizeof(CountryName), compare_names,
			  table->text.data);
	for (int i = 0; i < table->count; i++)
		if (kept == 0 ||
			strcmp(table->text.data + table->names[kept - 1].name,
				   table->text.data + table->names[i].name) != 0)
			table->names[kept++] = table->names[i];
	table->count = kept;
}

/* Move a table that is complete to where it outlives the call. */
static void
keep_table(const CountryTable *table)
{
	Size		names_size = sizeof(CountryName) * table->count;
	char	   *kept = MemoryContextAlloc(TopMemoryContext,
										  names_size + table->text.len);

	memcpy(kept, table->names, names_size);
	memcpy(kept + names_size, table->text.data, table->text.len);
	countries = *table;
	countries.text.data = kept + names_size;
	countries.names = (CountryName *) kept;
}

static void
make_table(void)
{
	const char *const *codes = uloc_getISOCountries();
	CountryTable table = {0};
	int			ncodes = 0;

	while (codes[ncodes] != NULL)
		ncodes++;
	initStringInfo(&table.text);
	table.names = palloc(sizeof(CountryName) *
						 (ncodes * (2 + 4 * lengthof(display_languages)) +
						  lengthof(other_names)));
	add_codes(&table, codes);
	for (int i = 0; i < lengthof(display_languages); i++)
	{
		add_display_names(&table, codes, display_languages[i],
						  UDISPCTX_LENGTH_FULL);
		add_display_names(&table, codes, display_languages[i],
						  UDISPCTX_LENGTH_SHORT);
	}
	for (int i = 0; i < lengthof(other_names); i++)
		add_name(&table, other_names[i].code, other_names[i].name,
				 strlen(other_names[i].name));
	sort_names(&table);
	keep_table(&table);
	pfree(table.names);
	pfree(table.text.data);
}

/* The code of a name in the form of the table, or NULL. */
static const char *
find_code(const char *name)
{
	int			low = 0;
	int			high = countries.count;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const CountryName *candidate = &countries.names[middle];
		int			order = strcmp(name, countries.text.data + candidate->name);

		if (order == 0)
			return candidate->code;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The ISO 3166 code, two capitals, of a country. */
bool
cdp_norm_country(const char *s, int len, StringInfo out, const char **reason)
{
	StringInfoData name;
	const char *code = NULL;

	if (countries.names == NULL)
		make_table();
	initStringInfo(&name);
	if (cdp_norm_name(s, len, &name, NULL))
		code = find_code(name.data);
	if (code != NULL)
		appendStringInfoString(out, code);
	pfree(name.data);
	return code != NULL || cdp_norm_refuse(reason, country_unknown);
}
