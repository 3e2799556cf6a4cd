#include "lists/lists.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "loop/backoff.h"
#include "model/net.h"

#include "lists/record.h"

enum {
	TICK_MS = 500,
	UNUSED_S = 3600, // a content that no list has is left alone for so long
	REFRESH_DEFAULT_MS = 24 * 3600 * 1000,
	DIR_MODE = 0700,
};

// A file's looks: it is read again when they change.
struct looks {
	struct timespec changed;
	off_t size;
	ino_t inode;
};

struct list {
	int64_t id;
	char *name;
	char *url;  // of one of the two
	char *file; // name in the lists directory
	int64_t refresh_ms;
	struct list_record record; // its content, as far as there is one
	struct looks looks;        // of the file that was read last
	struct backoff backoff;
	struct err why;    // of the last failure; code 0: none since the last success
	int64_t next_ms;   // monotonic: when its source is looked at
	int64_t looked_ms; // monotonic: when its file was looked at last
	bool is_busy;
	bool is_known; // while a list is handed over
};

struct lists {
	uv_loop_t *loop;
	struct lists_ops ops;
	void *ctx;
	char *dir, *files_dir;
	struct list **list;
	size_t count;
	struct fetch *fetches; // under way
	size_t running;
	atomic_bool is_broken;
	bool is_stopping;
	uv_timer_t tick;
	uv_async_t done;
};

static struct list *find(const struct lists *all, int64_t id)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i]->id == id)
			return all->list[i];
	return NULL;
}

static void list_free(struct list *list)
{
	if (!list)
		return;
	free(list->name);
	free(list->url);
	free(list->file);
	list_record_done(&list->record);
	free(list);
}

char *lists_path(const struct lists *all, const char *sha256)
{
	CLEAN(free_ptr)
	char *path = content_is_hash(sha256) ? text_format("%s/%s", all->dir, sha256) : NULL;
	return path && access(path, R_OK) == 0 ? take_ptr(&path) : NULL;
}

static bool has_content(const struct lists *all, const struct list *list)
{
	CLEAN(free_ptr) char *path = lists_path(all, list->record.content.sha256);
	return path != NULL;
}

// ---- what came of a look at the source ----

__attribute__((format(printf, 5, 6))) static void tell(const struct lists *all,
						       const struct list *list,
						       const char *severity, const char *kind,
						       const char *fmt, ...)
{
	CLEAN(text_free) struct text text = { 0 };
	CLEAN(free_ptr) char *entry = text_format("domain-lists/%s", list->name);
	va_list args;
	va_start(args, fmt);
	text_vaddf(&text, fmt, args);
	va_end(args);
	if (entry && text.data)
		all->ops.tell(all->ctx, severity, kind, entry, text.data);
}

static void failed(const struct lists *all, struct list *list, const struct err *why)
{
	const bool is_first = list->backoff.failures == 0;
	const bool has_one = list->record.content.sha256[0] != '\0';
	list->next_ms = clock_mono_ms() + backoff_next_ms(&list->backoff, (uint32_t)random());
	list->why = *why;
	if (is_first)
		tell(all, list, "warning", "list_failed",
		     "the domain list %s was not taken: %s; %s", list->name, why->text,
		     has_one ? "the last good one stays in force" : "it has no names until then");
}

static void keep_record(const struct lists *all, struct list *list)
{
	struct err err = { 0 };
	if (list_record_save(all->dir, list->id, &list->record, &err) < 0)
		log_warn("domain list %s: %s", list->name, err.text);
}

static const char *source_of(const struct list *list)
{
	return list->url ? list->url : list->file;
}

