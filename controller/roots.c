// Where the trees of the bridge segments have their roots, by what their nodes measure: decided
// here (plan/root.h), kept as facts of the nodes, told to them as their bridges' priorities.
//
// One segment is looked at each second, and each at most every five: of 1,000 nodes in segments of
// 64 each has its turn four times a minute. What nodes tell is enough: their ports' costs change
// only when the measurements insist, so nobody has to watch.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/kinds.h"

#include "plan/root.h"
#include "program.h"

// Who has just come may not have been measured, who has just gone may come back.
enum { EVERY_S = 5, PATIENCE_S = 60, CALM_S = 10, GONE_S = 600 };

// A segment whose root was chosen by this process, or by one before it. Nodes are kept by id: their
// numbers change as nodes come and go.
struct rooted {
	struct rooted *next;
	int64_t segment_id;
	int64_t root_id, second_id, wanted_id; // 0: none
	int64_t since_us;
	int64_t seen_s;  // the same nodes are there since then
	int64_t members; // who they are: a sum over their ids
};

static const char *network_of(const struct intent_resource *segment)
{
	const char *network = json_string_value(json_object_get(segment->spec, "network"));

	return network ? kind_reference_name(KIND_NETWORKS, network, NULL) : NULL;
}

static int64_t known_priority(const struct program *program, int64_t node_id, const char *segment)
{
	const json_t *facts = intent_facts(program->intent, node_id);
	const json_t *n = json_object_get(json_object_get(facts, "bridge_priority"), segment);

	return json_is_integer(n) ? json_integer_value(n) : ROOT_PRIORITY_OTHERS;
}

static int place_of(const struct live_tree *tree, int64_t node_id)
{
	for (size_t i = 0; i < tree->nodes_count; i++)
		if (tree->nodes[i].id == node_id)
			return (int)i;
	return -1;
}

static int64_t id_at(const struct live_tree *tree, int place)
{
	return place < 0 ? 0 : tree->nodes[place].id;
}

// What the controller that ran before had decided is in the facts.
static void recall(const struct program *program, struct rooted *r, const struct live_tree *tree,
		   const char *segment)
{
	for (size_t i = 0; i < tree->nodes_count; i++) {
		const int64_t n = known_priority(program, tree->nodes[i].id, segment);

		if (n == ROOT_PRIORITY)
			r->root_id = tree->nodes[i].id;
		else if (n == ROOT_PRIORITY_SECOND)
			r->second_id = tree->nodes[i].id;
	}
}

static struct rooted *rooted_of(struct program *program, int64_t segment_id)
{
	struct rooted *r = program->roots;

	while (r && r->segment_id != segment_id)
		r = r->next;
	if (r)
		return r;
	r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	*r = (struct rooted){ .next = program->roots,
			      .segment_id = segment_id,
			      .seen_s = clock_mono_ms() / 1000 };
	program->roots = r;
	return r;
}

static void note_members(struct rooted *r, const struct live_tree *tree)
{
	int64_t members = (int64_t)tree->nodes_count;

	for (size_t i = 0; i < tree->nodes_count; i++)
		members = (int64_t)((uint64_t)members * 31 + (uint64_t)tree->nodes[i].id);
	if (members != r->members)
		r->seen_s = clock_mono_ms() / 1000;
	r->members = members;
}

// Most are there to tell, and nobody is between two states: a node that went away lately may be
// restarting, or cut off by a change that it will undo, and a new revision would make one that
// refuses the last one try it again. A tree without its root heals by itself meanwhile.
static bool is_at_rest(const struct live_tree *tree)
{
	const int64_t now_ms = clock_wall_ms();
	size_t agreed = 0;

	for (size_t i = 0; i < tree->nodes_count; i++) {
		const struct live_tree_node *n = &tree->nodes[i];

		agreed += n->is_agreed;
		if (!n->is_agreed &&
		    (n->is_connected || now_ms - n->since_ms < (int64_t)GONE_S * 1000))
			return false;
	}
	return agreed * 2 > tree->nodes_count;
}

// What is still being measured is given a minute.
static bool is_ready(const struct rooted *r, const struct live_tree *tree)
{
	const int64_t calm_s = clock_mono_ms() / 1000 - r->seen_s;
	bool is_settled = true, is_any = false;

	for (size_t i = 0; i < tree->wires_count; i++) {
		const struct live_wire *w = &tree->wires[i];
		const bool is_up =
			w->state == LIVE_WIRE_FORWARDING || w->state == LIVE_WIRE_BLOCKED;

		is_any = is_any || is_up;
		is_settled = is_settled && (!is_up || w->is_settled);
	}
	return is_any && is_at_rest(tree) && calm_s >= CALM_S &&
	       (is_settled || calm_s >= PATIENCE_S);
}

