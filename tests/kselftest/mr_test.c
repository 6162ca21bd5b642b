// SPDX-License-Identifier: Apache-2.0
/*
 * The registers in sysfs, if the kernel has tsm-mr: they equal the device's, and writes are logged.
 */
#define _GNU_SOURCE
#include "device.h"
#include "eventlog.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROUP	     "/sys/devices/virtual/misc/cca-rsi/measurements"
#define EV_EVENT_TAG 6

static struct cca_rsi_config config;

static int register_open(uint32_t index, int flags)
{
	static const char *const names[] = { "rim", "rem0", "rem1", "rem2", "rem3" };
	static const char *const hashes[] = { "sha256", "sha512", "sha384" };
	char path[128];

	snprintf(path, sizeof(path), GROUP "/%s:%s", names[index], hashes[config.hash_algo]);
	return open(path, flags | O_CLOEXEC);
}

static bool register_same(uint32_t index)
{
	struct cca_rsi_measurement expected;
	uint8_t value[CCA_RSI_DIGEST_MAX + 1];
	int fd = register_open(index, O_RDONLY);
	ssize_t size = read(fd, value, sizeof(value));

	close(fd);
	return size == (ssize_t)config.digest_size && device_measurement(index, &expected) &&
	       memcmp(value, expected.value, (size_t)size) == 0;
}

static void same_registers(void)
{
	for (uint32_t i = 0; i < REGISTERS; i++)
		CHECK(register_same(i));
}

/* They are visible although tsm-mr refreshes its values only after its own writes. */
static void extension_by_device_seen(void)
{
	int fd = device_open(O_WRONLY);
	uint8_t digest[64] = { 3 };

	for (uint32_t i = 1; i < REGISTERS; i++) {
		CHECK(device_extend(fd, i, digest) == 0);
		CHECK(register_same(i));
	}
	close(fd);
}

static void write_extends_and_is_logged(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];
	struct eventlog log;
	int fd;

	memset(digest, 0x42, sizeof(digest));
	for (uint32_t i = 1; i < REGISTERS; i++) {
		fd = register_open(i, O_WRONLY);
		CHECK(write(fd, digest, config.digest_size) == (ssize_t)config.digest_size);
		close(fd);
		CHECK(eventlog_read(&log, &config) && eventlog_replays(&log));
		CHECK(log.records[log.count - 1].kind == KIND_EVENT);
		CHECK(log.records[log.count - 1].index == i);
		CHECK(log.records[log.count - 1].type == EV_EVENT_TAG);
		CHECK(memcmp(log.records[log.count - 1].digest, digest, config.digest_size) == 0);
		eventlog_free(&log);
		CHECK(register_same(i));
	}
}

static void other_writes_refused(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX + 1] = { 0 };
	int fd = register_open(1, O_WRONLY);

	CHECK_ERRNO(write(fd, digest, config.digest_size - 1), EINVAL);
	close(fd);
	fd = register_open(0, O_WRONLY);
	CHECK(fd < 0 || write(fd, digest, config.digest_size) < 0);
	CHECK(eventlog_good(&config));
}

static const struct tap_test tests[] = {
	{ "sysfs and the device have the same values", same_registers },
	{ "an extension by the device is visible in sysfs", extension_by_device_seen },
	{ "a write extends, and is logged as an event of sysfs", write_extends_and_is_logged },
	{ "parts of a digest, and RIM, are refused", other_writes_refused },
};

int main(void)
{
	if (access(GROUP, F_OK))
		return tap_skip_all("registers in sysfs", "this kernel has no tsm-mr");
	if (!device_config(&config))
		tap_bail("cannot read the configuration");
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
