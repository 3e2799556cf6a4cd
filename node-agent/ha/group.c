// One group: the lease machine's orders carried out.
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "ha/hops.h"
#include "ha/inside.h"
#include "ha/packet.h"
#include "ha/record.h"

enum {
	LONG_LEASE_US = 10000000, // for a planned restart
	REFUSED_US = 5000000,     // after the kernel refused, it is asked again
	SAVES_MAX = 4,
};

struct group {
	struct group *next;
	struct ha *ha;
	struct ha_config config;
	struct lease lease;
	struct lease_out out;
	struct gate gate;
	struct hops hops;
	uv_timer_t timer;
	char *record;
	int saves;             // under way
	bool is_gone;          // freed when they are done
	bool is_preparing;     // a long lease is asked for
	int64_t controller_us; // of the last message to the controller
	uint64_t controller_epoch;
	int64_t refused_us; // when the kernel refused last, 0: never
	char refusal[HA_TEXT_SIZE];
	char cause[HA_TEXT_SIZE]; // what happened last
	char unfit[HA_TEXT_SIZE]; // "": it may be active
	enum ha_state state;
	int64_t since_ms;
};

static bool is_member(const struct group *g)
{
	return g->lease.rank < g->lease.config.n_members && g->config.n_vips > 0;
}

static const char *name_of(const void *context, uint32_t id)
{
	const struct group *g = context;

	for (size_t i = 0; i < g->config.n_voters; i++) {
		if (g->config.voters[i].id == id)
			return g->config.voters[i].name;
	}
	return "a former voter";
}

static struct ha_news news_of(const struct group *g, enum ha_news_kind kind)
{
	struct ha_news news = { .kind = kind };

	memcpy(news.group, g->config.name, sizeof news.group);
	return news;
}

// ---- orders ----

// Its session carries other things too, and a promise lasts: what only goes on need not be asked
// each time.
static void send_controller(struct group *g, const struct lease_message *message)
{
	const bool goes_on = message->type == LEASE_TRIAL ||
			     (message->type == LEASE_ASK && g->lease.state == LEASE_HOLDS &&
			      message->epoch == g->controller_epoch);
	const int64_t now = ha_now_us();
	struct ha_news news = news_of(g, HA_NEWS_MESSAGE);

	if (goes_on && now - g->controller_us < g->lease.config.lease_us / 4)
		return;
	g->controller_us = now;
	g->controller_epoch = message->epoch;
	news.message = *message;
	ha_tell(g->ha, &news);
}

static void send_message(struct group *g, uint32_t to, const struct lease_message *message)
{
	uint8_t packet[HA_PACKET_SIZE];

	if (to == HA_CONTROLLER) {
		send_controller(g, message);
		return;
	}
	const struct port *port = ha_port(g->ha, &g->config);
	for (size_t i = 0; port && i < g->config.n_voters; i++) {
		const struct ha_voter *v = &g->config.voters[i];

		if (v->id != to || v->address.family == 0)
			continue;
		ha_packet_encode(g->config.key, g->config.self, to, message, packet);
		post_send(&port->post, &v->address, packet, sizeof packet);
	}
}

// A record on its way to the disk; by value, as the group may change meanwhile.
struct saving {
	uv_work_t work;
	struct group *group;
	char *path;
	struct lease_record record;
	uint64_t token;
	int rc;
	struct err err;
};

static void carry_out(struct group *g);

static void save(uv_work_t *work)
{
	struct saving *s = work->data;

	s->rc = record_save(s->path, &s->record, &s->err);
}

static void group_destroy(struct group *g);

static void saved(uv_work_t *work, int status)
{
	struct saving *s = work->data;
	struct group *g = s->group;
	const bool is_ok = status == 0 && s->rc == 0;

	g->saves--;
	if (!is_ok)
		log_error("ha %s: the epoch is not saved, so nothing is promised: %s",
			  g->config.name, s->err.text);
	if (g->is_gone) {
		if (g->saves == 0)
			group_destroy(g);
	} else {
		g->out.n = 0;
		lease_saved(&g->lease, ha_now_us(), s->token, is_ok, &g->out);
		carry_out(g);
	}
	free(s->path);
	free(s);
}

static int start_save(struct group *g, const struct lease_action *a)
{
	struct saving *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->work.data = s;
	s->group = g;
	s->path = strdup(g->record);
	s->record = a->record;
	s->token = a->token;
	if (!s->path || uv_queue_work(&g->ha->loop, &s->work, save, saved) < 0) {
		free(s->path);
		free(s);
		return -ENOMEM;
	}
	g->saves++;
	return 0;
}

