// SPDX-License-Identifier: Apache-2.0
/*
 * Races whose windows the test counts: a test without a mistake shows nothing if the calls never
 * met. Each test goes on until it has met its window WANTED times, and fails if it did not meet it
 * at all within LIMIT seconds. RACES= multiplies WANTED. The module is loaded again for each test.
 */
#define _GNU_SOURCE
#include "another.h"
#include "device.h"
#include "eventlog.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WANTED	 10
#define LIMIT	 90
#define LOG_ROOM (1 << 20)
#define EV_IPL	 13
/* Bytes that each read of a shared file asks for; each record fits. */
#define PIECE 600

static struct cca_rsi_config config;
static bool another_there;

/* --- windows --------------------------------------------------------------------------------- */

struct window {
	size_t met;
	size_t tried;
	time_t began;
};

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static size_t wanted(void)
{
	const char *text = getenv("RACES");
	unsigned long factor = text ? strtoul(text, NULL, 10) : 1;

	return WANTED * (factor ? factor : 1);
}

static struct window window_begin(void)
{
	return (struct window){ .began = seconds() };
}

static bool window_open(const struct window *window)
{
	return window->met < wanted() && seconds() - window->began < LIMIT;
}

static void window_count(struct window *window, bool met)
{
	window->tried++;
	window->met += met;
}

/* Prints the line from which `stress` makes its record. False if the window was never met. */
static bool window_met(const struct window *window, const char *what)
{
	tap_note("window: %s: met by %zu of %zu, %ld s", what, window->met, window->tried,
		 (long)(seconds() - window->began));
	return window->met > 0;
}

/* --- a thread that extends ------------------------------------------------------------------- */

struct extender {
	uint32_t index;
	useconds_t pause;
	uint32_t event_size;
	atomic_bool over;
	atomic_size_t begun;
	atomic_size_t done;
	atomic_llong seq; /* of the last record whose call has returned */
	pthread_t thread;
};

static int extend(int fd, uint32_t index, const void *event, uint32_t size, uint64_t *seq)
{
	struct cca_rsi_extend arg = {
		.index = index,
		.digest_size = config.digest_size,
		.event_type = EV_IPL,
		.event_size = size,
		.event = (uintptr_t)event,
	};
	uint8_t random[CHALLENGE_SIZE];
	int ret;

	challenge_random(random);
	memcpy(arg.digest, random, config.digest_size);
	ret = ioctl(fd, CCA_RSI_EXTEND, &arg);
	*seq = arg.seq;
	return ret;
}

/* Returns the number of mistakes. */
static void *extender_run(void *context)
{
	static const uint8_t event[CCA_RSI_DIGEST_MAX * 8];
	struct extender *extender = context;
	int fd = device_open(O_RDWR);
	intptr_t mistakes = 0;
	uint64_t seq;

	while (!atomic_load(&extender->over) && !mistakes) {
		atomic_fetch_add(&extender->begun, 1);
		if (extend(fd, extender->index, event, extender->event_size, &seq)) {
			tap_note("an extension: %s", strerror(errno));
			mistakes++;
		}
		atomic_store(&extender->seq, (long long)seq);
		atomic_fetch_add(&extender->done, 1);
		usleep(extender->pause);
	}
	close(fd);
	return (void *)mistakes;
}

static bool extender_begin(struct extender *extender)
{
	atomic_store(&extender->seq, -1);
	return pthread_create(&extender->thread, NULL, extender_run, extender) == 0;
}

static bool extender_end(struct extender *extender)
{
	void *mistakes;

	atomic_store(&extender->over, true);
	return pthread_join(extender->thread, &mistakes) == 0 && !mistakes;
}

static bool log_begin(void)
{
	return module_reload("") && device_config(&config);
}

/* So many records fit into the log of each algorithm, with room for events of a long run. */
#define RECORDS_MAX 4000

/* Begins the log again if it has many records, because a long run would fill it. */
static bool log_renew(struct extender *extender)
{
	if (config.log_seq < RECORDS_MAX)
		return true;
	if (!extender_end(extender) || !eventlog_good(&config) || !log_begin())
		return false;
	atomic_store(&extender->over, false);
	return extender_begin(extender);
}

