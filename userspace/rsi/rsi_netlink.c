// SPDX-License-Identifier: Apache-2.0
#include "rsi_netlink.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "base/array.h"
#include "event/event_log.h"
#include "event/event_type.h"
#include "rsi_attributes.h"
#include "rsi_chunks.h"

#define WHERE	     "netlink " CCA_RSI_FAMILY_NAME
#define REQUEST_SIZE 1024 /* bytes, enough for a request without an event */

/* --- messages to structures: no I/O ----------------------------------------------------------- */

typedef int answer_function(struct nlattr *const attrs[], void *out, struct error *e);

static const struct nla_policy config_policy[RSI_ATTRIBUTES + 1] = {
	[CCA_RSI_A_CONFIG_ABI_LOWER] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_ABI_HIGHER] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_IPA_BITS] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_HASH_ALGO] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_DIGEST_SIZE] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_EVENT_MAX] = { .type = NLA_U32 },
	[CCA_RSI_A_CONFIG_RPV] = { .minlen = CCA_RSI_RPV_LEN, .maxlen = CCA_RSI_RPV_LEN },
	[CCA_RSI_A_CONFIG_ABI] = RSI_POLICY_UINT,
	[CCA_RSI_A_CONFIG_FEATURES] = RSI_POLICY_UINT,
	[CCA_RSI_A_CONFIG_AUX_PLANES] = RSI_POLICY_UINT,
	[CCA_RSI_A_CONFIG_GICV3_VTR] = RSI_POLICY_UINT,
	[CCA_RSI_A_CONFIG_ATS_PLANE] = RSI_POLICY_UINT,
};

static const struct nla_policy token_policy[RSI_ATTRIBUTES + 1] = {
	[CCA_RSI_A_TOKEN_SIZE] = { .type = NLA_U32 },
	[CCA_RSI_A_TOKEN_OFFSET] = { .type = NLA_U32 },
	[CCA_RSI_A_TOKEN_CHUNK] = { .minlen = 1 },
	[CCA_RSI_A_TOKEN_LOG_SEQ] = RSI_POLICY_UINT,
};

/* Each attribute in @required, a list that ends with 0, must be there. */
static int attributes_present(struct nlattr *const attrs[], const int *required, struct error *e)
{
	for (; *required; required++)
		if (!attrs[*required])
			return error_set(e, ERROR_SYSTEM, WHERE ": answer without attribute %d",
					 *required);
	return 0;
}

static struct rsi_field attribute_field(const struct nlattr *attr)
{
	return attr ? (struct rsi_field){ true, rsi_attribute_uint(attr) } :
		      (struct rsi_field){ 0 };
}

static int config_from_answer(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int required[] = {
		CCA_RSI_A_CONFIG_ABI_LOWER,   CCA_RSI_A_CONFIG_ABI_HIGHER,
		CCA_RSI_A_CONFIG_IPA_BITS,    CCA_RSI_A_CONFIG_HASH_ALGO,
		CCA_RSI_A_CONFIG_DIGEST_SIZE, CCA_RSI_A_CONFIG_EVENT_MAX,
		CCA_RSI_A_CONFIG_RPV,	      0,
	};
	struct rsi_config *config = out;

	if (attributes_present(attrs, required, e) < 0)
		return -1;
	config->abi_lower = nla_get_u32(attrs[CCA_RSI_A_CONFIG_ABI_LOWER]);
	config->abi_higher = nla_get_u32(attrs[CCA_RSI_A_CONFIG_ABI_HIGHER]);
	config->ipa_bits = nla_get_u32(attrs[CCA_RSI_A_CONFIG_IPA_BITS]);
	config->event_max = nla_get_u32(attrs[CCA_RSI_A_CONFIG_EVENT_MAX]);
	memcpy(config->rpv, nla_data(attrs[CCA_RSI_A_CONFIG_RPV]), sizeof(config->rpv));
	config->abi = attribute_field(attrs[CCA_RSI_A_CONFIG_ABI]);
	config->features = attribute_field(attrs[CCA_RSI_A_CONFIG_FEATURES]);
	config->aux_planes = attribute_field(attrs[CCA_RSI_A_CONFIG_AUX_PLANES]);
	config->gicv3_vtr = attribute_field(attrs[CCA_RSI_A_CONFIG_GICV3_VTR]);
	config->ats_plane = attribute_field(attrs[CCA_RSI_A_CONFIG_ATS_PLANE]);
	return rsi_source_hash(nla_get_u32(attrs[CCA_RSI_A_CONFIG_HASH_ALGO]),
			       nla_get_u32(attrs[CCA_RSI_A_CONFIG_DIGEST_SIZE]), config, e);
}

