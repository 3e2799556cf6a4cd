// `login` and `logout`: trust decided once, a token of this machine's own from then on.
#include <errno.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/context.h"
#include "cli/resource.h"
#include "cli/terminal.h"
#include "cli/verb/verbs.h"

static int ask_for_trust(const char *url, const char *pin, struct err *err)
{
	CLEAN(free_ptr)
	char *question = text_format(
		"The certificate of %s is not signed by a CA that this machine trusts.\n"
		"Its key is %s\n"
		"Compare it with the key that the controller's operator tells you. Trust it? "
		"[y/N] ",
		url, pin);
	bool is_yes = false;
	if (!question)
		return err_set(err, -ENOMEM, "out of memory");
	if (terminal_confirm(question, &is_yes, NULL))
		return err_set(
			err, -EKEYREJECTED,
			"%s is not trusted: compare its key with the one its operator tells, "
			"then pass --fingerprint %s, or --ca-file",
			url, pin);
	return is_yes ? 0 : err_set(err, -ECANCELED, "not trusted, so not signed in");
}

// Decides how this controller is trusted from now on: by pin, by CA file, or by the system's CAs.
static int settle_trust(const struct call *call, struct context *context, struct err *err)
{
	const char *pin = call_option(call, "fingerprint");
	const char *ca_file = call_option(call, "ca-file");
	if (pin && !text_starts(pin, "sha256//", NULL)) {
		(void)err_set(err, -EINVAL, "--fingerprint: %.60s is not of the form sha256//...",
			      pin);
		return CLI_USAGE;
	}
	if (pin) {
		context->pin = strdup(pin);
		return 0;
	}
	if (ca_file) {
		context->ca_file = realpath(ca_file, NULL);
		if (!context->ca_file)
			return err_set(err, -errno, "%s: %s", ca_file, strerror(errno));
	}
	bool is_trusted = false;
	CLEAN(free_ptr) char *shown = NULL;
	int r = client_probe(context->url, context->ca_file, &is_trusted, &shown, err);
	if (!r && !is_trusted && ca_file)
		r = err_set(err, -EKEYREJECTED, "%s shows a certificate that %s did not sign",
			    context->url, ca_file);
	if (!r && !is_trusted) {
		r = ask_for_trust(context->url, shown, err);
		context->pin = r ? NULL : take_ptr(&shown);
	}
	return r;
}

static int read_password(const struct call *call, const char *user, char **ret, struct err *err)
{
	if (call_has(call, "password-stdin"))
		return secret_read_stdin(200, ret, err);
	CLEAN(free_ptr) char *prompt = text_format("Password of %s: ", user);
	if (terminal_ask_secret(prompt ? prompt : "Password: ", ret, err))
		return err_set(
			err, -ENOTTY,
			"there is no terminal to ask for the password: pass --password-stdin");
	return 0;
}

static int sign_in(struct client *c, const char *user, const char *password, char **ret_role,
		   struct err *err)
{
	json_auto_t *body = json_pack("{s:s, s:s}", "user", user, "password", password);
	if (!body)
		return err_set(err, -EINVAL, "the password is not valid UTF-8");
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	struct client_request post = { .method = "POST", .path = "/api/v1/login", .body = body };
	int r = client_call(c, &post, &reply, err);
	if (r)
		return r;
	const char *role = json_string_value(json_object_get(reply.json, "role"));
	const char *csrf = json_string_value(json_object_get(reply.json, "csrf"));
	if (!role || !csrf)
		return err_set(err, -EBADMSG, "%s does not answer as a Weft controller does",
			       client_url(c));
	client_set_csrf(c, csrf);
	*ret_role = strdup(role);
	return *ret_role ? 0 : err_set(err, -ENOMEM, "out of memory");
}

// "cli-<host>-<random>", a valid resource name.
static char *token_name(void)
{
	char host[41] = { 0 };
	(void)gethostname(host, sizeof(host) - 1);
	for (char *c = host; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
		else if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9')))
			*c = '-';
	}
	unsigned char random[4];
	if (RAND_bytes(random, sizeof(random)) != 1)
		return NULL;
	return text_format("cli-%s-%02x%02x%02x%02x", host[0] ? host : "host", random[0], random[1],
			   random[2], random[3]);
}

