// SPDX-License-Identifier: Apache-2.0
/*
 * rotate: a keeper whose secrets change thousands of times, on a clock of the test's own, from a KBS that is away half of the
 * time, while readers read a pair of them all the time. TAP.
 *
 *	rotate ROTATIONS [READERS]
 *
 * The keeper is the real one, with the real keyring and its real confinement. Realm, courier and KBS are fakes. This process
 * is root outside of the confinement: it measures the keeper, and collects what it and the readers counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "kbs/denial.h"
#include "keeper/secrets/confine.h"
#include "keeper/secrets/keeper.h"
#include "keeper/secrets/publish.h"
#include "keeper/secrets/record.h"

#define MINUTE	    60000
#define INTERVAL    (10 * MINUTE)
#define WINDOW	    (60 * MINUTE) /* the KBS is there for one, then away for one */
#define SECRETS	    6
#define SECRET_SIZE 4096
#define READERS_MAX 16
#define MODE	    0440
#define READER	    1234

/* What each process counts, in memory that all share. */
static struct counts {
	uint64_t passes, requests, failures, rotations, lost, late;
	uint64_t warm_rss, rss; /* pages after the first tenth of the rotations, and at the end */
	uint64_t warm_files, files;
	struct {
		uint64_t pairs, gone, mixed, wrong, versions;
	} reader[READERS_MAX];
	bool over;
} *counts;

static int64_t now = 1000 * MINUTE; /* of the keeper, in ms */
static char base[] = "/tmp/rotate.XXXXXX";
static char ring[sizeof(base) + 16];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "rotate: %s: %s\n", what, strerror(errno));
	_exit(99);
}

/* --- the fakes ------------------------------------------------------------------------------- */

static bool kbs_away(void)
{
	return now / WINDOW % 2;
}

/* All secrets of one time have the same version, as if an operator had renewed all of them together. */
static uint64_t kbs_version(void)
{
	return (uint64_t)now / MINUTE;
}

/* A secret says which version it is, everywhere. */
static void secret_make(uint64_t version, char text[SECRET_SIZE])
{
	char line[32];

	snprintf(line, sizeof(line), "%015llu\n", (unsigned long long)version);
	for (size_t i = 0; i < SECRET_SIZE; i++)
		text[i] = line[i % 16];
}

int session_get(struct session *s, const char *path, struct bytes *secret, struct error *e)
{
	char text[SECRET_SIZE];

	(void)path;
	counts->requests++;
	if (kbs_away()) {
		bytes_clear(&s->ear);
		return error_set_transient(e, ERROR_NETWORK, "no connection");
	}
	bytes_set(&s->ear, "e.a.r", 5);
	secret_make(kbs_version(), text);
	bytes_append(secret, text, sizeof(text));
	return bytes_check(secret, e);
}

void session_close(struct session *s)
{
	bytes_free(&s->ear);
}

int denial_explain(const struct bytes *ear, const struct bytes *token, const struct denial_kbs *kbs,
		   struct bytes *out, struct error *e)
{
	(void)ear, (void)token, (void)kbs, (void)out, (void)e;
	return 0;
}

struct rsi *rsi_open(const char *source, struct error *e)
{
	(void)source, (void)e;
	return (struct rsi *)&now;
}

const char *rsi_source_name(const struct rsi *rsi)
{
	(void)rsi;
	return "device";
}

const char *const *rsi_sources(void)
{
	static const char *const none[] = { NULL };

	return none;
}

void rsi_close(struct rsi *rsi)
{
	(void)rsi;
}

int record_delivery(struct rsi *rsi, unsigned int index, const char *resource,
		    const uint8_t jwe_digest[SESSION_DIGEST_SIZE], struct error *e)
{
	(void)rsi, (void)index, (void)resource, (void)jwe_digest, (void)e;
	return 0;
}

