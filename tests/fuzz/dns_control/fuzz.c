// Requests at weft-dns' control socket, by which weft-proxy tells what strangers' flows say: each
// is answered by an object, and whatever was told or asked before does no harm to the next one.
#include <stdlib.h>
#include <string.h>

#include "dns/control_answer.h"
#include "dns/learn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Nobody listens at the places that it speaks of.
static const char config[] =
	"{\"listen\": [\"127.0.0.1\"], \"clients\": [\"10.0.0.0/8\"], \"upstreams\": "
	"[\"127.0.0.1:9\"],"
	"\"sets\": \"/nonexistent/sets\", \"log\": \"all\","
	"\"zones\": [{\"zone\": \"lan.example\", \"records\": [{\"name\": \"www\", \"type\": "
	"\"CNAME\", "
	"\"data\": \"www.example\"}]}],"
	"\"policies\": [{\"id\": 1, \"name\": \"home\", \"from\": [\"10.0.0.0/8\"], \"rules\": ["
	"{\"number\": 1, \"to\": [], \"lists\": [{\"id\": 7, \"name\": \"tv\"}], \"verdict\": "
	"\"block\","
	" \"nxdomain\": true},"
	"{\"number\": 2, \"to\": [], \"verdict\": \"mark\", \"mark\": 65536}]}]}";

static uv_loop_t loop;
static struct dns_server server = { .loop = &loop };

static void begin(void)
{
	const struct dns_cache_config cache = { .bytes = 1 << 20 };
	struct err err = { 0 };
	if (uv_loop_init(&loop) < 0 || exchange_host_init(&server.host, &loop, &err) < 0)
		abort();
	service_reread_init(&server.reread, &loop, "config.json", &(struct service_reader){ 0 });
	server.config = dns_config_parse(config, strlen(config), &err);
	server.cache = dns_cache_new(&cache);
	server.journal = dns_journal_new(16);
	server.upstreams = dns_upstreams_new(&server.host);
	server.asks = dns_asks_new(&server);
	server.learn = dns_learn_new(&server);
	if (!server.config || !server.cache || !server.journal || !server.upstreams ||
	    !server.asks || !server.learn)
		abort();
	dns_learn_configure(server.learn, NULL);
}

// An answer that holds an address is in the cache, and one was learned.
static void know(void)
{
	static const uint8_t message[] = "\0\1\x81\x80\0\1\0\1\0\0\0\0\1a\7example\0\0\1\0\1"
					 "\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xc0\0\2\1";
	struct name name;
	const struct decide_set lists = { { 1 } };
	if (name_parse("a.example", 9, &name, NULL) < 0)
		abort();
	const struct dns_key key = { &name, DNS_A, DNS_IN, 0, false };
	(void)dns_cache_put(server.cache, &key, message, sizeof(message) - 1, 3600, 0);
	(void)dns_learn_answer(server.learn, &name, &lists, message, sizeof(message) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!server.config) {
		begin();
		know();
	}
	json_auto_t *request = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	const char *what = json_string_value(json_object_get(request, "do"));
	if (what && strcmp(what, "reload") == 0) // of a file that there is not
		return 0;
	json_auto_t *answer = dns_control_answer(&server, request, size % 2);
	if (!json_is_object(answer))
		abort();
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	return 0;
}
