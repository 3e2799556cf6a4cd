#include "ha/ha.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#include "ha/inside.h"

const char *ha_state_name(enum ha_state state)
{
	static const char *const names[] = {
		[HA_WITNESS] = "witness",
		[HA_STANDBY] = "standby",
		[HA_UNFIT] = "unfit",
		[HA_ACTIVE] = "active",
	};
	return names[state];
}

void ha_on_claim(struct ha *ha, ha_claim_fn claim, void *context)
{
	ha->claim = claim;
	ha->claim_context = context;
}

void ha_claim(const struct ha *ha, const struct ha_config *config, uint64_t epoch, int64_t until_us)
{
	if (ha->claim && config->site[0])
		ha->claim(ha->claim_context, config->id, epoch, until_us);
}

// ---- from the thread to the agent's loop ----

void ha_tell(struct ha *ha, const struct ha_news *news)
{
	struct outgoing *o = calloc(1, sizeof *o);

	if (!o)
		return;
	o->news = *news;
	(void)pthread_mutex_lock(&ha->mutex);
	if (ha->last)
		ha->last->next = o;
	else
		ha->first = o;
	ha->last = o;
	(void)pthread_mutex_unlock(&ha->mutex);
	(void)uv_async_send(&ha->told);
}

static struct outgoing *take_news(struct ha *ha)
{
	(void)pthread_mutex_lock(&ha->mutex);
	struct outgoing *first = ha->first;
	ha->first = NULL;
	ha->last = NULL;
	(void)pthread_mutex_unlock(&ha->mutex);
	return first;
}

static void on_told(uv_async_t *async)
{
	struct ha *ha = async->data;

	for (struct outgoing *o = take_news(ha), *next; o; o = next) {
		next = o->next;
		ha->news(ha->context, &o->news);
		free(o);
	}
}

// ---- from the agent's loop to the thread ----

int ha_set(struct ha *ha, const struct ha_config *configs, size_t count, struct err *err)
{
	struct ha_config *copy = calloc(count + 1, sizeof *copy);

	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	if (count > 0)
		memcpy(copy, configs, count * sizeof *copy);
	(void)pthread_mutex_lock(&ha->mutex);
	struct ha_config *former = ha->wanted;
	const size_t n_former = ha->n_wanted;
	ha->wanted = copy;
	ha->n_wanted = count;
	ha->is_wanted_new = true;
	(void)pthread_mutex_unlock(&ha->mutex);
	if (former)
		explicit_bzero(former, n_former * sizeof *former);
	free(former);
	(void)uv_async_send(&ha->wake);
	return 0;
}

bool ha_read(struct ha *ha, size_t at, struct ha_reading *ret_reading)
{
	if (!ha)
		return false;
	(void)pthread_mutex_lock(&ha->mutex);
	const bool is_there = at < ha->n_readings;
	if (is_there)
		*ret_reading = ha->readings[at];
	(void)pthread_mutex_unlock(&ha->mutex);
	return is_there;
}

void ha_take(struct ha *ha, const struct lease_message *message)
{
	(void)pthread_mutex_lock(&ha->mutex);
	// What has no room is lost, like any packet.
	if (ha->n_inbox < INBOX_MAX)
		ha->inbox[ha->n_inbox++] = *message;
	(void)pthread_mutex_unlock(&ha->mutex);
	(void)uv_async_send(&ha->wake);
}

void ha_prepare_restart(struct ha *ha)
{
	(void)pthread_mutex_lock(&ha->mutex);
	ha->is_preparing = true;
	(void)pthread_mutex_unlock(&ha->mutex);
	(void)uv_async_send(&ha->wake);
}

bool ha_is_prepared(struct ha *ha)
{
	(void)pthread_mutex_lock(&ha->mutex);
	const bool is_prepared = !ha->is_preparing && ha->unprepared == 0;
	(void)pthread_mutex_unlock(&ha->mutex);
	return is_prepared;
}

// ---- beginning and end ----

static void ha_free(struct ha *ha)
{
	for (struct outgoing *o = ha->first, *next; o; o = next) {
		next = o->next;
		free(o);
	}
	vip_close(ha->vip);
	free(ha->wanted);
	free(ha->readings);
	free(ha->state_dir);
	(void)pthread_mutex_destroy(&ha->mutex);
	free(ha);
}

static void on_closed(uv_handle_t *handle)
{
	ha_free(handle->data);
}

static int prepare(struct ha *ha, const char *state_dir, struct err *err)
{
	CLEAN(free_ptr) char *dir = text_format("%s/ha", state_dir);

	ha->state_dir = strdup(state_dir);
	if (!ha->state_dir || !dir)
		return err_set(err, -ENOMEM, "out of memory");
	int r = file_make_dirs(dir, 0700, err);
	if (r == 0)
		r = vip_open(&ha->vip, err);
	if (r == 0 && uv_loop_init(&ha->loop) < 0)
		return err_set(err, -ENOMEM, "no loop for the HA groups");
	return r;
}

// The thread takes no signal: those are the agent's.
static int start_thread(struct ha *ha, struct err *err)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	const int r = pthread_create(&ha->thread, NULL, ha_run, ha);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? err_set(err, -r, "cannot start the HA groups: %s", strerror(r)) : 0;
}

int ha_new(uv_loop_t *loop, const char *state_dir, ha_news_fn news, void *context,
	   struct ha **ret_ha, struct err *err)
{
	struct ha *ha = calloc(1, sizeof *ha);

	if (!ha)
		return err_set(err, -ENOMEM, "out of memory");
	ha->news = news;
	ha->context = context;
	(void)pthread_mutex_init(&ha->mutex, NULL);
	int r = prepare(ha, state_dir, err);
	if (r < 0) {
		ha_free(ha);
		return r;
	}
	(void)uv_timer_init(&ha->loop, &ha->second);
	(void)uv_async_init(&ha->loop, &ha->wake, ha_on_wake);
	ha->second.data = ha;
	ha->wake.data = ha;
	(void)uv_async_init(loop, &ha->told, on_told);
	ha->told.data = ha;
	r = start_thread(ha, err);
	if (r < 0) {
		uv_close((uv_handle_t *)&ha->second, NULL);
		uv_close((uv_handle_t *)&ha->wake, NULL);
		(void)uv_run(&ha->loop, UV_RUN_DEFAULT);
		(void)uv_loop_close(&ha->loop);
		uv_close((uv_handle_t *)&ha->told, on_closed);
		return r;
	}
	*ret_ha = ha;
	return 0;
}

void ha_close(struct ha *ha, bool is_leaving)
{
	if (!ha)
		return;
	(void)pthread_mutex_lock(&ha->mutex);
	ha->is_stopping = true;
	ha->is_leaving = is_leaving;
	(void)pthread_mutex_unlock(&ha->mutex);
	(void)uv_async_send(&ha->wake);
	(void)pthread_join(ha->thread, NULL);
	(void)uv_loop_close(&ha->loop);
	uv_close((uv_handle_t *)&ha->told, on_closed);
}
