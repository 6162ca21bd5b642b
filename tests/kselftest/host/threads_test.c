// SPDX-License-Identifier: Apache-2.0
/*
 * The log, its file and the tokens of kmod/ with threads on this machine, under ThreadSanitizer and
 * over an RMM of one CPU. An access without its lock or barrier is reported; the results are
 * compared with a replay of the log. Each race window is counted, and must have been met.
 */
#define _GNU_SOURCE
#include "threads.h"

#include "shim.h"

/* --- what mlog_file.c requires, in addition to shim.h ---------------------------------------- */

#include <stdatomic.h>
#include <unistd.h>

typedef unsigned int __poll_t;
typedef unsigned int fmode_t;

struct file {
	void *private_data;
	fmode_t f_mode;
	loff_t f_pos;
	struct mutex pos_lock;
};

#define FMODE_ATOMIC_POS 0x8000
#define EPOLLIN		 1
#define EPOLLPRI	 4
#define EPOLLRDNORM	 2

#define poll_wait(file, wait, table) ((void)(table))
/* The threads do not seek. */
#define fixed_size_llseek(file, offset, whence, size) \
	((void)(file), (void)(whence), (void)(size), (offset))

/* Copies in two parts, between which others may run. */
static size_t copy_to_user(void *to, const void *from, size_t size)
{
	memcpy(to, from, size / 2);
	threads_pause();
	memcpy((char *)to + size / 2, (const char *)from + size / 2, size - size / 2);
	return 0;
}

#include "../../../kmod/mlog.c"
#include "../../../kmod/mlog_start.c"
/* The kernel compiles without this warning. */
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "../../../kmod/mlog_file.c"
#include "../../../kmod/realm.c"
#include "../../../kmod/token.c"
#include "../tap.h"

#include <stdio.h>

#define EXTENDERS  2
#define EXTENSIONS 150
#define TOKENS	   25
#define READS	   150
#define WALKS	   60
#define RECORDS	   (CCA_RSI_INDEX_MAX + EXTENDERS * EXTENSIONS)
#define PIECE	   200
/* Of a token: head and length of each byte string, then bytes that only fill */
#define TOKEN_SIZE 900
#define SIZE	   32

struct shim shim;
_Thread_local int shim_pinned;
unsigned int threads_pause_every;
void (*threads_released)(void);

static atomic_int mistakes;

/* What a thread found wrong; it goes on. */
static void mistake(const char *what)
{
	if (atomic_fetch_add(&mistakes, 1) < 5)
		tap_note("%s", what);
}

/* --- the RMM, with one CPU and so one token in progress -------------------------------------- */

static struct {
	u8 registers[CCA_REALM_REGISTERS][SIZE];
	u8 token[TOKEN_SIZE];
	size_t sent;
	u64 started; /* the number of records when the token in progress was started */
} rmm;

static atomic_size_t tokens_extended;

static void lock_must_be_held(void)
{
	if (!shim_holds(&cca_log.lock))
		mistake("the RMM's registers are used without the lock");
}

int cca_rsi_config_read(struct cca_rsi_config *config)
{
	config->hash_algo = CCA_RSI_HASH_SHA256;
	return 0;
}

int cca_firmware_log(struct mlog *log)
{
	(void)log;
	return 0;
}

int cca_rsi_measurement_read(u32 index, u8 *value, size_t size)
{
	lock_must_be_held();
	memcpy(value, rmm.registers[index], size / 2);
	threads_pause();
	memcpy(value + size / 2, rmm.registers[index] + size / 2, size - size / 2);
	return 0;
}

static void sum_extend(u8 *value, const u8 *digest)
{
	for (size_t i = 0; i < SIZE; i++)
		value[i] = (u8)(value[i] * 3 + digest[i] + 1);
}

int cca_rsi_measurement_extend(u32 index, const u8 *digest, size_t size)
{
	lock_must_be_held();
	assert(size == SIZE);
	threads_pause();
	sum_extend(rmm.registers[index], digest);
	threads_pause();
	return 0;
}

int crypto_shash_tfm_digest(struct crypto_shash *shash, const u8 *data, unsigned int len, u8 *out)
{
	assert(shash && len == 2 * SIZE);
	memcpy(out, data, SIZE);
	sum_extend(out, data + SIZE);
	return 0;
}

