/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

/*
 * A TAP test that runs all seeds and then, for FUZZ_SECONDS (an environment variable), mutated
 * calls of all interfaces. Inputs that reach new code (KCOV) are mutated in turn. The seeds are the
 * lines of /seeds; each new one is printed as a note "seed: HEX".
 */
void fuzz_run(void);

#endif /* FUZZ_H */
