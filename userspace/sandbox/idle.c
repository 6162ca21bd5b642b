// SPDX-License-Identifier: Apache-2.0
#include "idle.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Of a segment that is never written. The one that the loader writes and then protects is not among
 * them. */
static void segment_release(const struct dl_phdr_info *object, const ElfW(Phdr) * segment,
			    size_t page)
{
	uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
	uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;

	/* Before 5.18, locked pages stay. */
	if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED_LOCKED);
}

static int object_release(struct dl_phdr_info *object, size_t size, void *page)
{
	(void)size;
	if (!strncmp(object->dlpi_name, "linux-vdso", 10)) /* the kernel's pages */
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++)
		segment_release(object, &object->dlpi_phdr[i], *(size_t *)page);
	return 0;
}

void idle_release(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(object_release, &page);
}
