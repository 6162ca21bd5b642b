// SPDX-License-Identifier: Apache-2.0
#include "event_type.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

#define WIDTH 80

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 0x00, "EV_PREBOOT_CERT" },
	{ 0x01, "EV_POST_CODE" },
	{ 0x03, "EV_NO_ACTION" },
	{ 0x04, "EV_SEPARATOR" },
	{ 0x05, "EV_ACTION" },
	{ 0x06, "EV_EVENT_TAG" },
	{ 0x07, "EV_S_CRTM_CONTENTS" },
	{ 0x08, "EV_S_CRTM_VERSION" },
	{ 0x09, "EV_CPU_MICROCODE" },
	{ 0x0a, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0x0b, "EV_TABLE_OF_DEVICES" },
	{ 0x0c, "EV_COMPACT_HASH" },
	{ 0x0d, "EV_IPL" },
	{ 0x0e, "EV_IPL_PARTITION_DATA" },
	{ 0x0f, "EV_NONHOST_CODE" },
	{ 0x10, "EV_NONHOST_CONFIG" },
	{ 0x11, "EV_NONHOST_INFO" },
	{ 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x13, "EV_POST_CODE2" },
	{ 0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ 0x80000002, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, "EV_EFI_ACTION" },
	{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
	{ 0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ 0x8000000b, "EV_EFI_HANDOFF_TABLES2" },
	{ 0x8000000c, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x8000000d, "EV_EFI_GPT_EVENT2" },
	{ 0x80000010, "EV_EFI_HCRTM_EVENT" },
	{ 0x800000e0, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
};

const char *event_type_name(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

void event_types_print(struct bytes *out)
{
	size_t column = 0, len;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == EVENT_TYPE_NO_ACTION)
			continue;
		len = 1 + strlen(types[i].name);
		if (column + len > WIDTH)
			column = 0;
		bytes_printf(out, "%s %s", column || !i ? "" : "\n", types[i].name);
		column += len;
	}
}

static bool type_from_number(const char *text, uint32_t *type)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	const char *alphabet = hex ? "0123456789abcdefABCDEF" : "0123456789";
	unsigned long long number;

	if (!*digits || strlen(digits) > 10 || strspn(digits, alphabet) != strlen(digits))
		return false;
	number = strtoull(digits, NULL, hex ? 16 : 10);
	*type = (uint32_t)number;
	return number <= UINT32_MAX;
}

int event_type_parse(const char *text, uint32_t *type, struct error *e)
{
	bool found = type_from_number(text, type);

	for (size_t i = 0; !found && i < ARRAY_SIZE(types); i++) {
		found = !strcasecmp(types[i].name, text);
		*type = types[i].type;
	}
	if (!found)
		return error_set(e, ERROR_USAGE,
				 "'%s' is neither the name of a TCG event type nor "
				 "a number of 32 bits",
				 text);
	if (*type == EVENT_TYPE_NO_ACTION)
		return error_set(e, ERROR_USAGE, "EV_NO_ACTION is for records that extend nothing");
	return 0;
}
