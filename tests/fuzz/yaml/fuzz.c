// Any bytes as YAML: either one sentence, or a value that is written and read back as itself.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "settings/yaml.h"
#include "settings/yaml_emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *value = NULL;
	json_auto_t *back = NULL;
	struct err err = { 0 };
	if (yaml_parse((const char *)data, size, "input", NULL, &value, &err) < 0) {
		if (value || err.text[0] == '\0' || strchr(err.text, '\n'))
			abort();
		return 0;
	}
	CLEAN(free_ptr) char *text = yaml_format(value);
	if (!text || yaml_parse(text, strlen(text), NULL, NULL, &back, &err) < 0)
		abort();
	if (!json_equal(value, back))
		abort();
	return 0;
}
