// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rmm_fault.h"
#include "device.h"
#include "eventlog.h"
#include "kernel.h"
#include "ops.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Numbered as in kmod/rsi_fake.c */
enum call {
	CALL_NONE,
	CALL_VERSION,
	CALL_CONFIG,
	CALL_READ,
	CALL_EXTEND,
	CALL_INIT,
	CALL_CONTINUE
};
enum fault { FAULT_NONE, FAULT_LENGTH, FAULT_ENDLESS, FAULT_EMPTY, FAULT_STUCK, FAULT_RULE };

#define MEGABYTE (1L << 20)
/* A token of this size comes in four pieces or more. */
#define LONG_TOKEN 16384

static const struct {
	int status, error;
} statuses[] = {
	{ 1, EINVAL }, { 2, ESTALE }, { 4, EIO }, { 77, EIO }, { -1, EOPNOTSUPP },
};

static bool fail_next(enum call call, long status, long skip, long times)
{
	return kernel_parameter("fail_status", status) && kernel_parameter("fail_skip", skip) &&
	       kernel_parameter("fail_call", call) && kernel_parameter("fail_times", times);
}

/* Makes a token; returns 0 or the value of errno. */
static int token_error(void)
{
	int fd = device_open(O_RDONLY);
	struct cca_rsi_token arg = { .fd = -1 };
	int error = ioctl(fd, CCA_RSI_TOKEN, &arg) ? errno : 0;

	if (!error)
		close(arg.fd);
	close(fd);
	return error;
}

static int extend_error(void)
{
	uint8_t digest[32] = { 7 };
	int fd = device_open(O_RDWR);
	int error = device_extend(fd, 3, digest) ? errno : 0;

	close(fd);
	return error;
}

void rmm_fault_statuses(void)
{
	CHECK(kernel_parameter("token_size", LONG_TOKEN));
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		CHECK(fail_next(CALL_INIT, statuses[i].status, 0, 2));
		CHECK(token_error() == statuses[i].error);
		CHECK(fail_next(CALL_CONTINUE, statuses[i].status, 2, 1000));
		CHECK(token_error() == statuses[i].error);
		CHECK(fail_next(CALL_EXTEND, statuses[i].status, 0, 1));
		CHECK(extend_error() == statuses[i].error);
	}
	CHECK(fail_next(CALL_NONE, 0, 0, 0));
	CHECK(token_error() == 0);
	CHECK(extend_error() == 0);
}

/* Does the call fail with EIO if the RMM does not return the first register that it reads? */
static bool op_reports(const struct op *op)
{
	int ret, error;

	if (!op->begin()) {
		tap_note("%s: cannot prepare the call", op->name);
		return false;
	}
	if (!fail_next(CALL_READ, 4, 0, 1))
		return false;
	ret = op->call();
	error = errno;
	op->end();
	if (ret != -1 || error != EIO)
		tap_note("%s: %d, %s", op->name, ret, strerror(error));
	return ret == -1 && error == EIO && fail_next(CALL_NONE, 0, 0, 0);
}

void rmm_fault_reads(void)
{
	size_t count = 0;

	for (size_t i = 0; i < ops_count; i++) {
		if (!ops[i].reads)
			continue;
		CHECK(op_reports(&ops[i]));
		count++;
	}
	CHECK(count > 10);
}

/* Does sysfs have the register's value, although no other interface has compared it yet? */
static bool sysfs_follows(uint32_t index)
{
	struct cca_rsi_measurement expected;
	uint8_t value[CCA_RSI_DIGEST_MAX + 1];
	char path[96];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/virtual/misc/cca-rsi/measurements/rem%u:sha256",
		 index - 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = read(fd, value, sizeof(value));
	close(fd);
	return device_measurement(index, &expected) && size == (ssize_t)expected.size &&
	       memcmp(value, expected.value, expected.size) == 0;
}

/*
 * The extension succeeds, but the register differs from the log, which then gets a foreign record.
 */
void rmm_fault_rule(void)
{
	struct cca_rsi_config config;

	CHECK(eventlog_good(&config) && !(config.flags & CCA_RSI_CONFIG_F_FOREIGN));
	CHECK(kernel_parameter("fault", FAULT_RULE));
	CHECK(extend_error() == 0 && sysfs_follows(3) && eventlog_good(&config));
	CHECK(config.flags & CCA_RSI_CONFIG_F_FOREIGN);
	CHECK(extend_error() == 0 && token_error() == 0 && extend_error() == 0 &&
	      eventlog_good(&config));
	CHECK(kernel_parameter("fault", FAULT_NONE));
	CHECK(extend_error() == 0 && eventlog_good(&config));
	CHECK(kernel_module_unload() == 0 && kernel_module_load() == 0);
}

/* Neither a register nor the log changes if the RMM fails to extend or to return the registers. */
void rmm_fault_log(void)
{
	struct cca_rsi_config config;
	uint64_t seq;

	CHECK(eventlog_good(&config));
	seq = config.log_seq;
	for (long skip = 0; skip < REGISTERS - 1; skip++) {
		CHECK(fail_next(CALL_READ, 4, skip, 1));
		CHECK(extend_error() == EIO);
	}
	CHECK(fail_next(CALL_EXTEND, 4, 0, 1) && extend_error() == EIO);
	CHECK(fail_next(CALL_NONE, 0, 0, 0));
	CHECK(eventlog_good(&config) && config.log_seq == seq);
}

