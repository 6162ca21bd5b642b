/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 2 tables: protected memory page by page according to RIPAS, shared memory, devices. */
#include "machine.h"
#include "mem.h"

#define ENTRIES	  512
#define RAM_PAGES (LAYOUT_RAM_SIZE / GRANULE)
#define TABLE	  __attribute__((aligned(4096)))

#define DESC_TABLE 3UL
#define DESC_PAGE  3UL
#define DESC_BLOCK 1UL
/* AF, inner shareable, read and write; then normal write-back, or device-nGnRE without execution */
#define DESC_RW	    (1UL << 10 | 3UL << 8 | 3UL << 6)
#define DESC_NORMAL (DESC_RW | 0xfUL << 2)
#define DESC_XN	    (2UL << 53)
#define DESC_DEVICE (DESC_RW | 1UL << 2 | DESC_XN)

static uint64_t root[ENTRIES] TABLE, ram[ENTRIES] TABLE, devices[ENTRIES] TABLE;
static uint64_t ram_pages[RAM_PAGES] TABLE, device_pages[2][ENTRIES] TABLE;
static uint8_t states[RAM_PAGES];
static bool stale; /* a TLB may still have translations that were removed */

static uint64_t table(const uint64_t *next)
{
	return (uint64_t)next | DESC_TABLE;
}

void *s2_page(uint64_t ipa)
{
	return (void *)(ipa + LAYOUT_PA_OFFSET);
}

/* A change never preserves content: a page is zeroed whenever it becomes RAM. */
void s2_changed(uint64_t ipa, enum ripas to)
{
	uint64_t *entry = &ram_pages[(ipa - LAYOUT_RAM_BASE) / GRANULE];

	stale |= *entry != 0;
	*entry = 0;
	if (to != RIPAS_RAM)
		return;
	memset(s2_page(ipa), 0, GRANULE);
	*entry = (uint64_t)s2_page(ipa) | DESC_NORMAL | DESC_PAGE;
}

void s2_sync(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
	if (stale)
		__asm__ volatile("tlbi vmalls12e1is; dsb sy" : : : "memory");
	stale = false;
	isb();
}

static void memory_init(struct realm *realm, uint64_t ram_size)
{
	root[LAYOUT_RAM_BASE >> 30] = table(ram);
	for (uint64_t i = 0; i < ram_size >> 21; i++)
		ram[i] = table(&ram_pages[i * ENTRIES]);
	for (uint64_t i = 0; i < ram_size / GRANULE; i++) {
		uint64_t page = (uint64_t)s2_page(LAYOUT_RAM_BASE + i * GRANULE);

		ram_pages[i] = page | DESC_NORMAL | DESC_PAGE;
		states[i] = RIPAS_RAM;
	}
	root[(IPA_SHARED | LAYOUT_RAM_BASE) >> 30] = IPA_SHARED | LAYOUT_RAM_BASE | DESC_NORMAL |
						     DESC_XN | DESC_BLOCK;
	realm->ripas.base = LAYOUT_RAM_BASE;
	realm->ripas.size = ram_size;
	realm->ripas.state = states;
}

static void device_map(uint64_t *pages, uint64_t base, uint64_t size)
{
	devices[base >> 21] = table(pages);
	for (uint64_t pa = base; pa < base + size; pa += GRANULE)
		pages[pa >> 12 & (ENTRIES - 1)] = pa | DESC_DEVICE | DESC_PAGE;
}

uint64_t s2_init(struct realm *realm, uint64_t ram_size)
{
	memory_init(realm, ram_size);
	root[IPA_SHARED >> 30] = table(devices);
	for (uint64_t pa = GIC_BASE; pa < GIC_BASE + GIC_SIZE; pa += 1UL << 21)
		devices[pa >> 21] = pa | DESC_DEVICE | DESC_BLOCK;
	device_map(device_pages[0], UART0, GRANULE);
	device_map(device_pages[0], RTC, GRANULE);
	device_map(device_pages[1], VIRTIO_BASE, VIRTIO_SIZE);
	return (uint64_t)root;
}
