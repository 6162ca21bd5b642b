/* SPDX-License-Identifier: Apache-2.0 */
/* A hes of a test's own: its process, its directory, and both ends that it can be spoken to at. */
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

#define HES_TIMEOUT	20000	/* ms; it signs under sanitizers on a busy machine */

struct hes_process {
	char dir[32];
	char socket[64], control[64], keys[64];
	pid_t child;			/* -1: none */
};

extern struct hes_process hes;

/* An empty directory; and its end, with the process's. */
int hes_setup(void **state);
int hes_teardown(void **state);

/* hes_run - the program with up to five arguments; returns its exit status */
int hes_run(const char *a, const char *b, const char *c, const char *d, const char *e);

/* hes_start - with --token @tag; it listens. hes_stop: it ends well and leaves no socket. */
void hes_start(const char *tag);
void hes_stop(void);

/* hes_dial - a connection to the socket at @path, waiting for somebody to listen */
int hes_dial(const char *path);

struct channel_request hes_request(uint8_t fill, uint8_t algo);
void hes_ask(int fd, uint16_t rec, uint32_t seq, const struct channel_request *request);
bool hes_readable(int fd, int ms);
/* hes_answer - wait for the next frame; nothing but a frame may come */
void hes_answer(int fd, struct channel_reader *reader);

#endif
