/* SPDX-License-Identifier: Apache-2.0 */
/* TAP tests: an RMM that fails, lies, or stalls, and what the module makes of it. */
#ifndef LIES_H
#define LIES_H

void lies_statuses(void);
void lies_reads(void);
void lies_log(void);
void lies_rule(void);
void lies_bounds(void);
void lies_lost_token(void);
void lies_stuck(void);
void lies_at_load(void);

#endif /* LIES_H */
