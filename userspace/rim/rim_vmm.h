/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rim_vmm: where a VMM puts what a realm boots, as far as that is fixed. Pure.
 *
 * The bench's layout is tests/realm's; kvmtool's and QEMU's are those of the Realm VM specification
 * (veraison/cca-realm-measurements, docs/realm-vm.md, version 0.3), direct kernel boot without a
 * measurement log. A host's parameters (RmiRealmParams) are no part of a layout.
 */
#ifndef REALMKEY_RIM_VMM_H
#define REALMKEY_RIM_VMM_H

#include <stdbool.h>

#include "base/error.h"
#include "rim.h"

/* What the header of an arm64 Image says (Linux, Documentation/arch/arm64/booting.rst). */
struct rim_image {
	uint64_t size;		/* of the file */
	uint64_t text_offset;
	uint64_t memory;	/* bytes from its start that the kernel takes, size at least */
};

#define RIM_IMAGE_HEADER 64	/* bytes of the file that rim_image_parse() wants */

/* @header: the first RIM_IMAGE_HEADER bytes of a file of @size bytes, or all if there are fewer. */
int rim_image_parse(struct rim_image *image, const uint8_t *header, uint64_t size,
		    struct error *e);

enum { RIM_KERNEL, RIM_INITRD, RIM_DTB, RIM_FILES };

extern const char *const rim_file_names[RIM_FILES];	/* "kernel", "initrd", "dtb" */

/* One VMM; each row of the table is complete, so that nothing asks for names elsewhere. */
struct rim_vmm {
	const char *name;
	uint64_t ram_base, ram_step, ram_max;	/* bytes */
	unsigned int cpus_max;
	enum rim_algo algo;	/* where nobody asks for another */
	bool cpus_edit;		/* CPUs that the realm does not have are cut off the tree's end */
	bool cmdline_append;	/* what is asked for follows what the tree has, or replaces it */
	uint64_t dtb_size;	/* the tree is loaded with zeros up to here; 0: as it is */
	const struct rim_params *params;	/* as KVM asks for them; NULL: the host's matter */
	unsigned int (*s2sz)(uint64_t ram_size);
	void (*place)(struct rim_range range[RIM_FILES], const struct rim_image *image,
		      uint64_t ram_size);
};

/* The row called @name, or NULL with an ERROR_USAGE that lists them all. */
const struct rim_vmm *rim_vmm_find(const char *name, struct error *e);

/*
 * Fill in where @vmm puts the files.
 * @range: by RIM_KERNEL, RIM_INITRD, RIM_DTB; sizes given (that of the initrd 0: there is none),
 *	IPAs set
 * @ram_size: bytes
 *
 * Returns 0, or -1 with an ERROR_INPUT when @vmm has no such RAM, or a file does not fit.
 */
int rim_vmm_place(const struct rim_vmm *vmm, struct rim_range range[RIM_FILES],
		  const struct rim_image *image, uint64_t ram_size, struct error *e);

#endif
