// SPDX-License-Identifier: Apache-2.0
/* /dev/cca-rsi: configuration, registers, extension; sizes, pointers and modes. */
#define _GNU_SOURCE
#include "device.h"
#include "eventlog.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
/* The number of bytes that a later version of a structure adds at its end */
#define LATER_EXTRA 24

union any_call {
	struct cca_rsi_config config;
	struct cca_rsi_measurement measurement;
	struct cca_rsi_extend extend;
	struct cca_rsi_token token;
	uint8_t bytes[sizeof(struct cca_rsi_config) + LATER_EXTRA];
};

static const struct {
	unsigned long cmd;
	size_t first; /* the size of the first version */
	size_t size;
} calls[] = {
	{ CCA_RSI_CONFIG, CCA_RSI_CONFIG_SIZE_VER0, sizeof(struct cca_rsi_config) },
	{ CCA_RSI_MEASUREMENT, CCA_RSI_MEASUREMENT_SIZE_VER0, sizeof(struct cca_rsi_measurement) },
	{ CCA_RSI_EXTEND, CCA_RSI_EXTEND_SIZE_VER0, sizeof(struct cca_rsi_extend) },
	{ CCA_RSI_TOKEN, CCA_RSI_TOKEN_SIZE_VER0, sizeof(struct cca_rsi_token) },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static struct cca_rsi_config config;
static int device; /* O_RDWR */

static bool all_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* A valid extension of REM0, with some digest and no event */
static struct cca_rsi_extend extension(void)
{
	struct cca_rsi_extend arg = { .index = 1, .digest_size = config.digest_size };

	memset(arg.digest, 0xa5, config.digest_size);
	return arg;
}

static void node_is_roots(void)
{
	struct stat st;

	CHECK(stat(DEVICE_PATH, &st) == 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK((st.st_mode & 07777) == 0600);
}

static void config_makes_sense(void)
{
	static const uint32_t sizes[] = { 32, 64, 48 };

	CHECK(ioctl(device, CCA_RSI_CONFIG, &config) == 0);
	tap_note("RSI %#x..%#x, %u IPA bits, hash %u, %u registers, flags %#x", config.abi_lower,
		 config.abi_higher, config.ipa_bits, config.hash_algo, config.registers,
		 config.flags);
	CHECK(config.abi_lower >> 16 == 1 && config.abi_higher >= config.abi_lower);
	CHECK(config.ipa_bits >= 32 && config.ipa_bits <= 52);
	CHECK(config.hash_algo <= CCA_RSI_HASH_SHA384);
	CHECK(config.digest_size == sizes[config.hash_algo]);
	CHECK(config.registers == REGISTERS);
	CHECK(config.flags == CCA_RSI_CONFIG_F_TOKEN);
	CHECK(config.event_max == 4096);
}

static void registers_read(void)
{
	struct cca_rsi_measurement value;

	for (uint32_t i = 0; i < REGISTERS; i++) {
		memset(&value, 0xff, sizeof(value));
		value.index = i;
		CHECK(ioctl(device, CCA_RSI_MEASUREMENT, &value) == 0);
		CHECK(value.index == i && value.size == config.digest_size);
		CHECK(all_zero(value.value + value.size, sizeof(value.value) - value.size));
		CHECK(i > 0 || !all_zero(value.value, value.size));
	}
}

static void registers_end(void)
{
	static const uint32_t beyond[] = { REGISTERS, 1000, 0x80000000, UINT32_MAX };
	struct cca_rsi_measurement value = { 0 };

	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		value.index = beyond[i];
		CHECK_ERRNO(ioctl(device, CCA_RSI_MEASUREMENT, &value), EINVAL);
	}
}

static void shorter_structs_refused(void)
{
	union any_call arg = { 0 };

	for (size_t i = 0; i < CALLS; i++) {
		CHECK_ERRNO(ioctl(device, device_cmd_sized(calls[i].cmd, calls[i].first - 1), &arg),
			    EINVAL);
		CHECK_ERRNO(ioctl(device, device_cmd_sized(calls[i].cmd, 0), &arg), EINVAL);
	}
}

static void later_structs_accepted(void)
{
	union any_call arg;
	size_t size;

	for (size_t i = 0; i < CALLS; i++) {
		memset(&arg, 0, sizeof(arg));
		if (calls[i].cmd == CCA_RSI_EXTEND)
			arg.extend = extension();
		size = calls[i].size + LATER_EXTRA;
		CHECK(ioctl(device, device_cmd_sized(calls[i].cmd, size), &arg) == 0);
		CHECK(all_zero(arg.bytes + calls[i].size, LATER_EXTRA));
		if (calls[i].cmd == CCA_RSI_TOKEN)
			CHECK(close(arg.token.fd) == 0);
	}
}

/*
 * A call that only returns a structure clears the end; one that reads it must refuse a field it
 * does not know.
 */
static void later_fields_refused(void)
{
	union any_call arg;

	for (size_t i = 0; i < CALLS; i++) {
		memset(&arg, 0, sizeof(arg));
		if (calls[i].cmd == CCA_RSI_EXTEND)
			arg.extend = extension();
		arg.bytes[calls[i].size + LATER_EXTRA - 1] = 1;
		if (calls[i].cmd == CCA_RSI_CONFIG) {
			CHECK(ioctl(device,
				    device_cmd_sized(calls[i].cmd, calls[i].size + LATER_EXTRA),
				    &arg) == 0);
			CHECK(all_zero(arg.bytes + calls[i].size, LATER_EXTRA));
			continue;
		}
		CHECK_ERRNO(ioctl(device,
				  device_cmd_sized(calls[i].cmd, calls[i].size + LATER_EXTRA),
				  &arg),
			    E2BIG);
	}
}

static void bad_pointers_refused(void)
{
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *two = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *bad[3] = { NULL, (void *)0xffff800000000000, NULL };

	CHECK(two != MAP_FAILED);
	CHECK(munmap(two + page, (size_t)page) == 0);
	bad[2] = two + page - 8;
	for (size_t i = 0; i < CALLS; i++)
		for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			CHECK_ERRNO(ioctl(device, calls[i].cmd, bad[j]), EFAULT);
	munmap(two, (size_t)page);
}

static void unknown_calls_refused(void)
{
	union any_call arg = { 0 };

	CHECK_ERRNO(ioctl(device, _IOWR(CCA_RSI_IOC_TYPE, 4, struct cca_rsi_token), &arg), ENOTTY);
	CHECK_ERRNO(ioctl(device, _IOWR(CCA_RSI_IOC_TYPE, 255, struct cca_rsi_token), &arg),
		    ENOTTY);
	CHECK_ERRNO(ioctl(device, _IOWR(0xbd, 1, struct cca_rsi_measurement), &arg), ENOTTY);
	CHECK_ERRNO(ioctl(device, _IOW(CCA_RSI_IOC_TYPE, 1, struct cca_rsi_measurement), &arg),
		    ENOTTY);
	CHECK_ERRNO(ioctl(device, _IO(CCA_RSI_IOC_TYPE, 0), &arg), ENOTTY);
}

static void modes_decide(void)
{
	int reader = device_open(O_RDONLY), writer = device_open(O_WRONLY);
	struct cca_rsi_extend arg = extension();
	struct cca_rsi_config unused;
	union any_call any = { 0 };

	CHECK(ioctl(reader, CCA_RSI_CONFIG, &unused) == 0);
	CHECK_ERRNO(ioctl(reader, CCA_RSI_EXTEND, &arg), EBADF);
	CHECK(ioctl(writer, CCA_RSI_EXTEND, &arg) == 0);
	CHECK_ERRNO(ioctl(writer, CCA_RSI_CONFIG, &unused), EBADF);
	CHECK_ERRNO(ioctl(writer, CCA_RSI_MEASUREMENT, &any), EBADF);
	CHECK_ERRNO(ioctl(writer, CCA_RSI_TOKEN, &any), EBADF);
	close(reader);
	close(writer);
}

static void extension_follows_rule(void)
{
	struct cca_rsi_measurement before[REGISTERS], after;
	struct cca_rsi_extend arg = extension();
	uint8_t expected[64];

	for (uint32_t target = 1; target < REGISTERS; target++) {
		for (uint32_t i = 0; i < REGISTERS; i++)
			CHECK(device_measurement(i, &before[i]));
		register_after(&config, before[target].value, arg.digest, expected);
		arg.index = target;
		CHECK(ioctl(device, CCA_RSI_EXTEND, &arg) == 0);
		for (uint32_t i = 0; i < REGISTERS; i++) {
			CHECK(device_measurement(i, &after));
			CHECK(memcmp(after.value, i == target ? expected : before[i].value,
				     config.digest_size) == 0);
		}
	}
}

/* Makes the extension; true if it was refused with @error and REM0 did not change. */
static bool extension_refused(struct cca_rsi_extend arg, int error)
{
	struct cca_rsi_measurement before, after;

	return device_measurement(1, &before) &&
	       tap_errno(ioctl(device, CCA_RSI_EXTEND, &arg), error) &&
	       device_measurement(1, &after) && memcmp(&before, &after, sizeof(after)) == 0;
}

static void extension_limits(void)
{
	static const uint32_t sizes[] = { 0, 1, 20, 31, 32, 33, 48, 63, 64, 65, UINT32_MAX };
	static const uint32_t targets[] = { 0, REGISTERS, UINT32_MAX };
	struct cca_rsi_extend arg = extension();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		arg.digest_size = sizes[i];
		CHECK(sizes[i] == config.digest_size || extension_refused(arg, EINVAL));
	}
	arg = extension();
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		arg.index = targets[i];
		CHECK(extension_refused(arg, EINVAL));
	}
}

