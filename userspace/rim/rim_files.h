/* SPDX-License-Identifier: Apache-2.0 */
/* rim_files: the RIM of a realm that has not booted yet, from the files that it will boot. */
#ifndef REALMKEY_RIM_FILES_H
#define REALMKEY_RIM_FILES_H

#include "base/bytes.h"
#include "base/error.h"
#include "rim_vmm.h"

struct rim_request {
	const struct rim_vmm *vmm;
	enum rim_flavour flavour;
	enum rim_algo algo;
	const char *file[RIM_FILES];	/* paths; that of the initrd may be NULL */
	const char *cmdline;		/* NULL: as the tree has it */
	uint64_t ram_size;		/* bytes; 0: as the tree has it */
	unsigned int cpus;		/* 0: as many as the tree has */
	const struct rim_params *params;	/* where the VMM's are the host's matter; s2sz 0: its own */
};

struct rim_prediction {
	struct rim rim;
	struct rim_realm realm;		/* without its ranges */
	struct rim_range range[RIM_FILES];	/* by RIM_KERNEL, RIM_INITRD, RIM_DTB; size 0: none */
	unsigned int cpus;
	struct bytes tree;		/* the device tree as it was measured */
};

/*
 * Compute the RIM. Files are read piece by piece and never held whole, but for the tree. Returns 0,
 * or -1 with an error that names the file or what is missing; rim_prediction_free() in both cases.
 */
int rim_files_compute(struct rim_prediction *prediction, const struct rim_request *request,
		      struct error *e);

void rim_prediction_free(struct rim_prediction *prediction);

#endif
