// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/io.h"
#include "cli.h"
#include "rim/rim_files.h"
#include "rim/rim_tree.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs;	/* for --source */
	bool json;
	const char *vmm, *kernel, *initrd, *dtb, *cmdline, *ram, *rmm, *hash, *params, *dtb_out;
	unsigned int cpus;
};

#define TEXT(member) ARGS_TEXT, .offset = offsetof(struct options, member)

static const struct args_option own[] = {
	{ .name = "json", .type = ARGS_FLAG, .offset = offsetof(struct options, json),
	  .help = "print JSON, with what went into it" },
	{ .name = "vmm", .type = TEXT(vmm), .value = "VMM",
	  .help = "not this realm's: predict that of a realm started by bench, kvmtool or qemu" },
	{ .name = "kernel", .type = TEXT(kernel), .value = "FILE", .help = "arm64 Image (needed)" },
	{ .name = "initrd", .type = TEXT(initrd), .value = "FILE", .help = "initramfs" },
	{ .name = "dtb", .type = TEXT(dtb), .value = "FILE", .help = "device tree (needed)" },
	{ .name = "cmdline", .type = TEXT(cmdline), .value = "TEXT",
	  .help = "kernel arguments: after the tree's for bench, else instead of them" },
	{ .name = "ram", .type = TEXT(ram), .value = "SIZE",
	  .help = "bytes, or with K, M or G; else what the tree says" },
	{ .name = "cpus", .type = ARGS_NUMBER, .offset = offsetof(struct options, cpus),
	  .value = "N", .help = "else as many as the tree has", .min = 1, .max = 512 },
	{ .name = "rmm", .type = TEXT(rmm), .value = "RMM",
	  .help = "whose rules: 1.0 (default), tfrmm-0.9 or 2.0" },
	{ .name = "hash", .type = TEXT(hash), .value = "HASH",
	  .help = "sha256, sha384 or sha512; else what the VMM takes: sha512 for qemu, sha256 for others" },
	{ .name = "realm-params", .type = TEXT(params), .value = "NAME=N,...",
	  .help = "what the host gives kvmtool or qemu, as RMI encodes it: num_bps and num_wps (not "
		  "needed with --rmm 2.0), and if set flags, s2sz, sve_vl, pmu_num_ctrs" },
	{ .name = "output-dtb", .type = TEXT(dtb_out), .value = "FILE",
	  .help = "write the device tree as it was measured" },
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey rim",
	.operands = "",
	.about = "Prints a realm's initial measurement (RIM) in base64, the form in which a KBS\n"
		 "wants it as reference value cca.realm.cca-realm-initial-measurement: this\n"
		 "realm's, or with --vmm that of a realm which has not started yet.",
	.options = tables,
	.notes = "What a realm says of itself is worth as much as the way it reached you. What is\n"
		 "computed from files that you trust is worth as much as they are.",
};

/* --- values of options ------------------------------------------------------------------------ */

/* Where @name stands in @names; -1 with an error that lists them. */
static int name_find(const char *option, const char *name, const char *const names[3],
		     struct error *e)
{
	for (int i = 0; i < 3; i++) {
		if (!strcmp(name, names[i]))
			return i;
	}
	return error_set(e, ERROR_USAGE, "--%s: no '%s'; there are %s, %s, %s", option, name,
			 names[0], names[1], names[2]);
}

/* Decimal, or hexadecimal after 0x; @end takes what follows. */
static bool number_read(const char *text, uint64_t *n, const char **end)
{
	int base = !strncmp(text, "0x", 2) ? 16 : 10;
	char *stop;

	*n = strtoull(text, &stop, base);
	*end = stop;
	return *text >= '0' && *text <= '9' && stop != text && *n != UINT64_MAX;
}

