// SPDX-License-Identifier: Apache-2.0
/*
 * The event log: each extension has its record, and a replay of the records leads to the registers.
 * The test loads the module again, with a small limit of the log, so no other program may have the
 * device open.
 */
#define _GNU_SOURCE
#include "device.h"
#include "eventlog.h"
#include "module.h"
#include "nearly_full.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EV_IPL	    13
#define WRITERS	    4
#define ROUNDS	    50
#define FAST_ROUNDS 4000
/* More than the whole log has */
#define LOG_ROOM (1 << 20)

static struct cca_rsi_config config;

/* Extends @index by an event of @size bytes; returns the record's position, or -1 and errno. */
static int64_t extend(int fd, uint32_t index, uint32_t type, const void *event, uint32_t size)
{
	struct cca_rsi_extend arg = {
		.index = index,
		.digest_size = config.digest_size,
		.event_type = type,
		.event_size = size,
		.event = (uintptr_t)event,
	};

	memset(arg.digest, (int)(index * 17 + size), config.digest_size);
	return ioctl(fd, CCA_RSI_EXTEND, &arg) ? -1 : (int64_t)arg.seq;
}

static void begins_with_header_and_base(void)
{
	struct eventlog log;

	CHECK(eventlog_read(&log, &config));
	CHECK(log.count >= log.boot + REGISTERS - 1);
	for (uint32_t i = 0; i < REGISTERS - 1; i++) {
		const struct record *record = &log.records[log.boot + i];

		CHECK(record->kind == KIND_BASE && record->index == i + 1);
	}
	eventlog_free(&log);
	CHECK(eventlog_good(&config));
}

static void extension_is_logged(void)
{
	int fd = device_open(O_RDWR);
	struct eventlog log;
	int64_t seq;

	for (uint32_t i = 1; i < REGISTERS; i++) {
		seq = extend(fd, i, EV_IPL + i, "what happened", 13);
		CHECK(seq >= 0 && eventlog_read(&log, &config));
		CHECK(log.count == (size_t)seq + 1);
		CHECK(log.records[seq].kind == KIND_EVENT && log.records[seq].index == i);
		CHECK(log.records[seq].type == EV_IPL + i && log.records[seq].size == 13);
		CHECK(memcmp(log.records[seq].event, "what happened", 13) == 0);
		eventlog_free(&log);
	}
	CHECK(eventlog_good(&config));
	close(fd);
}

static void events_of_all_sizes(void)
{
	static const uint32_t sizes[] = { 0, 1, 2, 3, 100, 4095, 4096 };
	static uint8_t event[4096];
	int fd = device_open(O_RDWR);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK(extend(fd, 1, EV_IPL, event, sizes[i]) >= 0);
	CHECK(extend(fd, 2, 0, event, 1) >= 0 && extend(fd, 2, UINT32_MAX, event, 1) >= 0);
	CHECK(eventlog_good(&config));
	close(fd);
}

/* Parsers do not replay such a record, so it must not extend a register. */
static void no_action_refused(void)
{
	int fd = device_open(O_RDWR);

	CHECK_ERRNO(extend(fd, 1, CCA_RSI_EV_NO_ACTION, "x", 1), EINVAL);
	CHECK(eventlog_good(&config));
	close(fd);
}

/* Reads the rest of the log in pieces of @size bytes; true if it is the @length bytes at @expected. */
static bool rest_is(int fd, size_t size, const uint8_t *expected, ssize_t length)
{
	static uint8_t piece[LOG_ROOM];
	ssize_t got;

	for (; (got = read(fd, piece, size)) > 0; expected += got, length -= got)
		if (got > length || memcmp(piece, expected, (size_t)got) != 0 ||
		    (got < (ssize_t)size && got < length))
			return false;
	return got == 0 && length == 0;
}

static void any_size_is_read(void)
{
	static const size_t sizes[] = { 7, 65, 507, 4096, 5000, LOG_ROOM };
	static uint8_t whole[LOG_ROOM], event[4096];
	int fd = device_open(O_RDWR);
	ssize_t size;

	CHECK(extend(fd, 1, EV_IPL, event, sizeof(event)) >= 0);
	size = read(fd, whole, sizeof(whole));
	CHECK(size > (ssize_t)sizeof(event) && read(fd, whole, 1) == 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK(lseek(fd, 0, SEEK_SET) == 0 && rest_is(fd, sizes[i], whole, size));
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, whole, 0) == 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	close(fd);
}

