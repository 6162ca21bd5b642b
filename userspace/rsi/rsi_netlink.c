// SPDX-License-Identifier: Apache-2.0
/* The realm through the generic netlink family "cca-rsi" (Documentation/netlink/specs). */
#include <errno.h>
#include <linux/cca_rsi_netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "event/event_log.h"
#include "rsi_source.h"

#define WHERE "netlink " CCA_RSI_FAMILY_NAME
#define ATTRIBUTES 16	/* more than any of the family's sets has */
#define REQUEST_SIZE 1024	/* bytes of a request without an event, and some more */

/* --- messages to structures: no I/O ----------------------------------------------------------- */

typedef int take_function(struct nlattr *const attrs[], void *out, struct error *e);

static const struct nla_policy config_policy[ATTRIBUTES + 1] = {
	[CCA_RSI_A_CONFIG_ABI_LOWER] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_ABI_HIGHER] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_IPA_BITS] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_HASH_ALGO] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_DIGEST_SIZE] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_EVENT_MAX] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_RPV] = { .minlen = CCA_RSI_RPV_LEN, .maxlen = CCA_RSI_RPV_LEN },
};

static const struct nla_policy measurement_policy[ATTRIBUTES + 1] = {
	[CCA_RSI_A_MEASUREMENT_INDEX] = { .type = NLA_U32 },
	[CCA_RSI_A_MEASUREMENT_VALUE] = { .minlen = 1, .maxlen = CCA_RSI_DIGEST_LEN_MAX },
	[CCA_RSI_A_MEASUREMENT_DIGEST] = { .minlen = 1, .maxlen = CCA_RSI_DIGEST_LEN_MAX },
	[CCA_RSI_A_MEASUREMENT_EVENT_TYPE] = { .type = NLA_U32 },
	[CCA_RSI_A_MEASUREMENT_SEQ] = { .minlen = 4, .maxlen = 8 },
	[CCA_RSI_A_MEASUREMENT_KIND] = { .type = NLA_U32 },
};

static const struct nla_policy token_policy[ATTRIBUTES + 1] = {
	[CCA_RSI_A_TOKEN_SIZE] = { .type = NLA_U32 },
	[CCA_RSI_A_TOKEN_OFFSET] = { .type = NLA_U32 },
	[CCA_RSI_A_TOKEN_CHUNK] = { .minlen = 1 },
	[CCA_RSI_A_TOKEN_LOG_SEQ] = { .minlen = 4, .maxlen = 8 },
};

/* Each attribute of @wanted (ended by 0) must be there. */
static int attributes_present(struct nlattr *const attrs[], const int *wanted, struct error *e)
{
	for (; *wanted; wanted++)
		if (!attrs[*wanted])
			return error_set(e, ERROR_SYSTEM, WHERE ": answer without attribute %d",
					 *wanted);
	return 0;
}

static int config_take(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int wanted[] = { CCA_RSI_A_CONFIG_ABI_LOWER, CCA_RSI_A_CONFIG_ABI_HIGHER,
				      CCA_RSI_A_CONFIG_IPA_BITS, CCA_RSI_A_CONFIG_HASH_ALGO,
				      CCA_RSI_A_CONFIG_DIGEST_SIZE, CCA_RSI_A_CONFIG_EVENT_MAX,
				      CCA_RSI_A_CONFIG_RPV, 0 };
	struct rsi_config *config = out;

	if (attributes_present(attrs, wanted, e) < 0)
		return -1;
	config->abi_lower = nla_get_u32(attrs[CCA_RSI_A_CONFIG_ABI_LOWER]);
	config->abi_higher = nla_get_u32(attrs[CCA_RSI_A_CONFIG_ABI_HIGHER]);
	config->ipa_bits = nla_get_u32(attrs[CCA_RSI_A_CONFIG_IPA_BITS]);
	config->hash_algo = nla_get_u32(attrs[CCA_RSI_A_CONFIG_HASH_ALGO]);
	config->digest_size = nla_get_u32(attrs[CCA_RSI_A_CONFIG_DIGEST_SIZE]);
	config->event_max = nla_get_u32(attrs[CCA_RSI_A_CONFIG_EVENT_MAX]);
	memcpy(config->rpv, nla_data(attrs[CCA_RSI_A_CONFIG_RPV]), sizeof(config->rpv));
	return 0;
}

