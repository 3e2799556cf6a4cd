// GET /*: the dashboard, from the program itself or, for development, from a directory.
#include "rest/assets.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

#include "rest/handlers.h"
#include "rest/server.h"

#define ASSET_FILE_MAX (16u * 1024 * 1024)

static const char not_built[] =
	"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Weft</title>"
	"<h1>Weft controller</h1><p>The dashboard was not built into this controller. "
	"The API is here: <a href=\"/docs\">reference</a>.</p></html>\n";

static const char *type_of(const char *path)
{
	static const struct {
		const char *ending;
		const char *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".map", "application/json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
		{ ".webmanifest", "application/manifest+json" },
	};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].ending, dot) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static void answer_embedded(struct request *request, const struct asset *asset)
{
	const char *known = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
	// Asks each time, is sent only when it changed.
	request_add_header(request, "Cache-Control", "no-cache");
	request_add_header(request, "ETag", "%s", asset->etag);
	if (known && strstr(known, asset->etag))
		request_answer_empty(request, MHD_HTTP_NOT_MODIFIED);
	else
		request_answer_static(request, type_of(asset->path), asset->data,
				      (size_t)(asset->end - asset->data));
}

static bool answer_from_dir(struct request *request, const char *path)
{
	CLEAN(free_ptr) char *full = text_format("%s%s", request->rest->config.web_dir, path);
	CLEAN(free_ptr) char *data = NULL;
	size_t len;
	if (!full || strstr(path, "/.") || file_read(full, ASSET_FILE_MAX, &data, &len, NULL) < 0)
		return false;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (response) {
		data = NULL;
		(void)MHD_add_response_header(response, "Content-Type", type_of(path));
	}
	request_answer_response(request, MHD_HTTP_OK, response);
	return true;
}

static bool answer_path(struct request *request, const char *path)
{
	if (request->rest->config.web_dir)
		return answer_from_dir(request, path);
	for (const struct asset *asset = assets; asset->path; asset++) {
		if (strcmp(asset->path, path) != 0)
			continue;
		answer_embedded(request, asset);
		return true;
	}
	return false;
}

// A page of the dashboard, whose views have paths of their own?
static bool is_view(const struct request *request)
{
	const char *accept = request_header(request, "Accept");
	return accept && strstr(accept, "text/html") && !strchr(request->path, '.');
}

void assets_get(struct request *request)
{
	bool is_root = strcmp(request->path, "/") == 0;
	if (!is_root && answer_path(request, request->path))
		return;
	if (!is_root && !is_view(request)) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "there is nothing at %s",
				request->path);
		return;
	}
	if (!answer_path(request, "/index.html"))
		request_answer_text(request, MHD_HTTP_OK, "text/html; charset=utf-8", not_built);
}
