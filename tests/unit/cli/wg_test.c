// wg-quick files: parsing, also of hostile ones, and the fleet file made of five hosts.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clean.h"
#include "base/file.h"
#include "settings/yaml.h"

#include "cli/pin.h"
#include "cli/wg_import.h"

#define KEY_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define KEY_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="

// The expected key is what `wg pubkey` and OpenSSL's command line say.
static void derives_public_keys(void **state)
{
	(void)state;
	char key[WIREGUARD_KEY_TEXT_SIZE] = "untouched";
	assert_true(wireguard_public_key(KEY_A, key));
	assert_string_equal(key, "pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=");
	static const char *const bad[] = { "",
					   "AQ==",
					   KEY_A "A",
					   "AQEB QEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
					   "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=",
					   "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(wireguard_public_key(bad[i], key));
}

static void parses(void **state)
{
	(void)state;
	static const char conf[] = "[interface]\r\n"
				   "privatekey=" KEY_A "\r\n"
				   "Address = 10.0.0.1/24,fd00::1/64 # both\n"
				   "Address = 10.0.1.1\n"
				   "ListenPort = 51820\nPostUp = a = b # c\nPostUp = d\n\n"
				   "# Name = bob\n[Peer]\nPublicKey = " KEY_B "\n"
				   "AllowedIPs = 10.0.0.2/32, 192.168.1.7/24\n"
				   "Endpoint = [2001:db8::1]:500\nPersistentKeepalive = 25\n"
				   "[Peer]\n# carol\nPublicKey = " KEY_A "\nPresharedKey = secret\n"
				   "Endpoint = carol.example:51820\nPersistentKeepalive = off\n";
	struct err err = { 0 };
	CLEAN(wg_quick_free_ptr) struct wg_quick *q = NULL;
	assert_int_equal(wg_quick_parse(conf, sizeof(conf) - 1, &q, &err), 0);
	assert_int_equal(q->addresses.len, 3);
	assert_int_equal(q->addresses.items[2].length, 32);
	assert_int_equal(q->listen_port, 51820);
	assert_int_equal(q->extras[WG_EXTRA_POST_UP], 2);
	assert_int_equal(q->n_peers, 2);
	assert_string_equal(q->peers[0].label, "bob");
	assert_string_equal(q->peers[0].endpoint.host, "2001:db8::1");
	assert_int_equal(q->peers[0].keepalive, 25);
	assert_string_equal(q->peers[1].label, "carol");
	assert_true(q->peers[1].has_preshared_key);
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *conf;
		const char *says;
	} cases[] = {
		{ "", "neither a PrivateKey nor a [Peer]" },
		{ "PrivateKey = " KEY_A, "line 1: it stands before any section" },
		{ "[Interface]\nPrivateKey = hunter2\n", "line 2: PrivateKey is not a key" },
		{ "[Interface]\nPrivateKey = \n", "line 2: PrivateKey is not a key" },
		{ "[Interface]\nhunter2\n", "line 2: neither a section" },
		{ "[Interface]\nhunter2 = hunter2\n", "line 2: unknown key in [Interface]" },
		{ "[Interface]\nListenPort = 65536\n", "line 2: the number is not valid" },
		{ "[Interface]\nListenPort = -1\n", "line 2: the number is not valid" },
		{ "[Interface]\nAddress = 10.0.0.1/33\n", "line 2:" },
		{ "[Frob]\n", "line 1: unknown section" },
		{ "[Peer]\nAllowedIPs = 10.0.0.0/8\n", "peer 1 has no PublicKey" },
		{ "[Peer]\nEndpoint = :::\n", "line 2:" },
		{ "[Peer]\nPublicKey = " KEY_A "x\n", "line 2: PublicKey is not a key" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		struct wg_quick *q = NULL;
		assert_int_equal(wg_quick_parse(cases[i].conf, strlen(cases[i].conf), &q, &err),
				 -EINVAL);
		assert_null(q);
		if (!strstr(err.text, cases[i].says))
			fail_msg("\"%s\" is not in \"%s\"", cases[i].says, err.text);
		assert_null(strstr(err.text, "hunter2"));
	}
	struct err err = { 0 };
	struct wg_quick *q = NULL;
	assert_int_equal(wg_quick_parse("[Peer]\0", 7, &q, &err), -EINVAL);
	assert_int_equal(wg_quick_parse("", WG_QUICK_BYTES_MAX + 1, &q, &err), -EFBIG);
}

static char *read_text(const char *name)
{
	char path[300];
	char *text = NULL;
	struct err err = { 0 };
	(void)snprintf(path, sizeof(path), "%s/tests/unit/cli/%s", WEFT_SOURCE_DIR, name);
	assert_int_equal(file_read(path, 1 << 20, &text, NULL, &err), 0);
	return text;
}

static void imports_five_hosts(void **state)
{
	(void)state;
	static const char *const names[] = { "rho", "epsilon", "bob", "vorke", "pi0" };
	struct wg_import_file files[ARRAY_LEN(names)];
	char paths[ARRAY_LEN(names)][32];
	struct err err = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "wg/%s.conf", names[i]);
		(void)snprintf(paths[i], sizeof(paths[i]), "%s.conf", names[i]);
		CLEAN(free_ptr) char *text = read_text(name);
		files[i] = (struct wg_import_file){ .path = paths[i] };
		assert_int_equal(wg_quick_parse(text, strlen(text), &files[i].conf, &err), 0);
	}
	CLEAN(text_free) struct text fleet = { 0 };
	assert_int_equal(wg_import(files, ARRAY_LEN(names), &fleet, &err), 0);
	CLEAN(free_ptr) char *wanted = read_text("golden/mesh.yaml");
	assert_string_equal(fleet.data, wanted);
	json_auto_t *yaml = NULL;
	assert_int_equal(yaml_parse(fleet.data, fleet.len, NULL, NULL, &yaml, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_null(strstr(fleet.data, files[i].conf->private_key));
		wg_quick_free(files[i].conf);
	}
}

