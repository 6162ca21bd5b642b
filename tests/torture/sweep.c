// SPDX-License-Identifier: Apache-2.0
#include "sweep.h"
#include "eventlog.h"
#include "kernel.h"
#include "ops.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

/* More allocations than any of the calls makes: a sweep that reaches this would not end. */
#define FAULTS_MAX 20000

struct sweep {
	unsigned int calls;
	unsigned int faults;
	unsigned int failed; /* calls that returned an error */
};

static struct sweep total;
static size_t queue[OPS_MAX], queued;

/*
 * The errors that a call may return if an allocation or a copy failed; EAGAIN: netlink lost the
 * answer.
 */
static bool errno_is_expected(int error)
{
	static const int expected[] = { ENOMEM, EFAULT, ENOBUFS, EAGAIN, EMSGSIZE };

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (error == expected[i])
			return true;
	return false;
}

static bool op_works(const struct op *op)
{
	bool works;

	if (!op->begin())
		return false;
	works = op->call() == 0;
	op->end();
	return works;
}

/*
 * Makes one call in which allocation @nth fails. True if there was one; clears @good after an
 * unexpected errno.
 */
static bool fault_try(const struct op *op, unsigned int nth, struct sweep *sweep, bool *good)
{
	bool injected;
	int ret, error;

	if (!op->begin()) {
		tap_note("fault %u: cannot prepare the call", nth);
		*good = false;
		return false;
	}
	kernel_fault_begin(nth);
	ret = op->call();
	error = errno;
	injected = kernel_fault_end();
	op->end();
	sweep->calls++;
	sweep->faults += injected;
	sweep->failed += ret != 0;
	if (ret && !(injected && errno_is_expected(error))) {
		tap_note("fault %u%s: %s", nth, injected ? "" : " (none)", strerror(error));
		*good = false;
	}
	return injected;
}

void sweep_queue(size_t index)
{
	queue[queued++] = index;
}

void sweep_next(void)
{
	static size_t next;
	const struct op *op = &ops[queue[next++]];
	struct cca_rsi_config config;
	struct sweep sweep = { 0 };
	unsigned int nth = 1;
	bool good = true;

	SKIP_IF(op->call == kernel_module_load && !kernel_rsi_is_fake(),
		"the kernel's event_define_fields() warns when there is no memory for a tracepoint");
	CHECK(op_works(op));
	while (nth < FAULTS_MAX && fault_try(op, nth, &sweep, &good))
		nth++;
	tap_note("%s: %u calls, %u faults, %u calls failed, the others succeeded", op->name,
		 sweep.calls, sweep.faults, sweep.failed);
	total.calls += sweep.calls;
	total.faults += sweep.faults;
	total.failed += sweep.failed;
	CHECK(good);
	CHECK(nth < FAULTS_MAX);
	CHECK(op_works(op));
	CHECK(eventlog_good(&config));
}

void sweep_summary(void)
{
	SKIP_IF(!queued, "no sweeps");
	tap_note("all sweeps: %u calls, %u faults, %u calls failed", total.calls, total.faults,
		 total.failed);
	CHECK(total.faults > 0 && total.failed > 0);
}
