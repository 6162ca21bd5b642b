/* SPDX-License-Identifier: Apache-2.0 */
/* TAP tests: how the module handles an RMM that fails, misbehaves or stalls. */
#ifndef RMM_FAULT_H
#define RMM_FAULT_H

void rmm_fault_statuses(void);
void rmm_fault_reads(void);
void rmm_fault_log(void);
void rmm_fault_rule(void);
void rmm_fault_bounds(void);
void rmm_fault_lost_token(void);
void rmm_fault_stuck(void);
void rmm_fault_meanwhile(void);
void rmm_fault_at_load(void);

#endif /* RMM_FAULT_H */