struct measurement {
	unsigned int index;
	uint8_t *value;		/* RSI_DIGEST_MAX bytes */
	size_t size;
};

static int measurement_take(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int wanted[] = { CCA_RSI_A_MEASUREMENT_INDEX, CCA_RSI_A_MEASUREMENT_VALUE, 0 };
	const struct nlattr *value = attrs[CCA_RSI_A_MEASUREMENT_VALUE];
	struct measurement *m = out;

	if (attributes_present(attrs, wanted, e) < 0)
		return -1;
	if (nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]) != m->index)
		return error_set(e, ERROR_SYSTEM, WHERE ": answer about another register");
	m->size = (size_t)nla_len(value);
	memset(m->value, 0, RSI_DIGEST_MAX);
	memcpy(m->value, nla_data(value), m->size);
	return 0;
}

/* The specification's "uint": as short as the value allows. */
static uint64_t attribute_uint(const struct nlattr *attr)
{
	return nla_len(attr) == 8 ? nla_get_u64(attr) : nla_get_u32(attr);
}

static int seq_take(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int wanted[] = { CCA_RSI_A_MEASUREMENT_SEQ, 0 };

	if (attributes_present(attrs, wanted, e) < 0)
		return -1;
	*(uint64_t *)out = attribute_uint(attrs[CCA_RSI_A_MEASUREMENT_SEQ]);
	return 0;
}

struct log_reader {
	struct rsi_config config;
	struct bytes *log;
	uint64_t next;		/* record expected */
};

/* One record in the form of the TCG, as the device gives it. */
static int record_put(struct nlattr *const attrs[], uint32_t kind, struct log_reader *reader,
		      struct error *e)
{
	bool extends = kind == CCA_RSI_RECORD_KIND_EVENT;
	const struct nlattr *event = attrs[CCA_RSI_A_MEASUREMENT_EVENT];
	const struct nlattr *digest = attrs[extends ? CCA_RSI_A_MEASUREMENT_DIGEST :
						      CCA_RSI_A_MEASUREMENT_VALUE];
	const struct nlattr *type = attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE];
	struct event_record record = {
		.kind = extends ? EVENT_EXTENSION :
			kind == CCA_RSI_RECORD_KIND_BASE ? EVENT_BASE : EVENT_FOREIGN,
		.index = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]),
		.type = type ? nla_get_u32(type) : EVENT_TYPE_NO_ACTION,
		.event = event ? nla_data(event) : (const uint8_t *)"",
		.size = event ? (size_t)nla_len(event) : 0,
	};

	if (!digest || (size_t)nla_len(digest) != reader->config.digest_size)
		return error_set(e, ERROR_SYSTEM, WHERE ": record %llu without a digest of %zu "
				 "bytes", (unsigned long long)reader->next,
				 reader->config.digest_size);
	record.digest = record.value = nla_data(digest);
	event_log_put(hash_by_number(reader->config.hash_algo), &record, reader->log);
	return bytes_check(reader->log, e);
}

static int record_take(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int wanted[] = { CCA_RSI_A_MEASUREMENT_SEQ, CCA_RSI_A_MEASUREMENT_KIND,
				      CCA_RSI_A_MEASUREMENT_INDEX, 0 };
	struct log_reader *reader = out;

	if (attributes_present(attrs, wanted, e) < 0)
		return -1;
	if (attribute_uint(attrs[CCA_RSI_A_MEASUREMENT_SEQ]) != reader->next)
		return error_set(e, ERROR_SYSTEM, WHERE ": record %llu is missing",
				 (unsigned long long)reader->next);
	if (record_put(attrs, nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_KIND]), reader, e) < 0)
		return -1;
	reader->next++;
	return 0;
}

struct token_reader {
	struct rsi_chunks chunks;
	struct bytes *token;
};

