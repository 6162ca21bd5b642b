/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hes_profile.h"

#define WORDS	  5 /* more than a valid line has */
#define MS_MAX	  600000
#define COUNT_MAX 1000000
#define PAGE	  4096UL

const struct hes_fault_info hes_fault_info[HES_FAULTS] = {
	[HES_STALL] = { "stall", "[MS]", HES_FORM_NUMBER, true, 1, MS_MAX, 0,
			"the signer is silent; the RMM gives up after MS (10000)" },
	[HES_LATE] = { "late", "MS", HES_FORM_NUMBER, false, 1, MS_MAX, 0,
		       "the signer answers MS later" },
	[HES_REFUSE] = { "refuse", "", HES_FORM_NONE, false, 0, 0, 0,
			 "the signer refuses; the RMM returns ERROR_UNKNOWN" },
	[HES_TRUNCATED] = { "truncated", "[BYTES]", HES_FORM_NUMBER, true, 1, CHANNEL_TOKEN_MAX, 0,
			    "the token ends after BYTES (half of it)" },
	[HES_OVERSIZE] = { "oversize", "[BYTES]", HES_FORM_NUMBER, true, 1, CHANNEL_PAYLOAD_MAX,
			   5000, "the signed token has BYTES (5000); the RMM has room for 4096" },
	[HES_OVERRUN] = { "overrun", "[BYTES]", HES_FORM_NUMBER, true, 1, 1 << 20,
			  CHANNEL_TOKEN_MAX,
			  "the RMM hands out BYTES (4096) after the token's end" },
	[HES_ZERO_PROGRESS] = { "zero-progress", "[MS]", HES_FORM_NUMBER, true, 1, MS_MAX,
				CHANNEL_FOR_EVER,
				"the RMM returns INCOMPLETE without a byte for MS (until cleared)" },
	[HES_ERROR_UNKNOWN] = { "error-unknown", "[BYTES]", HES_FORM_NUMBER, true, 0,
				CHANNEL_TOKEN_MAX, 0,
				"the RMM returns ERROR_UNKNOWN after BYTES (0)" },
	[HES_CHUNK] = { "chunk", "BYTES", HES_FORM_NUMBER, false, 1, CHANNEL_TOKEN_MAX, 0,
			"the RMM hands out at most BYTES at a time" },
	[HES_WRONG_CHALLENGE] = { "wrong-challenge", "", HES_FORM_NONE, false, 0, 0, 0,
				  "the token is signed over another challenge" },
	[HES_STALE_REM] = { "stale-rem", "", HES_FORM_NONE, false, 0, 0, 0,
			    "the token's REMs are those before the last extension" },
	[HES_PROFILE] = { "profile", "NAME[/NAME]", HES_FORM_PROFILE, false, 0, 0, 0,
			  "profile of both tokens, or of platform/realm: legacy 2023 2024 2026 unknown" },
	[HES_TAG] = { "tag", "NUMBER", HES_FORM_NUMBER, false, 0, UINT32_MAX, 0,
		      "outer tag of the token; with 907 the inner tokens are CMW records" },
	[HES_DESTROY] = { "destroy", "IPA", HES_FORM_PAGE, false, 0, 0, 0,
			  "the host reclaims a page of the realm: its RIPAS becomes DESTROYED" },
	[HES_CUT] = { "cut", "", HES_FORM_NONE, false, 0, 0, 0,
		      "the signer disconnects in the middle of its answer; the RMM repeats its request" },
};

