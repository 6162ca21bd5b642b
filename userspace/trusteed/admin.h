/* SPDX-License-Identifier: Apache-2.0 */
/* admin: the handlers of reference-value and ear-key, and of what is public of EARs: the JWK set and
 * where it is. */
#ifndef TRUSTEED_ADMIN_H
#define TRUSTEED_ADMIN_H

#include "trustee.h"
#include "trusteed/http/reply.h"
#include "trusteed/http/request.h"

/* All of them: kbs-client of December 2025 asks for no name. */
void admin_reference_list(struct trustee *t, const struct request *request, const char *rest,
			  struct reply *reply);
void admin_reference_get(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply);
void admin_reference_set(struct trustee *t, const struct request *request, const char *rest,
			 struct reply *reply);
/* A new key for EARs. That of POST keeps those before it until their EARs have expired, that of DELETE drops them. */
void admin_ear_key_rotate(struct trustee *t, const struct request *request, const char *rest,
			  struct reply *reply);
void admin_ear_key_withdraw(struct trustee *t, const struct request *request, const char *rest,
			    struct reply *reply);
void admin_jwks_get(struct trustee *t, const struct request *request, const char *rest,
		    struct reply *reply);
void admin_openid_get(struct trustee *t, const struct request *request, const char *rest,
		      struct reply *reply);

#endif
