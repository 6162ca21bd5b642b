// SPDX-License-Identifier: Apache-2.0
/* The names of event types, and the events that this tree writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/array.h"
#include "event/event_log.h"
#include "event/event_type.h"

static void types_by_name_and_number(void **state)
{
	static const struct {
		const char *text;
		uint32_t type;
	} good[] = {
		{ "EV_IPL", 13 }, { "ev_event_tag", 6 },	{ "0x80000001", 0x80000001 },
		{ "17", 17 },	  { "4294967295", 0xffffffff }, { "0XffffFFFF", 0xffffffff },
		{ "0", 0 },
	};
	static const char *const bad[] = { "",
					   "EV_",
					   "0x",
					   "-1",
					   "4294967296",
					   "0x100000000",
					   "1 ",
					   "99999999999999999999",
					   "EV_NO_ACTION",
					   "3",
					   "0x3" };
	struct error e = ERROR_INIT;
	uint32_t type;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(event_type_parse(good[i].text, &type, &e), 0);
		assert_int_equal(type, good[i].type);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		e = (struct error)ERROR_INIT;
		assert_int_equal(event_type_parse(bad[i], &type, &e), -1);
		assert_int_equal(e.kind, ERROR_USAGE);
	}
	assert_string_equal(event_type_name(13), "EV_IPL");
	assert_null(event_type_name(0x1234));
}

static void names_that_the_user_can_give(void **state)
{
	struct bytes text = BYTES_INIT;
	struct error e = ERROR_INIT;
	size_t names = 0;
	uint32_t type;

	(void)state;
	event_types_print(&text);
	for (char *line = (char *)text.data, *end; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		assert_in_range(end ? (size_t)(end - line) : strlen(line), 1, 80);
	}
	for (char *name = strtok((char *)text.data, " \n"); name; name = strtok(NULL, " \n")) {
		assert_int_equal(event_type_parse(name, &type, &e), 0);
		names++;
	}
	assert_in_range(names, 30, 60);
	bytes_free(&text);
}

/* Trustee's tests have this digest for this event. */
static void tagged_events_match_attestation_agents(void **state)
{
	static const uint8_t begin[] = { 0xda, 0xd5, 0xf0, 0xe2 }, end[] = { 0x67, 0x0d, 0x02 };
	struct event_record record = { .type = EVENT_TYPE_TAG };
	struct bytes event = BYTES_INIT;
	uint8_t digest[48];
	size_t len;

	(void)state;
	event_tagged_put("domain", "operation", "content", &event);
	SHA384(event.data, event.len, digest);
	assert_memory_equal(digest, begin, sizeof(begin));
	assert_memory_equal(digest + 45, end, sizeof(end));
	record.event = event.data;
	record.size = event.len;
	assert_memory_equal(event_tagged_text(&record, &len), "domain operation content", 24);
	assert_int_equal(len, 24);
	event.data[4]++;
	assert_null(event_tagged_text(&record, &len));
	event.data[4]--;
	record.type = 13;
	assert_null(event_tagged_text(&record, &len));
	bytes_free(&event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_by_name_and_number),
		cmocka_unit_test(names_that_the_user_can_give),
		cmocka_unit_test(tagged_events_match_attestation_agents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
