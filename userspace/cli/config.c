// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stddef.h>

#include "base/array.h"
#include "base/encode.h"
#include "cli.h"
#include "rsi/rsi.h"

static const struct args_spec spec = {
	.name = "realmkey config",
	.operands = "",
	.about = "Prints what the Realm Management Monitor (RMM) reports about itself and this\n"
		 "realm. What it does not report is absent, which is not the value 0.",
	.options = cli_show_options,
};

static const struct {
	const char *name, *json;
	size_t offset; /* of a struct rsi_field */
} fields[] = {
	{ "features", "features", offsetof(struct rsi_config, features) },
	{ "auxiliary planes", "aux-planes", offsetof(struct rsi_config, aux_planes) },
	{ "GICv3 VTR", "gicv3-vtr", offsetof(struct rsi_config, gicv3_vtr) },
	{ "ATS plane", "ats-plane", offsetof(struct rsi_config, ats_plane) },
};

static const struct rsi_field *field_at(const struct rsi_config *config, size_t i)
{
	return (const struct rsi_field *)((const char *)config + fields[i].offset);
}

static void revision_put(const char *name, unsigned int revision, struct bytes *text)
{
	bytes_printf(text, "%-17s %u.%u\n", name, revision >> 16, revision & 0xffff);
}

static void features_put(uint64_t features, struct bytes *text)
{
	bytes_printf(text, "%s%s%s", features & RSI_FEATURE_DA ? " DA" : "",
		     features & RSI_FEATURE_MRO ? " MRO" : "",
		     features & RSI_FEATURE_ATS ? " ATS" : "");
}

static int text_output(const struct rsi_config *config, struct error *e)
{
	struct bytes text = BYTES_INIT;

	revision_put("RSI lowest", config->abi_lower, &text);
	revision_put("RSI highest", config->abi_higher, &text);
	if (config->abi.present)
		revision_put("RSI used", (unsigned int)config->abi.value, &text);
	else
		bytes_printf(&text, "%-17s absent\n", "RSI used");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct rsi_field *field = field_at(config, i);

		bytes_printf(&text, "%-17s ", fields[i].name);
		if (field->present)
			bytes_printf(&text, "%#" PRIx64, field->value);
		else
			bytes_printf(&text, "absent");
		if (field == &config->features)
			features_put(field->value, &text);
		bytes_printf(&text, "\n");
	}
	bytes_printf(&text, "%-17s %s\n%-17s %u\n%-17s %zu\n%-17s ", "hash algorithm",
		     config->hash->name, "IPA bits", config->ipa_bits, "longest event",
		     config->event_max, "RPV");
	encode_hex(config->rpv, sizeof(config->rpv), &text);
	bytes_printf(&text, "\n");
	return cli_output_text(&text, e);
}

/* Numbers are numbers; RSI revisions have the form major << 16 | minor. */
static int json_output(const struct rsi_config *config, struct error *e)
{
	struct bytes rpv = BYTES_INIT;
	json_t *value = NULL;
	int ret;

	encode_hex(config->rpv, sizeof(config->rpv), &rpv);
	if (bytes_check(&rpv, e) == 0)
		value = json_pack("{s:i, s:i, s:s, s:i, s:I, s:s}", "abi-lower",
				  (int)config->abi_lower, "abi-higher", (int)config->abi_higher,
				  "hash-algorithm", config->hash->name, "ipa-bits",
				  (int)config->ipa_bits, "event-max", (json_int_t)config->event_max,
				  "rpv", bytes_text(&rpv));
	ret = value ? 0 : -1;
	if (ret == 0 && config->abi.present)
		ret = json_object_set_new(value, "abi",
					  json_integer((json_int_t)config->abi.value));
	for (size_t i = 0; ret == 0 && i < ARRAY_SIZE(fields); i++) {
		const struct rsi_field *field = field_at(config, i);

		if (field->present)
			ret = json_object_set_new(value, fields[i].json,
						  json_integer((json_int_t)field->value));
	}
	ret = ret == 0 ? cli_output_json(value, e) : error_set_memory(e);
	json_decref(value);
	bytes_free(&rpv);
	return ret;
}

int command_config(int argc, char **argv)
{
	struct cli_show options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi_config config;
	struct rsi *rsi;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	rsi = rsi_open(options.kbs.source, &e);
	ret = rsi ? rsi_config_get(rsi, &config, &e) : -1;
	if (ret == 0)
		ret = options.json ? json_output(&config, &e) : text_output(&config, &e);
	rsi_close(rsi);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
