#include "lab.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "box.h"
#include "fleet_up.h"
#include "pings.h"
#include "record.h"
#include "relay.h"
#include "wiring.h"

enum { EXIT_USAGE = 2, LIST_MAX = 32 };

struct lab_call {
	const char *lab;
	const char *files[LIST_MAX + 1];
	const char *nat[LIST_MAX + 1];
	size_t n_files;
	size_t n_nat;
	long port;
	long wait_s;
	bool is_ipv6;
	bool is_bare;
	bool is_help;
	char **words;
	int n_words;
};

struct lab_verb {
	const char *name;
	int min_words;
	int max_words; // -1: any
	int (*run)(const struct lab_call *call,
		   struct err *err); // an exit status, or a negative errno
};

static int run_up(const struct lab_call *call, struct err *err)
{
	struct up_options o = { .lab = call->lab,
				.files = call->files,
				.nat = call->nat,
				.port = (uint16_t)call->port,
				.is_ipv6 = call->is_ipv6,
				.is_bare = call->is_bare };
	if (call->n_files == 0)
		return err_set(err, -EINVAL, "name the fleet file with -f FILE");
	int r = lab_up(&o, err);
	if (r && r != -EEXIST)
		(void)lab_down(call->lab, NULL);
	return r;
}

static int run_down(const struct lab_call *call, struct err *err)
{
	return lab_down(call->lab, err);
}

static int run_exec(const struct lab_call *call, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	pid_t box;
	int r = record_load(&record, call->lab, err);
	if (!r)
		r = record_box(&record, call->words[0], &box, err);
	char **argv = call->words + 1;
	if (!r && strcmp(argv[0], "--") == 0)
		argv++;
	if (!r && !argv[0])
		return err_set(err, -EINVAL, "name the command to run");
	return r ? r : box_exec(box, argv, err);
}

// Enters a box by its pid; the lab's own way to run something inside and catch what it says.
static int run_enter(const struct lab_call *call, struct err *err)
{
	return box_exec((pid_t)strtol(call->words[0], NULL, 10), call->words + 1, err);
}

static int link_or_node(const struct record *record, const char *word, unsigned *ret_a,
			unsigned *ret_b, struct err *err)
{
	const struct lab_node *a = lab_sites_find(&record->sites, word);
	const struct lab_node *b = NULL;
	*ret_b = 0;
	if (strcmp(word, "controller") == 0) {
		*ret_a = LAB_CONTROLLER_INDEX;
		return 0;
	}
	if (!a) {
		int r = lab_sites_link(&record->sites, word, &a, &b, err);
		if (r)
			return r;
		*ret_b = b->index;
	}
	*ret_a = a->index;
	return 0;
}

static int cut(const struct lab_call *call, bool is_cut, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	pid_t internet;
	int r = record_load(&record, call->lab, err);
	if (!r)
		r = record_box(&record, "internet", &internet, err);
	for (int i = 0; i < call->n_words && !r; i++) {
		unsigned a;
		unsigned b;
		r = link_or_node(&record, call->words[i], &a, &b, err);
		if (!r)
			r = wiring_cut(internet, a, b, is_cut, err);
	}
	return r;
}

static int run_cut(const struct lab_call *call, struct err *err)
{
	return cut(call, true, err);
}

static int run_heal(const struct lab_call *call, struct err *err)
{
	return cut(call, false, err);
}

static int run_move(const struct lab_call *call, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	pid_t internet;
	pid_t box;
	int r = record_load(&record, call->lab, err);
	if (r)
		return r;
	const struct lab_node *node = lab_sites_find(&record.sites, call->words[0]);
	if (!node)
		return err_set(err, -ENOENT, "the lab has no node called %s", call->words[0]);
	CLEAN(free_ptr) char *outside = text_format("%s%s", node->name, node->is_nat ? "-nat" : "");
	json_t *moves = json_object_get(record.json, "moves");
	unsigned n = (unsigned)json_integer_value(json_object_get(moves, node->name)) + 1;
	r = outside ? record_box(&record, "internet", &internet, err)
		    : err_set(err, -ENOMEM, "out of memory");
	if (!r)
		r = record_box(&record, outside, &box, err);
	if (!r)
		r = wiring_move(internet, box, node, n, err);
	if (!r && json_object_set_new(moves, node->name, json_integer(n)) != 0)
		r = err_set(err, -ENOMEM, "out of memory");
	return r ? r : record_save(&record, err);
}

