/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

/*
 * A TAP test: all seeds, then for FUZZ_SECONDS (of the environment) calls of all doors, mutated from what
 * reached code that nothing had reached before (KCOV). Starts from the lines of /seeds, prints each new
 * seed as a note "seed: HEX".
 */
void fuzz_run(void);

#endif /* FUZZ_H */