/* --- extensions and tokens ------------------------------------------------------------------- */

struct made {
	uint8_t token[TOKEN_ROOM];
	size_t size;
	uint64_t log_seq;
	bool extended; /* an extension that log_seq does not count returned before the token */
};

static bool token_make(int fd, const struct extender *extender, struct made *made)
{
	struct cca_rsi_token arg = { .fd = -1 };
	ssize_t length;

	challenge_random(arg.challenge);
	if (ioctl(fd, CCA_RSI_TOKEN, &arg)) {
		tap_note("a token: %s", strerror(errno));
		return false;
	}
	made->extended = atomic_load(&extender->seq) >= (long long)arg.log_seq;
	made->size = arg.size;
	made->log_seq = arg.log_seq;
	length = read(arg.fd, made->token, sizeof(made->token));
	close(arg.fd);
	return length == (ssize_t)arg.size && token_carries(made->token, made->size, arg.challenge);
}

/* Do the records that the token counts lead to its registers? */
static bool token_covered(const struct made *made)
{
	uint8_t value[CCA_RSI_DIGEST_MAX];
	struct eventlog log;
	bool good;

	if (!eventlog_read(&log, &config))
		return false;
	good = log.count >= made->log_seq;
	for (uint32_t i = 1; good && i < REGISTERS; i++) {
		eventlog_register(&log, made->log_seq, i, value);
		good = token_has_register(made->token, made->size, i, value, config.digest_size);
	}
	eventlog_free(&log);
	return good;
}

static void extension_during_token(void)
{
	struct extender extender = { .index = 2, .pause = 1000, .event_size = 4 };
	static struct made made;
	struct window window;
	bool good = true;
	int fd;

	CHECK(log_begin());
	fd = device_open(O_RDONLY);
	CHECK(extender_begin(&extender));
	for (window = window_begin(); good && window_open(&window);) {
		good = token_make(fd, &extender, &made) && token_covered(&made);
		window_count(&window, made.extended);
	}
	CHECK(extender_end(&extender));
	close(fd);
	CHECK(good && eventlog_good(&config));
	CHECK(window_met(&window, "an extension between a token's start and its end"));
}

/* --- two readers of one file ----------------------------------------------------------------- */

/* How often each byte was read: two readers together must read each byte of the log once. */
struct counts {
	size_t bytes[256];
	size_t size;
};

struct reader {
	int fd;
	atomic_int *inside;
	struct counts counts;
	size_t reads;
	size_t met; /* reads that began while the other reader was in its own */
	bool failed;
};

static void counts_add(struct counts *counts, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		counts->bytes[bytes[i]]++;
	counts->size += size;
}

static void *reader_run(void *context)
{
	struct reader *reader = context;
	uint8_t piece[PIECE];
	ssize_t length;

	/* Both begin at the same time. */
	atomic_fetch_add(reader->inside, 1);
	while (atomic_load(reader->inside) < 2)
		sched_yield();
	do {
		reader->met += atomic_fetch_add(reader->inside, 1) > 2;
		length = read(reader->fd, piece, sizeof(piece));
		atomic_fetch_sub(reader->inside, 1);
		reader->reads++;
		counts_add(&reader->counts, piece, length > 0 ? (size_t)length : 0);
	} while (length > 0);
	reader->failed = length < 0;
	return NULL;
}

/* Reads the log by two threads with one file. Are the bytes those of @whole, each of them once? */
static bool read_by_two(int fd, const struct counts *whole, struct window *window)
{
	struct reader readers[2] = { 0 };
	struct counts sum = { 0 };
	atomic_int inside = 0;
	pthread_t threads[2];
	bool good = lseek(fd, 0, SEEK_SET) == 0;

	for (size_t i = 0; i < 2; i++) {
		readers[i] = (struct reader){ .fd = fd, .inside = &inside };
		if (pthread_create(&threads[i], NULL, reader_run, &readers[i]))
			tap_bail("cannot start a thread");
	}
	for (size_t i = 0; i < 2; i++) {
		good &= pthread_join(threads[i], NULL) == 0 && !readers[i].failed;
		window->met += readers[i].met;
		window->tried += readers[i].reads;
		for (size_t byte = 0; byte < 256; byte++)
			sum.bytes[byte] += readers[i].counts.bytes[byte];
		sum.size += readers[i].counts.size;
	}
	if (memcmp(&sum, whole, sizeof(sum)) == 0)
		return good;
	tap_note("two readers read %zu bytes of a log of %zu", sum.size, whole->size);
	return false;
}

