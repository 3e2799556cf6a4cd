#include "webhook/webhook.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/backoff.h"

#include "store/store.h"
#include "webhook/attempt.h"
#include "webhook/post.h"

struct webhook {
	struct webhooks *all;
	int64_t id;
	char *name;
	json_t *spec;
	bool is_disabled;
	int64_t secret_id;
	int64_t url_secret_id;
	int64_t event; // how far it has come
	int64_t saved; // what of that is in the store
	int64_t delivered_ms;
	uint64_t delivered;
	uint64_t failed;
	struct backoff backoff;
	int64_t next_ms; // when it is tried again, 0: no time is set
	struct err why;  // of the last failure; code 0: none since the last success
	bool is_trying;
	bool is_gone;  // freed when the try is over
	bool is_known; // its resource is among the intent's
	uv_timer_t timer;
};

struct webhooks {
	struct attempt_place place;
	struct store *store;
	webhook_tell_fn *tell;
	void *ctx;
	struct webhook **list;
	size_t count;
	size_t trying;
	int64_t last_event;
	bool is_stopping;
	atomic_bool is_broken;
};

// How far a webhook has come, on its way to the store.
struct progress {
	int64_t id;
	int64_t event;
	int64_t delivered_ms;
};

static void begin(struct webhook *hook);

// ---- the list ----

static struct webhook *find(const struct webhooks *all, int64_t id)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i]->id == id)
			return all->list[i];
	return NULL;
}

static void hook_free(struct webhook *hook)
{
	free(hook->name);
	json_decref(hook->spec);
	free(hook);
}

static void timer_closed(uv_handle_t *timer)
{
	struct webhook *hook = timer->data;
	if (!hook->is_trying)
		hook_free(hook);
	else
		hook->timer.data = NULL; // whoever ends the try frees it
}

static void remove_at(struct webhooks *all, size_t i)
{
	struct webhook *hook = all->list[i];
	all->list[i] = all->list[--all->count];
	hook->is_gone = true;
	uv_close((uv_handle_t *)&hook->timer, timer_closed);
}

static struct webhook *add(struct webhooks *all, int64_t id)
{
	struct webhook **longer = reallocarray(all->list, all->count + 1, sizeof(struct webhook *));
	struct webhook *hook = longer ? calloc(1, sizeof *hook) : NULL;
	if (longer)
		all->list = longer;
	if (!hook)
		return NULL;
	hook->all = all;
	hook->id = id;
	hook->backoff = (struct backoff){ WEBHOOK_FIRST_WAIT_MS, WEBHOOK_LONGEST_WAIT_MS, 0 };
	(void)uv_timer_init(all->place.loop, &hook->timer);
	hook->timer.data = hook;
	all->list[all->count++] = hook;
	return hook;
}

// ---- progress ----

// Store's thread. A webhook that was deleted meanwhile has no row to write.
static int write_progress(struct store_tx *tx, void *arg, struct err *err)
{
	const struct progress *p = arg;
	int r = store_exec(
		tx, SQL_WEBHOOK_PUT,
		STORE_PARAMS(store_int(p->id), store_int(p->event), store_int(p->delivered_ms)),
		err);
	return r < 0 ? r : 0;
}

static void progress_written(void *arg, enum store_result result, const struct err *err)
{
	if (result != STORE_OK && result != STORE_CONSTRAINT)
		log_warn("store: how far a webhook has come was not kept, it may repeat events: %s",
			 err->text);
	free(arg);
}

static void save(struct webhook *hook)
{
	struct progress *p = calloc(1, sizeof *p);
	if (!p)
		return;
	*p = (struct progress){ hook->id, hook->event, hook->delivered_ms };
	if (store_transact(hook->all->store, NULL, write_progress, progress_written, p) < 0)
		free(p);
	else
		hook->saved = hook->event;
}