// The LAN behind one spoke is routed through the hub by the other: it stands behind the spoke only.
static void finds_the_owner_of_a_lan(void **state)
{
	(void)state;
	static const char hub[] =
		"[Interface]\nPrivateKey=" KEY_A "\nAddress=10.0.0.1/24\n[Peer]\n"
		"PublicKey=zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=\n"
		"AllowedIPs=10.0.0.2/32,192.168.2.0/24\n[Peer]\n"
		"PublicKey=Xf7dO2vUf2+ijuFdlp1bsOpTd01Ii9r53xxuASSz7yI=\nAllowedIPs=10.0.0.3\n";
	static const char spoke[] =
		"[Interface]\nPrivateKey=AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n"
		"Address=10.0.0.3/24\n[Peer]\n"
		"PublicKey=pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=\n"
		"AllowedIPs=10.0.0.0/24,192.168.2.0/24\nEndpoint=hub.example:51820\n";
	struct wg_import_file files[2] = { { .path = "On.conf" }, { .path = "x/My Spoke.conf" } };
	struct err err = { 0 };
	assert_int_equal(wg_quick_parse(hub, strlen(hub), &files[0].conf, &err), 0);
	assert_int_equal(wg_quick_parse(spoke, strlen(spoke), &files[1].conf, &err), 0);
	CLEAN(text_free) struct text fleet = { 0 };
	assert_int_equal(wg_import(files, 2, &fleet, &err), 0);
	assert_non_null(
		strstr(fleet.data, "  peer-zo060cy2m: {lan: [\"192.168.2.0/24\"]}\nnetworks"));
	assert_non_null(
		strstr(fleet.data, "    hub: \"on\"\n    spokes: [my-spoke, peer-zo060cy2m]\n"));
	wg_quick_free(files[0].conf);
	wg_quick_free(files[1].conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_public_keys),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(imports_five_hosts),
		cmocka_unit_test(finds_the_owner_of_a_lan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
