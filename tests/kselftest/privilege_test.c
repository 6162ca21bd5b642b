// SPDX-License-Identifier: Apache-2.0
/*
 * Each operation of each interface, by callers with different rights: the result must be the one in
 * the table of privileges.h, which is that of the documentation too.
 */
#define _GNU_SOURCE
#include "callers.h"
#include "client.h"
#include "device.h"
#include "module.h"
#include "nearly_full.h"
#include "privileges.h"
#include "tap.h"

#include <assert.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIGFS "/sys/kernel/config"
#define REPORTS	 CONFIGFS "/tsm/report"
#define GROUP	 "/sys/devices/virtual/misc/cca-rsi/measurements"
/* Columns of the interface and of the operation in a line of the table */
#define INTERFACE_AT 0
#define OPERATION_AT 10
#define CELLS_AT     25
#define LOG_MAX	     "/sys/module/" MODULE "/parameters/log_max"
/* Of the log whose last eighth is used */
#define LIMIT 32768

static struct cca_rsi_config config;

/* What root has opened for a caller that gets descriptors; the others open it themselves. */
static struct {
	bool passed;
	int device;
	struct client client;
	int report;
	int sysfs;
	int log_max;
} given = { .device = -1, .report = -1, .sysfs = -1, .log_max = -1 };

/* The value of log_max */
static char limit[24];

/* --- the operations: each returns 0 or an errno ------------------------------------------------ */

static int device_use(int flags, unsigned long cmd, void *arg)
{
	int fd = given.passed ? given.device : open(DEVICE_PATH, flags | O_CLOEXEC);

	return fd >= 0 && ioctl(fd, cmd, arg) == 0 ? 0 : errno;
}

static int device_configuration(void)
{
	struct cca_rsi_config arg;

	return device_use(O_RDONLY, CCA_RSI_CONFIG, &arg);
}

static int device_register(void)
{
	struct cca_rsi_measurement arg = { .index = 1 };

	return device_use(O_RDONLY, CCA_RSI_MEASUREMENT, &arg);
}

static int device_log(void)
{
	int fd = given.passed ? given.device : open(DEVICE_PATH, O_RDONLY | O_CLOEXEC);
	char bytes[8192];

	return fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0 ? 0 : errno;
}

static int device_extension(void)
{
	struct cca_rsi_extend arg = {
		.index = 4,
		.digest_size = config.digest_size,
		.event_type = 13,
	};

	return device_use(O_WRONLY, CCA_RSI_EXTEND, &arg);
}

static int device_token_made(void)
{
	struct cca_rsi_token arg = { .fd = -1 };

	return device_use(O_RDONLY, CCA_RSI_TOKEN, &arg);
}

/* Returns the client to use, or NULL if there is no family. */
static struct client *client_use(void)
{
	if (given.passed)
		return &given.client;
	return client_open(&given.client) ? &given.client : NULL;
}

static int request_use(uint8_t cmd, int flags, void (*fill)(struct nl_msg *request))
{
	struct client *client = client_use();
	struct nl_msg *request = client ? client_request(client, cmd, flags) : NULL;

	if (!client)
		return ENOENT;
	if (fill)
		fill(request);
	if (client_call(client, request, NULL, NULL) == 0)
		return 0;
	/* A refusal names the capability that is missing. */
	if (errno == EPERM && !strstr(client->message, "CAP_SYS_ADMIN"))
		return EBADMSG;
	return errno;
}

static int netlink_configuration(void)
{
	return request_use(CCA_RSI_CMD_CONFIG_GET, 0, NULL);
}

static int netlink_register(void)
{
	return request_use(CCA_RSI_CMD_MEASUREMENT_GET, NLM_F_DUMP, NULL);
}

static int netlink_log(void)
{
	return request_use(CCA_RSI_CMD_LOG_GET, NLM_F_DUMP, NULL);
}

static void extension_fill(struct nl_msg *request)
{
	static const uint8_t digest[CCA_RSI_DIGEST_MAX];

	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, 4);
	nla_put(request, CCA_RSI_A_MEASUREMENT_DIGEST, (int)config.digest_size, digest);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, 13);
}

