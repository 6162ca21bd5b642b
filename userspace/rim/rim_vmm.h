/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rim_vmm: where each VMM puts what a realm boots. This file does no I/O.
 *
 * The layout of the bench is that of tests/realm. The layouts of kvmtool and QEMU are those of the
 * Realm VM specification (veraison/cca-realm-measurements, docs/realm-vm.md, version 0.3) for
 * direct kernel boot without a measurement log. The parameters of the host (RmiRealmParams) are not
 * a part of the layout. Branches of kvmtool that do not follow the specification have rows of their
 * own.
 */
#ifndef REALMKEY_RIM_VMM_H
#define REALMKEY_RIM_VMM_H

#include <stdbool.h>

#include "base/error.h"
#include "rim_realm.h"

/* What the header of an arm64 Image says (Linux, Documentation/arch/arm64/booting.rst). */
struct rim_image {
	uint64_t size; /* of the file */
	uint64_t text_offset;
	uint64_t memory; /* bytes that the kernel uses from its start, at least @size */
};

#define RIM_IMAGE_HEADER 64 /* bytes of the file that rim_image_parse() requires */

/* Read the @header, the first RIM_IMAGE_HEADER bytes of a file of @size bytes, or the whole file if
 * it is shorter. ERROR_INPUT. */
int rim_image_parse(struct rim_image *image, const uint8_t *header, uint64_t size, struct error *e);

enum { RIM_KERNEL, RIM_INITRD, RIM_DTB, RIM_FILES };

extern const char *const rim_file_names[RIM_FILES]; /* "kernel", "initrd", "dtb" */

/* One VMM. Everything that is particular to it is in its row, so no other code asks for its
 * name. */
struct rim_vmm {
	const char *name;
	uint64_t ram_base, ram_step, ram_max; /* bytes */
	unsigned int cpus_max;
	enum hash_algorithm algo; /* the default */
	bool cpus_edit;		  /* CPUs that the realm does not have are removed from the tree */
	bool cmdline_append;	  /* the VMM's command line is appended to that of the tree */
	enum rim_order order;	  /* the default */
	uint64_t align;		  /* files are loaded in blocks of it */
	uint64_t dtb_size;	  /* the tree is loaded with zeros up to this size; 0: as it is */
	const struct rim_params *params; /* NULL: they depend on the host */
	unsigned int (*s2sz)(uint64_t ram_size);
	void (*place)(struct rim_range range[RIM_FILES], const struct rim_image *image,
		      uint64_t ram_size, uint64_t initrd); /* as rim_vmm_place() */
};

/* The VMM with this name, or NULL with an ERROR_USAGE that lists all names. The result is static. */
const struct rim_vmm *rim_vmm_find(const char *name, struct error *e);

/*
 * Set the IPAs at which @vmm puts the files.
 * @range: by RIM_KERNEL, RIM_INITRD, RIM_DTB; their sizes are set, that of the initrd is 0 if there
 *	is none
 * @ram_size: bytes
 * @initrd: the IPA at which it has put the initrd, if that is known; 0: where it would put it
 *
 * Returns 0, or -1 with an ERROR_INPUT if @vmm does not support that size, or a file does not fit.
 */
int rim_vmm_place(const struct rim_vmm *vmm, struct rim_range range[RIM_FILES],
		  const struct rim_image *image, uint64_t ram_size, uint64_t initrd,
		  struct error *e);

#endif
