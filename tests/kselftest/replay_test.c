// SPDX-License-Identifier: Apache-2.0
/*
 * The log accounts for every extension: by the device, by netlink, by sysfs if the kernel has
 * tsm-mr, and by another module (foreign/), of which cca_rsi is not informed. The log's replay
 * leads to the registers, also after cca_rsi was loaded again and with the log full. At the end
 * cca_rsi is loaded again.
 */
#define _GNU_SOURCE
#include "another.h"
#include "client.h"
#include "device.h"
#include "eventlog.h"
#include "module.h"
#include "tap.h"
#include "token.h"

#include <fcntl.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SYSFS_GROUP "/sys/devices/virtual/misc/cca-rsi/measurements"
#define LOG_MAX	    "log_max=8192"
#define ROUNDS	    20
#define TOKENS	    12
#define AMID_ROUNDS 150
#define AMID_EACH   3
/* Microseconds between the extensions of another module */
#define PAUSE_MIN 60000
#define PAUSE_MAX (64 * PAUSE_MIN)

static struct cca_rsi_config config;
static bool another_there;

/* --- the interfaces -------------------------------------------------------------------------- */

static int by_device(uint32_t index, const uint8_t *digest)
{
	int fd = device_open(O_WRONLY);
	int ret, error;

	ret = device_extend(fd, index, digest);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static int by_netlink(uint32_t index, const uint8_t *digest)
{
	struct nl_msg *request;
	struct client client;
	int ret, error;

	if (!client_open(&client))
		tap_bail("there is no netlink family " CCA_RSI_FAMILY_NAME);
	request = client_request(&client, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_INDEX, index);
	nla_put(request, CCA_RSI_A_MEASUREMENT_DIGEST, (int)config.digest_size, digest);
	nla_put_u32(request, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, 13);
	ret = client_call(&client, request, NULL, NULL);
	error = errno;
	client_close(&client);
	errno = error;
	return ret;
}

static int file_write(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t length;
	int error;

	if (fd < 0)
		return -1;
	length = write(fd, bytes, size);
	error = errno;
	close(fd);
	errno = error;
	return length == (ssize_t)size ? 0 : -1;
}

static int by_sysfs(uint32_t index, const uint8_t *digest)
{
	static const char *const hashes[] = { "sha256", "sha512", "sha384" };
	char path[128];

	snprintf(path, sizeof(path), SYSFS_GROUP "/rem%u:%s", index - 1, hashes[config.hash_algo]);
	return file_write(path, digest, config.digest_size);
}

static const struct interface {
	const char *name;
	int (*extend)(uint32_t index, const uint8_t *digest);
} interfaces[] = {
	{ "device", by_device },
	{ "netlink", by_netlink },
	{ "sysfs", by_sysfs },
};

/* The last one exists with tsm-mr only. */
static size_t interfaces_count(void)
{
	return access(SYSFS_GROUP, F_OK) ? 2 : 3;
}

static void digest_random(uint8_t *digest)
{
	memset(digest, 0, CCA_RSI_DIGEST_MAX);
	challenge_random(digest);
}

/* --- the log --------------------------------------------------------------------------------- */

/* Is the last record of @kind, @index and @digest (the value, if it is not an event)? */
static bool log_ends_with(enum record_kind kind, uint32_t index, const uint8_t *digest)
{
	const struct record *last;
	struct eventlog log;
	bool good;

	if (!eventlog_read(&log, &config))
		return false;
	last = &log.records[log.count - 1];
	good = last->kind == kind && last->index == index &&
	       memcmp(last->digest, digest, config.digest_size) == 0;
	if (!good)
		tap_note("the last record is of kind %d, register %u", last->kind, last->index);
	eventlog_free(&log);
	return good;
}

static bool registers_read(struct cca_rsi_measurement *values)
{
	for (uint32_t i = 0; i < REGISTERS; i++)
		if (!device_measurement(i, &values[i]))
			return false;
	return true;
}

static bool registers_are(const struct cca_rsi_measurement *expected)
{
	struct cca_rsi_measurement found[REGISTERS];

	return registers_read(found) && memcmp(found, expected, sizeof(found)) == 0;
}

/* Loads cca_rsi again, so that the log is new and without a foreign extension. */
static bool log_begin(const char *arguments)
{
	return module_reload(arguments) && device_config(&config) &&
	       !(config.flags & CCA_RSI_CONFIG_F_FOREIGN) &&
	       config.log_seq == eventlog_begin_count(&config);
}

/* --- our interfaces -------------------------------------------------------------------------- */

static void own_interfaces_are_logged(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];

	CHECK(log_begin(""));
	for (size_t i = 0; i < interfaces_count(); i++)
		for (uint32_t index = 1; index < REGISTERS; index++) {
			digest_random(digest);
			CHECK(interfaces[i].extend(index, digest) == 0);
			CHECK(log_ends_with(KIND_EVENT, index, digest));
			CHECK(eventlog_good(&config));
		}
	tap_note("%zu interfaces", interfaces_count());
	CHECK(!(config.flags & CCA_RSI_CONFIG_F_FOREIGN));
}

