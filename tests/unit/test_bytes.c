// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

static struct {
	const void *data;
	size_t len;
	char first[16];
} wiped;

void OPENSSL_cleanse(void *data, size_t len);

/*
 * Replaces OpenSSL's function, so that the test sees which memory is wiped before it is released.
 */
void OPENSSL_cleanse(void *data, size_t len)
{
	volatile uint8_t *at = data;

	wiped.data = data;
	wiped.len = len;
	memcpy(wiped.first, data, len < sizeof(wiped.first) ? len : sizeof(wiped.first));
	while (len-- > 0)
		*at++ = 0;
}

static bool all_zero(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

static void appends_and_stays_a_string(void **state)
{
	struct bytes b = BYTES_INIT;

	(void)state;
	assert_string_equal(bytes_text(&b), "");
	bytes_append(&b, NULL, 0);
	bytes_append_text(&b, "realm ");
	bytes_printf(&b, "%d/%s", 7, "x");
	assert_int_equal(b.len, 9);
	assert_string_equal(bytes_text(&b), "realm 7/x");
	for (int i = 0; i < 1000; i++) {
		bytes_append(&b, "0123456", 7);
		assert_int_equal(b.data[b.len], 0);
	}
	assert_int_equal(b.len, 7009);
	assert_memory_equal(b.data + 7002, "0123456", 7);
	for (size_t len = 0; len < 300; len++) {
		size_t before = b.len;
		uint8_t *end = bytes_extend(&b, len);

		assert_ptr_equal(end, b.data + before);
		memset(end, 'x', len);
		assert_int_equal(b.len, before + len);
		assert_int_equal(b.data[b.len], 0);
	}
	assert_memory_equal(b.data + 7002, "0123456x", 8);
	bytes_free(&b);
	assert_null(b.data);
	assert_int_equal(b.size, 0);
}

/* @b has failed: it is empty and stays empty. */
static void expect_failed(struct bytes *b)
{
	struct error e = ERROR_INIT;

	assert_true(b->failed);
	assert_null(b->data);
	bytes_append_text(b, "dropped");
	bytes_printf(b, "%d", 7);
	assert_int_equal(b->len, 0);
	assert_string_equal(bytes_text(b), "");
	assert_int_equal(bytes_reserve(b, 1, &e), -1);
	assert_int_equal(bytes_check(b, &e), -1);
	assert_int_equal(e.kind, ERROR_SYSTEM);
	assert_string_equal(e.text, "out of memory");
	bytes_free(b);
	assert_int_equal(bytes_check(b, &e), 0);
}

static void failure_is_sticky_beyond_the_bound(void **state)
{
	struct bytes b = BYTES_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 7; i++) {
		bytes_append_text(&b, "kept");
		assert_int_equal(bytes_check(&b, &e), 0);
		switch (i) {
		case 0:
			assert_int_equal(bytes_reserve(&b, BYTES_MAX + 1, &e), -1);
			break;
		case 1:
			assert_int_equal(bytes_resize(&b, SIZE_MAX, &e), -1);
			break;
		case 2:
			bytes_append(&b, "x", SIZE_MAX - 2);
			break;
		case 3:
			bytes_append(&b, "x", BYTES_MAX - 3);
			break;
		case 4:
			bytes_set(&b, "x", BYTES_MAX + 1);
			break;
		case 5:
			assert_null(bytes_extend(&b, BYTES_MAX - 3));
			break;
		default:
			assert_int_equal(bytes_resize(&b, BYTES_MAX, &e), 0);
			assert_int_equal(b.len, BYTES_MAX);
			bytes_printf(&b, "x");
		}
		expect_failed(&b);
	}
}

static void a_cleared_buffer_works_again(void **state)
{
	struct bytes b = BYTES_LOCKED_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	bytes_append(&b, "x", BYTES_MAX + 1);
	assert_true(b.failed);
	bytes_clear(&b);
	bytes_append_text(&b, "again");
	assert_int_equal(bytes_check(&b, &e), 0);
	assert_string_equal(bytes_text(&b), "again");
	assert_true(b.locked);
	bytes_free(&b);
}