static void succeeded(const struct lists *all, struct list *list, const struct fetch *fetch)
{
	struct list_record *record = &list->record;
	char *source = strdup(source_of(list));
	const int64_t now_ms = clock_wall_ms();
	if (list->backoff.failures > 0)
		tell(all, list, "info", "list_recovered", "the domain list %s was taken again",
		     list->name);
	backoff_reset(&list->backoff);
	list->why = (struct err){ 0 };
	list->next_ms = clock_mono_ms() + (list->url ? list->refresh_ms : LISTS_FILE_LOOK_MS);
	if (source) {
		free(record->source);
		record->source = source;
	}
	record->checked_ms = now_ms;
	if (!fetch->is_same) {
		if (strcmp(record->content.sha256, fetch->content.sha256) != 0)
			record->fetched_ms = now_ms;
		record->content = fetch->content;
		record->tags = fetch->tags;
		all->ops.learnt(all->ctx, list->id, record->content.sha256, record->content.size);
		log_info("domain list %s: %lld names, %lld lines were not understood", list->name,
			 (long long)record->content.rules, (long long)record->content.bad);
	}
	keep_record(all, list);
}

// Whether a fetch is for the source that its list has now.
static bool is_for(const struct lists *all, const struct list *list, const struct fetch *fetch)
{
	if (fetch->url)
		return list->url && strcmp(list->url, fetch->url) == 0;
	CLEAN(free_ptr)
	char *path = list->file ? text_format("%s/%s", all->files_dir, list->file) : NULL;
	return path && strcmp(path, fetch->path) == 0;
}

static void finish(struct lists *all, struct fetch *fetch)
{
	struct list *list = find(all, fetch->id);
	all->running--;
	if (!list || all->is_stopping)
		return;
	list->is_busy = false;
	if (!is_for(all, list, fetch))
		list->next_ms = 0; // it was given another one meanwhile
	else if (fetch->result == 0)
		succeeded(all, list, fetch);
	else
		failed(all, list, &fetch->err);
}

static void on_done(uv_async_t *async)
{
	struct lists *all = async->data;
	for (struct fetch **at = &all->fetches; *at;) {
		struct fetch *fetch = *at;
		if (!atomic_load(&fetch->is_done)) {
			at = &fetch->next;
			continue;
		}
		*at = fetch->next;
		finish(all, fetch);
		fetch_free(fetch);
	}
}

// ---- looking at sources ----

static bool begin(struct lists *all, struct list *list)
{
	struct err err = { 0 };
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	const bool is_here = list->record.source && list->url &&
			     strcmp(list->record.source, list->url) == 0 && has_content(all, list);
	if (!fetch)
		return false;
	fetch->id = list->id;
	fetch->dir = strdup(all->dir);
	fetch->url = list->url ? strdup(list->url) : NULL;
	fetch->path = list->url ? NULL : text_format("%s/%s", all->files_dir, list->file);
	fetch->is_broken = &all->is_broken;
	fetch->done = &all->done;
	if (is_here)
		fetch->tags = list->record.tags;
	if (!fetch->dir || (!fetch->url && !fetch->path) || fetch_start(fetch, &err) < 0) {
		free(fetch->dir);
		free(fetch->url);
		free(fetch->path);
		free(fetch);
		return false;
	}
	fetch->next = all->fetches;
	all->fetches = fetch;
	all->running++;
	list->is_busy = true;
	return true;
}

// How the list's file looks now: as nothing when it is away.
static struct looks look(const struct lists *all, const struct list *list)
{
	struct stat st;
	CLEAN(free_ptr) char *path = text_format("%s/%s", all->files_dir, list->file);
	if (!path || stat(path, &st) < 0)
		return (struct looks){ 0 };
	return (struct looks){ st.st_mtim, st.st_size, st.st_ino };
}

static bool looks_equal(const struct looks *a, const struct looks *b)
{
	return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->size == b->size && a->inode == b->inode;
}

// A file that looks as it did when it was read need not be read. One that is away is read, for its
// sentence.
static bool is_unchanged(const struct lists *all, struct list *list)
{
	const struct looks now = look(all, list);
	const bool is_same = looks_equal(&now, &list->looks);
	list->looks = now;
	return is_same && now.inode != 0 && !list->why.code && has_content(all, list);
}

// A file that was no good and looks otherwise now has perhaps been mended: that does not wait for
// its turn.
static bool is_mended(const struct lists *all, struct list *list, int64_t now_ms)
{
	if (!list->file || !list->why.code || now_ms - list->looked_ms < LISTS_FILE_LOOK_MS)
		return false;
	list->looked_ms = now_ms;
	const struct looks now = look(all, list);
	return !looks_equal(&now, &list->looks);
}

