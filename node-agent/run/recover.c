#include "run/recover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include "run/state.h"
#include "run/storage.h"
#include "uplink/credential.h"

// An older generation takes away what came after it: a controller gets this long to prevent it.
enum { HOLD_MS = 10000, KEY_FILE_MODE = 0600 };

int recover_identity(struct agent *agent, struct err *err)
{
	struct err why = { 0 };
	int r = identity_load(agent->settings->state_dir, &agent->identity, &why);
	if (r < 0 && r != -EBADMSG)
		return err_set(err, r, "%s", why.text);
	if (r < 0)
		trouble_set(agent, TROUBLE_IDENTITY, TROUBLE_LASTS, "%s", why.text);
	if (!agent->identity.name)
		agent->identity.name = strdup("unknown");
	return agent->identity.name ? 0 : err_set(err, -ENOMEM, "out of memory");
}

void recover_restore(struct agent *agent)
{
	struct err err = { 0 };
	switch (storage_load_restore(agent->paths.restore, &agent->restore, &err)) {
	case FILE_FOUND:
	case FILE_NONE:
		break;
	case FILE_OLD:
		trouble_set(agent, TROUBLE_RESTORE, TROUBLE_IS_OVER, "%s", err.text);
		break;
	case FILE_LOST:
		trouble_set(agent, TROUBLE_RESTORE, TROUBLE_LASTS,
			    "%s: weft-agent leave will not set the sysctls back to what they "
			    "were before Weft; the rest works",
			    err.text);
		break;
	}
}

void recover_desired(struct agent *agent)
{
	struct err err = { 0 };
	switch (desired_load(agent->desired, agent->paths.desired, &err)) {
	case FILE_FOUND:
	case FILE_NONE:
		break;
	case FILE_OLD:
		agent->hold_until_ms = clock_mono_ms() + HOLD_MS;
		trouble_set(agent, TROUBLE_DESIRED, TROUBLE_LASTS,
			    "%s until a controller sends the newest state", err.text);
		break;
	case FILE_LOST:
		trouble_set(agent, TROUBLE_DESIRED, TROUBLE_LASTS,
			    "%s: what stands in the kernel is left as it is until a controller "
			    "sends the state anew",
			    err.text);
		break;
	}
}

void recover_settings(struct agent *agent)
{
	const struct agent_settings *settings = agent->settings;
	if (settings->trouble)
		trouble_set(agent, TROUBLE_SETTINGS, TROUBLE_LASTS, "%s", settings->trouble);
	else
		agent_settings_keep(settings, agent->paths.settings);
}

// The one key of all of Weft's devices; false when there is none, or not one.
static bool key_in_use(struct kernel *kernel, char ret[KERNEL_KEY_TEXT_SIZE])
{
	static const struct kernel_key none;
	CLEAN(kernel_snapshot_done) struct kernel_snapshot seen = { 0 };
	if (kernel_dump(kernel, &seen, NULL) < 0 || seen.wgs_len == 0)
		return false;
	const struct kernel_key *key = &seen.wgs[0].private_key;
	for (size_t i = 1; i < seen.wgs_len; i++) {
		if (memcmp(key, &seen.wgs[i].private_key, sizeof *key) != 0)
			return false;
	}
	if (memcmp(key, &none, sizeof none) == 0)
		return false;
	kernel_key_format(key, ret);
	return true;
}

static int save_key(const struct agent *agent, const char *key, struct err *err)
{
	CLEAN(free_ptr) char *bad = text_format("%s.bad", agent->paths.wg_key);
	if (bad)
		(void)rename(agent->paths.wg_key, bad);
	return file_replace(agent->paths.wg_key, key, strlen(key), KEY_FILE_MODE, err);
}

int recover_key(struct agent *agent, struct err *err)
{
	char key[KERNEL_KEY_TEXT_SIZE];
	struct err unsaved = { 0 };
	const char *file = agent->identity.wg_private_key;
	if (file && credential_wg_public(file, agent->public_key, NULL) == 0)
		return 0;
	bool is_in_use = key_in_use(agent->kernel, key);
	int r = is_in_use ? 0 : credential_make_wg_key(key, err);
	if (r == 0)
		r = credential_wg_public(key, agent->public_key, err);
	char *copy = r == 0 ? strdup(key) : NULL;
	if (r == 0 && !copy)
		r = err_set(err, -ENOMEM, "out of memory");
	if (r == 0 && save_key(agent, key, &unsaved) < 0)
		(void)err_prefix(&unsaved, "; it is not saved");
	explicit_bzero(key, sizeof key);
	if (r < 0)
		return r;
	identity_set_wg_key(&agent->identity, copy);
	trouble_set(agent, TROUBLE_KEY, TROUBLE_IS_OVER, "%s was damaged: %s%s",
		    agent->paths.wg_key,
		    is_in_use ? "the key was taken back from the WireGuard devices that use it"
			      : "there is a new key, which the peers learn from the controller",
		    unsaved.text);
	return 0;
}
