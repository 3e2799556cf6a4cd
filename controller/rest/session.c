// Signing in and out.
#include <errno.h>
#include <string.h>

#include "model/json.h"
#include "model/net.h"

#include "rest/handlers.h"
#include "rest/server.h"

#define LOGIN_RETRY_S 60 // told to who tried too often

static json_t *session_json(const struct auth_identity *who)
{
	char expires[TIME_TEXT_SIZE];
	json_t *json =
		json_pack("{s:s, s:s, s:s?}", "user", who->name, "role", auth_role_name(who->role),
			  "csrf", who->is_session ? who->csrf : NULL);
	if (who->expires_ms > 0)
		json_object_set_new(json, "expires",
				    json_string(time_format(who->expires_ms, expires)));
	return json;
}

static void signed_in(void *arg, const struct auth_login *login, const struct err *err)
{
	struct request *request = arg;
	if (login) {
		CLEAN(free_ptr)
		char *cookie = auth_set_cookie(request->rest->services.auth, login->session);
		if (cookie)
			request_add_header(request, "Set-Cookie", "%s", cookie);
		request_answer_json(request, MHD_HTTP_OK, session_json(&login->identity));
		return;
	}
	if (err->code == -EBUSY) {
		request_add_header(request, "Retry-After", "%d", LOGIN_RETRY_S);
		request_problem(request, MHD_HTTP_TOO_MANY_REQUESTS, "%s", err->text);
		return;
	}
	request_problem(request,
			err->code == -EACCES ? MHD_HTTP_UNAUTHORIZED : MHD_HTTP_SERVICE_UNAVAILABLE,
			"%s", err->text);
}

void session_login(struct request *request)
{
	json_auto_t *body = NULL;
	if (request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "Login", body) < 0)
		return;
	auth_login(request->rest->services.auth, json_string_value(json_object_get(body, "user")),
		   json_string_value(json_object_get(body, "password")), request->network,
		   signed_in, request);
}

static void signed_out(void *arg)
{
	request_answer_empty(arg, MHD_HTTP_NO_CONTENT);
}

void session_logout(struct request *request)
{
	CLEAN(free_ptr) char *cookie = auth_set_cookie(request->rest->services.auth, "");
	if (cookie)
		request_add_header(request, "Set-Cookie", "%s", cookie);
	if (request->who.is_session)
		auth_logout(request->rest->services.auth, request_header(request, "Cookie"),
			    signed_out, request);
	else
		signed_out(request);
}

void session_get(struct request *request)
{
	request_answer_json(request, MHD_HTTP_OK, session_json(&request->who));
}
