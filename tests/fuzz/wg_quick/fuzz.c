// Any bytes as wg-quick files; what parses is imported, and the fleet file must be valid YAML.
#include <stdint.h>
#include <stdlib.h>

#include "base/clean.h"
#include "settings/yaml.h"

#include "cli/wg_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(wg_quick_free_ptr) struct wg_quick *conf = NULL;
	if (size == 0 || size > 20000 || wg_quick_parse((const char *)data, size, &conf, NULL))
		return 0;
	struct wg_import_file file = { .path = "host/wg0.conf", .conf = conf };
	CLEAN(text_free) struct text fleet = { 0 };
	if (wg_import(&file, 1, &fleet, NULL))
		return 0;
	json_auto_t *value = NULL;
	if (yaml_parse(fleet.data, fleet.len, NULL, NULL, &value, NULL))
		abort();
	return 0;
}
