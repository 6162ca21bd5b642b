// SPDX-License-Identifier: Apache-2.0
#include "rim_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "rim_steps.h"
#include "rim_tree.h"

/* The files of a realm while they are measured. */
struct files {
	const struct rim_range *range;
	const struct bytes *tree;
	struct bytes *steps;
	int fd[RIM_FILES]; /* -1: not from a file */
	struct error *e;
	bool failed; /* @e is set */
	_Alignas(8) uint8_t granule[RIM_GRANULE];
};

static int digest(enum hash_algorithm algo, const void *data, size_t size, uint8_t *value)
{
	const EVP_MD *md = EVP_get_digestbyname(hash_by_number(algo)->openssl);

	return md && EVP_Digest(data, size, value, NULL, md, NULL) == 1 ? 0 : -1;
}

/* --- granules --------------------------------------------------------------------------------- */

/* Read @len bytes. Fewer are an error, because the file was longer when it was opened. */
static int piece_read(int fd, void *to, size_t len, uint64_t at, struct error *e)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = pread(fd, (char *)to + got, len - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(e, ERROR_INPUT, "cannot be read");
		if (n == 0)
			return error_set(e, ERROR_INPUT, "became shorter while it was read");
		got += (size_t)n;
	}
	return 0;
}

/* Copy the part of file @which that is in the granule at @ipa. */
static int granule_fill(struct files *files, int which, uint64_t ipa)
{
	const struct rim_range *r = &files->range[which];
	uint64_t from = ipa > r->ipa ? ipa : r->ipa, end = r->ipa + r->size;
	uint64_t to = end < ipa + RIM_GRANULE ? end : ipa + RIM_GRANULE;
	uint8_t *target = files->granule + (from - ipa);

	if (which == RIM_DTB) {
		memcpy(target, files->tree->data + (from - r->ipa), to - from);
		return 0;
	}
	if (piece_read(files->fd[which], target, to - from, from - r->ipa, files->e) == 0)
		return 0;
	return error_add(files->e, "%s", rim_file_names[which]);
}

/* A rim_granule. After an error it returns zeros, and the result is not used. */
static const void *granule_get(void *context, uint64_t ipa)
{
	struct files *files = context;

	memset(files->granule, 0, sizeof(files->granule));
	for (int i = 0; i < RIM_FILES && !files->failed; i++) {
		const struct rim_range *r = &files->range[i];

		if (r->ipa < ipa + RIM_GRANULE && ipa < r->ipa + r->size)
			files->failed = granule_fill(files, i, ipa) < 0;
	}
	return files->granule;
}

