// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "fuzz.h"
#include "kernel.h"
#include "ops.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/cca_rsi.h>
#include <linux/cca_rsi_netlink.h>
#include <linux/genetlink.h>
#include <linux/kcov.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CALLS 4
#define CALL_BYTES 124
#define CORPUS_MAX 2000
#define COVER_WORDS 65536
#define SEEN_BITS 16
#define SEED_LINE (2 * CALLS * sizeof(struct fuzz_call) + 16)
/* A log that is full, a lie that stays: the module is loaded anew now and then. */
#define RELOAD_EVERY 2000
#define STUCK_LIE 4

enum door { DOOR_NONE, DOOR_IOCTL, DOOR_NETLINK, DOOR_READ, DOOR_FAKE, DOORS };

/* A request, as bytes: all of them are valid, few make sense. */
struct fuzz_call {
	uint8_t door;
	uint8_t nr;
	uint8_t size;
	uint8_t flags;
	uint8_t bytes[CALL_BYTES];
};

struct fuzz_input {
	struct fuzz_call calls[CALLS];
};

static struct fuzz_input corpus[CORPUS_MAX];
static size_t corpus_size, seeds_given;
static uint8_t seen[1 << SEEN_BITS];
static size_t places;
static unsigned long *cover;
static int kcov = -1, sock = -1, family, device = -1;
static uint64_t random_state = 0x9e3779b97f4a7c15;

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
	kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (kcov < 0 || ioctl(kcov, KCOV_INIT_TRACE, COVER_WORDS))
		return false;
	cover = mmap(NULL, COVER_WORDS * sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED, kcov, 0);
	return cover != MAP_FAILED && ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC) == 0;
}

/* How many places of the module the last calls came to that none had come to before. */
static size_t cover_new(unsigned long base)
{
	unsigned long count = __atomic_load_n(&cover[0], __ATOMIC_RELAXED);
	size_t found = 0;
	uint64_t at;

	for (unsigned long i = 1; i <= count && i < COVER_WORDS; i++) {
		/* The module moves when it is loaded anew. */
		at = ((uint64_t)(cover[i] - base) * 0x9e3779b97f4a7c15) >> (64 - SEEN_BITS);
		found += !seen[at];
		seen[at] = 1;
	}
	return found;
}

static unsigned long module_base(void)
{
	char text[64];

	return kernel_read("/sys/module/" MODULE_NAME "/sections/.text", text, sizeof(text)) > 0 ?
	       strtoul(text, NULL, 16) : 0;
}

/* --- calls ----------------------------------------------------------------------------------- */

/* The structure of the call, at the end of a page that nothing follows. */
static uint8_t *argument(const struct fuzz_call *call, size_t size)
{
	static uint8_t *pages;
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *arg;

	if (!pages) {
		pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(pages + page, (size_t)page, PROT_NONE);
	}
	arg = pages + page - size;
	memset(arg, 0, size);
	memcpy(arg, call->bytes, size < CALL_BYTES ? size : CALL_BYTES);
	return arg;
}

static void call_ioctl(const struct fuzz_call *call)
{
	static const unsigned long cmds[] = {
		CCA_RSI_CONFIG, CCA_RSI_MEASUREMENT, CCA_RSI_EXTEND, CCA_RSI_TOKEN,
	};
	unsigned long cmd = cmds[call->nr % 4];
	uint8_t *arg = argument(call, call->size);
	uint64_t event = (uintptr_t)corpus;
	struct cca_rsi_token token;

	if (call->flags & 2)
		cmd += (unsigned long)(call->nr / 4);
	if (call->size >= sizeof(struct cca_rsi_extend) && !(call->flags & 1))
		memcpy(arg + offsetof(struct cca_rsi_extend, event), &event, sizeof(event));
	cmd = _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), call->size);
	if (ioctl(device, cmd, arg) == 0 && call->nr % 4 == 3 && call->size >= sizeof(token)) {
		memcpy(&token, arg, sizeof(token));
		close(token.fd);
	}
}

