/* SPDX-License-Identifier: Apache-2.0 */
/* rim_files: the RIM of a realm that has not booted yet, from the files that it will boot. Only
 * this file of the folder reads files. */
#ifndef REALMKEY_RIM_FILES_H
#define REALMKEY_RIM_FILES_H

#include "base/bytes.h"
#include "base/error.h"
#include "rim_vmm.h"

struct rim_request {
	const struct rim_vmm *vmm;
	enum rim_flavour flavour;
	const struct hash *hash;
	const char *file[RIM_FILES]; /* paths; that of the initrd may be NULL */
	bool from_tree;		     /* the tree is the one of the realm: nothing is changed in it,
					  * and it says where the initramfs is */
	bool explain;		     /* list the steps */
	enum rim_order order;
	const char *cmdline;		 /* NULL: bootargs stay as they are in the tree */
	uint64_t ram_size;		 /* bytes; 0: the size in the tree */
	unsigned int cpus;		 /* 0: the number in the tree */
	const struct rim_params *params; /* if vmm->params is NULL; s2sz 0: the VMM's */
};

struct rim_prediction {
	struct rim rim;
	struct rim_realm realm;		   /* its ranges are not set */
	struct rim_range range[RIM_FILES]; /* by RIM_KERNEL, ...; size 0: none */
	unsigned int cpus;
	struct bytes tree;  /* the device tree as it was measured */
	struct bytes steps; /* the list of rim_steps.h */
};

/*
 * Compute the RIM. Only the tree is held in memory; the other files are read granule by granule.
 * Returns 0, or -1 with an error that names the file, or what is missing. The caller releases
 * @prediction in all cases.
 */
int rim_files_compute(struct rim_prediction *prediction, const struct rim_request *request,
		      struct error *e);

void rim_prediction_free(struct rim_prediction *prediction);

#endif
