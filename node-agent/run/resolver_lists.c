#include "run/resolver_lists.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/text.h"

#include "dns/image.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum {
	CHILDREN_MAX = 2,
	CHILD_MS = 600000,
	RETRY_MS = 30000,
	HASH_SIZE = 65,
	NOTE_MAX = 4096,
	LIST_MODE = 0644,
	AT_ONCE_MAX = 256 * 1024, // of text, some milliseconds' work
};

struct list {
	struct list *next;
	struct resolver_lists *lists;
	char *name;
	char wanted[HASH_SIZE], have[HASH_SIZE]; // of the text; "" for none
	json_int_t size;
	json_int_t rules, bad; // of the one in use
	bool is_wanted, is_inline;
	struct child *child;
	int64_t retry_ms;
	char error[ERR_TEXT_SIZE]; // why the wanted one is not in use, ""
};

struct resolver_lists {
	struct agent *agent;
	struct list *first;
	unsigned n_children;
	void (*changed)(void *context);
	void *context;
};

static char *path_of(const struct list *list, const char *ending)
{
	return text_format("%s/%s.%s", list->lists->agent->settings->dns_dir, list->name, ending);
}

// What the child notes beside an image: its hash and counts.
static void read_note(struct list *list)
{
	CLEAN(free_ptr) char *path = path_of(list, "json");
	CLEAN(free_ptr) char *image = path_of(list, "image");
	CLEAN(free_ptr) char *text = NULL;
	if (!path || !image || access(image, R_OK) < 0 ||
	    file_read(path, NOTE_MAX, &text, NULL, NULL) < 0)
		return;
	CLEAN(json_decref_ptr) json_t *note = json_loads(text, 0, NULL);
	const char *hash = json_string_value(json_object_get(note, "sha256"));
	if (!hash || strlen(hash) != HASH_SIZE - 1)
		return;
	(void)snprintf(list->have, sizeof list->have, "%s", hash);
	list->rules = json_integer_value(json_object_get(note, "rules"));
	list->bad = json_integer_value(json_object_get(note, "bad"));
}

struct resolver_lists *resolver_lists_new(struct agent *agent, void (*changed)(void *context),
					  void *context)
{
	struct resolver_lists *lists = calloc(1, sizeof *lists);
	if (lists)
		*lists = (struct resolver_lists){ .agent = agent,
						  .changed = changed,
						  .context = context };
	return lists;
}

static void free_list(struct list *list)
{
	if (list->child)
		child_cancel(list->child);
	free(list->name);
	free(list);
}

void resolver_lists_free(struct resolver_lists *lists)
{
	if (!lists)
		return;
	for (struct list *list = lists->first, *next; list; list = next) {
		next = list->next;
		free_list(list);
	}
	free(lists);
}

static void delete_files(const struct list *list)
{
	static const char *const endings[] = { "rules", "text", "json", "image" };
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		CLEAN(free_ptr) char *path = path_of(list, endings[i]);
		if (path)
			(void)unlink(path);
	}
}

// ---- making one ----

static void on_made(void *context, const json_t *output, const char *why)
{
	struct list *list = context;
	struct resolver_lists *lists = list->lists;
	const char *error = output ? json_string_value(json_object_get(output, "error")) : why;
	char before[HASH_SIZE];
	list->child = NULL;
	lists->n_children--;
	(void)snprintf(before, sizeof before, "%s", list->have);
	read_note(list);
	if (error) {
		(void)snprintf(list->error, sizeof list->error, "%s", error);
		log_warn("names %s: %s", list->name, error);
		list->retry_ms = clock_mono_ms() + RETRY_MS;
	} else {
		list->error[0] = '\0';
		log_info("names %s: %lld rules, %lld lines not understood", list->name,
			 (long long)list->rules, (long long)list->bad);
	}
	if (strcmp(before, list->have) != 0)
		lists->changed(lists->context);
}

static void start_child(struct list *list)
{
	struct resolver_lists *lists = list->lists;
	char size[24];
	const char *args[8] = { "list", list->name, list->wanted, size };
	struct err err = { 0 };
	(void)snprintf(size, sizeof size, "%lld", (long long)list->size);
	examine_words(lists->agent, args + 4);
	if (child_start(lists->agent->loop, args, CHILD_MS, on_made, list, &list->child, &err) <
	    0) {
		(void)snprintf(list->error, sizeof list->error, "%s", err.text);
		list->retry_ms = clock_mono_ms() + RETRY_MS;
		return;
	}
	lists->n_children++;
}

// ---- without a child ----

// What is written down in the state is in use together with the policies of the same revision:
// names that move from one list to another are never in neither.
static int make_at_once(struct list *list, struct err *err)
{
	CLEAN(free_ptr) char *rules = path_of(list, "rules");
	CLEAN(free_ptr) char *image = path_of(list, "image");
	CLEAN(free_ptr) char *path = path_of(list, "json");
	struct name_lines lines;
	if (!rules || !image || !path)
		return err_set(err, -ENOMEM, "out of memory");
	int r = dns_image_make(rules, image, &lines, err);
	if (r < 0)
		return r;
	CLEAN(json_decref_ptr)
	json_t *note = json_pack("{s:I, s:I, s:s}", "rules", (json_int_t)lines.rules, "bad",
				 (json_int_t)lines.bad, "sha256", list->wanted);
	CLEAN(free_ptr) char *text = note ? json_dumps(note, JSON_COMPACT) : NULL;
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	r = file_replace(path, text, strlen(text), LIST_MODE, err);
	if (r == 0)
		read_note(list);
	return r;
}