static int be_active(struct group *g, int64_t until_us)
{
	const bool was_active = gate_is_active(&g->gate);
	struct err err = { 0 };

	int r = gate_open_until(&g->gate, g->ha->vip, until_us, &err);
	if (r < 0) {
		g->refused_us = ha_now_us();
		(void)snprintf(g->refusal, sizeof g->refusal, "%s", err.text);
		log_error("ha %s: not active: %s", g->config.name, err.text);
		return r;
	}
	hops_open_until(&g->hops, g->ha->vip, until_us);
	ha_claim(g->ha, &g->config, g->lease.held_epoch, until_us);
	if (was_active)
		return 0;
	struct ha_news news = news_of(g, HA_NEWS_ACTIVE);

	news.epoch = g->lease.held_epoch;
	ha_tell(g->ha, &news);
	return 0;
}

static int shut(struct group *g, struct err *err)
{
	const int r = gate_shut(&g->gate, g->ha->vip, err);
	const int of_hops = hops_shut(&g->hops, g->ha->vip, r < 0 ? NULL : err);

	return r < 0 ? r : of_hops;
}

static int be_inactive(struct group *g)
{
	const bool was_active = gate_is_active(&g->gate);
	struct err err = { 0 };

	ha_claim(g->ha, &g->config, g->lease.held_epoch, 0);
	int r = shut(g, &err);
	if (r < 0)
		log_error("ha %s: %s", g->config.name, err.text);
	if (!was_active)
		return r;
	struct ha_news news = news_of(g, HA_NEWS_INACTIVE);

	news.epoch = g->lease.held_epoch;
	ha_tell(g->ha, &news);
	return r;
}

static void tell_event(struct group *g, const struct lease_event *event)
{
	static const struct {
		const char *severity, *kind;
	} kinds[] = {
		[LEASE_TOOK_FREE] = { "info", "ha_active" },
		[LEASE_TOOK_OVER] = { "warning", "ha_active" },
		[LEASE_TOOK_HANDED] = { "info", "ha_active" },
		[LEASE_RESUMED] = { "info", "ha_active" },
		[LEASE_LOST_MAJORITY] = { "error", "ha_inactive" },
		[LEASE_HOLDS_ISOLATED] = { "error", "ha_isolated" },
		[LEASE_UNIQUE_AGAIN] = { "info", "ha_active" },
		[LEASE_SUPERSEDED] = { "warning", "ha_inactive" },
		[LEASE_HANDED_OVER] = { "info", "ha_inactive" },
		[LEASE_UNFIT] = { "warning", "ha_inactive" },
		[LEASE_LONG_READY] = { NULL, NULL },
	};
	struct ha_news news = news_of(g, HA_NEWS_EVENT);
	char sentence[HA_TEXT_SIZE - HA_NAME_SIZE - 4];

	if (event->cause == LEASE_LONG_READY)
		g->is_preparing = false;
	lease_sentence(event, name_of, g, sentence, sizeof sentence);
	(void)snprintf(g->cause, sizeof g->cause, "%s", sentence);
	if (!kinds[event->cause].severity)
		return;
	(void)snprintf(news.text, sizeof news.text, "%s: %s", g->config.name, sentence);
	news.severity = kinds[event->cause].severity;
	news.event = kinds[event->cause].kind;
	ha_tell(g->ha, &news);
}

static int carry_out_one(struct group *g, const struct lease_action *a)
{
	switch (a->order) {
	case LEASE_SEND:
		send_message(g, a->node, &a->message);
		return 0;
	case LEASE_SAVE:
		return start_save(g, a);
	case LEASE_ACTIVE:
		return be_active(g, a->until_us);
	case LEASE_INACTIVE:
		return be_inactive(g);
	case LEASE_TELL:
		tell_event(g, &a->event);
		return 0;
	}
	return 0;
}

// The rest is dropped once something failed: a release must not be sent while the gate is open.
static void carry_out_orders(struct group *g)
{
	for (size_t i = 0; i < g->out.n; i++) {
		if (carry_out_one(g, &g->out.items[i]) < 0)
			return;
	}
}

// ---- fitness ----

