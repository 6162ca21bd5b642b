/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Realm Services Interface 1.0 (RMM specification 1.0, section B5), with the order of checks
 * and the answers of TF-RMM. TF-RMM's defects, and its parts of RSI 1.1, are quirks (quirk.h).
 * Without them, registers that a call does not define are zero.
 */
#ifndef RMM_RSI_H
#define RMM_RSI_H

#include "realm.h"

#define RSI_FID_FIRST	0xc4000190
#define RSI_VERSION_1_0 0x10000
#define RSI_VERSION_1_1 0x10001
#define SMC_UNKNOWN	(~0UL)

enum rsi_status {
	RSI_SUCCESS,
	RSI_ERROR_INPUT,
	RSI_ERROR_STATE,
	RSI_INCOMPLETE,
	RSI_ERROR_UNKNOWN,
	/* Never returned to the realm: a page is DESTROYED (see rsi_execute()); unknown command. */
	RSI_FAULT = 0x100,
	RSI_UNKNOWN,
};

/* An RSI command while it is executed. */
struct rsi_call {
	struct realm *realm;
	struct rec *rec;
	uint64_t in[11]; /* the caller's x0 to x10 */
	uint64_t *x;	 /* the results; x1 to x3 are zero until a command sets them */
};

/*
 * rsi_execute - execute one RSI command; does not take the lock
 * @x: the caller's x0 to x10; x0 and the registers that the command defines are replaced
 *
 * Returns false if a granule that the command names is DESTROYED. Then @x is unchanged, and the
 * caller injects an abort at the SMC.
 */
bool rsi_execute(struct realm *realm, struct rec *rec, uint64_t *x);

/*
 * rsi_page - translate the granule at a protected @ipa
 *
 * Returns RSI_SUCCESS with its bytes in @page, RSI_ERROR_INPUT if it is EMPTY, RSI_FAULT if
 * DESTROYED.
 */
enum rsi_status rsi_page(struct realm *realm, uint64_t ipa, uint8_t **page);

/* rsi_rem_extend - extend REM@index-1 by @size bytes at @value; @index and @size are checked */
void rsi_rem_extend(struct realm *realm, uint64_t index, const void *value, size_t size);

/* The commands that token.c implements. */
enum rsi_status token_init(struct rsi_call *call);
enum rsi_status token_continue(struct rsi_call *call);

/*
 * token_answer - give the signer's answer to the operation that still waits for it, if there is one
 * @bytes: the token, or NULL for a refusal; copied
 * @size: if it exceeds CHANNEL_TOKEN_MAX, the operation fails
 */
void token_answer(struct realm *realm, uint16_t rec, uint32_t seq, const void *bytes,
		  uint32_t size);

/* token_fault - make that operation fail as @fault says, and destroy the page that it names */
void token_fault(struct realm *realm, uint16_t rec, uint32_t seq,
		 const struct channel_fault *fault);

#endif