static bool fail(char *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns false, so that a caller can return the result. */
static bool fail(char *answer, const char *format, ...)
{
	va_list args;
	int size = snprintf(answer, HES_FAULT_ANSWER, "error: ");

	va_start(args, format);
	vsnprintf(answer + size, HES_FAULT_ANSWER - (size_t)size - 1, format, args);
	va_end(args);
	strcat(answer, "\n");
	return false;
}

static bool number_parse(const char *text, uint32_t min, uint32_t max, uint32_t *number)
{
	uint64_t value = 0;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	for (; *text; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	*number = (uint32_t)value;
	return value >= min && value <= max;
}

static bool profile_parse(const char *text, uint32_t *pair)
{
	size_t length = strcspn(text, "/");
	const char *second = text[length] ? text + length + 1 : text;
	int platform = hes_profile_find(text, length);
	int realm = hes_profile_find(second, strlen(second));

	*pair = (uint32_t)platform | (uint32_t)realm << 8;
	return platform >= 0 && realm >= 0;
}

/*
 * Parses the address of a page in hexadecimal, as the RMM prints it, into @page = address / PAGE.
 */
static bool page_parse(const char *text, uint32_t *page)
{
	char *end;
	unsigned long ipa = strtoul(text, &end, 16);

	*page = (uint32_t)(ipa / PAGE);
	return !strncmp(text, "0x", 2) && !*end && ipa && ipa % PAGE == 0 &&
	       ipa / PAGE <= UINT32_MAX;
}

static int fault_find(const char *name)
{
	for (int i = 0; i < HES_FAULTS; i++) {
		if (!strcmp(hes_fault_info[i].name, name))
			return i;
	}
	return -1;
}

/* @text: the argument, or NULL if none was given */
static bool argument_parse(const struct hes_fault_info *info, const char *text, uint32_t *argument,
			   char *answer)
{
	*argument = info->absent;
	if (!text)
		return info->form == HES_FORM_NONE || info->optional ||
		       fail(answer, "%s requires %s", info->name, info->argument);
	switch (info->form) {
	case HES_FORM_NUMBER:
		return number_parse(text, info->min, info->max, argument) ||
		       fail(answer, "%s: not a number from %u to %u", info->name, info->min,
			    info->max);
	case HES_FORM_PROFILE:
		return profile_parse(text, argument) ||
		       fail(answer,
			    "%s: not legacy, 2023, 2024, 2026 or unknown, nor a pair A/B of them",
			    info->name);
	case HES_FORM_PAGE:
		return page_parse(text, argument) ||
		       fail(answer, "%s: not a page's address such as 0x41234000", info->name);
	default:
		return fail(answer, "%s accepts no argument", info->name);
	}
}

/* @words: the @count words after the fault's name */
static bool fault_arm(struct hes_faults *faults, int which, char **words, int count, char *answer)
{
	uint32_t argument, left = 0;
	char *text = NULL;

	if (count && strcmp(words[0], "count")) {
		text = *words++;
		count--;
	}
	if (!argument_parse(&hes_fault_info[which], text, &argument, answer))
		return false;
	if (count && (count != 2 || strcmp(words[0], "count")))
		return fail(answer, "only 'count N' may follow the fault");
	if (count && !number_parse(words[1], 1, COUNT_MAX, &left))
		return fail(answer, "count: not a number from 1 to %d", COUNT_MAX);
	faults->of[which].armed = true;
	faults->of[which].argument = argument;
	faults->of[which].left = left;
	strcpy(answer, "ok\n");
	return true;
}

static bool fault_clear(struct hes_faults *faults, char **words, int count, char *answer)
{
	int which = count ? fault_find(words[0]) : -1;

	if (count > 1 || (count && which < 0))
		return fail(answer, "clear: only one fault's name may follow");
	if (count)
		memset(&faults->of[which], 0, sizeof(faults->of[which]));
	else
		memset(faults, 0, sizeof(*faults));
	strcpy(answer, "ok\n");
	return true;
}

static void argument_print(int which, uint32_t argument, char *text, size_t room)
{
	const struct hes_fault_info *info = &hes_fault_info[which];

	*text = '\0';
	if (info->form == HES_FORM_PROFILE)
		snprintf(text, room, " %s/%s", hes_profiles[argument & 0xff].name,
			 hes_profiles[argument >> 8].name);
	else if (info->form == HES_FORM_PAGE)
		snprintf(text, room, " 0x%lx", argument * PAGE);
	else if (info->form == HES_FORM_NUMBER && (!info->optional || argument != info->absent))
		snprintf(text, room, " %u", argument);
}

static void faults_show(const struct hes_faults *faults, char *answer)
{
	size_t at = 0;
	char text[32], left[32];

	for (int i = 0; i < HES_FAULTS; i++) {
		if (!faults->of[i].armed)
			continue;
		argument_print(i, faults->of[i].argument, text, sizeof(text));
		left[0] = '\0';
		if (faults->of[i].left)
			snprintf(left, sizeof(left), " count %u", faults->of[i].left);
		at += (size_t)snprintf(answer + at, HES_FAULT_ANSWER - at, "%s%s%s\n",
				       hes_fault_info[i].name, text, left);
	}
	snprintf(answer + at, HES_FAULT_ANSWER - at, "ok\n");
}

/* Splits @line in place. Returns the number of words, or WORDS if there are too many. */
static int words_split(char *line, char **words)
{
	int count = 0;
	char *save, *word = strtok_r(line, " ", &save);

	for (; word && count < WORDS; word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return count;
}

bool hes_fault_execute(struct hes_faults *faults, const char *line, char *answer)
{
	char copy[HES_FAULT_LINE], *words[WORDS];
	int count, which;

	if (strlen(line) >= sizeof(copy))
		return fail(answer, "a line has at most %zu bytes", sizeof(copy) - 1);
	count = words_split(strcpy(copy, line), words);
	if (!count || count == WORDS)
		return fail(answer, "a line is FAULT [ARGUMENT] [count N], clear [FAULT] or show");
	if (!strcmp(words[0], "clear"))
		return fault_clear(faults, words + 1, count - 1, answer);
	if (!strcmp(words[0], "show") && count == 1) {
		faults_show(faults, answer);
		return false;
	}
	which = fault_find(words[0]);
	if (which < 0)
		return fail(answer, "unknown fault, see --list");
	fault_arm(faults, which, words + 1, count - 1, answer);
	return false;
}

void hes_fault_strike(struct hes_faults *faults, struct hes_strike *strike)
{
	for (int i = 0; i < HES_FAULTS; i++) {
		strike->by[i] = faults->of[i].armed;
		strike->argument[i] = faults->of[i].argument;
		if (faults->of[i].armed && faults->of[i].left && !--faults->of[i].left)
			faults->of[i].armed = false;
	}
}

static uint32_t argument_of(const struct hes_strike *strike, enum hes_fault fault)
{
	return strike->by[fault] ? strike->argument[fault] : 0;
}

bool hes_fault_order(const struct hes_strike *strike, struct channel_fault *order)
{
	static const struct channel_fault none;

	*order = (struct channel_fault){
		.patience = argument_of(strike, HES_STALL),
		.idle = argument_of(strike, HES_ZERO_PROGRESS),
		.chunk = argument_of(strike, HES_CHUNK),
		.fail = strike->by[HES_ERROR_UNKNOWN],
		.fail_after = argument_of(strike, HES_ERROR_UNKNOWN),
		.extra = argument_of(strike, HES_OVERRUN),
		.destroy = argument_of(strike, HES_DESTROY),
	};
	return memcmp(order, &none, sizeof(none)) != 0;
}

void hes_fault_distort(const struct hes_strike *strike, struct channel_request *request)
{
	if (strike->by[HES_WRONG_CHALLENGE])
		request->challenge[0] ^= 0xff;
	if (strike->by[HES_STALE_REM])
		memcpy(request->measurement[1], request->before, sizeof(request->before));
}
