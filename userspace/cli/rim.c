// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/realm.h"
#include "cli.h"
#include "rim_diff.h"
#include "rim/rim_files.h"
#include "rim/rim_tree.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs; /* for --source */
	bool json, explain, diff;
	const char *vmm, *kernel, *initrd, *dtb, *from_dtb, *cmdline, *ram, *rmm, *order, *hash;
	const char *params, *dtb_out;
	unsigned int cpus;
};

#define TEXT(member) ARGS_TEXT, .offset = offsetof(struct options, member)

static const struct args_option own[] = {
	CLI_JSON_OPTION(struct options, "print JSON, with all values that were measured"),
	{ .name = "vmm",
	  .type = TEXT(vmm),
	  .value = "VMM",
	  .help = "predict the RIM of a realm that VMM starts: bench, qemu, kvmtool, or a branch of "
		  "it: kvmtool-64k, kvmtool-eac5, kvmtool-2023" },
	{ .name = "kernel",
	  .type = TEXT(kernel),
	  .value = "FILE",
	  .help = "arm64 Image (required)" },
	{ .name = "initrd", .type = TEXT(initrd), .value = "FILE", .help = "initramfs" },
	{ .name = "dtb", .type = TEXT(dtb), .value = "FILE", .help = "device tree (required)" },
	{ .name = "from-dtb",
	  .type = TEXT(from_dtb),
	  .value = "FILE",
	  .help = "instead of --dtb: the tree that the realm got (its /sys/firmware/fdt), which "
		  "is measured unchanged; RAM, CPUs, kernel arguments and the place of the "
		  "initramfs are as it says" },
	{ .name = "cmdline",
	  .type = TEXT(cmdline),
	  .value = "TEXT",
	  .help = "kernel arguments; bench appends them to the tree's, others replace them" },
	{ .name = "ram",
	  .type = TEXT(ram),
	  .value = "SIZE",
	  .help = "size of RAM in bytes, or with K, M or G (default: as in the tree)" },
	{ .name = "cpus",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct options, cpus),
	  .value = "N",
	  .help = "number of CPUs (default: as in the tree)",
	  .min = 1,
	  .max = 512 },
	{ .name = "rmm",
	  .type = TEXT(rmm),
	  .value = "RMM",
	  .help = "rules of this RMM: 1.0 (default), tfrmm-0.9 or 2.0" },
	{ .name = "ripas-order",
	  .type = TEXT(order),
	  .value = "ORDER",
	  .help = "how the VMM sets the RIPAS of RAM: ram-first (default, except for "
		  "kvmtool-eac5 and kvmtool-2023), per-file or bss-only" },
	{ .name = "hash",
	  .type = TEXT(hash),
	  .value = "HASH",
	  .help = "sha256, sha384 or sha512 (default: sha512 for qemu, sha256 for others)" },
	{ .name = "realm-params",
	  .type = TEXT(params),
	  .value = "NAME=N,...",
	  .help = "realm parameters of the host, for kvmtool or qemu, as RMI encodes them: "
		  "num_bps and num_wps (required except with --rmm 2.0); flags, s2sz, sve_vl, "
		  "pmu_num_ctrs" },
	{ .name = "output-dtb",
	  .type = TEXT(dtb_out),
	  .value = "FILE",
	  .help = "write the device tree as it was measured" },
	{ .name = "explain",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, explain),
	  .help = "print each step of the measurement: its values, the hash of its page, and the "
		  "RIM after it" },
	{ .name = "diff",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, diff),
	  .help = "report the first step in which the lists A and B differ, which --explain or an "
		  "RMM printed; with --vmm, A and the prediction" },
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey rim",
	.operands = "[--diff A [B]]",
	.operands_max = 2,
	.about = "Prints the initial measurement (RIM) of this realm, or with --vmm of a realm\n"
		 "that has not started yet. It is in base64, the form that a KBS requires for the\n"
		 "reference value " REALM_RIM_REFERENCE ".",
	.options = tables,
	.notes = "Trust a RIM that a realm reports as far as you trust the way by which you got\n"
		 "it, and a predicted RIM as far as you trust the files.",
};

/* --- values of options ----------------------------------------------------------------------- */

/* The index of @name in @names, or -1 with an error that lists them. All lists have three. */
_Static_assert(RIM_FLAVOURS == 3 && RIM_ORDERS == 3, "name_find() knows three names");

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

