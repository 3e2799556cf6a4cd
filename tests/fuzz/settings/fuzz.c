// A settings file of either program: defaults and what the file says, or one sentence.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "settings/settings.h"
#include "settings/yaml.h"

#include "controller/settings.h"
#include "node-agent/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_table(const struct setting *table, const json_t *file, void *target)
{
	struct err err = { 0 };

	if (settings_parse(table, file, target, &err) == 0)
		settings_done(table, target);
	else if (err.text[0] == '\0' || strchr(err.text, '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *file = NULL;
	struct controller_settings controller = { 0 };
	struct agent_settings agent = { 0 };

	if (yaml_parse((const char *)data, size, NULL, NULL, &file, NULL) < 0)
		return 0;
	try_table(controller_settings_table, file, &controller);
	try_table(agent_settings_table, file, &agent);
	return 0;
}
