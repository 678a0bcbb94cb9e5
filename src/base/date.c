/* SPDX-License-Identifier: MIT */
/* date: XEP-0082 DateTime, without the C library's time zones and locales. */
#include "config.h"

#include <stonechat/text.h>

#define SECOND INT64_C(1000000)
#define DAY 86400

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted in eras of 400 years
 * that begin in March, so that the leap day is the last of its year. */
static int64_t
days_of(int64_t year, int month, int day)
{
	year -= month <= 2;

	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
date_of(int64_t days, int64_t *year, int *month, int *day)
{
	days += 719468;

	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = (int)(of_era - (365 * y + y / 4 - y / 100));
	int m = (5 * of_year + 2) / 153;

	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

char *
sc_timestamp(struct sc_arena *a, int64_t wall_us)
{
	int64_t seconds = wall_us / SECOND, us = wall_us % SECOND, year;
	int month, day;

	if (us < 0) {
		us += SECOND;
		seconds--;
	}

	int64_t days = seconds / DAY, left = seconds % DAY;

	if (left < 0) {
		left += DAY;
		days--;
	}
	date_of(days, &year, &month, &day);

	int h = (int)(left / 3600), m = (int)(left / 60 % 60), s = (int)(left % 60);

	if (us == 0)
		return sc_format(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month, day,
			h, m, s);
	if (us % 1000 == 0)
		return sc_format(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
			h, m, s, (int)(us / 1000));
	return sc_format(a, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", (int)year, month, day, h, m, s,
		(int)us);
}

/* Exactly n digits. */
static bool
digits(const char **at, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

static bool
sign(const char **at, char want)
{
	return **at == want && (*at)++;
}

static bool
fraction(const char **at, int64_t *us)
{
	int64_t unit = SECOND / 10;

	*us = 0;
	if (!sign(at, '.'))
		return true;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
		*us += (**at - '0') * unit;
	return true;
}

static bool
offset(const char **at, int *minutes)
{
	int h, m, s;

	*minutes = 0;
	if (sign(at, 'Z'))
		return true;
	s = **at == '+' ? 1 : **at == '-' ? -1 : 0;
	if (s == 0)
		return false;
	(*at)++;
	if (!digits(at, 2, &h) || !sign(at, ':') || !digits(at, 2, &m) || h > 23 || m > 59)
		return false;
	*minutes = s * (h * 60 + m);
	return true;
}

static bool
valid_day(int year, int month, int day)
{
	static const char length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= length[month - 1] + (month == 2 && leap);
}

bool
sc_timestamp_read(const char *text, int64_t *wall_us)
{
	int year, month, day, h, m, s, zone;
	int64_t us;

	if (text == NULL)
		return false;
	if (!digits(&text, 4, &year) || !sign(&text, '-') || !digits(&text, 2, &month)
	    || !sign(&text, '-') || !digits(&text, 2, &day) || !sign(&text, 'T'))
		return false;
	if (!digits(&text, 2, &h) || !sign(&text, ':') || !digits(&text, 2, &m)
	    || !sign(&text, ':') || !digits(&text, 2, &s) || !fraction(&text, &us)
	    || !offset(&text, &zone) || *text != '\0')
		return false;
	/* 60: a leap second, which counts as the first of the next minute. */
	if (!valid_day(year, month, day) || h > 23 || m > 59 || s > 60)
		return false;
	*wall_us = ((days_of(year, month, day) * DAY) + h * 3600 + (m - zone) * 60 + s) * SECOND +
		us;
	return true;
}