static int run_join(const struct lab_call *call, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	int r = record_load(&record, call->lab, err);
	return r ? r : lab_join(&record, call->words[0], err);
}

// What `eval` needs so that `weft` speaks to the lab's controller.
static int run_env(const struct lab_call *call, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	int r = record_load(&record, call->lab, err);
	if (!r)
		printf("export XDG_CONFIG_HOME=%s/config\nunset WEFT_URL WEFT_TOKEN WEFT_CA "
		       "WEFT_CONTEXT\n",
		       record.dir);
	return r;
}

static int run_status(const struct lab_call *call, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	int r = record_load(&record, call->lab, err);
	if (r)
		return r;
	printf("dashboard  https://127.0.0.1:%lld\n",
	       (long long)json_integer_value(json_object_get(record.json, "port")));
	printf("user       admin\n");
	printf("password   %s\n", json_string_value(json_object_get(record.json, "password")));
	const char *name;
	json_t *box;
	int gone = 0;
	json_object_foreach(json_object_get(record.json, "boxes"), name, box)
	{
		pid_t pid;
		bool is_up = record_box(&record, name, &pid, NULL) == 0;
		gone += !is_up;
		printf("host       %-16s %s\n", name, is_up ? "up" : "gone");
	}
	return gone ? 1 : 0;
}

static int run_ping(const struct lab_call *call, struct err *err)
{
	CLEAN(record_done) struct record record = { 0 };
	int r = record_load(&record, call->lab, err);
	return r ? r : pings_table(&record, call->wait_s, err);
}

static int run_box(const struct lab_call *call, struct err *err)
{
	(void)err;
	return box_main(call->words[0], call->words[1]);
}

static int run_relay(const struct lab_call *call, struct err *err)
{
	(void)err;
	long n[3];
	for (int i = 0; i < 3; i++)
		n[i] = strtol(call->words[i], NULL, 10);
	return relay_main((int)n[0], (pid_t)n[1], (uint16_t)n[2]);
}

// The last rows are what the lab calls itself by.
static const struct lab_verb lab_verbs[] = {
	{ "up", 0, 0, run_up },       { "status", 0, 0, run_status }, { "env", 0, 0, run_env },
	{ "ping", 0, 0, run_ping },   { "exec", 2, -1, run_exec },    { "cut", 1, -1, run_cut },
	{ "heal", 1, -1, run_heal },  { "move", 1, 1, run_move },     { "join", 1, 1, run_join },
	{ "down", 0, 0, run_down },   { "box", 2, 2, run_box },       { "enter", 2, -1, run_enter },
	{ "relay", 3, 3, run_relay },
};

const char lab_text[] =
	" weft lab up -f FILE... [--nat NODE]... [--ipv6] [--port N] [--bare]\n\n"
	"Starts an Internet, a controller and one box per node of FILE, applies FILE\n"
	"and lets the nodes join. --nat puts NODE behind a router that translates its\n"
	"address, --ipv6 makes names lead to IPv6 addresses, --port is where the\n"
	"dashboard answers on 127.0.0.1 (0: any), and --bare lets no node join.\n\n"
	" weft lab status\n"
	" weft lab ping [--wait SECONDS]\n"
	" weft lab exec HOST -- COMMAND...\n"
	" eval \"$(weft lab env)\"\n\n"
	"How it stands, with the dashboard's URL and password; a table of pings\n"
	"between all nodes; a command on a node, on \"internet\" or on \"controller\";\n"
	"and what makes the other verbs of weft speak to this controller.\n\n"
	" weft lab cut LINK|NODE...\n"
	" weft lab heal LINK|NODE...\n"
	" weft lab move NODE\n"
	" weft lab join NODE\n"
	" weft lab down\n\n"
	"Pulls a cable (rho-bob, or every cable of rho) and plugs it in again; gives a\n"
	"node another address; lets a node join that --bare left out; removes every\n"
	"trace.\n\n"
	"--lab NAME, before or after these words, names one of several labs.\n";

