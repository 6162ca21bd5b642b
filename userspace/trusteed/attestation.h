/* SPDX-License-Identifier: Apache-2.0 */
/* attestation: the handlers of POST auth and POST attest. */
#ifndef TRUSTEED_ATTESTATION_H
#define TRUSTEED_ATTESTATION_H

#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

void attestation_auth(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply);
void attestation_attest(struct trustee *t, const struct request *request, const char *rest,
			struct reply *reply);

#endif
