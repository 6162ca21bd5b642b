// SPDX-License-Identifier: Apache-2.0
/* Runs a program with secrets: as open files, as paths, or, if the user insists, in its environment. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "cli/cli.h"
#include "local.h"
#include "status/control.h"
#include "wait.h"

#define SECRETS_MAX 64
#define FD_MAX	    63
#define VALUE_MAX   ((size_t)120 << 10) /* less than the kernel's limit of one string, 128 KiB */
#define INSIST	    "environment-is-readable-in-proc"

/* As env(1). */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND	127

enum use { USE_FD, USE_FILE, USE_ENV };

static const char *const use_words[] = {
	[USE_FD] = "fd",
	[USE_FILE] = "file",
	[USE_ENV] = "env",
};

struct given {
	const char *text; /* of the option */
	char name[CONTROL_NAME_MAX];
	const char *file; /* below the keyring; owned by the status */
	enum use use;
	const char *variable; /* USE_FILE, USE_ENV */
	int target;	      /* USE_FD: the number in the program */
	int dir, fd;	      /* open: its first directory, and the file */
	struct bytes entry;   /* USE_FILE, USE_ENV: "VARIABLE=..." */
};

struct options {
	struct local_options local;
	const char *secret; /* only for --help: words_split() removes this option */
	const char *timeout;
	bool insist;
};

static const struct args_option own[] = {
	{ .name = "secret",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, secret),
	  .value = "NAME=HOW",
	  .help = "give the secret NAME to the program. HOW is fd:N, an open file with that number "
		  "(0, or 3 to 63); file:VAR, its path in the variable VAR; or env:VAR, its value "
		  "in VAR. May be repeated" },
	{ .name = INSIST,
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct options, insist),
	  .help = "allow env:VAR, although other processes of the user can read it" },
	{ .name = "timeout",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct options, timeout),
	  .value = "DURATION",
	  .help = "do not wait longer for the secrets, 90s or 5m (default: wait)" },
	{ 0 },
};

static const struct args_option *const tables[] = { own, local_options, NULL };

static const struct args_spec spec = {
	.name = "realmkey run",
	.operands = "-- PROGRAM [ARG]...",
	.about =
		"Waits until realmkeyd has delivered the secrets, and then executes PROGRAM with\n"
		"them. Without --secret it waits for each required one. Each secret that is given\n"
		"is logged, never its value.",
	.options = tables,
	.notes = "Exit status: that of PROGRAM; 126 it cannot be executed, 127 it is not found;\n"
		 "before that, as of realmkey wait.",
};

/* --- the command line ------------------------------------------------------------------------ */

static bool variable_is_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static int target_read(const char *text)
{
	char *end;
	long target = strtol(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || target > FD_MAX || target == STDOUT_FILENO ||
	    target == STDERR_FILENO)
		return -1;
	return (int)target;
}

static int given_fail(const struct given *given, const char *reason, struct error *e)
{
	return error_set(e, ERROR_USAGE, "--secret %s: %s", given->text, reason);
}

/* Read "NAME=HOW". */
static int given_read(struct given *given, const char *text, struct error *e)
{
	const char *how = strchr(text, '='), *value = how ? strchr(how, ':') : NULL;
	size_t use = 0;

	*given = (struct given){ .text = text, .dir = -1, .fd = -1, .entry = BYTES_LOCKED_INIT };
	if (!value || how == text || (size_t)(how - text) >= sizeof(given->name))
		return given_fail(given, "not NAME=fd:N, NAME=file:VAR or NAME=env:VAR", e);
	memcpy(given->name, text, (size_t)(how - text));
	how++;
	while (use < ARRAY_SIZE(use_words) &&
	       (strlen(use_words[use]) != (size_t)(value - how) ||
		memcmp(how, use_words[use], (size_t)(value - how)) != 0))
		use++;
	if (use == ARRAY_SIZE(use_words))
		return given_fail(given, "not fd:N, file:VAR or env:VAR", e);
	given->use = (enum use)use;
	value++;
	if (given->use == USE_FD) {
		given->target = target_read(value);
		return given->target < 0 ? given_fail(given, "N is not 0, or 3 to 63", e) : 0;
	}
	given->variable = value;
	return variable_is_valid(value) ? 0 :
					  given_fail(given, "VAR is not the name of a variable", e);
}

static bool givens_collide(const struct given *a, const struct given *b)
{
	if (a->variable && b->variable)
		return !strcmp(a->variable, b->variable);
	return a->use == USE_FD && b->use == USE_FD && a->target == b->target;
}

static int givens_check(const struct given *given, size_t count, bool insist, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (given[i].use == USE_ENV && !insist)
			return given_fail(
				&given[i],
				"every process of the same user can read an environment in "
				"/proc/PID/environ, and programs pass theirs on; use fd: or file:, "
				"or add --" INSIST,
				e);
		for (size_t k = 0; k < i; k++)
			if (givens_collide(&given[k], &given[i]))
				return given_fail(&given[i], "the same place as another secret", e);
	}
	return 0;
}