static void wipes_before_it_releases(void **state)
{
	struct bytes b = BYTES_INIT;
	const void *old;
	size_t size;

	(void)state;
	bytes_set(&b, "secret text", 11);
	assert_int_equal(bytes_resize(&b, 3, &(struct error)ERROR_INIT), 0);
	assert_string_equal(bytes_text(&b), "sec");
	assert_true(all_zero(b.data + 3, 9));

	bytes_set(&b, "secret text", 11);
	bytes_set(&b, "abc", 3);
	assert_true(all_zero(b.data + 3, 9));
	assert_int_equal(bytes_resize(&b, 8, &(struct error)ERROR_INIT), 0);
	assert_true(all_zero(b.data + 3, 6));

	bytes_set(&b, "secret text", 11);
	bytes_clear(&b);
	assert_int_equal(b.len, 0);
	assert_true(all_zero(b.data, b.size));

	bytes_set(&b, "secret text", 11);
	old = b.data;
	size = b.size;
	assert_int_equal(bytes_reserve(&b, 100 * size, &(struct error)ERROR_INIT), 0);
	assert_ptr_equal(wiped.data, old);
	assert_int_equal(wiped.len, size);
	assert_memory_equal(wiped.first, "secret text", 12);

	old = b.data;
	size = b.size;
	bytes_free(&b);
	assert_ptr_equal(wiped.data, old);
	assert_int_equal(wiped.len, size);
	assert_memory_equal(wiped.first, "secret text", 12);
}

/* Reads the kernel's flags of the mapping at @address, or "" if there is none. */
static void mapping_flags(const void *address, char *flags, int size)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	char line[1024];
	bool found = false;

	flags[0] = '\0';
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			found = start <= (uintptr_t)address && (uintptr_t)address < end;
		else if (found && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, (size_t)size, "%s", line + 8);
	}
	fclose(maps);
}

static void locked_pages_stay_out_of_swap_and_dumps(void **state)
{
	struct bytes b = BYTES_LOCKED_INIT;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char flags[1024];

	(void)state;
	for (size_t size = 10; size < 5 * page; size += 2 * page) {
		assert_int_equal(bytes_resize(&b, size, &(struct error)ERROR_INIT), 0);
		assert_int_equal((uintptr_t)b.data % page, 0);
		assert_int_equal(b.size % page, 0);
		mapping_flags(b.data, flags, sizeof(flags));
		assert_non_null(strstr(flags, " lo "));
		assert_non_null(strstr(flags, " dd "));
		assert_non_null(strstr(flags, " wf "));
	}
	bytes_free(&b);
	assert_true(b.locked);
}

static int child_status(int (*function)(struct bytes *b), struct bytes *b)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(function(b));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int see_zeros(struct bytes *b)
{
	return all_zero(b->data, b->len) ? 0 : 1;
}

static void a_child_sees_zeros(void **state)
{
	struct bytes b = BYTES_LOCKED_INIT;

	(void)state;
	bytes_set(&b, "secret text", 11);
	assert_int_equal(child_status(see_zeros, &b), 0);
	assert_string_equal(bytes_text(&b), "secret text");
	bytes_free(&b);
}

static int lose_the_right_to_lock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	struct rlimit limit = { 0 };

	return syscall(SYS_capset, &header, none) < 0 || setrlimit(RLIMIT_MEMLOCK, &limit) < 0;
}

static int lock_without_right(struct bytes *b)
{
	if (lose_the_right_to_lock())
		return 1;
	bytes_append_text(b, "x");
	if (!b->failed)
		return 2;
	if (b->data || b->len)
		return 3;
	bytes_clear(b);
	bytes_lock_optional(true);
	bytes_append_text(b, "x");
	return b->failed || b->len != 1 ? 4 : 0;
}

static void unlockable_pages_are_an_error_unless_optional(void **state)
{
	struct bytes b = BYTES_LOCKED_INIT;

	(void)state;
	assert_int_equal(child_status(lock_without_right, &b), 0);
}

static void swaps_and_compares(void **state)
{
	struct bytes a = BYTES_INIT, b = BYTES_LOCKED_INIT;

	(void)state;
	bytes_append_text(&a, "one");
	bytes_append_text(&b, "other");
	bytes_swap(&a, &b);
	assert_true(a.locked);
	assert_false(b.locked);
	assert_string_equal(bytes_text(&a), "other");
	assert_string_equal(bytes_text(&b), "one");
	assert_true(bytes_equal("abc", 3, "abc", 3));
	assert_false(bytes_equal("abc", 3, "abd", 3));
	assert_false(bytes_equal("abc", 3, "abc", 2));
	assert_true(bytes_equal(NULL, 0, "x", 0));
	bytes_free(&a);
	bytes_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_and_stays_a_string),
		cmocka_unit_test(failure_is_sticky_beyond_the_bound),
		cmocka_unit_test(a_cleared_buffer_works_again),
		cmocka_unit_test(wipes_before_it_releases),
		cmocka_unit_test(locked_pages_stay_out_of_swap_and_dumps),
		cmocka_unit_test(a_child_sees_zeros),
		cmocka_unit_test(unlockable_pages_are_an_error_unless_optional),
		cmocka_unit_test(swaps_and_compares),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
