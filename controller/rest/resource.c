#include "rest/resource.h"

#include <errno.h>
#include <string.h>

#include "model/kinds.h"
#include "model/problem.h"

#include "rest/handlers.h"
#include "rest/operation.h"
#include "rest/ownership.h"
#include "rest/server.h"

#define LIST_LIMIT     100
#define LIST_LIMIT_MAX 1000

struct page {
	const struct intent *intent;
	const char *after;
	const char *part; // of the name, NULL any
	const char *tag;  // NULL any
	bool effective;
	int64_t limit;
	int64_t total;
	json_t *items;
	const char *last;
	bool has_more;
	bool failed;
};

static bool has_tag(const json_t *spec, const char *tag)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(spec, "tags"), i,
			   item) if (json_is_string(item) &&
				     strcmp(json_string_value(item), tag) == 0) return true;
	return false;
}

static bool page_add(void *arg, const struct intent_resource *resource)
{
	struct page *page = arg;
	if (page->part && !strstr(resource->name, page->part))
		return true;
	if (page->tag && !has_tag(resource->spec, page->tag))
		return true;
	page->total++;
	if (page->after && strcmp(resource->name, page->after) <= 0)
		return true;
	if (json_array_size(page->items) >= (size_t)page->limit) {
		page->has_more = true;
		return true;
	}
	json_t *item = intent_resource_json(page->intent, resource, page->effective);
	if (json_array_append_new(page->items, item) < 0)
		page->failed = true;
	page->last = resource->name;
	return !page->failed;
}

void resource_list(struct request *request)
{
	struct page page = {
		.intent = request->rest->services.intent,
		.after = request_query(request, "after"),
		.part = request_query(request, "q"),
		.tag = request_query(request, "tag"),
		.limit = LIST_LIMIT,
	};
	if (request_query_number(request, "limit", 1, LIST_LIMIT_MAX, &page.limit) < 0 ||
	    request_query_bool(request, "effective", &page.effective) < 0)
		return;
	page.items = json_array();
	intent_list(page.intent, request->params.kind, NULL, page_add, &page);
	json_t *next = page.has_more && page.last ? json_string(page.last) : json_null();
	request_answer_json(request, MHD_HTTP_OK,
			    page.failed ? (json_decref(page.items), json_decref(next), NULL)
					: json_pack("{s:o, s:o, s:I}", "items", page.items, "next",
						    next, "total", (json_int_t)page.total));
}

void resource_answer(struct request *request, unsigned status, json_t *resource)
{
	const json_t *revision = json_object_get(resource, "revision");
	request_add_header(request, "ETag", "\"%lld\"", (long long)json_integer_value(revision));
	request_answer_json(request, status, resource);
}

static void answer_missing(struct request *request)
{
	request_problem(request, MHD_HTTP_NOT_FOUND, "%s/%s does not exist", request->params.kind,
			request->params.name);
}

void resource_get(struct request *request)
{
	const struct intent *intent = request->rest->services.intent;
	bool effective = false;
	if (request_query_bool(request, "effective", &effective) < 0)
		return;
	const struct intent_resource *found =
		intent_find(intent, request->params.kind, request->params.name);
	if (found)
		resource_answer(request, MHD_HTTP_OK,
				intent_resource_json(intent, found, effective));
	else
		answer_missing(request);
}

// Is `revision` among the entity tags of an If-Match header? Weak tags never match (RFC
// 9110, 13.1.1).
static bool tag_listed(const char *header, int64_t revision)
{
	char tag[32];
	(void)snprintf(tag, sizeof(tag), "\"%lld\"", (long long)revision);
	const char *at = strstr(header, tag);
	return at && (at == header || at[-1] != '/');
}

int resource_expected(struct request *request, int64_t *ret_expected)
{
	const char *match = request_header(request, MHD_HTTP_HEADER_IF_MATCH);
	const char *none = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
	const struct intent_resource *now = intent_find(request->rest->services.intent,
							request->params.kind, request->params.name);
	if (none && strcmp(none, "*") != 0) {
		request_problem(request, MHD_HTTP_BAD_REQUEST,
				"If-None-Match: only `*` is understood");
		return -EINVAL;
	}
	if (none && now) {
		request_problem(request, MHD_HTTP_PRECONDITION_FAILED, "%s/%s exists already",
				request->params.kind, request->params.name);
		return -EEXIST;
	}
	if (match && (!now || (strcmp(match, "*") != 0 && !tag_listed(match, now->revision)))) {
		request_problem(request, MHD_HTTP_PRECONDITION_FAILED, "%s/%s is %s, not at %s",
				request->params.kind, request->params.name,
				now ? "at another revision" : "absent", match);
		return -EAGAIN;
	}
	*ret_expected = INTENT_ANY_REVISION;
	if (match && strcmp(match, "*") != 0)
		*ret_expected = now->revision;
	if (none)
		*ret_expected = INTENT_NO_RESOURCE;
	return 0;
}

