// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "base/encode.h"
#include "cli.h"
#include "rsi/rsi.h"

struct options {
	struct cli_kbs kbs;	/* for --source */
	bool json;
};

static const struct args_option own[] = {
	{ .name = "json", .type = ARGS_FLAG, .offset = offsetof(struct options, json),
	  .help = "print JSON" },
	{ 0 },
};

static const struct args_option *const tables[] = { cli_source_option, own, NULL };

static const struct args_spec spec = {
	.name = "realmkey measurements",
	.operands = "",
	.about = "Prints this realm's measurement registers: RIM, what it was started from, and\n"
		 "REM0 to REM3, what it measured since.",
	.options = tables,
};

struct registers {
	const char *hash;
	struct bytes hex[RSI_REGISTERS];
};

static int registers_read(struct rsi *rsi, struct registers *registers, struct error *e)
{
	struct rsi_config config;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	registers->hash = rsi_hash_name(config.hash_algo);
	for (unsigned int i = 0; i < RSI_REGISTERS; i++) {
		uint8_t value[RSI_DIGEST_MAX];
		size_t size;

		if (rsi_measurement_get(rsi, i, value, &size, e) < 0)
			return -1;
		if (encode_hex(value, size, &registers->hex[i]) < 0)
			return error_set_memory(e);
	}
	return 0;
}

static int registers_json(const struct registers *r, struct error *e)
{
	json_t *value = json_pack("{s:s, s:s, s:[s,s,s,s]}", "hash-algorithm",
				  r->hash ? r->hash : "unknown", "rim", bytes_text(&r->hex[0]),
				  "rem", bytes_text(&r->hex[1]), bytes_text(&r->hex[2]),
				  bytes_text(&r->hex[3]), bytes_text(&r->hex[4]));
	int ret = value ? cli_output_json(value, e) : error_set_memory(e);

	json_decref(value);
	return ret;
}

static int registers_text(const struct registers *r, struct error *e)
{
	static const char *const names[RSI_REGISTERS] = { "RIM", "REM0", "REM1", "REM2", "REM3" };
	struct bytes text = BYTES_INIT;
	int ret = 0;

	for (int i = 0; ret == 0 && i < RSI_REGISTERS; i++)
		ret = bytes_printf(&text, "%-5s %s:%s\n", names[i], r->hash ? r->hash : "unknown",
				   bytes_text(&r->hex[i]));
	return cli_output_text(ret, &text, e);
}

int command_measurements(int argc, char **argv)
{
	struct registers registers = { 0 };
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi *rsi;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	rsi = rsi_open(options.kbs.source, &e);
	ret = rsi ? registers_read(rsi, &registers, &e) : -1;
	if (ret == 0)
		ret = options.json ? registers_json(&registers, &e) :
				     registers_text(&registers, &e);
	for (int i = 0; i < RSI_REGISTERS; i++)
		bytes_free(&registers.hex[i]);
	rsi_close(rsi);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
