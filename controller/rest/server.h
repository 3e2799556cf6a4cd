// What the files of rest/ share: the server's state and the hooks between a connection and its
// request.
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <uv.h>

#include "base/limit.h"
#include "loop/lobby.h"

#include "rest/packages.h"
#include "rest/request.h"
#include "rest/rest.h"
#include "rest/tls.h"

struct events_stream;

// What /readyz found last.
struct readiness {
	int64_t at_ms; // monotonic, 0 never
	bool is_ready;
	char text[ERR_TEXT_SIZE];
};

struct rest {
	uv_loop_t *loop;
	struct rest_config config;
	struct rest_services services;
	struct tls *tls;
	struct listener *listeners; // one per listening address
	struct request *requests;
	struct events_stream *streams;
	size_t stream_count;
	uv_timer_t heartbeat; // of the event streams
	struct lobby *lobby;  // connections without a request of somebody known
	uv_timer_t lobby_timer;
	struct limit *enrol_limit; // refused enrolments, by network
	struct package_list packages;
	struct readiness readiness;
	uv_timer_t scrape; // runs while the nodes send samples because somebody scrapes
	bool is_scraped;
	bool is_stopping;
	bool is_abandoned; // rest_new failed: nobody else will free it
};

// connection.c: the callbacks of libmicrohttpd. The closure is the struct rest.
enum MHD_Result connection_access(void *rest, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **request);
void connection_completed(void *rest, struct MHD_Connection *connection, void **request,
			  enum MHD_RequestTerminationCode code);

void connection_notify(void *rest, struct MHD_Connection *connection, void **guest,
		       enum MHD_ConnectionNotificationCode code);

// connection.c: may this request be made? False after having answered 401 or 403.
bool connection_authorise(struct request *request);

// connection.c: answers every waiting request with 503.
void connection_cancel_all(struct rest *rest);

// metrics.c: nobody scraped for a while.
void metrics_idle(struct rest *rest);
// Somebody asks for samples: they are wanted for a while.
void metrics_want(struct rest *rest);

// events.c: ends every stream; and the comment that keeps idle ones alive.
void events_end_all(struct rest *rest);
void events_heartbeat(struct rest *rest);

// server.c: resumes a suspended connection. libmicrohttpd has no descriptor to wake itself by when
// it is driven from outside, so the listeners are driven soon.
void server_resume(struct rest *rest, struct MHD_Connection *connection);

// request.c: lets go of a request whose answer was given and whose connection is done.
void request_free(struct request *request);
