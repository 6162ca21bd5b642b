/* SPDX-License-Identifier: Apache-2.0 */
/* PL011, polled; and the console: lines on UART0, which the realm uses as well. */
#ifndef RMM_UART_H
#define RMM_UART_H

#include <stddef.h>
#include <stdint.h>

/* uart_init - turn on the PL011 at @base: FIFOs, transmit and receive */
void uart_init(uint64_t base);

/* uart_put - send @size bytes, waiting for room */
void uart_put(uint64_t base, const void *bytes, size_t size);

#define UART_FIFO	16

/* uart_get - take what the receive FIFO holds; returns how many bytes */
size_t uart_get(uint64_t base, uint8_t bytes[UART_FIFO]);

/* print - formatted text on the console; knows %s, %lu and %lx, and sends "\r\n" for "\n" */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

#endif
