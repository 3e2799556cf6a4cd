#include "cli/show.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "model/net.h"
#include "settings/yaml_emit.h"

#include "cli/terminal.h"
#include "cli/value.h"

static int put(const struct call *call, const char *s, struct err *err)
{
	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	if (fputs(s, call->out) == EOF)
		return err_set(err, -EIO, "standard output cannot be written");
	return 0;
}

int show_text(const struct call *call, const struct text *t, struct err *err)
{
	return t->failed ? put(call, NULL, err) : put(call, t->data ? t->data : "", err);
}

int show_table(const struct call *call, const struct table *t, struct err *err)
{
	CLEAN(text_free) struct text out = { 0 };
	if (t->failed)
		return put(call, NULL, err);
	table_render(t, terminal_width(call->out), call->is_coloured, &out);
	return show_text(call, &out, err);
}

int show_json(const struct call *call, const json_t *value, struct err *err)
{
	CLEAN(free_ptr) char *s = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | VALUE_REALS);
	int r = put(call, s, err);
	return r ? r : put(call, "\n", err);
}

int show_yaml(const struct call *call, const json_t *value, struct err *err)
{
	CLEAN(free_ptr) char *s = yaml_format(value);
	return put(call, s, err);
}

bool show_as_asked(const struct call *call, const json_t *value, struct err *err, int *ret_result)
{
	if (call->format == FORMAT_TABLE)
		return false;
	*ret_result = call->format == FORMAT_JSON ? show_json(call, value, err)
						  : show_yaml(call, value, err);
	return true;
}

const char *show_time(const char *text, char *buf, size_t size)
{
	int64_t ms;
	if (!text || time_parse(text, &ms, NULL)) {
		(void)snprintf(buf, size, "%s", text ? text : "-");
		return buf;
	}
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	if (!localtime_r(&seconds, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(buf, size, "%s", text);
	return buf;
}

const char *show_age(const char *text, int64_t now_ms, char *buf, size_t size)
{
	int64_t ms;
	if (!text || time_parse(text, &ms, NULL)) {
		(void)snprintf(buf, size, "-");
		return buf;
	}
	long long s = now_ms > ms ? (long long)(now_ms - ms) / 1000 : 0;
	if (s < 120)
		(void)snprintf(buf, size, "%lld s", s);
	else if (s < 7200)
		(void)snprintf(buf, size, "%lld min", s / 60);
	else if (s < 172800)
		(void)snprintf(buf, size, "%lld h", s / 3600);
	else
		(void)snprintf(buf, size, "%lld d", s / 86400);
	return buf;
}
