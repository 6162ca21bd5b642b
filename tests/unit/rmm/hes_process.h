/* SPDX-License-Identifier: Apache-2.0 */
/* A hes process for one test, with its own directory and two sockets. */
#ifndef TEST_HES_PROCESS_H
#define TEST_HES_PROCESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "channel.h"

#define HES_TIMEOUT 20000 /* ms, long enough for signing under sanitizers on a busy machine */

struct hes_process {
	char dir[32];
	char socket[64], control[64], keys[64];
	pid_t child; /* -1: not running */
};

extern struct hes_process hes;

/* hes_setup - make an empty directory. hes_teardown: kill the process and remove the directory. */
int hes_setup(void **state);
int hes_teardown(void **state);

/* hes_run - run hes with up to five arguments; returns its exit status */
int hes_run(const char *a, const char *b, const char *c, const char *d, const char *e);

/* hes_start - start hes with --token @tag, and wait until it listens */
void hes_start(const char *tag);
/* hes_stop - stop it, and assert that it succeeds and leaves no socket */
void hes_stop(void);

/* hes_dial - returns a connection to the socket at @path; waits until a process listens there */
int hes_dial(const char *path);

/* hes_request - returns a request whose bytes are all @fill, for hash algorithm @algo */
struct channel_request hes_request(uint8_t fill, uint8_t algo);
void hes_ask(int fd, uint16_t rec, uint32_t seq, const struct channel_request *request);
bool hes_readable(int fd, int ms);
/* hes_answer - wait for the next frame; fails if anything else comes */
void hes_answer(int fd, struct channel_reader *reader);

#endif
