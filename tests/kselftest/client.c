// SPDX-License-Identifier: Apache-2.0
#include "client.h"
#include "device.h"
#include "tap.h"

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct exchange {
	struct client *client;
	client_answer *answer;
	void *context;
	int error; /* errno's value */
	bool refused;
	bool over;
};

bool client_open(struct client *client)
{
	int one = 1;

	memset(client, 0, sizeof(*client));
	client->sock = nl_socket_alloc();
	if (!client->sock || genl_connect(client->sock))
		tap_bail("cannot open a netlink socket");
	nl_socket_disable_seq_check(client->sock);
	setsockopt(nl_socket_get_fd(client->sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(client->sock), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	client->family = genl_ctrl_resolve(client->sock, CCA_RSI_FAMILY_NAME);
	return client->family >= 0;
}

void client_close(struct client *client)
{
	nl_socket_free(client->sock);
	client->sock = NULL;
}

struct nl_msg *client_request(const struct client *client, uint8_t cmd, int flags)
{
	struct nl_msg *request = nlmsg_alloc_size(16384);

	if (!request ||
	    !genlmsg_put(request, NL_AUTO_PORT, NL_AUTO_SEQ, client->family, 0,
			 NLM_F_REQUEST | NLM_F_ACK | flags, cmd, CCA_RSI_FAMILY_VERSION))
		tap_bail("cannot make a netlink message");
	return request;
}

static int on_valid(struct nl_msg *msg, void *context)
{
	struct nlattr *attrs[CLIENT_ATTRS + 1];
	struct exchange *exchange = context;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, CLIENT_ATTRS, NULL) ||
	    (exchange->answer && !exchange->answer(attrs, exchange->context)))
		exchange->refused = true;
	return NL_OK;
}

/* A dump that fails after its start ends like a complete one, except for an error in its end. */
static int on_over(struct nl_msg *msg, void *context)
{
	struct exchange *exchange = context;
	int error = 0;

	if (nlmsg_hdr(msg)->nlmsg_type == NLMSG_DONE &&
	    nlmsg_datalen(nlmsg_hdr(msg)) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(nlmsg_hdr(msg)), sizeof(error));
	if (error < 0)
		exchange->error = -error;
	exchange->over = true;
	return NL_STOP;
}

/* The kernel's message follows @error directly, because NETLINK_CAP_ACK removes the request. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *context)
{
	struct nlmsghdr *head = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct exchange *exchange = context;
	struct nlattr *text = NULL, *offset = NULL;

	(void)from;
	exchange->error = -error->error;
	exchange->over = true;
	if (head->nlmsg_flags & NLM_F_ACK_TLVS) {
		text = nlmsg_find_attr(head, sizeof(*error), NLMSGERR_ATTR_MSG);
		offset = nlmsg_find_attr(head, sizeof(*error), NLMSGERR_ATTR_OFFS);
	}
	if (offset)
		exchange->client->offset = nla_get_u32(offset);
	if (text)
		snprintf(exchange->client->message, sizeof(exchange->client->message), "%s",
			 nla_get_string(text));
	return NL_STOP;
}

static struct nl_cb *callbacks(struct exchange *exchange)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		tap_bail("cannot allocate netlink callbacks");
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, exchange);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_over, exchange);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_over, exchange);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, exchange);
	return cb;
}

int client_call(struct client *client, struct nl_msg *request, client_answer *answer, void *context)
{
	struct exchange exchange = { .client = client, .answer = answer, .context = context };
	struct nl_cb *cb = callbacks(&exchange);
	int ret = nl_send_auto(client->sock, request);

	client->message[0] = '\0';
	client->offset = 0;
	nlmsg_free(request);
	while (ret >= 0 && !exchange.over)
		ret = nl_recvmsgs(client->sock, cb);
	nl_cb_put(cb);
	if (ret < 0 && !exchange.error) {
		tap_note("netlink: %s", nl_geterror(ret));
		exchange.error = EPROTO;
	} else if (exchange.refused) {
		exchange.error = EBADMSG;
	}
	errno = exchange.error;
	return exchange.error ? -1 : 0;
}

struct token_room {
	uint8_t *token;
	size_t used;
	size_t size;
};

/* Appends a chunk, if it follows the last one without a gap and has the same size of the token. */
static bool chunk_append(struct nlattr **attrs, void *context)
{
	struct nlattr *chunk = attrs[CCA_RSI_A_TOKEN_CHUNK];
	struct token_room *room = context;

	/* The request has been accepted, and the token is yet to be made. */
	if (!chunk && !attrs[CCA_RSI_A_TOKEN_SIZE] && !room->used)
		return true;
	if (!chunk || !attrs[CCA_RSI_A_TOKEN_SIZE] || !attrs[CCA_RSI_A_TOKEN_OFFSET] ||
	    !attrs[CCA_RSI_A_TOKEN_LOG_SEQ])
		return false;
	room->size = nla_get_u32(attrs[CCA_RSI_A_TOKEN_SIZE]);
	if (nla_get_u32(attrs[CCA_RSI_A_TOKEN_OFFSET]) != room->used || room->size > TOKEN_ROOM ||
	    (size_t)nla_len(chunk) > room->size - room->used)
		return false;
	memcpy(room->token + room->used, nla_data(chunk), (size_t)nla_len(chunk));
	room->used += (size_t)nla_len(chunk);
	return true;
}

int client_token(struct client *client, const uint8_t *challenge, size_t challenge_size,
		 uint8_t *token, size_t *size)
{
	struct nl_msg *request = client_request(client, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP);
	struct token_room room = { .token = token };

	nla_put(request, CCA_RSI_A_TOKEN_CHALLENGE, (int)challenge_size, challenge);
	if (client_call(client, request, chunk_append, &room))
		return -1;
	*size = room.size;
	if (room.used == room.size && room.size)
		return 0;
	tap_note("%zu of %zu bytes arrived", room.used, room.size);
	errno = EBADMSG;
	return -1;
}
