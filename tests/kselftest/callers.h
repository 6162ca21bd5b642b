/* SPDX-License-Identifier: Apache-2.0 */
/* Processes with different rights, for privilege_test.c */
#ifndef CALLERS_H
#define CALLERS_H

/* The callers, in the order of the table's columns */
enum {
	CALLER_ROOT,
	CALLER_ROOT_WITHOUT_SYS_ADMIN,
	CALLER_SYS_ADMIN,
	CALLER_NET_ADMIN,
	CALLER_DAC_OVERRIDE,
	CALLER_DAC_READ_SEARCH,
	CALLER_USER,
	CALLER_USER_WITH_DESCRIPTORS,
	CALLER_USER_NAMESPACE,
	CALLER_CONTAINER,
	CALLERS
};

/*
 * Runs @body, which returns 0 or an errno, in a child that has become @caller.
 * Returns what @body returned, or -1 if the child could not become that caller.
 */
int caller_run(int caller, int (*body)(void));

const char *caller_name(int caller);

#endif /* CALLERS_H */