static void on_tick(uv_timer_t *timer)
{
	struct lists *all = timer->data;
	const int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < all->count && all->running < LISTS_AT_ONCE; i++) {
		struct list *list = all->list[i];
		if (!source_of(list) || list->is_busy ||
		    (list->next_ms > now_ms && !is_mended(all, list, now_ms)))
			continue;
		if (list->file && is_unchanged(all, list))
			list->next_ms = now_ms + LISTS_FILE_LOOK_MS;
		else if (!begin(all, list))
			list->next_ms = now_ms + LISTS_FIRST_WAIT_MS;
	}
}

bool lists_refresh(struct lists *all, int64_t id)
{
	struct list *list = find(all, id);
	if (!list || !source_of(list))
		return false;
	list->looks = (struct looks){ 0 };
	list->next_ms = 0;
	on_tick(&all->tick);
	return true;
}

// ---- the lists that there are ----

static struct list *add(struct lists *all, int64_t id)
{
	struct list **items = reallocarray(all->list, all->count + 1, sizeof(struct list *));
	struct list *list = calloc(1, sizeof(*list));
	if (items)
		all->list = items;
	if (!items || !list) {
		free(list);
		return NULL;
	}
	list->id = id;
	list->backoff = (struct backoff){ LISTS_FIRST_WAIT_MS, LISTS_LONGEST_WAIT_MS, 0 };
	list_record_load(all->dir, id, &list->record);
	if (list->record.content.sha256[0] && !has_content(all, list))
		list_record_done(&list->record);
	return all->list[all->count++] = list;
}

static int replace(char **to, const char *text)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

// When its source is looked at next: at once, unless what is here is of this source and not old.
static int64_t first_look(const struct list *list)
{
	const struct list_record *record = &list->record;
	int64_t age_ms = clock_wall_ms() - record->checked_ms;
	if (!record->source || !list->url || strcmp(record->source, list->url) != 0 || age_ms < 0 ||
	    age_ms >= list->refresh_ms)
		return 0;
	return clock_mono_ms() + list->refresh_ms - age_ms;
}

// Writes down the names of a long list of the fleet file.
static int put_inline(struct lists *all, struct list *list, const char *text, struct err *err)
{
	struct list_record *record = &list->record;
	struct content content;
	char hash[CONTENT_HASH_SIZE];
	content_hash(text, strlen(text), hash);
	if (strcmp(hash, record->content.sha256) == 0 && has_content(all, list))
		return 0;
	int r = content_put(all->dir, text, strlen(text), &content, err);
	if (r == 0)
		r = replace(&record->source, "");
	if (r < 0)
		return r;
	if (strcmp(record->content.sha256, content.sha256) != 0)
		record->fetched_ms = clock_wall_ms();
	record->content = content;
	record->checked_ms = clock_wall_ms();
	keep_record(all, list);
	return 0;
}

int lists_put(struct lists *all, const struct list_resource *resource, struct err *err)
{
	const char *url = json_string_value(json_object_get(resource->spec, "url"));
	const char *file = json_string_value(json_object_get(resource->spec, "file"));
	const char *refresh = json_string_value(json_object_get(resource->spec, "refresh"));
	struct list *list = find(all, resource->id);
	const bool is_same =
		list && (list->url && url ? strcmp(list->url, url) == 0
					  : list->file && file && strcmp(list->file, file) == 0);
	int64_t refresh_ms = REFRESH_DEFAULT_MS;
	if (refresh)
		(void)duration_parse(refresh, &refresh_ms, NULL);
	list = list ? list : add(all, resource->id);
	if (!list || replace(&list->name, resource->name) < 0 || replace(&list->url, url) < 0 ||
	    replace(&list->file, file) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	const bool is_due_alike = is_same && list->refresh_ms == refresh_ms;
	list->refresh_ms = refresh_ms;
	if (resource->inline_text)
		return put_inline(all, list, resource->inline_text, err);
	if (is_due_alike)
		return 0;
	if (!is_same) {
		backoff_reset(&list->backoff);
		list->why = (struct err){ 0 };
		list->looks = (struct looks){ 0 };
	}
	list->next_ms = first_look(list);
	if (list->record.content.sha256[0] && source_of(list))
		all->ops.learnt(all->ctx, list->id, list->record.content.sha256,
				list->record.content.size);
	return 0;
}

void lists_keep(struct lists *all, const int64_t *ids, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		struct list *list = find(all, ids[i]);
		if (list)
			list->is_known = true;
	}
	for (size_t i = 0; i < all->count; i++) {
		struct list *list = all->list[i];
		if (list->is_known) {
			list->is_known = false;
			all->list[kept++] = list;
			continue;
		}
		list_record_delete(all->dir, list->id);
		list_free(list);
	}
	all->count = kept;
}