/* --- another module -------------------------------------------------------------------------- */

/* It is found by each operation that compares: reading the log, an extension, a token. */
static void foreign_extension_is_logged(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX], value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_measurement before;

	SKIP_IF(!another_there, NO_ANOTHER);
	CHECK(log_begin(""));
	for (uint32_t index = 1; index < REGISTERS; index++) {
		digest_random(digest);
		CHECK(device_measurement(index, &before));
		CHECK(another_extend(index, digest) == 0);
		register_after(&config, before.value, digest, value);
		CHECK(log_ends_with(KIND_FOREIGN, index, value));
		CHECK(eventlog_good(&config) && config.flags & CCA_RSI_CONFIG_F_FOREIGN);
		CHECK(by_device(index, digest) == 0 && log_ends_with(KIND_EVENT, index, digest));
		CHECK(eventlog_good(&config));
	}
	CHECK(log_begin(""));
}

static void extension_after_foreign_one(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];

	SKIP_IF(!another_there, NO_ANOTHER);
	for (size_t i = 0; i < interfaces_count(); i++) {
		CHECK(log_begin(""));
		digest_random(digest);
		CHECK(another_extend(3, digest) == 0 && another_extend(3, digest) == 0);
		CHECK(interfaces[i].extend(3, digest) == 0);
		CHECK(device_config(&config) && config.flags & CCA_RSI_CONFIG_F_FOREIGN);
		/* There is one record for all foreign extensions, and one for ours. */
		CHECK(config.log_seq == eventlog_begin_count(&config) + 2);
		CHECK(eventlog_good(&config));
	}
}

static void token_after_foreign_one(void)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t digest[CCA_RSI_DIGEST_MAX], value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_token arg = { .fd = -1 };
	struct eventlog log;
	int fd;

	SKIP_IF(!another_there, NO_ANOTHER);
	CHECK(log_begin(""));
	digest_random(digest);
	CHECK(another_extend(2, digest) == 0);
	fd = device_open(O_RDONLY);
	CHECK(ioctl(fd, CCA_RSI_TOKEN, &arg) == 0 &&
	      arg.log_seq == eventlog_begin_count(&config) + 1);
	CHECK(read(arg.fd, token, sizeof(token)) == (ssize_t)arg.size);
	close(arg.fd);
	close(fd);
	CHECK(eventlog_read(&log, &config));
	eventlog_register(&log, arg.log_seq, 2, value);
	eventlog_free(&log);
	CHECK(token_has_register(token, arg.size, 2, value, config.digest_size));
	CHECK(eventlog_good(&config));
}

static void foreign_extension_while_unloaded(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX], value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_measurement before, after;

	SKIP_IF(!another_there, NO_ANOTHER);
	digest_random(digest);
	CHECK(device_measurement(1, &before) && module_unload(MODULE) == 0);
	CHECK(another_extend(1, digest) == 0);
	CHECK(module_load(MODULE, "") && device_config(&config));
	register_after(&config, before.value, digest, value);
	CHECK(device_measurement(1, &after) && memcmp(after.value, value, config.digest_size) == 0);
	CHECK(eventlog_good(&config) && config.log_seq == eventlog_begin_count(&config));
}

/* --- all at once ----------------------------------------------------------------------------- */

struct extender {
	int (*extend)(uint32_t index, const uint8_t *digest);
	uint32_t index;
	useconds_t pause; /* at least this much after each; 0: none */
	size_t count;	  /* 0: until @over is set */
	atomic_size_t done;
	atomic_bool over;
};

static void *extender_run(void *context)
{
	struct extender *extender = context;
	uint8_t digest[CCA_RSI_DIGEST_MAX];
	intptr_t mistakes = 0;

	for (size_t i = 0; extender->count ? i < extender->count : !atomic_load(&extender->over);
	     i++) {
		digest_random(digest);
		if (extender->extend(extender->index, digest)) {
			tap_note("an extension of register %u: %s", extender->index,
				 strerror(errno));
			mistakes++;
		}
		atomic_fetch_add(&extender->done, 1);
		if (extender->pause)
			usleep(extender->pause + digest[0] * 10u);
	}
	return (void *)mistakes;
}

