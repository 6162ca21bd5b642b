// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "door.h"
#include "client.h"
#include "tap.h"
#include "token.h"

#include <dirent.h>
#include <fcntl.h>
#include <netlink/genl/genl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORTS "/sys/kernel/config/tsm/report"
#define SYSFS	"/sys/devices/virtual/misc/cca-rsi/measurements"
/* Microseconds between two looks at a child */
#define LOOK_EVERY 2000

struct request {
	uint8_t challenge[CHALLENGE_SIZE];
	uint8_t *token;
	size_t size;
};

static const char *const names[DOORS] = { "device", "netlink", "configfs-tsm" };

static bool by_device(struct request *request)
{
	return device_token(request->challenge, request->token, &request->size);
}

static bool by_netlink(struct request *request)
{
	struct client client;
	bool good = client_open(&client) &&
		    client_token(&client, request->challenge, sizeof(request->challenge),
				 request->token, &request->size) == 0;
	int error = errno;

	client_close(&client);
	errno = error;
	return good;
}

static bool inblob_write(const char *report, const struct request *request)
{
	char path[96];
	ssize_t written;
	int fd;

	snprintf(path, sizeof(path), "%s/inblob", report);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, request->challenge, sizeof(request->challenge));
	/* configfs accepts a binary attribute when its file is closed. */
	return close(fd) == 0 && written == sizeof(request->challenge);
}

static bool outblob_read(const char *report, struct request *request)
{
	ssize_t length = 0;
	char path[96];
	int fd, error;

	snprintf(path, sizeof(path), "%s/outblob", report);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	request->size = 0;
	while ((length = read(fd, request->token + request->size, TOKEN_ROOM - request->size)) > 0)
		request->size += (size_t)length;
	error = errno;
	close(fd);
	errno = error;
	return length == 0;
}

static void report_path(char *path, size_t room, pid_t pid)
{
	snprintf(path, room, REPORTS "/door.%d", pid);
}

static bool by_tsm(struct request *request)
{
	char report[64];
	bool good;
	int error;

	report_path(report, sizeof(report), getpid());
	if (mkdir(report, 0700))
		return false;
	good = inblob_write(report, request) && outblob_read(report, request);
	error = errno;
	rmdir(report);
	errno = error;
	return good;
}

bool door_exists(enum door door)
{
	struct client client;
	bool exists = true;

	if (door == DOOR_TSM)
		return access(REPORTS, W_OK) == 0;
	if (door == DOOR_NETLINK) {
		exists = client_open(&client);
		client_close(&client);
	}
	return exists;
}

bool door_token(enum door door)
{
	static bool (*const get[DOORS])(struct request *) = { by_device, by_netlink, by_tsm };
	struct request request = { .token = malloc(TOKEN_ROOM) };
	bool good;

	if (!request.token)
		return false;
	challenge_random(request.challenge);
	good = get[door](&request);
	if (!good)
		tap_note("a token by %s: %s", names[door], strerror(errno));
	good = good && token_carries(request.token, request.size, request.challenge);
	free(request.token);
	return good;
}

void door_clean(pid_t pid)
{
	char report[64];

	report_path(report, sizeof(report), pid);
	rmdir(report);
}

static bool netlink_call(struct client *client, struct nl_msg *request, const char *what)
{
	bool good = client_call(client, request, NULL, NULL) == 0;

	if (!good)
		tap_note("%s by netlink: %s", what, strerror(errno));
	client_close(client);
	return good;
}

bool netlink_extend(uint32_t index, const uint8_t *digest)
{
	struct cca_rsi_config config;
	struct client client;
	struct nl_msg *request;

	if (!device_config(&config) || !client_open(&client))
		return false;
	request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, index);
	nla_put(request, CCA_RSI_A_MEASUREMENT_DIGEST, (int)config.digest_size, digest);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, 13);
	return netlink_call(&client, request, "an extension");
}

bool netlink_dump(uint8_t cmd)
{
	struct client client;

	return client_open(&client) &&
	       netlink_call(&client, client_request(&client, cmd, NLM_F_DUMP), "a dump");
}

static bool file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t value[CCA_RSI_DIGEST_MAX];
	ssize_t size = read(fd, value, sizeof(value));

	if (size <= 0)
		tap_note("%s: %s", path, strerror(errno));
	close(fd);
	return size > 0;
}

bool sysfs_read(void)
{
	DIR *dir = opendir(SYSFS);
	struct dirent *entry;
	char path[512];
	bool good = true;

	while (dir && good && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), SYSFS "/%s", entry->d_name);
		good = entry->d_name[0] == '.' || file_read(path);
	}
	if (dir)
		closedir(dir);
	return good;
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

pid_t child_start(bool (*work)(void *context), void *context)
{
	pid_t child = fork();

	if (child < 0)
		tap_bail("cannot fork: %s", strerror(errno));
	if (!child)
		_exit(work(context) ? 0 : 1);
	return child;
}

bool child_wait(pid_t child, double seconds, bool *ended)
{
	double began = seconds_now();
	int status = 1;

	do {
		*ended = waitpid(child, &status, WNOHANG) == child;
		if (!*ended)
			usleep(LOOK_EVERY);
	} while (!*ended && seconds_now() - began < seconds);
	return *ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

double child_kill(pid_t child)
{
	double began = seconds_now();

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return seconds_now() - began;
}