static int token_take(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int wanted[] = { CCA_RSI_A_TOKEN_SIZE, CCA_RSI_A_TOKEN_OFFSET,
				      CCA_RSI_A_TOKEN_CHUNK, CCA_RSI_A_TOKEN_LOG_SEQ, 0 };
	struct token_reader *reader = out;

	if (attributes_present(attrs, wanted, e) < 0)
		return -1;
	return rsi_chunks_add(&reader->chunks, nla_get_u32(attrs[CCA_RSI_A_TOKEN_SIZE]),
			      nla_get_u32(attrs[CCA_RSI_A_TOKEN_OFFSET]),
			      attribute_uint(attrs[CCA_RSI_A_TOKEN_LOG_SEQ]),
			      nla_data(attrs[CCA_RSI_A_TOKEN_CHUNK]),
			      (size_t)nla_len(attrs[CCA_RSI_A_TOKEN_CHUNK]), reader->token, e);
}

/* --- one request ------------------------------------------------------------------------------ */

struct answer {
	take_function *take;	/* NULL: what comes beside the acknowledgement is of no interest */
	const struct nla_policy *policy;
	void *out;
	size_t taken;
	bool done;		/* acknowledged, or the end of a dump */
	int error;		/* errno from the kernel, 0 for none */
	bool failed;		/* @e is set; the rest is read and dropped */
	struct error *e;
};

static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[ATTRIBUTES + 1];
	struct answer *answer = arg;

	if (answer->failed || !answer->take)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, ATTRIBUTES, answer->policy) < 0) {
		error_set(answer->e, ERROR_SYSTEM, WHERE ": malformed answer");
		answer->failed = true;
	} else if (answer->take(attrs, answer->out, answer->e) < 0) {
		answer->failed = true;
	}
	answer->taken++;
	return NL_OK;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *header = nlmsg_hdr(msg);
	struct answer *answer = arg;
	int error = 0;

	/* A dump that failed on its way ends as any other does, but for this number. */
	if (header->nlmsg_type == NLMSG_DONE && nlmsg_datalen(header) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(header), sizeof(error));
	if (error < 0)
		answer->error = -error;
	answer->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *message, void *arg)
{
	struct answer *answer = arg;

	(void)from;
	answer->error = -message->error;
	return NL_STOP;
}

static void listen_for(struct nl_sock *sock, struct answer *answer)
{
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, answer);
	nl_socket_modify_cb(sock, NL_CB_ACK, NL_CB_CUSTOM, on_done, answer);
	nl_socket_modify_cb(sock, NL_CB_FINISH, NL_CB_CUSTOM, on_done, answer);
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, answer);
}

/* Send @msg, read until the kernel says that it is done. Negative: an error of libnl, or of the
 * kernel, and then in @answer too. */
static int exchange_once(const struct rsi *rsi, struct nl_msg *msg, struct answer *answer)
{
	int ret;

	answer->done = false;
	answer->error = 0;
	nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ;	/* another number than the last time */
	ret = nl_send_auto(rsi->sock, msg);
	while (ret >= 0 && !answer->done)
		ret = nl_recvmsgs_default(rsi->sock);
	return ret;
}

/* Send @msg (taken), let @answer take what comes. ECANCELED is how EINTR travels by netlink: a
 * signal came first and nothing was done. */
static int exchange(const struct rsi *rsi, struct nl_msg *msg, struct answer *answer,
		    struct error *e)
{
	int ret;

	answer->e = e;
	listen_for(rsi->sock, answer);
	do
		ret = exchange_once(rsi, msg, answer);
	while (answer->error == ECANCELED && !answer->taken);
	nlmsg_free(msg);
	if (answer->failed)
		return -1;
	if (answer->error)
		return rsi_error(answer->error, WHERE, e);
	if (ret < 0)
		return error_set(e, ERROR_SYSTEM, WHERE ": %s", nl_geterror(ret));
	if (answer->take && !answer->taken)
		return error_set(e, ERROR_SYSTEM, WHERE ": empty answer");
	return 0;
}

/* @event_size: bytes that it carries beside what each request has room for. */
static struct nl_msg *request_new(const struct rsi *rsi, uint8_t command, int flags,
				  size_t event_size, struct error *e)
{
	/* Not nlmsg_alloc(), whose message is a page, which the longest event alone fills. */
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_SIZE + event_size);

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, rsi->family, 0, flags, command,
			       CCA_RSI_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	error_set_memory(e);
	return NULL;
}

