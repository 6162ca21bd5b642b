// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "lies.h"
#include "device.h"
#include "eventlog.h"
#include "kernel.h"
#include "ops.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the fake numbers them. */
enum call { CALL_NONE, CALL_VERSION, CALL_CONFIG, CALL_READ, CALL_EXTEND, CALL_INIT, CALL_CONTINUE };
enum lie { LIE_NONE, LIE_LENGTH, LIE_ENDLESS, LIE_EMPTY, LIE_STUCK, LIE_RULE };

#define MEGABYTE (1L << 20)
/* So long that it cannot come in fewer than four pieces. */
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

/* errno's value, or 0. */
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

void lies_statuses(void)
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

/* The call fails if the first register it asks for is not told, and works when it is. */
static bool op_tells(const struct op *op)
{
	int ret, error;

	if (!op->begin()) {
		tap_note("%s: what the call stands on is gone", op->name);
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

void lies_reads(void)
{
	size_t told = 0;

	for (size_t i = 0; i < ops_count; i++) {
		if (!ops[i].reads)
			continue;
		CHECK(op_tells(&ops[i]));
		told++;
	}
	CHECK(told > 10);
}

/* What was extended is extended, though not to where the log leads; which the log tells, then. */
void lies_rule(void)
{
	struct cca_rsi_config config;

	CHECK(eventlog_good(&config) && !(config.flags & CCA_RSI_CONFIG_F_FOREIGN));
	CHECK(kernel_parameter("lie", LIE_RULE));
	CHECK(extend_error() == 0 && eventlog_good(&config));
	CHECK(config.flags & CCA_RSI_CONFIG_F_FOREIGN);
	CHECK(extend_error() == 0 && token_error() == 0 && extend_error() == 0 && eventlog_good(&config));
	CHECK(kernel_parameter("lie", LIE_NONE));
	CHECK(extend_error() == 0 && eventlog_good(&config));
	CHECK(kernel_module_unload() == 0 && kernel_module_load() == 0);
}

/* Neither a register nor the log moves when the RMM does not extend or does not tell the registers. */
void lies_log(void)
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

void lies_bounds(void)
{
	static const enum lie told[] = { LIE_LENGTH, LIE_ENDLESS, LIE_EMPTY };
	static const long bounds[] = { 1, 1000, 3999 };

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		CHECK(kernel_parameter("lie", told[i]));
		CHECK(token_error() == EIO);
	}
	CHECK(kernel_parameter("lie", LIE_NONE));
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		CHECK(kernel_parameter("bound", bounds[i]));
		CHECK(token_error() == EIO);
	}
	CHECK(kernel_parameter("bound", MEGABYTE + 1) && token_error() == EFBIG);
	CHECK(kernel_parameter("bound", LONG_MAX) && token_error() == EFBIG);
	CHECK(kernel_parameter("bound", MEGABYTE) && token_error() == 0);
	CHECK(kernel_parameter("bound", 0) && token_error() == 0);
}

void lies_lost_token(void)
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

/* How a caller ends whom the RMM keeps waiting and then @number is sent; it catches SIGTERM. */
static int stuck_status(int number)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, caught);
		_exit(token_error());
	}
	usleep(200000);
	if (pid < 0 || waitpid(pid, &status, WNOHANG) || kill(pid, number) || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

void lies_stuck(void)
{
	int status;

	CHECK(kernel_parameter("lie", LIE_STUCK));
	status = stuck_status(SIGKILL);
	CHECK(WIFSIGNALED(status));
	status = stuck_status(SIGTERM);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EINTR);
	CHECK(kernel_parameter("lie", LIE_NONE));
	CHECK(token_error() == 0);
}

void lies_at_load(void)
{
	static const char *const broken[] = {
		"fail_call=1 fail_times=1 fail_status=-1", "fail_call=2 fail_times=1 fail_status=1",
		"fail_call=3 fail_times=1 fail_status=4", "fail_call=3 fail_times=1 fail_status=4 fail_skip=4",
		"hash=3", "hash=255", "log_max=0", "log_max=600",
	};

	CHECK(kernel_module_unload() == 0);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		CHECK(kernel_module_load_with(broken[i]) == -1 && access(DEVICE_PATH, F_OK) == -1);
	CHECK(kernel_module_load() == 0);
}
