/* SPDX-License-Identifier: Apache-2.0 */
/* The netlink family cca-rsi, for the tests */
#ifndef CLIENT_H
#define CLIENT_H

#include <linux/cca_rsi_netlink.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No attribute set of the family has more attributes than this. */
#define CLIENT_ATTRS 16

struct client {
	struct nl_sock *sock;
	int family;
	char message[128]; /* the kernel's message for the last error, "" if none */
	uint32_t offset;   /* of the attribute in the request that it is about, 0 if none */
};

/* Called for each answer with its attributes by type; returns false if they are not as expected. */
typedef bool client_answer(struct nlattr **attrs, void *context);

/*
 * Connects; false if the family does not exist here. The caller may call client_close() in any
 * case.
 */
bool client_open(struct client *client);
void client_close(struct client *client);

/*
 * Makes a request for @cmd; @flags is NLM_F_DUMP or 0. The caller adds attributes, then calls
 * client_call().
 */
struct nl_msg *client_request(const struct client *client, uint8_t cmd, int flags);

/*
 * Sends @request and frees it, then receives all answers. Returns 0, or -1 and errno, which is
 * EBADMSG if
 * @answer (may be NULL) returned false for one of them.
 */
int client_call(struct client *client, struct nl_msg *request, client_answer *answer,
		void *context);

/*
 * token-get: @challenge may have any size, @token has room for TOKEN_ROOM bytes. Returns as
 * client_call() does.
 */
int client_token(struct client *client, const uint8_t *challenge, size_t challenge_size,
		 uint8_t *token, size_t *size);

#endif /* CLIENT_H */
