// What the rings of a link keep, as JSON for charts.
#include <errno.h>
#include <string.h>

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

static void take_traffic(void *context, const char *link, uint64_t rx_bytes, uint64_t tx_bytes)
{
	prober_traffic(context, link, rx_bytes, tx_bytes);
}

void links_traffic(struct agent *agent)
{
	reconcile_each_traffic(agent->reconcile, take_traffic, agent->prober);
}

static const struct {
	const char *name;
	bool is_share; // counted in millionths here, told as a part of 1
} columns[HISTORY_MEASURES] = {
	[HISTORY_RTT_MIN] = { "rtt_min_us", false }, [HISTORY_RTT_AVG] = { "rtt_avg_us", false },
	[HISTORY_RTT_MAX] = { "rtt_max_us", false }, [HISTORY_JITTER] = { "jitter_us", false },
	[HISTORY_LOSS] = { "loss", true },           [HISTORY_RX] = { "rx_bps", false },
	[HISTORY_TX] = { "tx_bps", false },
};

static json_t *figure(int64_t value, bool is_share)
{
	if (value == HISTORY_UNKNOWN)
		return json_null();
	return is_share ? json_real((double)value / 1e6) : json_integer((json_int_t)value);
}

static json_t *slots_of(const struct history_view *view)
{
	json_t *slots = json_object();
	for (size_t m = 0; m < HISTORY_MEASURES; m++) {
		json_t *column = json_array();
		for (size_t i = 0; i < view->count; i++)
			(void)json_array_append_new(column,
						    figure(view->value[m][i], columns[m].is_share));
		(void)json_object_set_new(slots, columns[m].name, column);
	}
	return slots;
}

static json_t *limit(int64_t value, bool is_share)
{
	return figure(value == JUDGE_UNMEASURED ? HISTORY_UNKNOWN : value, is_share);
}

static int span_of(const json_t *args, enum history_span *ret)
{
	const char *span = json_string_value(json_object_get(args, "span"));
	if (!span || (strcmp(span, "1h") != 0 && strcmp(span, "24h") != 0))
		return -EINVAL;
	*ret = strcmp(span, "1h") == 0 ? HISTORY_HOUR : HISTORY_DAY;
	return 0;
}

json_t *links_history(const struct agent *agent, const json_t *args, struct err *err)
{
	const char *link = json_string_value(json_object_get(args, "link"));
	enum history_span span = HISTORY_HOUR;
	struct prober_history history;
	if (!link || span_of(args, &span) < 0) {
		(void)err_set(err, -EINVAL, "history: link is missing, or span is not 1h or 24h");
		return NULL;
	}
	if (!prober_history(agent->prober, link, span, &history)) {
		(void)err_set(err, -ENOENT, "it does not measure a link %s", link);
		return NULL;
	}
	json_t *answer =
		json_pack("{s:I, s:I, s:{s:o, s:o, s:o}, s:o}", "step_ms",
			  (json_int_t)(history.view.step_us / 1000), "age_ms",
			  (json_int_t)(history.view.age_us / 1000), "sla", "latency_us",
			  limit(history.limit[JUDGE_LATENCY], false), "jitter_us",
			  limit(history.limit[JUDGE_JITTER], false), "loss",
			  limit(history.limit[JUDGE_LOSS], true), "slots", slots_of(&history.view));
	if (!answer)
		(void)err_set(err, -ENOMEM, "out of memory");
	return answer;
}