/* The value of the option --secret at argv[*i], which is then left at its last word; NULL if there is another
 * word, or no value. */
static const char *secret_option(int argc, char **argv, int *i)
{
	static const char name[] = "--secret";
	const size_t len = sizeof(name) - 1;

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	return argv[*i][len] || *i + 1 >= argc ? NULL : argv[++*i];
}

static bool option_takes_word(const char *word)
{
	return !strcmp(word, "--timeout") || !strcmp(word, "--keyring");
}

/* Read each --secret, and move all other options to the front, argv[1] to argv[*kept - 1]. Returns the index of the
 * program in @argv, @argc if there is none, or -1. */
static int words_split(int argc, char **argv, struct given *given, size_t *count, int *kept,
		       struct error *e)
{
	int i = 1;

	*kept = 1;
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		char *word = argv[i];
		const char *text;

		if (!strcmp(word, "--"))
			return i + 1;
		text = secret_option(argc, argv, &i);
		if (!text) {
			argv[(*kept)++] = word;
			if (option_takes_word(word) && i + 1 < argc)
				argv[(*kept)++] = argv[++i];
			continue;
		}
		if (*count == SECRETS_MAX)
			return error_set(e, ERROR_USAGE, "--secret: more than %d", SECRETS_MAX);
		if (given_read(&given[(*count)++], text, e) < 0)
			return -1;
	}
	return i;
}

/* --- the secrets ----------------------------------------------------------------------------- */

/* Open @path below the directory @dir. The keeper owns the directories of the keyring and wrote @path; even if it is
 * compromised, no symbolic link may lead this process, perhaps root's, to another file. */
static int open_beneath(int dir, const char *path, uint64_t flags)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* Secrets below the same directory are opened through one descriptor of it. They are then of one generation, even if
 * realmkeyd replaces the directory at this moment. */
static int given_open_directory(struct given *given, const struct given *before, int keyring)
{
	const size_t len = strcspn(given->file, "/") + 1; /* with the slash */
	char *name;

	for (; before < given; before++)
		if (!strncmp(before->file, given->file, len))
			return fcntl(before->dir, F_DUPFD_CLOEXEC, 0);
	name = strndup(given->file, len);
	if (!name)
		return -1;
	given->dir = open_beneath(keyring, name, O_PATH | O_DIRECTORY);
	free(name);
	return given->dir;
}

static int given_open(struct given *given, const struct given *before, int keyring, struct error *e)
{
	const char *rest = strchr(given->file, '/');
	struct stat st;

	given->dir = rest ? given_open_directory(given, before, keyring) :
			    fcntl(keyring, F_DUPFD_CLOEXEC, 0);
	if (given->dir >= 0)
		given->fd = open_beneath(given->dir, rest ? rest + 1 : given->file, O_RDONLY);
	if (given->fd < 0 || fstat(given->fd, &st) < 0)
		return error_set_errno(e, ERROR_DELIVERY, "secret %s: %s", given->name,
				       given->file);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_DELIVERY, "secret %s: %s: not a regular file",
				 given->name, given->file);
	return 0;
}

/* Append the value to the entry of the environment. */
static int given_read_value(struct given *given, struct error *e)
{
	if (io_read_all(given->fd, VALUE_MAX, given->file, &given->entry, e) < 0)
		return error_add(e, "secret %s", given->name);
	if (strlen(bytes_text(&given->entry)) != given->entry.len)
		return error_set(e, ERROR_INPUT,
				 "secret %s: it contains NUL, which an environment cannot",
				 given->name);
	return 0;
}

/* The log says who gets which secret; the value of no secret is in it. */
static void given_log(const struct given *given, const char *program)
{
	char line[ERROR_TEXT_MAX];

	snprintf(line, sizeof(line), "secret %s (%s) is given to %s, uid %u, as %s", given->name,
		 given->file, program, (unsigned int)getuid(), strchr(given->text, '=') + 1);
	error_text_clean(line);
	syslog(LOG_NOTICE, "%s", line);
}

static int given_prepare(struct given *given, const char *keyring, struct error *e)
{
	int ret = 0;

	if (given->use == USE_FD) {
		/* Beyond every target, so that none is overwritten. */
		int fd = fcntl(given->fd, F_DUPFD_CLOEXEC, FD_MAX + 1);

		if (fd < 0)
			return error_set_errno(e, ERROR_SYSTEM, "secret %s", given->name);
		close(given->fd);
		given->fd = fd;
		return 0;
	}
	bytes_printf(&given->entry, "%s=", given->variable);
	if (given->use == USE_FILE)
		bytes_printf(&given->entry, "%s/%s", keyring, given->file);
	else
		ret = given_read_value(given, e);
	return ret < 0 ? -1 : bytes_check(&given->entry, e);
}

