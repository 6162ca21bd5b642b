/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tidy: included by clang-tidy before each source file (tests/lint). clang's analyzer sees one file at a time and does
 * not know that these functions return -1, so it would follow paths on which a failure is taken for success.
 */
#ifndef REALMKEY_TIDY_H
#define REALMKEY_TIDY_H

#include "base/error.h"
#include "cca/cca_verdict.h"

#define error_set(...)		 (error_set(__VA_ARGS__), -1)
#define error_set_transient(...) (error_set_transient(__VA_ARGS__), -1)
#define error_set_errno(...)	 (error_set_errno(__VA_ARGS__), -1)
#define error_set_memory(e)	 (error_set_memory(e), -1)
#define error_add(...)		 (error_add(__VA_ARGS__), -1)
#define error_append(...)	 (error_append(__VA_ARGS__), -1)
#define error_reclassify(...)	 (error_reclassify(__VA_ARGS__), -1)
#define cca_verdict_set(...)	 (cca_verdict_set(__VA_ARGS__), -1)

#endif
