// SPDX-License-Identifier: Apache-2.0
/*
 * In the place of realmkey-policy: the policy in the question says what it does. Each question is a
 * frame on standard input, which is the socket for the answers as well. Policies are:
 *	answer JSON	answer with this text
 *	expect JSON	allow if the rest of the question is this, and else answer with an error
 *	echo		put the rest of the question into an extension "question" of the EAR
 *	one of the words below; others allow
 * The text of a question about init-data counts as the policy.
 */
#include <jansson.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALLOWED "{\"values\":{\"data.policy.allow\":true}}"

static int read_all(void *data, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(STDIN_FILENO, (char *)data + got, len - got, 0);

		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return 0;
}

static void write_all(const void *data, size_t len)
{
	if (send(STDIN_FILENO, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		exit(0);
}

static void write_frame(const char *text)
{
	size_t len = strlen(text);
	unsigned char head[4];

	for (int i = 0; i < 4; i++)
		head[i] = (unsigned char)(len >> (8 * i));
	write_all(head, sizeof(head));
	write_all(text, len);
}

static void hang(void)
{
	for (;;)
		pause();
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

static void leave(void)
{
	exit(0);
}

static void garbage(void)
{
	write_frame("{\"values\":");
}

/* A length that no answer has. */
static void endless(void)
{
	write_all("\xff\xff\xff\xff", 4);
}

static void twice(void)
{
	static const char ahead[] = "\x02\x00\x00\x00{}\x02\x00\x00\x00{}";

	write_all(ahead, sizeof(ahead) - 1);
}

static void byte_by_byte(void)
{
	static const char slow[] = "\x25\x00\x00\x00" ALLOWED;

	_Static_assert(sizeof(ALLOWED) - 1 == 0x25, "the length in front of it");
	for (size_t i = 0; i < sizeof(slow) - 1; i++) {
		write_all(slow + i, 1);
		usleep(1000);
	}
}

/* Each byte comes soon after the one before it, and the answer never. */
static void too_slow(void)
{
	write_all("\x00\x10\x00\x00", 4);
	for (;;) {
		write_all(" ", 1);
		usleep(10000);
	}
}

static void mistaken(void)
{
	write_frame("{\"error\":\"a mistake\",\"line\":3,\"column\":7}");
}

static void late(void)
{
	usleep(100000);
	write_frame(ALLOWED);
}

/* It answers, and ends before the next question. */
static void last(void)
{
	write_frame(ALLOWED);
	exit(0);
}

static void allow(void)
{
	write_frame(ALLOWED);
}

static const struct {
	const char *policy;
	void (*act)(void);
} acts[] = {
	{ "hang", hang },	    { "die", die },	      { "leave", leave },
	{ "garbage", garbage },	    { "endless", endless },   { "twice", twice },
	{ "slowly", byte_by_byte }, { "too slow", too_slow }, { "mistaken", mistaken },
	{ "late", late },	    { "last", last },	      { "allow", allow },
};

static void echo(json_t *question)
{
	json_t *answer;
	char *text;

	json_object_del(question, "policy");
	answer = json_pack("{s:{s:{s:i}, s:[{s:s, s:i, s:O}]}}", "values",
			   "data.policy.trust_claims", "hardware", 2, "data.policy.extensions",
			   "name", "question", "key", 1, "value", question);
	text = json_dumps(answer, JSON_COMPACT);
	write_frame(text);
	free(text);
	json_decref(answer);
}

static void expect(json_t *question, const char *text)
{
	json_t *want = json_loads(text, 0, NULL);

	json_object_del(question, "policy");
	if (want && json_equal(question, want)) {
		allow();
	} else {
		char *got = json_dumps(question, JSON_COMPACT);
		json_t *error = json_pack("{s:s}", "error", got);
		char *answer = json_dumps(error, 0);

		write_frame(answer);
		free(answer);
		free(got);
		json_decref(error);
	}
	json_decref(want);
}

static void act(const char *policy, json_t *question)
{
	if (strncmp(policy, "answer ", 7) == 0) {
		write_frame(policy + 7);
		return;
	}
	if (strcmp(policy, "echo") == 0) {
		echo(question);
		return;
	}
	if (strncmp(policy, "expect ", 7) == 0) {
		char *text = strdup(policy + 7);

		expect(question, text);
		free(text);
		return;
	}
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(policy, acts[i].policy) == 0) {
			acts[i].act();
			return;
		}
	}
	allow();
}

int main(void)
{
	for (;;) {
		const char *policy;
		uint8_t head[4];
		size_t len = 0;
		json_t *question;
		char *text;

		if (read_all(head, sizeof(head)) < 0)
			return 0;
		for (int k = 0; k < 4; k++)
			len |= (size_t)head[k] << (8 * k);
		text = malloc(len);
		if (!text || read_all(text, len) < 0)
			return 1;
		question = json_loadb(text, len, 0, NULL);
		free(text);
		policy = json_string_value(json_object_get(question, "policy"));
		if (!policy)
			policy = json_string_value(json_object_get(question, "text"));
		if (!policy)
			return 1;
		act(policy, question);
		json_decref(question);
	}
}