static void seeks_to_any_byte(void)
{
	static uint8_t whole[LOG_ROOM];
	uint8_t piece[100];
	int fd = device_open(O_RDWR);
	off_t end = lseek(fd, 0, SEEK_END);

	CHECK(end > HEADER_SIZE && end < (off_t)sizeof(whole) && read(fd, piece, 1) == 0);
	CHECK(pread(fd, whole, sizeof(whole), 0) == end && lseek(fd, 0, SEEK_CUR) == end);
	for (off_t at = end - 1; at > 0; at -= 1 + at / 50) {
		CHECK(pread(fd, piece, 1, at) == 1 && piece[0] == whole[at]);
		CHECK(lseek(fd, at, SEEK_SET) == at && read(fd, piece, 1) == 1);
		CHECK(piece[0] == whole[at] && lseek(fd, -1, SEEK_CUR) == at);
	}
	CHECK(lseek(fd, -end, SEEK_END) == 0 && rest_is(fd, sizeof(piece), whole, end));
	CHECK(pread(fd, piece, sizeof(piece), end) == 0);
	CHECK(pread(fd, piece, sizeof(piece), INT64_MAX - 1000) == 0);
	CHECK_ERRNO(pread(fd, piece, sizeof(piece), -1), EINVAL);
	CHECK_ERRNO(lseek(fd, end + 1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, 1, SEEK_CUR), EINVAL);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, SEEK_HOLE), EINVAL);
	CHECK_ERRNO(write(fd, piece, 1), EINVAL);
	CHECK(lseek(fd, 0, SEEK_CUR) == end && extend(fd, 1, EV_IPL, NULL, 0) >= 0);
	CHECK(read(fd, piece, sizeof(piece)) > 0);
	close(fd);
}

