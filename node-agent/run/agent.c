#include "run/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/notify.h"

#include "run/hooking.h"
#include "run/recover.h"
#include "run/resolver_host.h"
#include "run/state.h"
#include "run/storage.h"

enum { PERIOD_MS = 3000, STOP_TICK_MS = 20, STOP_TICKS_MAX = 50, LEAVE_MS = 300 };

static size_t on_resolve(void *context, const char *name_port, struct kernel_endpoint *ret,
			 size_t cap)
{
	struct agent *agent = context;
	return names_resolve(agent->names, name_port, ret, cap);
}

static int on_save_restore(void *context, const json_t *former, struct err *err)
{
	struct agent *agent = context;
	return storage_save_restore(agent->paths.restore, former, err);
}

static bool on_path(void *context, const char *peer_key, struct reconcile_path *ret)
{
	struct agent *agent = context;
	struct probe_path path;
	if (!probe_path(agent->probe, peer_key, &path))
		return false;
	*ret = (struct reconcile_path){ .path_mtu = path.path_mtu,
					.fragments = path.fragments_ok ? "ok" : "lost" };
	return true;
}

static void on_tree(void *context, struct kernel_link *link)
{
	const struct agent *agent = context;
	if (agent->tree)
		tree_overlay(agent->tree, link);
}

static void on_cost_change(void *context)
{
	apply_soon(context);
}

static void on_names_change(void *context)
{
	apply_soon(context);
}

static void on_checksum_off(void *context, const char *device)
{
	struct agent *agent = context;
	struct err err = { 0 };
	if (kernel_checksum_off(agent->kernel, device, &err) < 0)
		log_warn("checksum offload: %s", err.text);
}

static void on_kernel_event(uv_poll_t *poll, int status, int events)
{
	struct agent *agent = poll->data;
	(void)status;
	(void)events;
	unsigned seen = kernel_events_read(agent->events);
	// A port that closes or opens cannot wait for the comparison of everything.
	if (seen & (KERNEL_HINT_LINK | KERNEL_HINT_LOST) && agent->tree)
		tree_look(agent->tree);
	if (seen)
		apply_soon(agent);
	if (seen & (KERNEL_HINT_LINK | KERNEL_HINT_LOST))
		prober_look(agent->prober);
	if (seen & (KERNEL_HINT_ADDRESS | KERNEL_HINT_ROUTE))
		uplink_nudge(agent->uplink);
}

static void on_period(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	apply_run(agent);
	session_tick(agent);
	ask_tick(agent);
	examine_tick(agent);
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	(void)notify_watchdog();
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct agent *agent = signal->data;
	log_info("stopping on signal %d; tunnels and routes stay", number);
	agent_stop(agent);
}

int agent_remove_all(struct agent *agent, struct err *err)
{
	agent->is_leaving = true;
	(void)uv_timer_stop(&agent->trial);
	tree_close(take_ptr(&agent->tree));
	// While the others can still be told that they may take over.
	ha_close(take_ptr(&agent->ha), true);
	session_event(agent, "info", "node_left", NULL, "the node left by its own wish");
	resolver_close(take_ptr(&agent->resolver));
	splitter_close(take_ptr(&agent->splitter));
	int r = reconcile_remove_all(agent->reconcile, err);
	if (r == 0)
		r = resolver_remove(agent->settings, err);
	// What could not be removed may be tried again: then the saved values are still needed.
	return r < 0 ? r : storage_delete(agent->settings, err);
}

