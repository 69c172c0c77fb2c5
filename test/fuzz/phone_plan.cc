/*
 * phone_plan.cc
 *		Print the table of src/norm/phone_plan.c from libphonenumber.
 *
 *	c++ -std=c++17 -o plan test/fuzz/phone_plan.cc -lphonenumber && ./plan
 *
 * For each country calling code: which lengths are possible, and with which
 * first digits libphonenumber takes something off the front of a number of
 * such a length.  The latter is sampled, with every beginning of four digits;
 * test/fuzz/phone.c looks for what sampling missed.  Takes minutes.
 */
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

static const int max_digits = 15;
static const int samples = 20000;	/* two for each beginning */

static const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();

/* Whether numbers of this length are possible. */
static bool
length_exists(int code, int length)
{
	PhoneNumber number;

	number.set_country_code(code);
	number.set_national_number(std::stoull(std::string(length, '2')));
	return util.IsPossibleNumberWithReason(number) ==
		PhoneNumberUtil::IS_POSSIBLE;
}

/* Whether libphonenumber leaves an international number as it is. */
static bool
is_left_alone(const std::string &text)
{
	PhoneNumber number;
	std::string formatted;

	if (util.Parse(text, "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR)
		return false;
	if (util.IsPossibleNumberWithReason(number) != PhoneNumberUtil::IS_POSSIBLE)
		return false;
	util.Format(number, PhoneNumberUtil::E164, &formatted);
	return formatted == text;
}

/* Add the first digits that are not safe in numbers of this length. */
static void
add_doubtful(int code, int length, std::set<int> *doubtful)
{
	for (int i = 0; i < samples; i++)
	{
		std::string national = std::to_string(i % 10000);

		national.insert(0, 4 - national.size(), '0');
		national.resize(length < 4 ? length : 4);
		while ((int) national.size() < length)
			national += '0' + rand() % 10;
		if (!is_left_alone("+" + std::to_string(code) + national))
			doubtful->insert(national[0] - '0');
	}
}

/* The bits of a set, runs as SPAN. */
static std::string
format_bits(const std::set<int> &bits)
{
	std::string text;

	for (auto bit = bits.begin(); bit != bits.end();)
	{
		int			first = *bit;
		int			last = first;

		while (++bit != bits.end() && *bit == last + 1)
			last = *bit;
		if (!text.empty())
			text += " | ";
		if (first == last)
			text += "ONE(" + std::to_string(first) + ")";
		else
			text += "SPAN(" + std::to_string(first) + ", " +
				std::to_string(last) + ")";
	}
	return text.empty() ? "0" : text;
}

int
main()
{
	std::set<int> codes;

	util.GetSupportedCallingCodes(&codes);
	for (int code : codes)
	{
		std::set<int> lengths;
		std::set<int> doubtful;
		int			room = max_digits - std::to_string(code).size();

		for (int length = 4; length <= room; length++)
			if (length_exists(code, length))
			{
				lengths.insert(length);
				add_doubtful(code, length, &doubtful);
			}
		printf("\t{%d, %s, %s},\n", code, format_bits(lengths).c_str(),
			   format_bits(doubtful).c_str());
	}
	return 0;
}
