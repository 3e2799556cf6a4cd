// GET /api/v1/lists/HASH on the hub's port: contents that a node's desired state names, to the node
// that shows its certificate.

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#include "hub/inside.h"

#define CONTENT_PATH     "/api/v1/lists/"
#define CONTENT_TYPE     "text/plain"
#define CONTENTS_AT_ONCE 256

static bool may_have(struct hub *hub, struct lws *wsi, int64_t *ret_node)
{
	struct hub_admission admission = { .verdict = HUB_REFUSE };
	struct hub_peer peer = { .address = "?" };
	unsigned char *der = NULL;

	if (hub_tls_peer(wsi, &der, &peer.certificate_len, &peer.is_expired) < 0)
		return false;
	peer.certificate = der;
	hub->ops.authorise(hub->ctx, &peer, &admission);
	OPENSSL_free(der);
	*ret_node = admission.node_id;
	return admission.verdict == HUB_ADMIT;
}

static int refuse(struct lws *wsi, unsigned status)
{
	return lws_return_http_status(wsi, status, NULL) < 0 || lws_http_transaction_completed(wsi)
		       ? -1
		       : 0;
}

int content_serve(struct hub *hub, struct lws *wsi, const char *uri, bool *is_sending)
{
	const char *hash;
	int64_t node_id;

	if (!text_starts(uri, CONTENT_PATH, &hash) || !hub->ops.content || hub->stopping_ms)
		return -1;
	if (!may_have(hub, wsi, &node_id))
		return refuse(wsi, HTTP_STATUS_FORBIDDEN);
	// It is a node's: who is nobody's has to make room, it has not.
	lobby_admit(lws_get_opaque_user_data(wsi));
	if (hub->contents >= CONTENTS_AT_ONCE)
		return refuse(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE);
	CLEAN(free_ptr) char *path = hub->ops.content(hub->ctx, node_id, hash);
	if (!path)
		return refuse(wsi, HTTP_STATUS_NOT_FOUND);
	hub->contents++;
	*is_sending = true;
	int rc = lws_serve_http_file(wsi, path, CONTENT_TYPE, NULL, 0);
	return rc < 0 || (rc > 0 && lws_http_transaction_completed(wsi)) ? -1 : 0;
}

void content_served(struct hub *hub, bool *is_sending)
{
	// A connection that ends before it asked has nothing of its own.
	if (!is_sending)
		return;
	if (*is_sending)
		hub->contents--;
	*is_sending = false;
}
