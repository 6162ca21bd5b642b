// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "value.h"

#define UNIT_MAX       255
#define CREDENTIAL_MAX 255
#define KEY_MAX	       255
#define SIGNAL_MAX     31

static const struct {
	const char *suffix;
	bool loads, runs;
} unit_types[] = {
	{ ".service", true, true },	{ ".socket", true, true },   { ".mount", true, true },
	{ ".swap", true, true },	{ ".scope", false, true },   { ".slice", false, false },
	{ ".target", false, false },	{ ".timer", false, false },  { ".path", false, false },
	{ ".automount", false, false }, { ".device", false, false },
};

static const char *unit_type_fault(const char *suffix, enum names_units units)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_types); i++) {
		if (strcmp(unit_types[i].suffix, suffix) != 0)
			continue;
		if (units == NAMES_LOADS && !unit_types[i].loads)
			return "is a unit without LoadCredential=, which .service, .socket, .mount "
			       "and .swap have";
		if (units == NAMES_RUNS && !unit_types[i].runs)
			return "is a unit without processes, which .service, .scope, .socket, "
			       ".mount and .swap have";
		return NULL;
	}
	return "has no suffix of a unit, such as .service";
}

/* As systemd.unit(5) says. */
const char *names_unit_fault(const char *text, enum names_units units)
{
	const char *dot = strrchr(text, '.'), *at = strchr(text, '@'), *fault;

	if (!dot)
		return "has no suffix of a unit, such as .service";
	fault = unit_type_fault(dot, units);
	if (fault)
		return fault;
	if (strlen(text) > UNIT_MAX)
		return "has more than 255 bytes";
	if (dot == text || at == text)
		return "has no name before its suffix or '@'";
	if (text[strspn(text, ENCODE_ALPHANUMERIC ":-_.\\@")])
		return "contains a character that is not allowed in the name of a unit";
	if (at && at + 1 == dot)
		return "is a template; name its instances, such as NAME@INSTANCE.service";
	return NULL;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static const char *file_name_fault(const char *text)
{
	if (!*text)
		return "is empty";
	if (!strcmp(text, ".") || !strcmp(text, "..") || strchr(text, '/'))
		return "is not the name of a file";
	if (!is_printable(text))
		return "contains a character other than printable ASCII";
	return NULL;
}

/* systemd requires a name that a file and a descriptor can have. */
const char *names_credential_fault(const char *text)
{
	const char *fault = file_name_fault(text);

	if (fault)
		return fault;
	if (strchr(text, ':'))
		return "contains ':'";
	return strlen(text) > CREDENTIAL_MAX ? "has more than 255 bytes" : NULL;
}

const char *names_volume_fault(const char *text)
{
	const char *fault = file_name_fault(text);

	if (fault)
		return fault;
	return strlen(text) > NAMES_VOLUME_MAX ?
		       "has more than 78 bytes, too many for systemd-cryptsetup to ask for it" :
		       NULL;
}

/* The kernel accepts more, but /proc/keys, keyctl and dm-crypt separate fields by white space. */
const char *names_key_fault(enum config_key_type type, const char *text)
{
	const char *colon = strchr(text, ':');

	if (!*text)
		return "has an empty description";
	if (!is_printable(text))
		return "has a description with other characters than printable ASCII without space";
	if (strlen(text) > KEY_MAX)
		return "has a description of more than 255 bytes";
	if (type == CONFIG_KEY_LOGON && (!colon || colon == text || !colon[1]))
		return "needs a description SERVICE:NAME, because logon keys belong to a service";
	return NULL;
}

int names_signal(const char *text)
{
	const char *name = strncmp(text, "SIG", 3) ? text : text + 3;
	unsigned long number;

	if (value_number(text, 10, SIGNAL_MAX, &number))
		return (int)number;
	for (int i = 1; i <= SIGNAL_MAX; i++)
		if (sigabbrev_np(i) && !strcmp(sigabbrev_np(i), name))
			return i;
	return 0;
}
