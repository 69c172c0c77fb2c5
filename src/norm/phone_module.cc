/*
 * phone_module.cc
 *		libphonenumber behind one plain C function.
 *
 * The module cdp_phone is loaded by phone_load.c.  phone.c has checked the
 * input: at most one "+", then ASCII digits, at most two dozen bytes in all.
 *
 * A number is usable if it is possible, that is, if numbers of its length
 * exist in its plan.  Whether it is assigned is not asked: plans change
 * faster than metadata.
 *
 * Functions are noexcept and catch everything; libphonenumber reports by
 * value, so what is caught is lack of memory or a defect.
 */
#include <new>
#include <string>

#include <phonenumbers/phonenumberutil.h>

extern "C"
{
#include "postgres.h"

#include "fmgr.h"

#include "norm/phone_module.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT const CdpPhoneModule *cdp_phone_module(void) noexcept;
}

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

CdpPhoneVerdict
verdict_on_error(PhoneNumberUtil::ErrorType error)
{
	switch (error)
	{
		case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
			return CDP_PHONE_NO_COUNTRY;
		case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
		case PhoneNumberUtil::TOO_SHORT_NSN:
			return CDP_PHONE_TOO_SHORT;
		case PhoneNumberUtil::TOO_LONG_NSN:
			return CDP_PHONE_TOO_LONG;
		default:
			return CDP_PHONE_NOT_A_NUMBER;
	}
}

CdpPhoneVerdict
verdict_on_length(PhoneNumberUtil::ValidationResult result)
{
	switch (result)
	{
		case PhoneNumberUtil::IS_POSSIBLE:
			return CDP_PHONE_POSSIBLE;
		case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
			return CDP_PHONE_NO_AREA;
		case PhoneNumberUtil::INVALID_COUNTRY_CODE:
			return CDP_PHONE_NO_COUNTRY;
		case PhoneNumberUtil::TOO_SHORT:
			return CDP_PHONE_TOO_SHORT;
		case PhoneNumberUtil::TOO_LONG:
			return CDP_PHONE_TOO_LONG;
		default:
			return CDP_PHONE_NOT_A_NUMBER;
	}
}

CdpPhoneVerdict
parse_or_throw(const std::string &number, const std::string &region,
			   char *e164)
{
	const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
	PhoneNumber parsed;
	std::string formatted;

	if (!region.empty() && util->GetCountryCodeForRegion(region) == 0)
		return CDP_PHONE_NO_REGION;

	auto		error = util->Parse(number, region.empty() ? "ZZ" : region,
									&parsed);

	if (error != PhoneNumberUtil::NO_PARSING_ERROR)
		return verdict_on_error(error);

	auto		verdict =
		verdict_on_length(util->IsPossibleNumberWithReason(parsed));

	if (verdict != CDP_PHONE_POSSIBLE)
		return verdict;
	util->Format(parsed, PhoneNumberUtil::E164, &formatted);
	if (formatted.size() >= CDP_E164_SIZE)
		return CDP_PHONE_TOO_LONG;
	formatted.copy(e164, formatted.size());
	e164[formatted.size()] = '\0';
	return CDP_PHONE_POSSIBLE;
}

}								/* namespace */

extern "C"
{

/* See CdpPhoneModule.parse. */
static CdpPhoneVerdict
parse(const char *number, int len, const char *region, char *e164) noexcept
{
	try
	{
		return parse_or_throw(std::string(number, len), region, e164);
	}
	catch (const std::bad_alloc &)
	{
		return CDP_PHONE_NO_MEMORY;
	}
	catch (...)
	{
		return CDP_PHONE_BROKEN;
	}
}

/* The table of what the module offers. */
const CdpPhoneModule *
cdp_phone_module(void) noexcept
{
	static const CdpPhoneModule module = {CDP_PHONE_MODULE_VERSION, parse};

	return &module;
}

}								/* extern "C" */
