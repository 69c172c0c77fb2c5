/*
 * time_zone.c
 *		Time zones by the canonical name of the IANA database.
 *
 * "europe/berlin", "America/New York" and "US/Eastern" become Europe/Berlin,
 * America/New_York and America/New_York.  ICU tells which zones are one; but
 * it names each by the first name it ever had and never changes that, so a
 * short list has the names that IANA gave since.  A new name counts if this
 * ICU knows it.
 *
 * Abbreviations such as CST or IST mean another zone in another country and
 * are refused; only UTC and GMT mean one thing everywhere.  So are ICU's zones
 * of System V, which IANA does not have.
 *
 * A name in its usual case costs a look-up in ICU; in another case, or one
 * that is none, a walk through all names (some 600).
 */
#include "postgres.h"

#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "norm/norm.h"
#include "norm/unicode.h"

#define MAX_ZONE_BYTES	64

static const char zone_unknown[] =
	"A time zone is a name of the IANA database, such as Europe/Berlin.";

/* First names, and the canonical ones of today. */
static const struct
{
	const char *first;
	const char *today;
}			renamed[] =
{
	{"Africa/Asmera", "Africa/Asmara"},
	{"America/Buenos_Aires", "America/Argentina/Buenos_Aires"},
	{"America/Catamarca", "America/Argentina/Catamarca"},
	{"America/Coral_Harbour", "America/Atikokan"},
	{"America/Cordoba", "America/Argentina/Cordoba"},
	{"America/Godthab", "America/Nuuk"},
	{"America/Indianapolis", "America/Indiana/Indianapolis"},
	{"America/Jujuy", "America/Argentina/Jujuy"},
	{"America/Louisville", "America/Kentucky/Louisville"},
	{"America/Mendoza", "America/Argentina/Mendoza"},
	{"Asia/Calcutta", "Asia/Kolkata"},
	{"Asia/Katmandu", "Asia/Kathmandu"},
	{"Asia/Rangoon", "Asia/Yangon"},
	{"Asia/Saigon", "Asia/Ho_Chi_Minh"},
	{"Atlantic/Faeroe", "Atlantic/Faroe"},
	{"Europe/Kiev", "Europe/Kyiv"},
	{"Pacific/Enderbury", "Pacific/Kanton"},
	{"Pacific/Ponape", "Pacific/Pohnpei"},
	{"Pacific/Truk", "Pacific/Chuuk"},
};

/* What ICU calls the zone of this name, in canonical; false if it has none. */
static bool
find_zone(const char *name, char *canonical)
{
	UErrorCode	status = U_ZERO_ERROR;
	UChar		units[MAX_ZONE_BYTES + 1];
	UChar		found[MAX_ZONE_BYTES + 1];
	UBool		is_system = false;
	int32_t		length = strlen(name);

	u_charsToUChars(name, units, length);
	length = ucal_getCanonicalTimeZoneID(units, length, found,
										 MAX_ZONE_BYTES, &is_system, &status);
	if (U_FAILURE(status) || !is_system || length > MAX_ZONE_BYTES)
		return false;
	u_UCharsToChars(found, canonical, length);
	canonical[length] = '\0';
	return true;
}

/* Write name in the case in which ICU has it; false if it has it in none. */
static bool
correct_case(char *name)
{
	UErrorCode	status = U_ZERO_ERROR;
	UEnumeration *zones = ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_ANY,
														 NULL, NULL, &status);
	const char *zone;
	bool		found = false;

	cdp_norm_check_icu(status);
	while (!found && (zone = uenum_next(zones, NULL, &status)) != NULL)
	{
		found = pg_strcasecmp(zone, name) == 0;
		if (found)
			strlcpy(name, zone, MAX_ZONE_BYTES + 1);
	}
	uenum_close(zones);
	return found;
}

/* Copy s to name, a zone's name perhaps; false if it cannot be one. */
static bool
read_name(const char *s, int len, char *name)
{
	cdp_norm_trim(&s, &len);
	if (len <= 0 || len > MAX_ZONE_BYTES || !cdp_norm_is_ascii(s, len))
		return false;
	for (int i = 0; i < len; i++)
		name[i] = s[i] == ' ' ? '_' : s[i];
	name[len] = '\0';
	if (pg_strncasecmp(name, "SystemV/", strlen("SystemV/")) == 0)
		return false;
	return len != 3 || pg_strcasecmp(name, "UTC") == 0 ||
		pg_strcasecmp(name, "GMT") == 0;
}

/* The name of today for a first name, if this ICU knows it too. */
static const char *
name_of_today(const char *first)
{
	char		same[MAX_ZONE_BYTES + 1];

	for (int i = 0; i < lengthof(renamed); i++)
		if (strcmp(renamed[i].first, first) == 0 &&
			find_zone(renamed[i].today, same))
			return renamed[i].today;
	return first;
}

/* The canonical name of a time zone. */
bool
cdp_norm_time_zone(const char *s, int len, StringInfo out, const char **reason)
{
	char		name[MAX_ZONE_BYTES + 1];
	char		canonical[MAX_ZONE_BYTES + 1];

	if (!read_name(s, len, name))
		return cdp_norm_refuse(reason, zone_unknown);
	if (!find_zone(name, canonical) &&
		!(correct_case(name) && find_zone(name, canonical)))
		return cdp_norm_refuse(reason, zone_unknown);
	appendStringInfoString(out, name_of_today(canonical));
	return true;
}