static void call_netlink(const struct fuzz_call *call)
{
	ops_request(sock, family, call->nr % 9, call->flags & 1 ? NLM_F_DUMP : 0, call->bytes,
		    call->size % (CALL_BYTES + 1));
}

static void call_read(const struct fuzz_call *call)
{
	static uint8_t room[65536];
	off_t at;

	memcpy(&at, call->bytes, sizeof(at));
	if (call->flags & 1)
		lseek(device, at, call->nr % 3);
	if (call->flags & 2)
		(void)!pread(device, room, (size_t)call->size * 256, at);
	else
		(void)!read(device, room, (size_t)call->size * call->size);
}

/* The RMM of the next calls. One that makes no progress at all would only be waited for. */
static void call_fake(const struct fuzz_call *call)
{
	static const char *const names[] = { "token_size", "bound" };
	uint32_t value;

	memcpy(&value, call->bytes, sizeof(value));
	kernel_parameter("lie", call->nr % STUCK_LIE);
	kernel_parameter("fail_status", (int)(call->size % 8) - 2);
	kernel_parameter("fail_skip", call->flags % 4);
	kernel_parameter("fail_call", call->bytes[4] % 8);
	kernel_parameter("fail_times", call->bytes[5] % 4);
	kernel_parameter(names[0], value % 70000);
	kernel_parameter(names[1], call->bytes[6] % 4 ? 0 : (long)value);
}

static void fake_reset(void)
{
	static const struct fuzz_call honest = { 0 };

	call_fake(&honest);
}

/* True if it changed the RMM of the calls after it. */
static bool input_run(const struct fuzz_input *input)
{
	static void (*const doors[])(const struct fuzz_call *call) = {
		[DOOR_IOCTL] = call_ioctl, [DOOR_NETLINK] = call_netlink,
		[DOOR_READ] = call_read, [DOOR_FAKE] = call_fake,
	};

	bool fake = false;
	int door;

	__atomic_store_n(&cover[0], 0, __ATOMIC_RELAXED);
	for (int i = 0; i < CALLS; i++) {
		door = input->calls[i].door % DOORS;
		fake |= door == DOOR_FAKE;
		if (door != DOOR_NONE)
			doors[door](&input->calls[i]);
	}
	return fake;
}

/* --- inputs ---------------------------------------------------------------------------------- */

static void call_mutate(struct fuzz_call *call)
{
	static const uint8_t values[] = { 0, 1, 4, 5, 32, 48, 64, 72, 80, 96, 104, 127, 128, 255 };
	uint8_t *bytes = (uint8_t *)call;
	uint32_t at = random_below(sizeof(*call));

	switch (random_below(5)) {
	case 0: bytes[at] ^= (uint8_t)(1 << random_below(8)); break;
	case 1: bytes[at] = values[random_below(sizeof(values))]; break;
	case 2: bytes[random_below(4)] = values[random_below(sizeof(values))]; break;
	case 3: bytes[random_below(4)] = (uint8_t)random_below(256); break;
	default: *call = corpus[random_below((uint32_t)corpus_size)].calls[random_below(CALLS)]; break;
	}
}

static struct fuzz_input input_next(void)
{
	struct fuzz_input input = corpus[random_below((uint32_t)corpus_size)];

	for (uint32_t n = 1 + random_below(6); n; n--)
		call_mutate(&input.calls[random_below(CALLS)]);
	return input;
}

static void seed_print(const struct fuzz_input *input)
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

static void seed_add(const struct fuzz_input *input)
{
	if (corpus_size < CORPUS_MAX)
		corpus[corpus_size++] = *input;
}

