/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: a line per command, answered in order. hes_fault.h defines the commands. */
#ifndef HES_CONTROL_H
#define HES_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "hes_fault.h"

#define HES_CONTROL_PEERS 4
#define HES_CONTROL_FDS	  (HES_CONTROL_PEERS + 1)

struct hes_control {
	int fd; /* the listening socket, or -1 */
	struct {
		int fd;	    /* -1: the slot is free */
		size_t got; /* bytes of @line so far */
		char line[HES_FAULT_LINE];
	} peer[HES_CONTROL_PEERS];
};

/* hes_control_open - listen at @path unless it is NULL; returns false after a line on stderr */
bool hes_control_open(struct hes_control *control, const char *path);
void hes_control_close(struct hes_control *control);

/* hes_control_poll - set @fds to what the caller must wait for */
void hes_control_poll(const struct hes_control *control, struct pollfd fds[HES_CONTROL_FDS]);

/*
 * hes_control_serve - read what has come, execute and answer each whole line
 * @execute: executes a line and writes its answer, at most HES_FAULT_ANSWER bytes
 */
void hes_control_serve(struct hes_control *control, const struct pollfd fds[HES_CONTROL_FDS],
		       void (*execute)(void *context, const char *line, char *answer),
		       void *context);

#endif
