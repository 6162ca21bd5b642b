/* SPDX-License-Identifier: Apache-2.0 */
/* One machine that hes signs for: what it asks on its end of the channel, and what it is owed. */
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
	uint32_t tag;			/* of tokens that no fault gives another */
	struct hes_faults faults;
};

#define HES_NEVER	UINT64_MAX

/* What one REC is owed. */
struct hes_answer {
	uint64_t due;			/* ms; HES_NEVER also when nothing is owed */
	uint32_t seq;
	enum channel_type type;
	bool cut;
	uint32_t size;
	uint8_t payload[CHANNEL_PAYLOAD_MAX];
};

struct hes_machine {
	int fd;				/* -1: there is none */
	bool broken;			/* inside a run of bytes that are no frame */
	struct channel_reader reader;
	struct {
		bool known;		/* a request has come; the last one's number is @asked */
		uint32_t asked;
		bool owed;		/* its answer has not been sent */
		bool ordered;		/* the RMM was told to fail with it, as follows */
		struct channel_fault order;
		struct hes_answer answer;
	} rec[LAYOUT_MAX_VCPUS];
};

void hes_machine_open(struct hes_machine *machine, int fd);
void hes_machine_close(struct hes_machine *machine);

/* All return false when the machine is to be dropped. @now: ms */

/* hes_machine_receive - take what has come; a token request is signed, or struck by a fault */
bool hes_machine_receive(struct hes_machine *machine, struct hes_signer *signer, uint64_t now);
/* hes_machine_send - the answers that are due */
bool hes_machine_send(struct hes_machine *machine, uint64_t now);
/* hes_machine_release - all that is owed, now; and the RMM is to fail no more */
bool hes_machine_release(struct hes_machine *machine, uint64_t now);

/* hes_machine_due - when the next answer is due, or HES_NEVER */
uint64_t hes_machine_due(const struct hes_machine *machine);

#endif