static int read_progress(const struct store_row *row, void *arg, struct err *err)
{
	struct webhook *hook = add(arg, store_row_int(row, 0));
	if (!hook)
		return err_set(err, -ENOMEM, "out of memory");
	const struct webhooks *all = hook->all;
	hook->event = hook->saved = store_row_int(row, 1);
	// The ids begin anew when the last event has been pruned.
	if (hook->event > all->last_event)
		hook->event = all->last_event;
	hook->delivered_ms = store_row_int(row, 2);
	return 0;
}

static int read_all(struct store_tx *tx, void *arg, struct err *err)
{
	int r = store_query(tx, SQL_WEBHOOK_ALL, STORE_NO_PARAMS, read_progress, arg, err);
	return r < 0 ? r : 0;
}

// ---- trying ----

static void tell(const struct webhook *hook, const char *severity, const char *kind,
		 const char *text)
{
	CLEAN(free_ptr) char *entry = text_format("webhooks/%s", hook->name);
	if (entry)
		hook->all->tell(hook->all->ctx, severity, kind, entry, text);
}

static void on_timer(uv_timer_t *timer)
{
	struct webhook *hook = timer->data;
	hook->next_ms = 0;
	begin(hook);
}

static void wait_after_failure(struct webhook *hook, const struct err *why)
{
	uint32_t random = 0;
	(void)uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
	hook->why = *why;
	hook->failed++;
	uint32_t wait_ms = backoff_next_ms(&hook->backoff, random);
	hook->next_ms = clock_wall_ms() + wait_ms;
	(void)uv_timer_start(&hook->timer, on_timer, wait_ms, 0);
	log_warn("webhook %s: %s; again in %u s", hook->name, why->text, (wait_ms + 999) / 1000);
	if (hook->backoff.failures != WEBHOOK_FAILING)
		return;
	CLEAN(free_ptr)
	char *text = text_format("webhook %s: %d tries in a row failed, events wait: %s",
				 hook->name, WEBHOOK_FAILING, why->text);
	if (text)
		tell(hook, "warning", "webhook_failing", text);
}

static void note_success(struct webhook *hook)
{
	bool was_failing = hook->backoff.failures >= WEBHOOK_FAILING;
	hook->why = (struct err){ 0 };
	backoff_reset(&hook->backoff);
	if (!was_failing)
		return;
	CLEAN(free_ptr) char *text = text_format("webhook %s: events are taken again", hook->name);
	if (text)
		tell(hook, "info", "webhook_recovered", text);
}

static void take_answer(struct webhook *hook, const struct attempt_answer *answer)
{
	hook->event = answer->event > hook->event ? answer->event : hook->event;
	if (answer->is_delivered) {
		hook->delivered++;
		hook->delivered_ms = clock_wall_ms();
		save(hook);
		note_success(hook);
	}
	if (answer->is_failed)
		wait_after_failure(hook, answer->why);
}

// Room for another try: whoever waits for it begins.
static void begin_all(struct webhooks *all)
{
	for (size_t i = 0; i < all->count; i++)
		begin(all->list[i]);
}

static void tried(void *arg, const struct attempt_answer *answer)
{
	struct webhook *hook = arg;
	struct webhooks *all = hook->all;
	hook->is_trying = false;
	all->trying--;
	if (hook->is_gone) {
		if (!hook->timer.data)
			hook_free(hook);
	} else if (!all->is_stopping) {
		take_answer(hook, answer);
	}
	begin_all(all);
}

static void begin(struct webhook *hook)
{
	struct webhooks *all = hook->all;
	struct attempt_question question = { .secret_id = hook->secret_id,
					     .url_secret_id = hook->url_secret_id,
					     .after = hook->event,
					     .newest = all->last_event };
	struct err err = { 0 };
	if (all->is_stopping || hook->is_trying || hook->is_disabled || !hook->is_known ||
	    hook->next_ms || hook->event >= all->last_event || all->trying >= WEBHOOK_AT_ONCE)
		return;
	int r = webhook_target_read(hook->name, hook->spec, &question.target, &err);
	if (r == 0)
		r = attempt_begin(&all->place, &question, tried, hook, &err);
	if (r < 0) {
		wait_after_failure(hook, &err);
		return;
	}
	hook->is_trying = true;
	all->trying++;
}

