#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/file.h"

#include "lab.h"
#include "process.h"

static int record_place(struct record *record, const char *lab, struct err *err)
{
	int r = name_check(lab, err);
	if (r)
		return err_prefix(err, "--lab");
	(void)snprintf(record->dir, sizeof(record->dir), LAB_ROOT "/%s", lab);
	return 0;
}

static int record_path(const struct record *record, char *path, size_t size)
{
	return snprintf(path, size, "%s/lab.json", record->dir);
}

// The names in a JSON list, as the planner wants them. NULL-terminated; the strings belong to the
// list.
static const char **nat_names(const json_t *list)
{
	size_t n = json_array_size(list);
	const char **names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; names && i < n; i++)
		names[i] = json_string_value(json_array_get(list, i));
	return names;
}

static int record_replan(struct record *record, struct err *err)
{
	CLEAN(free_ptr) const char **nat = nat_names(json_object_get(record->json, "nat"));
	if (!nat)
		return err_set(err, -ENOMEM, "out of memory");
	return lab_sites_plan(json_object_get(record->json, "resources"), nat, &record->sites, err);
}

int record_new(struct record *record, const char *lab, const json_t *resources,
	       const char *const *nat, struct err *err)
{
	int r = record_place(record, lab, err);
	if (r)
		return r;
	json_t *list = json_array();
	for (; nat && *nat; nat++)
		(void)json_array_append_new(list, json_string(*nat));
	record->json = json_pack("{s:O, s:o, s:{}, s:{}, s:{}}", "resources", resources, "nat",
				 list, "boxes", "relay", "moves");
	return record->json ? record_replan(record, err) : err_set(err, -ENOMEM, "out of memory");
}

int record_load(struct record *record, const char *lab, struct err *err)
{
	char path[300];
	CLEAN(free_ptr) char *text = NULL;
	int r = record_place(record, lab, err);
	if (r)
		return r;
	(void)record_path(record, path, sizeof(path));
	if (file_read(path, (size_t)16 << 20, &text, NULL, NULL) < 0)
		return err_set(err, -ENOENT,
			       "no lab called %s is up: start one with `weft lab up -f FILE`", lab);
	record->json = json_loads(text, 0, NULL);
	return record->json ? record_replan(record, err)
			    : err_set(err, -EBADMSG, "%s is damaged", path);
}

int record_save(const struct record *record, struct err *err)
{
	char path[300];
	CLEAN(free_ptr) char *text = json_dumps(record->json, JSON_INDENT(1));
	(void)record_path(record, path, sizeof(path));
	return text ? file_replace(path, text, strlen(text), 0600, err)
		    : err_set(err, -ENOMEM, "out of memory");
}

void record_done(struct record *record)
{
	json_decref(record->json);
	lab_sites_done(&record->sites);
	*record = (struct record){ 0 };
}

int record_add_process(struct record *record, const char *group, const char *name, pid_t pid)
{
	json_t *process = json_pack("{s:i, s:I}", "pid", (int)pid, "start",
				    (json_int_t)process_start_time(pid));
	return json_object_set_new(json_object_get(record->json, group), name, process);
}

int record_box(const struct record *record, const char *name, pid_t *ret_pid, struct err *err)
{
	const json_t *box = json_object_get(json_object_get(record->json, "boxes"), name);
	pid_t pid = (pid_t)json_integer_value(json_object_get(box, "pid"));
	if (!box)
		return err_set(err, -ENOENT, "the lab has no host called %s", name);
	if (process_start_time(pid) !=
	    (unsigned long long)json_integer_value(json_object_get(box, "start")))
		return err_set(err, -ESRCH,
			       "the host %s of the lab is gone: take the lab down and up again",
			       name);
	*ret_pid = pid;
	return 0;
}
