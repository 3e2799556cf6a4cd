#include "dns/server.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "dns/control_answer.h"
#include "dns/exchange.h"
#include "dns/learn.h"
#include "service/sandbox.h"
#include "service/service.h"

enum {
	BYTES_A_KB = 1024,
	MS_PER_S = 1000,
	// Of one that another process has followed:
	DRAIN_TICK_MS = 10,
	QUIET_MS = 250, // so long the other one waits for what is asked to be answered, and learned
	DRAIN_MS = 10000, // then it ends whoever is still connected
};

// What a configuration makes of its own, to be put in place at once or not at all.
struct made {
	struct dns_cache *cache; // NULL: the old one stays
	struct dns_rate *rate;
	struct dns_journal *journal;
	struct dns_upstream **held;
	size_t n_held;
	bool has_rate, has_journal; // their settings changed
};

static void give_back(struct dns_upstream **held, size_t n_held)
{
	for (size_t i = 0; i < n_held; i++)
		dns_upstream_give_back(held[i]);
	free(held);
}

static void made_done(struct made *made)
{
	dns_cache_free(made->cache);
	dns_rate_free(made->rate);
	dns_journal_free(made->journal);
	give_back(made->held, made->n_held);
}

static int hold_group(struct dns_server *server, const struct dns_group *group, uint32_t mark,
		      struct made *made)
{
	for (size_t i = 0; i < group->len; i++) {
		struct dns_upstream *upstream =
			dns_upstreams_get(server->upstreams, &group->items[i], mark);
		if (!upstream)
			return -ENOMEM;
		made->held[made->n_held++] = upstream;
	}
	return 0;
}

static size_t rules_of(const struct decide *decide)
{
	size_t count = 0;
	for (size_t i = 0; decide && i < decide->n_policies; i++)
		count += decide->policies[i].n_rules;
	return count;
}

// Those of each way that a policy has for questions.
static int hold_ways(struct dns_server *server, const struct dns_rules *rules,
		     const struct decide_policy *policy, struct made *made)
{
	uint32_t former = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < policy->n_rules; i++) {
		const uint32_t mark = dns_rules_mark(rules, &policy->rules[i]);
		if (mark && mark != former)
			r = hold_group(server, dns_rules_group(rules, mark), mark, made);
		former = mark;
	}
	return r;
}

static int hold_upstreams(struct dns_server *server, const struct dns_rules *rules,
			  struct made *made)
{
	made->held = calloc((rules->n_forwards + rules_of(rules->decide) + 1) * DNS_GROUP_MAX,
			    sizeof(struct dns_upstream *));
	int r = made->held ? hold_group(server, &rules->upstreams, rules->mark, made) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < rules->n_forwards; i++)
		r = hold_group(server, &rules->forwards[i].to, rules->mark, made);
	for (size_t i = 0; r == 0 && rules->decide && i < rules->decide->n_policies; i++)
		r = hold_ways(server, rules, &rules->decide->policies[i], made);
	return r;
}

static bool is_off(const struct dns_settings *settings)
{
	return strcmp(settings->log, "off") == 0;
}

static int make(struct dns_server *server, const struct dns_config *config, struct made *made)
{
	const struct dns_settings *now = &config->settings;
	const struct dns_settings *old = server->config ? &server->config->settings : NULL;
	const struct dns_cache_config cache = { .bytes = (size_t)now->cache_kb * BYTES_A_KB,
						.stale_s = now->stale_ms / MS_PER_S };
	uint64_t seed;
	int r = hold_upstreams(server, &config->rules, made);
	if (r == 0 && (!old || old->cache_kb != now->cache_kb || old->stale_ms != now->stale_ms)) {
		made->cache = dns_cache_new(&cache);
		r = made->cache ? 0 : -ENOMEM;
	}
	made->has_rate = !old || old->rate != now->rate;
	if (r == 0 && made->has_rate && now->rate > 0) {
		exchange_random(&seed, sizeof(seed));
		made->rate = dns_rate_new(now->rate, seed);
		r = made->rate ? 0 : -ENOMEM;
	}
	made->has_journal = !old || is_off(old) != is_off(now) || old->log_rows != now->log_rows;
	if (r == 0 && made->has_journal && !is_off(now)) {
		made->journal = dns_journal_new(now->log_rows);
		r = made->journal ? 0 : -ENOMEM;
	}
	return r;
}