int cca_rsi_token_init(const u8 *challenge, size_t *bound)
{
	u8 *at = rmm.token;

	lock_must_be_held();
	assert(shim_pinned == 1);
	rmm.sent = 0;
	rmm.started = mlog_seq(&cca_log);
	memset(rmm.token, challenge[0], TOKEN_SIZE);
	*at++ = 0x58;
	*at++ = CCA_RSI_CHALLENGE_SIZE;
	at = mempcpy(at, challenge, CCA_RSI_CHALLENGE_SIZE);
	for (size_t i = 0; i < CCA_REALM_REGISTERS; i++) {
		*at++ = 0x58;
		*at++ = SIZE;
		at = mempcpy(at, rmm.registers[i], SIZE);
		threads_pause();
	}
	*bound = TOKEN_SIZE;
	return 0;
}

int cca_rsi_token_continue(u8 *granule, size_t *len)
{
	assert(shim_pinned == 1);
	threads_pause();
	*len = threads_random() % 3 ? threads_random() % 300 : 0;
	if (*len > TOKEN_SIZE - rmm.sent)
		*len = TOKEN_SIZE - rmm.sent;
	memcpy(granule, rmm.token + rmm.sent, *len);
	rmm.sent += *len;
	if (rmm.sent == TOKEN_SIZE)
		atomic_fetch_add(&tokens_extended, mlog_seq(&cca_log) > rmm.started);
	return rmm.sent == TOKEN_SIZE ? 0 : CCA_RSI_INCOMPLETE;
}

static const u8 *token_register(const u8 *token, size_t index)
{
	return token + 2 + CCA_RSI_CHALLENGE_SIZE + index * (2 + SIZE) + 2;
}

/* --- extensions ------------------------------------------------------------------------------ */

static atomic_int notes, appending;

int blocking_notifier_call_chain(struct blocking_notifier_head *head, unsigned long action,
				 void *data)
{
	assert(head == &cca_log.notifier && !action && data && !shim_holds(&cca_log.lock));
	atomic_fetch_add(&notes, 1);
	return 0;
}

static int extend(u32 index, u32 event_size, u64 *seq)
{
	static const u8 event[CCA_RSI_EVENT_LEN_MAX];
	struct cca_rsi_extend arg = {
		.index = index,
		.event_type = 13,
		.digest_size = SIZE,
		.event_size = event_size,
	};
	int ret;

	for (size_t i = 0; i < SIZE; i++)
		arg.digest[i] = (u8)threads_random();
	atomic_fetch_add(&appending, 1);
	ret = cca_realm_extend(&arg, event);
	atomic_fetch_sub(&appending, 1);
	*seq = arg.seq;
	return ret;
}

static void extender_work(size_t number)
{
	u64 seq, last = 0;

	for (size_t i = 0; i < EXTENSIONS; i++) {
		if (extend(1 + (u32)(number + i) % CCA_RSI_INDEX_MAX, threads_random() % 64, &seq))
			mistake("an extension failed");
		if (seq <= last || mlog_seq(&cca_log) <= seq)
			mistake("an extension has the position of another record");
		last = seq;
	}
}

/* --- registers ------------------------------------------------------------------------------- */

/* The registers' values after each number of records, from a replay when the threads are over */
static u8 history[RECORDS + 1][CCA_REALM_REGISTERS][SIZE];

/* A set of values that was read, and the numbers of records that the log had before and after */
struct seen {
	u64 low, high;
	u8 values[CCA_REALM_REGISTERS][SIZE];
};

static struct seen reads[2][READS], tokens[2][TOKENS];

static bool history_make(void)
{
	const struct mlog_record *record = mlog_next(&cca_log, NULL);
	u64 seq = 0;

	memset(history, 0, sizeof(history));
	memcpy(history[0][0], rmm.registers[0], SIZE);
	while ((record = mlog_next(&cca_log, record))) {
		memcpy(history[seq + 1], history[seq], sizeof(history[0]));
		if (record->kind == MLOG_EVENT)
			sum_extend(history[seq + 1][record->index], record->digest);
		else
			memcpy(history[seq + 1][record->index],
			       record->event + CCA_RSI_LOG_SIGNATURE_SIZE, SIZE);
		if (record->seq != seq++ || seq > RECORDS)
			return false;
	}
	return seq == mlog_seq(&cca_log) &&
	       memcmp(history[seq], rmm.registers, sizeof(rmm.registers)) == 0;
}

/* Did the registers have these values at one time from the first number of records to the last? */
static bool seen_good(const struct seen *seen)
{
	for (u64 seq = seen->low; seq <= seen->high; seq++)
		if (memcmp(history[seq], seen->values, sizeof(seen->values)) == 0)
			return true;
	return false;
}