int courier_start(struct courier *courier, const char *program, const struct courier_target *target,
		  struct error *e)
{
	(void)program, (void)target, (void)e;
	courier->fd = 0;
	return 0;
}

/* --- the keeper ------------------------------------------------------------------------------ */

static struct config_secret configs[SECRETS];
static struct config_file entries[SECRETS + 1];
static struct settings_file owners[SECRETS + 1];
static struct config_allow served = { .kind = CONFIG_PEER_UID };
static struct settings settings = SETTINGS_INIT;

static int secret_find(void *context, const char *name, size_t len)
{
	(void)context;
	return len == strlen("secret0") ? name[len - 1] - '0' : -1;
}

/* A file with both of the pair, and with them in their directory. */
static void template_make(struct config_file *file, struct settings_file *owner)
{
	static const char text[] = "{{secret0}}{{secret1}}";
	struct error e = ERROR_INIT;

	*file = (struct config_file){ .path = (char *)"pair/both", .secret = CONFIG_NO_SECRET };
	file->mode = MODE;
	*owner = owners[0];
	if (template_parse(&owner->template, text, strlen(text), secret_find, NULL, &e) < 0) {
		fprintf(stderr, "rotate: %s\n", e.text);
		_exit(99);
	}
}

static void settings_make(void)
{
	static char names[SECRETS][16], paths[SECRETS][16];

	for (int i = 0; i < SECRETS; i++) {
		snprintf(names[i], sizeof(names[i]), "secret%d", i);
		snprintf(paths[i], sizeof(paths[i]), i < 2 ? "pair/%d" : "file%d", i);
		configs[i] = (struct config_secret){
			.name = names[i],
			.resource = names[i],
			.file = paths[i],
			.mode = MODE,
			.required = true,
			.refresh = INTERVAL,
		};
		entries[i] =
			(struct config_file){ .path = paths[i], .secret = (size_t)i, .mode = MODE };
		owners[i] = (struct settings_file){ .uid = READER + 1, .gid = READER };
	}
	template_make(&entries[SECRETS], &owners[SECRETS]);
	configs[2].allow = &served;
	configs[2].allows = 1;
	settings.config.secret = configs;
	settings.config.count = SECRETS;
	settings.config.file = entries;
	settings.config.files = SECRETS + 1;
	settings.config.url[settings.config.urls++] = (char *)"https://kbs";
	settings.file = owners;
}

/* At the end of a time in which the KBS was there, each secret has its present version, and was requested in time. */
static void keeper_check(const struct keeper *keeper)
{
	for (int i = 0; i < SECRETS; i++) {
		if (keeper->secret[i].state != STATUS_DELIVERED || keeper->secret[i].incomplete)
			counts->lost++;
		if (!kbs_away() && now % WINDOW > 6 * MINUTE + INTERVAL &&
		    now - keeper->secret[i].success > INTERVAL)
			counts->late++;
	}
}

/* The process outside measures this one here. */
static void checkpoint_wait(int checkpoint)
{
	char byte = 0;

	(void)!write(checkpoint, &byte, 1);
	(void)!read(checkpoint, &byte, 1);
}

static _Noreturn void keeper_process(uint64_t rotations, int checkpoint)
{
	struct keeper keeper = KEEPER_INIT;
	struct error e = ERROR_INIT;
	uint32_t random = 1;

	if (confine_begin(&e) < 0 || keeper_start(&keeper, &settings, NULL, ring, now, &e) < 0 ||
	    confine_finish(keeper.keyring.dir, &keeper.identity, 0, &e) < 0 ||
	    keyring_settle(&keeper.keyring, &e) < 0) {
		fprintf(stderr, "rotate: %s\n", e.text);
		_exit(99);
	}
	while (counts->rotations < rotations) {
		keeper_run(&keeper, now);
		if (keeper_age(&keeper, now))
			counts->lost++;
		keeper_check(&keeper);
		random = random * 1664525 + 1013904223;
		keeper_plan(&keeper, now, random);
		keeper_publish(&keeper, now);
		keyring_tidy(&keeper.keyring, now);
		now = keeper_next(&keeper);
		counts->failures = keeper.failures[ERROR_NETWORK];
		counts->passes++;
		if (keeper.secret[0].version == counts->rotations)
			continue;
		counts->rotations = keeper.secret[0].version;
		if (counts->rotations == rotations / 10 || counts->rotations == rotations)
			checkpoint_wait(checkpoint);
	}
	_exit(0);
}

