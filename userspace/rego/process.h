/* SPDX-License-Identifier: Apache-2.0 */
/* process: a realmkey-policy, which evaluates policies in a process that has no files and no network, and
 * whose memory and processor time are limited. */
#ifndef REALMKEY_REGO_PROCESS_H
#define REALMKEY_REGO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/error.h"

struct rego_process {
	pid_t pid; /* 0: none */
	int fd;	   /* a stream socket for questions and answers; -1: none */
};

#define REGO_PROCESS_INIT { .fd = -1 }

/* The exit statuses of the program, which rego_end() explains. */
#define REGO_EXIT_MEMORY   80 /* it would have allocated more than it may */
#define REGO_EXIT_STACK	   81 /* its stack was full */
#define REGO_EXIT_PROTOCOL 82 /* a question was no question */
#define REGO_EXIT_CONFINE  83 /* it could not be confined */

/* The program: $REALMKEY_POLICY if this process was not given more privileges by its file, else the
 * installed one. Whether it can be executed. */
const char *rego_program(void);
bool rego_available(void);

/* Start a process. @memory: bytes that it may allocate at a time, beside what the program itself needs. It
 * ends when the thread that started it ends. The descriptor blocks. ERROR_SYSTEM, ERROR_CONFIG if there is
 * no such program. */
int rego_start(struct rego_process *process, size_t memory, struct error *e);
/* End the process if it still runs, and wait for it. If @e is not NULL and has no error yet, it becomes an
 * ERROR_POLICY that says why the process ended by itself: out of memory, a fault, a forbidden call; or an
 * ERROR_SYSTEM if it was killed or lost its socket, which no policy can cause. */
void rego_end(struct rego_process *process, struct error *e);

/* Send @question, one frame, and wait @timeout ms at most for the answer, which is a new text in @answer. If
 * this fails, or takes too long (ERROR_POLICY), the process is ended and the error says why. */
int rego_call(struct rego_process *process, const struct bytes *question, int timeout,
	      struct bytes *answer, struct error *e);

#endif
