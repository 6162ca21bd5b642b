/* SPDX-License-Identifier: Apache-2.0 */
/* refuse: system calls that fail in this process and its children from now on, by a filter of the test's. */
#ifndef REALMKEY_REFUSE_H
#define REALMKEY_REFUSE_H

#include <seccomp.h>
#include <stdint.h>

/* Let @call (SCMP_SYS(name)) fail with @failure; with @count 1, only if its second argument is @second. */
static inline int refuse_if(int call, unsigned int count, uint64_t second, int failure)
{
	const struct scmp_arg_cmp arg = { .arg = 1, .op = SCMP_CMP_EQ, .datum_a = second };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int ret;

	if (!filter)
		return -1;
	ret = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)failure), call, count, &arg);
	if (!ret)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

static inline int refuse(int call, int failure)
{
	return refuse_if(call, 0, 0, failure);
}

#endif
