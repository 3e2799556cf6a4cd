// What is said of a flow: by whom it is decided, why each rule is for it or not, and why not
// another gateway.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include "decide/marks.h"
#include "explain/explain.h"

CLEAN_FUNC(struct name_list_builder, name_list_builder_free)
CLEAN_FUNC(json_t, json_decref)

#define FILMS "/tmp/test_explain_films.image"
#define MARK  "65536"

static const char policies[] =
	"[{'id': 3, 'name': 'home', 'from': ['10.1.0.0/16', 'fd00:1::/48'],"
	"  'split': [{'proto': 'tcp', 'first': 443, 'last': 443}], 'rules': ["
	"  {'number': 1, 'to': ['192.0.2.0/24'], 'ports': [{'proto': 'udp', 'first': 500, 'last': "
	"600}], 'verdict': 'block', 'block': 'drop'},"
	"  {'number': 2, 'to': [], 'ports': [], 'lists': [{'id': 7, 'name': 'films', 'path': "
	"'" FILMS "'}], 'verdict': 'mark', 'mark': " MARK "},"
	"  {'number': 3, 'to': ['198.51.100.0/24'], 'ports': [], 'unknown': true,"
	"   'lists': [{'id': 11, 'name': 'unfetched'}], 'verdict': 'direct'},"
	"  {'number': 4, 'to': [], 'ports': [], 'verdict': 'block'}]}]";

static const char entries[] =
	"{'gateway/via-bob': {'wire': 'wire/gateway:via-bob/bob'}, 'gateway-group/tv.direct': "
	"{'table': 22501, 'otherwise': 'direct', 'choose': 'order',"
	"   'try': ['gateway/fibre', 'gateway/lte', 'gateway/via-bob', 'gateway/spare']},"
	" 'rule/gateway-group/tv.direct-local-v4': {'mark': " MARK ", 'table': 254, 'suppress': 0},"
	" 'rule/gateway-group/tv.direct-v4': {'mark': " MARK ", 'table': 22501}}";

static const char gateways[] =
	"[{'key': 'gateway/fibre', 'state': 'down', 'cause': 'its check: 9.9.9.9 is silent'},"
	" {'key': 'gateway/lte', 'state': 'up', 'cause': 'wwan0 leads out', 'drained': true},"
	" {'key': 'gateway/via-bob', 'state': 'up', 'cause': 'its wire: up'}]";

static const char groups[] =
	"[{'key': 'gateway-group/tv.direct', 'gateway': 'gateway/via-bob', 'since': 1000,"
	"  'cause': 'moved to via-bob: fibre is down'}]";

static const char counts[] = "[{'key': 'policy/home', 'rules': [{'number': 2, 'flows': 12, "
			     "'packets': 30, 'bytes': 4000}]}]";

struct world {
	struct explain_facts facts;
	struct explain_question question;
	struct explain_address addresses[EXPLAIN_ADDRESSES_MAX];
	size_t count;
};

static json_t *json_of(const char *text)
{
	CLEAN(free_ptr) char *copy = strdup(text);
	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json_t *json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	return json;
}

