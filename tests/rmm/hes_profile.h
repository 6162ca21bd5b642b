/* SPDX-License-Identifier: Apache-2.0 */
/* The generations of CCA tokens that hes can sign, by name; what each claims that others do not. */
#ifndef HES_PROFILE_H
#define HES_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct hes_profile {
	const char *name;
	const char *platform, *realm;	/* claim 265 of either token; NULL: without */
	bool raw_rak;			/* the RAK is a bare point, not a COSE_Key */
	bool client_id;			/* platform claim 2394 */
	bool workload_binding;		/* the RAK's digest is claim 2408, and no claim 10 is there */
	bool instance_id;		/* realm claims 256 and 44243 */
};

/* All there are, in order of age; ends with a null name. */
extern const struct hes_profile hes_profiles[];

#define HES_PROFILE_DEFAULT	1	/* 2023, that of RMM 1.0 */

/* hes_profile_find - the index of the profile @name of @length characters, or -1 */
int hes_profile_find(const char *name, size_t length);

#endif