/* --- readers --------------------------------------------------------------------------------- */

/* The version in the file @name of @dir, which has it @parts times. -1 if it is not there, -2 if it is short, torn, or
 * has other rights. */
static int64_t version_read(int dir, const char *name, size_t parts)
{
	char text[2 * SECRET_SIZE + 1], wanted[SECRET_SIZE];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	unsigned long long version;
	bool right = true;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -1 : -2;
	n = read(fd, text, sizeof(text));
	if (fstat(fd, &st) || st.st_mode != (S_IFREG | MODE) || st.st_gid != READER ||
	    n != (ssize_t)(parts * SECRET_SIZE) || sscanf(text, "%15llu", &version) != 1) {
		close(fd);
		return -2;
	}
	close(fd);
	secret_make(version, wanted);
	for (size_t i = 0; i < parts; i++)
		right = right && !memcmp(text + i * SECRET_SIZE, wanted, SECRET_SIZE);
	return right ? (int64_t)version : -2;
}

/* Read the pair, and the file made of both, through one open directory, as an application does that reads them in one go. */
static void pair_read(int number, int64_t *last)
{
	char path[sizeof(ring) + 8];
	int64_t one, two, both;
	int dir;

	snprintf(path, sizeof(path), "%s/pair", ring);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		counts->reader[number].wrong++;
		return;
	}
	one = version_read(dir, "0", 1);
	two = version_read(dir, "1", 1);
	both = version_read(dir, "both", 2);
	close(dir);
	if (one == -2 || two == -2 || both == -2)
		counts->reader[number].wrong++;
	else if (one == -1 || two == -1 || both == -1) /* it held the directory for two changes */
		counts->reader[number].gone++;
	else if (one != two || one != both)
		counts->reader[number].mixed++;
	else
		counts->reader[number].pairs++;
	if (one >= 0 && one != *last) {
		counts->reader[number].versions++;
		*last = one;
	}
}

static _Noreturn void reader_process(int number)
{
	int64_t last = -1;

	if (setgid(READER) || setuid(READER + 2))
		die("a reader");
	while (!counts->over)
		pair_read(number, &last);
	_exit(0);
}

/* --- measuring ------------------------------------------------------------------------------- */

static uint64_t rss_of(pid_t pid)
{
	unsigned long long size, rss, shared;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "r");
	if (!file)
		die(path);
	if (fscanf(file, "%llu %llu %llu", &size, &rss, &shared) != 3)
		die(path);
	fclose(file);
	return rss - shared; /* the pages of files come and go */
}

static uint64_t files_of(pid_t pid)
{
	char link[64];
	uint64_t count = 0;
	struct stat st;

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
		count += !lstat(link, &st);
	}
	return count;
}

static void measure(pid_t pid, int checkpoint, uint64_t *rss, uint64_t *files)
{
	char byte;

	if (read(checkpoint, &byte, 1) != 1)
		return;
	*rss = rss_of(pid);
	*files = files_of(pid);
	(void)!write(checkpoint, &byte, 1);
}

static void place_make(void)
{
	if (unshare(CLONE_NEWNS) ||
	    (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && errno != EINVAL))
		die("a mount namespace");
	if (!mkdtemp(base) || mount("test", base, "tmpfs", 0, "mode=0755"))
		die("a tmpfs");
	snprintf(ring, sizeof(ring), "%s/keyring", base);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED)
		die("memory");
}