// ---- the door ----

int webhooks_new(const struct webhooks_settings *settings, struct webhooks **ret_webhooks,
		 struct err *err)
{
	CLEAN(webhooks_free_ptr) struct webhooks *all = calloc(1, sizeof *all);
	int r = webhook_post_init(err);
	if (r < 0)
		return r;
	if (!all)
		return err_set(err, -ENOMEM, "out of memory");
	all->place = (struct attempt_place){ settings->loop, settings->store, settings->vault,
					     &all->is_broken };
	all->store = settings->store;
	all->tell = settings->tell;
	all->ctx = settings->ctx;
	all->last_event = settings->last_event_id;
	if (store_read_sync(all->store, read_all, all, err) != STORE_OK) {
		webhooks_stop(all);
		return -EIO;
	}
	*ret_webhooks = take_ptr(&all);
	return 0;
}

int webhooks_put(struct webhooks *webhooks, const struct webhook_resource *resource,
		 struct err *err)
{
	struct webhook *hook = find(webhooks, resource->id);
	bool is_new = !hook;
	CLEAN(free_ptr) char *name = strdup(resource->name);
	json_auto_t *spec = json_deep_copy(resource->spec);
	if (name && spec && is_new)
		hook = add(webhooks, resource->id);
	if (!name || !spec || !hook)
		return err_set(err, -ENOMEM, "out of memory");
	bool is_changed = is_new || !hook->spec || !json_equal(hook->spec, spec) ||
			  strcmp(hook->name, name) != 0;
	free(hook->name);
	json_decref(hook->spec);
	hook->name = take_ptr(&name);
	hook->spec = json_incref(spec);
	hook->secret_id = resource->secret_id;
	hook->url_secret_id = resource->url_secret_id;
	hook->is_disabled = json_is_true(json_object_get(spec, "disabled"));
	if (is_new)
		hook->event = webhooks->last_event;
	// What it did not want before its change is not wanted after a restart either.
	if (is_new || (hook->is_known && is_changed && hook->event != hook->saved))
		save(hook);
	hook->is_known = true;
	if (is_changed) {
		hook->next_ms = 0;
		(void)uv_timer_stop(&hook->timer);
		begin(hook);
	}
	return 0;
}

void webhooks_keep(struct webhooks *webhooks, const int64_t *ids, size_t count)
{
	for (size_t i = webhooks->count; i-- > 0;) {
		bool is_there = false;
		for (size_t k = 0; k < count && !is_there; k++)
			is_there = ids[k] == webhooks->list[i]->id;
		if (!is_there)
			remove_at(webhooks, i);
	}
}

void webhooks_stored(struct webhooks *webhooks, int64_t event_id)
{
	if (event_id > webhooks->last_event)
		webhooks->last_event = event_id;
	begin_all(webhooks);
}

json_t *webhooks_status(const struct webhooks *webhooks, int64_t id)
{
	const struct webhook *hook = find(webhooks, id);
	if (!hook)
		return NULL;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s?}", "waiting",
			 (json_int_t)(webhooks->last_event - hook->event), "delivered",
			 (json_int_t)hook->delivered, "failed", (json_int_t)hook->failed,
			 "failures", (json_int_t)hook->backoff.failures, "delivered_at",
			 (json_int_t)hook->delivered_ms, "next_at", (json_int_t)hook->next_ms,
			 "error", hook->why.code ? hook->why.text : NULL);
}

void webhooks_stop(struct webhooks *webhooks)
{
	if (!webhooks || webhooks->is_stopping)
		return;
	webhooks->is_stopping = true;
	atomic_store(&webhooks->is_broken, true);
	while (webhooks->count > 0)
		remove_at(webhooks, webhooks->count - 1);
}

void webhooks_free(struct webhooks *webhooks)
{
	if (!webhooks)
		return;
	free(webhooks->list);
	free(webhooks);
}