static bool extenders_run(struct extender *extenders, size_t count)
{
	pthread_t threads[8];
	void *mistakes;
	bool good = true;
	size_t begun;

	for (begun = 0; begun < count; begun++)
		if (pthread_create(&threads[begun], NULL, extender_run, &extenders[begun]))
			break;
	for (size_t i = 0; i < begun; i++)
		good &= pthread_join(threads[i], &mistakes) == 0 && !mistakes;
	return good && begun == count;
}

/* Another module extends the same registers before, after and during our extensions. */
static void all_at_once(void)
{
	struct extender extenders[6] = { 0 };
	size_t count = interfaces_count();

	CHECK(log_begin(""));
	for (size_t i = 0; i < count; i++)
		extenders[i] = (struct extender){
			interfaces[i].extend, (uint32_t)i % 3 + 1, 500, ROUNDS, 0, false,
		};
	extenders[count++] = (struct extender){ by_device, 1, 0, ROUNDS * 10, 0, false };
	for (uint32_t i = 0; another_there && i < 2; i++)
		extenders[count++] = (struct extender){ another_extend, i * 3 + 1, i * 1000,
							ROUNDS * 10,	0,	   false };
	CHECK(extenders_run(extenders, count));
	CHECK(eventlog_good(&config));
	if (!another_there)
		tap_note("only our interfaces: " NO_ANOTHER);
}

/*
 * A foreign record would hide a mistake before it, so each round is short: in some rounds the other
 * module is the last to extend, between the audit before our extension and the one after it.
 */
static void foreign_extension_during_ours(void)
{
	struct extender extenders[] = {
		{ by_device, 1, 0, AMID_EACH, 0, false },
		{ another_extend, 1, 0, AMID_EACH, 0, false },
	};

	SKIP_IF(!another_there, NO_ANOTHER);
	CHECK(log_begin(""));
	for (int i = 0; i < AMID_ROUNDS; i++) {
		CHECK(extenders_run(extenders, 2));
		CHECK(eventlog_good(&config));
	}
	CHECK(config.flags & CCA_RSI_CONFIG_F_FOREIGN);
}

static bool token_fits(int fd, uint32_t index, bool *again)
{
	static uint8_t token[TOKEN_ROOM];
	uint8_t value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_token arg = { .fd = -1 };
	struct eventlog log;
	bool good;

	challenge_random(arg.challenge);
	*again = ioctl(fd, CCA_RSI_TOKEN, &arg) != 0;
	if (*again)
		return tap_errno(-1, EAGAIN);
	good = read(arg.fd, token, sizeof(token)) == (ssize_t)arg.size;
	close(arg.fd);
	if (!good || !token_carries(token, arg.size, arg.challenge) ||
	    !eventlog_read(&log, &config))
		return false;
	eventlog_register(&log, arg.log_seq, index, value);
	good = log.count >= arg.log_seq &&
	       token_has_register(token, arg.size, index, value, config.digest_size);
	eventlog_free(&log);
	return good;
}

/* Tries TOKENS tokens while another module extends with @pause after each; counts the results. */
static bool tokens_disturbed(int fd, struct extender *other, useconds_t pause, size_t *made,
			     size_t *refused)
{
	bool good = true, again;
	pthread_t thread;
	void *mistakes;

	other->pause = pause;
	atomic_store(&other->over, false);
	if (pthread_create(&thread, NULL, extender_run, other))
		return false;
	for (size_t i = 0; good && i < TOKENS; i++) {
		good = token_fits(fd, other->index, &again);
		*made += !again;
		*refused += again;
	}
	atomic_store(&other->over, true);
	return pthread_join(thread, &mistakes) == 0 && !mistakes && good;
}

/*
 * A token is made again if others extend between the comparison and its start; none may differ from
 * the log. The rate of extensions at which a token succeeds depends on the machine, so the others
 * slow down until one does.
 */
static void tokens_while_others_extend(void)
{
	struct extender other = { .extend = another_extend, .index = 3 };
	size_t made = 0, refused = 0;
	bool good;
	int fd;

	SKIP_IF(!another_there, NO_ANOTHER);
	fd = device_open(O_RDONLY);
	good = tokens_disturbed(fd, &other, 0, &made, &refused);
	for (useconds_t pause = PAUSE_MIN;
	     good && (pause == PAUSE_MIN || !made) && pause <= PAUSE_MAX; pause *= 2)
		good = tokens_disturbed(fd, &other, pause, &made, &refused);
	close(fd);
	tap_note("%zu tokens and %zu EAGAIN during %zu foreign extensions", made, refused,
		 atomic_load(&other.done));
	CHECK(good && made > 0 && eventlog_good(&config));
}

/* --- the log full ---------------------------------------------------------------------------- */