// A list's hits go on when the list is still there.
static void carry_policy_hits(const struct dns_rules *old, struct dns_rules *now)
{
	if (!old->decide || !now->decide)
		return;
	for (size_t i = 0; i < old->decide->n_lists; i++)
		for (size_t j = 0; j < now->decide->n_lists; j++)
			if (strcmp(old->decide->lists[i].name, now->decide->lists[j].name) == 0)
				now->hits[j] = old->hits[i];
}

static void carry_hits(const struct dns_rules *old, struct dns_rules *now)
{
	for (size_t i = 0; i < old->n_blocks; i++)
		for (size_t j = 0; j < now->n_blocks; j++) {
			const struct dns_block *from = &old->blocks[i];
			struct dns_block *to = &now->blocks[j];
			if (strcmp(from->name, to->name) != 0)
				continue;
			for (size_t k = 0; k < from->n_lists && k < to->n_lists; k++)
				if (strcmp(from->lists[k].path, to->lists[k].path) == 0)
					to->lists[k].hits = from->lists[k].hits;
		}
}

static void swap_in(struct dns_server *server, struct dns_config *config, struct made *made)
{
	struct made old = { .held = server->held, .n_held = server->n_held };
	server->held = take_ptr(&made->held);
	server->n_held = made->n_held;
	if (made->cache) {
		old.cache = server->cache;
		server->cache = take_ptr(&made->cache);
	}
	if (made->has_rate) {
		old.rate = server->rate;
		server->rate = take_ptr(&made->rate);
	}
	if (made->has_journal) {
		old.journal = server->journal;
		server->journal = take_ptr(&made->journal);
	}
	server->logs_all = strcmp(config->settings.log, "all") == 0;
	if (server->config) {
		carry_hits(&server->config->rules, &config->rules);
		carry_policy_hits(&server->config->rules, &config->rules);
	}
	struct dns_config *former = server->config;
	server->config = config;
	// Whether these are told with encrypted hellos is up to the lists.
	if (config->rules.decide) {
		(void)dns_cache_forget_type(server->cache, DNS_HTTPS);
		(void)dns_cache_forget_type(server->cache, DNS_SVCB);
	}
	dns_learn_configure(server->learn, former);
	dns_config_free(former);
	made_done(&old);
}

// Puts a configuration in force; after a failure the one before is, and `config` stays the
// caller's.
static int apply(struct dns_server *server, struct dns_config *config, struct err *err)
{
	struct made made = { 0 };
	int r = dns_udp_open(server, config, err);
	if (r == 0)
		r = dns_tcp_open(server, config, err);
	if (r == 0 && make(server, config, &made) < 0)
		r = err_set(err, -ENOMEM, "out of memory");
	// The last that may fail: it is in force at once.
	if (r == 0)
		r = exchange_host_trust(&server->host, config->settings.tls_ca, err);
	if (r == 0) {
		dns_udp_keep(server, config);
		dns_tcp_keep(server, config);
		swap_in(server, config, &made);
	} else {
		dns_udp_keep(server, server->config);
		dns_tcp_keep(server, server->config);
		made_done(&made);
	}
	return r;
}

// ---- reading it again ----

static void *read_config(const char *path, struct err *err)
{
	return dns_config_read(path, err);
}

static void free_config(void *config)
{
	dns_config_free(config);
}

static int apply_again(void *context, void *config, struct err *err)
{
	return apply(context, config, err);
}

// ---- leaving ----

static size_t sockets(void *context, int *ret)
{
	const struct dns_server *server = context;
	const size_t count = dns_udp_sockets(server, ret, HANDOVER_MAX);
	return count + dns_tcp_sockets(server, ret + count, HANDOVER_MAX - count);
}

static void say_left(struct dns_server *server)
{
	struct service_talk *talk = service_find(server->control, server->leave_talk);
	server->leave_talk = 0;
	if (talk)
		service_say(talk, json_pack("{s:b}", "leaving", true));
}

