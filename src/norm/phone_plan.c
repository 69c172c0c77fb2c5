/*
 * phone_plan.c
 *		The country calling codes in use and the lengths of their numbers.
 *
 * phone.c accepts a number in international format without libphonenumber if
 * this table leaves no doubt about it: the code is in use, numbers of that
 * length exist, and the first digit is not one that a prefix may begin with.
 * (In most plans a 0 after the country code is the trunk prefix that people
 * leave in: +49 030 1234567.  Mexico's 1, Belarus's 8, and carrier codes of
 * Argentina, Australia, Brazil, China and Luxembourg are of that kind.)  What
 * the table leaves in doubt goes to libphonenumber, so a stale row does little
 * harm: a plan that grew costs time, and of one that shrank the old numbers,
 * which are still in the data, go on being possible.
 *
 * Written by test/fuzz/phone_plan.cc from libphonenumber's metadata; the same
 * program checks that both ways give the same answer.
 */
#include "postgres.h"

#include "norm/phone_plan.h"

#define ONE(n)		(1 << (n))
#define SPAN(a, b)	((1 << ((b) + 1)) - (1 << (a)))

#define MAX_CODE_DIGITS 3

/* Ordered by code; no code is the beginning of another one. */
static const CdpPhonePlan plans[] =
{
	{1, ONE(10), 0},
	{7, ONE(10) | ONE(14), 0},
	{20, SPAN(8, 10), ONE(0)},
	{27, SPAN(5, 10), ONE(0)},
	{30, SPAN(10, 12), 0},
	{31, SPAN(5, 11), ONE(0)},
	{32, SPAN(8, 9), ONE(0)},
	{33, ONE(9), 0},
	{34, ONE(9), 0},
	{36, SPAN(8, 9), 0},
	{39, SPAN(6, 12), 0},
	{40, ONE(6) | ONE(9), 0},
	{41, ONE(9) | ONE(12), 0},
	{43, SPAN(4, 13), ONE(0)},
	{44, ONE(7) | SPAN(9, 10), ONE(0)},
	{45, ONE(8), 0},
	{46, SPAN(6, 10) | ONE(12), ONE(0)},
	{47, ONE(5) | ONE(8), 0},
	{48, SPAN(6, 10), 0},
	{49, SPAN(4, 13), ONE(0)},
	{51, SPAN(8, 9), ONE(0)},
	{52, SPAN(10, 11), ONE(1)},
	{53, SPAN(6, 8) | ONE(10), ONE(0)},
	{54, SPAN(10, 11), SPAN(0, 3)},
	{55, SPAN(8, 11), ONE(0) | ONE(9)},
	{56, SPAN(9, 11), 0},
	{57, SPAN(10, 11), ONE(0)},
	{58, ONE(10), 0},
	{60, SPAN(8, 10), ONE(0)},
	{61, SPAN(5, 10) | ONE(12), SPAN(0, 1)},
	{62, SPAN(7, 13), ONE(0)},
	{63, ONE(6) | SPAN(8, 13), ONE(0)},
	{64, SPAN(5, 10), ONE(0)},
	{65, ONE(8) | SPAN(10, 11), 0},
	{66, SPAN(8, 10) | ONE(13), ONE(0)},
	{81, SPAN(8, 13), ONE(0)},
	{82, SPAN(5, 6) | SPAN(8, 13), ONE(0)},
	{84, SPAN(7, 10), ONE(0)},
	{86, SPAN(7, 12), SPAN(0, 1)},
	{90, ONE(7) | ONE(10) | SPAN(12, 13), ONE(0)},
	{91, SPAN(8, 13), ONE(0)},
	{92, SPAN(8, 12), ONE(0)},
	{93, ONE(9), 0},
	{94, ONE(9), 0},
	{95, SPAN(6, 10), ONE(0)},
	{98, SPAN(4, 7) | ONE(10), ONE(0)},
	{211, ONE(9), 0},
	{212, ONE(9), 0},
	{213, SPAN(8, 9), ONE(0)},
	{216, ONE(8), 0},
	{218, ONE(9), 0},
	{220, ONE(7), 0},
	{221, ONE(9), 0},
	{222, ONE(8), 0},
	{223, ONE(8), 0},
	{224, SPAN(8, 9), 0},
	{225, ONE(10), 0},
	{226, ONE(8), 0},
	{227, ONE(8), 0},
	{228, ONE(8), 0},
	{229, ONE(8), 0},
	{230, SPAN(7, 8) | ONE(10), 0},
	{231, SPAN(7, 9), ONE(0)},
	{232, ONE(8), 0},
	{233, SPAN(8, 9), ONE(0)},
	{234, SPAN(7, 8) | SPAN(10, 12), ONE(0)},
	{235, ONE(8), 0},
	{236, ONE(8), 0},
	{237, SPAN(8, 9), 0},
	{238, ONE(7), 0},
	{239, ONE(7), 0},
	{240, ONE(9), 0},
	{241, SPAN(7, 8), 0},
	{242, ONE(9), 0},
	{243, ONE(7) | ONE(9), 0},
	{244, ONE(9), 0},
	{245, ONE(7) | ONE(9), 0},
	{246, ONE(7), 0},
	{247, SPAN(5, 6), 0},
	{248, ONE(7), 0},
	{249, ONE(9), 0},
	{250, SPAN(8, 9), ONE(0)},
	{251, ONE(9), 0},
	{252, SPAN(6, 9), ONE(0)},
	{253, ONE(8), 0},
	{254, SPAN(7, 10), ONE(0)},
	{255, ONE(9), 0},
	{256, ONE(9), 0},
	{257, ONE(8), 0},
	{258, SPAN(8, 9), 0},
	{260, ONE(9), 0},
	{261, ONE(9), 0},
	{262, ONE(9), 0},
	{263, SPAN(5, 10), ONE(0)},
	{264, SPAN(8, 9), ONE(0)},
	{265, ONE(7) | ONE(9), 0},
	{266, ONE(8), 0},
	{267, SPAN(7, 8) | ONE(10), 0},
	{268, SPAN(8, 9), 0},
	{269, ONE(7), 0},
	{290, SPAN(4, 5), 0},
	{291, ONE(7), 0},
	{297, ONE(7), 0},
	{298, ONE(6), 0},
	{299, ONE(6), 0},
	{350, ONE(8), 0},
	{351, ONE(9), 0},
	{352, SPAN(4, 11), ONE(1)},
	{353, SPAN(7, 10), ONE(0)},
	{354, ONE(7) | ONE(9), 0},
	{355, SPAN(6, 9), ONE(0)},
	{356, ONE(8), 0},
	{357, ONE(8), 0},
	{358, SPAN(5, 12), ONE(0)},
	{359, SPAN(6, 9), ONE(0)},
	{370, ONE(8), 0},
	{371, ONE(8), 0},
	{372, SPAN(7, 8) | ONE(10), 0},
	{373, ONE(8), 0},
	{374, ONE(8), 0},
	{375, SPAN(6, 11), ONE(0) | ONE(8)},
	{376, ONE(6) | SPAN(8, 9), 0},
	{377, SPAN(8, 9), ONE(0)},
	{378, ONE(8) | ONE(10), 0},
	{380, SPAN(9, 10), ONE(0)},
	{381, SPAN(6, 12), ONE(0)},
	{382, SPAN(8, 9), ONE(0)},
	{383, SPAN(8, 9), ONE(0)},
	{385, SPAN(6, 9), ONE(0)},
	{386, SPAN(5, 8), ONE(0)},
	{387, SPAN(8, 9), ONE(0)},
	{389, ONE(8), 0},
	{420, SPAN(9, 12), 0},
	{421, SPAN(6, 7) | ONE(9), ONE(0)},
	{423, ONE(7) | ONE(9), 0},
	{500, ONE(5), 0},
	{501, ONE(7) | ONE(11), 0},
	{502, ONE(8) | ONE(11), 0},
	{503, SPAN(7, 8) | ONE(11), 0},
	{504, ONE(8) | ONE(11), 0},
	{505, ONE(8), 0},
	{506, ONE(8) | ONE(10), 0},
	{507, SPAN(7, 8) | SPAN(10, 11), 0},
	{508, ONE(6) | ONE(9), 0},
	{509, ONE(8), 0},
	{590, ONE(9), 0},
	{591, SPAN(8, 9), ONE(0)},
	{592, ONE(7), 0},
	{593, SPAN(8, 11), ONE(0)},
	{594, ONE(9), 0},
	{595, SPAN(6, 11), ONE(0)},
	{596, ONE(9), 0},
	{597, SPAN(6, 7), 0},
	{598, SPAN(7, 8) | ONE(10), ONE(0)},
	{599, SPAN(7, 8), 0},
	{670, SPAN(7, 8), 0},
	{672, ONE(6), 0},
	{673, ONE(7), 0},
	{674, ONE(7), 0},
	{675, SPAN(7, 8), 0},
	{676, ONE(5) | ONE(7), 0},
	{677, ONE(5) | ONE(7), 0},
	{678, ONE(5) | ONE(7), 0},
	{679, ONE(7) | ONE(11), 0},
	{680, ONE(7), 0},
	{681, ONE(6) | ONE(9), 0},
	{682, ONE(5), 0},
	{683, ONE(4) | ONE(7), 0},
	{685, SPAN(5, 7) | ONE(10), 0},
	{686, ONE(5) | ONE(8), 0},
	{687, ONE(6), 0},
	{688, SPAN(5, 7), 0},
	{689, ONE(6) | SPAN(8, 9), 0},
	{690, SPAN(4, 7), 0},
	{691, ONE(7), 0},
	{692, ONE(7), 0},
	{800, ONE(8), 0},
	{808, ONE(8), 0},
	{850, ONE(8) | ONE(10), 0},
	{852, SPAN(5, 9) | ONE(11), 0},
	{853, SPAN(7, 8), 0},
	{855, SPAN(8, 10), ONE(0)},
	{856, SPAN(8, 10), ONE(0)},
	{870, ONE(9) | ONE(12), 0},
	{878, ONE(12), 0},
	{880, SPAN(6, 10), ONE(0)},
	{881, ONE(9), 0},
	{882, SPAN(7, 12), 0},
	{883, SPAN(9, 10) | ONE(12), 0},
	{886, SPAN(7, 11), ONE(0)},
	{888, ONE(11), 0},
	{960, ONE(7) | ONE(10), 0},
	{961, SPAN(7, 8), ONE(0)},
	{962, SPAN(8, 9), ONE(0)},
	{963, SPAN(8, 9), ONE(0)},
	{964, SPAN(8, 10), ONE(0)},
	{965, SPAN(7, 8), 0},
	{966, SPAN(9, 10), ONE(0)},
	{967, SPAN(7, 9), ONE(0)},
	{968, SPAN(7, 9), 0},
	{970, SPAN(8, 10), ONE(0)},
	{971, SPAN(5, 12), ONE(0)},
	{972, SPAN(7, 12), ONE(0)},
	{973, ONE(8), 0},
	{974, SPAN(7, 9), 0},
	{975, SPAN(7, 8), 0},
	{976, SPAN(8, 10), ONE(0)},
	{977, ONE(8) | SPAN(10, 11), ONE(0)},
	{979, ONE(9), 0},
	{992, ONE(9), 0},
	{993, ONE(8), 0},
	{994, ONE(9), 0},
	{995, ONE(9), 0},
	{996, SPAN(9, 10), ONE(0)},
	{998, ONE(9), 0},
};

static const CdpPhonePlan *
find_code(int code)
{
	int			low = 0;
	int			high = lengthof(plans) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (plans[middle].code == code)
			return &plans[middle];
		if (plans[middle].code < code)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/* The plan whose code begins these digits, or NULL. */
const CdpPhonePlan *
cdp_norm_find_phone_plan(const char *digits, int len, int *code_length)
{
	int			code = 0;

	if (len > 0 && digits[0] == '0')
		return NULL;
	for (int i = 0; i < len && i < MAX_CODE_DIGITS; i++)
	{
		const CdpPhonePlan *plan;

		code = code * 10 + (digits[i] - '0');
		plan = find_code(code);
		if (plan != NULL)
		{
			*code_length = i + 1;
			return plan;
		}
	}
	return NULL;
}