static bool is_running(const char *interface)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	(void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
	const int r = ioctl(fd, SIOCGIFFLAGS, &request);
	(void)close(fd);
	return r == 0 && (request.ifr_flags & IFF_UP) && (request.ifr_flags & IFF_RUNNING);
}

static void look(struct group *g)
{
	const int64_t now = ha_now_us();
	struct err err = { 0 };

	g->unfit[0] = '\0';
	if (g->config.is_drained)
		(void)snprintf(g->unfit, sizeof g->unfit, "this node is drained");
	else if (!is_running(g->config.interface))
		(void)snprintf(g->unfit, sizeof g->unfit, "the interface %s is not up",
			       g->config.interface);
	else if (gate_make(&g->gate, g->ha->vip, &err) < 0)
		(void)snprintf(g->unfit, sizeof g->unfit, "%.200s", err.text);
	else if (g->refused_us && now - g->refused_us < REFUSED_US)
		(void)snprintf(g->unfit, sizeof g->unfit, "%.200s", g->refusal);
}

static void set_fit(struct group *g)
{
	if (!is_member(g))
		return;
	look(g);
	const bool is_fit = !*g->unfit;
	if (is_fit == g->lease.is_fit)
		return;
	g->out.n = 0;
	lease_set_fit(&g->lease, ha_now_us(), is_fit, &g->out);
	carry_out_orders(g);
}

// ---- after each input ----

static void on_timer(uv_timer_t *timer);

static void note_state(struct group *g)
{
	enum ha_state state = HA_WITNESS;

	if (is_member(g))
		state = gate_is_active(&g->gate) ? HA_ACTIVE : *g->unfit ? HA_UNFIT : HA_STANDBY;
	if (state != g->state || !g->since_ms)
		g->since_ms = clock_wall_ms();
	g->state = state;
}

static void carry_out(struct group *g)
{
	carry_out_orders(g);
	set_fit(g);
	note_state(g);
	const int64_t now = ha_now_us();
	int64_t next = lease_next_us(&g->lease, now);
	// However little there is to do: the interface is looked at.
	if (next > now + g->lease.config.trial_us)
		next = now + g->lease.config.trial_us;
	const int64_t wait_us = next > now ? next - now : 0;
	(void)uv_timer_start(&g->timer, on_timer, (uint64_t)(wait_us + 999) / 1000, 0);
	ha_publish(g->ha);
}

static void on_timer(uv_timer_t *timer)
{
	struct group *g = timer->data;

	g->out.n = 0;
	lease_tick(&g->lease, ha_now_us(), &g->out);
	carry_out(g);
	gate_tick(&g->gate, ha_now_us());
	hops_tick(&g->hops, ha_now_us());
}

void group_receive(struct group *g, uint32_t from, const struct lease_message *message)
{
	g->out.n = 0;
	lease_receive(&g->lease, ha_now_us(), from, message, &g->out);
	carry_out(g);
}

void group_datagram(struct group *g, const struct kernel_ip *from, const uint8_t *data, size_t len)
{
	struct lease_message message;

	for (size_t i = 0; i < g->config.n_voters; i++) {
		const struct ha_voter *v = &g->config.voters[i];

		if (v->id == g->config.self || !kernel_ip_equal(&v->address, from))
			continue;
		if (ha_packet_decode(g->config.key, v->id, g->config.self, data, len, &message))
			group_receive(g, v->id, &message);
		return;
	}
}

void group_prepare(struct group *g)
{
	g->is_preparing = lease_prepare_restart(&g->lease, ha_now_us(), LONG_LEASE_US);
	g->out.n = 0;
	lease_tick(&g->lease, ha_now_us(), &g->out);
	carry_out(g);
}

bool group_is_prepared(const struct group *g)
{
	return !g->is_preparing || !lease_is_active(&g->lease, ha_now_us());
}

void group_read(const struct group *g, struct ha_reading *ret)
{
	const int64_t now = ha_now_us();
	const uint32_t holder = lease_holder(&g->lease, now);

	memset(ret, 0, sizeof *ret); // they are compared as bytes
	ret->state = g->state;
	ret->since_ms = g->since_ms;
	ret->epoch = g->lease.grantor.record.epoch;
	ret->generation = g->config.generation;
	ret->heard = lease_heard(&g->lease, now);
	ret->needed = g->lease.needed;
	ret->voters = g->config.n_voters;
	memcpy(ret->group, g->config.name, sizeof ret->group);
	if (holder != LEASE_NOBODY)
		(void)snprintf(ret->holder, sizeof ret->holder, "%s", name_of(g, holder));
	(void)snprintf(ret->cause, sizeof ret->cause, "%s", *g->unfit ? g->unfit : g->cause);
	memcpy(ret->site, g->config.site, sizeof ret->site);
	(void)snprintf(ret->lan_trouble, sizeof ret->lan_trouble, "%s", hops_trouble(&g->hops));
}