struct measurement {
	unsigned int index;
	uint8_t *value; /* HASH_SIZE_MAX bytes */
	size_t size;
};

static int measurement_from_answer(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int required[] = {
		CCA_RSI_A_MEASUREMENT_INDEX,
		CCA_RSI_A_MEASUREMENT_VALUE,
		0,
	};
	const struct nlattr *value = attrs[CCA_RSI_A_MEASUREMENT_VALUE];
	struct measurement *m = out;

	if (attributes_present(attrs, required, e) < 0)
		return -1;
	if (nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]) != m->index)
		return error_set(e, ERROR_SYSTEM, WHERE ": answer about another register");
	m->size = (size_t)nla_len(value);
	memset(m->value, 0, HASH_SIZE_MAX);
	memcpy(m->value, nla_data(value), m->size);
	return 0;
}

static int seq_from_answer(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int required[] = { CCA_RSI_A_MEASUREMENT_SEQ, 0 };

	if (attributes_present(attrs, required, e) < 0)
		return -1;
	*(uint64_t *)out = rsi_attribute_uint(attrs[CCA_RSI_A_MEASUREMENT_SEQ]);
	return 0;
}

struct log_reader {
	const struct hash *hash;
	struct bytes *log;
	uint64_t next; /* position of the next record */
};

/* In the bytes of a log, an extension by firmware has the same form as any other. */
static enum event_kind record_kind(uint32_t kind)
{
	static const enum event_kind kinds[] = {
		[CCA_RSI_RECORD_KIND_BASE] = EVENT_BASE,
		[CCA_RSI_RECORD_KIND_EVENT] = EVENT_EXTENSION,
		[CCA_RSI_RECORD_KIND_FOREIGN] = EVENT_FOREIGN,
		[CCA_RSI_RECORD_KIND_BOOT] = EVENT_EXTENSION,
	};

	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : EVENT_FOREIGN;
}

/*
 * Append one record in the form of the TCG, as the device returns it, except that a long event of
 * firmware is left out of netlink's messages.
 */
static int record_from_answer(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int required[] = {
		CCA_RSI_A_MEASUREMENT_SEQ,
		CCA_RSI_A_MEASUREMENT_KIND,
		CCA_RSI_A_MEASUREMENT_INDEX,
		0,
	};
	const struct nlattr *event = attrs[CCA_RSI_A_MEASUREMENT_EVENT], *digest;
	const struct nlattr *type = attrs[CCA_RSI_A_MEASUREMENT_EVENT_TYPE];
	struct log_reader *reader = out;
	struct event_record record;
	enum event_kind kind;

	if (attributes_present(attrs, required, e) < 0)
		return -1;
	if (rsi_attribute_uint(attrs[CCA_RSI_A_MEASUREMENT_SEQ]) != reader->next)
		return error_set(e, ERROR_SYSTEM, WHERE ": record %llu is missing",
				 (unsigned long long)reader->next);
	kind = record_kind(nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_KIND]));
	digest = attrs[kind == EVENT_EXTENSION ? CCA_RSI_A_MEASUREMENT_DIGEST :
						 CCA_RSI_A_MEASUREMENT_VALUE];
	if (!digest || (size_t)nla_len(digest) != reader->hash->size)
		return error_set(e, ERROR_SYSTEM,
				 WHERE ": record %llu without a digest of %zu "
				       "bytes",
				 (unsigned long long)reader->next, reader->hash->size);
	record = (struct event_record){
		.kind = kind,
		.index = nla_get_u32(attrs[CCA_RSI_A_MEASUREMENT_INDEX]),
		.type = type ? nla_get_u32(type) : EVENT_TYPE_NO_ACTION,
		.digest = nla_data(digest),
		.value = nla_data(digest),
		.event = event ? nla_data(event) : (const uint8_t *)"",
		.size = event ? (size_t)nla_len(event) : 0,
	};
	event_log_put(reader->hash, &record, reader->log);
	reader->next++;
	return 0;
}

