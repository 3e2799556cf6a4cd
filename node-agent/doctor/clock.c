// This host's clock against the controller's: certificates and handshakes depend on it.
#include "base/clock.h"

#include <stdlib.h>

#include "doctor/inside.h"
#include "uplink/credential.h"
#include "uplink/enrol_key.h"
#include "uplink/http.h"

enum { OFFSET_WARN_S = 5, OFFSET_BAD_S = 300, REST_PORT = 8443, REST_TIMEOUT_S = 5 };

// The Date that a controller's HTTPS door puts on its answers; false when none can be asked.
static bool ask_controllers(const struct examination *x, int64_t *ret_ms, struct err *err)
{
	const struct identity *identity = x->config->identity;
	CLEAN(free_ptr) char *clock = text_format("%s/clock", x->config->state_dir);

	for (size_t i = 0; identity && clock && i < identity->controller_count; i++) {
		const char *url = identity->controllers[i];
		char host[256];
		int port = REST_PORT;
		(void)text_starts(url, "https://", &url);
		if (enrol_key_host_port(url, REST_PORT, host, sizeof host, &port) < 0)
			continue;
		const struct http_request request = {
			.host = host,
			.port = port,
			.path = "/healthz",
			.ca_pem = identity->ca_pem,
			.verify_time_s = credential_verify_time(clock),
			.timeout_s = REST_TIMEOUT_S,
		};
		CLEAN(free_ptr) char *body = NULL;
		int64_t date_s = 0;
		if (http_request_dated(&request, &body, &date_s, err) >= 0 && date_s > 0) {
			*ret_ms = date_s * 1000;
			return true;
		}
	}
	return false;
}

void check_clock(struct examination *x)
{
	struct err err = { 0 };
	const json_t *told = json_object_get(x->reach, "now_ms");
	int64_t offset_ms = json_integer_value(json_object_get(x->reach, "offset_ms"));
	int64_t theirs;

	if (!told) {
		const int64_t before = clock_wall_ms();
		if (!ask_controllers(x, &theirs, &err)) {
			say(x, GRADE_WARN, "compare with `date` on the controller",
			    "no controller could be asked for the time: %s",
			    *err.text ? err.text : "none is known");
			return;
		}
		// A date of whole seconds was right on average half a second ago.
		offset_ms = theirs + 500 - (before + clock_wall_ms()) / 2;
	}
	const double offset_s = (double)offset_ms / 1000;
	const char *cure = "set the clock: timedatectl set-ntp true";
	if (llabs(offset_ms) < OFFSET_WARN_S * 1000LL)
		say(x, GRADE_OK, "", "the clock is within %d s of the controller's", OFFSET_WARN_S);
	else
		say(x, llabs(offset_ms) < OFFSET_BAD_S * 1000LL ? GRADE_WARN : GRADE_BAD, cure,
		    "the clock is %.0f s %s the controller's", offset_s < 0 ? -offset_s : offset_s,
		    offset_s < 0 ? "ahead of" : "behind");
}
