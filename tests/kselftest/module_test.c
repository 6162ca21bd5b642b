// SPDX-License-Identifier: Apache-2.0
/*
 * Loading and unloading. The test ends with the module loaded, as at the start. Run it last and
 * alone: the module cannot be unloaded while another program has the device open.
 */
#define _GNU_SOURCE
#include "client.h"
#include "device.h"
#include "module.h"
#include "tap.h"

#include <fcntl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CYCLES	      20
#define CONFIGFS      "/sys/kernel/config"
#define REPORT	      CONFIGFS "/tsm/report/kselftest"
#define AUTOLOADER    "/proc/sys/kernel/modprobe"
#define DEVICE_ALIAS  "/sys/devices/platform/arm-cca-dev/modalias"
#define BUS_ALIAS     "/sys/bus/arm_smccc/devices/*/modalias"
#define KLOG_READ_ALL 3
#define KLOG_CLEAR    5

static bool device_there(void)
{
	return access(DEVICE_PATH, F_OK) == 0;
}

static bool family_there(void)
{
	struct client client;
	bool there = client_open(&client);

	client_close(&client);
	return there;
}

static void open_device_holds(void)
{
	int device = device_open(O_RDONLY);

	CHECK_ERRNO(module_unload("cca_rsi"), EAGAIN);
	close(device);
}

static void open_token_holds(void)
{
	static uint8_t token[TOKEN_ROOM];
	int device = device_open(O_RDONLY);
	struct cca_rsi_token arg = { 0 };

	CHECK(ioctl(device, CCA_RSI_TOKEN, &arg) == 0);
	close(device);
	CHECK_ERRNO(module_unload("cca_rsi"), EAGAIN);
	CHECK(read(arg.fd, token, sizeof(token)) == (ssize_t)arg.size);
	close(arg.fd);
}

/*
 * The socket's receive buffer is made small, so that it cannot hold a whole token. The dump then
 * stays unfinished until something is read.
 */
static void running_dump_holds(void)
{
	uint8_t challenge[CHALLENGE_SIZE] = { 0 };
	struct nl_msg *request;
	struct client client;
	int small = 1, result;

	CHECK(client_open(&client));
	CHECK(setsockopt(nl_socket_get_fd(client.sock), SOL_SOCKET, SO_RCVBUF, &small,
			 sizeof(small)) == 0);
	request = client_request(&client, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP);
	nla_put(request, CCA_RSI_A_TOKEN_CHALLENGE, sizeof(challenge), challenge);
	CHECK(nl_send_auto(client.sock, request) > 0);
	nlmsg_free(request);
	result = module_unload("cca_rsi");
	CHECK_ERRNO(result, EAGAIN);
	client_close(&client);
}

