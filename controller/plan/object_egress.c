// Gateways, gateway-groups and policies as the planner takes them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/field.h"

#define HOLD_DOWN_DEFAULT_MS 30000

int gateway_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_gateway *gateway = &o->as.gateway;
	const char *uplink = json_string_value(json_object_get(o->spec, "uplink"));
	const char *slash = uplink ? strchr(uplink, '/') : NULL;
	const char *node = field_reference(json_object_get(o->spec, "node"), KIND_NODES);
	const json_t *checks = json_object_get(o->spec, "check"), *item;
	size_t i;

	if (slash)
		(void)snprintf(gateway->node, sizeof gateway->node, "%.*s", (int)(slash - uplink),
			       uplink);
	else if (node)
		(void)snprintf(gateway->node, sizeof gateway->node, "%s", node);
	else
		return err_set(err, -EINVAL, "gateways.%s: an uplink or a node is needed", o->name);
	gateway->uplink = slash ? slash + 1 : NULL;
	json_array_foreach((json_t *)checks, i, item)
	{
		if (gateway->n_checks < GATEWAY_CHECKS_MAX && json_is_string(item))
			gateway->checks[gateway->n_checks++] = json_string_value(item);
	}
	gateway->is_drained = json_is_true(json_object_get(o->spec, "drain"));
	gateway->probe = field_probe(o->spec);
	gateway->sla = field_reference(json_object_get(o->spec, "sla"), KIND_SLAS);
	return 0;
}

int gateway_group_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_gateway_group *group = &o->as.gateway_group;
	const char *choose = json_string_value(json_object_get(o->spec, "choose"));
	const json_t *list = json_object_get(o->spec, "try"), *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *name = field_reference(item, KIND_GATEWAYS);

		if (name && group->n_gateways < GATEWAYS_MAX)
			group->gateways[group->n_gateways++] = name;
	}
	if (group->n_gateways == 0)
		return err_set(err, -EINVAL, "gateway-groups.%s: gateways are needed", o->name);
	group->is_by_latency = choose && strcmp(choose, "latency") == 0;
	group->hold_down_ms = field_ms(o->spec, "hold_down", HOLD_DOWN_DEFAULT_MS);
	return 0;
}

int policy_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_policy *policy = &o->as.policy;
	const json_t *list = json_object_get(o->spec, "from"), *item;
	size_t i;

	policy->rules = json_object_get(o->spec, "rules");
	for (i = 0; i < json_array_size(policy->rules); i++)
		policy->has_lists =
			policy->has_lists || kind_rule_has_list(json_array_get(policy->rules, i));
	policy->sources = calloc(json_array_size(list) + 1, sizeof *policy->sources);
	if (!policy->sources)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);

		if (text && source_parse(text, &policy->sources[policy->n_sources], NULL) == 0)
			policy->n_sources++;
	}
	return 0;
}
