/* SPDX-License-Identifier: Apache-2.0 */
/* The PL011 in polled mode, and the RMM's console: lines on UART0, which the realm uses as well. */
#ifndef RMM_UART_H
#define RMM_UART_H

#include <stddef.h>
#include <stdint.h>

/* uart_init - enable the PL011 at @base, with FIFOs, to transmit and receive */
void uart_init(uint64_t base);

/* uart_put - send @size bytes; waits while the FIFO is full */
void uart_put(uint64_t base, const void *bytes, size_t size);

#define UART_FIFO 16

/* uart_get - read all bytes in the receive FIFO; returns their number */
size_t uart_get(uint64_t base, uint8_t bytes[UART_FIFO]);

/* print - print on the console; supports %s, %lu and %lx, and sends "\r\n" for "\n" */
__attribute__((format(printf, 1, 2))) void print(const char *format, ...);

#endif
