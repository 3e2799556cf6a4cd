#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"
#include "model/json.h"
#include "settings/yaml.h"
#include "settings/yaml_emit.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/kind.h"
#include "cli/resource.h"
#include "cli/verb/verbs.h"

enum { EDIT_MAX = 1 << 20 }; // bytes

// A private directory, so that editors may put their own files beside the edited one.
struct workplace {
	char dir[64];
	char file[96];
};

static void workplace_done(struct workplace *w)
{
	if (!w->dir[0])
		return;
	(void)unlink(w->file);
	(void)rmdir(w->dir);
}

static int workplace_init(struct workplace *w, struct err *err)
{
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/weft-edit-XXXXXX");
	if (!mkdtemp(w->dir)) {
		w->dir[0] = '\0';
		return err_set(err, -errno, "/tmp: %s", strerror(errno));
	}
	(void)snprintf(w->file, sizeof(w->file), "%s/resource.yaml", w->dir);
	return 0;
}

static int run_editor(const char *file, struct err *err)
{
	const char *editor = getenv("VISUAL");
	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = "vi";
	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "the editor cannot be started: %s", strerror(errno));
	if (pid == 0) {
		// $EDITOR is a command with arguments, as git and others take it.
		CLEAN(free_ptr) char *command = text_format("%s \"$1\"", editor);
		execl("/bin/sh", "sh", "-c", command ? command : "false", "weft", file,
		      (char *)NULL);
		_exit(127);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, -ECANCELED, "the editor %s failed, nothing was changed",
			       editor);
	return 0;
}

// Every line of `lines` as a comment.
static void add_comments(struct text *t, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		text_add(t, "# ");
		text_add_bytes(t, lines, len);
		text_add(t, "\n");
		lines += len + (lines[len] == '\n');
	}
}

static void drop_own_comments(struct text *t, const char *yaml)
{
	while (text_starts(yaml, "# ", NULL)) {
		yaml += strcspn(yaml, "\n");
		yaml += *yaml == '\n';
	}
	text_add(t, yaml);
}

static int write_file(const struct workplace *w, const char *comments, const char *yaml,
		      struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	add_comments(&t, comments);
	drop_own_comments(&t, yaml);
	if (t.failed)
		return err_set(err, -ENOMEM, "out of memory");
	return file_replace(w->file, t.data, t.len, 0600, err);
}

struct edit {
	struct client *client;
	const struct kind *kind;
	const char *name;
	const json_t *before; // the spec as it was
	char etag[64];
};

// One round: the editor, then the write. 0 when written, 1 when nothing was changed; -EAGAIN when
// the file should be opened again (*ret_why says why, caller frees).
static int edit_round(const struct edit *e, const struct workplace *w, char **ret_yaml,
		      char **ret_why, struct err *err)
{
	json_auto_t *spec = NULL;
	CLEAN(free_ptr) char *yaml = NULL;
	size_t len;
	int r = run_editor(w->file, err);
	if (!r)
		r = file_read(w->file, EDIT_MAX, &yaml, &len, err);
	if (r)
		return r;
	r = yaml_parse(yaml, len, NULL, NULL, &spec, err);
	if (!r && json_is_null(spec)) {
		json_decref(spec);
		spec = json_object();
	}
	if (!r && json_equal(spec, e->before))
		return 1;
	struct client_request put = { .method = "PUT",
				      .body = spec,
				      .if_match = e->etag[0] ? e->etag : NULL };
	bool is_sent = !r;
	if (is_sent)
		r = resource_call(e->client, e->kind, e->name, NULL, put, NULL, err);
	if (r == 0 || (is_sent && !client_problem(e->client)))
		return r;
	if (r == -ESTALE)
		return err_set(err, r,
			       "%s/%s was changed by somebody else meanwhile; edit it again",
			       e->kind->name, e->name);
	*ret_why = strdup(is_sent ? client_problem(e->client) : err->text);
	*ret_yaml = take_ptr(&yaml);
	client_problem_clear(e->client);
	return *ret_why ? -EAGAIN : err_set(err, -ENOMEM, "out of memory");
}

static int edit_until_done(const struct edit *e, const struct workplace *w, struct err *err)
{
	CLEAN(free_ptr) char *yaml = yaml_format(e->before);
	CLEAN(free_ptr)
	char *comments =
		text_format("%s/%s. Save and leave to apply; leave it as it is to change nothing.",
			    e->kind->name, e->name);
	CLEAN(free_ptr) char *last = NULL; // what was refused
	if (!yaml || !comments)
		return err_set(err, -ENOMEM, "out of memory");
	for (;;) {
		CLEAN(free_ptr) char *why = NULL;
		CLEAN(free_ptr) char *refused = NULL;
		int r = write_file(w, comments, yaml, err);
		if (!r)
			r = edit_round(e, w, &refused, &why, err);
		if (r != -EAGAIN)
			return r;
		// The same refused text twice: the editor is not a person, or the person gives up.
		CLEAN(text_free) struct text plain = { 0 };
		drop_own_comments(&plain, refused);
		if (last && plain.data && strcmp(plain.data, last) == 0)
			return err_set(err, -EINVAL, "nothing was changed: %.*s",
				       (int)strcspn(why, "\n"), why);
		free(last);
		last = text_take(&plain);
		free(yaml);
		yaml = take_ptr(&refused);
		free(comments);
		comments = text_format("Refused; correct it, or leave it as it is to give up:\n%s",
				       why);
		if (!comments)
			return err_set(err, -ENOMEM, "out of memory");
	}
}

static int edit(struct call *call, struct err *err)
{
	struct edit e = { .name = call_arg(call, 1) };
	int r = kind_find(call_arg(call, 0), &e.kind, err);
	if (r)
		return CLI_USAGE;
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	CLEAN(workplace_done) struct workplace workplace = { 0 };
	r = call_client(call, &e.client, err);
	if (!r)
		r = resource_get(e.client, e.kind, e.name, false, &reply, err);
	if (r)
		return r;
	e.before = json_object_get(reply.json, "spec");
	memcpy(e.etag, reply.etag, sizeof(e.etag));
	if (!e.before)
		return err_set(err, -EBADMSG, "the controller's answer has no spec");
	r = workplace_init(&workplace, err);
	if (!r)
		r = edit_until_done(&e, &workplace, err);
	if (r < 0)
		return r;
	fprintf(call->out, "%s/%s %s.\n", e.kind->name, e.name, r ? "is unchanged" : "is changed");
	return r ? CLI_DIFFERENT : CLI_DONE;
}

static const struct verb_arg args[] = {
	{ .name = "KIND", .word = WORD_KIND, .help = "Its kind, in the singular or plural" },
	{ .name = "NAME", .word = WORD_NAME, .help = "Its name" },
	{ 0 },
};

const struct verb verb_edit = {
	.name = "edit",
	.summary = "Edit a resource's spec in $EDITOR",
	.text = "What is refused is opened again with the reasons as comments. If somebody else\n"
		"changes the resource meanwhile, nothing is written. Exits 3 when nothing was "
		"changed.",
	.args = args,
	.run = edit,
};
