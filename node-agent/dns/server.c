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

enum { BYTES_A_KB = 1024, MS_PER_S = 1000 };

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
	server->loaded_ms = clock_wall_ms();
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
	if (r == 0)
		r = exchange_host_trust(&server->host, config->settings.tls_ca, err);
	if (r == 0 && make(server, config, &made) < 0)
		r = err_set(err, -ENOMEM, "out of memory");
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

struct reading {
	uv_work_t work;
	struct dns_server *server;
	struct dns_config *config; // NULL: `err` says why
	struct err err;
};

static void read_config(uv_work_t *work)
{
	struct reading *reading = work->data;
	reading->config = dns_config_read(reading->server->path, &reading->err);
}

static void on_read(uv_work_t *work, int status)
{
	CLEAN(free_ptr) struct reading *reading = work->data;
	struct dns_server *server = reading->server;
	server->is_reloading = false;
	if (status == UV_ECANCELED || !server->config) { // it ends
		dns_config_free(reading->config);
		return;
	}
	if (reading->config && apply(server, reading->config, &reading->err) < 0) {
		dns_config_free(reading->config);
		reading->config = NULL;
	}
	server->trouble = reading->config ? (struct err){ 0 } : reading->err;
	if (reading->config)
		log_info("configuration: read again");
	else
		log_error("configuration: the one before stays: %s", reading->err.text);
	if (server->must_reload)
		dns_server_reload(server);
}

void dns_server_reload(struct dns_server *server)
{
	server->must_reload = server->is_reloading;
	if (server->is_reloading)
		return;
	struct reading *reading = calloc(1, sizeof(*reading));
	if (!reading) {
		log_error("configuration: the one before stays: out of memory");
		return;
	}
	reading->work.data = reading;
	reading->server = server;
	server->is_reloading = true;
	(void)uv_queue_work(server->loop, &reading->work, read_config, on_read);
}

// ---- beginning and end ----

static void on_request(void *context, struct service_talk *talk, const json_t *request)
{
	service_say(talk, dns_control_answer(context, request, service_is_owner(talk)));
}

static int open_all(struct dns_server *server, struct err *err)
{
	const uint32_t kept = 1u << CAP_NET_BIND_SERVICE | 1u << CAP_NET_RAW;
	CLEAN(dns_config_free_ptr) struct dns_config *config = dns_config_read(server->path, err);
	if (!config)
		return -EINVAL;
	int r = exchange_host_init(&server->host, server->loop, err);
	if (r < 0)
		return r;
	server->upstreams = dns_upstreams_new(&server->host);
	server->asks = dns_asks_new(server);
	server->learn = dns_learn_new(server);
	if (!server->upstreams || !server->asks || !server->learn)
		return err_set(err, -ENOMEM, "out of memory");
	// weft-proxy is no other user, but says what strangers' flows say.
	const struct service_owner owner = { on_request, server, config->settings.user };
	if (config->settings.control)
		r = service_open(server->loop, config->settings.control, &owner, &server->control,
				 err);
	if (r == 0)
		r = apply(server, config, err);
	if (r < 0)
		return r;
	config = NULL;
	return sandbox_enter(server->config->settings.user, kept, err);
}

int dns_server_init(struct dns_server *server, uv_loop_t *loop, const char *path, struct err *err)
{
	*server = (struct dns_server){ .loop = loop, .path = path, .since_ms = clock_wall_ms() };
	int r = open_all(server, err);
	if (r < 0)
		dns_server_done(server);
	return r;
}

void dns_server_done(struct dns_server *server)
{
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