static bool autoloader_set(const char *path)
{
	int fd = open(AUTOLOADER, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool good = fd >= 0 && dprintf(fd, "%s\n", path) > 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/*
 * Looking up a missing family loads the module that modules.alias names for it, so that is disabled
 * here.
 */
static bool family_missing(void)
{
	char path[256] = "";
	FILE *f = fopen(AUTOLOADER, "re");
	bool there;

	if (!f || !fgets(path, sizeof(path), f))
		tap_note("cannot read %s", AUTOLOADER);
	if (f)
		fclose(f);
	path[strcspn(path, "\n")] = '\0';
	autoloader_set("");
	there = family_there();
	autoloader_set(path);
	return !there;
}

static void unloads_and_loads(void)
{
	struct cca_rsi_measurement before[REGISTERS], after;

	for (uint32_t i = 0; i < REGISTERS; i++)
		CHECK(device_measurement(i, &before[i]));
	CHECK(device_there() && family_there());
	CHECK(module_unload("cca_rsi") == 0);
	CHECK(!device_there() && family_missing());
	CHECK(module_load("cca_rsi", ""));
	CHECK(device_there() && family_there());
	SKIP_IF(module_is_fake(), "the fake RSI's registers are lost with the module");
	for (uint32_t i = 0; i < REGISTERS; i++)
		CHECK(device_measurement(i, &after) &&
		      memcmp(&after, &before[i], sizeof(after)) == 0);
}

/* Every other load makes a token, so that a leak of its memory would show. */
static void unloads_and_loads_often(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t challenge[CHALLENGE_SIZE] = { 0 };
	size_t size;

	for (int i = 0; i < CYCLES; i++) {
		CHECK(module_unload("cca_rsi") == 0);
		CHECK(module_load("cca_rsi", ""));
		CHECK(i % 2 || device_token(challenge, token, &size));
	}
}

/* While another driver owns the tokens, everything but tokens works. */
static void token_owner_respected(void)
{
	uint8_t challenge[CHALLENGE_SIZE] = { 0 };
	struct cca_rsi_token arg = { 0 };
	struct cca_rsi_measurement value;
	struct cca_rsi_config config;
	static uint8_t token[TOKEN_ROOM];
	struct client client;
	int device;
	size_t size;

	device = device_open(O_RDONLY);
	CHECK(device_config(&config) && config.flags == 0);
	CHECK(device_measurement(0, &value));
	CHECK_ERRNO(ioctl(device, CCA_RSI_TOKEN, &arg), EBUSY);
	close(device);
	CHECK(client_open(&client));
	CHECK_ERRNO(client_token(&client, challenge, sizeof(challenge), token, &size), EBUSY);
	client_close(&client);
}

static void other_driver_keeps_tokens(void)
{
	CHECK(module_unload("cca_rsi") == 0);
	if (!module_load("arm-cca-guest", "")) {
		tap_skip("this realm has no arm-cca-guest module");
		module_load("cca_rsi", "");
		return;
	}
	CHECK(module_load("cca_rsi", ""));
	token_owner_respected();
	CHECK(module_unload("cca_rsi") == 0);
	CHECK(module_unload("arm_cca_guest") == 0);
	CHECK(module_load("cca_rsi", ""));
}

/* configfs-tsm accepts no provider while reports of the last one are left. */
static void left_report_disables_tokens(void)
{
	if (access(CONFIGFS "/tsm", F_OK) && mount("none", CONFIGFS, "configfs", 0, NULL))
		tap_note("cannot mount configfs: %s", strerror(errno));
	CHECK(mkdir(REPORT, 0700) == 0);
	CHECK(module_unload("cca_rsi") == 0);
	CHECK(module_load("cca_rsi", ""));
	token_owner_respected();
	CHECK(rmdir(REPORT) == 0);
	CHECK(module_unload("cca_rsi") == 0);
	CHECK(module_load("cca_rsi", ""));
}

/* Reads the alias of the device that stands for the RMM; false if the kernel has none. */
static bool device_alias(char *alias, size_t room)
{
	FILE *f = popen("grep -shiE 'arm-cca-dev|:fc4000190$' " DEVICE_ALIAS " " BUS_ALIAS, "re");
	bool found = f && fgets(alias, (int)room, f);

	if (f)
		pclose(f);
	alias[strcspn(alias, "\n")] = '\0';
	return found;
}

/* What udev does at boot, and when it is told to: it gives the alias of each device to modprobe. */
static void device_loads_module(void)
{
	char alias[128] = "", command[192];
	bool loaded;

	SKIP_IF(!device_alias(alias, sizeof(alias)), "this kernel has no device for the RMM");
	if (module_at_hand(MODULE)) {
		CHECK(module_has_alias(MODULE, alias));
		return;
	}
	CHECK(module_unload(MODULE) == 0);
	snprintf(command, sizeof(command), "modprobe -b '%s'", alias);
	CHECK(system(command) == 0);
	loaded = module_loaded(MODULE);
	CHECK(loaded || !module_load(MODULE, ""));
	CHECK(!module_loaded("arm_cca_guest"));
}

static void kernel_log_has_no_warning(void)
{
	static const char *const words[] = { "WARNING:", "BUG:", "Oops", "suspected memory leak",
					     "Call trace" };
	static char log[1 << 20];
	int length = klogctl(KLOG_READ_ALL, log, sizeof(log) - 1);

	CHECK(length > 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(log, words[i]))
			tap_note("the kernel's log has \"%s\"", words[i]);
		CHECK(!strstr(log, words[i]));
	}
}

static const struct tap_test tests[] = {
	{ "an open device keeps the module loaded", open_device_holds },
	{ "an open token keeps the module loaded", open_token_holds },
	{ "a running dump keeps the module loaded", running_dump_holds },
	{ "unloads, leaves nothing behind, loads, and finds the same registers",
	  unloads_and_loads },
	{ "unloads and loads often", unloads_and_loads_often },
	{ "if another driver owns the tokens, the rest works", other_driver_keeps_tokens },
	{ "a report left in configfs disables tokens, the rest works",
	  left_report_disables_tokens },
	{ "the alias of the realm's device loads the module", device_loads_module },
	{ "the kernel's log has no warning", kernel_log_has_no_warning },
};

int main(void)
{
	close(device_open(O_RDONLY));
	module_autoload_off();
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