static int refuse(const char *complaint, const char *word)
{
	(void)fprintf(stderr, "weft lab: %s%s (see weft lab --help)\n", complaint, word);
	return EXIT_USAGE;
}

static int add_word(const char **list, size_t *n, const char *word)
{
	if (*n == LIST_MAX)
		return -E2BIG;
	list[(*n)++] = word;
	return 0;
}

static int parse_options(struct lab_call *call, int argc, char **argv)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "nat", required_argument, NULL, 'n' },
		{ "lab", required_argument, NULL, 'l' },
		{ "port", required_argument, NULL, 'p' },
		{ "wait", required_argument, NULL, 'w' },
		{ "ipv6", no_argument, NULL, '6' },
		{ "bare", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	// '+': a command after `exec HOST` keeps its own options.
	for (int c; (c = getopt_long(argc, argv, "+f:h", options, NULL)) != -1;) {
		int r = 0;
		if (c == 'f')
			r = add_word(call->files, &call->n_files, optarg);
		else if (c == 'n')
			r = add_word(call->nat, &call->n_nat, optarg);
		else if (c == 'l')
			call->lab = optarg;
		else if (c == 'p')
			call->port = strtol(optarg, NULL, 10);
		else if (c == 'w')
			call->wait_s = strtol(optarg, NULL, 10);
		else if (c == '6')
			call->is_ipv6 = true;
		else if (c == 'b')
			call->is_bare = true;
		else if (c == 'h')
			call->is_help = true;
		else
			return -EINVAL;
		if (r)
			return r;
	}
	return 0;
}

static const struct lab_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(lab_verbs); i++) {
		if (strcmp(lab_verbs[i].name, name) == 0)
			return &lab_verbs[i];
	}
	return NULL;
}

// The options before and after the verb's name, and its words. CLI's exit status, or -1: go on.
static int parse(struct lab_call *call, const struct lab_verb **ret_verb, int argc, char **argv)
{
	opterr = 0;
	optind = 1;
	if (parse_options(call, argc, argv))
		return refuse("a bad option: ", argv[optind - 1]);
	if (optind < argc && !call->is_help) {
		*ret_verb = find_verb(argv[optind]);
		if (!*ret_verb)
			return refuse("there is no verb ", argv[optind]);
		argc -= optind;
		argv += optind;
		optind = 1;
		if (parse_options(call, argc, argv))
			return refuse("a bad option: ", argv[optind - 1]);
	}
	if (call->is_help)
		return printf("usage: weft lab VERB ...\n\n%s", lab_text) < 0;
	if (!*ret_verb)
		return refuse("name what to do", "");
	call->words = argv + optind;
	call->n_words = argc - optind;
	if (call->n_words < (*ret_verb)->min_words ||
	    ((*ret_verb)->max_words >= 0 && call->n_words > (*ret_verb)->max_words))
		return refuse("the wrong number of words for ", (*ret_verb)->name);
	if (call->port < 0 || call->port > UINT16_MAX)
		return refuse("--port is not in 0..65535", "");
	return -1;
}

int lab_main(int argc, char **argv)
{
	struct lab_call call = { .lab = "lab", .port = 8443 };
	const struct lab_verb *verb = NULL;
	struct err err = { 0 };
	int r = parse(&call, &verb, argc, argv);
	if (r >= 0)
		return r;
	r = verb->run(&call, &err);
	if (r < 0)
		(void)fprintf(stderr, "weft lab %s: %s\n", verb->name, err.text);
	return r < 0 ? 1 : r;
}
