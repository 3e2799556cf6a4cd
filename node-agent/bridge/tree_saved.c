// What the machines know, in a file that a boot takes away: the next agent goes on from it.
//
// One record for each segment. It is written before the kernel is told anything that rests on it,
// and replaced as a whole; no fsync, for the file need not outlive the kernel.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include "bridge/tree_inside.h"

enum { FILE_MAX = 64 << 20 };

struct record {
	char boot_id[48];
	char bridge[IFNAMSIZ];
	char wires[RSTP_PORTS_MAX][IFNAMSIZ]; // "" where there is none
	struct cost costs[RSTP_PORTS_MAX];
};

static int add_segment(struct text *out, const struct segment *s)
{
	struct record r = { 0 };
	uint8_t *machine = malloc(rstp_save_size());

	if (!machine)
		return -ENOMEM;
	(void)snprintf(r.boot_id, sizeof r.boot_id, "%s", s->tree->config.boot_id);
	memcpy(r.bridge, s->device, sizeof r.bridge);
	for (size_t i = 0; i < RSTP_PORTS_MAX; i++)
		if (s->wires[i].is_used) {
			memcpy(r.wires[i], s->wires[i].device, sizeof r.wires[i]);
			r.costs[i] = s->wires[i].cost;
		}
	rstp_save(s->machine, machine);
	text_add_bytes(out, &r, sizeof r);
	text_add_bytes(out, machine, rstp_save_size());
	free(machine);
	return out->failed ? -ENOMEM : 0;
}

static int write_whole(const char *path, const struct text *content)
{
	CLEAN(free_ptr) char *fresh = text_format("%s.tmp", path);
	CLEAN(close_fd)
	int fd = fresh ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (!fresh)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	const ssize_t n = write(fd, content->data, content->len);
	if (n != (ssize_t)content->len)
		return n < 0 ? -errno : -ENOSPC;
	return rename(fresh, path) < 0 ? -errno : 0;
}

static int write_file(const struct tree *tree)
{
	CLEAN(text_free) struct text content = { 0 };
	int rc = 0;

	for (const struct segment *s = tree->segments; rc == 0 && s; s = s->next)
		rc = add_segment(&content, s);
	if (rc == 0 && !content.len)
		return unlink(tree->config.path) < 0 && errno != ENOENT ? -errno : 0;
	return rc < 0 ? rc : write_whole(tree->config.path, &content);
}

void saved_write(struct tree *tree)
{
	const int rc = write_file(tree);

	// Without it the next agent begins anew, which costs a moment but is safe: what is older
	// than the kernel's ports must not be believed.
	if (rc < 0)
		(void)unlink(tree->config.path);
	if (rc < 0 && !tree->is_save_failing)
		log_warn("spanning tree: %s cannot be written: %s", tree->config.path,
			 strerror(-rc));
	tree->is_save_failing = rc < 0;
}

static bool take_record(struct segment *s, const struct record *r, const uint8_t *machine)
{
	if (strcmp(r->boot_id, s->tree->config.boot_id) != 0 || strcmp(r->bridge, s->device) != 0 ||
	    rstp_load(machine, rstp_save_size(), tree_now_us(), &s->machine, NULL) < 0)
		return false;
	for (size_t i = 0; i < RSTP_PORTS_MAX; i++) {
		s->wires[i].is_used = r->wires[i][0] != '\0';
		memcpy(s->wires[i].device, r->wires[i], sizeof s->wires[i].device);
		s->wires[i].cost = r->costs[i];
	}
	return true;
}

bool saved_read(struct segment *s)
{
	const size_t size = sizeof(struct record) + rstp_save_size();
	CLEAN(free_ptr) char *data = NULL;
	size_t len = 0;

	if (file_read(s->tree->config.path, FILE_MAX, &data, &len, NULL) < 0)
		return false;
	for (size_t at = 0; len - at >= size; at += size) {
		struct record r;

		memcpy(&r, data + at, sizeof r);
		r.boot_id[sizeof r.boot_id - 1] = r.bridge[sizeof r.bridge - 1] = '\0';
		for (size_t i = 0; i < RSTP_PORTS_MAX; i++)
			r.wires[i][IFNAMSIZ - 1] = '\0';
		if (take_record(s, &r, (const uint8_t *)data + at + sizeof r))
			return true;
	}
	return false;
}
