/* SPDX-License-Identifier: Apache-2.0 */
/* evidence: from the body of POST attest to verified evidence: form, signatures, binding, freshness, life
 * cycle. All of it is in C, and needs no other process. */
#ifndef TRUSTEED_EVIDENCE_H
#define TRUSTEED_EVIDENCE_H

#include "base/bytes.h"
#include "base/error.h"
#include "judging.h"
#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

/*
 * Verify the evidence in the body of @request for @handshake, and add its submods to @judging. The first one
 * is that of the CPU. The text of the init-data, which was found to be bound to the realm, is appended to
 * @init_data; its claims are null in the submod, until the caller knows them. @reply gets notes for the log.
 */
int evidence_verify(struct trustee *t, const struct request *request,
		    const struct kbs_handshake *handshake, struct judging *judging,
		    struct bytes *init_data, struct reply *reply, struct error *e);

/* Check that all trust anchors that were there when the client got its nonce, which is in the claims @evidence of a
 * verified EAR, still are, and that none was revoked: the EAR does not say which of them verified the evidence.
 * ERROR_ATTESTATION, also for a nonce of before a restart. Call this only with --recheck. */
int evidence_still_trusted(struct trustee *t, const json_t *evidence, struct reply *reply,
			   struct error *e);

#endif
