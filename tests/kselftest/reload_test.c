// SPDX-License-Identifier: Apache-2.0
/*
 * Loads and unloads the module very often, while another process has tokens signed by device and
 * netlink. Each time the log must begin with the registers' values, and at the end no memory may be
 * lost. RELOADS= is the number of loads. The module cannot be unloaded while another program has
 * the device open.
 */
#define _GNU_SOURCE
#include "client.h"
#include "device.h"
#include "eventlog.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RELOADS_DEFAULT 30
/* The first loads fill caches. */
#define WARM_UP 10
#define TRIES	10000
/* The growth that is tolerated, for fragments of slabs: once, and for each load */
#define MEMORY_SLACK_KB		512
#define MEMORY_SLACK_BYTES_EACH 64
/* In seconds */
#define MEMORY_WAIT 30

/* State of the other process, which makes tokens */
struct user {
	atomic_size_t tokens;
	atomic_size_t mistakes;
	atomic_bool over;
};

static struct user *user;
static pid_t user_pid;
static struct cca_rsi_config config;
static uint8_t expected[REGISTERS][CCA_RSI_DIGEST_MAX];
static size_t held_off;

/* --- the other process ----------------------------------------------------------------------- */

static void user_count(bool good)
{
	atomic_fetch_add(good ? &user->tokens : &user->mistakes, 1);
}

static void user_by_device(uint8_t *token)
{
	int fd = open(DEVICE_PATH, O_RDONLY | O_CLOEXEC);
	struct cca_rsi_token arg = { .fd = -1 };
	ssize_t size;

	if (fd < 0)
		return;
	challenge_random(arg.challenge);
	if (ioctl(fd, CCA_RSI_TOKEN, &arg) == 0) {
		close(fd);
		size = read(arg.fd, token, TOKEN_ROOM);
		user_count(size == (ssize_t)arg.size &&
			   token_carries(token, arg.size, arg.challenge));
		close(arg.fd);
		return;
	}
	tap_note("a token by device: %s", strerror(errno));
	user_count(false);
	close(fd);
}

/* The family may be unregistered until the dump begins, which keeps the module loaded. */
static void user_by_netlink(uint8_t *token)
{
	uint8_t challenge[CHALLENGE_SIZE];
	struct client client;
	size_t size;

	challenge_random(challenge);
	if (client_open(&client)) {
		if (client_token(&client, challenge, sizeof(challenge), token, &size) == 0) {
			user_count(token_carries(token, size, challenge));
		} else if (errno != ENOENT && errno != EPROTONOSUPPORT) {
			tap_note("a token by netlink: %s", strerror(errno));
			user_count(false);
		}
	}
	client_close(&client);
}

static void __attribute__((noreturn)) user_run(void)
{
	uint8_t *token = malloc(TOKEN_ROOM);

	for (size_t i = 0; token && !atomic_load(&user->over); i++) {
		if (i % 2)
			user_by_netlink(token);
		else
			user_by_device(token);
		usleep((useconds_t)(i % 16) * 8000);
	}
	_exit(0);
}

static bool user_begin(void)
{
	user = mmap(NULL, sizeof(*user), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (user == MAP_FAILED)
		return false;
	fflush(stdout);
	user_pid = fork();
	if (user_pid == 0)
		user_run();
	return user_pid > 0;
}

/* --- one load -------------------------------------------------------------------------------- */

/* Retries while the other process uses the module. */
static bool unload_wait(void)
{
	for (int i = 0; i < TRIES; i++) {
		if (module_unload(MODULE) == 0)
			return true;
		if (errno != EAGAIN) {
			tap_note("delete_module: %s", strerror(errno));
			return false;
		}
		held_off++;
		usleep(2000);
	}
	tap_note("cannot unload: the module is always in use");
	return false;
}

/*
 * Is there exactly one base record of each register, with the register's present and earlier value,
 * and nothing else but firmware's records?
 */
static bool log_is_new(bool continued)
{
	struct cca_rsi_measurement found;
	struct eventlog log;
	bool good = eventlog_read(&log, &config) && log.count == log.boot + REGISTERS - 1;

	for (uint32_t i = 1; good && i < REGISTERS; i++) {
		const struct record *record = &log.records[log.boot + i - 1];

		good = record->kind == KIND_BASE && record->index == i &&
		       device_measurement(i, &found) &&
		       memcmp(record->digest, found.value, config.digest_size) == 0 &&
		       (!continued || memcmp(found.value, expected[i], config.digest_size) == 0);
	}
	if (good)
		eventlog_free(&log);
	return good;
}

/* Extends a register, so that the next load finds another value. */
static bool register_change(uint32_t index)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];
	int fd = device_open(O_RDWR);
	struct cca_rsi_measurement found;
	bool good;

	challenge_random(digest);
	good = device_extend(fd, index, digest) == 0 && device_measurement(index, &found);
	close(fd);
	memcpy(expected[index], found.value, sizeof(expected[index]));
	return good;
}

