// Any JSON body against every spec: bounded answers, and nothing that was accepted upsets what
// comes after.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "model/json.h"
#include "model/kinds.h"
#include "model/schema.h"
#include "settings/yaml.h"

extern const unsigned char openapi_yaml[];
extern const size_t openapi_yaml_size;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Loaded once and never freed: the process is the fuzzer's.
static struct schema *load_schema(void)
{
	static struct schema *schema;
	json_auto_t *document = NULL;
	if (schema)
		return schema;
	if (yaml_parse((const char *)openapi_yaml, openapi_yaml_size, NULL, NULL, &document, NULL) <
		    0 ||
	    schema_load(document, &schema, NULL) < 0)
		abort();
	return schema;
}

static int visit(const struct kind_reference_at *at, void *data)
{
	(void)data;
	// A checked spec refers only to the right kinds.
	if (!at->name || strlen(at->path) > 200)
		abort();
	return 0;
}

static void use_spec(const struct schema *schema, const struct kind *kind, const json_t *value)
{
	CLEAN(problem_list_done) struct problem_list found = { 0 };
	json_auto_t *filled = json_deep_copy(value);
	json_auto_t *differences = json_diff_list(NULL, value);
	if (!differences || schema_fill_defaults(schema, kind->schema, filled, NULL) < 0)
		abort();
	(void)kind_walk_references(kind, value, visit, NULL);
	(void)kind_rename_references(kind, filled, KIND_NODES, "a", "b");
	kind_check_spec(kind, "home.a.b", value, "x", &found);
	// Defaults are valid, so filling them in cannot make a good spec bad.
	schema_check(schema, kind->schema, filled, "", &found);
}

static void check_problems(const struct problem_list *problems)
{
	json_auto_t *json = problem_list_json(problems);
	if (!json || json_array_size(json) != problems->len)
		abort();
	for (size_t i = 0; i < problems->len; i++) {
		if (problems->items[i].text[0] == '\0' || strlen(problems->items[i].text) > 600)
			abort();
	}
}

static void check_against(const struct schema *schema, const char *name, const json_t *value)
{
	CLEAN(problem_list_done) struct problem_list problems = { 0 };
	schema_check(schema, name, value, "body", &problems);
	check_problems(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema *schema = load_schema();
	json_auto_t *value =
		json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!value)
		return 0;
	check_against(schema, "ApplyRequest", value);
	check_against(schema, "EnrolRequest", value);
	check_against(schema, "Login", value);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		CLEAN(problem_list_done) struct problem_list problems = { 0 };
		schema_check(schema, kinds[i].schema, value, "", &problems);
		check_problems(&problems);
		if (!problem_list_any(&problems))
			use_spec(schema, &kinds[i], value);
	}
	return 0;
}