static void two_readers_of_a_file(void)
{
	static uint8_t bytes[LOG_ROOM], event[CCA_RSI_DIGEST_MAX * 8];
	struct counts whole = { 0 };
	struct window window;
	bool good = true;
	ssize_t length;
	uint64_t seq;
	int fd;

	CHECK(log_begin());
	fd = device_open(O_RDWR);
	for (uint32_t i = 0; i < 24; i++)
		CHECK(extend(fd, 1 + i % 4, event, sizeof(event) - i, &seq) == 0);
	while ((length = read(fd, bytes, sizeof(bytes))) > 0)
		counts_add(&whole, bytes, (size_t)length);
	CHECK(length == 0 && whole.size > 24 * 500);
	for (window = window_begin(); good && window_open(&window);)
		good = read_by_two(fd, &whole, &window);
	close(fd);
	CHECK(good);
	CHECK(window_met(&window, "a read of a file while another thread reads it"));
}

/* --- a reader at the end of the log ---------------------------------------------------------- */

static void read_during_append(void)
{
	struct extender extender = { .index = 3, .pause = 200, .event_size = 300 };
	static uint8_t followed[LOG_ROOM], whole[LOG_ROOM];
	size_t used = 0, before, size = 0;
	struct window window;
	ssize_t length = 1;
	int fd, other;

	CHECK(log_begin());
	fd = device_open(O_RDONLY);
	CHECK(extender_begin(&extender));
	for (window = window_begin(); length >= 0 && window_open(&window) && used < LOG_ROOM / 2;) {
		before = atomic_load(&extender.done);
		length = read(fd, followed + used, 700);
		window_count(&window, atomic_load(&extender.begun) > before + 1 ||
					      atomic_load(&extender.done) > before);
		used += length > 0 ? (size_t)length : 0;
	}
	CHECK(extender_end(&extender) && length >= 0);
	other = device_open(O_RDONLY);
	while ((length = read(other, whole + size, sizeof(whole) - size)) > 0)
		size += (size_t)length;
	close(other);
	close(fd);
	CHECK(length == 0 && used <= size && memcmp(followed, whole, used) == 0);
	CHECK(eventlog_good(&config));
	CHECK(window_met(&window, "a read of the log while a record is appended"));
}

/* A reader that was told of a number of records must find that many. */
static void no_record_missing(void)
{
	struct extender extender = { .index = 4, .pause = 100, .event_size = 4 };
	struct window window;
	struct eventlog log;
	size_t missing = 0;
	long long last;

	CHECK(log_begin());
	CHECK(extender_begin(&extender));
	for (window = window_begin(); !missing && window_open(&window); eventlog_free(&log)) {
		CHECK(log_renew(&extender));
		last = atomic_load(&extender.seq);
		if (!device_config(&config) || !eventlog_read(&log, &config))
			break;
		missing = log.count < config.log_seq ? config.log_seq - log.count : 0;
		window_count(&window, last >= 0 && (long long)config.log_seq > last + 1);
	}
	CHECK(extender_end(&extender) && eventlog_good(&config));
	if (missing)
		tap_note("%zu records that log_seq counted could not be read", missing);
	CHECK(!missing);
	CHECK(window_met(&window, "the number of records while one is appended"));
}

/* --- between our audit and our extension ------------------------------------------------------ */

/* Extensions by the other module, during which we make one of the same register */
#define THEIRS 6

struct both {
	uint8_t ours[CHALLENGE_SIZE];
	uint8_t theirs[THEIRS][CHALLENGE_SIZE];
	pthread_barrier_t start;
	int device;
};

static void *their_extensions(void *context)
{
	struct both *both = context;
	intptr_t mistakes = 0;

	pthread_barrier_wait(&both->start);
	for (size_t i = 0; i < THEIRS; i++)
		mistakes += another_extend(1, both->theirs[i]) != 0;
	return (void *)mistakes;
}

