/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that hes signs for: its requests on the channel and the answers that it must get. */
#ifndef HES_MACHINE_H
#define HES_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "hes_fault.h"
#include "hes_keys.h"
#include "layout.h"

struct hes_signer {
	struct hes_keys keys;
	uint32_t tag; /* of tokens, unless a fault sets another */
	struct hes_faults faults;
};

#define HES_NEVER UINT64_MAX

/* The answer to the last request of one REC. */
struct hes_answer {
	uint64_t due; /* ms; HES_NEVER: not until hes_machine_release() */
	uint32_t seq;
	enum channel_type type;
	bool cut; /* send only half of it, and disconnect */
	uint32_t size;
	uint8_t payload[CHANNEL_PAYLOAD_MAX];
};

struct hes_machine {
	int fd;	     /* -1: the slot is free */
	bool broken; /* the last bytes were not a frame, and this was reported */
	struct channel_reader reader;
	bool waits; /* it has not read the last frame, so none is sent until poll() reports POLLOUT */
	uint16_t turn; /* the REC that had the last frame */
	bool cut;      /* it is dropped after the frame in @out */
	struct {
		size_t size, sent;
		uint8_t bytes[sizeof(struct channel_header) + CHANNEL_PAYLOAD_MAX];
	} out;
	struct {
		bool known; /* a request has come; the last one's number is @asked */
		uint32_t asked;
		bool owed;	 /* the answer has not been sent */
		bool ordered;	 /* the RMM must fail with that token, by @order */
		bool order_owed; /* @order has not been sent */
		struct channel_fault order;
		struct hes_answer answer;
	} rec[LAYOUT_MAX_VCPUS];
};

void hes_machine_open(struct hes_machine *machine, int fd);
void hes_machine_close(struct hes_machine *machine);

/* These three return false if the caller must drop the machine. @now is in ms. */

/* hes_machine_receive - read what has come, and make the answers to token requests */
bool hes_machine_receive(struct hes_machine *machine, struct hes_signer *signer, uint64_t now);
/* hes_machine_send - send what is due and what the machine has room for */
bool hes_machine_send(struct hes_machine *machine, uint64_t now);
/* hes_machine_release - send all answers now, and tell the RMM to stop failing */
bool hes_machine_release(struct hes_machine *machine, uint64_t now);

/* hes_machine_due - returns when the next answer is due; HES_NEVER if none is, or if @waits is set */
uint64_t hes_machine_due(const struct hes_machine *machine);

#endif
