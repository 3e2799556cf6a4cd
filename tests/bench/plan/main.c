// What the planner alone costs: CPU time and the entries touched by changes of large networks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan/plan.h"

#define EDITS_MAX  4096
#define NETWORK_ID 1 // there is one, and it keeps its id when it is replaced

struct bench {
	struct fleet *fleet;
	int64_t last_id, revision;
	struct fleet_edit edits[EDITS_MAX];
	size_t edit_count;
};

static void fail(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench-plan: %s: %s\n", what, err->text);
	exit(1);
}

static double cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// Notes one object of the next change; takes the JSON.
static void put(struct bench *b, enum fleet_kind kind, const char *name, json_t *spec,
		json_t *facts)
{
	struct fleet_edit *e = &b->edits[b->edit_count++];
	int64_t id = kind == FLEET_NETWORK ? NETWORK_ID : ++b->last_id;
	const struct fleet_source source = { kind, id, name, spec, facts };
	struct err err = { 0 };

	*e = (struct fleet_edit){ .before = fleet_find(b->fleet, kind, name) };
	if (e->before)
		(void)fleet_object_ref(e->before);
	if (fleet_object_new(&source, &e->after, &err) < 0)
		fail(name, &err);
	json_decref(spec);
	json_decref(facts);
}

static void put_node(struct bench *b, const char *name, int number, const char *site)
{
	char key[45] = "";

	(void)snprintf(key, sizeof key, "%042dA=", number);
	put(b, FLEET_NODE, name,
	    json_pack("{s:o, s:s*}", "address",
		      json_sprintf("198.%d.%d.%d", 18 + number / 65536, number / 256 % 256,
				   number % 256),
		      "site", site),
	    json_pack("{s:s}", "public_key", key));
}

// Plans what was applied and allocated; how long the longest piece took.
static double plan(struct bench *b, const char *what, struct plan_deltas *ret_deltas)
{
	CLEAN(plan_work_free_ptr) struct plan_work *work = NULL;
	struct err err = { 0 };
	double longest = 0, start = cpu_ms();
	int rc = plan_begin(b->fleet, b->edits, b->edit_count, &work, &err);

	(void)fleet_revert(b->fleet, b->edits, b->edit_count);
	alloc_rewind(fleet_alloc(b->fleet));
	do {
		double took = cpu_ms() - start;

		longest = took > longest ? took : longest;
		start = cpu_ms();
		rc = rc < 0 ? rc : plan_step(work, &err);
	} while (rc > 0);
	if (rc < 0 || fleet_apply(b->fleet, b->edits, b->edit_count) < 0)
		fail(what, &err);
	alloc_replay(fleet_alloc(b->fleet));
	plan_take(work, ret_deltas);
	double took = cpu_ms() - start;
	return took > longest ? took : longest;
}

static void commit(struct bench *b, const char *what)
{
	struct plan_deltas deltas = { 0 };
	struct problem_list problems = { 0 };
	struct err err = { 0 };
	size_t entries = 0, cut = 0;
	double start = cpu_ms();

	if (fleet_apply(b->fleet, b->edits, b->edit_count) < 0 ||
	    plan_check(b->fleet, b->edits, b->edit_count, &problems) < 0 ||
	    plan_allocate(b->fleet, b->edits, b->edit_count, ++b->revision, &err) < 0)
		fail(what, &err);
	double longest = plan(b, what, &deltas);
	double took = cpu_ms() - start;
	if (problem_list_any(&problems)) {
		(void)problem_list_err(&problems, &err);
		fail(what, &err);
	}
	for (size_t i = 0; i < deltas.count; i++) {
		entries += deltas.items[i].count;
		cut += deltas.items[i].is_whole ? 0 : 1;
	}
	(void)printf(
		"%-46s %9.1f ms CPU, at most %5.1f in one piece %5zu nodes %8zu entries listed",
		what, took, longest, deltas.count, entries);
	(void)printf(cut ? ", %zu nodes by comparison\n" : "\n", cut);
	(void)fflush(stdout);
	alloc_commit(fleet_alloc(b->fleet));
	plan_deltas_done(&deltas);
	problem_list_done(&problems);
	for (size_t i = 0; i < b->edit_count; i++) {
		fleet_object_unref(b->edits[i].before);
		fleet_object_unref(b->edits[i].after);
	}
	b->edit_count = 0;
}

static json_t *names(int first, int count)
{
	json_t *list = json_array();

	for (int i = first; i < first + count; i++)
		(void)json_array_append_new(list, json_sprintf("n%05d", i));
	return list;
}

static void begin(struct bench *b)
{
	const struct fleet_settings settings = { 4789,  51820, { 0xfd, 1, 2, 3, 4, 5 }, 862, 863,
						 { 7 }, { 0 } };

	*b = (struct bench){ .fleet = fleet_new(&settings), .last_id = NETWORK_ID };
}

static void put_nodes(struct bench *b, int first, int count, bool has_site)
{
	char name[16], site[16];

	for (int i = first; i < first + count; i++) {
		(void)snprintf(name, sizeof name, "n%05d", i);
		(void)snprintf(site, sizeof site, "s%05d", i);
		if (has_site)
			put(b, FLEET_SITE, site,
			    json_pack("{s:[o]}", "lan",
				      json_sprintf("10.%d.%d.0/24", i / 256, i % 256)),
			    NULL);
		put_node(b, name, i, has_site ? site : NULL);
	}
}

static void mesh(struct bench *b, int count)
{
	begin(b);
	put_nodes(b, 0, count, false);
	commit(b, "mesh: its nodes, not linked yet");
	put(b, FLEET_NETWORK, "wide", json_pack("{s:o}", "mesh", names(0, count)), NULL);
	commit(b, "mesh: the network over them");
	put_nodes(b, count, 1, false);
	put(b, FLEET_NETWORK, "wide", json_pack("{s:o}", "mesh", names(0, count + 1)), NULL);
	commit(b, "mesh: one node more");
	put(b, FLEET_LINK, "wide.n00000.n00001",
	    json_pack("{s:s, s:[s, s], s:b}", "network", "network/wide", "ends", "n00000", "n00001",
		      "disabled", 1),
	    NULL);
	commit(b, "mesh: one link off");
	fleet_free(b->fleet);
}

static void hub(struct bench *b, int count)
{
	begin(b);
	put_nodes(b, 0, count, true);
	put(b, FLEET_NETWORK, "wide",
	    json_pack("{s:s, s:o}", "hub", "n00000", "spokes", names(1, count - 1)), NULL);
	commit(b, "hub and spokes with LANs: all of it");
	put_nodes(b, count, 1, true);
	put(b, FLEET_NETWORK, "wide",
	    json_pack("{s:s, s:o}", "hub", "n00000", "spokes", names(1, count)), NULL);
	commit(b, "hub and spokes with LANs: one site more");
	fleet_free(b->fleet);
}

int main(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof *b);

	if (!b || argc != 3) {
		(void)fprintf(stderr, "usage: bench-plan NODES-OF-THE-MESH SITES-OF-THE-HUB\n");
		return 2;
	}
	mesh(b, atoi(argv[1]));
	hub(b, atoi(argv[2]));
	free(b);
	return 0;
}
