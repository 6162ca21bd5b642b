/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Realm Services Interface 1.0 (RMM specification 1.0, section B5) in the order and with the
 * answers of TF-RMM. Its defects, and what it has of RSI 1.1, are quirks (quirk.h); without them,
 * registers that a call does not define read as zero.
 */
#ifndef RMM_RSI_H
#define RMM_RSI_H

#include "realm.h"

#define RSI_FID_FIRST	0xc4000190
#define RSI_VERSION_1_0	0x10000
#define RSI_VERSION_1_1	0x10001
#define SMC_UNKNOWN	(~0UL)

enum rsi_status {
	RSI_SUCCESS, RSI_ERROR_INPUT, RSI_ERROR_STATE, RSI_INCOMPLETE, RSI_ERROR_UNKNOWN,
	/* not for the realm: its page is DESTROYED, see rsi_execute(); there is no such command */
	RSI_FAULT = 0x100, RSI_UNKNOWN,
};

/* One RSI command under way. */
struct rsi_call {
	struct realm *realm;
	struct rec *rec;
	uint64_t in[11];	/* x0 to x10 as called */
	uint64_t *x;		/* results; x1 to x3 are zero until a command sets them */
};

/*
 * rsi_execute - execute one RSI command; not locked
 * @x: the caller's x0 to x10; x0 and what the command defines are replaced
 *
 * Returns false if a granule that the command names is not mapped though not EMPTY: @x is then
 * untouched, and the RMM takes a stage 2 abort at the SMC.
 */
bool rsi_execute(struct realm *realm, struct rec *rec, uint64_t *x);

/*
 * rsi_page - translate the granule at a protected @ipa
 *
 * Returns RSI_SUCCESS with its bytes in @page, RSI_ERROR_INPUT when it is EMPTY, or RSI_FAULT.
 */
enum rsi_status rsi_page(struct realm *realm, uint64_t ipa, uint8_t **page);

/* The commands of token.c. */
enum rsi_status token_init(struct rsi_call *call);
enum rsi_status token_continue(struct rsi_call *call);

/*
 * token_answer - what the signer has sent, for whichever operation still waits for it
 * @bytes: the token, or NULL for a refusal; copied
 * @size: over CHANNEL_TOKEN_MAX it is more than the RMM has room for
 */
void token_answer(struct realm *realm, uint16_t rec, uint32_t seq, const void *bytes, uint32_t size);

/* token_fault - how to fail with that operation from here on; and a page to destroy (a test's wish) */
void token_fault(struct realm *realm, uint16_t rec, uint32_t seq, const struct channel_fault *fault);

#endif