int resource_owned(struct request *request, json_t *spec, bool is_patch)
{
	struct err err = { 0 };
	if (strcmp(request->params.kind, "tokens") != 0)
		return 0;
	int r = ownership_check(request, request->params.name, spec, is_patch, &err);
	if (r < 0)
		request_problem(request, MHD_HTTP_FORBIDDEN, "%s", err.text);
	return r;
}

bool resource_refused(struct request *request, const struct intent_answer *answer)
{
	static const unsigned statuses[] = {
		[INTENT_INVALID] = MHD_HTTP_UNPROCESSABLE_CONTENT,
		[INTENT_CONFLICT] = MHD_HTTP_CONFLICT,
		[INTENT_PRECONDITION] = MHD_HTTP_PRECONDITION_FAILED,
		[INTENT_NOT_FOUND] = MHD_HTTP_NOT_FOUND,
		[INTENT_UNAVAILABLE] = MHD_HTTP_SERVICE_UNAVAILABLE,
	};
	if (answer->status == INTENT_OK)
		return false;
	unsigned status = (size_t)answer->status < ARRAY_LEN(statuses)
				  ? statuses[answer->status]
				  : MHD_HTTP_INTERNAL_SERVER_ERROR;
	json_t *errors = answer->problems && problem_list_any(answer->problems)
				 ? problem_list_json(answer->problems)
				 : NULL;
	request_problem_fields(request, status, answer->detail ? answer->detail : "refused",
			       errors);
	return true;
}

int resource_submit(struct request *request, const struct intent_request *change,
		    intent_done_fn *done, void *arg)
{
	struct err err = { 0 };
	struct intent_request named = *change;
	named.op_id = operation_id(request);
	int r = intent_submit(request->rest->services.intent, &named, done, arg, &err);
	if (r < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err.text);
	return r;
}

static void request_after_reload(void *arg)
{
	request_answer_empty(arg, MHD_HTTP_NO_CONTENT);
}

static bool is_known_to_auth(const struct request *request)
{
	return strcmp(request->params.kind, "users") == 0 ||
	       strcmp(request->params.kind, "tokens") == 0;
}

static void deleted(void *arg, const struct intent_answer *answer)
{
	struct request *request = arg;
	if (resource_refused(request, answer))
		return;
	// A deleted user or token must not be let in any more once the answer is out.
	if (is_known_to_auth(request))
		auth_reload(request->rest->services.auth, request_after_reload, request);
	else
		request_answer_empty(request, MHD_HTTP_NO_CONTENT);
}

void resource_delete(struct request *request)
{
	int64_t expected;
	if (resource_owned(request, NULL, false) < 0 || resource_expected(request, &expected) < 0)
		return;
	struct intent_request change = {
		.verb = INTENT_DELETE,
		.actor = request->who.actor,
		.kind = request->params.kind,
		.name = request->params.name,
		.expected_revision = expected,
	};
	(void)resource_submit(request, &change, deleted, request);
}

static void renamed(void *arg, const struct intent_answer *answer)
{
	struct request *request = arg;
	if (resource_refused(request, answer))
		return;
	if (is_known_to_auth(request))
		auth_reload(request->rest->services.auth, NULL, NULL);
	resource_answer(request, MHD_HTTP_OK, json_deep_copy(answer->resource));
}

void resource_rename(struct request *request)
{
	json_auto_t *body = NULL;
	int64_t expected;
	if (resource_owned(request, NULL, false) < 0 || resource_expected(request, &expected) < 0 ||
	    request_json(request, "application/json", &body) < 0)
		return;
	struct intent_request change = {
		.verb = INTENT_RENAME,
		.actor = request->who.actor,
		.kind = request->params.kind,
		.name = request->params.name,
		.body = body,
		.expected_revision = expected,
	};
	(void)resource_submit(request, &change, renamed, request);
}