static void wait_for_pair(void)
{
	char path[sizeof(ring) + 8];

	snprintf(path, sizeof(path), "%s/pair", ring);
	for (int i = 0; i < 10000 && access(path, F_OK); i++)
		usleep(1000);
}

static int test(int number, bool passed, const char *text)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", number, text);
	return !passed;
}

static int result(uint64_t rotations, int readers, int status)
{
	uint64_t pairs = 0, gone = 0, mixed = 0, wrong = 0, versions = 0;
	int failed = 0;

	for (int i = 0; i < readers; i++) {
		pairs += counts->reader[i].pairs;
		gone += counts->reader[i].gone;
		mixed += counts->reader[i].mixed;
		wrong += counts->reader[i].wrong;
		versions += counts->reader[i].versions;
	}
	printf("# record: rotations: %llu, in %llu passes with %llu requests, of which %llu failed\n",
	       (unsigned long long)counts->rotations, (unsigned long long)counts->passes,
	       (unsigned long long)counts->requests, (unsigned long long)counts->failures);
	printf("# record: reads: %llu pairs, %llu versions seen, %llu in a directory that was replaced "
	       "twice\n",
	       (unsigned long long)pairs, (unsigned long long)versions, (unsigned long long)gone);
	printf("# record: memory: %llu pages after a tenth, %llu at the end; descriptors: %llu, %llu\n",
	       (unsigned long long)counts->warm_rss, (unsigned long long)counts->rss,
	       (unsigned long long)counts->warm_files, (unsigned long long)counts->files);
	printf("1..7\n");
	failed += test(1,
		       WIFEXITED(status) && !WEXITSTATUS(status) && counts->rotations == rotations,
		       "a confined keeper made all rotations");
	failed += test(2, counts->failures * 10 > counts->passes,
		       "the KBS was away for a part of the time");
	failed += test(3, !counts->lost, "no secret was lost");
	failed += test(4, !counts->late,
		       "each was requested within its interval while the KBS was there");
	failed += test(5, counts->rss <= counts->warm_rss, "memory does not grow");
	failed += test(6, counts->files == counts->warm_files, "the descriptors stay as many");
	failed += test(7, pairs && versions > (uint64_t)readers && !mixed && !wrong,
		       "readers saw whole pairs only");
	return failed;
}

static void log_nothing(enum log_level level, const char *line)
{
	(void)level, (void)line;
}

int main(int argc, char **argv)
{
	const uint64_t rotations = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	const int readers = argc > 2 ? atoi(argv[2]) : 2;
	pid_t keeper, reader[READERS_MAX];
	int checkpoint[2], status = -1;

	if (rotations < 100 || readers < 1 || readers > READERS_MAX) {
		fprintf(stderr, "usage: rotate ROTATIONS (at least 100) [READERS (1 to %d)]\n",
			READERS_MAX);
		return 2;
	}
	if (geteuid() != 0) {
		printf("1..0 # SKIP not root, so no keyring can be mounted\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	log_set(log_nothing);
	place_make();
	settings_make();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, checkpoint))
		die("socketpair");
	keeper = fork();
	if (keeper < 0)
		die("fork");
	if (keeper == 0)
		keeper_process(rotations, checkpoint[1]);
	close(checkpoint[1]);
	/* Its mount is in this namespace, too. */
	wait_for_pair();
	for (int i = 0; i < readers; i++) {
		reader[i] = fork();
		if (reader[i] == 0)
			reader_process(i);
	}
	measure(keeper, checkpoint[0], &counts->warm_rss, &counts->warm_files);
	measure(keeper, checkpoint[0], &counts->rss, &counts->files);
	waitpid(keeper, &status, 0);
	counts->over = true;
	for (int i = 0; i < readers; i++)
		waitpid(reader[i], NULL, 0);
	umount2(ring, MNT_DETACH);
	umount2(base, MNT_DETACH);
	rmdir(base);
	return result(rotations, readers, status) ? 1 : 0;
}