bool lists_status(const struct lists *all, int64_t id, struct list_status *ret)
{
	const struct list *list = find(all, id);
	if (!list)
		return false;
	const struct content *c = &list->record.content;
	const int64_t wait_ms = list->next_ms - clock_mono_ms();
	*ret = (struct list_status){
		.source = source_of(list),
		.size = c->size,
		.rules = c->rules,
		.bad = c->bad,
		.first_bad = c->first_bad,
		.fetched_ms = list->record.fetched_ms,
		.checked_ms = list->record.checked_ms,
		.next_ms = source_of(list) ? clock_wall_ms() + (wait_ms > 0 ? wait_ms : 0) : 0,
		.failures = list->backoff.failures,
		.error = list->why.code ? list->why.text : NULL,
		.is_busy = list->is_busy,
	};
	memcpy(ret->sha256, c->sha256, sizeof(ret->sha256));
	return true;
}

// ---- contents that nobody has ----

static bool is_in_use(const struct lists *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->list[i]->record.content.sha256, name) == 0)
			return true;
	return false;
}

void lists_collect(struct lists *all)
{
	const time_t now = (time_t)(clock_wall_ms() / 1000);
	DIR *dir = opendir(all->dir);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		const bool is_unnamed = text_starts(entry->d_name, CONTENT_UNNAMED, NULL);
		struct stat st;
		if ((!is_unnamed && !content_is_hash(entry->d_name)) ||
		    is_in_use(all, entry->d_name))
			continue;
		CLEAN(free_ptr) char *path = text_format("%s/%s", all->dir, entry->d_name);
		if (path && stat(path, &st) == 0 && st.st_ctime + UNUSED_S < now)
			(void)unlink(path);
	}
	if (dir)
		(void)closedir(dir);
}

// ---- begin and end ----

int lists_new(const struct lists_settings *settings, struct lists **ret_lists, struct err *err)
{
	CLEAN(lists_free_ptr) struct lists *all = calloc(1, sizeof(*all));
	if (!all || !(all->dir = text_format("%s/lists", settings->state_dir)) ||
	    !(all->files_dir = strdup(settings->files_dir)))
		return err_set(err, -ENOMEM, "out of memory");
	all->loop = settings->loop;
	all->ops = settings->ops;
	all->ctx = settings->ctx;
	int r = file_make_dirs(all->dir, DIR_MODE, err);
	if (r == 0)
		r = fetch_init(err);
	if (r < 0)
		return r;
	if (uv_async_init(all->loop, &all->done, on_done) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	(void)uv_timer_init(all->loop, &all->tick);
	all->done.data = all->tick.data = all;
	(void)uv_timer_start(&all->tick, on_tick, TICK_MS, TICK_MS);
	*ret_lists = take_ptr(&all);
	return 0;
}

void lists_stop(struct lists *all)
{
	if (!all || all->is_stopping)
		return;
	all->is_stopping = true;
	atomic_store(&all->is_broken, true);
	for (struct fetch *fetch; (fetch = all->fetches);) {
		all->fetches = fetch->next;
		fetch_free(fetch);
	}
	uv_close((uv_handle_t *)&all->tick, NULL);
	uv_close((uv_handle_t *)&all->done, NULL);
}

void lists_free(struct lists *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		list_free(all->list[i]);
	free(all->list);
	free(all->dir);
	free(all->files_dir);
	free(all);
}
