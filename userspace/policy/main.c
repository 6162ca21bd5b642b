// SPDX-License-Identifier: Apache-2.0
/* realmkey-policy: evaluates policies in Rego. Questions come from its standard input, a socket, and answers
 * go there. It has no other descriptors, no files and no network; its memory is limited, and the process that
 * asks ends it when an answer takes too long. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "base/io.h"
#include "confine.h"
#include "engine.h"
#include "rego/process.h"
#include "rego/question.h"

#define SIGNAL_SIZE ((size_t)64 << 10)

static const char version[] = "realmkey-policy " REALMKEY_VERSION "\n";
static const char usage[] =
	"usage: realmkey-policy MEMORY PARENT\n"
	"The part of trusteed and realmkey that evaluates policies. They start it; it is\n"
	"not to be run by hand.\n"
	"  --version  print the version\n";

/* --- ends ------------------------------------------------------------------------------------ */

void policy_out_of_memory(void)
{
	_exit(REGO_EXIT_MEMORY);
}

static const char *stack_top;

/* A fault below the stack is a stack that is full. It has no room for this, which runs on another; there
 * AddressSanitizer would look for the first one in a file that cannot be opened. */
__attribute__((no_sanitize_address)) static void faulted(int number, siginfo_t *info, void *context)
{
	const char *at = info->si_addr;

	(void)context;
	if (at < stack_top && (size_t)(stack_top - at) > CONFINE_STACK / 2 &&
	    (size_t)(stack_top - at) < 2 * CONFINE_STACK)
		_exit(REGO_EXIT_STACK);
	signal(number, SIG_DFL);
	raise(number);
}

static int faults_catch(struct error *e)
{
	static char memory[SIGNAL_SIZE];
	const stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };
	struct sigaction action = { .sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	stack_top = __builtin_frame_address(0);
	if (sigaltstack(&stack, NULL) < 0 || sigaction(SIGSEGV, &action, NULL) < 0)
		return error_set_errno(e, ERROR_SYSTEM, "sigaltstack");
	return 0;
}

/* --- questions ------------------------------------------------------------------------------- */

/* Read a question into @question. False at the end. */
static bool question_read(struct bytes *question)
{
	struct error e = ERROR_INIT;
	uint8_t head[4];
	int64_t size;

	if (io_read_full(STDIN_FILENO, head, sizeof(head), &e) < 0)
		return false;
	size = rego_frame_size(head, sizeof(head), REGO_QUESTION_MAX, &e);
	if (size < 0)
		_exit(REGO_EXIT_PROTOCOL);
	if (bytes_resize(question, (size_t)size - sizeof(head), &e) < 0)
		policy_out_of_memory();
	return io_read_full(STDIN_FILENO, question->data, question->len, &e) == 0;
}

static int answer_write(const uint8_t *text, size_t len)
{
	static const char too_long[] = "{\"error\": \"the policy's values are too long\"}";
	struct error e = ERROR_INIT;
	uint8_t head[4];

	if (len > REGO_ANSWER_MAX) {
		text = (const uint8_t *)too_long;
		len = strlen(too_long);
	}
	encode_u32((uint32_t)len, head);
	if (io_write_full(STDIN_FILENO, head, sizeof(head), &e) < 0)
		return -1;
	return io_write_full(STDIN_FILENO, text, len, &e);
}

static int policy_serve(void)
{
	struct bytes question = BYTES_INIT;
	size_t len;

	while (question_read(&question)) {
		const uint8_t *text = engine_answer((const uint8_t *)bytes_text(&question),
						    question.len, &len);

		bytes_clear(&question);
		if (answer_write(text, len) < 0)
			return 1;
	}
	return 0;
}

/* Started by hand. */
static int policy_explain(const char *argument)
{
	if (argument && !strcmp(argument, "--version"))
		return fputs(version, stdout) < 0 || fflush(stdout);
	if (argument && (!strcmp(argument, "--help") || !strcmp(argument, "-h")))
		return fputs(usage, stdout) < 0 || fflush(stdout);
	fputs(usage, stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;
	size_t memory;
	pid_t parent;

	if (argc != 3)
		return policy_explain(argv[1]);
	memory = strtoul(argv[1], NULL, 10);
	parent = (pid_t)strtol(argv[2], NULL, 10);
	if (faults_catch(&e) < 0 || policy_confine(memory, parent, &e) < 0)
		_exit(REGO_EXIT_CONFINE);
	engine_limit(memory);
	/* Not exit(), because libraries may then make system calls that the sandbox forbids. */
	_exit(policy_serve());
}