static int make_token(struct client *c, const char *user, const char *role, char **ret_name,
		      char **ret_token, struct err *err)
{
	CLEAN(free_ptr) char *name = token_name();
	CLEAN(free_ptr) char *comment = text_format("made by weft login of %s", user);
	json_auto_t *spec = name && comment ? json_pack("{s:s, s:s, s:s}", "role", role, "expires",
							"90d", "comment", comment)
					    : NULL;
	if (!spec)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	int r = resource_call(c, &kinds[KIND_TOKENS], name, NULL,
			      (struct client_request){ .method = "PUT", .body = spec }, &reply,
			      err);
	if (r)
		return reply.status == 403
			       ? err_set(err, r,
					 "%s is signed in as %s, but only an admin may make a "
					 "token: ask "
					 "one for a token and set WEFT_URL and WEFT_TOKEN",
					 user, role)
			       : r;
	const char *token = json_string_value(json_object_get(reply.json, "token"));
	if (!token)
		return err_set(err, -EBADMSG, "the controller made a token but did not show it");
	*ret_token = strdup(token);
	*ret_name = take_ptr(&name);
	return *ret_token ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int keep(const struct context *context, const char *user, const char *token_id,
		struct err *err)
{
	json_auto_t *file = NULL;
	int r = context_file_read(&file, err);
	if (r)
		return r;
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "url", context->url, "user", user, "token",
				context->token, "token_name", token_id);
	if (!row || (context->pin && json_object_set_new(row, "pin", json_string(context->pin))) ||
	    (context->ca_file &&
	     json_object_set_new(row, "ca_file", json_string(context->ca_file)))) {
		json_decref(row);
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (json_object_set_new(json_object_get(file, "contexts"), context->name, row) ||
	    json_object_set_new(file, "current", json_string(context->name)))
		return err_set(err, -ENOMEM, "out of memory");
	return context_file_write(file, err);
}

// The context's name if none is given: the host of the URL.
static char *name_of(const struct call *call, const char *url)
{
	if (call_option(call, "context"))
		return strdup(call_option(call, "context"));
	const char *host = url + strlen("https://");
	size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	return strndup(host, len);
}

static int login_as(struct call *call, struct context *context, const char *user, struct err *err)
{
	CLEAN(secret_free_ptr) char *password = NULL;
	CLEAN(free_ptr) char *role = NULL;
	CLEAN(free_ptr) char *token_id = NULL;
	int r = read_password(call, user, &password, err);
	if (!r)
		r = client_new(context, &call->client, err);
	if (!r)
		r = sign_in(call->client, user, password, &role, err);
	if (!r)
		r = make_token(call->client, user, role, &token_id, &context->token, err);
	if (!r)
		r = keep(context, user, token_id, err);
	if (r)
		return r;
	struct client_request leave = { .method = "POST", .path = "/api/v1/logout" };
	(void)client_call(call->client, &leave, NULL, NULL);
	client_problem_clear(call->client);
	fprintf(call->out, "Signed in to %s as %s (%s); this is context \"%s\" now, for 90 days.\n",
		context->url, user, role, context->name);
	return CLI_DONE;
}

static int login(struct call *call, struct err *err)
{
	CLEAN(context_done) struct context context = { 0 };
	int r = context_url(call_arg(call, 0), &context.url, err);
	if (r)
		return CLI_USAGE;
	context.name = name_of(call, context.url);
	r = settle_trust(call, &context, err);
	if (r)
		return r;
	CLEAN(free_ptr) char *user = NULL;
	if (call_option(call, "user"))
		user = strdup(call_option(call, "user"));
	else if (call_has(call, "password-stdin") || terminal_ask("User [admin]: ", &user, NULL) ||
		 !*user) {
		free(user);
		user = strdup("admin");
	}
	if (!user || !context.name)
		return err_set(err, -ENOMEM, "out of memory");
	return login_as(call, &context, user, err);
}

static int logout(struct call *call, struct err *err)
{
	json_auto_t *file = NULL;
	int r = context_file_read(&file, err);
	if (r)
		return r;
	CLEAN(context_done) struct context context = { 0 };
	r = context_resolve(call_option(call, "context"), &context, err);
	if (r)
		return r;
	json_t *row = context.name
			      ? json_object_get(json_object_get(file, "contexts"), context.name)
			      : NULL;
	if (!row || !context.token)
		return err_set(err, -ENOENT, "this context has no token to give up");
	const char *token_id = json_string_value(json_object_get(row, "token_name"));
	struct client *c;
	r = call_client(call, &c, err);
	struct client_request gone = { .method = "DELETE" };
	if (!r && token_id)
		r = resource_call(c, &kinds[KIND_TOKENS], token_id, NULL, gone, NULL, err);
	if (r)
		fprintf(stderr, "weft: the token %s could not be deleted on the controller: %s\n",
			token_id ? token_id : "", err->text);
	client_problem_clear(call->client);
	(void)json_object_del(row, "token");
	(void)json_object_del(row, "token_name");
	r = context_file_write(file, err);
	if (r)
		return r;
	fprintf(call->out, "Signed out of %s.\n", context.url);
	return CLI_DONE;
}

static const struct verb_arg args[] = {
	{ .name = "URL",
	  .word = WORD_ANY,
	  .help = "The controller: HOST, HOST:PORT or https://HOST:PORT" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "user", .letter = 'u', .value = "U", .help = "Sign in as this user" },
	{ .name = "password-stdin", .help = "Read the password from standard input" },
	{ .name = "ca-file",
	  .value = "F",
	  .word = WORD_FILE,
	  .help = "Trust certificates signed by a CA in this PEM file" },
	{ .name = "fingerprint",
	  .value = "PIN",
	  .help = "Trust only the key with this pin, sha256//BASE64" },
	{ 0 },
};

const struct verb verb_login = {
	.name = "login",
	.summary = "Sign in to a controller and keep a token for this machine",
	.text = "If the controller's certificate is not trusted by this machine, its key is shown "
		"and\n"
		"you are asked; without a terminal, pass --fingerprint or --ca-file. The password "
		"is\n"
		"used once: what is kept is an API token of its own, named cli-HOST-RANDOM, with "
		"the\n"
		"user's role, valid for 90 days. --context names the context; else it is the "
		"host.\n"
		"\n"
		" weft login https://controller.example:8443 --user admin",
	.args = args,
	.options = options,
	.run = login,
};

const struct verb verb_logout = {
	.name = "logout",
	.summary = "Delete this machine's token here and on the controller",
	.run = logout,
};
