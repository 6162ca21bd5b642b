/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest realm: prints its attestation token as a line of hexadecimal digits, and powers off.
 * Freestanding. The MMU is off, so the addresses of devices have the shared bit of the IPA set.
 */
#include <stdint.h>

#define UART	     ((volatile uint32_t *)0x109000000UL) /* the bench's PL011, shared */
#define UART_FR	     6					  /* index of the flag register */
#define UART_FR_FULL 0x20

#define RSI_TOKEN_INIT	   0xc4000194
#define RSI_TOKEN_CONTINUE 0xc4000195
#define RSI_INCOMPLETE	   3
#define PSCI_SYSTEM_OFF	   0x84000008
#define GRANULE		   4096

void smc(uint64_t x[9]);
_Noreturn void probe(void);

static uint8_t token[GRANULE] __attribute__((aligned(GRANULE)));

static void put(char c)
{
	while (UART[UART_FR] & UART_FR_FULL)
		;
	UART[0] = (uint8_t)c;
}

static void put_text(const char *text)
{
	while (*text)
		put(*text++);
}

static void put_byte(uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	put(digits[byte >> 4]);
	put(digits[byte & 15]);
}

/* Returns the token's size, or 0 on failure. The challenge is all ones. */
static uint64_t token_get(void)
{
	uint64_t x[9] = { RSI_TOKEN_INIT }, size = 0;

	for (int i = 1; i <= 8; i++)
		x[i] = ~0UL;
	smc(x);
	if (x[0])
		return 0;
	do {
		x[0] = RSI_TOKEN_CONTINUE;
		x[1] = (uint64_t)token;
		x[2] = size;
		x[3] = GRANULE - size;
		smc(x);
		size += x[1];
	} while (x[0] == RSI_INCOMPLETE);
	return x[0] ? 0 : size;
}

void probe(void)
{
	uint64_t x[9] = { PSCI_SYSTEM_OFF }, size = token_get();

	put_text("\nTOKEN ");
	for (uint64_t i = 0; i < size; i++)
		put_byte(token[i]);
	put_text("\n");
	for (;;)
		smc(x);
}