static bool both_extend(struct both *both)
{
	pthread_t thread;
	void *mistakes;
	bool good;

	challenge_random(both->ours);
	for (size_t i = 0; i < THEIRS; i++)
		challenge_random(both->theirs[i]);
	if (pthread_create(&thread, NULL, their_extensions, both))
		return false;
	pthread_barrier_wait(&both->start);
	good = device_extend(both->device, 1, both->ours) == 0;
	return pthread_join(thread, &mistakes) == 0 && !mistakes && good;
}

/* The register if ours came after the first @first of theirs; @value is what it was before all. */
static void both_replay(const struct both *both, size_t first, uint8_t *value)
{
	for (size_t i = 0; i <= THEIRS; i++) {
		if (i == first)
			register_after(&config, value, both->ours, value);
		if (i < THEIRS)
			register_after(&config, value, both->theirs[i], value);
	}
}

/* How many of theirs lead from @old to @value? More than THEIRS: no number of them does. */
static size_t theirs_before(const struct both *both, const uint8_t *old, const uint8_t *value)
{
	uint8_t now[CCA_RSI_DIGEST_MAX];
	size_t count;

	memcpy(now, old, sizeof(now));
	for (count = 0; count <= THEIRS && memcmp(now, value, config.digest_size); count++)
		if (count < THEIRS)
			register_after(&config, now, both->theirs[count], now);
	return count;
}

enum judgement { WRONG, ELSEWHERE, BETWEEN };

/*
 * The new records are at most a foreign one, of those that our audit found; ours; and a foreign one
 * of the rest. The last value shows how many of theirs came before ours.
 */
static enum judgement both_judge(const struct both *both, const struct eventlog *log, size_t at)
{
	uint8_t old[CCA_RSI_DIGEST_MAX], value[CCA_RSI_DIGEST_MAX], last[CCA_RSI_DIGEST_MAX];
	size_t audited = 0;

	eventlog_register(log, at, 1, old);
	eventlog_register(log, log->count, 1, last);
	if (at < log->count && log->records[at].kind == KIND_FOREIGN)
		audited = theirs_before(both, old, log->records[at++].digest);
	if (audited > THEIRS || at >= log->count || log->records[at].kind != KIND_EVENT ||
	    log->count > at + 2)
		return WRONG;
	for (size_t first = audited; first <= THEIRS; first++) {
		memcpy(value, old, sizeof(value));
		both_replay(both, first, value);
		if (memcmp(value, last, config.digest_size) == 0)
			return first > audited ? BETWEEN : ELSEWHERE;
	}
	return WRONG;
}

/* The window is the time between the audit of our extension and the extension itself. */
static void foreign_extension_between(void)
{
	enum judgement judgement = ELSEWHERE;
	struct both both = { 0 };
	struct window window;
	struct eventlog log;
	uint64_t before;

	SKIP_IF(!another_there, NO_ANOTHER);
	CHECK(log_begin() && pthread_barrier_init(&both.start, NULL, 2) == 0);
	both.device = device_open(O_RDWR);
	for (window = window_begin(); window_open(&window) && judgement != WRONG;) {
		before = config.log_seq;
		CHECK(both_extend(&both) && eventlog_read(&log, &config));
		judgement = both_judge(&both, &log, before);
		window_count(&window, judgement == BETWEEN);
		CHECK(eventlog_replays(&log) && device_config(&config));
		eventlog_free(&log);
	}
	pthread_barrier_destroy(&both.start);
	close(both.device);
	CHECK(judgement != WRONG);
	CHECK(window_met(&window,
			 "another module's extension between our audit and our extension"));
}

static const struct tap_test tests[] = {
	{ "a token during which others extend has the registers of the records it counts",
	  extension_during_token },
	{ "two readers of one file read each byte once", two_readers_of_a_file },
	{ "a reader at the log's end gets each byte while others extend", read_during_append },
	{ "a reader finds as many records as the device reports", no_record_missing },
	{ "another module's extension between our audit and our extension has its record",
	  foreign_extension_between },
};

int main(void)
{
	int ret;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return tap_skip_all("races", "on one CPU their windows may not open");
	if (!device_config(&config))
		tap_bail("cannot read the configuration");
	another_there = another_begin(config.digest_size);
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	another_end();
	return ret;
}
