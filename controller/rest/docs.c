// The API's description: as it is, and as a page made from it.
#include <string.h>

#include "base/text.h"
#include "model/json.h"

#include "rest/contract.h"
#include "rest/handlers.h"
#include "rest/server.h"

static const char style[] =
	":root{color-scheme:light dark;--line:#8884;--soft:#8881}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
	"code{font-family:ui-monospace,monospace;font-size:.92em}"
	"table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}"
	"td,th{border-bottom:1px solid var(--line);padding:.25rem "
	".5rem;text-align:left;vertical-align:top}"
	"article{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem;margin:.75rem "
	"0}"
	"h3 code{background:var(--soft);padding:.1rem .4rem;border-radius:.25rem}";

void openapi_get(struct request *request)
{
	const struct contract *contract = request->rest->services.contract;
	request_answer_static(request, "application/yaml; charset=utf-8", contract->text,
			      contract->text_len);
}

void docs_style_get(struct request *request)
{
	request_answer_static(request, "text/css; charset=utf-8", style, sizeof(style) - 1);
}

static void add_escaped(struct text *t, const char *s)
{
	for (; s && *s; s++) {
		switch (*s) {
		case '&':
			text_add(t, "&amp;");
			break;
		case '<':
			text_add(t, "&lt;");
			break;
		case '"':
			text_add(t, "&quot;");
			break;
		default:
			text_add_bytes(t, s, 1);
		}
	}
}

// Markdown's `code` is all that the descriptions use.
static void add_prose(struct text *t, const char *s)
{
	bool is_code = false;
	while (s && *s) {
		size_t len = strcspn(s, "`");
		CLEAN(free_ptr) char *part = text_format("%.*s", (int)len, s);
		add_escaped(t, part);
		s += len;
		if (!*s)
			break;
		text_add(t, is_code ? "</code>" : "<code>");
		is_code = !is_code;
		s++;
	}
	if (is_code)
		text_add(t, "</code>");
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

// "#/components/schemas/Node" -> the object there; anything else as it is.
static const json_t *resolve(const struct rest *rest, const json_t *value)
{
	const char *ref = member(value, "$ref");
	const json_t *at = rest->services.contract->document;
	while (ref && (ref = strchr(ref, '/'))) {
		ref++;
		CLEAN(free_ptr) char *part = text_format("%.*s", (int)strcspn(ref, "/"), ref);
		at = part ? json_object_get(at, part) : NULL;
	}
	return member(value, "$ref") ? at : value;
}

static const char *last_part(const char *ref)
{
	const char *slash = ref ? strrchr(ref, '/') : NULL;
	return slash ? slash + 1 : ref;
}

// What a schema takes, in a few words.
static void add_type(struct text *t, const json_t *schema)
{
	const char *ref = last_part(member(schema, "$ref"));
	const json_t *type = json_object_get(schema, "type");
	const json_t *items = json_object_get(schema, "items");
	if (ref) {
		text_addf(t, "<a href=\"#schema-%s\"><code>%s</code></a>", ref, ref);
	} else if (items) {
		text_add(t, "list of ");
		add_type(t, items);
	} else if (json_is_array(json_object_get(schema, "enum"))) {
		CLEAN(free_ptr) char *choices = json_dumps(json_object_get(schema, "enum"), 0);
		add_escaped(t, choices);
	} else if (member(schema, "format")) {
		add_escaped(t, member(schema, "format"));
	} else if (json_is_string(type)) {
		add_escaped(t, json_string_value(type));
	} else {
		size_t i;
		json_t *one;
		json_array_foreach(type, i, one)
			text_addf(t, "%s%s", i ? " or " : "", json_string_value(one));
	}
}

static void add_parameters(struct text *t, const struct rest *rest, const json_t *list)
{
	size_t i;
	json_t *item;
	if (json_array_size(list) == 0)
		return;
	text_add(t, "<table><tr><th>Parameter<th>In<th>Type<th>Meaning</tr>");
	json_array_foreach(list, i, item)
	{
		const json_t *p = resolve(rest, item);
		text_addf(t, "<tr><td><code>%s</code><td>%s<td>", member(p, "name"),
			  member(p, "in"));
		add_type(t, json_object_get(p, "schema"));
		text_add(t, "<td>");
		add_prose(t, member(p, "description"));
		text_add(t, "</tr>");
	}
	text_add(t, "</table>");
}

static void add_content(struct text *t, const json_t *content)
{
	const char *type;
	json_t *media;
	json_object_foreach((json_t *)(uintptr_t)content, type, media)
	{
		text_addf(t, " <code>%s</code> ", type);
		add_type(t, json_object_get(media, "schema"));
	}
}

static void add_operation(struct text *t, const struct rest *rest, const json_t *operation)
{
	const char *status;
	json_t *response;
	text_add(t, "<p>");
	add_prose(t, member(operation, "summary"));
	text_add(t, "</p>");
	if (member(operation, "description")) {
		text_add(t, "<p>");
		add_prose(t, member(operation, "description"));
		text_add(t, "</p>");
	}
	add_parameters(t, rest, json_object_get(operation, "parameters"));
	const json_t *body = resolve(rest, json_object_get(operation, "requestBody"));
	if (body) {
		text_add(t, "<p>Body:");
		add_content(t, json_object_get(body, "content"));
		text_add(t, "</p>");
	}
	text_add(t, "<table><tr><th>Status<th>Meaning<th>Body</tr>");
	json_object_foreach(json_object_get(operation, "responses"), status, response)
	{
		const json_t *r = resolve(rest, response);
		text_addf(t, "<tr><td>%s<td>", status);
		add_prose(t, member(r, "description"));
		text_add(t, "<td>");
		add_content(t, json_object_get(r, "content"));
		text_add(t, "</tr>");
	}
	text_add(t, "</table>");
}

static void add_path(struct text *t, const struct rest *rest, const char *path, const json_t *item)
{
	static const char *const methods[] = { "get", "put", "patch", "post", "delete" };
	static const char *const shown[] = { "GET", "PUT", "PATCH", "POST", "DELETE" };
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const json_t *operation = json_object_get(item, methods[i]);
		if (!operation)
			continue;
		text_addf(t, "<article id=\"%s\"><h3>%s <code>%s</code></h3>",
			  member(operation, "operationId"), shown[i], path);
		add_parameters(t, rest, json_object_get(item, "parameters"));
		add_operation(t, rest, operation);
		text_add(t, "</article>");
	}
}