static bool log_fill(void)
{
	static uint8_t event[200];
	struct cca_rsi_extend arg = {
		.index = 1,
		.digest_size = config.digest_size,
		.event_type = 13,
		.event_size = sizeof(event),
		.event = (uintptr_t)event,
	};
	int fd = device_open(O_RDWR), ret;

	do {
		ret = ioctl(fd, CCA_RSI_EXTEND, &arg);
		/* Shorter events fill the rest of the room. */
		arg.event_size = ret ? 0 : arg.event_size;
	} while (ret == 0);
	while (ioctl(fd, CCA_RSI_EXTEND, &arg) == 0)
		;
	ret = tap_errno(-1, ENOSPC);
	close(fd);
	return ret;
}

static bool interfaces_refuse(int error)
{
	struct cca_rsi_measurement before[REGISTERS];
	uint8_t digest[CCA_RSI_DIGEST_MAX];
	bool good = registers_read(before);

	for (size_t i = 0; i < interfaces_count(); i++) {
		for (uint32_t index = 1; good && index < REGISTERS; index++) {
			digest_random(digest);
			good = interfaces[i].extend(index, digest) == -1 && errno == error &&
			       registers_are(before);
		}
		if (!good) {
			tap_note("%s: %s, or the registers changed", interfaces[i].name,
				 strerror(errno));
			return false;
		}
	}
	return good;
}

static void full_log_refuses_extensions(void)
{
	CHECK(log_begin(LOG_MAX) && log_fill());
	CHECK(interfaces_refuse(ENOSPC));
	CHECK(eventlog_good(&config));
}

/* Room for these records is reserved. */
static void full_log_accepts_foreign_records(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX], value[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_measurement before;
	struct cca_rsi_token arg = { .fd = -1 };
	int fd;

	SKIP_IF(!another_there, NO_ANOTHER);
	for (uint32_t index = 1; index < REGISTERS; index++) {
		digest_random(digest);
		CHECK(device_measurement(index, &before) && another_extend(index, digest) == 0);
		register_after(&config, before.value, digest, value);
		CHECK(log_ends_with(KIND_FOREIGN, index, value));
		CHECK(eventlog_good(&config) && config.flags & CCA_RSI_CONFIG_F_FOREIGN);
	}
	CHECK(interfaces_refuse(ENOSPC));
	fd = device_open(O_RDONLY);
	CHECK(ioctl(fd, CCA_RSI_TOKEN, &arg) == 0 && arg.log_seq == config.log_seq);
	close(arg.fd);
	close(fd);
	CHECK(eventlog_good(&config));
}

/*
 * Without room for a foreign record no token is made, because the log would not lead to its
 * registers.
 */
static void beyond_that_nothing_is_signed(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];
	struct cca_rsi_token arg = { .fd = -1 };
	struct eventlog log;
	int fd;

	SKIP_IF(!another_there, NO_ANOTHER);
	fd = device_open(O_RDONLY);
	digest_random(digest);
	CHECK(another_extend(4, digest) == 0);
	CHECK_ERRNO(ioctl(fd, CCA_RSI_TOKEN, &arg), ENOSPC);
	CHECK(interfaces_refuse(ENOSPC));
	CHECK(eventlog_read(&log, &config) && device_config(&config) &&
	      log.count == config.log_seq);
	eventlog_free(&log);
	CHECK(config.flags & CCA_RSI_CONFIG_F_FOREIGN);
	close(fd);
}

static void loaded_again_it_works(void)
{
	uint8_t digest[CCA_RSI_DIGEST_MAX];

	CHECK(log_begin("") && eventlog_good(&config));
	digest_random(digest);
	CHECK(by_device(4, digest) == 0 && eventlog_good(&config));
	CHECK(log_begin(""));
}

static const struct tap_test tests[] = {
	{ "an extension by each of our interfaces is logged", own_interfaces_are_logged },
	{ "another module's extension is found and logged", foreign_extension_is_logged },
	{ "our next extension, by each interface, finds and logs it too",
	  extension_after_foreign_one },
	{ "the next token finds, logs and covers it too", token_after_foreign_one },
	{ "after one while our module was unloaded the log begins with its result",
	  foreign_extension_while_unloaded },
	{ "all interfaces at once", all_at_once },
	{ "another module's extension during ours is found too", foreign_extension_during_ours },
	{ "tokens while another module extends", tokens_while_others_extend },
	{ "a full log refuses each extension before the register changes",
	  full_log_refuses_extensions },
	{ "a full log still accepts records of another module's extensions",
	  full_log_accepts_foreign_records },
	{ "without room for such a record nothing is signed or extended",
	  beyond_that_nothing_is_signed },
	{ "after loading again, extensions work", loaded_again_it_works },
};

int main(void)
{
	int ret;

	if (!device_config(&config))
		tap_bail("cannot read the configuration");
	module_autoload_off();
	another_there = another_begin(config.digest_size);
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	another_end();
	return ret;
}