/* A fault after some bytes ends the read there; one at the first byte fails with EFAULT. */
static void faults_lose_nothing(void)
{
	static uint8_t whole[LOG_ROOM];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *two = mmap(NULL, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	int fd = device_open(O_RDONLY);
	ssize_t size = pread(fd, whole, sizeof(whole), 0), got;

	CHECK(two != MAP_FAILED && mprotect(two + page, page, PROT_NONE) == 0);
	CHECK_ERRNO(read(fd, two + page, page), EFAULT);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	got = read(fd, two + page - 100, page);
	CHECK(got > 0 && got <= 100 && memcmp(two + page - 100, whole, (size_t)got) == 0);
	CHECK_ERRNO(read(fd, two + page, page), EFAULT);
	CHECK(lseek(fd, 0, SEEK_CUR) == got && rest_is(fd, page, whole + got, size - got));
	munmap(two, page * 2);
	close(fd);
}

struct sharer {
	int fd;
	size_t size, sum;
};

static void *share_run(void *context)
{
	struct sharer *sharer = context;
	uint8_t piece[13];
	ssize_t got;

	while ((got = read(sharer->fd, piece, sizeof(piece))) > 0) {
		sharer->size += (size_t)got;
		for (ssize_t i = 0; i < got; i++)
			sharer->sum += piece[i];
	}
	return (void *)(intptr_t)got;
}

/* Threads that read one file get different bytes: together each byte once. */
static void threads_share_a_file(void)
{
	static uint8_t whole[LOG_ROOM];
	struct sharer sharers[WRITERS] = { 0 };
	int fd = device_open(O_RDONLY);
	ssize_t size = pread(fd, whole, sizeof(whole), 0), left = size;
	pthread_t threads[WRITERS];
	size_t sum = 0;
	void *failed;

	for (size_t i = 0; i < WRITERS; i++) {
		sharers[i].fd = fd;
		CHECK(pthread_create(&threads[i], NULL, share_run, &sharers[i]) == 0);
	}
	for (ssize_t i = 0; i < size; i++)
		sum += whole[i];
	for (size_t i = 0; i < WRITERS; i++) {
		CHECK(pthread_join(threads[i], &failed) == 0 && !failed);
		left -= (ssize_t)sharers[i].size;
		sum -= sharers[i].sum;
	}
	CHECK(size > 0 && left == 0 && sum == 0);
	close(fd);
}

static void cursors_are_independent(void)
{
	static uint8_t a[LOG_ROOM], b[LOG_ROOM];
	int first = device_open(O_RDONLY), second = device_open(O_RDONLY);
	ssize_t size;

	CHECK(read(first, a, HEADER_SIZE) == HEADER_SIZE);
	size = read(second, b, sizeof(b));
	CHECK(size > HEADER_SIZE);
	CHECK(read(first, a + HEADER_SIZE, sizeof(a) - HEADER_SIZE) == size - HEADER_SIZE);
	CHECK(memcmp(a, b, (size_t)size) == 0);
	close(first);
	close(second);
}

static void *extend_later(void *unused)
{
	int fd = device_open(O_RDWR);

	(void)unused;
	usleep(200000);
	extend(fd, 1, EV_IPL, "wake", 4);
	close(fd);
	return NULL;
}

static void poll_wakes(void)
{
	struct pollfd waiting = { .fd = device_open(O_RDONLY), .events = POLLIN };
	pthread_t thread;

	CHECK(poll(&waiting, 1, 0) == 1 && waiting.revents == POLLIN);
	CHECK(lseek(waiting.fd, 0, SEEK_END) > 0);
	CHECK(poll(&waiting, 1, 50) == 0);
	CHECK(pthread_create(&thread, NULL, extend_later, NULL) == 0);
	CHECK(poll(&waiting, 1, 10000) == 1 && waiting.revents == POLLIN);
	CHECK(pthread_join(thread, NULL) == 0);
	close(waiting.fd);
}

static void token_says_how_many(void)
{
	struct cca_rsi_token arg = { 0 };
	int fd = device_open(O_RDWR);

	for (int i = 0; i < 3; i++) {
		CHECK(device_config(&config) && ioctl(fd, CCA_RSI_TOKEN, &arg) == 0);
		CHECK(arg.log_seq == config.log_seq);
		close(arg.fd);
		CHECK(extend(fd, 2, EV_IPL, "more", 4) == (int64_t)arg.log_seq);
	}
	close(fd);
}

static atomic_bool enough;

/*
 * Extends ROUNDS times, and then until @enough is set. It slows down after FAST_ROUNDS: the caller waits for tokens, which take
 * a loaded machine many seconds, and an extension without pause would fill the log before.
 */
static void *extend_often(void *index)
{
	int fd = device_open(O_RDWR);
	intptr_t mistakes = 0;

	for (uint32_t i = 0; i < ROUNDS || !atomic_load(&enough); i++) {
		mistakes += extend(fd, (uint32_t)(intptr_t)index, EV_IPL, &i, sizeof(i)) < 0;
		if (i >= FAST_ROUNDS)
			usleep(50000);
	}
	close(fd);
	return (void *)mistakes;
}

/* While others extend, each read returns a valid log. */
static void log_while_it_grows(void)
{
	pthread_t threads[WRITERS];
	struct eventlog log;
	void *mistakes;

	atomic_store(&enough, true);
	for (intptr_t i = 0; i < WRITERS; i++)
		CHECK(pthread_create(&threads[i], NULL, extend_often, (void *)(i % 4 + 1)) == 0);
	for (int i = 0; i < 10; i++) {
		CHECK(eventlog_read(&log, &config));
		eventlog_free(&log);
	}
	for (size_t i = 0; i < WRITERS; i++)
		CHECK(pthread_join(threads[i], &mistakes) == 0 && !mistakes);
	CHECK(eventlog_good(&config));
}

/* Makes a token. If its records lead to its register 3, returns their number, else 0. */
static uint64_t token_covered(int fd)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_token arg;
	struct eventlog log;
	bool good;

	challenge_random(arg.challenge);
	if (ioctl(fd, CCA_RSI_TOKEN, &arg))
		return 0;
	good = read(arg.fd, token, sizeof(token)) == (ssize_t)arg.size;
	close(arg.fd);
	if (!good || !eventlog_read(&log, &config))
		return 0;
	eventlog_register(&log, arg.log_seq, 3, value);
	good = log.count >= arg.log_seq &&
	       token_has_register(token, arg.size, 3, value, config.digest_size);
	eventlog_free(&log);
	return good ? arg.log_seq : 0;
}

/* Another thread extends before, after and (if the lock allowed it) during the tokens. */
static void token_covers_its_records(void)
{
	uint64_t seq[5];
	int fd = device_open(O_RDONLY);
	pthread_t thread;
	void *mistakes;

	atomic_store(&enough, false);
	CHECK(pthread_create(&thread, NULL, extend_often, (void *)3) == 0);
	for (size_t i = 0; i < 5; i++)
		seq[i] = token_covered(fd);
	atomic_store(&enough, true);
	CHECK(pthread_join(thread, &mistakes) == 0);
	close(fd);
	CHECK(!mistakes);
	for (size_t i = 0; i < 5; i++)
		CHECK(seq[i] > 0);
	CHECK(seq[0] < seq[4]);
}

static void log_begins_anew(void)
{
	struct cca_rsi_measurement before, after;

	CHECK(device_measurement(2, &before) && module_reload("") && device_config(&config));
	CHECK(config.log_seq == eventlog_begin_count(&config));
	CHECK(eventlog_good(&config));
	SKIP_IF(module_is_fake(), "the fake RSI's registers are lost with the module");
	CHECK(device_measurement(2, &after) && memcmp(&before, &after, sizeof(after)) == 0);
}