static int givens_open(struct given *given, size_t count, const struct status *status,
		       const char *keyring, struct error *e)
{
	char *path = realpath(keyring, NULL);
	int dir = path ? local_directory(path) : -1;
	int ret = dir < 0 ? error_set_errno(e, ERROR_SYSTEM, "%s", keyring) : 0;

	for (size_t i = 0; ret == 0 && i < count; i++) {
		given[i].file = status_file(status_find(status, given[i].name));
		if (!given[i].file)
			ret = error_set(e, ERROR_USAGE, "secret %s: it has no file", given[i].name);
		else
			ret = given_open(&given[i], given, dir, e);
		if (ret == 0)
			ret = given_prepare(&given[i], path, e);
	}
	if (dir >= 0)
		close(dir);
	free(path);
	return ret;
}

/* --- the program ----------------------------------------------------------------------------- */

/* The environment with the variables of @given, which replace others. NULL if out of memory. */
static char **environment_make(const struct given *given, size_t count)
{
	size_t size = 0, kept = 0;
	char **all;

	while (environ && environ[size])
		size++;
	all = calloc(size + count + 1, sizeof(*all));
	for (size_t i = 0; all && i < size; i++) {
		bool replaced = false;

		for (size_t k = 0; k < count; k++) {
			const char *name = given[k].use == USE_FD ? NULL : given[k].variable;

			replaced |= name && !strncmp(environ[i], name, strlen(name)) &&
				    environ[i][strlen(name)] == '=';
		}
		if (!replaced)
			all[kept++] = environ[i];
	}
	for (size_t i = 0; all && i < count; i++)
		if (given[i].use != USE_FD)
			all[kept++] = (char *)given[i].entry.data;
	return all;
}

/* Returns only if it fails: the exit status. */
static int program_execute(const char *command, char **argv, const struct given *given,
			   size_t count)
{
	char **all = environment_make(given, count);
	struct error e = ERROR_INIT;
	int code = EXIT_CANNOT_RUN;

	if (!all) {
		error_set_memory(&e);
		return cli_fail(command, &e);
	}
	openlog("realmkey", LOG_PID, LOG_AUTHPRIV);
	for (size_t i = 0; i < count; i++)
		given_log(&given[i], argv[0]);
	closelog();
	signal(SIGPIPE, SIG_DFL); /* main() ignores it */
	for (size_t i = 0; i < count; i++)
		if (given[i].use == USE_FD && dup2(given[i].fd, given[i].target) < 0) {
			error_set_errno(&e, ERROR_SYSTEM, "file descriptor %d", given[i].target);
			goto out;
		}
	execvpe(argv[0], argv, all);
	if (errno == ENOENT)
		code = EXIT_NOT_FOUND;
	error_set_errno(&e, ERROR_SYSTEM, "%s", argv[0]);
out:
	cli_fail(command, &e);
	free(all);
	return code;
}

static int run(const char *command, const struct options *options, struct given *given,
	       size_t count, char **program)
{
	const char *names[SECRETS_MAX];
	struct wait wait = { .command = command,
			     .keyring = local_keyring(&options->local),
			     .name = names,
			     .count = count,
			     .timeout = WAIT_FOREVER };
	struct status status = STATUS_INIT;
	struct error e = ERROR_INIT;
	int found, code;

	for (size_t i = 0; i < count; i++)
		names[i] = given[i].name;
	if (givens_check(given, count, options->insist, &e) < 0 ||
	    (options->timeout &&
	     local_duration(options->timeout, "--timeout", &wait.timeout, &e) < 0))
		return cli_fail(command, &e);
	found = wait_secrets(&wait, &status, &e);
	if (found == LOCAL_FOUND && givens_open(given, count, &status, wait.keyring, &e) < 0)
		found = -1;
	code = found == LOCAL_FOUND ? program_execute(command, program, given, count) :
				      local_fail(command, found, &e);
	status_free(&status);
	return code;
}

int command_run(int argc, char **argv)
{
	struct given given[SECRETS_MAX];
	struct options options = { 0 };
	struct error e = ERROR_INIT;
	size_t count = 0;
	int kept, code, program = words_split(argc, argv, given, &count, &kept, &e);

	if (program < 0)
		code = cli_fail(argv[0], &e);
	else if (cli_parse(&spec, kept, argv, &options, NULL, &code)) {
		if (program < argc) {
			code = run(argv[0], &options, given, count, argv + program);
		} else {
			error_set(&e, ERROR_USAGE, "a program is missing (see --help)");
			code = cli_fail(argv[0], &e);
		}
	}
	for (size_t i = 0; i < count; i++)
		bytes_free(&given[i].entry);
	return code;
}