static void event_limits(void)
{
	struct cca_rsi_extend arg = extension();
	static uint8_t event[4097];

	arg.event_type = UINT32_MAX;
	arg.event_size = sizeof(event);
	arg.event = (uintptr_t)event;
	CHECK(extension_refused(arg, EINVAL));
	/* Refused before the kernel allocates that much or reads it */
	arg.event_size = UINT32_MAX;
	arg.event = 0;
	CHECK(extension_refused(arg, EINVAL));
	arg.event_size = 1;
	CHECK(extension_refused(arg, EFAULT));
	arg.event = 0xffff800000000000;
	CHECK(extension_refused(arg, EFAULT));
	arg.event = (uintptr_t)event;
	arg.event_size = 4096;
	CHECK(ioctl(device, CCA_RSI_EXTEND, &arg) == 0);
}

/* Documented: an extension is not undone if the answer cannot be written to the caller's memory. */
static void extension_not_undone(void)
{
	struct cca_rsi_extend *arg = mmap(NULL, sizeof(*arg), PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cca_rsi_measurement before, after;

	CHECK(arg != MAP_FAILED);
	*arg = extension();
	CHECK(mprotect(arg, sizeof(*arg), PROT_READ) == 0);
	CHECK(device_measurement(1, &before));
	CHECK_ERRNO(ioctl(device, CCA_RSI_EXTEND, arg), EFAULT);
	CHECK(device_measurement(1, &after));
	CHECK(memcmp(before.value, after.value, config.digest_size) != 0);
	munmap(arg, sizeof(*arg));
}

static void unprivileged_kept_out(void)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0)
		_exit(setuid(NOBODY) == 0 && open(DEVICE_PATH, O_RDONLY) == -1 && errno == EACCES ?
			      0 :
			      1);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const struct tap_test tests[] = {
	{ "the device node has mode 0600", node_is_roots },
	{ "the configuration makes sense", config_makes_sense },
	{ "registers 0 to 4 read, zero beyond the digest", registers_read },
	{ "there is no register 5", registers_end },
	{ "a structure shorter than the first version is refused", shorter_structs_refused },
	{ "a later version's structure is accepted", later_structs_accepted },
	{ "a later version's field is refused", later_fields_refused },
	{ "bad pointers are refused", bad_pointers_refused },
	{ "unknown calls are refused", unknown_calls_refused },
	{ "the mode of a file decides what it may do", modes_decide },
	{ "an extension makes H(register || digest) and changes no other register",
	  extension_follows_rule },
	{ "RIM, other registers and other digest sizes are refused", extension_limits },
	{ "the event is bounded and must be readable", event_limits },
	{ "an extension without an answer is not undone", extension_not_undone },
	{ "without privilege the device cannot be opened", unprivileged_kept_out },
};

int main(void)
{
	device = device_open(O_RDWR);
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
