/* SPDX-License-Identifier: Apache-2.0 */
#include "uart.h"

#include <stdarg.h>

#include "machine.h"

#define UARTDR	       0x00
#define UARTFR	       0x18
#define UARTLCR_H      0x2c
#define UARTCR	       0x30
#define FR_RXFE	       (1U << 4)
#define FR_TXFF	       (1U << 5)
#define FR_RXFF	       (1U << 6)
#define LCR_H_8N1_FIFO 0x70
#define CR_ENABLE      0x301

static volatile uint32_t *reg(uint64_t base, uint64_t offset)
{
	return (volatile uint32_t *)(base + offset);
}

void uart_init(uint64_t base)
{
	*reg(base, UARTLCR_H) = LCR_H_8N1_FIFO;
	*reg(base, UARTCR) = CR_ENABLE;
}

void uart_put(uint64_t base, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	while (size--) {
		while (*reg(base, UARTFR) & FR_TXFF)
			;
		*reg(base, UARTDR) = *p++;
	}
}

size_t uart_get(uint64_t base, uint8_t bytes[UART_FIFO])
{
	bool full = *reg(base, UARTFR) & FR_RXFF;
	size_t size = 0;

	while (size < UART_FIFO && (full || !(*reg(base, UARTFR) & FR_RXFE)))
		bytes[size++] = (uint8_t)*reg(base, UARTDR);
	return size;
}

static void put_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			uart_put(UART0, "\r", 1);
		uart_put(UART0, s, 1);
	}
}

static void put_number(uint64_t n, uint64_t base)
{
	char text[21], *p = &text[20];

	*p = 0;
	do {
		*--p = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	put_text(p);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			put_text((char[]){ *p, 0 });
		} else if (*++p == 's') {
			put_text(va_arg(args, const char *));
		} else if (*p == 'l') {
			put_number(va_arg(args, uint64_t), *++p == 'x' ? 16 : 10);
		}
	}
	va_end(args);
}
