#include "plan/numbers.h"

#include <string.h>

#include "plan/fleet_parts.h"

#define ULA_SEGMENT_BIT 0x8000 // segments' /64 lie in the upper half of the controller's /48

int64_t fleet_number(const struct fleet *fleet, const struct fleet_object *owner)
{
	char text[OWNER_TEXT_SIZE];

	owner_text(text, fleet_kind_name(owner->kind), owner->id);
	return alloc_number(
		fleet->alloc,
		owner->kind == FLEET_NETWORK ? POOL_NETWORK_NUMBER : POOL_SEGMENT_NUMBER, text);
}

static bool pool_ula(const struct fleet *fleet, const struct fleet_object *owner,
		     struct prefix *ret_pool)
{
	int64_t number = fleet_number(fleet, owner);
	struct prefix p = { .address = { .family = 6 }, .length = 64 };

	if (number == 0)
		return false;
	if (owner->kind == FLEET_SEGMENT)
		number |= ULA_SEGMENT_BIT;
	memcpy(p.address.bytes, fleet->settings.ula, sizeof fleet->settings.ula);
	p.address.bytes[6] = (uint8_t)(number >> 8);
	p.address.bytes[7] = (uint8_t)number;
	*ret_pool = p;
	return true;
}

bool fleet_pool(const struct fleet *fleet, const struct fleet_object *owner, int family,
		struct prefix *ret_pool)
{
	const struct fleet_pools *pools =
		owner->kind == FLEET_NETWORK ? &owner->as.network.pools : &owner->as.segment.pools;
	const struct prefix *written = family == 4 ? &pools->v4 : &pools->v6;
	char text[OWNER_TEXT_SIZE];

	if (written->address.family) {
		*ret_pool = *written;
		return true;
	}
	if (family == 6)
		return pool_ula(fleet, owner, ret_pool);
	owner_text(text, fleet_kind_name(owner->kind), owner->id);
	const char *value = alloc_text(fleet->alloc, POOL_PREFIX4, text);
	return value && prefix_parse(value, ret_pool, NULL) == 0;
}

int64_t fleet_index(const struct fleet *fleet, const struct fleet_object *scope,
		    const struct fleet_object *node)
{
	char pool[OWNER_TEXT_SIZE], owner[OWNER_TEXT_SIZE];

	index_pool(pool, fleet_kind_name(scope->kind), scope->id);
	owner_text(owner, "nodes", node->id);
	return alloc_number(fleet->alloc, pool, owner);
}

bool fleet_address(const struct fleet *fleet, const struct fleet_object *scope,
		   const struct fleet_object *node, int family, struct address *ret_address)
{
	struct prefix pool;
	int64_t index = fleet_index(fleet, scope, node);

	return index > 0 && fleet_pool(fleet, scope, family, &pool) &&
	       prefix_nth(&pool, (uint64_t)index, ret_address);
}

int fleet_network_port(const struct fleet *fleet, const struct fleet_object *network)
{
	if (network->as.network.port)
		return network->as.network.port;
	return fleet->settings.wireguard_port + (int)fleet_number(fleet, network) - 1;
}

int fleet_listen_port(const struct fleet *fleet, const struct fleet_object *network,
		      const struct fleet_object *node)
{
	return node->as.node.listen_port ? node->as.node.listen_port
					 : fleet_network_port(fleet, network);
}

// ---- of the kernel ----

int64_t fleet_mark_mask(const struct fleet *fleet)
{
	return fleet->settings.numbers.mark_mask;
}

int64_t fleet_mark(const struct fleet *fleet, int64_t number)
{
	const int64_t mask = fleet_mark_mask(fleet);

	return number * (mask & -mask);
}

int64_t fleet_table(const struct fleet *fleet, int64_t at)
{
	return fleet->settings.numbers.table_base + at;
}

int64_t fleet_passing_table(const struct fleet *fleet, int64_t segment_number)
{
	const int64_t room = TABLE_SPLIT - TABLE_PASSING;

	return fleet_table(fleet, segment_number < room
					  ? TABLE_PASSING + segment_number
					  : TABLE_PASSING_MORE + segment_number - room);
}

int64_t fleet_priority(const struct fleet *fleet, int64_t at)
{
	return fleet->settings.numbers.priority_base + at;
}

int64_t fleet_vni(const struct fleet *fleet, int64_t number)
{
	return fleet->settings.numbers.vni_base + number;
}
