#include "cli/sse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { EVENT_MAX = 16 << 20 }; // bytes

void sse_reset(struct sse *s)
{
	text_free(&s->line);
	text_free(&s->data);
	s->type[0] = '\0';
	s->has_data = false;
	s->is_after_cr = false;
}

void sse_done(struct sse *s)
{
	sse_reset(s);
}

static int dispatch(struct sse *s)
{
	int r = 0;
	if (s->has_data)
		r = s->event(s->type[0] ? s->type : "message", s->id,
			     s->data.data ? s->data.data : "", s->user);
	text_free(&s->data);
	s->type[0] = '\0';
	s->has_data = false;
	return r;
}

static int take_line(struct sse *s)
{
	const char *line = s->line.data ? s->line.data : "";
	if (!*line)
		return dispatch(s);
	size_t len = strcspn(line, ":");
	const char *value = line + len + (line[len] == ':');
	value += *value == ' ' && line[len] == ':';
	if (len == 4 && strncmp(line, "data", 4) == 0) {
		text_add(&s->data, s->has_data ? "\n" : "");
		text_add(&s->data, value);
		s->has_data = true;
	} else if (len == 5 && strncmp(line, "event", 5) == 0) {
		(void)snprintf(s->type, sizeof(s->type), "%s", value);
	} else if (len == 2 && strncmp(line, "id", 2) == 0) {
		(void)snprintf(s->id, sizeof(s->id), "%s", value);
	}
	return s->data.len > EVENT_MAX ? -EMSGSIZE : 0;
}

int sse_feed(struct sse *s, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		if (s->is_after_cr && bytes[at] == '\n') {
			s->is_after_cr = false;
			at++;
			continue;
		}
		s->is_after_cr = false;
		size_t n = 0;
		while (at + n < len && bytes[at + n] != '\n' && bytes[at + n] != '\r')
			n++;
		text_add_bytes(&s->line, bytes + at, n);
		at += n;
		if (s->line.len > EVENT_MAX)
			return -EMSGSIZE;
		if (s->line.failed || s->data.failed)
			return -ENOMEM;
		if (at == len)
			break;
		s->is_after_cr = bytes[at++] == '\r';
		int r = take_line(s);
		text_free(&s->line);
		if (r)
			return r;
	}
	return 0;
}
