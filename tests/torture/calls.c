// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "calls.h"
#include "kernel.h"
#include "ops.h"

#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <linux/cca_rsi_netlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSFS	"/sys/devices/virtual/misc/cca-rsi/measurements"
#define REPORTS "/sys/kernel/config/tsm/report"

static int sock = -1, listener = -1, family, device = -1;
static uint8_t room[65536];

/* --- the fake RMM ---------------------------------------------------------------------------- */

enum parameter {
	FAULT,
	FAIL_STATUS,
	FAIL_SKIP,
	FAIL_CALL,
	FAIL_TIMES,
	TOKEN_SIZE,
	BOUND,
	PARAMETERS_COUNT
};

static int parameters[PARAMETERS_COUNT];

/* The files stay open, because opening them for each input would take most of the time. */
static void parameters_open(void)
{
	static const char *const names[PARAMETERS_COUNT] = {
		"fault",      "fail_status", "fail_skip", "fail_call",
		"fail_times", "token_size",  "bound",
	};
	char path[128];

	for (int i = 0; i < PARAMETERS_COUNT; i++) {
		snprintf(path, sizeof(path), PARAMETERS "%s", names[i]);
		parameters[i] = open(path, O_WRONLY | O_CLOEXEC);
	}
}

static void parameter_set(enum parameter parameter, long value)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "%ld", value);

	(void)!pwrite(parameters[parameter], text, (size_t)size, 0);
}

static void call_fake(const struct call *call)
{
	/* Not 4: an RMM that makes no progress would only cost time. */
	static const uint8_t faults[] = { 0, 1, 2, 3, 0, 5, 2, 3 };
	uint32_t value;

	memcpy(&value, call->bytes, sizeof(value));
	parameter_set(FAULT, faults[call->nr % sizeof(faults)]);
	parameter_set(FAIL_STATUS, (int)(call->size % 8) - 2);
	parameter_set(FAIL_SKIP, call->flags % 8);
	parameter_set(FAIL_CALL, call->bytes[4] % 8);
	parameter_set(FAIL_TIMES, call->bytes[5] % 4);
	parameter_set(TOKEN_SIZE, value % 20000);
	parameter_set(BOUND, call->bytes[6] % 4 ? 0 : (long)value);
}

static void fake_reset(void)
{
	parameter_set(FAULT, 0);
	parameter_set(FAIL_CALL, 0);
	parameter_set(TOKEN_SIZE, 0);
	parameter_set(BOUND, 0);
}

/* --- the interfaces -------------------------------------------------------------------------- */

/* The structure of the call, placed at the end of a page that is followed by an unmapped one. */
static uint8_t *argument(const struct call *call, size_t size)
{
	static uint8_t *pages;
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *arg;

	if (!pages) {
		pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(pages + page, (size_t)page, PROT_NONE);
	}
	arg = pages + page - size;
	memset(arg, 0, size);
	memcpy(arg, call->bytes, size < CALL_BYTES ? size : CALL_BYTES);
	return arg;
}

static void token_use(const struct call *call, const uint8_t *arg)
{
	struct cca_rsi_token token;

	memcpy(&token, arg, sizeof(token));
	if (call->flags & 4) {
		lseek(token.fd, call->bytes[CALL_BYTES - 1] - 1, call->bytes[CALL_BYTES - 2] % 4);
		(void)!read(token.fd, room, sizeof(room));
	}
	close(token.fd);
}

static void call_ioctl(const struct call *call)
{
	static const unsigned long cmds[] = {
		CCA_RSI_CONFIG,
		CCA_RSI_MEASUREMENT,
		CCA_RSI_EXTEND,
		CCA_RSI_TOKEN,
	};
	unsigned long cmd = cmds[call->nr % 4];
	uint8_t *arg = argument(call, call->size);
	uint64_t event = (uintptr_t)room;

	if (call->flags & 2)
		cmd += (unsigned long)(call->nr / 4);
	if (call->size >= sizeof(struct cca_rsi_extend) && !(call->flags & 1))
		memcpy(arg + offsetof(struct cca_rsi_extend, event), &event, sizeof(event));
	cmd = _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), call->size);
	if (ioctl(device, cmd, arg) == 0 && call->nr % 4 == 3 &&
	    call->size >= sizeof(struct cca_rsi_token))
		token_use(call, arg);
}

