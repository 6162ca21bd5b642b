/* SPDX-License-Identifier: Apache-2.0 */
/* The realm's state, and what the logic (rsi.c, token.c) needs from the machine that it runs on. */
#ifndef RMM_REALM_H
#define RMM_REALM_H

#include "channel.h"
#include "hash.h"
#include "layout.h"
#include "quirk.h"
#include "ripas.h"

#define REC_MAX		   LAYOUT_MAX_VCPUS
#define REALM_MEASUREMENTS 5 /* RIM, REM0 to REM3 */

/* One attestation token operation: INIT freezes the claims, CONTINUE hands out the token. */
struct token {
	enum { TOKEN_IDLE, TOKEN_WAITING, TOKEN_READY, TOKEN_REFUSED, TOKEN_OVERSIZE } state;
	uint32_t seq;
	bool begun;	/* CONTINUE has been called, so @since and @sent are valid */
	uint64_t since; /* ms; when the realm began to wait */
	uint64_t sent;	/* ms; when the request was last sent */
	struct channel_request request;
	struct channel_fault fault;
	uint32_t size, copied; /* bytes */
	uint8_t bytes[CHANNEL_TOKEN_MAX];
};

struct rec {
	uint16_t index;
	struct token token;
};

struct realm;

/* The machine: QEMU's in the RMM, a fake one in tests on the host. */
struct realm_ops {
	void *(*page)(uint64_t ipa); /* returns the bytes of a granule that is RAM */
	void (*ripas_changed)(uint64_t ipa, enum ripas to);
	void (*ripas_sync)(void); /* after the last change of a call */
	void (*token_send)(const struct rec *rec);
	void (*token_poll)(struct realm *realm); /* calls token_answer() for what came */
	uint64_t (*now)(void);			 /* ms, monotonic */
};

struct realm {
	const struct realm_ops *ops;
	enum hash_algorithm hash_algo;
	unsigned int ipa_bits; /* the top bit selects the shared half */
	unsigned int vcpus;
	uint32_t quirks;    /* a set of enum quirk */
	uint32_t gicv3_vtr; /* ICH_VTR_EL2, for QUIRK_GICV3_VTR */
	uint32_t seq;	    /* of the last token request */
	uint64_t heard;	    /* ms; when the signer last answered a request of any REC */
	uint8_t rpv[64];
	uint8_t measurement[REALM_MEASUREMENTS][HASH_SIZE_MAX];
	uint8_t before[REALM_MEASUREMENTS - 1][HASH_SIZE_MAX]; /* REMs before the last extension */
	struct ripas_map ripas;
	struct rec rec[REC_MAX];
};

/* realm_is_protected - is [@ipa, @top) a range in the protected half? */
static inline bool realm_is_protected(const struct realm *realm, uint64_t ipa, uint64_t top)
{
	return ipa < top && top <= 1UL << (realm->ipa_bits - 1);
}

#endif
