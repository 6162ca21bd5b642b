// SPDX-License-Identifier: Apache-2.0
/* Writes the layout page (tests/rmm/layout.h) of a realm from the files that are loaded into it. */
#include "../rmm/layout.h"
#include "../rmm/quirk.h"

#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const hashes[] = { "sha256", "sha512", "sha384" }; /* by hash_algo */

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "layout-page: %s: %s\n", what, why);
	exit(2);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		die(text, "not a number");
	return n;
}

/* Returns the index of @name in the table @names. If it is not there, the message names @option. */
static uint32_t name_number(const char *option, const char *name, const char *const *names,
			    size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	fprintf(stderr, "layout-page: %s: there is no '%s'; known are", option, name);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "%s %s", i ? "," : "", names[i]);
	fputc('\n', stderr);
	exit(2);
}

/* NAME[,NAME...] of quirk.h */
static uint32_t quirks_read(char *text)
{
	uint32_t quirks = 0;

	for (char *name = strtok(text, ","); name; name = strtok(NULL, ",")) {
		if (!quirk_find(name)) {
			fprintf(stderr, "layout-page: --quirk: there is no '%s'; known are", name);
			for (const struct quirk_name *q = quirk_names; q->name; q++)
				fprintf(stderr, "%s %s", q == quirk_names ? "" : ",", q->name);
			fputc('\n', stderr);
			exit(2);
		}
		quirks |= quirk_find(name);
	}
	return quirks;
}

/* A number of bytes, or of K, M or G. */
static uint64_t size_read(char *text)
{
	static const char units[] = "KMG";
	size_t len = strlen(text);
	const char *unit = len ? strchr(units, text[len - 1]) : NULL;
	uint64_t n;

	if (unit)
		text[len - 1] = '\0';
	n = number(text);
	if (unit && n > UINT64_MAX >> 10 * (unit - units + 1))
		die("--ram", "too large");
	return unit ? n << 10 * (unit - units + 1) : n;
}

static void hex_read(const char *option, uint8_t *out, size_t size, const char *hex)
{
	const size_t digits = strlen(hex);
	unsigned int byte;

	if (digits % 2 || digits > 2 * size || strspn(hex, "0123456789abcdefABCDEF") != digits)
		die(option, "not hexadecimal, or more than 64 bytes");
	for (size_t i = 0; i < digits / 2 && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		out[i] = (uint8_t)byte;
}

/* N:HEX[,N:HEX...] */
static void extends_read(struct layout *layout, char *text)
{
	uint32_t count = 0;

	for (char *one = strtok(text, ","); one; one = strtok(NULL, ",")) {
		struct layout_extend *extend = &layout->extend[count++];
		char *hex = strchr(one, ':');

		if (!hex || count > LAYOUT_MAX_EXTENDS)
			die("--extend", "not N:HEX, or more than four");
		*hex++ = '\0';
		extend->index = number(one);
		hex_read("--extend", extend->digest, sizeof(extend->digest), hex);
	}
}

/* IPA:FILE */
static void range_add(struct layout *layout, char *text)
{
	char *file = strchr(text, ':');
	struct stat st;

	if (!file)
		die(text, "not IPA:FILE");
	*file++ = '\0';
	if (stat(file, &st))
		die(file, strerror(errno));
	if (layout->count == LAYOUT_MAX_RANGES)
		die(file, "too many files");
	layout->range[layout->count++] = (struct layout_range){ number(text),
								(uint64_t)st.st_size };
}

/* The page is little-endian, whatever this machine is. */
static void layout_write(const struct layout *layout, const char *file)
{
	struct layout page = *layout;
	FILE *f = fopen(file, "we");

	page.magic = htole64(layout->magic);
	page.version = htole32(layout->version);
	page.hash_algo = htole32(layout->hash_algo);
	page.vcpus = htole32(layout->vcpus);
	page.count = htole32(layout->count);
	page.entry_ipa = htole64(layout->entry_ipa);
	page.dtb_ipa = htole64(layout->dtb_ipa);
	page.ram_size = htole64(layout->ram_size);
	page.flavour = htole32(layout->flavour);
	page.quirks = htole32(layout->quirks);
	for (uint32_t i = 0; i < LAYOUT_MAX_EXTENDS; i++)
		page.extend[i].index = htole64(layout->extend[i].index);
	for (uint32_t i = 0; i < layout->count; i++) {
		page.range[i].ipa = htole64(layout->range[i].ipa);
		page.range[i].size = htole64(layout->range[i].size);
	}
	if (!f || fwrite(&page, sizeof(page), 1, f) != 1 || fclose(f))
		die(file, strerror(errno));
}

static const char usage[] =
	"usage: layout-page [--hash sha256|sha384|sha512] [--vcpus N] [--rpv HEX] [--ram SIZE[K|M|G]]\n"
	"                   [--flavour 1.0|tfrmm-0.9|2.0] [--quirk NAME,...] [--extend N:HEX,...]\n"
	"                   --entry IPA --dtb IPA\n"
	"                   OUTPUT IPA:FILE...\n";

enum { HELP = 256 }; /* not one of the option letters */

static void option_apply(struct layout *layout, int option, char *value)
{
	switch (option) {
	case 'h':
		layout->hash_algo = name_number("--hash", value, hashes,
						sizeof(hashes) / sizeof(*hashes));
		break;
	case 'v':
		layout->vcpus = (uint32_t)number(value);
		break;
	case 'r':
		hex_read("--rpv", layout->rpv, sizeof(layout->rpv), value);
		break;
	case 'm':
		layout->ram_size = size_read(value);
		break;
	case 'f':
		layout->flavour = name_number("--flavour", value, layout_flavours, LAYOUT_FLAVOURS);
		break;
	case 'q':
		layout->quirks |= quirks_read(value);
		break;
	case 'x':
		extends_read(layout, value);
		break;
	case 'e':
		layout->entry_ipa = number(value);
		break;
	case 'd':
		layout->dtb_ipa = number(value);
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hash", required_argument, NULL, 'h' },
		{ "vcpus", required_argument, NULL, 'v' },
		{ "rpv", required_argument, NULL, 'r' },
		{ "extend", required_argument, NULL, 'x' },
		{ "entry", required_argument, NULL, 'e' },
		{ "dtb", required_argument, NULL, 'd' },
		{ "ram", required_argument, NULL, 'm' },
		{ "flavour", required_argument, NULL, 'f' },
		{ "quirk", required_argument, NULL, 'q' },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	static struct layout layout = {
		.magic = LAYOUT_MAGIC,
		.version = LAYOUT_VERSION,
		.vcpus = 1,
		.ram_size = LAYOUT_RAM_SIZE,
	};
	const char *fault, *output;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		option_apply(&layout, c, optarg);
	if (argc - optind < 2)
		option_apply(&layout, '?', NULL);
	output = argv[optind];
	for (int i = optind + 1; i < argc; i++)
		range_add(&layout, argv[i]);
	fault = layout_check(&layout);
	if (fault)
		die(output, fault);
	layout_write(&layout, output);
	return 0;
}
