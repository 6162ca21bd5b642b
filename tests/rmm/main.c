/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to the realm: check the layout page, measure what was loaded, enter the realm. */
#include "machine.h"
#include "measure.h"
#include "mem.h"
#include "rsi.h"
#include "uart.h"

static const struct realm_ops ops = {
	.page = s2_page,
	.ripas_changed = s2_changed,
	.ripas_sync = s2_sync,
	.token_send = signer_send,
	.token_poll = signer_poll,
	.now = cpu_ms,
};

struct realm the_realm = { .ops = &ops, .ipa_bits = IPA_BITS };
static uint64_t stage2;

/* start.S calls this on each CPU. */
void main_cpu(uint64_t index, struct cpu_regs *regs);

void *memset(void *to, int byte, size_t size)
{
	uint64_t word = (uint8_t)byte * 0x0101010101010101UL;
	uint8_t *p = to;

	for (; size >= 8 && !((uint64_t)p % 8); size -= 8, p += 8)
		*(uint64_t *)p = word;
	while (size--)
		*p++ = (uint8_t)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	const uint8_t *q = from;
	uint8_t *p = to;

	while (size--)
		*p++ = *q++;
	return to;
}

static const struct layout *layout_get(void)
{
	const struct layout *layout = (const struct layout *)LAYOUT_PA;
	const char *fault = layout_check(layout);

	if (!fault)
		return layout;
	print("rmm: layout page at 0x%lx: %s\nrmm: power off\n", LAYOUT_PA, fault);
	psci_power_off();
}

static void print_digest(const char *before, const uint8_t *digest, size_t size)
{
	print("%s", before);
	for (size_t i = 0; i < size; i++)
		print("%lx%lx", (uint64_t)digest[i] >> 4, (uint64_t)digest[i] & 15);
}

/* One line for `realmkey rim --diff`. */
static void print_step(void *context, const struct rim *rim, const struct rim_step *step)
{
	(void)context;
	print("step %s", step->what);
	for (size_t i = 0; i < step->count; i++)
		print(" %s=0x%lx", step->name[i], step->number[i]);
	if (step->content)
		print_digest(" content=", step->content, hash_size(rim->algo));
	print_digest(" rim=", rim->value, hash_size(rim->algo));
	print("\n");
}

static void measure(const struct layout *layout)
{
	uint64_t start = cpu_ms(), size = 0;
	struct rim rim;

	measure_layout(&rim, layout, s2_page, layout->quirks & QUIRK_RIM_STEPS ? print_step : NULL);
	memcpy(the_realm.measurement[0], rim.value, sizeof(rim.value));
	for (uint32_t i = 0; i < layout->count; i++)
		size += layout->range[i].size;
	print("rmm: %lu KiB measured in %lu ms, RIM %s", size >> 10, cpu_ms() - start,
	      hash_name(rim.algo));
	print_digest(" ", rim.value, hash_size(rim.algo));
	print("\n");
}

static void realm_init(const struct layout *layout)
{
	the_realm.hash_algo = (enum hash_algorithm)layout->hash_algo;
	the_realm.vcpus = layout->vcpus;
	the_realm.quirks = layout->quirks;
	/* An answer to a request from before a reset must not match a new one. */
	the_realm.seq = (uint32_t)read_sysreg(cntpct_el0);
	memcpy(the_realm.rpv, layout->rpv, sizeof(the_realm.rpv));
	for (uint16_t i = 0; i < REC_MAX; i++)
		the_realm.rec[i].index = i;
	for (uint32_t i = 0; i < LAYOUT_MAX_EXTENDS && layout->extend[i].index; i++)
		rsi_rem_extend(&the_realm, layout->extend[i].index, layout->extend[i].digest,
			       hash_size(the_realm.hash_algo));
	psci_boot_set(0, layout->entry_ipa, layout->dtb_ipa);
}

static void machine_init(void)
{
	const struct layout *layout;

	uart_init(UART0);
	uart_init(UART1);
	print("rmm: test RMM for development and tests: IT PROTECTS NOTHING\n");
	layout = layout_get();
	measure(layout);
	realm_init(layout);
	stage2 = s2_init(&the_realm, layout->ram_size);
	print("rmm: starting the realm, %lu vCPUs, %lu ms after power on\n",
	      (uint64_t)the_realm.vcpus, cpu_ms());
}

void main_cpu(uint64_t index, struct cpu_regs *regs)
{
	if (index == 0 && !stage2)
		machine_init();
	cpu_setup(stage2);
	the_realm.gicv3_vtr = cpu_gicv3_vtr(); /* the same on all CPUs */
	psci_start(index, regs);
}