struct token_reader {
	struct rsi_chunks chunks;
	struct bytes *token;
};

static int token_from_answer(struct nlattr *const attrs[], void *out, struct error *e)
{
	static const int required[] = {
		CCA_RSI_A_TOKEN_SIZE,
		CCA_RSI_A_TOKEN_OFFSET,
		CCA_RSI_A_TOKEN_CHUNK,
		CCA_RSI_A_TOKEN_LOG_SEQ,
		0,
	};
	struct token_reader *reader = out;

	/* The first message says only that the request has been accepted. Older modules make the
	 * token before they answer, and do not send it. */
	if (!reader->chunks.begun && !attrs[CCA_RSI_A_TOKEN_SIZE] && !attrs[CCA_RSI_A_TOKEN_CHUNK])
		return 0;
	if (attributes_present(attrs, required, e) < 0)
		return -1;
	return rsi_chunks_add(&reader->chunks, nla_get_u32(attrs[CCA_RSI_A_TOKEN_SIZE]),
			      nla_get_u32(attrs[CCA_RSI_A_TOKEN_OFFSET]),
			      rsi_attribute_uint(attrs[CCA_RSI_A_TOKEN_LOG_SEQ]),
			      nla_data(attrs[CCA_RSI_A_TOKEN_CHUNK]),
			      (size_t)nla_len(attrs[CCA_RSI_A_TOKEN_CHUNK]), reader->token, e);
}

/* --- one request ------------------------------------------------------------------------------ */

struct answer {
	answer_function *decode; /* NULL: only the acknowledgement matters */
	const struct nla_policy *policy;
	void *out;
	size_t decoded; /* messages */
	bool done;	/* the acknowledgement or the end of a dump was received */
	int error;	/* errno from the kernel, 0 for none */
	bool failed;	/* @e is set; the remaining messages are dropped */
	struct error *e;
};

static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[RSI_ATTRIBUTES + 1];
	struct answer *answer = arg;

	if (answer->failed || !answer->decode)
		return NL_OK;
	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, RSI_ATTRIBUTES, answer->policy) < 0) {
		error_set(answer->e, ERROR_SYSTEM, WHERE ": malformed answer");
		answer->failed = true;
	} else if (answer->decode(attrs, answer->out, answer->e) < 0) {
		answer->failed = true;
	}
	answer->decoded++;
	return NL_OK;
}

/* Turn the kernel's errno into an error. Root without this capability, as in a container, gets EPERM
 * too. An older module requires CAP_NET_ADMIN, which root has as well. */
static int request_refused(int error, struct error *e)
{
	if (error == EPERM)
		return error_set(e, ERROR_SYSTEM,
				 WHERE
				 ": permission denied: this requires CAP_SYS_ADMIN in the "
				 "initial user namespace; run as root, outside of containers");
	return rsi_source_error(error, WHERE, e);
}

#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */

/* The errno whose negative is @error, or 0; EIO for a number that the kernel does not send. */
static int errno_of(int error)
{
	return error > 0 || error < -ERRNO_MAX ? EIO : -error;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *header = nlmsg_hdr(msg);
	struct answer *answer = arg;
	int error = 0;

	/* A dump that fails after its start ends like a complete one, except for this number. */
	if (header->nlmsg_type == NLMSG_DONE && nlmsg_datalen(header) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(header), sizeof(error));
	if (error < 0)
		answer->error = errno_of(error);
	answer->done = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *message, void *arg)
{
	struct answer *answer = arg;

	(void)from;
	answer->error = errno_of(message->error);
	return NL_STOP;
}

/* Make a request with room for an event of @event_size bytes. */
static struct nl_msg *request_new(const struct rsi *rsi, uint8_t command, int flags,
				  size_t event_size, struct error *e)
{
	/* nlmsg_alloc() would allocate one page, which is too small for the longest event. */
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_SIZE + event_size);

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, rsi->family, 0, flags, command,
			       CCA_RSI_FAMILY_VERSION))
		return msg;
	nlmsg_free(msg);
	error_set_memory(e);
	return NULL;
}

