// What weft-proxy is told by weft-dns.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#include "proxy/learned.h"
#include "service/service.h"

enum { PATIENCE_MS = 20000 };

// A control socket of another program, on a loop of its own or the test's.
struct other {
	uv_loop_t loop;
	uv_thread_t thread;
	struct service_control *control;
	char path[64];
	const char *answer; // NULL: none
	unsigned n_asked;
};

static void on_request(void *context, struct service_talk *talk, const json_t *request)
{
	struct other *other = context;
	(void)request;
	other->n_asked++;
	service_say(talk, other->answer ? json_loads(other->answer, 0, NULL) : NULL);
}

static void open_other(struct other *other, uv_loop_t *loop)
{
	const struct service_owner owner = { .on_request = on_request, .context = other };
	struct handover none = HANDOVER_NONE;
	(void)snprintf(other->path, sizeof(other->path), "/tmp/test_proxy_learned.%d",
		       (int)getpid());
	assert_int_equal(service_open(loop, other->path, &owner, &none, &other->control, NULL), 0);
	assert_int_equal(service_begin(other->control, NULL), 0);
}

static void free_loop(uv_loop_t *loop)
{
	(void)uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

// ---- addresses ----

struct given {
	uv_loop_t loop;
	struct other dns;
	struct proxy_config *config;
	struct learned *learned;
	struct mailbox box;
};

static int set_up(void **state)
{
	static struct given given;
	char text[256];
	given = (struct given){
		.dns.answer =
			"{\"lists\":[\"tv\",\"strange\"],\"names\":[{\"name\":\"a.example\"}]}"
	};
	assert_int_equal(uv_loop_init(&given.loop), 0);
	assert_int_equal(mailbox_init(&given.box), 0);
	open_other(&given.dns, &given.loop);
	(void)snprintf(text, sizeof(text),
		       "{\"dns\":\"%s\",\"policies\":[{\"name\":\"x\",\"id\":1,\"from\":[],"
		       "\"rules\":[{\"number\":1,\"to\":[],"
		       "\"lists\":[{\"id\":5,\"name\":\"tv\"}],\"verdict\":\"direct\"}]}]}",
		       given.dns.path);
	given.config = proxy_config_parse(text, strlen(text), NULL);
	given.learned = learned_new(&given.loop);
	*state = &given;
	return given.config && given.learned ? 0 : -1;
}

static int tear_down(void **state)
{
	struct given *given = *state;
	learned_free(given->learned);
	service_close(given->dns.control);
	free_loop(&given->loop);
	mailbox_done(&given->box);
	proxy_config_release(given->config);
	return 0;
}

static void ask_for(struct given *given, const char *address, const char *name, uint32_t serial)
{
	struct letter *letter = letter_new(LETTER_ASK);
	assert_int_equal(address_parse(address, &letter->address, NULL), 0);
	letter->from = &given->box;
	letter->serial = serial;
	letter->name = name ? strdup(name) : NULL;
	learned_ask(given->learned, given->config, letter);
}

static struct letter *ask(struct given *given, const char *address, const char *name)
{
	ask_for(given, address, name, 7);
	const int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
	struct letter *answer = NULL;
	while (!(answer = mailbox_take(&given->box)) && clock_mono_ms() < end_ms)
		(void)uv_run(&given->loop, UV_RUN_ONCE);
	if (!answer)
		fail_msg("there is no answer about %s", address);
	else if (answer->kind != LETTER_LEARNED || answer->serial != 7)
		fail_msg("it answers another question");
	else
		assert_ptr_equal(answer->config, given->config);
	return answer;
}

static void an_address_is_asked_for_once_in_a_while(void **state)
{
	struct given *given = *state;
	CLEAN(letter_free_ptr) struct letter *first = ask(given, "192.0.2.1", "a.example");
	assert_false(first->is_failed);
	assert_true(first->learned.is_of_name);
	assert_true(decide_set_has(&first->learned.lists, 0));
	given->dns.answer = "{\"lists\":[],\"names\":[]}";
	CLEAN(letter_free_ptr) struct letter *again = ask(given, "192.0.2.1", "b.example");
	assert_false(again->learned.is_of_name);
	assert_true(decide_set_has(&again->learned.lists, 0));
	assert_int_equal(given->dns.n_asked, 1);
	CLEAN(letter_free_ptr) struct letter *other = ask(given, "192.0.2.2", NULL);
	assert_true(decide_set_is_empty(&other->learned.lists));
	assert_int_equal(given->dns.n_asked, 2);
}

static void without_an_answer_it_fails_in_time(void **state)
{
	struct given *given = *state;
	given->dns.answer = NULL;
	const int64_t begin_ms = clock_mono_ms();
	CLEAN(letter_free_ptr) struct letter *letter = ask(given, "192.0.2.3", NULL);
	assert_true(letter->is_failed);
	assert_true(clock_mono_ms() - begin_ms >= 2000);
	assert_true(given->dns.n_asked > 1); // it was tried again
	given->dns.answer = "{\"lists\":[\"tv\"]}";
	CLEAN(letter_free_ptr) struct letter *again = ask(given, "192.0.2.3", NULL);
	assert_false(again->is_failed);
	assert_true(decide_set_has(&again->learned.lists, 0));
}

// Asks for MANY addresses at once; returns how many nobody could tell of.
enum { MANY = 700, TRIES = 5 };
static unsigned ask_for_many(struct given *given, unsigned round)
{
	unsigned n_answers = 0, n_failed = 0, n_before = 0;
	bool is_first_answered = false;
	for (unsigned i = 0; i < MANY; i++) {
		char address[ADDRESS_TEXT_SIZE];
		(void)snprintf(address, sizeof(address), "2001:db8:%x::%x", round, i);
		ask_for(given, address, NULL, i);
	}
	const int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
	while (n_answers < MANY && clock_mono_ms() < end_ms) {
		(void)uv_run(&given->loop, UV_RUN_ONCE);
		for (struct letter *at = mailbox_take(&given->box), *next; at; at = next) {
			next = at->next;
			n_answers++;
			n_failed += at->is_failed;
			is_first_answered |= at->serial == MANY / 2;
			n_before += !is_first_answered && at->serial == MANY - 1;
			letter_free(at);
		}
	}
	assert_int_equal(n_answers, MANY);
	assert_int_equal(n_before, 0); // who came later is not asked for before
	return n_failed;
}

// More than can be asked at a time are asked one after another, without a pause. A machine that is
// busy with something else may need more than their patience: then they are asked once more.
static void many_addresses_are_asked_for_at_once(void **state)
{
	struct given *given = *state;
	unsigned tries = 1;
	while (ask_for_many(given, tries) > 0 && tries < TRIES)
		tries++;
	assert_true(tries < TRIES);
}

static void names_are_told(void **state)
{
	struct given *given = *state;
	for (unsigned i = 0; i < 40; i++) {
		struct letter *letter = letter_new(LETTER_SAW);
		char name[] = "a.example";
		name[0] = (char)('a' + i % 20); // each twice, told once
		letter->name = strdup(name);
		learned_tell(given->learned, given->config, letter);
	}
	const int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
	while (given->dns.n_asked < 20 && clock_mono_ms() < end_ms)
		(void)uv_run(&given->loop, UV_RUN_ONCE);
	assert_int_equal(given->dns.n_asked, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_address_is_asked_for_once_in_a_while, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(without_an_answer_it_fails_in_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(many_addresses_are_asked_for_at_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(names_are_told, set_up, tear_down),
	};
	(void)signal(SIGPIPE, SIG_IGN); // as weft-proxy does
	return cmocka_run_group_tests(tests, NULL, NULL);
}