static int size_read(const char *text, uint64_t *size, struct error *e)
{
	static const char units[] = "KMG";
	const char *end, *unit;

	if (!number_read(text, size, &end) || *size == 0)
		return error_set(e, ERROR_USAGE, "--ram: '%s' is no size", text);
	unit = *end ? strchr(units, *end) : NULL;
	if (*end && (!unit || end[1]))
		return error_set(e, ERROR_USAGE, "--ram: '%s': a size ends in K, M, G or nothing",
				 text);
	if (unit && *size > UINT64_MAX >> 10 * (unit - units + 1))
		return error_set(e, ERROR_USAGE, "--ram: '%s' is too much", text);
	*size <<= unit ? 10 * (unit - units + 1) : 0;
	return 0;
}

static const struct params_field {
	const char *name;
	uint64_t min, max;
	size_t offset;	/* of a byte; flags are none */
	uint64_t flag;	/* of RmiRealmParams, which giving it sets */
} params_fields[] = {
	{ "flags", 0, UINT64_MAX - 1, 0, 0 },
	{ "s2sz", 1, 52, offsetof(struct rim_params, s2sz), 0 },
	{ "sve_vl", 0, 15, offsetof(struct rim_params, sve_vl), 1 << 1 },
	{ "num_bps", 0, 63, offsetof(struct rim_params, num_bps), 0 },
	{ "num_wps", 0, 63, offsetof(struct rim_params, num_wps), 0 },
	{ "pmu_num_ctrs", 0, 31, offsetof(struct rim_params, pmu_num_ctrs), 1 << 2 },
};

#define PARAMS_FIELDS	(sizeof(params_fields) / sizeof(*params_fields))
#define PARAMS_NEEDED	(1U << 3 | 1U << 4)

/* NAME=N at @text; returns the field's index, with @n and what follows in @end, or -1. */
static int params_next(const char *text, uint64_t *n, const char **end, struct error *e)
{
	for (unsigned int i = 0; i < PARAMS_FIELDS; i++) {
		const struct params_field *field = &params_fields[i];
		size_t len = strlen(field->name);

		if (strncmp(text, field->name, len) || text[len] != '=')
			continue;
		if (number_read(text + len + 1, n, end) && *n >= field->min &&
		    *n <= field->max && (!**end || **end == ','))
			return (int)i;
		return error_set(e, ERROR_USAGE, "--realm-params: %s is %" PRIu64 " to %" PRIu64,
				 field->name, field->min, field->max);
	}
	return error_set(e, ERROR_USAGE, "--realm-params: '%.16s' is not NAME=N with NAME one of "
			 "num_bps, num_wps, flags, s2sz, sve_vl, pmu_num_ctrs", text);
}

/* @needed: bits by place in params_fields */
static int params_read(const char *text, unsigned int needed, struct rim_params *params,
		       struct error *e)
{
	unsigned int given = 0;
	uint64_t flags = 0;

	*params = (struct rim_params){ 0 };
	for (const char *end = ","; *end; text = end + 1) {
		uint64_t n = 0;
		int i = params_next(text, &n, &end, e);

		if (i < 0)
			return -1;
		if (given & 1U << i)
			return error_set(e, ERROR_USAGE, "--realm-params: %s is given twice",
					 params_fields[i].name);
		given |= 1U << i;
		flags |= params_fields[i].flag;
		if (i == 0)
			params->flags = n;
		else
			*((uint8_t *)params + params_fields[i].offset) = (uint8_t)n;
	}
	if ((given & needed) != needed)
		return error_set(e, ERROR_USAGE, "--realm-params: num_bps and num_wps are needed");
	if (!(given & 1))
		params->flags = flags;
	return 0;
}

/* --- a realm that has not started yet --------------------------------------------------------- */

/* An option that speaks of such a realm, if there is one. */
static const char *offline_option(const struct options *o)
{
	const struct {
		const char *name, *value;
	} given[] = {
		{ "kernel", o->kernel }, { "initrd", o->initrd }, { "dtb", o->dtb },
		{ "cmdline", o->cmdline }, { "ram", o->ram }, { "rmm", o->rmm },
		{ "hash", o->hash }, { "realm-params", o->params }, { "output-dtb", o->dtb_out },
		{ "cpus", o->cpus ? "" : NULL },
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
		if (given[i].value)
			return given[i].name;
	}
	return NULL;
}

