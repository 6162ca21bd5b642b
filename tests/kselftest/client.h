/* SPDX-License-Identifier: Apache-2.0 */
/* The netlink family cca-rsi as the tests use it. */
#ifndef CLIENT_H
#define CLIENT_H

#include <linux/cca_rsi_netlink.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most attributes any of the family's sets has. */
#define CLIENT_ATTRS 16

struct client {
	struct nl_sock *sock;
	int family;
	char message[128];	/* the kernel's words on the last error, "" if none */
	uint32_t offset;	/* in the request, of the attribute that they are about; 0: none */
};

/* Called for each answer with its attributes by type; false: not as expected. */
typedef bool client_answer(struct nlattr **attrs, void *context);

/* Connects; false if there is no such family here. client_close() may follow in any case. */
bool client_open(struct client *client);
void client_close(struct client *client);

/* A request for @cmd, @flags NLM_F_DUMP or 0; the caller adds attributes and passes it on. */
struct nl_msg *client_request(const struct client *client, uint8_t cmd, int flags);

/*
 * Sends @request (and frees it), then takes the answers until the kernel says that was all. As a
 * system call: 0, or -1 and errno. EBADMSG if @answer (may be NULL) refused one.
 */
int client_call(struct client *client, struct nl_msg *request, client_answer *answer, void *context);

/* token-get: @challenge may have any size. TOKEN_ROOM bytes of room at @token. As client_call(). */
int client_token(struct client *client, const uint8_t *challenge, size_t challenge_size, uint8_t *token,
		 size_t *size);

#endif /* CLIENT_H */
