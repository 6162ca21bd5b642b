// SPDX-License-Identifier: Apache-2.0
/*
 * A keeper's end of realmkey-hooks or realmkey-keys, for tests/cli.
 *
 *	sinks_send SOCKET CONFIG [changed|set|confirm|remove NUMBER | raw HEX | digest | wait MS]...
 *
 * Sends HELLO with the digest of the configuration CONFIG, then each message, and prints each answer: "done", or the error.
 * "raw" sends bytes and waits for the end of the connection; "digest", as the first, spoils the digest. The value of "set"
 * is "value". Ends with 1 if there was an error.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "config/settings.h"
#include "sinks/client.h"

static const struct {
	const char *name;
	enum sinks_type type;
} types[] = {
	{ "changed", SINKS_CHANGED },
	{ "set", SINKS_SET },
	{ "confirm", SINKS_CONFIRM },
	{ "remove", SINKS_REMOVE },
};

static int failed(const struct error *e)
{
	printf("%s%s\n", e->text, e->transient ? " (transient)" : "");
	return -1;
}

static int raw_send(struct sinks_client *client, const char *hex)
{
	uint8_t bytes[64], end;
	size_t len = 0;
	unsigned int byte;

	for (; len < sizeof(bytes) && sscanf(hex + 2 * len, "%2x", &byte) == 1; len++)
		bytes[len] = (uint8_t)byte;
	if (send(client->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -1;
	printf("%s\n", recv(client->fd, &end, 1, 0) <= 0 ? "closed" : "answered");
	return 0;
}

static int message_send(struct sinks_client *client, const char *name, const char *argument)
{
	struct error e = ERROR_INIT;

	if (!strcmp(name, "wait"))
		return poll(NULL, 0, atoi(argument));
	if (!strcmp(name, "raw"))
		return raw_send(client, argument);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const bool set = types[i].type == SINKS_SET;

		if (strcmp(name, types[i].name) != 0)
			continue;
		if (sinks_call(client, types[i].type, (uint32_t)strtoul(argument, NULL, 10),
			       set ? "value" : NULL, set ? 5 : 0, &e) < 0)
			return failed(&e);
		printf("done\n");
		return 0;
	}
	fprintf(stderr, "sinks_send: '%s' is not a message\n", name);
	exit(2);
}

/* Returns whether all went well. */
static bool send_all(struct settings *settings, const char *path, char *const argv[])
{
	struct sinks_client client = SINKS_CLIENT_INIT;
	struct bytes have = BYTES_INIT;
	struct error e = ERROR_INIT;
	bool good = true;

	if (*argv && !strcmp(*argv, "digest")) {
		settings->text_digest[0] ^= 1;
		argv++;
	}
	if (sinks_connect(&client, "the program", path, settings->text_digest, &have, &e) < 0) {
		failed(&e);
		good = false;
	} else {
		printf("connected, %zu secrets\n", have.len);
	}
	for (; client.fd >= 0 && argv[0] && argv[1]; argv += 2)
		good &= message_send(&client, argv[0], argv[1]) == 0;
	sinks_close(&client);
	bytes_free(&have);
	return good;
}

int main(int argc, char **argv)
{
	struct settings settings = SETTINGS_INIT;
	struct error e = ERROR_INIT;
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3) {
		fprintf(stderr, "usage: sinks_send SOCKET CONFIG [MESSAGE...]\n");
		return 2;
	}
	good = settings_read_text(&settings, argv[2], NULL, NULL, &e) == 0;
	if (good)
		good = send_all(&settings, argv[1], argv + 3);
	else
		failed(&e);
	settings_free(&settings);
	return !good;
}
