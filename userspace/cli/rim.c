// SPDX-License-Identifier: Apache-2.0
#include "cli.h"
#include "encode.h"
#include "rsi.h"

static const struct args_option *const tables[] = { cli_source_option, NULL };

static const struct args_spec spec = {
	.name = "realmkey rim",
	.operands = "",
	.about = "Prints this realm's initial measurement (RIM) in base64, the form in which a\n"
		 "KBS wants it as reference value cca.realm.cca-realm-initial-measurement.",
	.options = tables,
	.notes = "What a realm says of itself is worth as much as the way it reached you.",
};

int command_rim(int argc, char **argv)
{
	struct bytes text = BYTES_INIT;
	uint8_t value[RSI_DIGEST_MAX];
	struct cli_kbs options = { 0 };
	struct error e = ERROR_INIT;
	struct rsi *rsi;
	size_t size;
	int code, ret = -1;

	if (!cli_parse(&spec, argc, argv, &options, NULL, &code))
		return code;
	rsi = rsi_open(options.source, &e);
	if (!rsi || rsi_measurement_get(rsi, 0, value, &size, &e) < 0)
		goto out;
	if (encode_base64(ENCODE_BASE64, value, size, &text) < 0 ||
	    bytes_append_text(&text, "\n") < 0)
		error_set_memory(&e);
	else
		ret = cli_output(&text, &e);
out:
	bytes_free(&text);
	rsi_close(rsi);
	return ret < 0 ? cli_fail(argv[0], &e) : 0;
}
