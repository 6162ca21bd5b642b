/* SPDX-License-Identifier: Apache-2.0 */
/* The RMM's end of the channel: requests out of UART1, answers in, matched to their RECs. */
#include "channel.h"
#include "machine.h"
#include "rsi.h"
#include "uart.h"

void signer_init(void)
{
	uart_init(UART1);
}

void signer_send(const struct rec *rec)
{
	const struct token *t = &rec->token;
	struct channel_header header = channel_header_make(CHANNEL_TOKEN_REQUEST, rec->index, t->seq,
							   &t->request, sizeof(t->request));

	uart_put(UART1, &header, sizeof(header));
	uart_put(UART1, &t->request, sizeof(t->request));
}

/* Takes what has arrived and never waits: the realm calls again. */
void signer_poll(struct realm *realm)
{
	static struct channel_reader reader;
	const struct channel_header *h = &reader.header;
	uint8_t byte;

	while (uart_get(UART1, &byte)) {
		if (channel_feed(&reader, byte) != CHANNEL_FRAME)
			continue;
		if (h->type == CHANNEL_TOKEN)
			token_answer(realm, h->rec, h->seq, reader.payload, h->size);
		else if (h->type == CHANNEL_REFUSAL)
			token_answer(realm, h->rec, h->seq, 0, 0);
	}
}
