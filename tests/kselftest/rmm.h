/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the RMM that the tests run on. */
#ifndef RMM_H
#define RMM_H

/*
 * Prints one note: the RSI revisions that the RMM offers and the one that the module uses, its
 * features and the realm's parameters, and the RMM's version if a token has one.
 */
void rmm_note(void);

#endif /* RMM_H */
