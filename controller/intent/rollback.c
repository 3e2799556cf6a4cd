// The history read for a rollback: what every revision after the wanted one replaced.
#include <errno.h>

#include "intent/parts.h"

#define READS_MAX 5 // after that others change things faster than the history is read

struct reading {
	struct intent *intent;
	struct job *job;
	int64_t revision; // the wanted one
	int64_t last;     // of the history when it was read
	json_t *list;
	struct err refusal; // the history does not tell enough
};

static void reading_free(struct reading *reading)
{
	if (!reading)
		return;
	json_decref(reading->list);
	job_free(reading->job);
	free(reading);
}
CLEAN_FUNC(struct reading, reading_free)

static int add_change(const struct store_row *row, void *arg, struct err *err)
{
	struct reading *reading = arg;
	struct store_change change;

	if (reading->refusal.code)
		return 0;
	store_read_change(row, &change);
	int rc = restore_add_change(reading->list, &change, true, &reading->refusal);
	return rc == -ENOMEM ? err_set(err, rc, "out of memory") : 0;
}

// Store's thread.
static int read_changes(struct store_tx *tx, void *arg, struct err *err)
{
	struct reading *reading = arg;

	(void)json_array_clear(reading->list);
	reading->refusal = (struct err){ 0 };
	int rc = store_meta_int(tx, "revision", &reading->last, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_CHANGE_AFTER, STORE_PARAMS(store_int(reading->revision)),
				 add_change, reading, err);
	return rc < 0 ? rc : 0;
}

static void refuse(const struct reading *reading, enum intent_class status, const char *detail)
{
	const struct intent_answer answer = { .status = status,
					      .detail = detail,
					      .revision = reading->intent->revision };

	reading->job->done(reading->job->done_arg, &answer);
}

static void read_done(void *arg, enum store_result result, const struct err *err)
{
	CLEAN(reading_free_ptr) struct reading *reading = arg;
	struct job *job = reading->job;
	char detail[120];

	(void)snprintf(detail, sizeof detail, "there is no revision %lld: the last one is %lld",
		       (long long)reading->revision, (long long)reading->last);
	if (result != STORE_OK)
		refuse(reading, INTENT_UNAVAILABLE, err->text);
	else if (reading->revision > reading->last)
		refuse(reading, INTENT_NOT_FOUND, detail);
	else if (reading->refusal.code)
		refuse(reading, INTENT_CONFLICT, reading->refusal.text);
	else {
		json_decref(job->restore);
		job->restore = take_ptr(&reading->list);
		job->read_revision = reading->last;
		(void)queue_add(reading->intent, take_ptr(&reading->job));
	}
}

int rollback_read(struct intent *intent, struct job *job)
{
	if (job->reads++ == READS_MAX)
		return -EBUSY;
	CLEAN(reading_free_ptr) struct reading *reading = calloc(1, sizeof *reading);
	if (!reading)
		return -ENOMEM;
	reading->intent = intent;
	reading->revision = json_integer_value(json_object_get(job->body, "revision"));
	reading->list = json_array();
	if (!reading->list ||
	    store_read(intent->settings.store, read_changes, read_done, reading) < 0)
		return -EBUSY;
	reading->job = job;
	reading = NULL;
	return 0;
}
