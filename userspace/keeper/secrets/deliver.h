/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliver: what a pass does with the values of a group: it puts them into each unit of the keyring in one step, into the
 * templates, and into the kernel keys.
 */
#ifndef REALMKEY_DELIVER_H
#define REALMKEY_DELIVER_H

#include "groups.h"

/* True if the value of secret @number is not the one that each of its files, or, without a file of its own, the last
 * delivery had. Computes its digest. Returns -1 with an error if that failed. */
int deliver_differs(struct keeper *keeper, size_t number, struct error *e);
/* True if the template @file must be written, and each of its values is there or can be requested. */
bool deliver_writes(const struct keeper *keeper, const struct keeper_file *file);
/* Deliver the values of a group that has changed or was confirmed. Each of its secrets that was requested then has either
 * succeeded or failed. */
void deliver_group(struct keeper *keeper, const struct keeper_group *group, int64_t now);
/* Remove secret @number from each of its places. */
int deliver_removal(struct keeper *keeper, size_t number, struct error *e);
/* True if a place of the secret, which is there, lacks it. */
bool deliver_is_incomplete(const struct keeper *keeper, size_t number);
/* True if a file of the secret, or its kernel key, is in place. */
bool deliver_is_there(const struct keeper *keeper, size_t number);

/* Note the failure secret->error, and log it. */
void secret_fail(struct keeper *keeper, struct keeper_secret *secret, int64_t now);
void secret_log_failure(const struct keeper *keeper, const struct keeper_secret *secret,
			int64_t now);

#endif
