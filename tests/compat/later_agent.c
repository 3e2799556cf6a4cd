// What an agent of a later version may do: it says more than this tree's controller knows. Fields,
// a type of message, an observed entry of a new kind, a new word for how grave an event is.

#include <string.h>

#include "base/clean.h"

#include "later.h"
#include "reconcile/reconcile.h"
#include "uplink/http.h"
#include "uplink/uplink.h"

static const char unknown_severity[] =
	"{\"type\":\"event\",\"at\":1,\"severity\":\"notice\",\"kind\":\"later_news\","
	"\"text\":\"a word of a later version\"}";

int __real_uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop);
int __wrap_uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop);
int __wrap_uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop)
{
	static const char applied[] = "{\"type\":\"applied\"";
	CLEAN(free_ptr) char *longer = later_field(data, len);
	int r = __real_uplink_send(uplink, longer, strlen(longer), may_drop);

	if (r < 0 || strncmp(data, applied, strlen(applied)) != 0)
		return r;
	r = __real_uplink_send(uplink, LATER_TYPE, strlen(LATER_TYPE), may_drop);
	return r < 0 ? r
		     : __real_uplink_send(uplink, unknown_severity, strlen(unknown_severity),
					  may_drop);
}

int __real_reconcile_observe(struct reconcile *r, const struct reconcile_self *self,
			     const struct reconcile_now *now, struct entry_set *ret,
			     struct err *err);
int __wrap_reconcile_observe(struct reconcile *r, const struct reconcile_self *self,
			     const struct reconcile_now *now, struct entry_set *ret,
			     struct err *err);
int __wrap_reconcile_observe(struct reconcile *r, const struct reconcile_self *self,
			     const struct reconcile_now *now, struct entry_set *ret,
			     struct err *err)
{
	static const char body[] = "{\"state\":\"fine\"}";
	int rc = __real_reconcile_observe(r, self, now, ret, err);

	if (rc == 0)
		rc = entry_set_put(ret, "later/thing", body, strlen(body), err);
	return rc < 0 ? rc : 0;
}

int __real_http_request(const struct http_request *request, char **ret_body, struct err *err);
int __wrap_http_request(const struct http_request *request, char **ret_body, struct err *err);
int __wrap_http_request(const struct http_request *request, char **ret_body, struct err *err)
{
	struct http_request longer = *request;
	CLEAN(free_ptr)
	char *body = request->body ? later_field(request->body, strlen(request->body)) : NULL;

	longer.body = body;
	return __real_http_request(&longer, ret_body, err);
}
