// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "device.h"
#include "tap.h"

#include <fcntl.h>
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
		tap_note("read %zd of a token's %u bytes", length, arg.size);
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
