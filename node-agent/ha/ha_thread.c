// The thread of the HA groups.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/log.h"

#include "ha/inside.h"
#include "ha/packet.h"

enum { SECOND_MS = 1000 };

int64_t ha_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

// ---- sockets ----

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct port *port = poll->data;
	uint8_t data[HA_PACKET_SIZE + 1];
	struct kernel_ip from;
	uint32_t group;
	size_t len;

	(void)status;
	(void)events;
	while ((len = post_receive(&port->post, data, sizeof data, &from)) > 0) {
		if (!ha_packet_group(data, len, &group))
			continue;
		for (struct group *g = port->ha->groups; g; g = group_next(g)) {
			if (group_config(g)->id == group && post_is(&port->post, group_config(g)))
				group_datagram(g, &from, data, len);
		}
	}
}

static void port_stop(struct port *port)
{
	if (port->is_polled)
		(void)uv_poll_stop(&port->poll);
}

static void on_port_closed(uv_handle_t *handle)
{
	struct port *port = handle->data;

	post_close(&port->post);
	free(port);
}

static void port_free(struct port *port)
{
	port_stop(port);
	if (port->is_polled) {
		uv_close((uv_handle_t *)&port->poll, on_port_closed);
		return;
	}
	post_close(&port->post);
	free(port);
}

// A new descriptor needs a new handle: the one before is let go with it.
static struct port *port_renew(struct port *port)
{
	struct port *fresh = calloc(1, sizeof *fresh);

	if (!fresh)
		return port;
	fresh->ha = port->ha;
	fresh->next = port->next;
	fresh->post = port->post;
	fresh->post.fd = -1;
	port_free(port);
	return fresh;
}

static struct port *port_look(struct port *port)
{
	struct err err = { 0 };

	if (port->is_polled && if_nametoindex(port->post.device) != port->post.index)
		port = port_renew(port);
	if (post_open(&port->post, &err) <= 0) {
		if (err.code && err.code != -ENODEV)
			log_warn("ha: %s", err.text);
		return port;
	}
	if (uv_poll_init(&port->ha->loop, &port->poll, port->post.fd) < 0)
		return port;
	port->poll.data = port;
	port->is_polled = true;
	(void)uv_poll_start(&port->poll, UV_READABLE, on_readable);
	return port;
}

const struct port *ha_port(struct ha *ha, const struct ha_config *config)
{
	for (const struct port *p = ha->ports; p; p = p->next) {
		if (post_is(&p->post, config))
			return p;
	}
	return NULL;
}

static void want_port(struct ha *ha, const struct ha_config *config)
{
	struct port *port = (struct port *)ha_port(ha, config);

	if (!port) {
		port = calloc(1, sizeof *port);
		if (!port)
			return;
		port->ha = ha;
		port->post =
			(struct post){ .local = config->local, .port = config->port, .fd = -1 };
		memcpy(port->post.device, config->device, sizeof port->post.device);
		port->next = ha->ports;
		ha->ports = port;
	}
	port->is_wanted = true;
}

static void look_at_ports(struct ha *ha)
{
	for (struct port **at = &ha->ports; *at; at = &(*at)->next)
		*at = port_look(*at);
}

static void settle_ports(struct ha *ha)
{
	for (struct port *p = ha->ports; p; p = p->next)
		p->is_wanted = false;
	for (struct group *g = ha->groups; g; g = group_next(g))
		want_port(ha, group_config(g));
	for (struct port **at = &ha->ports; *at;) {
		struct port *p = *at;

		if (p->is_wanted) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		port_free(p);
	}
	look_at_ports(ha);
}

// ---- groups ----

static struct group *find(const struct ha *ha, uint32_t id)
{
	struct group *g = ha->groups;

	while (g && group_config(g)->id != id)
		g = group_next(g);
	return g;
}

static bool is_wanted(const struct ha_config *configs, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (configs[i].id == id)
			return true;
	}
	return false;
}

static void drop_unwanted(struct ha *ha, const struct ha_config *configs, size_t n)
{
	struct group *kept = NULL;

	for (struct group *g = ha->groups, *next; g; g = next) {
		next = group_next(g);
		if (!is_wanted(configs, n, group_config(g)->id)) {
			group_free(g, true);
			continue;
		}
		group_link(g, kept);
		kept = g;
	}
	ha->groups = kept;
}