/* An open file of either kind prevents unloading. */
static bool files_hold(void)
{
	struct cca_rsi_token arg = { .fd = -1 };
	int fd = device_open(O_RDONLY);
	bool good = tap_errno(module_unload(MODULE), EAGAIN) && ioctl(fd, CCA_RSI_TOKEN, &arg) == 0;

	close(fd);
	good = good && tap_errno(module_unload(MODULE), EAGAIN);
	close(arg.fd);
	return good;
}

static bool cycle(size_t number, bool continued)
{
	if (!log_is_new(continued)) {
		tap_note("load %zu: the log does not begin with the registers", number);
		return false;
	}
	return register_change((uint32_t)(number % (REGISTERS - 1)) + 1) &&
	       (number % 4 || files_hold()) && unload_wait() && module_load(MODULE, "");
}

/* --- all loads ------------------------------------------------------------------------------- */

static size_t reloads_wanted(void)
{
	const char *text = getenv("RELOADS");
	unsigned long count = text ? strtoul(text, NULL, 10) : 0;

	return count ? count : RELOADS_DEFAULT;
}

static long memory_before;
static size_t reloads;

static void cycles_run(size_t wanted)
{
	bool continued = !module_is_fake();
	time_t began = time(NULL), shown = began;

	CHECK(unload_wait() && module_load(MODULE, ""));
	for (uint32_t i = 1; i < REGISTERS; i++)
		CHECK(register_change(i));
	CHECK(unload_wait() && module_load(MODULE, ""));
	for (size_t i = 0; i < wanted + WARM_UP; i++) {
		if (i == WARM_UP)
			memory_before = kernel_memory();
		CHECK(cycle(i, continued));
		if (time(NULL) - shown >= 5) {
			shown = time(NULL);
			tap_note("%zu of %zu loads, %ld s", i + 1, wanted + WARM_UP,
				 (long)(shown - began));
		}
	}
	reloads = wanted;
}

static void loads_and_unloads(void)
{
	int status;

	CHECK(device_config(&config) && user_begin());
	cycles_run(reloads_wanted());
	/* If tokens take long, the other process may not have made one yet. */
	for (int i = 0;
	     i < TRIES && atomic_load(&user->tokens) == 0 && atomic_load(&user->mistakes) == 0; i++)
		usleep(2000);
	atomic_store(&user->over, true);
	CHECK(waitpid(user_pid, &status, 0) == user_pid && WIFEXITED(status) &&
	      WEXITSTATUS(status) == 0);
	tap_note("%zu loads, %zu tokens meanwhile, which delayed unloading %zu times", reloads,
		 atomic_load(&user->tokens), held_off);
	CHECK(reloads == reloads_wanted());
	if (module_is_fake())
		tap_note(
			"registers were compared within a load only: the fake RSI's are lost with the module");
}

static void tokens_were_good(void)
{
	CHECK(atomic_load(&user->tokens) > 0 && atomic_load(&user->mistakes) == 0);
}

static void no_memory_lost(void)
{
	long slack = MEMORY_SLACK_KB + (long)reloads * MEMORY_SLACK_BYTES_EACH / 1024,
	     after = kernel_memory();

	SKIP_IF(kernel_keeps_freed(),
		"KASAN keeps freed memory in quarantine; kmemleak checks this instead");
	CHECK(reloads);
	/* Memory that is freed after a grace period, or by kernel threads, comes back later. */
	for (int i = 0; i < MEMORY_WAIT && after - memory_before > slack; i++) {
		sleep(1);
		after = kernel_memory();
	}
	tap_note("kernel memory: %ld kB before, %ld kB after %zu loads", memory_before, after,
		 reloads);
	CHECK(after - memory_before <= slack);
}

static void still_works(void)
{
	CHECK(module_loaded(MODULE) && log_is_new(false));
}

static const struct tap_test tests[] = {
	{ "unloads and loads during tokens; the log begins with the registers' values",
	  loads_and_unloads },
	{ "the tokens made meanwhile are whole and over their own challenges", tokens_were_good },
	{ "no memory is lost", no_memory_lost },
	{ "the module works as before", still_works },
};

int main(void)
{
	close(device_open(O_RDONLY));
	module_autoload_off();
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
