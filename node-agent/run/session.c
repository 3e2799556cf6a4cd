#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"

#include "run/state.h"
#include "uplink/credential.h"

CLEAN_FUNC(json_t, json_decref)

enum {
	WELCOME_MS = 15000,
	RESYNCS_MAX = 5, // in one session; more means the two ends will not agree
	UPKEEP_MS = 60000,
	RENEW_AGAIN_MS = 600000,
	SAVE_AGAIN_MS = 15000,
	NOTHING_MS = 15000,
};

void session_send(struct agent *agent, const struct msg *msg, bool may_drop)
{
	struct err err = { 0 };
	CLEAN(text_free) struct text frame = { 0 };
	if (!uplink_is_open(agent->uplink))
		return;
	if (msg_encode(msg, &frame, &err) < 0) {
		log_warn("message %s: %s", msg_type_name(msg->type), err.text);
		return;
	}
	(void)uplink_send(agent->uplink, frame.data, frame.len, may_drop);
}

int session_emit(void *context, const char *frame, size_t len)
{
	struct agent *agent = context;
	return uplink_send(agent->uplink, frame, len, false);
}

void session_event(struct agent *agent, const char *severity, const char *kind, const char *entry,
		   const char *text)
{
	if (!agent->is_welcome)
		return;
	const struct msg msg = { .type = MSG_EVENT,
				 .event = { .at_ms = clock_wall_ms(),
					    .severity = severity,
					    .kind = kind,
					    .entry = entry,
					    .text = text } };
	session_send(agent, &msg, false);
}

void session_send_keys(struct agent *agent)
{
	struct err err = { 0 };
	desired_forget_parts(agent->desired);
	if (++agent->resyncs > RESYNCS_MAX) {
		uplink_drop(agent->uplink, "the desired state cannot be brought into agreement",
			    true);
		return;
	}
	if (msg_keys_frames(desired_entries(agent->desired), session_emit, agent, &err) < 0)
		log_warn("desired state: %s", err.text);
}

static void on_open(void *context)
{
	struct agent *agent = context;
	agent->opened_ms = clock_mono_ms();
	agent->is_welcome = false;
	agent->is_applied_told = false;
	agent->resyncs = 0;
	desired_forget_parts(agent->desired);
	const struct msg msg = {
		.type = MSG_HELLO,
		.hello = { .protocol_major = WIRE_PROTOCOL_MAJOR,
			   .protocol_minor = WIRE_PROTOCOL_MINOR,
			   .version = weft_version(),
			   .boot_id = agent->boot_id,
			   .public_key = agent->public_key,
			   .base_revision = desired_revision(agent->desired),
			   .base_digest = entry_set_digest(desired_entries(agent->desired)),
			   .observed_digest = entry_set_digest(agent->observed) }
	};
	session_send(agent, &msg, false);
}

static void on_close(void *context, const char *why)
{
	struct agent *agent = context;
	if (agent->is_welcome)
		log_warn("controller %s: session lost: %s", uplink_hub(agent->uplink), why);
	agent->is_welcome = false;
	agent->is_sampling = false;
}

// A node may be renamed; its certificate names it until the next renewal.
static void take_name(struct agent *agent, const char *name)
{
	struct err err = { 0 };
	if (strcmp(agent->identity.name, name) == 0)
		return;
	char *copy = strdup(name);
	if (!copy)
		return;
	log_info("this node is now called %s", name);
	free(agent->identity.name);
	agent->identity.name = copy;
	if (identity_save(agent->settings->state_dir, &agent->identity, &err) < 0)
		log_warn("identity: %s", err.text);
}

static void renew_when_due(struct agent *agent)
{
	struct err err = { 0 };
	int64_t from;
	int64_t to;
	int64_t now = uplink_time(agent->uplink) * 1000;
	int64_t mono = clock_mono_ms();
	CLEAN(free_ptr) char *csr = NULL;
	char node[WIRE_NAME_MAX];
	if (agent->renew_asked_ms && mono - agent->renew_asked_ms < RENEW_AGAIN_MS)
		return;
	int r = credential_life(agent->identity.certificate_pem, &from, &to, &err);
	if (r == 0 && now < credential_renew_at(from, to))
		return;
	(void)snprintf(node, sizeof node, "node:%s", agent->identity.name);
	if (r == 0)
		r = credential_make_csr(agent->identity.key_pem, node, &csr, &err);
	if (r < 0) {
		log_error("certificate: %s", err.text);
		return;
	}
	agent->renew_asked_ms = mono;
	const struct msg msg = { .type = MSG_RENEW, .renew = { .csr = csr } };
	session_send(agent, &msg, false);
}

// With an expired certificate a controller hears nothing but the request for a new one.
static bool may_only_renew(const struct agent *agent)
{
	int64_t from;
	int64_t to;
	return credential_life(agent->identity.certificate_pem, &from, &to, NULL) == 0 &&
	       uplink_time(agent->uplink) * 1000 > to;
}