static int netlink_extension(void)
{
	return request_use(CCA_RSI_CMD_MEASUREMENT_EXTEND, 0, extension_fill);
}

static void token_fill(struct nl_msg *request)
{
	static const uint8_t challenge[CHALLENGE_SIZE];

	nla_put(request, CCA_RSI_A_TOKEN_CHALLENGE, sizeof(challenge), challenge);
}

static int netlink_token(void)
{
	return request_use(CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP, token_fill);
}

static int netlink_notifications(void)
{
	struct client *client = client_use(), own;
	int group;

	if (!client || !client_open(&own))
		return ENOENT;
	group = genl_ctrl_resolve_grp(own.sock, CCA_RSI_FAMILY_NAME, "events");
	return group >= 0 && nl_socket_add_membership(client->sock, group) == 0 ? 0 : EPROTO;
}

/* Makes a report with a challenge, and opens its token. Returns a descriptor, or -1 and errno. */
static int report_open(const char *name)
{
	static const uint8_t challenge[CHALLENGE_SIZE];
	char path[128];
	int at = snprintf(path, sizeof(path), REPORTS "/%s", name), fd;
	bool good;

	if (mkdir(path, 0700))
		return -1;
	snprintf(path + at, sizeof(path) - (size_t)at, "/inblob");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, challenge, sizeof(challenge)) == sizeof(challenge);
	if (fd < 0 || close(fd) || !good)
		return -1;
	snprintf(path + at, sizeof(path) - (size_t)at, "/outblob");
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void report_remove(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), REPORTS "/%s", name);
	rmdir(path);
}

static int configfs_token(void)
{
	int fd = given.passed ? given.report : report_open("privileges");
	static uint8_t token[TOKEN_ROOM];
	int ret = fd >= 0 && read(fd, token, sizeof(token)) > 0 ? 0 : errno;

	if (!given.passed && fd >= 0) {
		close(fd);
		report_remove("privileges");
	}
	return ret;
}

static int sysfs_open(int flags)
{
	static const char *const hashes[] = { "sha256", "sha512", "sha384" };
	char path[128];

	snprintf(path, sizeof(path), GROUP "/rem3:%s", hashes[config.hash_algo]);
	return open(path, flags | O_CLOEXEC);
}

static int sysfs_register(void)
{
	int fd = given.passed ? given.sysfs : sysfs_open(O_RDONLY);
	uint8_t value[CCA_RSI_DIGEST_MAX];

	return fd >= 0 && pread(fd, value, config.digest_size, 0) > 0 ? 0 : errno;
}

static int sysfs_extension(void)
{
	static const uint8_t digest[CCA_RSI_DIGEST_MAX];
	int fd = given.passed ? given.sysfs : sysfs_open(O_WRONLY);

	return fd >= 0 && pwrite(fd, digest, config.digest_size, 0) > 0 ? 0 : errno;
}

