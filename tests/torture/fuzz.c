// SPDX-License-Identifier: Apache-2.0
/*
 * Two processes, one for each CPU, so that their calls run in the module at the same time. They
 * share a corpus; an input that reaches code of the module that none reached before is added to it.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include "calls.h"
#include "eventlog.h"
#include "kernel.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/kcov.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	    2
#define CORPUS_MAX  4000
#define COVER_WORDS 65536
#define SEEN_BITS   16
#define SEED_LINE   (2 * sizeof(struct input) + 16)
/* Executions of a worker until the module is loaded again, because its log is full by then */
#define ROUND 2000

/* Shared by all workers */
static struct shared {
	struct input corpus[CORPUS_MAX];
	size_t size;
	uint8_t seen[1 << SEEN_BITS];
	size_t places;
	unsigned long runs;
	/* Held for reading during calls, for writing while the fake RMM misbehaves */
	pthread_rwlock_t rmm;
	pthread_mutex_t lock;
} *shared;

static unsigned long *cover;
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

/* --- coverage -------------------------------------------------------------------------------- */

static bool kcov_open(void)
{
	int kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (kcov < 0 || ioctl(kcov, KCOV_INIT_TRACE, COVER_WORDS))
		return false;
	cover = mmap(NULL, COVER_WORDS * sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED, kcov,
		     0);
	return cover != MAP_FAILED && ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC) == 0;
}

/* Counts the places in the module that the last calls were the first to reach. */
static size_t cover_new(unsigned long base)
{
	unsigned long count = __atomic_load_n(&cover[0], __ATOMIC_RELAXED);
	size_t found = 0;
	uint64_t at;

	for (unsigned long i = 1; i <= count && i < COVER_WORDS; i++) {
		/* The module's address changes when it is loaded again. */
		at = ((uint64_t)(cover[i] - base) * 0x9e3779b97f4a7c15) >> (64 - SEEN_BITS);
		found += !__atomic_exchange_n(&shared->seen[at], 1, __ATOMIC_RELAXED);
	}
	return found;
}

static unsigned long module_base(void)
{
	char text[64];

	return kernel_read("/sys/module/" MODULE_NAME "/sections/.text", text, sizeof(text)) > 0 ?
		       strtoul(text, NULL, 16) :
		       0;
}

/* --- inputs ---------------------------------------------------------------------------------- */

static uint32_t corpus_size(void)
{
	return (uint32_t)__atomic_load_n(&shared->size, __ATOMIC_ACQUIRE);
}

static const struct input *corpus_any(void)
{
	return &shared->corpus[random_below(corpus_size())];
}