static void step_list(void *context, const struct rim *rim, const struct rim_step *step)
{
	struct files *files = context;

	rim_steps_append(files->steps, rim, step);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Open @path, and set @size to its length in bytes. Returns the descriptor, or -1. */
static int rim_file_open(const char *path, uint64_t *size, struct error *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_set_errno(e, ERROR_INPUT, "%s", path);
	if (fstat(fd, &st) < 0)
		error_set_errno(e, ERROR_INPUT, "%s", path);
	else if (!S_ISREG(st.st_mode))
		error_set(e, ERROR_INPUT, "%s: not a regular file", path);
	else if (!st.st_size)
		error_set(e, ERROR_INPUT, "%s: empty", path);
	else {
		*size = (uint64_t)st.st_size;
		return fd;
	}
	close(fd);
	return -1;
}

static int files_open(struct files *files, const struct rim_request *request,
		      struct rim_range *range, struct error *e)
{
	for (int i = RIM_KERNEL; i <= RIM_INITRD; i++) {
		if (!request->file[i])
			continue;
		files->fd[i] = rim_file_open(request->file[i], &range[i].size, e);
		if (files->fd[i] < 0)
			return error_add(e, "%s", rim_file_names[i]);
	}
	return 0;
}

static int image_read(struct rim_image *image, int fd, uint64_t size, const char *path,
		      struct error *e)
{
	uint8_t header[RIM_IMAGE_HEADER];
	size_t len = size < sizeof(header) ? (size_t)size : sizeof(header);

	if (piece_read(fd, header, len, 0, e) < 0 || rim_image_parse(image, header, size, e) < 0)
		return error_add(e, "kernel: %s", path);
	return 0;
}

/* --- the tree --------------------------------------------------------------------------------- */

static int tree_read(struct bytes *tree, struct rim_tree *facts, const struct rim_request *request,
		     struct error *e)
{
	const char *path = request->file[RIM_DTB];

	if (io_read_file(path, RIM_TREE_MAX, tree, e) < 0)
		return error_add(e, "dtb");
	if (rim_tree_read(facts, tree, e) < 0)
		return error_add(e, "dtb: %s", path);
	if (facts->ram_base != request->vmm->ram_base)
		return error_set(e, ERROR_INPUT,
				 "dtb: %s: memory begins at 0x%" PRIx64
				 ", and that of %s at 0x%" PRIx64,
				 path, facts->ram_base, request->vmm->name, request->vmm->ram_base);
	if (facts->has_initrd && !request->file[RIM_INITRD])
		return error_set(e, ERROR_INPUT,
				 "dtb: %s: /chosen names an initramfs; which? (--initrd)", path);
	return 0;
}

/* Compare the initramfs of @bytes with the one that the realm got, by its tree. */
static int initrd_check(const struct rim_tree *facts, uint64_t bytes, struct error *e)
{
	uint64_t loaded = facts->initrd_end - facts->initrd_start;

	if (bytes == loaded)
		return 0;
	return error_set(e, ERROR_INPUT,
			 "initrd: %" PRIu64
			 " bytes, and by the tree of --from-dtb the realm got %" PRIu64
			 ": another file?",
			 bytes, loaded);
}

/* Choose the number of CPUs. Not every VMM can change it in the tree. */
static int cpus_choose(unsigned int *cpus, const struct rim_tree *facts,
		       const struct rim_request *request, struct error *e)
{
	const struct rim_vmm *vmm = request->vmm;

	*cpus = request->cpus ? request->cpus : facts->cpus;
	if (*cpus > vmm->cpus_max)
		return error_set(e, ERROR_INPUT, "%u CPUs: %s has up to %u", *cpus, vmm->name,
				 vmm->cpus_max);
	if (*cpus > facts->cpus || (!vmm->cpus_edit && *cpus != facts->cpus))
		return error_set(
			e, ERROR_INPUT, "dtb: the tree has %u CPUs, not %u (%s)", facts->cpus,
			*cpus,
			vmm->cpus_edit ?
				"there can be fewer" :
				"other nodes depend on it: use the tree of a realm that has them");
	return 0;
}

/* Change the tree of @p into the one that the VMM loads, and set the size of its range. */
static int tree_finish(struct rim_prediction *p, const struct rim_tree *facts,
		       const struct rim_request *request, struct error *e)
{
	const struct rim_vmm *vmm = request->vmm;
	const struct rim_range *initrd = &p->range[RIM_INITRD];
	struct rim_tree_edit edit = {
		.ram_size = p->realm.ram_size,
		.cpus = p->cpus,
		.cmdline = request->cmdline,
		.cmdline_append = vmm->cmdline_append,
		.initrd_start = initrd->size ? initrd->ipa : 0,
		.initrd_end = initrd->size ? initrd->ipa + initrd->size : 0,
	};

	if (!request->from_tree && rim_tree_apply(&p->tree, facts, &edit, e) < 0)
		return error_add(e, "dtb: %s", request->file[RIM_DTB]);
	if (vmm->dtb_size && p->tree.len > vmm->dtb_size)
		return error_set(e, ERROR_INPUT,
				 "dtb: too large: %zu bytes, and %s has room for %" PRIu64,
				 p->tree.len, vmm->name, vmm->dtb_size);
	if (vmm->dtb_size && bytes_resize(&p->tree, vmm->dtb_size, e) < 0)
		return -1;
	p->range[RIM_DTB].size = p->tree.len;
	return 0;
}

/* --- the realm -------------------------------------------------------------------------------- */

static int params_choose(struct rim_realm *realm, const struct rim_request *request,
			 struct error *e)
{
	struct rim_params *params = &realm->params;
	const struct rim_vmm *vmm = request->vmm;
	const uint64_t end = realm->ram_base + realm->ram_size;
	uint64_t half;

	if (vmm->params && request->params)
		return error_set(e, ERROR_USAGE, "--realm-params: those of %s are known",
				 vmm->name);
	if (!vmm->params && !request->params && request->flavour != RIM_RMM_2_0)
		return error_set(e, ERROR_USAGE,
				 "--realm-params: the host decides on those of %s, "
				 "and they are measured: at least num_bps and num_wps are required",
				 vmm->name);
	if (vmm->params || request->params)
		*params = vmm->params ? *vmm->params : *request->params;
	if (!params->s2sz)
		params->s2sz = (uint8_t)vmm->s2sz(realm->ram_size);
	/* RAM is protected, and protected IPAs do not have the highest bit. The IPA width of a VMM
	 * is always large enough. */
	half = (uint64_t)1 << (params->s2sz - 1);
	if (end > half)
		return error_set(e, ERROR_USAGE,
				 "--realm-params: s2sz=%u: RAM ends at 0x%" PRIx64
				 ", and what is protected at 0x%" PRIx64,
				 params->s2sz, end, half);
	return 0;
}

static int realm_prepare(struct rim_prediction *p, struct files *files,
			 const struct rim_request *request, struct error *e)
{
	const struct rim_vmm *vmm = request->vmm;
	struct rim_range *range = p->range;
	struct rim_realm *realm = &p->realm;
	struct rim_image image;
	struct rim_tree facts;
	uint64_t initrd;

	if (files_open(files, request, range, e) < 0 ||
	    image_read(&image, files->fd[RIM_KERNEL], range[RIM_KERNEL].size,
		       request->file[RIM_KERNEL], e) < 0 ||
	    tree_read(&p->tree, &facts, request, e) < 0 ||
	    cpus_choose(&p->cpus, &facts, request, e) < 0 ||
	    (request->from_tree && initrd_check(&facts, range[RIM_INITRD].size, e) < 0))
		return -1;
	initrd = request->from_tree ? facts.initrd_start : 0;
	*realm = (struct rim_realm){
		.flavour = request->flavour,
		.algo = request->hash->number,
		.order = request->order,
		.align = vmm->align,
		.memory = image.memory,
		.ram_base = vmm->ram_base,
		.ram_size = request->ram_size ? request->ram_size : facts.ram_size,
	};
	range[RIM_DTB].size = vmm->dtb_size ? vmm->dtb_size : p->tree.len;
	if (rim_vmm_place(vmm, range, &image, realm->ram_size, initrd, e) < 0 ||
	    params_choose(realm, request, e) < 0 || tree_finish(p, &facts, request, e) < 0)
		return -1;
	realm->entry = range[RIM_KERNEL].ipa;
	realm->x0 = range[RIM_DTB].ipa;
	/* Again, because the size of the tree changed. */
	return rim_vmm_place(vmm, range, &image, realm->ram_size, initrd, e);
}

int rim_files_compute(struct rim_prediction *p, const struct rim_request *request, struct error *e)
{
	struct files files = {
		.range = p->range,
		.tree = &p->tree,
		.steps = &p->steps,
		.fd = { -1, -1, -1 },
		.e = e,
	};
	struct rim_range ranges[RIM_FILES];
	int ret = -1;

	*p = (struct rim_prediction){ .tree = BYTES_INIT, .steps = BYTES_INIT };
	if (realm_prepare(p, &files, request, e) < 0)
		goto out;
	/* Only the ranges that exist; RIM_KERNEL, RIM_INITRD, RIM_DTB are in ascending order. */
	p->realm.range = ranges;
	for (int i = 0; i < RIM_FILES; i++) {
		if (p->range[i].size)
			ranges[p->realm.count++] = p->range[i];
	}
	ret = rim_compute(&p->rim, &p->realm, digest, granule_get,
			  request->explain ? step_list : NULL, &files);
	p->realm.range = NULL;
	if (files.failed)
		ret = -1;
	else if (ret < 0)
		error_set(e, ERROR_SYSTEM, "OpenSSL cannot compute %s", request->hash->name);
	else
		ret = bytes_check(&p->steps, e);
out:
	for (int i = 0; i < RIM_FILES; i++) {
		if (files.fd[i] >= 0)
			close(files.fd[i]);
	}
	return ret;
}

void rim_prediction_free(struct rim_prediction *p)
{
	bytes_free(&p->tree);
	bytes_free(&p->steps);
}
