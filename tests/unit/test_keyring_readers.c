// SPDX-License-Identifier: Apache-2.0
/*
 * Readers of a unit that changes all the time: each file is whole, with its mode and owner, and files that were
 * read through one open directory are of one generation.
 *
 *	test_keyring_readers [ROTATIONS]
 *
 * A reader whose directory was replaced twice since it opened it does not find the files, and opens it again. So
 * the writer first waits for the readers after each change: then each name must be there each time. Then it
 * does not wait.
 */
#include "base/array.h"
#include "keyring_test.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define READERS	   3
#define LENGTH_MAX 20000
#define CHAIN_LIFE 10 /* generations */

static unsigned int rotations = 300;

static const struct kind {
	const char *file;
	mode_t mode;
	uid_t owner;
	unsigned int life; /* the content changes with each such number of generations */
} kinds[] = {
	{ "web/tls.crt", 0444, 1001, 1 },
	{ "web/private/tls.key", 0400, 1002, 1 },
	{ "web/chain", 0440, 1003, CHAIN_LIFE },
	{ "token", 0440, 1004, 1 },
};

#define PAIR 3 /* the first three are of one unit */

static struct shared {
	atomic_bool over;
	struct {
		atomic_ulong begun, reads, pairs, gone, mixed, wrong;
	} reader[READERS];
} *shared;

/* The content of @kind says its generation everywhere, and its length depends on that. */
static size_t content_make(const struct kind *kind, unsigned int generation, char *text)
{
	const unsigned int number = generation / kind->life;
	const size_t len = 8 + number * 2971 % (LENGTH_MAX - 8);
	char word[9];

	snprintf(word, sizeof(word), "%08u", number);
	for (size_t i = 0; i < len; i++)
		text[i] = word[i % 8];
	return len;
}

/* The number in @file, -1 if it is not there, or -2 if anything is wrong with it. */
static long file_read(const struct kind *kind, int dir, const char *name, char *text, char *wanted)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	unsigned int number;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -1 : -2;
	n = read(fd, text, LENGTH_MAX);
	if (fstat(fd, &st) || n < 8 || st.st_size != n || st.st_mode != (S_IFREG | kind->mode) ||
	    st.st_uid != kind->owner || st.st_gid != kind->owner ||
	    sscanf(text, "%8u", &number) != 1)
		n = -1;
	close(fd);
	if (n < 0 || content_make(kind, number * kind->life, wanted) != (size_t)n ||
	    memcmp(text, wanted, (size_t)n))
		return -2;
	return number;
}

/* Read all files of the unit through one open directory, and the other one. */
static void files_read(int reader, int root)
{
	static char text[LENGTH_MAX], wanted[LENGTH_MAX];
	int dir = openat(root, "web", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long number[ARRAY_SIZE(kinds)];
	bool gone = false, wrong = dir < 0;

	shared->reader[reader].begun++;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		number[i] = i < PAIR ? file_read(&kinds[i], dir, kinds[i].file + 4, text, wanted) :
				       file_read(&kinds[i], root, kinds[i].file, text, wanted);
		gone = gone || number[i] == -1;
		wrong = wrong || number[i] == -2;
	}
	if (dir >= 0)
		close(dir);
	shared->reader[reader].reads++;
	if (wrong || number[PAIR] < 0)
		shared->reader[reader].wrong++;
	else if (gone)
		shared->reader[reader].gone++;
	else if (number[0] != number[1] || number[0] / CHAIN_LIFE != number[2])
		shared->reader[reader].mixed++;
	else
		shared->reader[reader].pairs++;
}

/* The same by names, as most programs do. They can be of two generations, but each must be there. */
static void names_read(int reader, int root)
{
	static char text[LENGTH_MAX], wanted[LENGTH_MAX];

	shared->reader[reader].begun++;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		long number = file_read(&kinds[i], root, kinds[i].file, text, wanted);

		shared->reader[reader].reads++;
		shared->reader[reader].gone += number == -1;
		shared->reader[reader].wrong += number == -2;
	}
}

static _Noreturn void reader_run(int reader)
{
	int root = open(keyring, O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (!shared->over)
		if (reader == 0)
			names_read(reader, root);
		else
			files_read(reader, root);
	_exit(0);
}

/* Until each reader has ended what it did when this was called. */
static void readers_wait(void)
{
	for (int i = 0; i < READERS; i++) {
		unsigned long now = shared->reader[i].begun;

		while (shared->reader[i].begun == now)
			sched_yield();
	}
}

/* As the keeper. */
static void rotate(unsigned int generation)
{
	static char text[LENGTH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = content_make(&kinds[i], generation, text);
		int ret = keyring_stage(&ring, (int)i, text, len, &error);

		if (ret < 0 || (ret == 1 && generation % kinds[i].life == 0) ||
		    (i >= PAIR - 1 && keyring_commit(&ring, &error)))
			fail_msg("generation %u, %s: %s", generation, kinds[i].file, error.text);
	}
}

static unsigned long gone(void)
{
	unsigned long sum = 0;

	for (int i = 0; i < READERS; i++)
		sum += shared->reader[i].gone;
	return sum;
}

static void readers_judge(void)
{
	unsigned long reads = 0, pairs = 0;

	for (int i = 0; i < READERS; i++) {
		reads += shared->reader[i].reads;
		pairs += shared->reader[i].pairs;
		assert_int_equal(shared->reader[i].wrong, 0);
		assert_int_equal(shared->reader[i].mixed, 0);
		assert_true(shared->reader[i].reads > rotations);
	}
	print_message(
		"# %u rotations: %lu reads, %lu whole pairs, %lu in a directory that was replaced twice\n",
		2 * rotations, reads, pairs, gone());
	assert_true(pairs > rotations);
	assert_int_equal(names("web", true), 0);
}

static void readers_see_whole_generations(void **state)
{
	pid_t pid[READERS];
	int status;

	(void)state;
	ring_open();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		declare_as(kinds[i].file, kinds[i].mode, kinds[i].owner, kinds[i].owner);
	settle();
	become(KEEPER);
	rotate(0);
	become(0);
	for (int i = 0; i < READERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			reader_run(i);
	}
	become(KEEPER);
	for (unsigned int i = 1; i <= rotations; i++) {
		rotate(i);
		readers_wait();
	}
	assert_int_equal(gone(), 0);
	for (unsigned int i = 1; i <= rotations; i++)
		rotate(rotations + i);
	become(0);
	shared->over = true;
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	readers_judge();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(readers_see_whole_generations),
	};

	if (argc > 1)
		rotations = (unsigned int)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