static void on_welcome(struct agent *agent, const struct msg_welcome *welcome)
{
	struct err err = { 0 };
	uplink_is_good(agent->uplink);
	agent->upkeep_ms = 0;
	agent->renew_asked_ms = 0;
	if (may_only_renew(agent)) {
		log_warn("controller %s: the certificate of this node has expired, asking for a "
			 "new one",
			 uplink_hub(agent->uplink));
		renew_when_due(agent);
		return;
	}
	agent->is_welcome = true;
	agent->is_sampling = welcome->samples;
	agent->target = welcome->revision;
	(void)snprintf(agent->controller_version, sizeof agent->controller_version, "%s",
		       welcome->version);
	log_info("controller %s: welcome, revision %" PRId64, uplink_hub(agent->uplink),
		 welcome->revision);
	take_name(agent, welcome->name);
	hubs_take(agent, welcome->hubs);
	agent->welcomed_ms = clock_mono_ms();
	agent->may_have_nothing = !desired_is_known(agent->desired);
	if (credential_save_time(agent->paths.clock, uplink_time(agent->uplink), &err) < 0)
		log_warn("clock: %s", err.text);
	trouble_end(agent, TROUBLE_CLOCK, "a controller accepts this host's time again");
	trouble_tell(agent);
	report_reset(agent->report);
	trial_answered(agent, welcome->uptime_ms);
	trial_target(agent, welcome->revision);
	apply_tell(agent);
	apply_tell_observed(agent);
}

static void on_answer(void *context)
{
	trial_answered(context, -1);
}

static const char *cure_of(int code)
{
	switch (-code) {
	case ENOSPC:
	case EDQUOT:
		return "free some space there";
	case EROFS:
		return "make that file system writable again (mount -o remount,rw)";
	case EACCES:
	case EPERM:
		return "let root write there";
	default:
		return "see what the kernel says of that disk (dmesg)";
	}
}

void session_save(struct agent *agent)
{
	struct err err = { 0 };
	int r = desired_save(agent->desired, agent->paths.desired, &err);
	agent->is_unsaved = r < 0;
	agent->save_tried_ms = clock_mono_ms();
	if (r < 0) {
		trouble_set(agent, TROUBLE_UNSAVED, TROUBLE_LASTS,
			    "%s: %s; revision %" PRId64 " is in force, but a boot would bring "
			    "back the one saved before it",
			    err.text, cure_of(r), desired_revision(agent->desired));
		return;
	}
	trouble_end(agent, TROUBLE_UNSAVED, "the desired state is saved again");
	trouble_end(agent, TROUBLE_DESIRED, "the desired state is whole again");
}

static void on_desired(struct agent *agent, const struct msg_desired *part)
{
	struct err err = { 0 };
	enum desired_step step = DESIRED_MORE;
	if (trial_refuses(agent, part->digest)) {
		agent->target = part->revision;
		if (!part->more)
			log_info("revision %" PRId64 " is not taken: it cut this node off before",
				 part->revision);
		return;
	}
	CLEAN(desired_free_ptr) struct desired *before = part->more ? NULL : trial_copy(agent);
	if (desired_take(agent->desired, part, &step, &err) < 0) {
		uplink_drop(agent->uplink, err.text, true);
		return;
	}
	agent->target = part->revision;
	switch (step) {
	case DESIRED_MORE:
		return;
	case DESIRED_RESYNC:
		log_info("desired state: %s; asking for the difference", err.text);
		session_send_keys(agent);
		return;
	case DESIRED_SAME:
		agent->hold_until_ms = 0;
		session_save(agent);
		trial_target(agent, part->revision);
		apply_tell(agent);
		return;
	case DESIRED_NEW:
		agent->resyncs = 0;
		agent->hold_until_ms = 0;
		log_info("desired state: revision %" PRId64 ", %zu entries",
			 desired_revision(agent->desired),
			 entry_set_count(desired_entries(agent->desired)));
		trial_begin(agent, take_ptr(&before));
		session_save(agent);
		apply_new_desired(agent);
		trial_applied(agent);
		return;
	}
}

// The certificate in use. What fails is tried again every period.
static void save_certificate(struct agent *agent)
{
	struct err err = { 0 };
	int r = identity_save_certificate(agent->settings->state_dir,
					  agent->identity.certificate_pem, &err);
	agent->is_certificate_unsaved = r < 0;
	agent->save_tried_ms = clock_mono_ms();
	if (r < 0)
		trouble_set(agent, TROUBLE_CERTIFICATE, TROUBLE_LASTS,
			    "%s: %s; the renewed certificate is in use, but a restart would bring "
			    "back the one before it",
			    err.text, cure_of(r));
	else
		trouble_end(agent, TROUBLE_CERTIFICATE, "the renewed certificate is saved");
}

static void on_renewed(struct agent *agent, const char *certificate)
{
	struct err err = { 0 };
	int r = credential_check(certificate, agent->identity.key_pem, agent->identity.ca_pem,
				 uplink_time(agent->uplink), &err);
	char *copy = r == 0 ? strdup(certificate) : NULL;
	if (copy)
		r = uplink_set_certificate(agent->uplink, copy, &err);
	if (!copy || r < 0) {
		free(copy);
		log_error("certificate: renewal failed: %s", err.text);
		session_event(agent, "error", "certificate_not_renewed", TROUBLE_ENTRY, err.text);
		return;
	}
	free(agent->identity.certificate_pem);
	agent->identity.certificate_pem = copy;
	log_info("certificate: renewed");
	save_certificate(agent);
}