static void call_netlink(const struct call *call)
{
	ops_request(sock, family, call->nr % 9, call->flags & 1 ? NLM_F_DUMP : 0, call->bytes,
		    call->size % (CALL_BYTES + 1));
}

static void call_read(const struct call *call)
{
	struct pollfd waiting = { .fd = device, .events = POLLIN };
	off_t at;

	memcpy(&at, call->bytes, sizeof(at));
	if (call->flags & 1)
		lseek(device, at, call->nr % 3);
	if (call->flags & 4)
		poll(&waiting, 1, 0);
	if (call->flags & 2)
		(void)!pread(device, room, (size_t)call->size * 256, at);
	else
		(void)!read(device, room, (size_t)call->size * call->size);
	(void)!recv(listener, room, sizeof(room), MSG_DONTWAIT);
}

static void call_sysfs(const struct call *call)
{
	static const char *const names[] = { "rim", "rem0", "rem1", "rem2", "rem3" };
	char path[128];
	int fd;

	snprintf(path, sizeof(path), SYSFS "/%s:sha256", names[call->nr % 5]);
	fd = open(path, call->flags & 1 ? O_WRONLY | O_CLOEXEC : O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (call->flags & 1)
		(void)!write(fd, call->bytes, call->size % (CALL_BYTES + 1));
	else
		(void)!read(fd, room, call->size);
	close(fd);
}

/* Each process makes a report of its own, because two cannot have the same name. */
static void call_report(const struct call *call)
{
	static const char *const names[] = { "outblob", "provider", "generation", "auxblob" };
	char path[128];
	int end = snprintf(path, sizeof(path), REPORTS "/fuzz%d", getpid()), fd;

	if (mkdir(path, 0700))
		return;
	snprintf(path + end, sizeof(path) - (size_t)end, "/inblob");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, call->bytes, call->size % (CALL_BYTES + 1));
		close(fd);
	}
	snprintf(path + end, sizeof(path) - (size_t)end, "/%s", names[call->nr % 4]);
	kernel_read(path, (char *)room, sizeof(room));
	path[end] = '\0';
	rmdir(path);
}

/* --- inputs ---------------------------------------------------------------------------------- */

bool calls_open(void)
{
	device = open("/dev/cca-rsi", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	sock = ops_socket();
	listener = ops_listener();
	family = ops_family();
	parameters_open();
	return device >= 0 && sock >= 0 && listener >= 0 && family > 0;
}

void calls_close(void)
{
	close(device);
	close(sock);
	close(listener);
	for (int i = 0; i < PARAMETERS_COUNT; i++)
		close(parameters[i]);
}

bool calls_change_rmm(const struct input *input)
{
	bool found = false;

	for (int i = 0; i < CALLS_MAX; i++)
		found |= input->calls[i].interface % INTERFACES == INTERFACE_FAKE;
	return found;
}

void calls_run(const struct input *input)
{
	static void (*const interfaces[INTERFACES])(const struct call *call) = {
		[INTERFACE_IOCTL] = call_ioctl, [INTERFACE_NETLINK] = call_netlink,
		[INTERFACE_READ] = call_read,	[INTERFACE_FAKE] = call_fake,
		[INTERFACE_SYSFS] = call_sysfs, [INTERFACE_REPORT] = call_report,
	};
	int interface;

	for (int i = 0; i < CALLS_MAX; i++) {
		interface = input->calls[i].interface % INTERFACES;
		if (interfaces[interface])
			interfaces[interface](&input->calls[i]);
	}
	if (calls_change_rmm(input))
		fake_reset();
}
