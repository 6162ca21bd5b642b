/* SPDX-License-Identifier: Apache-2.0 */
/* The RMM's end of the channel: it sends requests on UART1 and passes answers to their RECs. */
#include "channel.h"
#include "machine.h"
#include "rsi.h"
#include "uart.h"

#define PAUSE 50000 /* iterations of an empty loop: tens of microseconds under TCG */

void signer_send(const struct rec *rec)
{
	const struct token *t = &rec->token;
	struct channel_header header = channel_header_make(CHANNEL_TOKEN_REQUEST, rec->index,
							   t->seq, &t->request, sizeof(t->request));

	uart_put(UART1, &header, sizeof(header));
	uart_put(UART1, &t->request, sizeof(t->request));
}

static void frame_take(struct realm *realm, const struct channel_reader *reader)
{
	const struct channel_header *h = &reader->header;

	if (h->type == CHANNEL_TOKEN)
		token_answer(realm, h->rec, h->seq, reader->payload, h->size);
	else if (h->type == CHANNEL_REFUSAL)
		token_answer(realm, h->rec, h->seq, 0, 0);
	else if (h->type == CHANNEL_FAULT && h->size == sizeof(struct channel_fault))
		token_fault(realm, h->rec, h->seq, (const void *)reader->payload);
}

/*
 * Reads what has arrived, at most a full FIFO. It does not wait for more, as the realm calls again.
 * The pause lets QEMU fill the FIFO; without it, QEMU wakes up for every single byte that is read.
 */
void signer_poll(struct realm *realm)
{
	static struct channel_reader reader;
	uint8_t bytes[UART_FIFO];
	size_t size;

	for (unsigned int i = 0; i < PAUSE; i++)
		__asm__ volatile("");
	size = uart_get(UART1, bytes);
	channel_look(&reader, cpu_ms(), size);
	for (size_t i = 0; i < size; i++) {
		if (channel_feed(&reader, bytes[i]) == CHANNEL_FRAME)
			frame_take(realm, &reader);
	}
}