// ---- beginning and end ----

static void begin(struct group *g, const struct lease_config *config)
{
	struct lease_boot boot = { 0 };
	struct lease_record record;
	struct err err = { 0 };
	int64_t until_us = 0;

	if (getrandom(&boot.seed, sizeof boot.seed, 0) < 0)
		boot.seed = (uint64_t)ha_now_us();
	if (record_load(g->record, &record, &err))
		boot.record = &record;
	if (*err.text)
		log_warn("ha %s: %s: nothing is promised for a minute", g->config.name, err.text);
	// What is still open was opened before this program began.
	if (g->config.n_vips > 0 && gate_adopt(&g->gate, g->ha->vip, &until_us, &err) < 0)
		log_warn("ha %s: %s", g->config.name, err.text);
	hops_adopt(&g->hops, g->ha->vip);
	boot.active_until_us = until_us;
	lease_init(&g->lease, config, &boot, ha_now_us());
	if (g->config.n_vips > 0 && !lease_is_active(&g->lease, ha_now_us()) && shut(g, &err) < 0)
		log_warn("ha %s: %s", g->config.name, err.text);
}

struct group *group_new(struct ha *ha, const struct ha_config *config)
{
	struct lease_config lease;
	struct err err = { 0 };
	struct group *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	if (ha_lease_config(config, &lease, &err) < 0) {
		log_error("ha %s: %s", config->name, err.text);
		free(g);
		return NULL;
	}
	g->ha = ha;
	g->config = *config;
	g->record = record_path(ha->state_dir, config->id);
	const struct vip_set vips = ha_vip_set(config);
	gate_init(&g->gate, &vips);
	hops_init(&g->hops, config);
	if (!g->record || uv_timer_init(&ha->loop, &g->timer) < 0) {
		free(g->record);
		free(g);
		return NULL;
	}
	g->timer.data = g;
	begin(g, &lease);
	g->out.n = 0;
	carry_out(g);
	return g;
}

void group_change(struct group *g, const struct ha_config *config)
{
	struct lease_config lease;
	struct err err = { 0 };

	if (ha_config_equal(&g->config, config))
		return;
	if (ha_lease_config(config, &lease, &err) < 0) {
		log_error("ha %s: %s", config->name, err.text);
		return;
	}
	g->out.n = 0;
	lease_reconfigure(&g->lease, &lease, ha_now_us(), &g->out);
	carry_out_orders(g);
	const struct vip_set vips = ha_vip_set(config);
	if (gate_change(&g->gate, g->ha->vip, &vips, &err) < 0 ||
	    hops_change(&g->hops, g->ha->vip, config, &err) < 0)
		log_error("ha %s: %s", config->name, err.text);
	g->config = *config;
	if (is_member(g) && lease_is_active(&g->lease, ha_now_us()))
		(void)be_active(g, g->lease.active_until_us);
	g->out.n = 0;
	carry_out(g);
}

static void on_closed(uv_handle_t *handle)
{
	struct group *g = handle->data;

	free(g->record);
	explicit_bzero(&g->config, sizeof g->config);
	free(g);
}

static void group_destroy(struct group *g)
{
	uv_close((uv_handle_t *)&g->timer, on_closed);
}

void group_free(struct group *g, bool is_whole)
{
	struct err err = { 0 };

	if (is_whole && is_member(g)) {
		g->out.n = 0;
		lease_set_fit(&g->lease, ha_now_us(), false, &g->out);
		carry_out_orders(g);
		if (gate_drop(&g->gate, g->ha->vip, &err) < 0 ||
		    hops_drop(&g->hops, g->ha->vip, &err) < 0)
			log_error("ha %s: %s", g->config.name, err.text);
	}
	(void)uv_timer_stop(&g->timer);
	g->is_gone = true;
	if (g->saves == 0)
		group_destroy(g);
}

struct group *group_next(const struct group *g)
{
	return g->next;
}

void group_link(struct group *g, struct group *next)
{
	g->next = next;
}

const struct ha_config *group_config(const struct group *g)
{
	return &g->config;
}