static void take_configs(struct ha *ha, const struct ha_config *configs, size_t n)
{
	drop_unwanted(ha, configs, n);
	for (size_t i = 0; i < n; i++) {
		struct group *g = find(ha, configs[i].id);

		if (g) {
			group_change(g, &configs[i]);
			continue;
		}
		g = group_new(ha, &configs[i]);
		if (!g)
			continue;
		group_link(g, ha->groups);
		ha->groups = g;
	}
	settle_ports(ha);
	ha_publish(ha);
}

void ha_publish(struct ha *ha)
{
	struct ha_reading *readings = NULL;
	size_t n = 0, unprepared = 0;

	for (const struct group *g = ha->groups; g; g = group_next(g)) {
		struct ha_reading *more = reallocarray(readings, n + 1, sizeof *more);

		if (!more)
			break;
		readings = more;
		group_read(g, &readings[n++]);
		unprepared += !group_is_prepared(g);
	}
	(void)pthread_mutex_lock(&ha->mutex);
	const bool is_same = n == ha->n_readings &&
			     (n == 0 || memcmp(readings, ha->readings, n * sizeof *readings) == 0);
	struct ha_reading *former = is_same ? readings : ha->readings;
	if (!is_same)
		ha->readings = readings;
	ha->n_readings = n;
	ha->unprepared = unprepared;
	(void)pthread_mutex_unlock(&ha->mutex);
	free(former);
	if (!is_same)
		ha_tell(ha, &(struct ha_news){ .kind = HA_NEWS_CHANGED });
}

// ---- what the agent's loop asked for ----

struct orders {
	struct ha_config *configs;
	size_t n_configs;
	bool is_new, is_preparing, is_stopping, is_leaving;
	struct lease_message inbox[INBOX_MAX];
	size_t n_inbox;
};

static void take_orders(struct ha *ha, struct orders *ret)
{
	(void)pthread_mutex_lock(&ha->mutex);
	*ret = (struct orders){ .configs = ha->wanted,
				.n_configs = ha->n_wanted,
				.is_new = ha->is_wanted_new,
				.is_preparing = ha->is_preparing,
				.is_stopping = ha->is_stopping,
				.is_leaving = ha->is_leaving,
				.n_inbox = ha->n_inbox };
	memcpy(ret->inbox, ha->inbox, ha->n_inbox * sizeof *ha->inbox);
	ha->wanted = NULL;
	ha->n_wanted = 0;
	ha->is_wanted_new = false;
	ha->is_preparing = false;
	ha->n_inbox = 0;
	(void)pthread_mutex_unlock(&ha->mutex);
}

static void stop(struct ha *ha, bool is_leaving)
{
	struct err err = { 0 };

	for (struct group *g = ha->groups, *next; g; g = next) {
		next = group_next(g);
		group_free(g, is_leaving);
	}
	ha->groups = NULL;
	if (is_leaving && vip_drop_all(ha->vip, &err) < 0)
		log_error("ha: %s", err.text);
	settle_ports(ha);
	uv_close((uv_handle_t *)&ha->second, NULL);
	uv_close((uv_handle_t *)&ha->wake, NULL);
}

void ha_on_wake(uv_async_t *async)
{
	struct ha *ha = async->data;
	struct orders orders;

	take_orders(ha, &orders);
	if (orders.is_new)
		take_configs(ha, orders.configs, orders.n_configs);
	if (orders.configs)
		explicit_bzero(orders.configs, orders.n_configs * sizeof *orders.configs);
	free(orders.configs);
	for (size_t i = 0; i < orders.n_inbox; i++) {
		struct group *g = find(ha, orders.inbox[i].group);

		if (g)
			group_receive(g, HA_CONTROLLER, &orders.inbox[i]);
	}
	for (struct group *g = ha->groups; g && orders.is_preparing; g = group_next(g))
		group_prepare(g);
	if (orders.is_stopping)
		stop(ha, orders.is_leaving);
}

// A device may have been made anew; and what the readings say of silence changes by itself.
static void on_second(uv_timer_t *timer)
{
	struct ha *ha = timer->data;

	look_at_ports(ha);
	ha_publish(ha);
}

void *ha_run(void *argument)
{
	struct ha *ha = argument;

	(void)uv_timer_start(&ha->second, on_second, SECOND_MS, SECOND_MS);
	(void)uv_async_send(&ha->wake);
	(void)uv_run(&ha->loop, UV_RUN_DEFAULT);
	return NULL;
}