static void full_log_refuses(void)
{
	struct cca_rsi_token token = { 0 };
	static uint8_t event[1000];
	int fd, count = 0;

	CHECK(module_reload("log_max=8192"));
	fd = device_open(O_RDWR);
	while (extend(fd, 1, EV_IPL, event, sizeof(event)) >= 0)
		CHECK(++count < 8);
	CHECK(errno == ENOSPC && count > 4);
	CHECK_ERRNO(extend(fd, 2, EV_IPL, event, sizeof(event)), ENOSPC);
	CHECK(eventlog_good(&config));
	CHECK(ioctl(fd, CCA_RSI_TOKEN, &token) == 0 && token.log_seq == config.log_seq);
	close(token.fd);
	close(fd);
	CHECK(module_reload("log_max=8192") && eventlog_good(&config) &&
	      config.log_seq == eventlog_begin_count(&config));
}

/* Gives this thread all capabilities that it may have, or none. */
static bool privileged(bool yes)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	for (size_t i = 0; i < 2; i++)
		data[i].effective = yes ? data[i].permitted : 0;
	return syscall(SYS_capset, &head, data) == 0;
}

static bool log_max_write(unsigned int bytes)
{
	FILE *file = fopen("/sys/module/" MODULE "/parameters/log_max", "w");
	bool good = file && fprintf(file, "%u", bytes) > 0;

	return file && fclose(file) == 0 && good;
}

static bool nearly_full(int fd)
{
	struct pollfd waiting = { .fd = fd, .events = POLLPRI };

	return poll(&waiting, 1, 0) == 1 && waiting.revents == POLLPRI;
}

/* An eighth of the log is kept for privileged callers. */
static void quota_of_unprivileged(void)
{
	uint8_t event[100] = { 0 };
	int fd;

	CHECK(module_reload("log_max=8192"));
	fd = device_open(O_RDWR);
	CHECK(privileged(false));
	while (extend(fd, 1, EV_IPL, event, sizeof(event)) >= 0)
		CHECK(!nearly_full(fd));
	CHECK(errno == ENOSPC && nearly_full_size() <= 7168);
	CHECK(privileged(true) && extend(fd, 1, EV_IPL, event, sizeof(event)) >= 0);
	CHECK(nearly_full(fd) && nearly_full_size() > 7168);
	CHECK(privileged(false));
	CHECK_ERRNO(extend(fd, 1, EV_IPL, NULL, 0), ENOSPC);
	CHECK(privileged(true) && eventlog_good(&config));
	close(fd);
}

static void limit_can_be_raised(void)
{
	int fd = device_open(O_RDWR);

	CHECK(nearly_full(fd));
	CHECK(!log_max_write(8191) && errno == EINVAL);
	CHECK(!log_max_write((16 << 20) + 1) && errno == EINVAL);
	CHECK(log_max_write(8192) && nearly_full(fd));
	CHECK(log_max_write(16 << 20) && !nearly_full(fd));
	CHECK(privileged(false) && extend(fd, 1, EV_IPL, NULL, 0) >= 0 && privileged(true));
	CHECK(eventlog_good(&config));
	close(fd);
	CHECK(!module_reload("log_max=16777217") && module_load(MODULE, ""));
}

static void small_bound_refused(void)
{
	bool loaded = module_reload("log_max=300");

	CHECK(!loaded && access(DEVICE_PATH, F_OK) != 0);
	CHECK(module_load(MODULE, "") && eventlog_good(&config));
}

static const struct tap_test tests[] = {
	{ "the log begins with its header and the registers", begins_with_header_and_base },
	{ "an extension is logged, and the replay leads to the registers", extension_is_logged },
	{ "events of 0 to 4096 bytes and any type", events_of_all_sizes },
	{ "an extension as EV_NO_ACTION is refused", no_action_refused },
	{ "the log can be read in pieces of any size", any_size_is_read },
	{ "lseek() and pread() reach any byte", seeks_to_any_byte },
	{ "a fault loses no byte", faults_lose_nothing },
	{ "threads that read one file get different bytes", threads_share_a_file },
	{ "each open file has its own cursor", cursors_are_independent },
	{ "poll wakes when the log grows", poll_wakes },
	{ "a token comes with the number of records that it covers", token_says_how_many },
	{ "reading while threads extend", log_while_it_grows },
	{ "a token's registers are those of the records it covers", token_covers_its_records },
	{ "after loading again, the log begins with the registers' values", log_begins_anew },
	{ "a full log refuses an extension and still leads to the registers", full_log_refuses },
	{ "an eighth of the log is kept for privileged callers", quota_of_unprivileged },
	{ "the limit can be raised, and not lowered", limit_can_be_raised },
	{ "the module does not load with a limit that leaves no room", small_bound_refused },
};

int main(void)
{
	if (!device_config(&config))
		tap_bail("cannot read the configuration");
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
