// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "device.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

int device_open(int flags)
{
	int fd = open(DEVICE_PATH, flags | O_CLOEXEC);

	if (fd < 0)
		tap_bail("cannot open " DEVICE_PATH ": %s", strerror(errno));
	return fd;
}

unsigned long device_cmd_sized(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static bool device_call(unsigned long cmd, void *arg)
{
	int fd = device_open(O_RDONLY);
	int ret = ioctl(fd, cmd, arg);

	if (ret)
		tap_note("ioctl %lu: %s", _IOC_NR(cmd), strerror(errno));
	close(fd);
	return ret == 0;
}

bool device_config(struct cca_rsi_config *config)
{
	return device_call(CCA_RSI_CONFIG, config);
}

bool device_measurement(uint32_t index, struct cca_rsi_measurement *value)
{
	value->index = index;
	return device_call(CCA_RSI_MEASUREMENT, value);
}

bool device_token(const uint8_t *challenge, uint8_t *token, size_t *size)
{
	struct cca_rsi_token arg = { .fd = -1 };
	ssize_t length;

	memcpy(arg.challenge, challenge, CHALLENGE_SIZE);
	if (!device_call(CCA_RSI_TOKEN, &arg))
		return false;
	length = read(arg.fd, token, TOKEN_ROOM);
	close(arg.fd);
	if (length != (ssize_t)arg.size) {
		tap_note("a token of %u bytes reads as %zd", arg.size, length);
		return false;
	}
	*size = arg.size;
	return true;
}

int device_extend(int fd, uint32_t index, const uint8_t *digest)
{
	struct cca_rsi_extend arg = { .index = index };
	struct cca_rsi_config config;

	if (!device_config(&config))
		return -1;
	arg.digest_size = config.digest_size;
	memcpy(arg.digest, digest, config.digest_size);
	return ioctl(fd, CCA_RSI_EXTEND, &arg);
}

void challenge_random(uint8_t *challenge)
{
	if (getrandom(challenge, CHALLENGE_SIZE, 0) != CHALLENGE_SIZE)
		tap_bail("getrandom: %s", strerror(errno));
}

bool token_carries(const uint8_t *token, size_t size, const uint8_t *challenge)
{
	return token_has_digest(token, size, challenge, CHALLENGE_SIZE);
}

bool token_has_digest(const uint8_t *token, size_t size, const uint8_t *digest, size_t digest_size)
{
	uint8_t encoded[2 + CCA_RSI_DIGEST_MAX] = { 0x58, (uint8_t)digest_size };

	memcpy(encoded + 2, digest, digest_size);
	return memmem(token, size, encoded, 2 + digest_size) != NULL;
}

static bool hex_read(FILE *from, uint8_t *bytes, size_t size)
{
	unsigned int byte;

	for (size_t i = 0; i < size; i++) {
		if (fscanf(from, "%2x", &byte) != 1)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

/* The digest that program @sum finds of the file @name. */
static bool file_hash(const char *sum, const char *name, uint8_t *result, size_t size)
{
	char command[64];
	FILE *output;
	bool good;

	snprintf(command, sizeof(command), "%s %s 2>/dev/null", sum, name);
	output = popen(command, "re");
	if (!output)
		return false;
	good = hex_read(output, result, size);
	return pclose(output) == 0 && good;
}

bool register_after(const struct cca_rsi_config *config, const uint8_t *old, const uint8_t *digest,
		    uint8_t *result)
{
	static const char *const sums[] = { "sha256sum", "sha512sum", "sha384sum" };
	char name[] = "/tmp/extend-XXXXXX";
	size_t size = config->digest_size;
	int fd = mkstemp(name);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, old, size) == (ssize_t)size && write(fd, digest, size) == (ssize_t)size;
	close(fd);
	good = good && file_hash(sums[config->hash_algo], name, result, size);
	unlink(name);
	return good;
}
