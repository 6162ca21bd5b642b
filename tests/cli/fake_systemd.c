// SPDX-License-Identifier: Apache-2.0
/*
 * What realmkey-hooks uses of systemd's private socket, for tests/cli/part-hooks.sh. As systemd does, it sends signals that
 * nobody has subscribed to.
 *
 *	fake_systemd SOCKET UNITS CALLS
 *
 * The directory UNITS has a file for each unit: its ActiveState and, after a space, what becomes of a request: the name of an
 * error of D-Bus, "hang" (no answer), or "close". Each request becomes a line of the file CALLS. Ends at SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SERVICE	 "org.freedesktop.systemd1"
#define MANAGER	 "/org/freedesktop/systemd1"
#define WORD_MAX 64

static const char *units;
static FILE *calls;

static void die(const char *what, int error)
{
	fprintf(stderr, "fake_systemd: %s: %s\n", what, strerror(error));
	exit(1);
}

/* Returns false if there is no such unit. */
static bool unit_read(const char *unit, char state[WORD_MAX], char fault[WORD_MAX])
{
	char path[4096];
	FILE *file;

	strcpy(state, "inactive");
	*fault = '\0';
	snprintf(path, sizeof(path), "%s/%s", units, unit);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%63s %63s", state, fault) < 1)
		die(path, EINVAL);
	fclose(file);
	return true;
}

static int property_get(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	char state[WORD_MAX], fault[WORD_MAX], *unit = NULL;
	bool loaded;
	int r = sd_bus_path_decode(path, MANAGER "/unit", &unit);

	(void)bus;
	(void)interface;
	(void)userdata;
	(void)error;
	if (r <= 0)
		return -EINVAL;
	loaded = unit_read(unit, state, fault);
	free(unit);
	return sd_bus_message_append(reply, "s",
				     strcmp(property, "LoadState") ? state :
				     loaded			   ? "loaded" :
								     "not-found");
}

static int method_handle(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(m), *unit, *word;
	char state[WORD_MAX], fault[WORD_MAX];
	int32_t number = -1;
	int r = sd_bus_message_read(m, "ss", &unit, &word);

	(void)userdata;
	if (r >= 0 && !strcmp(member, "KillUnit"))
		r = sd_bus_message_read(m, "i", &number);
	if (r < 0)
		return r;
	fprintf(calls, number < 0 ? "%s %s %s\n" : "%s %s %s %d\n", member, unit, word, number);
	fflush(calls);
	if (!unit_read(unit, state, fault))
		return sd_bus_error_setf(error, SERVICE ".NoSuchUnit", "Unit %s not loaded.", unit);
	if (!strcmp(fault, "hang"))
		for (;;)
			pause();
	if (!strcmp(fault, "close"))
		exit(0);
	if (*fault)
		return sd_bus_error_setf(error, fault, "Refused for %s.", unit);
	return number < 0 ? sd_bus_reply_method_return(m, "o", MANAGER "/job/1") :
			    sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable manager_table[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("ReloadUnit", "ss", "o", method_handle, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("TryRestartUnit", "ss", "o", method_handle, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KillUnit", "ssi", "", method_handle, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable unit_table[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ActiveState", "s", property_get, 0, 0),
	SD_BUS_PROPERTY("LoadState", "s", property_get, 0, 0),
	SD_BUS_VTABLE_END,
};

static int unit_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		     void **found, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	*found = userdata;
	return 1;
}

static void connection_serve(int fd)
{
	sd_id128_t id;
	sd_bus *bus = NULL;
	int r;

	/* One that hangs must not outlive the test. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
	    sd_bus_set_server(bus, 1, id) < 0 || sd_bus_set_sender(bus, SERVICE) < 0)
		die("bus", EIO);
	r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, MANAGER, SERVICE ".Manager", manager_table,
					     NULL);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(bus, NULL, MANAGER "/unit", SERVICE ".Unit",
					       unit_table, unit_find, NULL);
	while (r >= 0 && sd_bus_is_open(bus) > 0) {
		if (sd_bus_is_ready(bus) > 0)
			sd_bus_emit_signal(bus, MANAGER, SERVICE ".Manager", "UnitNew", "so",
					   "x.service", MANAGER "/unit/x_2eservice");
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 4 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: fake_systemd SOCKET UNITS CALLS\n");
		return 2;
	}
	units = argv[2];
	calls = fopen(argv[3], "ae");
	if (!calls)
		die(argv[3], errno);
	strcpy(address.sun_path, argv[1]);
	unlink(argv[1]);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 16) < 0)
		die(argv[1], errno);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		pid_t child = fd < 0 ? -1 : fork();

		if (child == 0)
			connection_serve(fd);
		if (fd >= 0)
			close(fd);
	}
}
