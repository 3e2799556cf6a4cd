#include "probe/ping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 20, PAYLOAD_MIN = 16, PAYLOAD_MAX = 9000, EVERY_MS = 200, TIMEOUT_MS = 2000 };

struct ping_try {
	struct ping *ping;
	int status; // 0, -ETIMEDOUT, …
	int64_t rtt_us;
};

struct ping {
	struct icmp *icmp;
	uv_timer_t timer;
	char to[64];
	json_int_t count;
	json_int_t payload;
	bool df;
	json_int_t sent;
	json_int_t answered; // answers or time-outs that came
	struct ping_try tries[COUNT_MAX];
	ping_done_fn done;
	void *context;
};

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static json_t *make_result(const struct ping *ping)
{
	json_t *rtt = json_array();
	json_t *errors = json_array();
	json_int_t received = 0;
	for (json_int_t i = 0; i < ping->count; i++) {
		const struct ping_try *one = &ping->tries[i];
		if (one->status == 0) {
			received++;
			(void)json_array_append_new(rtt, json_real((double)one->rtt_us / 1000.0));
			continue;
		}
		(void)json_array_append_new(rtt, json_null());
		if (one->status != -ETIMEDOUT && json_array_size(errors) == 0)
			(void)json_array_append_new(errors, json_string(strerror(-one->status)));
	}
	return json_pack("{s:s, s:I, s:I, s:f, s:o, s:o}", "to", ping->to, "sent", ping->count,
			 "received", received, "loss_percent",
			 100.0 * (double)(ping->count - received) / (double)ping->count, "rtt_ms",
			 rtt, "errors", errors);
}

static void settle(struct ping *ping)
{
	if (++ping->answered < ping->count)
		return;
	(void)uv_timer_stop(&ping->timer);
	ping->done(ping->context, make_result(ping));
	uv_close((uv_handle_t *)&ping->timer, on_timer_closed);
}

static void on_answer(void *context, int status, int64_t rtt_us)
{
	struct ping_try *one = context;
	one->status = status;
	one->rtt_us = rtt_us;
	settle(one->ping);
}

static void on_next(uv_timer_t *timer)
{
	struct ping *ping = timer->data;
	if (ping->sent == ping->count) {
		(void)uv_timer_stop(timer);
		return;
	}
	struct ping_try *one = &ping->tries[ping->sent++];
	const bool v6 = strchr(ping->to, ':') != NULL;
	const struct icmp_question question = { .to = ping->to,
						.size = (uint32_t)ping->payload + (v6 ? 48 : 28),
						.df = ping->df,
						.timeout_ms = TIMEOUT_MS };
	one->ping = ping;
	int r = icmp_ask(ping->icmp, &question, on_answer, one, NULL);
	if (r < 0)
		on_answer(one, r, 0);
}

static int read_number(const json_t *args, const char *name, json_int_t low, json_int_t high,
		       json_int_t *ret, struct err *err)
{
	const json_t *value = json_object_get(args, name);
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < low ||
	    json_integer_value(value) > high)
		return err_set(err, -EINVAL, "ping: %s is not in %lld..%lld", name, (long long)low,
			       (long long)high);
	*ret = json_integer_value(value);
	return 0;
}

int ping_start(uv_loop_t *loop, struct icmp *icmp, const json_t *args, ping_done_fn done,
	       void *context, struct ping **ret_ping, struct err *err)
{
	const char *to = json_string_value(json_object_get(args, "to"));
	unsigned char any[16];
	if (!to || strlen(to) >= sizeof((struct ping *)0)->to ||
	    (uv_inet_pton(AF_INET, to, any) < 0 && uv_inet_pton(AF_INET6, to, any) < 0))
		return err_set(err, -EINVAL, "ping: %s is no address", to ? to : "(nothing)");
	json_int_t count = 4;
	json_int_t payload = 56;
	int r = read_number(args, "count", 1, COUNT_MAX, &count, err);
	if (r == 0)
		r = read_number(args, "size", PAYLOAD_MIN, PAYLOAD_MAX, &payload, err);
	if (r < 0)
		return r;
	struct ping *ping = calloc(1, sizeof *ping);
	if (!ping)
		return err_set(err, -ENOMEM, "out of memory");
	ping->icmp = icmp;
	ping->count = count;
	ping->payload = payload;
	ping->df = json_is_true(json_object_get(args, "df"));
	ping->done = done;
	ping->context = context;
	(void)snprintf(ping->to, sizeof ping->to, "%s", to);
	(void)uv_timer_init(loop, &ping->timer);
	ping->timer.data = ping;
	(void)uv_timer_start(&ping->timer, on_next, 0, EVERY_MS);
	*ret_ping = ping;
	return 0;
}

void ping_cancel(struct ping *ping)
{
	for (json_int_t i = 0; i < ping->sent; i++)
		icmp_forget(ping->icmp, &ping->tries[i]);
	(void)uv_timer_stop(&ping->timer);
	uv_close((uv_handle_t *)&ping->timer, on_timer_closed);
}