/* @full: an attribute found no room. */
static int request_send(const struct rsi *rsi, struct nl_msg *msg, int full,
			struct answer *answer, struct error *e)
{
	if (full) {
		nlmsg_free(msg);
		return error_set_memory(e);
	}
	return exchange(rsi, msg, answer, e);
}

/* --- the source ------------------------------------------------------------------------------- */

static void netlink_close(struct rsi *rsi)
{
	nl_socket_free(rsi->sock);
}

static int netlink_open(struct rsi *rsi, struct error *e)
{
	int ret;

	rsi->sock = nl_socket_alloc();
	if (!rsi->sock)
		return error_set_memory(e);
	ret = genl_connect(rsi->sock);
	if (ret == 0)
		ret = rsi->family = genl_ctrl_resolve(rsi->sock, CCA_RSI_FAMILY_NAME);
	if (ret >= 0)
		return 1;
	netlink_close(rsi);
	if (ret == -NLE_OBJ_NOTFOUND)
		return 0;
	return error_set(e, ERROR_SYSTEM, WHERE ": %s", nl_geterror(ret));
}

static int netlink_config(struct rsi *rsi, struct rsi_config *config, struct error *e)
{
	struct answer answer = { .take = config_take, .policy = config_policy, .out = config };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_CONFIG_GET, 0, 0, e);

	return msg ? exchange(rsi, msg, &answer, e) : -1;
}

static int netlink_measurement(struct rsi *rsi, unsigned int index, uint8_t value[RSI_DIGEST_MAX],
			       size_t *size, struct error *e)
{
	struct measurement m = { .index = index, .value = value };
	struct answer answer = { .take = measurement_take, .policy = measurement_policy,
				 .out = &m };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_MEASUREMENT_GET, 0, 0, e);

	if (!msg || request_send(rsi, msg, nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_INDEX, index),
				 &answer, e) < 0)
		return -1;
	*size = m.size;
	return 0;
}

static int netlink_extend(struct rsi *rsi, unsigned int index, const void *digest, size_t size,
			  const struct rsi_event *event, uint64_t *seq, struct error *e)
{
	struct answer answer = { .take = seq_take, .policy = measurement_policy, .out = seq };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0,
					 event->size, e);
	int full;

	if (!msg)
		return -1;
	full = nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_INDEX, index) ||
	       nla_put(msg, CCA_RSI_A_MEASUREMENT_DIGEST, (int)size, digest) ||
	       nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, event->type) ||
	       (event->size && nla_put(msg, CCA_RSI_A_MEASUREMENT_EVENT, (int)event->size,
				       event->data));
	return request_send(rsi, msg, full, &answer, e);
}

static int netlink_log(struct rsi *rsi, struct bytes *log, struct error *e)
{
	struct log_reader reader = { .log = log };
	struct answer answer = { .take = record_take, .policy = measurement_policy,
				 .out = &reader };
	struct nl_msg *msg;

	if (rsi_config_get(rsi, &reader.config, e) < 0)
		return -1;
	event_log_put_header(hash_by_number(reader.config.hash_algo), log);
	if (bytes_check(log, e) < 0)
		return -1;
	msg = request_new(rsi, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP, 0, e);
	return msg ? exchange(rsi, msg, &answer, e) : -1;
}

static int netlink_token(struct rsi *rsi, const uint8_t challenge[RSI_CHALLENGE_SIZE],
			 struct bytes *token, uint64_t *records, struct error *e)
{
	struct token_reader reader = { .token = token };
	struct answer answer = { .take = token_take, .policy = token_policy, .out = &reader };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP, 0, e);
	int full;

	if (!msg)
		return -1;
	full = nla_put(msg, CCA_RSI_A_TOKEN_CHALLENGE, RSI_CHALLENGE_SIZE, challenge);
	if (request_send(rsi, msg, full, &answer, e) < 0)
		return -1;
	*records = reader.chunks.log_seq;
	return rsi_chunks_end(&reader.chunks, e);
}

const struct rsi_source rsi_source_netlink = {
	.name = "netlink",
	.open = netlink_open,
	.close = netlink_close,
	.config = netlink_config,
	.measurement = netlink_measurement,
	.extend = netlink_extend,
	.log = netlink_log,
	.token = netlink_token,
};