/* Send @msg, which is then freed, and read the answer. @full: there was no room for an
 * attribute. */
static int request_send(const struct rsi *rsi, struct nl_msg *msg, int full, struct answer *answer,
			struct error *e)
{
	int ret = -1;

	if (full) {
		nlmsg_free(msg);
		return error_set_memory(e);
	}
	answer->e = e;
	nl_socket_modify_cb(rsi->sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, answer);
	nl_socket_modify_cb(rsi->sock, NL_CB_ACK, NL_CB_CUSTOM, on_done, answer);
	nl_socket_modify_cb(rsi->sock, NL_CB_FINISH, NL_CB_CUSTOM, on_done, answer);
	nl_socket_modify_err_cb(rsi->sock, NL_CB_CUSTOM, on_error, answer);
	do {
		answer->done = false;
		answer->error = 0;
		nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ; /* a new number for each try */
		ret = nl_send_auto(rsi->sock, msg);
		while (ret >= 0 && !answer->done)
			ret = nl_recvmsgs_default(rsi->sock);
		/* An older module says ECANCELED if a signal came before anything was done. */
	} while (answer->error == ECANCELED && !answer->decoded);
	nlmsg_free(msg);
	if (answer->failed)
		return -1;
	if (answer->error)
		return request_refused(answer->error, e);
	if (ret < 0)
		return error_set(e, ERROR_SYSTEM, WHERE ": %s", nl_geterror(ret));
	if (answer->decode && !answer->decoded)
		return error_set(e, ERROR_SYSTEM, WHERE ": empty answer");
	return 0;
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
	struct answer answer = { .decode = config_from_answer,
				 .policy = config_policy,
				 .out = config };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_CONFIG_GET, 0, 0, e);

	return msg ? request_send(rsi, msg, 0, &answer, e) : -1;
}

static int netlink_measurement(struct rsi *rsi, unsigned int index, uint8_t value[HASH_SIZE_MAX],
			       size_t *size, struct error *e)
{
	struct measurement m = { .index = index, .value = value };
	struct answer answer = { .decode = measurement_from_answer,
				 .policy = rsi_measurement_policy,
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
	struct answer answer = { .decode = seq_from_answer,
				 .policy = rsi_measurement_policy,
				 .out = seq };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_MEASUREMENT_EXTEND, 0, event->size, e);
	int full;

	if (!msg)
		return -1;
	full = nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_INDEX, index) ||
	       nla_put(msg, CCA_RSI_A_MEASUREMENT_DIGEST, (int)size, digest) ||
	       nla_put_u32(msg, CCA_RSI_A_MEASUREMENT_EVENT_TYPE, event->type) ||
	       (event->size &&
		nla_put(msg, CCA_RSI_A_MEASUREMENT_EVENT, (int)event->size, event->data));
	return request_send(rsi, msg, full, &answer, e);
}

static int netlink_log(struct rsi *rsi, struct bytes *log, struct error *e)
{
	struct log_reader reader = { .log = log };
	struct answer answer = { .decode = record_from_answer,
				 .policy = rsi_measurement_policy,
				 .out = &reader };
	struct rsi_config config;
	struct nl_msg *msg;

	if (rsi_config_get(rsi, &config, e) < 0)
		return -1;
	reader.hash = config.hash;
	event_log_put_header(config.hash, log);
	msg = request_new(rsi, CCA_RSI_CMD_LOG_GET, NLM_F_DUMP, 0, e);
	if (!msg || request_send(rsi, msg, 0, &answer, e) < 0)
		return -1;
	return bytes_check(log, e);
}

static int netlink_token(struct rsi *rsi, const uint8_t challenge[REALM_CHALLENGE_SIZE],
			 struct bytes *token, uint64_t *records, struct error *e)
{
	struct token_reader reader = { .token = token };
	struct answer answer = { .decode = token_from_answer,
				 .policy = token_policy,
				 .out = &reader };
	struct nl_msg *msg = request_new(rsi, CCA_RSI_CMD_TOKEN_GET, NLM_F_DUMP, 0, e);
	int full;

	if (!msg)
		return -1;
	full = nla_put(msg, CCA_RSI_A_TOKEN_CHALLENGE, REALM_CHALLENGE_SIZE, challenge);
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
