#include <errno.h>

#include "run/agent.h"
#include "run/state.h"
#include "run/storage.h"

int agent_boot_host(const struct agent_settings *settings, struct err *err)
{
	const struct kernel_config config = { .wireguard = settings->wireguard,
					      .wireguard_go = settings->wireguard_go,
					      .route_protocol = (uint8_t)settings->route_protocol };
	CLEAN(desired_free_ptr) struct desired *desired = desired_new();
	struct agent_paths paths = { 0 };
	struct kernel *kernel = NULL;
	int r = desired ? storage_paths(settings, &paths, err)
			: err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		(void)desired_load(desired, paths.desired, NULL);
	if (r == 0 && entry_set_count(desired_entries(desired)) > 0)
		r = kernel_open(&config, &kernel, err);
	if (r == 0 && kernel)
		r = reconcile_boot(kernel, config.route_protocol, desired_entries(desired), err);
	kernel_close(kernel);
	storage_paths_done(&paths);
	return r;
}