static void registers_work(size_t number)
{
	struct cca_rsi_measurement values[CCA_REALM_REGISTERS];
	struct seen *seen = reads[number];

	for (size_t i = 0; i < READS; i++, seen++) {
		seen->low = mlog_seq(&cca_log);
		if (cca_realm_measurements_read(0, CCA_REALM_REGISTERS, values))
			mistake("the registers could not be read");
		for (size_t j = 0; j < CCA_REALM_REGISTERS; j++)
			memcpy(seen->values[j], values[j].value, SIZE);
		/* The one whose call is not over yet may have changed its register. */
		seen->high = mlog_seq(&cca_log);
	}
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void tokens_work(size_t number)
{
	u8 challenge[CCA_RSI_CHALLENGE_SIZE] = { 0 };
	struct seen *seen = tokens[number];
	struct cca_token *token;

	for (size_t i = 0; i < TOKENS; i++, seen++) {
		for (size_t j = 0; j < sizeof(challenge); j++)
			challenge[j] = (u8)threads_random();
		token = cca_token_make(challenge);
		if (IS_ERR(token)) {
			mistake("a token failed");
			continue;
		}
		if (token->size != TOKEN_SIZE ||
		    memcmp(token->data + 2, challenge, sizeof(challenge)) ||
		    token->data[TOKEN_SIZE - 1] != challenge[0])
			mistake("a token is of another challenge");
		seen->low = seen->high = token->log_seq;
		for (size_t j = 0; j < CCA_REALM_REGISTERS; j++)
			memcpy(seen->values[j], token_register(token->data, j), SIZE);
		kvfree(token);
	}
}

/* --- readers of the log ---------------------------------------------------------------------- */

static atomic_size_t walks, walks_appended;

/* A reader that knows of a number of records must find that many. */
static void walk_work(size_t number)
{
	const struct mlog_record *record;
	u64 seq, count, end;

	(void)number;
	for (size_t i = 0; i < WALKS || (i < 20 * WALKS && mlog_seq(&cca_log) < RECORDS); i++) {
		seq = mlog_seq(&cca_log);
		record = mlog_next(&cca_log, NULL);
		end = record->size;
		for (count = 0; (record = mlog_next(&cca_log, record)); count++) {
			end += record->size;
			if (record->seq != count || record->end != end || !record->index ||
			    record->index > CCA_RSI_INDEX_MAX)
				mistake("a reader sees an unfinished record");
		}
		if (count < seq)
			mistake("a reader finds fewer records than the log reports");
		atomic_fetch_add(&walks, 1);
		atomic_fetch_add(&walks_appended, count > seq);
	}
}

/* The record that was last found to be linked */
static const struct mlog_record *linked;

static void last_must_be_linked(void)
{
	const struct mlog_record *last = mlog_last(&cca_log);

	while (linked != last && mlog_next(&cca_log, linked))
		linked = mlog_next(&cca_log, linked);
	if (linked != last)
		mistake("a reader finds fewer records than the log reports");
}

/* As the kernel does it: the position is locked only if the file asks for that. */
static ssize_t file_read(struct file *file, char *bytes, size_t size)
{
	bool locked = file->f_mode & FMODE_ATOMIC_POS;
	ssize_t ret;
	loff_t pos;

	if (locked)
		shim_lock(&file->pos_lock);
	pos = file->f_pos;
	ret = mlog_file_read(&cca_log, file, bytes, size, &pos);
	if (ret >= 0)
		file->f_pos = pos;
	if (locked)
		shim_unlock(&file->pos_lock);
	return ret;
}

static struct file shared = { .pos_lock = THREADS_MUTEX };
static atomic_int readers_inside, readers_there;
static atomic_size_t reads_shared, reads_appended, shared_bytes[256];

/* Both read until there is no more; the log does not grow. */
static void shared_work(size_t number)
{
	char piece[PIECE];
	ssize_t length;

	(void)number;
	atomic_fetch_add(&readers_there, 1);
	while (atomic_load(&readers_there) < 2)
		sched_yield();
	do {
		atomic_fetch_add(&reads_shared, atomic_fetch_add(&readers_inside, 1) > 0);
		length = file_read(&shared, piece, sizeof(piece));
		atomic_fetch_sub(&readers_inside, 1);
		for (ssize_t i = 0; i < length; i++)
			atomic_fetch_add(&shared_bytes[(u8)piece[i]], 1);
	} while (length > 0);
	if (length < 0)
		mistake("a reader of a shared file failed");
}

/* Follows the log with a file of its own; its bytes must be the records'. */
static void follow_work(size_t number)
{
	static char bytes[RECORDS * PIECE];
	const struct mlog_record *record;
	struct file own = { .pos_lock = THREADS_MUTEX };
	size_t used = 0, at = 0;
	ssize_t length = 1;

	(void)number;
	mlog_file_open(&own);
	for (size_t i = 0; length >= 0 && (i < READS || length > 0); i++) {
		atomic_fetch_add(&reads_appended, atomic_load(&appending) > 0);
		length = file_read(&own, bytes + used, PIECE);
		used += length > 0 ? (size_t)length : 0;
	}
	for (record = mlog_next(&cca_log, NULL); record && at + record->size <= used;
	     record = mlog_next(&cca_log, record)) {
		if (memcmp(bytes + at, record->bytes, record->size))
			mistake("a reader's bytes are not those of the records");
		at += record->size;
	}
	if (length < 0 || !used)
		mistake("a reader of the log failed");
}

/* --- threads --------------------------------------------------------------------------------- */

struct worker {
	void (*work)(size_t number);
	size_t number;
	pthread_t thread;
};

static void *worker_run(void *context)
{
	struct worker *worker = context;

	worker->work(worker->number);
	return NULL;
}

static void workers_run(struct worker *workers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert(!pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]));
	for (size_t i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
}

