// SPDX-License-Identifier: Apache-2.0

#include "base/array.h"
#include "base/encode.h"
#include "base/hash.h"
#include "base/realm.h"
#include "cli.h"
#include "rsi/rsi.h"

static const struct args_spec spec = {
	.name = "realmkey measurements",
	.operands = "",
	.about = "Prints this realm's measurement registers: RIM, the measurement of its initial\n"
		 "contents, and REM0 to REM3, which the realm has extended since.",
	.options = cli_show_options,
};

struct registers {
	const char *hash; /* name of the algorithm */
	struct bytes hex[REALM_REGISTERS];
};

static int registers_read(struct rsi *rsi, struct registers *registers, struct error *e)
{
	struct rsi_config config;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	registers->hash = config.hash->name;
	for (unsigned int i = 0; i < REALM_REGISTERS; i++) {
		uint8_t value[HASH_SIZE_MAX];
		size_t size;

		if (rsi_measurement_get(rsi, i, value, &size, e) < 0)
			return -1;
		encode_hex(value, size, &registers->hex[i]);
		if (bytes_check(&registers->hex[i], e) < 0)
			return -1;
	}
	return 0;
}

static int registers_output(const struct registers *r, bool json, struct error *e)
{
	struct bytes text = BYTES_INIT;
	json_t *value;
	int ret;

	if (!json) {
		for (unsigned int i = 0; i < REALM_REGISTERS; i++)
			bytes_printf(&text, "%-5s %s:%s\n", realm_register_name(i), r->hash,
				     bytes_text(&r->hex[i]));
		return cli_output_text(&text, e);
	}
	value = json_pack("{s:s, s:s, s:[s,s,s,s]}", "hash-algorithm", r->hash, "rim",
			  bytes_text(&r->hex[0]), "rem", bytes_text(&r->hex[1]),
			  bytes_text(&r->hex[2]), bytes_text(&r->hex[3]), bytes_text(&r->hex[4]));
	ret = value ? cli_output_json(value, e) : error_set_memory(e);
	json_decref(value);
	return ret;
}

int command_measurements(int argc, char **argv)
{
	struct registers registers = { 0 };
	struct cli_show options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi *rsi;
	int code, ret;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	rsi = rsi_open(options.kbs.source, &e);
	ret = rsi ? registers_read(rsi, &registers, &e) : -1;
	if (ret == 0)
		ret = registers_output(&registers, options.json, &e);
	for (size_t i = 0; i < ARRAY_SIZE(registers.hex); i++)
		bytes_free(&registers.hex[i]);
	rsi_close(rsi);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
