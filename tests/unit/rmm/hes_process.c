/* SPDX-License-Identifier: Apache-2.0 */
#include "hes_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE 20 /* ms between two attempts to connect */

struct hes_process hes = { .child = -1 };

static pid_t spawn(const char *const *argv)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static int wait_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int hes_run(const char *a, const char *b, const char *c, const char *d, const char *e)
{
	return wait_status(spawn((const char *[]){ getenv("HES"), a, b, c, d, e, NULL }));
}

int hes_dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	for (int i = 0; i < HES_TIMEOUT / PAUSE; i++, usleep(PAUSE * 1000)) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		close(fd);
	}
	fail_msg("cannot connect to %s: no process listens there", path);
	return -1;
}

void hes_start(const char *tag)
{
	hes.child = spawn((const char *[]){ getenv("HES"), "--socket", hes.socket, "--control",
					    hes.control, "--keys", hes.keys, "--token", tag,
					    NULL });
	close(hes_dial(hes.socket));
}

void hes_stop(void)
{
	kill(hes.child, SIGTERM);
	assert_int_equal(wait_status(hes.child), 0);
	hes.child = -1;
	assert_int_equal(access(hes.socket, F_OK), -1);
	assert_int_equal(access(hes.control, F_OK), -1);
}

int hes_setup(void **state)
{
	(void)state;
	if (!mkdtemp(strcpy(hes.dir, "/tmp/test_hes.XXXXXX")))
		return -1;
	snprintf(hes.socket, sizeof(hes.socket), "%s/socket", hes.dir);
	snprintf(hes.control, sizeof(hes.control), "%s/control", hes.dir);
	snprintf(hes.keys, sizeof(hes.keys), "%s/keys", hes.dir);
	return 0;
}

int hes_teardown(void **state)
{
	char command[128];

	(void)state;
	if (hes.child > 0) {
		kill(hes.child, SIGKILL);
		waitpid(hes.child, NULL, 0);
		hes.child = -1;
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", hes.dir);
	return system(command);
}

struct channel_request hes_request(uint8_t fill, uint8_t algo)
{
	struct channel_request r;

	memset(&r, fill, sizeof(r));
	r.hash_algo = algo;
	return r;
}

void hes_ask(int fd, uint16_t rec, uint32_t seq, const struct channel_request *request)
{
	struct channel_header h = channel_header_make(CHANNEL_TOKEN_REQUEST, rec, seq, request,
						      sizeof(*request));

	assert_int_equal(write(fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(write(fd, request, sizeof(*request)), sizeof(*request));
}

bool hes_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

void hes_answer(int fd, struct channel_reader *reader)
{
	enum channel_state state = CHANNEL_MORE;
	uint8_t byte;

	memset(reader, 0, sizeof(*reader));
	while (state == CHANNEL_MORE) {
		assert_true(hes_readable(fd, HES_TIMEOUT));
		assert_int_equal(read(fd, &byte, 1), 1);
		state = channel_feed(reader, byte);
	}
	assert_int_equal(state, CHANNEL_FRAME);
}
