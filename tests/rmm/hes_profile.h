/* SPDX-License-Identifier: Apache-2.0 */
/* The generations of CCA tokens that hes can sign, each with a name and with its own claims. */
#ifndef HES_PROFILE_H
#define HES_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct hes_profile {
	const char *name;
	const char *platform, *realm; /* claim 265 of each token; NULL: it has none */
	bool raw_rak;		      /* the RAK is a bare point instead of a COSE_Key */
	bool client_id;		      /* has platform claim 2394 */
	bool workload_binding;	      /* the RAK's digest is claim 2408 instead of claim 10 */
	bool instance_id;	      /* has realm claims 256 and 44243 */
};

/* In order of age. The last entry has a null name. */
extern const struct hes_profile hes_profiles[];

#define HES_PROFILE_DEFAULT 1 /* 2023, the profile of RMM 1.0 */

/* hes_profile_find - returns the index of the profile @name of @length characters, or -1 */
int hes_profile_find(const char *name, size_t length);

#endif