/* Writes the value that it has, because it can only be raised. */
static int sysfs_log_max(void)
{
	int fd = given.passed ? given.log_max : open(LOG_MAX, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && pwrite(fd, limit, strlen(limit), 0) > 0 ? 0 : errno;
}

/* --- the table --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*use)(void);
} operations[] = {
	{ "device    configuration", device_configuration },
	{ "device    register", device_register },
	{ "device    log", device_log },
	{ "device    extension", device_extension },
	{ "device    token", device_token_made },
	{ "netlink   configuration", netlink_configuration },
	{ "netlink   register", netlink_register },
	{ "netlink   log", netlink_log },
	{ "netlink   extension", netlink_extension },
	{ "netlink   token", netlink_token },
	{ "netlink   notifications", netlink_notifications },
	{ "configfs  token", configfs_token },
	{ "sysfs     register", sysfs_register },
	{ "sysfs     extension", sysfs_extension },
	{ "sysfs     log_max", sysfs_log_max },
	{ "device    last eighth", device_extension },
	{ "netlink   last eighth", netlink_extension },
	{ "sysfs     last eighth", sysfs_extension },
};

#define LINES (sizeof(privileges) / sizeof(privileges[0]))

static_assert(sizeof(operations) / sizeof(operations[0]) == LINES);

static const struct {
	const char *word;
	int error;
} cells[] = {
	{ "yes", 0 },	    { "acc", EACCES }, { "perm", EPERM },
	{ "none", ENOENT }, { "ro", EROFS },   { "full", ENOSPC },
};

/* The errno that a cell stands for, or -1 if it is no word of the table */
static int cell_error(const char *cell)
{
	char word[8] = "";

	if (sscanf(cell, "%7s", word) != 1)
		return -1;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		if (strcmp(word, cells[i].word) == 0)
			return cells[i].error;
	return -1;
}

static bool given_open(const char *interface)
{
	given.passed = true;
	given.device = open(DEVICE_PATH, O_RDWR);
	if (strcmp(interface, "configfs") == 0)
		given.report = report_open("given");
	given.sysfs = sysfs_open(O_RDWR);
	given.log_max = open(LOG_MAX, O_RDWR | O_CLOEXEC);
	return given.device >= 0 && client_open(&given.client);
}

static void given_close(void)
{
	close(given.device);
	close(given.sysfs);
	close(given.log_max);
	client_close(&given.client);
	if (given.report >= 0 && close(given.report) == 0)
		report_remove("given");
	given.device = given.report = given.sysfs = given.log_max = -1;
	given.passed = false;
}

/* Compares one cell with what the caller gets. */
static bool cell_measure(size_t line, int caller, int expected)
{
	char interface[10] = "";
	int got;

	sscanf(privileges[line] + INTERFACE_AT, "%9s", interface);
	if (caller == CALLER_USER_WITH_DESCRIPTORS && !given_open(interface))
		return false;
	got = caller_run(caller, operations[line].use);
	if (given.passed)
		given_close();
	if (got == expected)
		return true;
	tap_note("%s: %s got %s, not %s", operations[line].name, caller_name(caller),
		 got < 0 ? "no result" :
		 got	 ? strerror(got) :
			   "yes",
		 expected ? strerror(expected) : "yes");
	return false;
}

static void line_measure(size_t line)
{
	const char *cell = privileges[line] + CELLS_AT;
	bool good = true;
	int expected;

	CHECK(strncmp(privileges[line], operations[line].name, strlen(operations[line].name)) == 0);
	for (int caller = 0; caller < CALLERS; caller++) {
		expected = cell_error(cell);
		CHECK(expected >= 0);
		good &= cell_measure(line, caller, expected);
		cell += strcspn(cell, " ");
		cell += strspn(cell, " ");
	}
	CHECK(*cell == '\0' && good);
}

static bool limit_read(void)
{
	int fd = open(LOG_MAX, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, limit, sizeof(limit) - 1);

	close(fd);
	limit[size > 0 ? strcspn(limit, "\n") : 0] = '\0';
	return limit[0] != '\0';
}

static bool filled;

/* Before the first line about the last eighth */
static bool log_fill(void)
{
	if (!filled)
		filled = module_reload("log_max=32768") && nearly_full_fill(LIMIT, NULL) > 0;
	return filled;
}

static void line_next(void)
{
	static size_t next;
	size_t line = next++;

	SKIP_IF(operations[line].use != sysfs_log_max &&
			strncmp(privileges[line], "sysfs", 5) == 0 && access(GROUP, F_OK),
		"this kernel has no tsm-mr");
	SKIP_IF(strncmp(privileges[line], "configfs", 8) == 0 && access(REPORTS, F_OK),
		"this kernel has no configfs-tsm");
	CHECK(!strstr(privileges[line], "last eighth") || log_fill());
	line_measure(line);
}

int main(void)
{
	static struct tap_test tests[LINES];
	int result;

	mount("configfs", CONFIGFS, "configfs", 0, NULL);
	if (!device_config(&config) || !limit_read())
		tap_bail("cannot read the configuration and log_max");
	if (access("/proc/self/ns/user", F_OK) || access("/proc/self/ns/pid", F_OK))
		return tap_skip_all("privileges", "this kernel has no user or process namespaces");
	for (size_t i = 0; i < LINES; i++)
		tests[i] = (struct tap_test){ operations[i].name, line_next };
	result = tap_run(tests, LINES);
	/* The next program expects an empty log. */
	if (filled && !module_reload(""))
		tap_bail("cannot load the module again");
	return result;
}