/* Read the decimal number at @text, or the hexadecimal one after "0x"; *@end points to the rest. */
static bool integer_read(const char *text, uint64_t *n, const char **end)
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

	if (!integer_read(text, size, &end) || *size == 0)
		return error_set(e, ERROR_USAGE, "--ram: '%s' is not a size", text);
	unit = *end ? strchr(units, *end) : NULL;
	if (*end && (!unit || end[1]))
		return error_set(e, ERROR_USAGE, "--ram: '%s': a size ends in K, M, G or nothing",
				 text);
	if (unit && *size > UINT64_MAX >> 10 * (unit - units + 1))
		return error_set(e, ERROR_USAGE, "--ram: '%s' is too much", text);
	*size <<= unit ? 10 * (unit - units + 1) : 0;
	return 0;
}

/* A member of struct rim_params: an integer, min to max. */
static const struct params_field {
	const char *name;
	uint64_t min, max;
	size_t offset;
	bool flags;    /* it is the 64-bit member flags; the others are bytes */
	bool required; /* unless the RMM has the rules of 2.0, which do not measure it */
	uint64_t flag; /* set in RmiRealmParams if the member is given and flags is not */
} params_fields[] = {
	{ "flags", 0, UINT64_MAX - 1, offsetof(struct rim_params, flags), true, false, 0 },
	{ "s2sz", 1, 52, offsetof(struct rim_params, s2sz), false, false, 0 },
	{ "sve_vl", 0, 15, offsetof(struct rim_params, sve_vl), false, false, 1 << 1 },
	{ "num_bps", 0, 63, offsetof(struct rim_params, num_bps), false, true, 0 },
	{ "num_wps", 0, 63, offsetof(struct rim_params, num_wps), false, true, 0 },
	{ "pmu_num_ctrs", 0, 31, offsetof(struct rim_params, pmu_num_ctrs), false, false, 1 << 2 },
};

/* Read NAME=N at @text; *@end points to the rest. Returns the index of the field, or -1. */
static int params_next(const char *text, uint64_t *n, const char **end, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(params_fields); i++) {
		const struct params_field *field = &params_fields[i];
		size_t len = strlen(field->name);

		if (strncmp(text, field->name, len) || text[len] != '=')
			continue;
		if (integer_read(text + len + 1, n, end) && *n >= field->min && *n <= field->max &&
		    (!**end || **end == ','))
			return (int)i;
		return error_set(e, ERROR_USAGE, "--realm-params: %s is %" PRIu64 " to %" PRIu64,
				 field->name, field->min, field->max);
	}
	return error_set(e, ERROR_USAGE,
			 "--realm-params: '%.16s' is not NAME=N with NAME one of "
			 "num_bps, num_wps, flags, s2sz, sve_vl, pmu_num_ctrs",
			 text);
}

/* Read NAME=N,... into @params. @complete: the required fields must be given. */
static int params_read(const char *text, bool complete, struct rim_params *params, struct error *e)
{
	bool given[ARRAY_SIZE(params_fields)] = { false }, flags_given = false;
	uint64_t flags = 0;

	*params = (struct rim_params){ 0 };
	for (const char *end = ","; *end; text = end + 1) {
		const struct params_field *field;
		uint64_t n = 0;
		int i = params_next(text, &n, &end, e);

		if (i < 0)
			return -1;
		field = &params_fields[i];
		if (given[i])
			return error_set(e, ERROR_USAGE, "--realm-params: %s is given twice",
					 field->name);
		given[i] = true;
		flags |= field->flag;
		if (field->flags)
			params->flags = n;
		else
			*((uint8_t *)params + field->offset) = (uint8_t)n;
		flags_given |= field->flags;
	}
	for (size_t i = 0; complete && i < ARRAY_SIZE(params_fields); i++)
		if (params_fields[i].required && !given[i])
			return error_set(e, ERROR_USAGE,
					 "--realm-params: num_bps and num_wps are required");
	if (!flags_given)
		params->flags = flags;
	return 0;
}

/* --- a realm that has not started yet -------------------------------------------------------- */