void rmm_fault_bounds(void)
{
	static const enum fault faults[] = { FAULT_LENGTH, FAULT_ENDLESS, FAULT_EMPTY };
	static const long bounds[] = { 1, 1000, 3999 };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		CHECK(kernel_parameter("fault", faults[i]));
		CHECK(token_error() == EIO);
	}
	CHECK(kernel_parameter("fault", FAULT_NONE));
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		CHECK(kernel_parameter("bound", bounds[i]));
		CHECK(token_error() == EIO);
	}
	CHECK(kernel_parameter("bound", MEGABYTE + 1) && token_error() == EFBIG);
	CHECK(kernel_parameter("bound", LONG_MAX) && token_error() == EFBIG);
	CHECK(kernel_parameter("bound", MEGABYTE) && token_error() == 0);
	CHECK(kernel_parameter("bound", 0) && token_error() == 0);
}

void rmm_fault_lost_token(void)
{
	CHECK(fail_next(CALL_CONTINUE, 2, 3, 1));
	CHECK(token_error() == 0);
	CHECK(fail_next(CALL_CONTINUE, 2, 0, 2));
	CHECK(token_error() == ESTALE);
	CHECK(fail_next(CALL_NONE, 0, 0, 0));
	CHECK(kernel_parameter("token_size", 0));
}

static void caught(int number)
{
	(void)number;
}

/*
 * Starts a process that calls @call and ends with its result. A timer interrupts it each
 * millisecond; it catches that, without SA_RESTART, and SIGTERM.
 */
static pid_t child_start(int (*call)(void))
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	const struct sigaction action = { .sa_handler = caught };
	pid_t pid = fork();

	if (pid)
		return pid;
	if (sigaction(SIGTERM, &action, NULL) || sigaction(SIGALRM, &action, NULL) ||
	    setitimer(ITIMER_REAL, &often, NULL))
		_exit(255);
	_exit(call());
}

/* Waits up to @tenths of a second for the child; -1 if it still runs, else its wait status. */
static int child_wait(pid_t pid, int tenths)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (tenths-- <= 0)
			return -1;
		usleep(100000);
	}
	return status;
}

void rmm_fault_stuck(void)
{
	pid_t pid;
	int status;

	CHECK(kernel_parameter("fault", FAULT_STUCK));
	pid = child_start(token_error);
	CHECK(pid > 0 && child_wait(pid, 2) == -1 && kill(pid, SIGTERM) == 0);
	CHECK(child_wait(pid, 2) == -1 && kill(pid, SIGKILL) == 0);
	status = child_wait(pid, 10);
	CHECK(status != -1 && WIFSIGNALED(status));
	pid = child_start(token_error);
	CHECK(pid > 0 && child_wait(pid, 5) == -1 && kernel_parameter("fault", FAULT_NONE));
	CHECK(child_wait(pid, 300) == 0);
	CHECK(token_error() == 0);
}

/* Reads the registers and the log, and extends; returns 0, or the value of errno. */
static int others_error(void)
{
	struct cca_rsi_measurement value;
	struct cca_rsi_config config;

	if (!device_measurement(3, &value) || !eventlog_good(&config))
		return EPROTO;
	if (extend_error())
		return EIO;
	return eventlog_good(&config) ? 0 : EPROTO;
}

/* Does a token made meanwhile account for exactly the records that it reports? */
static int token_covers(void)
{
	static uint8_t token[LONG_TOKEN];
	uint8_t value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_token arg = { .fd = -1 };
	struct cca_rsi_config config;
	struct eventlog log;
	int fd = device_open(O_RDONLY);

	if (ioctl(fd, CCA_RSI_TOKEN, &arg))
		return errno;
	if (read(arg.fd, token, sizeof(token)) != (ssize_t)arg.size || !device_config(&config) ||
	    !eventlog_read(&log, &config))
		return EPROTO;
	eventlog_register(&log, arg.log_seq, 3, value);
	/* The challenge is first, then come the registers from RIM on. */
	return memcmp(token + 2 + CHALLENGE_SIZE + 3 * (2 + config.digest_size) + 2, value,
		      config.digest_size) ?
		       EBADMSG :
		       0;
}

/*
 * Nobody waits for a token in progress. An RMM that samples the registers at the start of a token
 * signs them as they were then; of one that samples them later the token is made again.
 */
void rmm_fault_meanwhile(void)
{
	pid_t token, others;

	for (long late = 0; late < 2; late++) {
		CHECK(kernel_parameter("late", late) && kernel_parameter("fault", FAULT_STUCK));
		token = child_start(token_covers);
		CHECK(token > 0 && child_wait(token, 2) == -1);
		others = child_start(others_error);
		CHECK(others > 0 && child_wait(others, 50) == 0);
		CHECK(child_wait(token, 0) == -1 && kernel_parameter("fault", FAULT_NONE));
		CHECK(child_wait(token, 300) == 0);
	}
	CHECK(kernel_parameter("late", 0));
}

void rmm_fault_at_load(void)
{
	static const char *const broken[] = {
		"fail_call=1 fail_times=1 fail_status=-1",
		"fail_call=2 fail_times=1 fail_status=1",
		"fail_call=3 fail_times=1 fail_status=4",
		"fail_call=3 fail_times=1 fail_status=4 fail_skip=4",
		"hash=3",
		"hash=255",
		"log_max=0",
		"log_max=600",
	};

	CHECK(kernel_module_unload() == 0);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		CHECK(kernel_module_load_with(broken[i]) == -1 && access(DEVICE_PATH, F_OK) == -1);
	CHECK(kernel_module_load() == 0);
}
