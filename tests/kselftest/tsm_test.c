// SPDX-License-Identifier: Apache-2.0
/* configfs-tsm with cca_rsi as its provider works as with the kernel's own arm-cca-guest. */
#define _GNU_SOURCE
#include "device.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIGFS "/sys/kernel/config"
#define REPORT	 CONFIGFS "/tsm/report/kselftest"

/* Reads at most @room bytes of REPORT/@name; returns -1 and errno after an error. */
static ssize_t attribute_read(const char *name, uint8_t *bytes, size_t room)
{
	char path[128];
	ssize_t length, size = 0;
	int fd, error;

	snprintf(path, sizeof(path), REPORT "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while ((length = read(fd, bytes + size, room - (size_t)size)) > 0)
		size += length;
	error = errno;
	close(fd);
	errno = error;
	return length < 0 ? -1 : size;
}

static bool challenge_write(const uint8_t *challenge, size_t size)
{
	int fd = open(REPORT "/inblob", O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, challenge, size) == (ssize_t)size;

	/* configfs accepts a binary attribute when its file is closed. */
	return fd >= 0 && close(fd) == 0 && good;
}

static void provider_has_known_name(void)
{
	uint8_t name[64] = { 0 };

	CHECK(attribute_read("provider", name, sizeof(name) - 1) > 0);
	CHECK(strcmp((char *)name, "arm_cca_guest\n") == 0);
}

static void unused_attributes_hidden(void)
{
	static const char *const hidden[] = {
		"privlevel",	"privlevel_floor",	    "service_provider",
		"service_guid", "service_manifest_version", "auxblob",
		"manifestblob",
	};
	uint8_t unused[64];

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		CHECK_ERRNO(attribute_read(hidden[i], unused, sizeof(unused)), ENOENT);
}

static void report_carries_challenge(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	ssize_t size;

	for (int i = 0; i < 3; i++) {
		challenge_random(challenge);
		CHECK(challenge_write(challenge, sizeof(challenge)));
		size = attribute_read("outblob", token, sizeof(token));
		CHECK(size > 0 && token_carries(token, (size_t)size, challenge));
	}
}

static void short_challenge_padded(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE];
	ssize_t size;

	challenge_random(challenge);
	memset(challenge + 32, 0, sizeof(challenge) - 32);
	CHECK(challenge_write(challenge, 32));
	size = attribute_read("outblob", token, sizeof(token));
	CHECK(size > 0 && token_carries(token, (size_t)size, challenge));
}

static void shorter_challenge_refused(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE] = { 0 };

	CHECK(challenge_write(challenge, 31));
	CHECK_ERRNO(attribute_read("outblob", token, sizeof(token)), EINVAL);
}

static const struct tap_test tests[] = {
	{ "the provider has the name that attesters look for", provider_has_known_name },
	{ "attributes without a meaning here are hidden", unused_attributes_hidden },
	{ "outblob is a token over inblob", report_carries_challenge },
	{ "a challenge of 32 bytes is padded with zeros", short_challenge_padded },
	{ "a challenge of 31 bytes is refused", shorter_challenge_refused },
};

int main(void)
{
	int ret;

	if (access(CONFIGFS "/tsm", F_OK) && mount("none", CONFIGFS, "configfs", 0, NULL))
		tap_bail("cannot mount configfs: %s", strerror(errno));
	if (mkdir(REPORT, 0700))
		tap_bail("cannot create " REPORT ": %s", strerror(errno));
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	rmdir(REPORT);
	return ret;
}
