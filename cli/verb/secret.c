#include <errno.h>

#include "base/clean.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resource.h"
#include "cli/terminal.h"
#include "cli/verb/verbs.h"

enum { SECRET_MAX = 65536 }; // bytes

static int read_secret(const char *name, char **ret, struct err *err)
{
	if (!isatty(STDIN_FILENO))
		return secret_read_stdin(SECRET_MAX, ret, err);
	CLEAN(secret_free_ptr) char *value = NULL;
	fprintf(stderr, "The value of %s is not shown while you type.\n", name);
	int r = terminal_ask_secret("Value: ", &value, err);
	if (r)
		return r;
	if (!*value)
		return err_set(err, -EINVAL, "an empty value is refused");
	*ret = take_ptr(&value);
	return 0;
}

static int secret_set(struct call *call, struct err *err)
{
	const struct kind *kind = &kinds[KIND_SECRETS];
	const char *name = call_arg(call, 0);
	CLEAN(secret_free_ptr) char *value = NULL;
	struct client *c;
	int r = call_client(call, &c, err);
	if (!r)
		r = read_secret(name, &value, err);
	if (r)
		return r;
	struct client_request put = { .method = "PUT", .text = value };
	r = resource_call(c, kind, name, "value", put, NULL, err);
	if (r == -ENOENT) {
		json_auto_t *spec = json_object();
		struct client_request make = { .method = "PUT", .body = spec };
		r = resource_call(c, kind, name, NULL, make, NULL, err);
		if (!r)
			r = resource_call(c, kind, name, "value", put, NULL, err);
	}
	if (r)
		return r;
	fprintf(call->out, "The value of secret %s is set.\n", name);
	return CLI_DONE;
}

static const struct verb_arg args[] = {
	{ .name = "NAME",
	  .word = WORD_SECRET,
	  .help = "The secret; it is created if there is none" },
	{ 0 },
};

const struct verb verb_secret_set = {
	.name = "secret set",
	.summary = "Set a secret's value from standard input",
	.text = "On a terminal the value is asked for without echo. It can never be read back.\n"
		"One newline at the end of standard input is taken off.\n"
		"\n"
		" pass show isp | weft secret set isp",
	.args = args,
	.run = secret_set,
};