// True when root or second are others now.
static bool choose(struct rooted *r, const struct live_tree *tree, struct root_choice *ret)
{
	CLEAN(free_ptr) struct root_link *links = calloc(tree->wires_count + 1, sizeof *links);
	size_t len = 0;

	*ret = (struct root_choice){ .root = place_of(tree, r->root_id),
				     .second = place_of(tree, r->second_id),
				     .wanted = place_of(tree, r->wanted_id),
				     .since_us = r->since_us };
	for (size_t i = 0; links && i < tree->wires_count; i++) {
		const struct live_wire *w = &tree->wires[i];

		if (w->state == LIVE_WIRE_FORWARDING || w->state == LIVE_WIRE_BLOCKED)
			links[len++] = (struct root_link){ w->a, w->b, (uint32_t)w->cost };
	}
	const bool is_news = links && root_choose(ret, links, len, (unsigned)tree->nodes_count,
						  clock_mono_ms() * 1000);
	r->root_id = id_at(tree, ret->root);
	r->second_id = id_at(tree, ret->second);
	r->wanted_id = id_at(tree, ret->wanted);
	r->since_us = ret->since_us;
	return is_news;
}

static void tell(struct program *program, const struct intent_resource *segment,
		 const struct live_tree *tree, const struct root_choice *c)
{
	char text[LIVE_REASON_SIZE];
	const struct live_event event = { .at_ms = clock_wall_ms(),
					  .node = "",
					  .severity = "info",
					  .kind = "tree_root",
					  .text = text };

	(void)snprintf(text, sizeof text,
		       "segment %s: the tree's root is to be at %s%s%s, by what its wires take",
		       segment->name, tree->nodes[c->root].name, c->second < 0 ? "" : ", after it ",
		       c->second < 0 ? "" : tree->nodes[c->second].name);
	log_info("%s", text);
	live_event_own(program->live, &event);
}

// A node whose priority is another now gets it as a fact, and with it a revision.
static void note_priorities(struct program *program, const struct live_tree *tree,
			    const char *segment, const struct root_choice *c)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < tree->nodes_count; i++) {
		const int64_t n = root_priority(c, i);

		if (n == known_priority(program, tree->nodes[i].id, segment))
			continue;
		json_auto_t *facts =
			json_pack("{s:{s:o}}", "bridge_priority", segment,
				  n == ROOT_PRIORITY_OTHERS ? json_null() : json_integer(n));
		if (facts && intent_set_facts(program->intent, tree->nodes[i].id, facts, &err) < 0)
			log_warn("segment %s: %s", segment, err.text);
	}
}

static void look_at(struct program *program, const struct intent_resource *segment)
{
	CLEAN(live_tree_done) struct live_tree tree = { 0 };
	const char *network = network_of(segment);
	struct rooted *r = rooted_of(program, segment->id);
	struct root_choice c;
	char id[24];

	if (!network || !r ||
	    live_tree_read(program->live, segment->name, network, &tree, NULL) < 0)
		return;
	(void)snprintf(id, sizeof id, "%lld", (long long)segment->id);
	note_members(r, &tree);
	if (!r->root_id)
		recall(program, r, &tree, id);
	if (!is_ready(r, &tree))
		return;
	if (choose(r, &tree, &c))
		tell(program, segment, &tree, &c);
	note_priorities(program, &tree, id, &c);
}

struct turn {
	struct program *program;
	int64_t left;
};

static bool take_turn(void *arg, const struct intent_resource *segment)
{
	struct turn *turn = arg;

	if (turn->left-- > 0)
		return true;
	look_at(turn->program, segment);
	return false;
}

void program_choose_root(struct program *program)
{
	const int64_t segments = (int64_t)intent_count(program->intent, kinds[KIND_SEGMENTS].name);
	const int64_t round = segments > EVERY_S ? segments : EVERY_S;
	struct turn turn = { program, program->root_turn++ % round };

	intent_list(program->intent, kinds[KIND_SEGMENTS].name, NULL, take_turn, &turn);
}

void program_forget_roots(struct program *program)
{
	for (struct rooted *r; (r = program->roots);) {
		program->roots = r->next;
		free(r);
	}
}