static void write_image(void)
{
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	CLEAN(free_ptr) void *image = NULL;
	struct name_rule rule;
	size_t size;
	assert_int_equal(name_rule_parse("films.example", 13, &rule, NULL), 0);
	assert_int_equal(name_list_add(builder, &rule, NULL), 0);
	assert_int_equal(name_list_image(builder, &image, &size, NULL), 0);
	assert_int_equal(file_replace(FILMS, image, size, 0600, NULL), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	write_image();
	CLEAN(json_decref_ptr) json_t *list = json_of(policies);
	w->facts = (struct explain_facts){ .decide = decide_new(list, NULL),
					   .entries = json_of(entries),
					   .gateways = json_of(gateways),
					   .groups = json_of(groups),
					   .counts = json_of(counts),
					   .splitter = json_of("[{'state': 'running'}]") };
	assert_non_null(w->facts.decide);
	w->question = (struct explain_question){ .protocol = 6, .port = 443 };
	assert_int_equal(address_parse("10.1.0.7", &w->question.client, NULL), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	decide_free((struct decide *)(uintptr_t)w->facts.decide);
	json_decref((json_t *)(uintptr_t)w->facts.entries);
	json_decref((json_t *)(uintptr_t)w->facts.gateways);
	json_decref((json_t *)(uintptr_t)w->facts.groups);
	json_decref((json_t *)(uintptr_t)w->facts.counts);
	json_decref((json_t *)(uintptr_t)w->facts.splitter);
	free(w);
	return 0;
}

static struct explain_address *add_address(struct world *w, const char *text, const char *device)
{
	struct explain_address *a = &w->addresses[w->count++];
	a->has_sets = true;
	a->left_ms = 250000;
	assert_int_equal(address_parse(text, &a->address, NULL), 0);
	(void)snprintf(a->route.device, sizeof a->route.device, "%s", device);
	a->route.table = 22501;
	return a;
}

static json_t *answer(struct world *w)
{
	if (w->count == 0)
		w->count = 1;
	for (size_t i = 0; i < w->count; i++) {
		explain_decide(&w->facts, &w->question, &w->addresses[i]);
		explain_settle(&w->facts, &w->addresses[i]);
	}
	json_t *told = explain_answer(&w->facts, &w->question, w->addresses, w->count);
	assert_non_null(told);
	return told;
}

static const char *text_at(const json_t *json, const char *field)
{
	return json_string_value(json_object_get(json, field));
}

static const char *sentence_of(const json_t *told, const char *list, size_t at)
{
	return text_at(json_array_get(json_object_get(told, list), at), "sentence");
}

static void a_learned_address_is_the_kernel_s(void **state)
{
	struct world *w = *state;
	struct explain_address *a = add_address(w, "203.0.113.9", "wgate1");
	a->is_known = true;
	decide_set_put(&a->lists, 0);
	w->question.name = "www.films.example";
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_string_equal(text_at(told, "sentence"),
			    "rule 2 of policy home sends it by gateway-group tv, which leaves by "
			    "via-bob");
	assert_string_equal(text_at(told, "outcome"), "via");
	assert_string_equal(sentence_of(told, "rules", 0), "it is only for udp/500-600");
	assert_string_equal(sentence_of(told, "rules", 1),
			    "the address was learned as one of films");
	assert_string_equal(sentence_of(told, "rules", 2),
			    "the address was not learned as one of unfetched");
	assert_string_equal(sentence_of(told, "rules", 3), "rule 2 comes before it");
	assert_string_equal(sentence_of(told, "addresses", 0),
			    "learned as one of films, for 4 min more");
	const json_t *rule = json_array_get(json_object_get(told, "rules"), 1);
	assert_string_equal(text_at(rule, "text"), "to list/films: via tv, otherwise direct");
	assert_int_equal(json_integer_value(json_object_get(rule, "bytes")), 4000);
	const json_t *address = json_array_get(json_object_get(told, "addresses"), 0);
	assert_string_equal(text_at(address, "decided_by"), "kernel");
	assert_string_equal(text_at(json_object_get(address, "route"), "sentence"),
			    "by wgate1, as table 22501 says");
}

static void what_is_shared_or_new_goes_by_its_name(void **state)
{
	struct world *w = *state;
	struct explain_address *shared = add_address(w, "203.0.113.9", "wgate1");
	decide_set_put(&shared->lists, 1);
	(void)add_address(w, "198.51.100.3", "wgate1");
	w->question.name = "www.films.example";
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_int_equal(json_integer_value(json_object_get(told, "rule")), 2);
	assert_string_equal(sentence_of(told, "rules", 1), "www.films.example is in films");
	assert_string_equal(sentence_of(told, "rules", 2),
			    "www.films.example is not in unfetched; this node has no names of "
			    "unfetched yet");
	assert_string_equal(
		sentence_of(told, "addresses", 0),
		"shared: it has names of unfetched and others; weft-proxy decides by the "
		"name that the client says");
	assert_string_equal(sentence_of(told, "addresses", 1),
			    "not learned: nobody here was told it by weft-dns lately; weft-proxy "
			    "decides by the name that the client says");
}

static void what_is_not_looked_into_goes_by_its_address(void **state)
{
	struct world *w = *state;
	(void)add_address(w, "203.0.113.9", "eth0");
	(void)add_address(w, "198.51.100.3", "eth0");
	w->question.name = "www.films.example";
	w->question.port = 22;
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	// Not by rule 3, which takes what names nobody: nobody looks for names at this port.
	assert_int_equal(json_integer_value(json_object_get(told, "rule")), 4);
	assert_string_equal(text_at(told, "sentence"),
			    "rule 4 of policy home refuses it, and tells the sender so; 1 of its 2 "
			    "addresses goes otherwise");
	assert_true(json_is_null(json_object_get(told, "group")));
}

static void an_address_that_nobody_named(void **state)
{
	struct world *w = *state;
	(void)add_address(w, "203.0.113.9", "eth0");
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_int_equal(json_integer_value(json_object_get(told, "rule")), 3);
	assert_string_equal(
		text_at(told, "sentence"),
		"rule 3 of policy home lets it go the host's own way, unless the client "
		"says a name that another rule is for");
	assert_string_equal(sentence_of(told, "rules", 2),
			    "it takes what names nobody and was not learned");
	assert_string_equal(sentence_of(told, "addresses", 0),
			    "not learned: nobody here was told it by weft-dns lately; weft-proxy "
			    "decides by the name that the client says, and thus if it says none");
	assert_true(json_is_null(json_object_get(told, "dns")));
}

static void a_splitter_that_does_not_run_is_said(void **state)
{
	struct world *w = *state;
	(void)add_address(w, "203.0.113.9", "eth0");
	w->question.name = "www.films.example";
	(void)json_array_clear((json_t *)(uintptr_t)w->facts.splitter);
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_string_equal(
		sentence_of(told, "addresses", 0),
		"not learned: nobody here was told it by weft-dns lately; weft-proxy "
		"decides by the name that the client says, but it does not run now: such "
		"flows are dropped meanwhile");
}

static void why_not_the_other_gateways(void **state)
{
	static const char *const said[] = { "down: its check: 9.9.9.9 is silent", "up, but drained",
					    "in use: moved to via-bob: fibre is down",
					    "nothing is known of it" };
	struct world *w = *state;
	w->question.name = "films.example";
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	const json_t *group = json_object_get(told, "group");
	assert_string_equal(text_at(group, "gateway"), "via-bob");
	assert_string_equal(text_at(group, "otherwise"), "direct");
	assert_string_equal(text_at(json_array_get(json_object_get(group, "gateways"), 2), "by"),
			    "wire/gateway:via-bob/bob");
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		assert_string_equal(sentence_of(group, "gateways", i), said[i]);
	assert_int_equal(json_array_size(json_object_get(told, "addresses")), 0);
}

static void what_has_no_policy_or_no_way(void **state)
{
	struct world *w = *state;
	struct explain_address *a = add_address(w, "192.0.2.1", "");
	(void)err_set(&a->unrouted, -101, "Network is unreachable");
	w->question.protocol = 17;
	w->question.port = 500;
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_string_equal(text_at(told, "sentence"),
			    "rule 1 of policy home drops it without a word");
	const json_t *address = json_array_get(json_object_get(told, "addresses"), 0);
	assert_string_equal(text_at(json_object_get(address, "route"), "sentence"),
			    "the kernel sends it nowhere: Network is unreachable");
	assert_int_equal(address_parse("10.2.0.1", &w->question.client, NULL), 0);
	CLEAN(json_decref_ptr) json_t *other = answer(w);
	assert_string_equal(text_at(other, "sentence"),
			    "no policy names 10.2.0.1: it goes the host's own way");
	assert_true(json_is_null(json_object_get(other, "policy")));
	assert_int_equal(json_array_size(json_object_get(other, "rules")), 0);
}

// What the kernel says of an address, and what follows.
static void what_policies_do_not_hold_for(void **state)
{
	static const struct {
		const char *address;
		enum kernel_route_type type;
		const char *sentence;
	} given[] = {
		{ "10.1.0.1", KERNEL_ROUTE_LOCAL,
		  "policies do not hold for 10.1.0.1, an address of this node" },
		{ "10.1.255.255", KERNEL_ROUTE_OTHER,
		  "policies do not hold for 10.1.255.255, which is not one host's" },
		{ "224.0.0.251", KERNEL_ROUTE_UNICAST,
		  "policies do not hold for 224.0.0.251, which is not one host's" },
		{ "ff02::fb", KERNEL_ROUTE_UNICAST,
		  "policies do not hold for ff02::fb, which is not one host's" },
		{ "10.64.0.2", KERNEL_ROUTE_UNICAST,
		  "policies do not hold for 10.64.0.2, to which there is a way other than a "
		  "default route: it goes by weft0" },
	};
	struct world *w = *state;
	w->question.port = 22;
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		w->count = 0;
		w->addresses[0] = (struct explain_address){ 0 };
		struct explain_address *a = add_address(w, given[i].address, "weft0");
		decide_set_put(&a->lists, 0); // rule 2 would be for it
		a->route.type = given[i].type;
		a->route.table = 254;
		CLEAN(json_decref_ptr) json_t *told = answer(w);
		assert_string_equal(text_at(told, "sentence"), given[i].sentence);
		assert_string_equal(text_at(told, "outcome"), "none");
		assert_null(json_object_get(told, "rule"));
		assert_true(json_is_null(json_object_get(told, "group")));
		assert_string_equal(sentence_of(told, "rules", 1),
				    "it would be for it, but policies do not hold for such "
				    "addresses");
		assert_false(json_is_true(json_object_get(
			json_array_get(json_object_get(told, "rules"), 1), "decides")));
	}
}

static void what_the_node_sends_itself_is_subject_to_none(void **state)
{
	struct world *w = *state;
	struct explain_address *a = add_address(w, "203.0.113.9", "eth0");
	a->is_from_node = true;
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_string_equal(text_at(told, "sentence"),
			    "policies do not hold for what this node sends by itself, and the "
			    "client's address is its own");
	assert_string_equal(text_at(told, "outcome"), "none");
	assert_null(json_object_get(told, "rule"));
}

// A group without a gateway that takes the host's own way has that by the main table too.
static void a_group_s_own_way_is_no_other_way(void **state)
{
	struct world *w = *state;
	struct explain_address *a = add_address(w, "203.0.113.9", "eth0");
	decide_set_put(&a->lists, 0);
	a->route.table = 254;
	w->question.port = 22;
	json_decref((json_t *)(uintptr_t)w->facts.groups);
	w->facts.groups = json_array();
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_string_equal(text_at(told, "sentence"),
			    "rule 2 of policy home sends it by gateway-group tv, of which no "
			    "gateway is well: it goes the host's own way");
	assert_int_equal(json_integer_value(json_object_get(told, "rule")), 2);
}

static void what_dns_says_comes_first(void **state)
{
	struct world *w = *state;
	CLEAN(json_decref_ptr)
	json_t *dns = json_of("{'outcome': 'blocked', 'sentence': 'films.example is in a list of "
			      "the blocklist ads', 'view': " MARK ", 'upstreams': ['9.9.9.9']}");
	w->question.name = "films.example";
	w->question.dns = dns;
	CLEAN(json_decref_ptr) json_t *told = answer(w);
	assert_string_equal(text_at(told, "sentence"),
			    "films.example is in a list of the blocklist ads; a flow all the same: "
			    "rule 2 of policy home sends it by gateway-group tv, which leaves by "
			    "via-bob");
	assert_string_equal(text_at(json_object_get(told, "dns"), "view"), "tv");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_learned_address_is_the_kernel_s),
		CASE(what_is_shared_or_new_goes_by_its_name),
		CASE(what_is_not_looked_into_goes_by_its_address),
		CASE(an_address_that_nobody_named),
		CASE(a_splitter_that_does_not_run_is_said),
		CASE(why_not_the_other_gateways),
		CASE(what_has_no_policy_or_no_way),
		CASE(what_policies_do_not_hold_for),
		CASE(what_the_node_sends_itself_is_subject_to_none),
		CASE(a_group_s_own_way_is_no_other_way),
		CASE(what_dns_says_comes_first),
	};
#undef CASE
	return cmocka_run_group_tests(tests, NULL, NULL);
}