// A list that got another name has the text of the one that it was.
static void take_image(struct list *list)
{
	static const char *const endings[] = { "image", "json" };
	const struct list *other = list->lists->first;
	while (other && (other == list || strcmp(other->have, list->wanted) != 0))
		other = other->next;
	for (size_t i = 0; other && i < ARRAY_LEN(endings); i++) {
		CLEAN(free_ptr) char *from = path_of(other, endings[i]);
		CLEAN(free_ptr) char *to = path_of(list, endings[i]);
		if (!from || !to || link(from, to) < 0)
			return;
	}
	if (other)
		read_note(list);
}

// What takes no time; a child does the rest.
static void hurry(struct list *list)
{
	struct err err = { 0 };
	if (list->child || !list->wanted[0] || strcmp(list->wanted, list->have) == 0)
		return;
	if (!list->is_inline) {
		if (!list->have[0])
			take_image(list);
	} else if (list->size <= AT_ONCE_MAX && make_at_once(list, &err) < 0) {
		(void)snprintf(list->error, sizeof list->error, "%s", err.text);
	}
	if (strcmp(list->wanted, list->have) != 0)
		return;
	list->error[0] = '\0';
	list->lists->changed(list->lists->context);
}

// ---- what is wanted ----

static struct list *find(struct resolver_lists *lists, const char *name)
{
	struct list *list = lists->first;
	while (list && strcmp(list->name, name) != 0)
		list = list->next;
	if (list)
		return list;
	list = calloc(1, sizeof *list);
	if (!list)
		return NULL;
	list->name = strdup(name);
	if (!list->name) {
		free(list);
		return NULL;
	}
	list->lists = lists;
	list->next = lists->first;
	lists->first = list;
	read_note(list);
	return list;
}

// Rules that stand in the entry: a text as one that is fetched.
static int write_rules(struct list *list, const json_t *rules, struct err *err)
{
	CLEAN(text_free) struct text text = { 0 };
	CLEAN(free_ptr) char *path = path_of(list, "rules");
	unsigned char sum[SHA256_DIGEST_LENGTH];
	char hash[HASH_SIZE];
	const json_t *rule;
	size_t i;
	json_array_foreach(rules, i, rule)
	{
		const char *line = json_string_value(rule);
		if (line)
			text_addf(&text, "%s\n", line);
	}
	if (text.failed || !path)
		return err_set(err, -ENOMEM, "out of memory");
	(void)SHA256((const unsigned char *)(text.data ? text.data : ""), text.len, sum);
	hex_write(sum, sizeof sum, hash);
	if (strcmp(hash, list->wanted) == 0)
		return 0;
	int r = file_replace(path, text.data ? text.data : "", text.len, LIST_MODE, err);
	if (r == 0)
		(void)snprintf(list->wanted, sizeof list->wanted, "%s", hash);
	list->size = (json_int_t)text.len;
	return r;
}

void resolver_lists_begin(struct resolver_lists *lists)
{
	for (struct list *list = lists->first; list; list = list->next)
		list->is_wanted = false;
}

void resolver_lists_want(struct resolver_lists *lists, const char *name, const json_t *body)
{
	const json_t *rules = json_object_get(body, "rules");
	const char *hash = json_string_value(json_object_get(body, "sha256"));
	struct err err = { 0 };
	// The name becomes one of a file.
	if (!*name || strpbrk(name, "/.") || strlen(name) > 100)
		return;
	struct list *list = find(lists, name);
	if (!list)
		return;
	list->is_wanted = true;
	if (json_is_array(rules) && write_rules(list, rules, &err) < 0) {
		(void)snprintf(list->error, sizeof list->error, "%s", err.text);
	} else if (!rules && hash && strlen(hash) == HASH_SIZE - 1 &&
		   strcmp(hash, list->wanted) != 0) {
		CLEAN(free_ptr) char *path = path_of(list, "rules");
		if (path)
			(void)unlink(path);
		(void)snprintf(list->wanted, sizeof list->wanted, "%s", hash);
		list->size = json_integer_value(json_object_get(body, "size"));
		list->retry_ms = 0;
	}
	list->is_inline = json_is_array(rules);
	hurry(list);
}

void resolver_lists_end(struct resolver_lists *lists)
{
	struct list **at = &lists->first;
	while (*at) {
		struct list *list = *at;
		if (list->is_wanted) {
			at = &list->next;
			if (!list->child && list->wanted[0] &&
			    strcmp(list->wanted, list->have) != 0 &&
			    clock_mono_ms() >= list->retry_ms && lists->n_children < CHILDREN_MAX)
				start_child(list);
			continue;
		}
		*at = list->next;
		lists->n_children -= list->child != NULL;
		delete_files(list);
		free_list(list);
	}
}

void resolver_lists_each(const struct resolver_lists *lists,
			 void (*each)(void *context, const char *name), void *context)
{
	for (const struct list *list = lists->first; list; list = list->next)
		if (list->have[0])
			each(context, list->name);
}

void resolver_lists_observe(const struct resolver_lists *lists, struct entry_set *observed)
{
	for (const struct list *list = lists->first; list; list = list->next) {
		const char *hash = list->have[0] && !list->is_inline ? list->have : NULL;
		CLEAN(free_ptr) char *key = text_format("names/%s", list->name);
		CLEAN(json_decref_ptr)
		json_t *body = json_pack("{s:I, s:I, s:s?}", "rules", list->rules, "bad", list->bad,
					 "sha256", hash);
		if (body && list->error[0])
			(void)json_object_set_new(body, "error", json_string(list->error));
		CLEAN(free_ptr)
		char *text = body ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
		if (key && text)
			(void)entry_set_put(observed, key, text, strlen(text), NULL);
	}
}
