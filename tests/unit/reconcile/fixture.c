// clang-format off
#include "fixture.h"
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#define KEY_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define KEY_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="

static const char *const entries[FIXTURE_ENTRIES][2] = {
	{ "sysctl/net.ipv4.ip_forward",
	  "{\"name\":\"net.ipv4.ip_forward\",\"needs\":[],\"value\":\"1\"}" },
	{ "sysctl/net.ipv6.conf.all.forwarding",
	  "{\"name\":\"net.ipv6.conf.all.forwarding\",\"needs\":[],\"value\":\"1\"}" },
	{ "wireguard/home",
	  "{\"device\":\"wgone\",\"mtu\":1570,\"needs\":[],\"network\":\"home\",\"port\":51820}" },
	{ "peer/home/bob", "{\"allowed_ips\":[\"10.88.0.2/"
			   "32\"],\"device\":\"wgone\",\"endpoints\":[\"192.0.2.2:51820\","
			   "\"bob.example:51820\"],\"keepalive\":25,\"needs\":[\"wireguard/home\"],"
			   "\"public_key\":\"" KEY_B "\"}" },
	{ "guard/base/home",
	  "{\"device\":\"wgone\",\"needs\":[],\"pools\":[\"10.88.0.0/24\"],\"vxlan_port\":4789}" },
	{ "guard/segment/lan", "{\"device\":\"wbone\",\"needs\":[],\"own\":[\"10.99.0.1/32\"]}" },
	{ "wire/lan/bob",
	  "{\"device\":\"wvone\",\"link\":\"wgone\",\"local\":\"10.88.0.1\",\"mtu\":1500,"
	  "\"needs\":[\"wireguard/home\"],\"port\":4789,\"remote\":\"10.88.0.2\",\"vni\":4097}" },
	{ "bridge/lan",
	  "{\"device\":\"wbone\",\"forward_delay\":2,\"hello_time\":1,\"mac\":\"02:00:00:00:00:"
	  "01\","
	  "\"max_age\":6,\"mtu\":1500,\"needs\":[],\"priority\":32768,\"stp\":true}" },
	{ "port/lan/bob", "{\"bridge\":\"wbone\",\"cost\":100,\"device\":\"wvone\","
			  "\"needs\":[\"wire/lan/bob\",\"bridge/lan\"],\"priority\":32}" },
	{ "address/lan/10.99.0.1",
	  "{\"address\":\"10.99.0.1/24\",\"device\":\"wbone\",\"needs\":[\"bridge/lan\"]}" },
	{ "route/home/pool", "{\"destination\":\"10.88.0.0/24\",\"metric\":65535,\"needs\":[],"
			     "\"table\":254,\"type\":\"unreachable\"}" },
};

static int save(void *context, const json_t *former, struct err *err)
{
	struct fixture *f = context;

	(void)err;
	json_decref(f->saved);
	f->saved = json_deep_copy(former);
	return 0;
}

void fixture_want(struct fixture *f, const char *key, const char *body)
{
	assert_true(entry_set_put(f->set, key, body, strlen(body), NULL) >= 0);
}

void fixture_begin(struct fixture *f)
{
	const struct reconcile_config config = {
		.kernel = &f->kernel.base, .context = f, .save_restore = save, .restore = f->saved
	};

	reconcile_free(f->r);
	assert_int_equal(reconcile_new(&config, &f->r, NULL), 0);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	fake_kernel_init(&f->kernel);
	fake_kernel_set_sysctl(&f->kernel, "net.ipv4.ip_forward", "0");
	fake_kernel_set_sysctl(&f->kernel, "net.ipv6.conf.all.forwarding", "0");
	fake_kernel_set_sysctl(&f->kernel, "net/ipv6/conf/eth0/accept_ra", "1");
	fake_kernel_add_link(&f->kernel, "eth0", "")->accept_ra = 1;
	f->set = entry_set_new();
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		fixture_want(f, entries[i][0], entries[i][1]);
	f->now = (struct reconcile_now){ .mono_ms = 1000000, .wall_ms = 1700000000000 };
	fixture_begin(f);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	reconcile_result_done(&f->result);
	reconcile_free(f->r);
	entry_set_free(f->set);
	fake_kernel_done(&f->kernel);
	json_decref(f->saved);
	free(f);
	return 0;
}

void fixture_run(struct fixture *f)
{
	struct err err = { 0 };

	reconcile_result_done(&f->result);
	f->now.mono_ms += 1000;
	if (reconcile_run(f->r, f->set, &f->now, &f->result, &err) < 0)
		fail_msg("%s", err.text);
}

void fixture_assert_quiet(struct fixture *f)
{
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_int_equal(f->result.drifts_len, 0);
	assert_int_equal(f->result.writes, 0);
}

void fixture_assert_refused(struct fixture *f, const char *key, const char *body,
			    const char *sentence)
{
	fixture_want(f, key, body);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 1);
	assert_string_equal(f->result.errors[0].text, sentence);
	(void)entry_set_drop(f->set, key);
}

void fixture_table_has(const struct fixture *f, const char *line)
{
	if (!strstr(f->kernel.policy_table, line))
		fail_msg("%s\nhas no %s", f->kernel.policy_table, line);
}

size_t fixture_rules_with(const struct fixture *f, uint32_t mark, enum kernel_rule_action action)
{
	size_t n = 0;

	for (size_t i = 0; i < f->kernel.state.rules_len; i++)
		n += f->kernel.state.rules[i].mark == mark &&
		     f->kernel.state.rules[i].action == action;
	return n;
}