static void add_schema(struct text *t, const char *name, const json_t *schema)
{
	const char *field;
	json_t *property;
	text_addf(t, "<article id=\"schema-%s\"><h3><code>%s</code></h3><p>", name, name);
	add_prose(t, member(schema, "description"));
	text_add(t, "</p>");
	if (!json_object_get(schema, "properties")) {
		text_add(t, "<p>");
		add_type(t, schema);
		size_t i;
		json_t *part;
		json_array_foreach(json_object_get(schema, "allOf"), i,
				   part) if (member(part, "$ref")) add_type(t, part);
		text_add(t, "</p></article>");
		return;
	}
	text_add(t, "<table><tr><th>Field<th>Type<th>Meaning</tr>");
	json_object_foreach(json_object_get(schema, "properties"), field, property)
	{
		text_addf(t, "<tr><td><code>%s</code><td>", field);
		add_type(t, property);
		text_add(t, "<td>");
		add_prose(t, member(property, "description"));
		text_add(t, "</tr>");
	}
	text_add(t, "</table></article>");
}

void docs_get(struct request *request)
{
	const struct rest *rest = request->rest;
	const json_t *info = json_object_get(rest->services.contract->document, "info");
	struct text page = { 0 };
	const char *name;
	json_t *item;
	text_add(&page, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
			"<meta name=\"viewport\" content=\"width=device-width\">"
			"<title>Weft API</title><link rel=\"stylesheet\" href=\"/docs/style.css\">"
			"</head><body><h1>");
	add_escaped(&page, member(info, "title"));
	text_add(&page, "</h1><p>");
	add_prose(&page, member(info, "description"));
	text_add(&page, "</p><p><a href=\"/api/openapi.yaml\">openapi.yaml</a> · "
			"<a href=\"#schemas\">schemas</a> · <a "
			"href=\"/\">dashboard</a></p><h2>Requests</h2>");
	json_object_foreach(json_object_get(rest->services.contract->document, "paths"), name, item)
		add_path(&page, rest, name, item);
	text_add(&page, "<h2 id=\"schemas\">Schemas</h2>");
	json_object_foreach(
		json_object_get(json_object_get(rest->services.contract->document, "components"),
				"schemas"),
		name, item) add_schema(&page, name, item);
	text_add(&page, "</body></html>\n");
	CLEAN(free_ptr) char *text = text_take(&page);
	if (text)
		request_answer_text(request, MHD_HTTP_OK, "text/html; charset=utf-8", text);
	else
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
}
