// SPDX-License-Identifier: Apache-2.0
#include "version.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"

static const char *const names[] = {
	[KBS_0_1_1] = "0.1.1",
	[KBS_0_2_0] = "0.2.0",
	[KBS_0_4_0] = "0.4.0",
};

/* The digits of the largest number that Trustee's parser accepts, less than 2^64. */
#define NUMBER_DIGITS 19

const char *version_name(enum kbs_version version)
{
	return names[version];
}

int version_named(const char *name, enum kbs_version *version, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*version = (enum kbs_version)i;
			return 0;
		}
	return error_set(e, ERROR_USAGE,
			 "'%.32s' is not a version of the KBS API: use 0.1.1, 0.2.0 or 0.4.0",
			 name);
}

/* Skip a number without needless zeros. */
static bool skip_number(const char **text)
{
	size_t digits = strspn(*text, "0123456789");
	bool zero = **text == '0';

	*text += digits;
	return digits > 0 && digits <= NUMBER_DIGITS && (!zero || digits == 1);
}

/* Skip identifiers with dots between them. @numbers: those of only digits have no needless zeros. */
static bool skip_identifiers(const char **text, bool numbers)
{
	do {
		const char *first = *text;
		size_t digits = strspn(first, "0123456789"), len = digits;

		while (isalnum((unsigned char)first[len]) || first[len] == '-')
			len++;
		if (len == 0 || (numbers && digits == len && len > 1 && *first == '0'))
			return false;
		*text += len;
	} while (*(*text)++ == '.');
	(*text)--;
	return true;
}

/* Check the form of @text. *@core is set to the length of MAJOR.MINOR.PATCH. */
static bool version_form(const char *text, size_t *core, bool *prerelease)
{
	const char *at = text;

	for (int i = 0; i < 3; i++)
		if ((i > 0 && *at++ != '.') || !skip_number(&at))
			return false;
	*core = (size_t)(at - text);
	*prerelease = *at == '-';
	if (*at == '-') {
		at++;
		if (!skip_identifiers(&at, true))
			return false;
	}
	if (*at == '+') {
		at++;
		if (!skip_identifiers(&at, false))
			return false;
	}
	return *at == '\0';
}

int version_read(const char *text, enum kbs_version least, enum kbs_version *version,
		 struct error *e)
{
	bool prerelease;
	size_t core;

	if (!version_form(text, &core, &prerelease))
		return error_set(e, ERROR_PROTOCOL, "failed to parse KBS version");
	for (size_t i = least; i < ARRAY_SIZE(names); i++)
		if (!prerelease && core == strlen(names[i]) && memcmp(text, names[i], core) == 0) {
			*version = (enum kbs_version)i;
			return 0;
		}
	error_set(e, ERROR_PROTOCOL, "KBS Client Protocol Version Mismatch: expect =%s",
		  names[KBS_0_4_0]);
	for (size_t i = KBS_0_4_0; i-- > least;)
		error_append(e, " or =%s", names[i]);
	return error_append(e, " while the request is %.32s", text);
}