static void close_handle(uv_handle_t *handle)
{
	if (handle->data && !uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_own_handles(struct agent *agent)
{
	close_handle((uv_handle_t *)&agent->events_poll);
	close_handle((uv_handle_t *)&agent->period);
	close_handle((uv_handle_t *)&agent->debounce);
	close_handle((uv_handle_t *)&agent->trial);
	close_handle((uv_handle_t *)&agent->watchdog);
	for (size_t i = 0; i < ARRAY_LEN(agent->signals); i++)
		close_handle((uv_handle_t *)&agent->signals[i]);
}

static void on_uplink_stopped(void *context)
{
	(void)context;
}

// Everything that stands on the loop goes; the loop then ends by itself.
static void shut(struct agent *agent)
{
	request_cancel_all(agent);
	examine_cancel(agent);
	if (agent->uplink)
		uplink_stop(agent->uplink, on_uplink_stopped, NULL);
	probe_close(take_ptr(&agent->probe));
	// It speaks through the prober.
	ha_close(take_ptr(&agent->ha), agent->is_leaving);
	prober_close(take_ptr(&agent->prober));
	// Before the echoes it waits for.
	tree_close(take_ptr(&agent->tree));
	paths_close(take_ptr(&agent->chooser));
	egress_close(take_ptr(&agent->egress));
	icmp_close(take_ptr(&agent->icmp));
	checksum_close(take_ptr(&agent->checksum));
	names_close(take_ptr(&agent->names));
	hooks_close(take_ptr(&agent->hooks));
	resolver_close(take_ptr(&agent->resolver));
	splitter_close(take_ptr(&agent->splitter));
	control_close(take_ptr(&agent->control));
	close_own_handles(agent);
}

static void on_stop_tick(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	// The answer to `leave`, and the farewell to the controller, go out first.
	// What is active stays so until the agent is back.
	bool wait = control_is_busy(agent->control) || (agent->ha && !ha_is_prepared(agent->ha)) ||
		    (agent->is_leaving && clock_mono_ms() - agent->applied_ms < LEAVE_MS);
	if (wait && ++agent->stop_ticks < STOP_TICKS_MAX)
		return;
	shut(agent);
}

void agent_stop(struct agent *agent)
{
	if (agent->is_stopping)
		return;
	agent->is_stopping = true;
	if (agent->ha && !agent->is_leaving)
		ha_prepare_restart(agent->ha);
	agent->applied_ms = clock_mono_ms();
	(void)notify_stopping();
	(void)uv_timer_stop(&agent->debounce);
	(void)uv_timer_stop(&agent->trial);
	(void)uv_timer_start(&agent->period, on_stop_tick, 0, STOP_TICK_MS);
}

static int lock(struct agent *agent, struct err *err)
{
	agent->lock_fd = open(agent->paths.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (agent->lock_fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", agent->paths.lock,
			       strerror(errno));
	if (flock(agent->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EADDRINUSE,
			       "another weft-agent is running already (it holds %s)",
			       agent->paths.lock);
	return 0;
}

static int load(struct agent *agent, struct err *err)
{
	int r = storage_paths(agent->settings, &agent->paths, err);
	if (r == 0)
		r = recover_identity(agent, err);
	if (r == 0)
		r = storage_make_run_dir(agent->settings, err);
	if (r == 0)
		r = lock(agent, err);
	if (r < 0)
		return r;
	storage_boot_id(agent->boot_id, sizeof agent->boot_id);
	agent->desired = desired_new();
	agent->observed = entry_set_new();
	agent->report = report_new();
	if (!agent->desired || !agent->observed || !agent->report)
		return err_set(err, -ENOMEM, "out of memory");
	recover_restore(agent);
	recover_desired(agent);
	recover_settings(agent);
	trial_load(agent);
	return 0;
}

// Without a mark there is nothing to tell the connection by.
static uint32_t control_mask(const struct agent_settings *settings)
{
	return settings->control_mark & settings->control_mask ? settings->control_mask : 0;
}

static int open_kernel(struct agent *agent, struct err *err)
{
	const struct kernel_config config = { .wireguard = agent->settings->wireguard,
					      .wireguard_go = agent->settings->wireguard_go,
					      .route_protocol =
						      (uint8_t)agent->settings->route_protocol };
	struct reconcile_config reconcile = { .route_protocol = config.route_protocol,
					      .context = agent,
					      .resolve = on_resolve,
					      .save_restore = on_save_restore,
					      .restore = agent->restore,
					      .tree = on_tree,
					      .path = on_path,
					      .probing = links_probing,
					      .choose = gateways_choose,
					      .control = {
						      .mark = agent->settings->control_mark,
						      .mask = control_mask(agent->settings),
						      .priority = agent->settings->control_priority,
						      .table = agent->settings->control_table } };
	int r = kernel_open(&config, &agent->kernel, err);
	if (r == 0)
		r = kernel_events_open(config.route_protocol, &agent->events, err);
	if (r == 0)
		r = recover_key(agent, err);
	if (r == 0)
		r = kernel_key_parse(agent->identity.wg_private_key, &reconcile.private_key, err);
	if (r == 0)
		r = kernel_key_parse(agent->public_key, &reconcile.public_key, err);
	if (r < 0)
		return r;
	reconcile.kernel = agent->kernel;
	return reconcile_new(&reconcile, &agent->reconcile, err);
}

static void start_timer(struct agent *agent, uv_timer_t *timer, uv_timer_cb callback,
			uint64_t every_ms)
{
	(void)uv_timer_init(agent->loop, timer);
	timer->data = agent;
	if (every_ms)
		(void)uv_timer_start(timer, callback, every_ms, every_ms);
}

static void start_handles(struct agent *agent)
{
	static const int numbers[] = { SIGTERM, SIGINT };
	start_timer(agent, &agent->period, on_period, PERIOD_MS);
	start_timer(agent, &agent->debounce, NULL, 0);
	start_timer(agent, &agent->trial, NULL, 0);
	start_timer(agent, &agent->watchdog, on_watchdog, notify_watchdog_interval_ms());
	(void)uv_poll_init(agent->loop, &agent->events_poll, kernel_events_fd(agent->events));
	agent->events_poll.data = agent;
	(void)uv_poll_start(&agent->events_poll, UV_READABLE, on_kernel_event);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		(void)uv_signal_init(agent->loop, &agent->signals[i]);
		agent->signals[i].data = agent;
		(void)uv_signal_start(&agent->signals[i], on_signal, numbers[i]);
	}
}

static int open_parts(struct agent *agent, struct err *err)
{
	const struct uplink_events events = session_events(agent);
	const struct setting_list *hubs = &agent->settings->controllers;
	agent->names = names_new(agent->loop, on_names_change, agent);
	agent->hooks = hooks_new(agent->loop, agent->settings->hooks, hooking_told, agent);
	agent->addresses = map_new(free);
	agent->dead_wires = map_new(NULL);
	agent->resolver = resolver_new(agent);
	agent->splitter = splitter_new(agent);
	agent->icmp = icmp_new(agent->loop, err);
	agent->probe = agent->icmp ? probe_new(agent->loop, agent->icmp) : NULL;
	agent->checksum = checksum_new(agent->loop, on_checksum_off, agent);
	if (!agent->icmp)
		return err->code;
	if (!agent->names || !agent->hooks || !agent->addresses || !agent->dead_wires ||
	    !agent->probe || !agent->checksum || !agent->resolver || !agent->splitter)
		return err_set(err, -ENOMEM, "out of memory");
	int r = prober_new(agent->loop, links_changed, agent, &agent->prober, err);
	if (r == 0)
		r = paths_new(agent->loop, agent->identity.name,
			      (uint8_t)agent->settings->route_protocol, routes_changed, agent,
			      &agent->chooser, err);
	if (r == 0)
		r = gateways_open(agent, err);
	if (r < 0)
		return r;
	const struct tree_config tree = { .loop = agent->loop,
					  .kernel = agent->kernel,
					  .icmp = agent->icmp,
					  .path = agent->paths.tree,
					  .boot_id = agent->boot_id,
					  .measure = links_measure,
					  .changed = on_cost_change,
					  .context = agent };
	if (tree_new(&tree, &agent->tree, err) < 0)
		return err->code;
	const struct prober_rider rider = paths_rider(agent->chooser);
	prober_take_rider(agent->prober, &rider);
	r = ha_new(agent->loop, agent->settings->state_dir, groups_told, agent, &agent->ha, err);
	if (r < 0)
		return r;
	ha_on_claim(agent->ha, groups_claimed, agent);
	// Without an identity there is no session, but tunnels.
	if (!*agent->troubles[TROUBLE_IDENTITY].text) {
		agent->uplink =
			uplink_new(agent->loop, &agent->identity, agent->paths.clock, &events, err);
		if (!agent->uplink)
			return err->code;
		uplink_set_mark(agent->uplink, agent->settings->control_mark);
		if (hubs->len && uplink_set_hubs(agent->uplink, hubs->items, hubs->len, err) < 0)
			return err->code;
	}
	return control_open(agent->loop, agent->paths.control, answer_control, agent,
			    &agent->control, err);
}

static void agent_done(struct agent *agent)
{
	uplink_free(agent->uplink);
	reconcile_result_done(&agent->result);
	reconcile_free(agent->reconcile);
	kernel_events_free(agent->events);
	kernel_close(agent->kernel);
	json_decref(agent->restore);
	json_decref(agent->findings);
	report_free(agent->report);
	map_free(agent->active_links);
	entry_set_free(agent->observed);
	map_free(agent->addresses);
	map_free(agent->dead_wires);
	desired_free(agent->desired);
	desired_free(agent->other);
	identity_done(&agent->identity);
	storage_paths_done(&agent->paths);
	close_fd(&agent->lock_fd);
}

static int start(struct agent *agent, struct err *err)
{
	int r = load(agent, err);
	if (r == 0)
		r = open_kernel(agent, err);
	if (r == 0)
		r = open_parts(agent, err);
	if (r < 0)
		return r;
	start_handles(agent);
	log_info("node %s: %zu entries of revision %" PRId64 " from disk, WireGuard by %s",
		 agent->identity.name, entry_set_count(desired_entries(agent->desired)),
		 desired_revision(agent->desired), kernel_wireguard_name(agent->kernel));
	hooks_examine(agent->hooks);
	// Before any controller is heard: the data plane does not wait for one.
	apply_run(agent);
	trial_start(agent);
	uplink_start(agent->uplink);
	return 0;
}

int agent_run(const struct agent_settings *settings, struct err *err)
{
	uv_loop_t loop;
	struct agent agent = { .settings = settings, .lock_fd = -1, .started_ms = clock_mono_ms() };
	int r = uv_loop_init(&loop);
	if (r < 0)
		return err_set(err, r, "cannot start the event loop: %s", uv_strerror(r));
	(void)signal(SIGPIPE, SIG_IGN);
	agent.loop = &loop;
	r = start(&agent, err);
	if (r < 0)
		shut(&agent);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	agent_done(&agent);
	(void)uv_loop_close(&loop);
	return r;
}

// What an agent that is not running left of its HA groups.
static int remove_groups(struct err *err)
{
	CLEAN(vip_close_ptr) struct vip *vip = NULL;
	int r = vip_open(&vip, err);
	return r < 0 ? r : vip_drop_all(vip, err);
}

int agent_leave_host(const struct agent_settings *settings, struct err *err)
{
	struct agent agent = { .settings = settings, .lock_fd = -1 };
	int r = storage_paths(settings, &agent.paths, err);
	if (r < 0) {
		agent_done(&agent);
		return r;
	}
	recover_restore(&agent);
	const struct kernel_config config = { .wireguard = settings->wireguard,
					      .wireguard_go = settings->wireguard_go,
					      .route_protocol = (uint8_t)settings->route_protocol };
	struct reconcile_config reconcile = { .route_protocol = config.route_protocol,
					      .context = &agent,
					      .save_restore = on_save_restore,
					      .restore = agent.restore };
	r = kernel_open(&config, &agent.kernel, err);
	reconcile.kernel = agent.kernel;
	if (r == 0)
		r = reconcile_new(&reconcile, &agent.reconcile, err);
	if (r == 0)
		r = reconcile_remove_all(agent.reconcile, err);
	if (r == 0)
		r = remove_groups(err);
	if (r == 0)
		r = resolver_host_remove(agent.kernel, err);
	if (r == 0)
		r = resolver_remove(settings, err);
	// What could not be removed may be tried again: then the saved values are still needed.
	if (r == 0)
		r = storage_delete(settings, err);
	agent_done(&agent);
	return r;
}