static int request_make(struct rim_request *request, struct rim_params *params,
			const struct options *o, struct error *e)
{
	int rmm, hash;

	request->vmm = rim_vmm_find(o->vmm, e);
	if (!request->vmm)
		return -1;
	if (o->kbs.source)
		return error_set(e, ERROR_USAGE, "--vmm and --source exclude each other");
	if (!o->kernel || !o->dtb)
		return error_set(e, ERROR_USAGE, "--kernel and --dtb are needed");
	rmm = name_find("rmm", o->rmm ? o->rmm : "1.0", rim_flavour_names, e);
	if (rmm < 0)
		return -1;
	hash = o->hash ? name_find("hash", o->hash, rim_algo_names, e) : (int)request->vmm->algo;
	if (hash < 0 || (o->ram && size_read(o->ram, &request->ram_size, e) < 0) ||
	    (o->params && params_read(o->params, rmm == RIM_RMM_2_0 ? 0 : PARAMS_NEEDED, params,
				      e) < 0))
		return -1;
	request->flavour = (enum rim_flavour)rmm;
	request->algo = (enum rim_algo)hash;
	request->file[RIM_KERNEL] = o->kernel;
	request->file[RIM_INITRD] = o->initrd;
	request->file[RIM_DTB] = o->dtb;
	request->cmdline = o->cmdline;
	request->cpus = o->cpus;
	request->params = o->params ? params : NULL;
	return 0;
}

static json_t *hexadecimal(uint64_t n)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%" PRIx64, n);
	return json_string(text);
}

/* The kernel's arguments: a tree may hold any bytes, JSON may not. */
static json_t *bootargs_text(const struct bytes *tree, struct error *e)
{
	struct bytes args = BYTES_INIT;
	json_t *text = NULL;

	if (rim_tree_bootargs(tree, &args) < 0) {
		error_set_memory(e);
	} else {
		text = json_string(bytes_text(&args));
		if (!text)
			error_set(e, ERROR_INPUT, "bootargs are not UTF-8, and JSON must be");
	}
	bytes_free(&args);
	return text;
}

static json_t *loaded_list(const struct rim_prediction *p)
{
	json_t *loaded = json_array();
	int ret = 0;

	for (int i = 0; i < RIM_FILES; i++) {
		if (p->range[i].size)
			ret |= json_array_append_new(loaded, json_pack("{s:s, s:o, s:I}", "what",
					rim_file_names[i], "ipa", hexadecimal(p->range[i].ipa),
					"size", (json_int_t)p->range[i].size));
	}
	if (!ret)
		return loaded;
	json_decref(loaded);
	return NULL;
}

/* The realm parameters as --realm-params would give them; flags are bits, and so hexadecimal. */
static json_t *params_object(const struct rim_params *params)
{
	json_t *out = json_pack("{s:o}", params_fields[0].name, hexadecimal(params->flags));
	int ret = 0;

	for (size_t i = 1; i < PARAMS_FIELDS; i++) {
		const uint8_t *n = (const uint8_t *)params + params_fields[i].offset;

		ret |= json_object_set_new(out, params_fields[i].name, json_integer(*n));
	}
	if (!ret)
		return out;
	json_decref(out);
	return NULL;
}

