// SPDX-License-Identifier: Apache-2.0
/*
 * Loading and unloading, very often, while another process has tokens signed by every door it finds open.
 * Each time the log has to begin where the registers are, and in the end no memory may be missing.
 * RELOADS=: how often. While anyone else has the device open, nothing here can work.
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
/* The first ones fill caches. */
#define WARM_UP 10
#define TRIES 10000
/* What cannot be avoided: fragments of slabs, once and for each time */
#define MEMORY_SLACK_KB 512
#define MEMORY_SLACK_BYTES_EACH 64
/* Seconds */
#define MEMORY_WAIT 30

/* Of the other process */
struct guest {
	atomic_size_t tokens;
	atomic_size_t mistakes;
	atomic_bool over;
};

static struct guest *guest;
static pid_t guest_pid;
static struct cca_rsi_config config;
static uint8_t expected[REGISTERS][CCA_RSI_DIGEST_MAX];
static size_t held_off;

/* --- the other process ----------------------------------------------------------------------- */

static void guest_count(bool good)
{
	atomic_fetch_add(good ? &guest->tokens : &guest->mistakes, 1);
}

static void guest_by_device(uint8_t *token)
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
		guest_count(size == (ssize_t)arg.size && token_carries(token, arg.size, arg.challenge));
		close(arg.fd);
		return;
	}
	tap_note("a token by device: %s", strerror(errno));
	guest_count(false);
	close(fd);
}

/* The family may go at any moment before the dump begins; that holds the module. */
static void guest_by_netlink(uint8_t *token)
{
	uint8_t challenge[CHALLENGE_SIZE];
	struct client client;
	size_t size;

	challenge_random(challenge);
	if (client_open(&client)) {
		if (client_token(&client, challenge, sizeof(challenge), token, &size) == 0) {
			guest_count(token_carries(token, size, challenge));
		} else if (errno != ENOENT && errno != EPROTONOSUPPORT) {
			tap_note("a token by netlink: %s", strerror(errno));
			guest_count(false);
		}
	}
	client_close(&client);
}

static void __attribute__((noreturn)) guest_run(void)
{
	uint8_t *token = malloc(TOKEN_ROOM);

	for (size_t i = 0; token && !atomic_load(&guest->over); i++) {
		if (i % 2)
			guest_by_netlink(token);
		else
			guest_by_device(token);
		usleep((useconds_t)(i % 16) * 8000);
	}
	_exit(0);
}

static bool guest_begin(void)
{
	guest = mmap(NULL, sizeof(*guest), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guest == MAP_FAILED)
		return false;
	fflush(stdout);
	guest_pid = fork();
	if (guest_pid == 0)
		guest_run();
	return guest_pid > 0;
}

/* --- one time -------------------------------------------------------------------------------- */

/* Somebody may be at it, but not for ever. */
static bool unload_at_last(void)
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
	tap_note("the module is in use all the time");
	return false;
}

/* Exactly one base record of each register, with the value that it has and that it had. */
static bool log_is_new(bool continued)
{
	struct cca_rsi_measurement found;
	struct eventlog log;
	bool good = eventlog_read(&log, &config) && log.count == REGISTERS - 1;

	for (uint32_t i = 1; good && i < REGISTERS; i++)
		good = log.records[i - 1].kind == KIND_BASE && log.records[i - 1].index == i &&
		       device_measurement(i, &found) &&
		       memcmp(log.records[i - 1].digest, found.value, config.digest_size) == 0 &&
		       (!continued || memcmp(found.value, expected[i], config.digest_size) == 0);
	if (good)
		eventlog_free(&log);
	return good;
}

/* The next load has something else to find. */
static bool register_move(uint32_t index)
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

/* An open file of either kind refuses the unloading, each time. */
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
	return register_move((uint32_t)(number % (REGISTERS - 1)) + 1) && (number % 4 || files_hold()) &&
	       unload_at_last() && module_load(MODULE, "");
}

/* --- all times ------------------------------------------------------------------------------- */

/* Of the kernel's own memory, what is not to be had back, in kB */
static long memory_used(void)
{
	static const char *const names[] = { "SUnreclaim", "VmallocUsed", "Percpu", "KernelStack", "PageTables" };
	FILE *file = fopen("/proc/meminfo", "re");
	long sum = 0, value;
	char name[64];

	while (file && fscanf(file, "%63[^:]: %ld%*[^\n] ", name, &value) == 2)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			sum += strcmp(name, names[i]) == 0 ? value : 0;
	if (file)
		fclose(file);
	return sum;
}

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
	time_t began = time(NULL), told = began;

	CHECK(unload_at_last() && module_load(MODULE, ""));
	for (uint32_t i = 1; i < REGISTERS; i++)
		CHECK(register_move(i));
	CHECK(unload_at_last() && module_load(MODULE, ""));
	for (size_t i = 0; i < wanted + WARM_UP; i++) {
		if (i == WARM_UP)
			memory_before = memory_used();
		CHECK(cycle(i, continued));
		if (time(NULL) - told >= 5) {
			told = time(NULL);
			tap_note("%zu of %zu loads, %ld s", i + 1, wanted + WARM_UP, (long)(told - began));
		}
	}
	reloads = wanted;
}

static void loads_and_unloads(void)
{
	int status;

	CHECK(device_config(&config) && guest_begin());
	cycles_run(reloads_wanted());
	/* Where tokens take long, it may have had none yet. */
	for (int i = 0; i < TRIES && atomic_load(&guest->tokens) == 0 && atomic_load(&guest->mistakes) == 0; i++)
		usleep(2000);
	atomic_store(&guest->over, true);
	CHECK(waitpid(guest_pid, &status, 0) == guest_pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	tap_note("%zu loads, %zu tokens meanwhile, %zu times held off by them", reloads,
		 atomic_load(&guest->tokens), held_off);
	CHECK(reloads == reloads_wanted());
	if (module_is_fake())
		tap_note("the registers were compared within a load only: the fake RSI's end with the module");
}

static void tokens_were_good(void)
{
	CHECK(atomic_load(&guest->tokens) > 0 && atomic_load(&guest->mistakes) == 0);
}

static void no_memory_missing(void)
{
	long slack = MEMORY_SLACK_KB + (long)reloads * MEMORY_SLACK_BYTES_EACH / 1024, after = memory_used();

	SKIP_IF(kernel_keeps_freed(), "KASAN keeps what is freed in quarantine; kmemleak knows better");
	CHECK(reloads);
	/* What is freed after a grace period, or by kernel threads, comes back in its own time. */
	for (int i = 0; i < MEMORY_WAIT && after - memory_before > slack; i++) {
		sleep(1);
		after = memory_used();
	}
	tap_note("kernel memory: %ld kB before, %ld kB after %zu loads", memory_before, after, reloads);
	CHECK(after - memory_before <= slack);
}

static void still_works(void)
{
	CHECK(module_loaded(MODULE) && log_is_new(false));
}

static const struct tap_test tests[] = {
	{ "unloads and loads, tokens in flight, the log beginning where the registers are", loads_and_unloads },
	{ "the tokens meanwhile were whole and over their own challenges", tokens_were_good },
	{ "no memory is missing", no_memory_missing },
	{ "it works as before", still_works },
};

int main(void)
{
	close(device_open(O_RDONLY));
	module_autoload_off();
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