static void corpus_add(const struct input *input)
{
	pthread_mutex_lock(&shared->lock);
	if (shared->size < CORPUS_MAX) {
		shared->corpus[shared->size] = *input;
		__atomic_store_n(&shared->size, shared->size + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&shared->lock);
}

static void call_mutate(struct call *call)
{
	static const uint8_t values[] = { 0, 1, 4, 5, 32, 48, 64, 72, 80, 96, 104, 127, 128, 255 };
	uint8_t *bytes = (uint8_t *)call;
	uint32_t at = random_below(sizeof(*call));

	switch (random_below(5)) {
	case 0:
		bytes[at] ^= (uint8_t)(1 << random_below(8));
		break;
	case 1:
		bytes[at] = values[random_below(sizeof(values))];
		break;
	case 2:
		bytes[random_below(4)] = values[random_below(sizeof(values))];
		break;
	case 3:
		bytes[random_below(4)] = (uint8_t)random_below(256);
		break;
	default:
		*call = corpus_any()->calls[random_below(CALLS_MAX)];
		break;
	}
}

static struct input input_next(void)
{
	struct input input = *corpus_any();

	for (uint32_t n = 1 + random_below(6); n; n--)
		call_mutate(&input.calls[random_below(CALLS_MAX)]);
	return input;
}

static void seed_print(const struct input *input)
{
	char line[SEED_LINE];
	const uint8_t *bytes = (const uint8_t *)input;
	size_t size = sizeof(*input);

	while (size && !bytes[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		snprintf(line + 2 * i, 3, "%02x", bytes[i]);
	line[2 * size] = '\0';
	tap_note("seed: %s", line);
}

static void seeds_read(void)
{
	struct input input;
	uint8_t *bytes = (uint8_t *)&input;
	char line[SEED_LINE];
	unsigned int byte;
	FILE *file = fopen("/seeds", "re");

	while (file && fgets(line, sizeof(line), file)) {
		memset(&input, 0, sizeof(input));
		for (size_t i = 0; i < sizeof(input) && sscanf(line + 2 * i, "%2x", &byte) == 1;
		     i++)
			bytes[i] = (uint8_t)byte;
		if (line[0] != '#')
			corpus_add(&input);
	}
	if (file)
		fclose(file);
}

/* One valid call of each kind, to start from if there are no seeds. */
static void seeds_first(void)
{
	static const uint8_t sizes[] = { 104, 72, 96, 80 };
	static const struct call others[] = {
		{ .interface = INTERFACE_NETLINK,
		  .nr = 4,
		  .size = 68,
		  .flags = 1,
		  .bytes = { 68, 0, 1 } },
		{ .interface = INTERFACE_NETLINK,
		  .nr = 3,
		  .size = 52,
		  .bytes = { 8, 0, 1, 0, 1, 0, 0, 0, 36, 0, 3, [44] = 8, 0, 4, 0, 5 } },
		{ .interface = INTERFACE_READ, .size = 255, .flags = 4 },
		{ .interface = INTERFACE_SYSFS, .nr = 1, .size = 32, .flags = 1 },
		{ .interface = INTERFACE_SYSFS, .nr = 1, .size = 32 },
		{ .interface = INTERFACE_REPORT, .size = 64 },
	};
	struct input input = { 0 };

	for (uint8_t i = 0; i < 4; i++) {
		input.calls[0] = (struct call){
			.interface = INTERFACE_IOCTL,
			.nr = i,
			.size = sizes[i],
			.flags = 4,
		};
		input.calls[0].bytes[0] = 1;
		input.calls[0].bytes[4] = i == 2 ? 32 : 0;
		corpus_add(&input);
		input.calls[0] = (struct call){
			.interface = INTERFACE_NETLINK,
			.nr = (uint8_t)(i + 1),
			.size = 8,
			.flags = i == 3,
			.bytes = { 8, 0, 1, 0, 1 },
		};
		corpus_add(&input);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		input.calls[0] = others[i];
		corpus_add(&input);
	}
}

/* --- the loop -------------------------------------------------------------------------------- */

/* Runs @input and, if it reached new code and @keep is set, adds it to the corpus. */
static void input_try(const struct input *input, unsigned long base, bool keep)
{
	size_t found;

	if (calls_change_rmm(input))
		pthread_rwlock_wrlock(&shared->rmm);
	else
		pthread_rwlock_rdlock(&shared->rmm);
	__atomic_store_n(&cover[0], 0, __ATOMIC_RELAXED);
	calls_run(input);
	pthread_rwlock_unlock(&shared->rmm);
	found = cover_new(base);
	__atomic_add_fetch(&shared->places, found, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->runs, 1, __ATOMIC_RELAXED);
	if (!found || !keep)
		return;
	corpus_add(input);
	seed_print(input);
}

/*
 * A worker runs its share of the @given seeds, then mutated inputs until the round or the time is
 * over.
 */
static int work(size_t worker, size_t given, time_t end)
{
	unsigned long base = module_base();
	struct input input;

	if (!kcov_open() || !calls_open() || getrandom(&random_state, sizeof(random_state), 0) < 0)
		return 1;
	random_state |= 1;
	for (size_t i = worker; i < given; i += WORKERS)
		input_try(&shared->corpus[i], base, false);
	for (int i = 0; i < ROUND && time(NULL) < end; i++) {
		input = input_next();
		input_try(&input, base, true);
	}
	calls_close();
	return 0;
}

static bool round_run(size_t given, time_t end)
{
	struct cca_rsi_config config;
	pid_t pids[WORKERS];
	bool good = true;
	int status;

	fflush(stdout);
	for (size_t i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			exit(work(i, given, end));
	}
	for (size_t i = 0; i < WORKERS; i++)
		good &= pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0;
	return good && eventlog_good(&config) && kernel_module_unload() == 0 &&
	       kernel_module_load() == 0;
}

static bool fuzz_for(time_t seconds)
{
	time_t end = time(NULL) + seconds;
	bool good = round_run(shared->size, end);

	while (good && time(NULL) < end)
		good = round_run(0, end);
	return good;
}

static bool shared_new(void)
{
	pthread_rwlockattr_t rwlock;
	pthread_mutexattr_t mutex;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared != MAP_FAILED && pthread_rwlockattr_init(&rwlock) == 0 &&
	       pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED) == 0 &&
	       pthread_rwlock_init(&shared->rmm, &rwlock) == 0 &&
	       pthread_mutexattr_init(&mutex) == 0 &&
	       pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED) == 0 &&
	       pthread_mutex_init(&shared->lock, &mutex) == 0;
}

void fuzz_run(void)
{
	const char *seconds = getenv("FUZZ_SECONDS");
	size_t given;
	bool good;

	SKIP_IF(!seconds || atoi(seconds) < 0, "FUZZ_SECONDS is negative");
	CHECK(shared_new());
	seeds_read();
	seeds_first();
	given = shared->size;
	good = fuzz_for(atoi(seconds));
	tap_note(
		"fuzz: %lu executions of up to %d calls in %s s, %zu places of the module, %zu seeds given, %zu found",
		shared->runs, CALLS_MAX, seconds, shared->places, given, shared->size - given);
	CHECK(good);
	CHECK(shared->places > 100);
}
