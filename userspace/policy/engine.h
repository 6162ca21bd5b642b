/* SPDX-License-Identifier: Apache-2.0 */
/* engine: what answers questions, the static library in engine/, which is written in Rust. */
#ifndef REALMKEY_POLICY_ENGINE_H
#define REALMKEY_POLICY_ENGINE_H

#include <stddef.h>
#include <stdint.h>

/* From now on the engine may have @memory bytes allocated at a time. More calls policy_out_of_memory(). */
void engine_limit(size_t memory);
/* Answer the question of @len bytes (rego/question.h, without the length before it). Returns the text of the
 * answer, of *@answer_len bytes, which is valid until the next call. */
const uint8_t *engine_answer(const uint8_t *question, size_t len, size_t *answer_len);

/* For the engine, by main.c. */
_Noreturn void policy_out_of_memory(void);

#endif