static bool load(void)
{
	memset(&rmm, 0, sizeof(rmm));
	memset(rmm.registers, 7, sizeof(rmm.registers[0]) * 3);
	shim.allocations_left = -1;
	atomic_store(&mistakes, 0);
	atomic_store(&notes, 0);
	return cca_realm_init() == 0;
}

static bool unload(void)
{
	cca_realm_exit();
	return shim.held == 0;
}

static bool met(const char *what, size_t count, size_t of)
{
	tap_note("window: %s: met by %zu of %zu", what, count, of);
	return count > 0;
}

static void all_at_once(void)
{
	struct worker workers[] = {
		{ extender_work, 0, 0 }, { extender_work, 1, 0 },  { registers_work, 0, 0 },
		{ tokens_work, 0, 0 },	 { walk_work, 0, 0 },	   { follow_work, 0, 0 },
		{ tokens_work, 1, 0 },	 { registers_work, 1, 0 },
	};

	CHECK(load());
	linked = mlog_last(&cca_log);
	threads_released = last_must_be_linked;
	workers_run(workers, sizeof(workers) / sizeof(workers[0]));
	threads_released = NULL;
	CHECK(atomic_load(&mistakes) == 0);
	CHECK(mlog_seq(&cca_log) == RECORDS && atomic_load(&notes) == EXTENDERS * EXTENSIONS);
	CHECK(history_make());
	for (size_t i = 0; i < 2 * READS; i++)
		CHECK(seen_good(&reads[i / READS][i % READS]));
	for (size_t i = 0; i < 2 * TOKENS; i++)
		CHECK(seen_good(&tokens[i / TOKENS][i % TOKENS]));
	CHECK(met("an extension between a token's start and its end", atomic_load(&tokens_extended),
		  2 * TOKENS));
	CHECK(met("a walk of the log while a record is appended", atomic_load(&walks_appended),
		  atomic_load(&walks)));
	CHECK(met("a read of the log while a record is appended", atomic_load(&reads_appended),
		  READS));
	CHECK(unload());
}

static void two_readers_of_a_file(void)
{
	struct worker workers[] = { { shared_work, 0, 0 }, { shared_work, 1, 0 } };
	size_t expected[256] = { 0 }, count = 0;
	u64 seq;

	CHECK(load());
	for (u32 i = 0; i < 100; i++)
		CHECK(extend(1 + i % 4, threads_random() % 100, &seq) == 0);
	for (const struct mlog_record *record = mlog_next(&cca_log, NULL); record;
	     record = mlog_next(&cca_log, record))
		for (u32 i = 0; i < record->size; i++)
			expected[record->bytes[i]]++;
	mlog_file_open(&shared);
	workers_run(workers, 2);
	CHECK(atomic_load(&mistakes) == 0);
	for (size_t i = 0; i < 256; count += expected[i], i++)
		CHECK(atomic_load(&shared_bytes[i]) == expected[i]);
	CHECK(met("a read of a file while another thread reads it", atomic_load(&reads_shared),
		  count / PIECE));
	CHECK(unload());
}

static const struct tap_test tests[] = {
	{ "two readers of one file read each byte once", two_readers_of_a_file },
	{ "extensions, tokens, registers and readers of the log at once", all_at_once },
};

int main(void)
{
	threads_pause_every = 8;
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
