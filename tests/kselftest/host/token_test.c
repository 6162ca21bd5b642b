// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/token.c on this machine, over an RMM that answers in pieces, not at all, or wrongly, which
 * the bench's RMM never does.
 */
#include "shim.h"

#include "../../../kmod/token.c"
#include "../tap.h"

#define ROUNDS	    300
#define DIGEST_SIZE 32
/* Where a token that shows its registers has them */
#define REMS_AT 700

struct shim shim;
struct cca_realm cca_realm;
struct mlog cca_log = { .first = 1, .registers = CCA_REALM_REGISTERS };

/* The RMM: how it is to behave, then what it has counted */
static struct {
	size_t size;	/* of the token */
	size_t bound;	/* that it announces */
	size_t piece;	/* largest piece; 0: random sizes, some of them 0 */
	int init_error; /* returned by the first init_errors starts */
	int init_errors;
	int continue_error; /* returned errors times, after error_at bytes */
	size_t error_at;
	int errors;
	size_t excess;	   /* added to the length that it reports */
	bool signal;	   /* a fatal signal arrives during the first piece */
	const int *audits; /* results of the audits: changed registers, or an error */
	int audits_left;
	bool shows;    /* the token contains the registers */
	bool late;     /* they are sampled at the first piece */
	int extenders; /* this many tokens are disturbed by an extension of ours */

	u8 rems[CCA_RSI_INDEX_MAX * (2 + DIGEST_SIZE)]; /* as in the token */
	u64 seq;
	size_t sent;
	int inits;
	int continues;
	u8 salt;
} rmm;

static void rmm_reset(size_t size, size_t bound)
{
	static const struct mlog_hash hash = { .digest_size = DIGEST_SIZE };

	assert(!cca_log.lock.held && !cca_token_lock.held && !shim.pinned && !shim.held);
	memset(&rmm, 0, sizeof(rmm));
	memset(&shim, 0, sizeof(shim));
	shim.allocations_left = -1;
	rmm.size = size;
	rmm.bound = bound;
	rmm.piece = RSI_GRANULE_SIZE;
	token_room = RSI_GRANULE_SIZE;
	cca_realm.config.flags = CCA_RSI_CONFIG_F_TOKEN;
	cca_realm.hash = &hash;
}

static u8 token_byte(u8 salt, size_t i)
{
	if (rmm.shows && i >= REMS_AT && i < REMS_AT + sizeof(rmm.rems))
		return rmm.rems[i - REMS_AT];
	return (u8)(i * 7 + i / 251 + salt);
}

static void registers_sample(void)
{
	for (size_t i = 0; i < CCA_RSI_INDEX_MAX; i++) {
		rmm.rems[i * (2 + DIGEST_SIZE)] = 0x58;
		rmm.rems[i * (2 + DIGEST_SIZE) + 1] = DIGEST_SIZE;
		memcpy(&rmm.rems[i * (2 + DIGEST_SIZE) + 2], cca_log.values[i + 1], DIGEST_SIZE);
	}
}

/* Another caller of this module extends, if no lock makes it wait. */
static void extend_meanwhile(void)
{
	if (rmm.extenders <= 0 || cca_log.lock.held)
		return;
	rmm.extenders--;
	rmm.seq++;
	cca_log.values[2][5]++;
}

/* Returns 0 once all @audits have been used. */
int mlog_audit(struct mlog *log)
{
	int found = rmm.audits_left-- > 0 ? *rmm.audits++ : 0;

	assert(log->lock.held && !shim.pinned);
	rmm.seq += found > 0 ? (u64)found : 0;
	log->values[1][0] = (u8)rmm.seq;
	return found;
}

u64 mlog_seq(const struct mlog *log)
{
	assert(log->lock.held);
	return rmm.seq;
}

int cca_rsi_token_init(const u8 *challenge, size_t *bound)
{
	assert(cca_token_lock.held && cca_log.lock.held && shim.pinned == 1);
	registers_sample();
	rmm.inits++;
	rmm.sent = 0;
	rmm.salt = challenge[0];
	*bound = rmm.bound;
	return rmm.init_errors-- > 0 ? rmm.init_error : 0;
}

static size_t piece_size(size_t room)
{
	size_t size = rmm.piece;

	if (!size && rand() % 3)
		size = (size_t)rand() % 700;
	if (size > room)
		size = room;
	return size < rmm.size - rmm.sent ? size : rmm.size - rmm.sent;
}