/* What was measured, in the words of the options. */
static int prediction_describe(json_t *out, const struct rim_prediction *p,
			       const struct rim_request *request, struct error *e)
{
	json_t *bootargs = bootargs_text(&p->tree, e);
	int ret = 0;

	if (!bootargs)
		return -1;
	ret |= json_object_set_new(out, "vmm", json_string(request->vmm->name));
	ret |= json_object_set_new(out, "rmm", json_string(rim_flavour_names[request->flavour]));
	ret |= json_object_set_new(out, "ram", json_integer((json_int_t)p->realm.ram_size));
	ret |= json_object_set_new(out, "cpus", json_integer(p->cpus));
	ret |= json_object_set_new(out, "ipa-bits", json_integer(p->realm.params.s2sz));
	if (request->flavour != RIM_RMM_2_0)	/* which measures none of them */
		ret |= json_object_set_new(out, "realm-params", params_object(&p->realm.params));
	ret |= json_object_set_new(out, "cmdline", bootargs);
	ret |= json_object_set_new(out, "entry", hexadecimal(p->realm.entry));
	ret |= json_object_set_new(out, "loaded", loaded_list(p));
	return ret ? error_set_memory(e) : 0;
}

/* --- output ----------------------------------------------------------------------------------- */

static int rim_text(const uint8_t *value, size_t size, struct error *e)
{
	struct bytes text = BYTES_INIT;
	bool lost = encode_base64(ENCODE_BASE64, value, size, &text) < 0 ||
		    bytes_append_text(&text, "\n") < 0;

	return cli_output_text(lost ? -1 : 0, &text, e);
}

/* @p and @request: what was predicted of which realm, or NULL */
static int rim_json(const uint8_t *value, size_t size, const char *hash,
		    const struct rim_prediction *p, const struct rim_request *request,
		    struct error *e)
{
	struct bytes hex = BYTES_INIT, base64 = BYTES_INIT;
	json_t *out = NULL;
	int ret = -1;

	if (encode_hex(value, size, &hex) == 0 &&
	    encode_base64(ENCODE_BASE64, value, size, &base64) == 0)
		out = json_pack("{s:s, s:s, s:s}", "hash-algorithm", hash, "rim", bytes_text(&hex),
				"reference-value", bytes_text(&base64));
	if (!out)
		error_set_memory(e);
	else if (!p || prediction_describe(out, p, request, e) == 0)
		ret = cli_output_json(out, e);
	json_decref(out);
	bytes_free(&hex);
	bytes_free(&base64);
	return ret;
}

/* --- the two ways ----------------------------------------------------------------------------- */

static int predict(const struct options *o, struct error *e)
{
	static const char *const hashes[RIM_ALGOS] = { "sha-256", "sha-512", "sha-384" };
	struct rim_request request = { 0 };
	struct rim_prediction p;
	struct rim_params params;
	size_t size;
	int ret = -1;

	if (request_make(&request, &params, o, e) < 0)
		return -1;
	size = rim_size(request.algo);
	if (rim_files_compute(&p, &request, e) < 0 ||
	    (o->dtb_out && io_write_file(o->dtb_out, 0644, p.tree.data, p.tree.len, e) < 0))
		goto out;
	ret = o->json ? rim_json(p.rim.value, size, hashes[request.algo], &p, &request, e) :
			rim_text(p.rim.value, size, e);
out:
	rim_prediction_free(&p);
	return ret;
}

static int ask(const struct options *o, struct error *e)
{
	struct rsi *rsi = rsi_open(o->kbs.source, e);
	uint8_t value[RSI_DIGEST_MAX];
	struct rsi_config config;
	size_t size;
	int ret = -1;

	if (!rsi || rsi_measurement_get(rsi, 0, value, &size, e) < 0)
		goto out;
	if (!o->json)
		ret = rim_text(value, size, e);
	else if (rsi_config_get(rsi, &config, e) == 0)
		ret = rim_json(value, size, rsi_hash_name(config.hash_algo), NULL, NULL, e);
out:
	rsi_close(rsi);
	return ret;
}

int command_rim(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *stray;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	stray = options.vmm ? NULL : offline_option(&options);
	if (stray)
		ret = error_set(&e, ERROR_USAGE, "--%s needs --vmm", stray);
	else
		ret = options.vmm ? predict(&options, &e) : ask(&options, &e);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