/* The first option that is given and is only about such a realm, or NULL. */
static const char *offline_option(const struct options *o)
{
	const struct {
		const char *name, *value;
	} given[] = {
		{ "kernel", o->kernel },
		{ "initrd", o->initrd },
		{ "dtb", o->dtb },
		{ "from-dtb", o->from_dtb },
		{ "cmdline", o->cmdline },
		{ "ram", o->ram },
		{ "rmm", o->rmm },
		{ "ripas-order", o->order },
		{ "hash", o->hash },
		{ "realm-params", o->params },
		{ "output-dtb", o->dtb_out },
		{ "cpus", o->cpus ? "" : NULL },
		{ "explain", o->explain ? "" : NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		if (given[i].value)
			return given[i].name;
	}
	return NULL;
}

/* The first option that is given and would change the tree of --from-dtb, or NULL. */
static const char *tree_option(const struct options *o)
{
	return o->dtb ? "dtb" : o->cmdline ? "cmdline" : o->ram ? "ram" : o->cpus ? "cpus" : NULL;
}

static int tree_choose(struct rim_request *request, const struct options *o, struct error *e)
{
	const char *other = o->from_dtb ? tree_option(o) : NULL;

	if (other)
		return error_set(e, ERROR_USAGE, "--from-dtb and --%s exclude each other", other);
	if (!o->kernel || (!o->dtb && !o->from_dtb))
		return error_set(e, ERROR_USAGE, "--kernel and --dtb are required");
	request->from_tree = o->from_dtb != NULL;
	request->file[RIM_KERNEL] = o->kernel;
	request->file[RIM_INITRD] = o->initrd;
	request->file[RIM_DTB] = o->from_dtb ? o->from_dtb : o->dtb;
	return 0;
}

static int request_make(struct rim_request *request, struct rim_params *params,
			const struct options *o, struct error *e)
{
	int rmm, order;

	request->vmm = rim_vmm_find(o->vmm, e);
	if (!request->vmm)
		return -1;
	if (o->kbs.source)
		return error_set(e, ERROR_USAGE, "--vmm and --source exclude each other");
	if (tree_choose(request, o, e) < 0)
		return -1;
	rmm = name_find("rmm", o->rmm ? o->rmm : "1.0", rim_flavour_names, e);
	if (rmm < 0)
		return -1;
	order = o->order ? name_find("ripas-order", o->order, rim_order_names, e) :
			   (int)request->vmm->order;
	if (order < 0)
		return -1;
	request->hash = o->hash ? hash_by_plain_name(o->hash) : hash_by_number(request->vmm->algo);
	if (!request->hash)
		return error_set(e, ERROR_USAGE, "--hash: no '%s'; there are %s, %s, %s", o->hash,
				 hash_by_number(HASH_SHA256)->plain,
				 hash_by_number(HASH_SHA512)->plain,
				 hash_by_number(HASH_SHA384)->plain);
	if ((o->ram && size_read(o->ram, &request->ram_size, e) < 0) ||
	    (o->params && params_read(o->params, rmm != RIM_RMM_2_0, params, e) < 0))
		return -1;
	request->flavour = (enum rim_flavour)rmm;
	request->order = (enum rim_order)order;
	request->explain = o->explain || o->diff;
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

/* The kernel arguments as JSON, which must be UTF-8; in a tree they can be any bytes. */
static json_t *bootargs_text(const struct bytes *tree, struct error *e)
{
	struct bytes args = BYTES_INIT;
	json_t *text = NULL;

	rim_tree_bootargs(tree, &args);
	if (bytes_check(&args, e) == 0)
		text = cli_json_text(bytes_text(&args), "bootargs are", ERROR_INPUT, e);
	bytes_free(&args);
	return text;
}

static json_t *loaded_list(const struct rim_prediction *p)
{
	json_t *loaded = json_array();
	int ret = 0;

	for (int i = 0; i < RIM_FILES; i++) {
		if (p->range[i].size)
			ret |= json_array_append_new(
				loaded, json_pack("{s:s, s:o, s:I}", "what", rim_file_names[i],
						  "ipa", hexadecimal(p->range[i].ipa), "size",
						  (json_int_t)p->range[i].size));
	}
	if (!ret)
		return loaded;
	json_decref(loaded);
	return NULL;
}

/* The realm parameters, named as in --realm-params; flags in hexadecimal, because they are bits. */
static json_t *params_object(const struct rim_params *params)
{
	json_t *out = json_object();
	int ret = out ? 0 : -1;

	for (size_t i = 0; i < ARRAY_SIZE(params_fields); i++) {
		const struct params_field *field = &params_fields[i];
		const uint8_t *n = (const uint8_t *)params + field->offset;

		ret |= json_object_set_new(out, field->name,
					   field->flags ? hexadecimal(params->flags) :
							  json_integer(*n));
	}
	if (!ret)
		return out;
	json_decref(out);
	return NULL;
}

/* Add the values that were measured to @out, named as the options. */
static int prediction_describe(json_t *out, const struct rim_prediction *p,
			       const struct rim_request *request, struct error *e)
{
	json_t *bootargs = bootargs_text(&p->tree, e);
	int ret = 0;

	if (!bootargs)
		return -1;
	ret |= json_object_set_new(out, "vmm", json_string(request->vmm->name));
	ret |= json_object_set_new(out, "rmm", json_string(rim_flavour_names[request->flavour]));
	ret |= json_object_set_new(out, "ripas-order",
				   json_string(rim_order_names[request->order]));
	ret |= json_object_set_new(out, "ram", json_integer((json_int_t)p->realm.ram_size));
	ret |= json_object_set_new(out, "cpus", json_integer(p->cpus));
	ret |= json_object_set_new(out, "ipa-bits", json_integer(p->realm.params.s2sz));
	if (request->flavour != RIM_RMM_2_0) /* 2.0 does not measure them */
		ret |= json_object_set_new(out, "realm-params", params_object(&p->realm.params));
	ret |= json_object_set_new(out, "cmdline", bootargs);
	ret |= json_object_set_new(out, "entry", hexadecimal(p->realm.entry));
	ret |= json_object_set_new(out, "loaded", loaded_list(p));
	if (request->explain)
		ret |= json_object_set_new(out, "steps", rim_diff_steps(&p->steps));
	return ret ? error_set_memory(e) : 0;
}

/* --- output ---------------------------------------------------------------------------------- */

/* Print a RIM in base64, or as JSON with the name of its hash algorithm. @p and @request are what
 * was predicted of which realm, or NULL. */
static int rim_output(const struct options *o, const uint8_t *value, size_t size, const char *hash,
		      const struct rim_prediction *p, const struct rim_request *request,
		      struct error *e)
{
	struct bytes base64 = BYTES_INIT;
	json_t *out;
	int ret;

	if (!o->json && o->explain && p)
		bytes_append(&base64, p->steps.data, p->steps.len);
	encode_base64(ENCODE_BASE64, value, size, &base64);
	if (!o->json) {
		bytes_append_text(&base64, "\n");
		return cli_output_text(&base64, e);
	}
	ret = bytes_check(&base64, e);
	if (ret < 0)
		return ret;
	out = json_pack("{s:s, s:o, s:s}", "hash-algorithm", hash, "rim", json_hex(value, size),
			"reference-value", bytes_text(&base64));
	if (!out)
		ret = error_set_memory(e);
	else if (p)
		ret = prediction_describe(out, p, request, e);
	if (ret == 0)
		ret = cli_output_json(out, e);
	json_decref(out);
	bytes_free(&base64);
	return ret;
}

/* --- the two ways ---------------------------------------------------------------------------- */

/* @list: what the prediction is compared with, or NULL */
static int rim_predict(const struct options *o, const char *list, struct error *e)
{
	struct rim_request request = { 0 };
	struct rim_prediction p;
	struct rim_params params;
	int ret;

	if (request_make(&request, &params, o, e) < 0)
		return -1;
	ret = rim_files_compute(&p, &request, e);
	if (ret == 0 && o->dtb_out)
		ret = io_write_file(o->dtb_out, 0644, p.tree.data, p.tree.len, e);
	if (ret == 0 && list)
		ret = rim_diff_with(list, &p.steps, o->json, e);
	else if (ret == 0)
		ret = rim_output(o, p.rim.value, request.hash->size, request.hash->name, &p,
				 &request, e);
	rim_prediction_free(&p);
	return ret;
}

static int rim_read(const struct options *o, struct error *e)
{
	struct rsi *rsi = rsi_open(o->kbs.source, e);
	uint8_t value[HASH_SIZE_MAX];
	struct rsi_config config = { 0 };
	size_t size;
	int ret = -1;

	if (!rsi || rsi_measurement_get(rsi, 0, value, &size, e) < 0 ||
	    (o->json && rsi_config_get(rsi, &config, e) < 0))
		goto out;
	ret = rim_output(o, value, size, o->json ? config.hash->name : NULL, NULL, NULL, e);
out:
	rsi_close(rsi);
	return ret;
}

/* What is wrong with the operands, or 0. */
static int operands_check(const struct options *o, const char *const lists[2], struct error *e)
{
	if (!o->diff && lists[0])
		return error_set(e, ERROR_USAGE, "'%s' is one argument too many", lists[0]);
	if (o->diff && o->explain)
		return error_set(e, ERROR_USAGE, "--diff and --explain exclude each other");
	if (o->diff && (!lists[0] || !lists[1] == !o->vmm))
		return error_set(e, ERROR_USAGE,
				 "--diff needs two lists of steps, or one list and --vmm");
	return 0;
}

int command_rim(int argc, char **argv)
{
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	const char *stray, *lists[2];
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, lists, &code))
		return code;
	stray = options.vmm ? NULL : offline_option(&options);
	ret = operands_check(&options, lists, &e);
	if (ret == 0 && stray)
		ret = error_set(&e, ERROR_USAGE, "--%s needs --vmm", stray);
	else if (ret == 0 && options.vmm)
		ret = rim_predict(&options, lists[0], &e);
	else if (ret == 0)
		ret = options.diff ? rim_diff_files(lists[0], lists[1], options.json, &e) :
				     rim_read(&options, &e);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
