#include "settings.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define STATE_DIR "/var/lib/weft-agent"

enum { CONFIG_MAX = 1 << 20 };

#define AT(field) offsetof(struct agent_settings, field)

const struct setting agent_settings_table[] = {
	{ "state_dir", SETTING_PATH, AT(state_dir), .text = STATE_DIR,
	  .help = "keys, certificate and the last desired state" },
	{ "run_dir", SETTING_PATH, AT(run_dir), .text = "/run/weft-agent",
	  .help = "the control socket" },
	{ "dns_dir", SETTING_PATH, AT(dns_dir), .text = "/var/lib/weft-dns",
	  .help = "configuration and lists of weft-dns; nothing else may be in it" },
	{ "log.level", SETTING_LOG_LEVEL, AT(log_level), .text = "info",
	  .help = "error, warn, info or debug" },
	{ "wireguard", SETTING_CHOICE, AT(wireguard), .text = "auto",
	  .choices = "auto|kernel|wireguard-go", .help = "auto: the kernel's where there is one" },
	{ "wireguard_go", SETTING_STRING, AT(wireguard_go), .text = "wireguard-go",
	  .help = "the program, a path or a name" },
	{ "hooks", SETTING_PATH, AT(hooks), .text = "/etc/weft/hooks.d",
	  .help = "a file for each command that may be run when something happens to a link" },
	{ "route_protocol", SETTING_U32, AT(route_protocol), .min = 5, .max = 255, .number = 87,
	  .help = "marks the routes that Weft made (rtnetlink protocol number)" },
	{ "conflicts_every", SETTING_DURATION_MS, AT(conflicts_every_ms), .min = 2000,
	  .max = 86400000, .number = 60000,
	  .help = "time between two looks for what stands in Weft's way on this host" },
	{ "control.mark", SETTING_U32, AT(control_mark), .max = UINT32_MAX, .number = 0x10000000,
	  .help = "mark of the connection to the controller; 0: no mark, and no rule for it" },
	{ "control.mask", SETTING_U32, AT(control_mask), .max = UINT32_MAX, .number = 0x10000000,
	  .help = "bits of a mark that control.mark decides" },
	{ "control.priority", SETTING_U32, AT(control_priority), .min = 1, .max = 32765,
	  .number = 1, .help = "priority of the rule for that mark, before everybody else's" },
	{ "control.table", SETTING_U32, AT(control_table), .min = 1, .max = UINT32_MAX,
	  .number = 254, .help = "routing table that the rule leads to (254: main)" },
	{ "controllers", SETTING_STRING_LIST, AT(controllers),
	  .help = "host:port of hubs to use instead of those learned at joining" },
	{ 0 },
};

int agent_settings_read(const char *path, struct agent_settings *ret_settings, struct err *err)
{
	struct agent_settings settings = { 0 };
	int r = settings_read(agent_settings_table, path ? path : AGENT_CONFIG_PATH, path == NULL,
			      &settings, err);
	if (r < 0)
		return r;
	settings.is_usual = path == NULL;
	settings.file = path;
	*ret_settings = settings;
	return 0;
}

int agent_settings_read_copy(const char *why, struct agent_settings *ret_settings, struct err *err)
{
	struct agent_settings settings = { 0 };
	int r = settings_read(agent_settings_table, STATE_DIR "/" AGENT_CONFIG_COPY, false,
			      &settings, err);
	if (r < 0)
		return r;
	settings.trouble = text_format("%s: the settings of the last good start are in force until "
				       "that file is mended and the agent restarted",
				       why);
	if (!settings.trouble) {
		agent_settings_done(&settings);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*ret_settings = settings;
	return 0;
}

void agent_settings_keep(const struct agent_settings *settings, const char *copy)
{
	CLEAN(free_ptr) char *now = NULL;
	CLEAN(free_ptr) char *kept = NULL;
	if (!settings->is_usual)
		return;
	if (file_read(AGENT_CONFIG_PATH, CONFIG_MAX, &now, NULL, NULL) < 0) {
		// No file is a good one too, but not one to go back to.
		(void)unlink(copy);
		return;
	}
	if (file_read(copy, CONFIG_MAX, &kept, NULL, NULL) < 0 || strcmp(now, kept) != 0)
		(void)file_replace(copy, now, strlen(now), 0600, NULL);
}

void agent_settings_done(struct agent_settings *settings)
{
	free(settings->trouble);
	settings->trouble = NULL;
	settings_done(agent_settings_table, settings);
}

char *agent_state_path(const struct agent_settings *settings, const char *file)
{
	return text_format("%s/%s", settings->state_dir, file);
}

char *agent_run_path(const struct agent_settings *settings, const char *file)
{
	return text_format("%s/%s", settings->run_dir, file);
}
