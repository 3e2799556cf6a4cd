#include "report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct report {
	struct entry_set *told; // NULL: nothing yet, the next report is whole
};

struct report *report_new(void)
{
	return calloc(1, sizeof(struct report));
}

void report_free(struct report *report)
{
	if (!report)
		return;
	entry_set_free(report->told);
	free(report);
}

void report_reset(struct report *report)
{
	entry_set_free(report->told);
	report->told = NULL;
}

static int emit_changes(const struct report *report, const struct entry_set *now, msg_frame_fn emit,
			void *context, struct err *err)
{
	if (!report->told)
		return msg_observe_all_frames(now, emit, context, err);
	CLEAN(entry_delta_done) struct entry_delta delta = { 0 };
	if (entry_delta_between(report->told, now, &delta) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return delta.count == 0 ? 0 : msg_observe_frames(false, &delta, emit, context, err);
}

int report_observed(struct report *report, const struct entry_set *now, msg_frame_fn emit,
		    void *context, struct err *err)
{
	if (report->told && digest_equal(entry_set_digest(report->told), entry_set_digest(now)))
		return 0;
	CLEAN(entry_set_free_ptr) struct entry_set *copy = entry_set_copy(now);
	int r = copy ? emit_changes(report, now, emit, context, err)
		     : err_set(err, -ENOMEM, "out of memory");
	report_reset(report);
	if (r == 0)
		report->told = take_ptr(&copy);
	return r;
}

// Pages of resident memory, from statm(5); 0 when it cannot be read.
static long resident_pages(void)
{
	long size = 0;
	long resident = 0;
	CLEAN(close_file) FILE *f = fopen("/proc/self/statm", "re");
	if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
		return 0;
	return resident;
}

int report_add_self(json_t *values, int64_t started_ms, int64_t now_ms, struct err *err)
{
	json_t *self = json_object_get(values, "node/self");
	if (!self) {
		self = json_object();
		if (json_object_set_new(values, "node/self", self) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	json_int_t rss_kb = resident_pages() * (sysconf(_SC_PAGESIZE) / 1024);
	if (json_object_set_new(self, "rss_kb", json_integer(rss_kb)) < 0 ||
	    json_object_set_new(self, "uptime_s", json_integer((now_ms - started_ms) / 1000)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}