static void seeds_read(void)
{
	struct fuzz_input input;
	uint8_t *bytes = (uint8_t *)&input;
	char line[SEED_LINE];
	unsigned int byte;
	FILE *file = fopen("/seeds", "re");

	while (file && fgets(line, sizeof(line), file)) {
		memset(&input, 0, sizeof(input));
		for (size_t i = 0; i < sizeof(input) && sscanf(line + 2 * i, "%2x", &byte) == 1; i++)
			bytes[i] = (uint8_t)byte;
		if (line[0] != '#')
			seed_add(&input);
	}
	if (file)
		fclose(file);
	seeds_given = corpus_size;
}

/* One valid call of each kind, for a beginning without seeds. */
static void seeds_first(void)
{
	static const uint8_t sizes[] = { 104, 72, 96, 80 };
	struct fuzz_input input = { 0 };

	for (uint8_t i = 0; i < 4; i++) {
		input.calls[0] = (struct fuzz_call){ .door = DOOR_IOCTL, .nr = i, .size = sizes[i] };
		input.calls[0].bytes[0] = 1;
		input.calls[0].bytes[4] = i == 2 ? 32 : 0;
		seed_add(&input);
		input.calls[0] = (struct fuzz_call){
			.door = DOOR_NETLINK, .nr = (uint8_t)(i + 1), .size = 8, .flags = i == 3,
			.bytes = { 8, 0, 1, 0, 1 },
		};
		seed_add(&input);
	}
	input.calls[0] = (struct fuzz_call){ .door = DOOR_NETLINK, .nr = 4, .size = 68, .flags = 1, .bytes = { 68, 0, 1 } };
	seed_add(&input);
	input.calls[0] = (struct fuzz_call){
		.door = DOOR_NETLINK, .nr = 3, .size = 52, .bytes = { 8, 0, 1, 0, 1, 0, 0, 0, 36, 0, 3 },
	};
	memcpy(input.calls[0].bytes + 44, (uint8_t[]){ 8, 0, 4, 0, 5 }, 5);
	seed_add(&input);
	input.calls[0] = (struct fuzz_call){ .door = DOOR_READ, .size = 255 };
	seed_add(&input);
}

/* --- the loop -------------------------------------------------------------------------------- */

static bool doors_open(void)
{
	device = open("/dev/cca-rsi", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	sock = ops_socket();
	family = ops_family();
	return device >= 0 && sock >= 0 && family > 0;
}

static void doors_close(void)
{
	close(device);
	close(sock);
}

static bool module_renew(unsigned long *base)
{
	doors_close();
	if (kernel_module_unload() || kernel_module_load() || !doors_open())
		return false;
	*base = module_base();
	return true;
}

/* Runs @input; what found something is kept. */
static void input_try(const struct fuzz_input *input, unsigned long base, bool keep)
{
	bool fake = input_run(input);
	size_t found = cover_new(base);

	if (fake)
		fake_reset();
	places += found;
	if (!found || !keep)
		return;
	seed_add(input);
	seed_print(input);
}

static bool fuzz_for(time_t seconds, unsigned long *runs)
{
	unsigned long base = module_base();
	time_t end = time(NULL) + seconds;
	struct fuzz_input input;

	for (size_t i = 0, given = corpus_size; i < given; i++)
		input_try(&corpus[i], base, false);
	for (*runs = corpus_size; time(NULL) < end; ++*runs) {
		if (*runs % RELOAD_EVERY == 0 && !module_renew(&base))
			return false;
		input = input_next();
		input_try(&input, base, true);
	}
	return true;
}

void fuzz_run(void)
{
	const char *seconds = getenv("FUZZ_SECONDS");
	unsigned long runs = 0;
	bool good;

	SKIP_IF(!seconds || atoi(seconds) <= 0, "FUZZ_SECONDS=0");
	CHECK(kcov_open());
	CHECK(doors_open());
	seeds_read();
	seeds_first();
	good = fuzz_for(atoi(seconds), &runs);
	doors_close();
	close(kcov);
	tap_note("fuzz: %lu executions of up to %d calls, %zu places of the module, %zu seeds given, %zu found",
		 runs, CALLS, places, seeds_given, corpus_size - seeds_given);
	CHECK(good);
	CHECK(places > 100);
}