int cca_rsi_token_continue(u8 *granule, size_t *len)
{
	size_t count = piece_size(RSI_GRANULE_SIZE);

	/* Only the last try may make extenders wait. */
	assert(cca_token_lock.held && shim.pinned == 1);
	assert(!cca_log.lock.held || rmm.inits == TOKEN_TRIES);
	if (!rmm.sent) {
		extend_meanwhile();
		if (rmm.late)
			registers_sample();
	}
	assert((uintptr_t)granule % RSI_GRANULE_SIZE == 0);
	rmm.continues++;
	shim.signalled = rmm.signal;
	*len = ~0UL;
	if (rmm.continue_error && rmm.sent >= rmm.error_at && rmm.errors-- > 0)
		return rmm.continue_error;
	for (size_t i = 0; i < count; i++)
		granule[i] = token_byte(rmm.salt, rmm.sent + i);
	rmm.sent += count;
	*len = count + rmm.excess;
	return rmm.sent == rmm.size ? 0 : CCA_RSI_INCOMPLETE;
}

static struct cca_token *token;

static int make(u8 salt)
{
	u8 challenge[CCA_RSI_CHALLENGE_SIZE] = { salt };

	token = cca_token_make(challenge);
	return IS_ERR(token) ? PTR_ERR(token) : 0;
}

/* Is the token whole? Frees it; then nothing else may be left allocated. */
static bool token_good(u8 salt)
{
	bool good = token->size == rmm.size;

	for (size_t i = 0; good && i < token->size; i++)
		good = token->data[i] == token_byte(salt, i);
	kvfree(token);
	return good && shim.held == 0 && shim.pinned == 0 && !cca_log.lock.held &&
	       !cca_token_lock.held;
}

/* Did it fail with @error and free everything? */
static bool make_fails(int error)
{
	int ret = make(1);

	if (ret != error)
		tap_note("returned %d, not %d", ret, error);
	return ret == error && shim.held == 0 && shim.pinned == 0 && !cca_log.lock.held &&
	       !cca_token_lock.held;
}

static void small_token(void)
{
	rmm_reset(1202, 4096);
	CHECK(make(5) == 0 && token_good(5));
	CHECK(rmm.inits == 1 && rmm.continues == 1);
}

static void pieces_at_random(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		srand(i);
		rmm_reset(9000 + (size_t)rand() % 256, 12288);
		rmm.piece = 0;
		CHECK(make((u8)i) == 0 && token_good((u8)i));
		CHECK(shim.yields > 0);
	}
}

static void ends_at_granule(void)
{
	rmm_reset(8192, 8192);
	CHECK(make(1) == 0 && token_good(1));
	rmm_reset(8192, 8192);
	rmm.piece = 1;
	CHECK(make(1) == 0 && token_good(1) && rmm.continues == 8192);
}

static void room_is_remembered(void)
{
	rmm_reset(9000, 9000);
	CHECK(make(1) == 0 && token_good(1) && rmm.inits == 2);
	rmm.inits = 0;
	CHECK(make(2) == 0 && token_good(2) && rmm.inits == 1);
}

static void bound_has_a_bound(void)
{
	rmm_reset(5, SZ_1M);
	CHECK(make(1) == 0 && token_good(1));
	rmm_reset(5, SZ_1M + 1);
	CHECK(make_fails(-EFBIG) && rmm.inits == 1 && rmm.continues == 0);
	rmm_reset(5, ~0UL);
	CHECK(make_fails(-EFBIG));
}

static void never_cut_short(void)
{
	rmm_reset(4097, 4096);
	CHECK(make_fails(-EIO));
	rmm_reset(1, 0);
	CHECK(make_fails(-EIO));
	rmm_reset(0, 4096);
	CHECK(make_fails(-EIO));
}

static void wrong_lengths_detected(void)
{
	static const size_t excesses[] = { 1, 4096, SIZE_MAX / 2, SIZE_MAX - 4096 };

	for (size_t i = 0; i < sizeof(excesses) / sizeof(excesses[0]); i++) {
		rmm_reset(4096, 8192);
		rmm.excess = excesses[i];
		CHECK(make_fails(-EIO));
	}
}

static void lost_state_retried_once(void)
{
	rmm_reset(9000, 12288);
	token_room = 12288;
	rmm.continue_error = -ESTALE;
	rmm.error_at = 5000;
	rmm.errors = 1;
	CHECK(make(1) == 0 && token_good(1) && rmm.inits == 2);
	rmm.errors = 2;
	CHECK(make_fails(-ESTALE));
	rmm_reset(100, 4096);
	rmm.init_error = -ESTALE;
	rmm.init_errors = 1;
	CHECK(make(1) == 0 && token_good(1));
}

static void errors_keep_their_cause(void)
{
	static const int errors[] = { -EINVAL, -EIO, -EOPNOTSUPP };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		rmm_reset(9000, 9000);
		rmm.continue_error = errors[i];
		rmm.error_at = 4096;
		rmm.errors = 1;
		CHECK(make_fails(errors[i]));
		rmm_reset(9000, 9000);
		rmm.init_error = errors[i];
		rmm.init_errors = 1;
		CHECK(make_fails(errors[i]) && rmm.continues == 0);
	}
}