static void on_bye(struct agent *agent, const struct msg_bye *bye)
{
	char why[300];
	(void)snprintf(why, sizeof why, "the controller ended the session: %.240s", bye->reason);
	uplink_drop(agent->uplink, why, !bye->retry);
}

static void dispatch(struct agent *agent, const struct msg *msg)
{
	switch ((int)msg->type) {
	case MSG_WELCOME:
		on_welcome(agent, &msg->welcome);
		break;
	case MSG_DESIRED:
		on_desired(agent, &msg->desired);
		break;
	case MSG_RESYNC:
		agent->may_have_nothing = false;
		session_send_keys(agent);
		break;
	case MSG_REOBSERVE:
		report_reset(agent->report);
		apply_tell_observed(agent);
		break;
	case MSG_WATCH:
		agent->is_sampling = msg->watch.on;
		break;
	case MSG_RENEWED:
		on_renewed(agent, msg->renewed.certificate);
		break;
	case MSG_REQUEST:
		request_take(agent, &msg->request);
		break;
	case MSG_ANSWER:
		ask_answered(agent, &msg->answer);
		break;
	case MSG_VOTE:
		groups_take(agent, msg->vote.message);
		break;
	case MSG_BYE:
		on_bye(agent, &msg->bye);
		break;
	default:
		break;
	}
}

static void on_frame(void *context, const char *data, size_t len)
{
	struct agent *agent = context;
	struct err err = { 0 };
	struct msg msg;
	int r = msg_decode(MSG_DOWN, data, len, &msg, &err);
	if (r == -ENOMSG) {
		log_debug("controller: %s", err.text);
		return;
	}
	if (r < 0) {
		uplink_drop(agent->uplink, err.text, false);
		return;
	}
	dispatch(agent, &msg);
	msg_done(&msg);
}

struct uplink_events session_events(struct agent *agent)
{
	return (struct uplink_events){
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.on_answer = on_answer,
		.context = agent,
	};
}

static void send_samples(struct agent *agent)
{
	struct err err = { 0 };
	json_t *taken = NULL;
	const struct reconcile_now now = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };
	int r = reconcile_samples(agent->reconcile, &now, &taken, &err);
	CLEAN(json_decref_ptr) json_t *values = r == 0 ? taken : NULL;
	if (r == 0)
		r = report_add_self(values, agent->started_ms, now.mono_ms, &err);
	if (r == 0)
		links_sample(agent, values);
	routes_sample(agent, values);
	if (values && agent->resolver)
		resolver_sample(agent->resolver, values);
	if (values && agent->splitter)
		splitter_sample(agent->splitter, values);
	gateways_sample(agent, values);
	if (r == 0)
		r = msg_samples_frames(now.wall_ms, values, session_emit, agent, &err);
	if (r < 0)
		log_debug("samples: %s", err.text);
}

static void save_again(struct agent *agent, int64_t now)
{
	if (now - agent->save_tried_ms < SAVE_AGAIN_MS)
		return;
	if (agent->is_unsaved)
		session_save(agent);
	if (agent->is_certificate_unsaved)
		save_certificate(agent);
}

// Says what a person can do about a clock that no controller's certificate is valid at.
static void look_at_clock(struct agent *agent)
{
	struct err err = { 0 };
	if (agent->uplink && strstr(uplink_trouble(agent->uplink), "certificate") &&
	    credential_clock_is_behind(agent->paths.clock, &err))
		trouble_set(agent, TROUBLE_CLOCK, TROUBLE_LASTS, "%s", err.text);
}

// A controller that wants something of this node says so at once after its welcome.
static void take_nothing(struct agent *agent, int64_t now)
{
	if (!agent->may_have_nothing || now - agent->welcomed_ms < NOTHING_MS)
		return;
	agent->may_have_nothing = false;
	if (desired_is_known(agent->desired))
		return;
	log_info("controller %s: has nothing for this node", uplink_hub(agent->uplink));
	desired_set_empty(agent->desired);
	session_save(agent);
	apply_new_desired(agent);
}

void session_tick(struct agent *agent)
{
	int64_t now = clock_mono_ms();
	save_again(agent, now);
	if (!uplink_is_open(agent->uplink)) {
		look_at_clock(agent);
		return;
	}
	if (!agent->is_welcome) {
		if (now - agent->opened_ms > WELCOME_MS)
			uplink_drop(agent->uplink, "no welcome within 15 s", false);
		return;
	}
	take_nothing(agent, now);
	if (agent->is_sampling)
		send_samples(agent);
	if (agent->upkeep_ms && now - agent->upkeep_ms < UPKEEP_MS)
		return;
	agent->upkeep_ms = now;
	(void)credential_save_time(agent->paths.clock, uplink_time(agent->uplink), NULL);
	renew_when_due(agent);
}