static void on_drain(uv_timer_t *timer)
{
	struct dns_server *server = timer->data;
	const int64_t gone_ms = (int64_t)uv_now(timer->loop) - server->left_ms;
	const bool is_quiet = server->n_pending == 0;
	if (server->leave_talk != 0 && (is_quiet || gone_ms >= QUIET_MS))
		say_left(server);
	if ((is_quiet && !dns_tcp_has_connections(server)) || gone_ms >= DRAIN_MS)
		uv_stop(timer->loop);
}

// What is asked meanwhile waits in the sockets: the other one, who learns what the sets hold when
// it begins, does not begin beside this one's writing.
static void leave(void *context, struct service_talk *talk)
{
	struct dns_server *server = context;
	log_info("another process answers from now on");
	server->is_leaving = true;
	server->leave_talk = service_talk_id(talk);
	server->left_ms = (int64_t)uv_now(server->loop);
	service_reread_close(&server->reread);
	dns_udp_keep(server, NULL);
	dns_tcp_leave(server);
	(void)uv_timer_start(&server->drain, on_drain, 0, DRAIN_TICK_MS);
}

// ---- beginning and end ----

static void on_request(void *context, struct service_talk *talk, const json_t *request)
{
	service_say(talk, dns_control_answer(context, request, service_is_owner(talk)));
}

static int open_control(struct dns_server *server, struct err *err)
{
	const struct dns_settings *settings = &server->config->settings;
	// weft-proxy is no other user, but says what strangers' flows say.
	const struct service_owner owner = { .on_request = on_request,
					     .context = server,
					     .user = settings->user,
					     .sockets = sockets,
					     .leave = leave };
	if (!settings->control)
		return 0;
	return service_open(server->loop, settings->control, &owner, server->before,
			    &server->control, err);
}

static int make_parts(struct dns_server *server, struct err *err)
{
	int r = exchange_host_init(&server->host, server->loop, err);
	if (r < 0)
		return r;
	server->upstreams = dns_upstreams_new(&server->host);
	server->asks = dns_asks_new(server);
	server->learn = dns_learn_new(server);
	if (!server->upstreams || !server->asks || !server->learn)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int open_all(struct dns_server *server, struct err *err)
{
	const uint32_t kept = 1u << CAP_NET_BIND_SERVICE | 1u << CAP_NET_RAW;
	CLEAN(dns_config_free_ptr)
	struct dns_config *config = dns_config_read(server->reread.path, err);
	if (!config)
		return -EINVAL;
	int r = make_parts(server, err);
	if (r < 0)
		return r;
	if (config->settings.control)
		handover_ask(config->settings.control, server->before);
	r = apply(server, config, err);
	if (r < 0)
		return r;
	config = NULL;
	// One that could not listen leaves the control socket alone.
	r = open_control(server, err);
	return r < 0 ? r : sandbox_enter(server->config->settings.user, kept, err);
}

int dns_server_init(struct dns_server *server, uv_loop_t *loop, const char *path,
		    struct handover *before, struct err *err)
{
	const struct service_reader reader = { read_config, free_config, apply_again, server };
	*server =
		(struct dns_server){ .loop = loop, .before = before, .since_ms = clock_wall_ms() };
	service_reread_init(&server->reread, loop, path, &reader);
	(void)uv_timer_init(loop, &server->drain);
	server->drain.data = server;
	int r = open_all(server, err);
	if (r < 0)
		dns_server_done(server);
	return r;
}

int dns_server_begin(struct dns_server *server, struct err *err)
{
	server->before = NULL;
	return service_begin(server->control, err);
}

void dns_server_done(struct dns_server *server)
{
	service_reread_close(&server->reread);
	uv_close((uv_handle_t *)&server->drain, NULL);
	dns_asks_free(server->asks);
	server->asks = NULL;
	dns_learn_free(take_ptr(&server->learn));
	dns_udp_keep(server, NULL);
	dns_tcp_keep(server, NULL);
	service_close(take_ptr(&server->control));
	give_back(server->held, server->n_held);
	server->n_held = 0;
	server->held = NULL;
	dns_upstreams_free(take_ptr(&server->upstreams));
	exchange_host_done(&server->host);
	dns_cache_free(take_ptr(&server->cache));
	dns_rate_free(take_ptr(&server->rate));
	dns_journal_free(take_ptr(&server->journal));
	dns_config_free(take_ptr(&server->config));
}