static void signal_stops_soon(void)
{
	rmm_reset(9000, 12288);
	rmm.piece = 10;
	rmm.signal = true;
	CHECK(make_fails(-EINTR) && rmm.continues == 1);
	/* Each attempt to take a lock: for the token, its start, its end */
	for (int i = 1; i <= 3; i++) {
		rmm_reset(9000, 9000);
		token_room = 12288;
		shim.interrupted = i;
		CHECK(make_fails(-EINTR) && rmm.inits == (i == 3));
	}
}

static void memory_may_fail(void)
{
	for (int i = 0; i < 3; i++) {
		rmm_reset(9000, 9000);
		shim.allocations_left = i;
		CHECK(make_fails(-ENOMEM));
	}
	rmm_reset(9000, 9000);
	shim.allocations_left = 3;
	CHECK(make(1) == 0 && token_good(1));
}

static void others_tokens_left_alone(void)
{
	rmm_reset(100, 4096);
	cca_realm.config.flags = 0;
	CHECK(make_fails(-EBUSY) && rmm.inits == 0);
}

/* @audits are the results of @count audits: one before each token and one after it. */
static int make_audited(const int *audits, int count)
{
	rmm_reset(1202, 4096);
	rmm.audits = audits;
	rmm.audits_left = count;
	return make(3);
}

static void token_during_foreign_extension_made_again(void)
{
	static const int before[] = { 2 }, once[] = { 0, 1 }, twice[] = { 0, 1, 0, 4 };

	CHECK(make_audited(before, 1) == 0 && token->log_seq == 2 && token_good(3));
	CHECK(rmm.inits == 1);
	CHECK(make_audited(once, 2) == 0 && token->log_seq == 1 && token_good(3));
	CHECK(rmm.inits == 2);
	CHECK(make_audited(twice, 4) == 0 && token->log_seq == 5 && token_good(3));
	CHECK(rmm.inits == 3);
}

static void audit_may_fail(void)
{
	static const int always[] = { 0, 1, 0, 2, 0, 3, 0, 4 }, first[] = { -ENOSPC },
			 second[] = { 0, -ENOSPC };

	CHECK(make_audited(always, 8) == -EAGAIN && !shim.held && rmm.inits == 4);
	CHECK(make_audited(first, 1) == -ENOSPC && !shim.held && rmm.inits == 0);
	CHECK(make_audited(second, 2) == -ENOSPC && !shim.held && rmm.inits == 1);
}

static void disturb(int extenders, bool shows, bool late)
{
	rmm_reset(9000, 12288);
	token_room = 12288;
	rmm.extenders = extenders;
	rmm.shows = shows;
	rmm.late = late;
}

/* The RMM sampled the registers before the extension, so the token is good as it is. */
static void extension_meanwhile_needs_no_other_token(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		srand(i);
		disturb(1, true, false);
		rmm.piece = i % 2 ? 0 : 4096;
		CHECK(make(3) == 0 && token->log_seq == 0 && token_good(3));
		CHECK(rmm.inits == 1 && rmm.seq == 1);
	}
}

static void late_sampling_detected(void)
{
	disturb(1, true, true);
	CHECK(make(3) == 0 && token->log_seq == 1 && token_good(3) && rmm.inits == 2);
	disturb(1000, true, true);
	CHECK(make(3) == 0 && token->log_seq == 3 && token_good(3) && rmm.inits == 4);
}

/* Then only an audit can tell, and the last try makes extenders wait. */
static void registers_not_shown(void)
{
	disturb(2, false, false);
	CHECK(make(3) == 0 && token->log_seq == 2 && token_good(3) && rmm.inits == 3);
	disturb(1000, false, false);
	CHECK(make(3) == 0 && token->log_seq == 3 && token_good(3) && rmm.inits == 4);
}

static const struct tap_test tests[] = {
	{ "a small token", small_token },
	{ "300 tokens in pieces of random sizes, some of them empty", pieces_at_random },
	{ "a token that ends at the end of a granule", ends_at_granule },
	{ "room for a longer token is allocated, and its size remembered", room_is_remembered },
	{ "a bound above 1 MiB is refused", bound_has_a_bound },
	{ "a token beyond its bound fails, and so does an empty one", never_cut_short },
	{ "wrong lengths are detected", wrong_lengths_detected },
	{ "a token that was lost is retried once", lost_state_retried_once },
	{ "an error keeps its cause", errors_keep_their_cause },
	{ "a fatal signal ends the call soon", signal_stops_soon },
	{ "any allocation may fail", memory_may_fail },
	{ "a token during which others extended a register is made again",
	  token_during_foreign_extension_made_again },
	{ "a token that shows the registers as they were at its start is not made again",
	  extension_meanwhile_needs_no_other_token },
	{ "a token whose registers were sampled late is made again", late_sampling_detected },
	{ "a token that does not show its registers is made again after an extension",
	  registers_not_shown },
	{ "an audit that fails, or always finds a change, makes the call fail", audit_may_fail },
	{ "without ownership of tokens the RMM is not called", others_tokens_left_alone },
};

TAP_MAIN(tests)
