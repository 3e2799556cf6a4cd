"""What is written for resolvers; lists that are fetched, read and handed to nodes; and what a node's resolver tells when asked."""

import hashlib
import http.client
import http.server
import os
import ssl
import threading
import time

from agent import Agent
from cli import signed_in, weft
from controller import Client, Controller, eventually, expect, refusal


class Lists:
    """A web server of one list, with the manners of a good one."""

    def __init__(self, text):
        self.text, self.status, self.tag, self.asked, self.unchanged = text, 200, '"1"', 0, 0
        lists = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                lists.asked += 1
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/list")
                    self.end_headers()
                    return
                is_known = lists.status == 200 and self.headers.get("If-None-Match") == lists.tag
                lists.unchanged += is_known
                self.send_response(304 if is_known else lists.status)
                self.send_header("ETag", lists.tag)
                self.end_headers()
                if not is_known:
                    self.wfile.write(lists.text.encode())

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/list"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, text):
        self.text, self.tag = text, f'"{hash(text)}"'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def status(c, name):
    return expect(c.admin.get(f"/api/v1/domain-lists/{name}/status"), 200).json


def refresh(c, name):
    return expect(c.admin.post(f"/api/v1/domain-lists/{name}/refresh"), 202).json


def content(c, agent, sha256):
    """What the hub's port hands to an agent under a hash: (status, bytes)."""
    context = ssl.create_default_context(cafile=os.path.join(c.state, "ca.crt"))
    context.check_hostname = False
    context.load_cert_chain(agent.certificate, agent.key)
    connection = http.client.HTTPSConnection("127.0.0.1", c.hub_port, timeout=20, context=context)
    connection.request("GET", "/api/v1/lists/" + sha256)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def put_refused(c, path, spec, *problems):
    answer = c.admin.put("/api/v1/" + path, spec)
    refusal(answer, 422)
    found = [(e["field"], e["text"]) for e in answer.json["errors"]]
    assert found == [(path.replace("/", ".") + field, text) for field, text in problems], found


def case_what_is_written_for_resolvers_is_held_to_its_rules(c):
    put_refused(c, "domain-lists/bad", {"names": ["a b"]}, (".names[0]", "`a b` is no domain name: it has a character that names do not have"))
    put_refused(c, "domain-lists/bad", {"file": "../passwd"}, (".file", "\"../passwd\" is no name of a file (letters, digits, _ . -)"))
    put_refused(c, "domain-lists/bad", {"url": "ftp://x"}, (".url", "\"ftp://x\" is no http:// or https:// URL in ASCII"))
    put_refused(c, "domain-lists/bad", {"names": [], "refresh": "1h"}, (".url", "it is missing and needed beside refresh"))
    put_refused(c, "domain-lists/bad", {}, ("", "its names come from one of names, url and file, not from 0"))
    put_refused(c, "resolvers/bad", {"upstreams": ["dns.example"], "nodes": ["x"]},
                (".upstreams[0]", '"dns.example" is no address: a resolver is not found by a name'))
    put_refused(c, "resolvers/bad", {"upstreams": ["9.9.9.9"], "nodes": ["nowhere"]}, (".nodes[0]", "there is no node nowhere"))
    put_refused(c, "resolvers/bad", {"upstreams": ["9.9.9.9"]}, ("", "it needs a site or nodes to run on"))
    put_refused(c, "blocklists/bad", {"lists": ["nowhere"]}, (".lists[0]", "there is no domain-list nowhere"))
    put_refused(c, "dns-zones/bad", {"zone": "weft.internal", "records": []}, (".zone", "weft.internal is made of the nodes and sites"))
    put_refused(c, "dns-zones/bad", {"zone": "x.example", "records": [{"name": "a", "a": "fd00::1"}]},
                (".records[0].a", "fd00::1 is no IPv4 address"))


def case_what_resolvers_need_cannot_go(c):
    expect(c.admin.post("/api/v1/apply", {"resources": {
        "sites": {"dns-here": {"lan": ["10.66.0.0/24"]}}, "nodes": {"dns-a": {"site": "dns-here"}, "dns-b": {}},
        "domain-lists": {"dns-l": {"names": ["x.example"]}}, "blocklists": {"dns-b": {"lists": ["dns-l"]}},
        "resolvers": {"dns-r": {"site": "dns-here", "upstreams": ["9.9.9.9"], "blocklists": ["dns-b"]}}}}), 200)
    assert "blocklist/dns-b" in refusal(c.admin.delete("/api/v1/domain-lists/dns-l"), 409)
    assert "resolver/dns-r" in refusal(c.admin.delete("/api/v1/blocklists/dns-b"), 409)
    refusal(c.admin.delete("/api/v1/sites/dns-here"), 409)
    expect(c.admin.post("/api/v1/domain-lists/dns-l/rename", {"name": "dns-m"}), 200)
    assert expect(c.admin.get("/api/v1/blocklists/dns-b"), 200).json["spec"]["lists"] == ["dns-m"]
    answer = c.admin.put("/api/v1/resolvers/dns-s", {"nodes": ["dns-a"], "upstreams": ["9.9.9.9"]})
    refusal(answer, 409)
    assert answer.json["errors"] == [{"field": "resolvers.dns-s.nodes", "text": "resolvers.dns-r runs on dns-a already"}], answer.json
    effective = expect(c.admin.get("/api/v1/resolvers/dns-r?effective=true"), 200).json["effective"]
    assert effective["nodes"] == ["dns-a"] and effective["rate"] == 300 and effective["log"] == "off", effective
    assert effective["at"]["dns-a"]["clients"] == ["10.66.0.0/24", "127.0.0.0/8", "::1/128"], effective
    table, rest = weft(c, "get", "resolver", "dns-r", "--effective", **signed_in(c)).stdout.split("\n\n", 1)
    assert table.split()[0] == "NAME" and rest.startswith("effective:\n") and "10.66.0.0/24" in rest, (table, rest)
    for path in ("resolvers/dns-r", "blocklists/dns-b", "domain-lists/dns-m", "nodes/dns-a", "nodes/dns-b", "sites/dns-here"):
        expect(c.admin.delete("/api/v1/" + path), 204)


def case_a_list_is_fetched_and_reaches_its_nodes_only(c):
    with Lists("0.0.0.0 ads.example tracker.example\nbroken!line\n||evil.example^\n") as web:
        c.dnsa, c.dnsb = Agent(c, "dnsa"), Agent(c, "dnsb")
        expect(c.admin.post("/api/v1/apply", {"resources": {
            "nodes": {"dnsa": {}, "dnsb": {}}, "domain-lists": {"web": {"url": web.url}}, "blocklists": {"web": {"lists": ["web"]}},
            "resolvers": {"web": {"nodes": ["dnsa"], "upstreams": ["9.9.9.9"]}}}}), 200)
        eventually(lambda: status(c, "web")["sha256"])
        now = status(c, "web")
        sha256 = hashlib.sha256(web.text.encode()).hexdigest()
        assert (now["sha256"], now["rules"], now["bad"], now["first_bad"]) == (sha256, 3, 1, 2), now
        assert now["source"] == web.url and now["error"] is None and now["size"] == len(web.text), now
        for agent in (c.dnsa, c.dnsb):
            expect(agent.join(), 200)
            agent.hello()
        c.dnsa.follow(lambda desired: '"sha256":"' + sha256 in desired.get("names/web", ""))
        assert content(c, c.dnsa, sha256) == (200, web.text.encode())
        # Of no business of the other one.
        assert content(c, c.dnsb, sha256)[0] == 404
        assert content(c, c.dnsa, "0" * 64)[0] == 404 and content(c, c.dnsa, "ca.key")[0] == 404
        # Again, and nothing has changed; then it has.
        refresh(c, "web")
        eventually(lambda: web.unchanged == 1 and not status(c, "web")["busy"])
        assert status(c, "web")["fetched_at"] == now["fetched_at"]
        web.set("new.example\n")
        refresh(c, "web")
        sha256 = hashlib.sha256(b"new.example\n").hexdigest()
        c.dnsa.follow(lambda desired: '"sha256":"' + sha256 in desired.get("names/web", ""))
        assert content(c, c.dnsa, sha256) == (200, b"new.example\n")
        c.dnsa.observe({"names/web": {"rules": 1, "bad": 0, "sha256": sha256}})
        eventually(lambda: status(c, "web")["nodes"] == [{"node": "dnsa", "rules": 1, "bad": 0, "sha256": sha256, "error": None}])


def case_a_broken_list_keeps_the_last_good_one_and_says_so(c):
    with Lists("good.example\n") as web:
        expect(c.admin.put("/api/v1/domain-lists/broken", {"url": web.url.replace("/list", "/moved")}), 201)
        eventually(lambda: status(c, "broken")["rules"] == 1 and status(c, "broken")["source"].endswith("/moved"))
        good = status(c, "broken")["sha256"]
        for text, code, why in (("<!DOCTYPE html>\n<html><body><p>Sign in</p></body></html>\n", 200, None), ("", 503, "HTTP 503"), ("", 200, "the list is empty")):
            web.set(text)
            web.status = code
            refresh(c, "broken")
            eventually(lambda: status(c, "broken")["error"] and (not why or why in status(c, "broken")["error"]))
            assert status(c, "broken")["sha256"] == good and status(c, "broken")["failures"] >= 1
        log = expect(c.admin.get("/api/v1/log?kind=list_"), 200).json["items"]
        assert [e["kind"] for e in log].count("list_failed") == 1 and "last good one stays in force" in log[0]["text"], log
        assert log[0]["entry"] == "domain-lists/broken", log
        assert 'weft_list_failures{list="broken"} ' in expect(c.admin.get("/metrics"), 200).text
        web.set("better.example\nbest.example\n")
        web.status = 200
        refresh(c, "broken")
        eventually(lambda: status(c, "broken")["rules"] == 2)
        now = status(c, "broken")
        assert now["error"] is None and now["failures"] == 0, now
        eventually(lambda: expect(c.admin.get("/api/v1/log?kind=list_recovered"), 200).json["items"])
        assert 'weft_list_rules{list="broken"} 2\n' in expect(c.admin.get("/metrics"), 200).text
        expect(c.admin.delete("/api/v1/domain-lists/broken"), 204)


def case_what_was_never_had_is_not_unchanged(c):
    with Lists("good.example\n") as web:
        web.status = 304
        expect(c.admin.put("/api/v1/domain-lists/unasked", {"url": web.url}), 201)
        eventually(lambda: "HTTP 304" in (status(c, "unasked")["error"] or ""))
        web.status = 200
        refresh(c, "unasked")
        eventually(lambda: status(c, "unasked")["rules"] == 1 and not status(c, "unasked")["error"])
        expect(c.admin.delete("/api/v1/domain-lists/unasked"), 204)


def case_a_file_is_read_when_it_changes(c):
    os.makedirs(c.lists, exist_ok=True)
    path = os.path.join(c.lists, "mine.txt")
    expect(c.admin.put("/api/v1/domain-lists/mine", {"file": "mine.txt"}), 201)
    eventually(lambda: "mine.txt" in (status(c, "mine")["error"] or ""))
    # Tries come ever less often; a file that looks otherwise does not wait for the next one.
    for tries in range(2, 7):
        refresh(c, "mine")
        eventually(lambda: status(c, "mine")["failures"] >= tries)
    with open(path, "w") as f:
        f.write("one.example\n")
    eventually(lambda: status(c, "mine")["rules"] == 1)
    assert status(c, "mine")["error"] is None
    # As editors do: another file takes its place.
    with open(path + ".new", "w") as f:
        f.write("one.example\n=two.example\n")
    os.rename(path + ".new", path)
    eventually(lambda: status(c, "mine")["rules"] == 2)
    expect(c.admin.delete("/api/v1/domain-lists/mine"), 204)
    refusal(c.admin.get("/api/v1/domain-lists/mine/status"), 404)
    expect(c.admin.put("/api/v1/domain-lists/short", {"names": ["a.example"]}), 201)
    assert status(c, "short")["source"] is None and status(c, "short")["rules"] == 1
    refusal(c.admin.post("/api/v1/domain-lists/short/refresh"), 409)
    expect(c.admin.delete("/api/v1/domain-lists/short"), 204)


def case_a_long_list_of_the_fleet_file_is_handed_out_too(c):
    names = [f"n{i}.example" for i in range(1200)]
    expect(c.admin.put("/api/v1/domain-lists/web", {"names": names}), 200)
    text = "".join(name + "\n" for name in names).encode()
    sha256 = hashlib.sha256(text).hexdigest()
    c.dnsa.follow(lambda desired: '"sha256":"' + sha256 in desired.get("names/web", ""))
    assert content(c, c.dnsa, sha256) == (200, text)
    assert status(c, "web")["rules"] == 1200


def case_lists_survive_a_restart_and_a_lost_directory(c):
    with Lists("kept.example\n") as web, Controller(c.binary, c.root) as mine:
        expect(mine.admin.post("/api/v1/apply", {"resources": {
            "nodes": {"a": {}}, "domain-lists": {"web": {"url": web.url}}, "blocklists": {"web": {"lists": ["web"]}},
            "resolvers": {"web": {"nodes": ["a"], "upstreams": ["9.9.9.9"]}}}}), 200)
        eventually(lambda: status(mine, "web")["rules"] == 1)
        sha256 = status(mine, "web")["sha256"]
        def known():
            return expect(mine.admin.get("/api/v1/domain-lists/web?effective=true"), 200).json["effective"].get("sha256")
        eventually(lambda: known() == sha256)
        assert mine.stop()
        asked = web.asked
        mine.start()
        assert status(mine, "web")["sha256"] == sha256 == known()
        assert web.asked == asked, "it is fetched again although it is here and not old"
        assert mine.stop()
        # As after a restore: the rows are there, the contents are not.
        for name in os.listdir(os.path.join(mine.state, "lists")):
            os.unlink(os.path.join(mine.state, "lists", name))
        mine.start()
        eventually(lambda: status(mine, "web")["sha256"] == sha256)
        assert mine.stop()


def case_exceptions_come_and_go_one_by_one(c):
    expect(c.admin.put("/api/v1/domain-lists/ex", {"names": ["ads.example"]}), 201)
    expect(c.admin.put("/api/v1/blocklists/ex", {"lists": ["ex"], "except": ["a.example"]}), 201)
    path = "/api/v1/blocklists/ex/except"
    told = expect(c.admin.post(path, {"add": ["b.example", "a.example", "=c.example"]}), 200).json
    assert told["spec"]["except"] == ["a.example", "b.example", "=c.example"], told
    told = expect(c.admin.post(path, {"remove": ["a.example", "nobody.example"], "add": ["d.example"]}), 200).json
    assert told["spec"]["except"] == ["b.example", "=c.example", "d.example"], told
    # Many at once: none of them is lost.
    clients = [threading.Thread(target=lambda n=n: expect(Client(c, c.ex_token).post(path, {"add": [f"n{n}.example"]}), 200)) for n in range(12)]
    c.ex_token = expect(c.admin.put("/api/v1/tokens/ex", {"role": "operator"}), 201).json["token"]
    for one in clients:
        one.start()
    for one in clients:
        one.join(20)
    kept = expect(c.admin.get("/api/v1/blocklists/ex"), 200).json["spec"]["except"]
    assert sorted(kept) == sorted(["b.example", "=c.example", "d.example"] + [f"n{n}.example" for n in range(12)]), kept
    assert "is no domain name" in refusal(c.admin.post(path, {"add": ["a b"]}), 422)
    refusal(c.admin.post("/api/v1/blocklists/nobody/except", {"clear": True}), 404)
    said = at_the_command_line(c, [], "dns", "except", "ex", "--clear", "last.example")
    assert said.stdout == "last.example\n", said
    # As somebody else writes it.
    said = at_the_command_line(c, [], "dns", "except", "ex", "Last.Example.")
    assert said.stdout == "last.example\n", said
    said = at_the_command_line(c, [], "dns", "except", "ex", "--remove", "LAST.example.")
    assert said.stdout == "blocklists/ex has no exceptions.\n", said
    for one in ("blocklists/ex", "domain-lists/ex", "tokens/ex"):
        expect(c.admin.delete("/api/v1/" + one), 204)


def answered(c, verb, ask, result, error=None):
    """The controller's answer when `ask` makes it ask dnsa, which answers with `result`, and what it was asked."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask()))
    asking.start()
    request = c.dnsa.await_type("request")
    assert request["verb"] == verb, request
    c.dnsa.send(type="response", id=request["id"], ok=error is None, error=error, result=result)
    asking.join(10)
    return answers[0], request["args"]


def case_what_was_asked_is_told_to_operators(c):
    row = {"at": 1000, "client": "10.1.0.7", "name": "ads.example", "type": "A", "outcome": "blocked", "list": "ads", "rule": "ads.example", "upstream": "9.9.9.9", "us": 12, "lie": 1}
    path = "/api/v1/nodes/dnsa/dns/log"
    answer, args = answered(c, "dns-log", lambda: c.admin.get(path + "?client=10.1.0.7&limit=5"), {"rows": [row]})
    assert args == {"client": "10.1.0.7", "limit": 5}, args
    (told,) = expect(answer, 200).json["rows"]
    assert told == {**{k: v for k, v in row.items() if k != "lie"}, "at": "1970-01-01T00:00:01Z"}, told
    answer, args = answered(c, "dns-log", lambda: c.admin.get(path + "?since=1970-01-01T00:00:01Z"), {"rows": [{**row, "at": 1002}, {**row, "at": 1001}, row]})
    assert args["since"] == 1000, args
    assert [each["at"] for each in expect(answer, 200).json["rows"]] == ["1970-01-01T00:00:01.001Z", "1970-01-01T00:00:01.002Z"], answer.json
    for lie in ({"rows": 1}, {"rows": [{"at": 1}]}, {"rows": [{**row, "at": -1}]}, None):
        refusal(answered(c, "dns-log", lambda: c.admin.get(path), lie)[0], 409)
    answer, _ = answered(c, "dns-log", lambda: c.admin.get(path), None, "no resolver runs here")
    assert "no resolver runs here" in refusal(answer, 409)
    for query in ("client=bob", "since=yesterday", "limit=0"):
        refusal(c.admin.get(f"{path}?{query}"), 400)
    refusal(c.admin.get("/api/v1/nodes/nobody/dns/log"), 404)
    token = expect(c.admin.put("/api/v1/tokens/dns-viewer", {"role": "viewer"}), 201).json["token"]
    refusal(Client(c, token).get(path), 403)


def case_a_lookup_tells_why(c):
    path = "/api/v1/nodes/dnsa/dns/lookup"
    told = {"outcome": "blocked", "sentence": "ads.example stands in the list ads", "view": 0, "rule": "ads.example", "list": "ads", "upstream": "9.9.9.9", "lie": 1}
    answer, args = answered(c, "dns-lookup", lambda: c.admin.get(path + "?from=10.1.0.7&name=Ads.example&type=AAAA"), told)
    assert args == {"client": "10.1.0.7", "name": "Ads.example", "type": "AAAA"}, args
    lookup = expect(answer, 200).json
    assert lookup["sentence"] == told["sentence"] and lookup["list"] == "ads" and lookup["view"] == 0, lookup
    by_policy = {"policy": "home", "policy_rule": 2, "lists": ["tv"], "upstreams": ["9.9.9.9"], "addresses": ["203.0.113.1"]}
    answer, _ = answered(c, "dns-lookup", lambda: c.admin.get(path + "?name=tv.example"), {**told, **by_policy})
    assert {field: answer.json[field] for field in by_policy} == by_policy, answer.json
    answer, _ = answered(c, "dns-lookup", lambda: c.admin.get(path + "?name=tv.example"), {**told, "lists": [1], "policy_rule": -1, "addresses": "all"})
    assert not {"lists", "policy_rule", "addresses"} & set(expect(answer, 200).json), answer.json
    refusal(answered(c, "dns-lookup", lambda: c.admin.get(path + "?name=x"), {"outcome": 1})[0], 409)
    for query in ("", "name=a%20b", "name=x&type=a", "name=x&from=bob"):
        refusal(c.admin.get(f"{path}?{query}"), 400)


def at_the_command_line(c, ask, *words):
    """What `weft` says, with dnsa answering what it is asked: {verb: result}."""
    done = []
    if not hasattr(c, "dns_cli"):
        c.dns_cli = signed_in(c)
    running = threading.Thread(target=lambda: done.append(weft(c, *words, **c.dns_cli)))
    running.start()
    for verb, result in ask:
        request = c.dnsa.await_type("request", 20)
        assert request["verb"] == verb, request
        c.dnsa.send(type="response", id=request["id"], ok=True, error=None, result=result)
    running.join(60)
    return done[0]


def case_what_is_kept_is_told_to_operators(c):
    path = "/api/v1/nodes/dnsa/dns/cache"
    row = {"name": "tv.example", "type": "A", "view": 7, "left_s": 90, "outcome": "answer", "addresses": ["203.0.113.1", "203.0.113.2"]}
    answer, args = answered(c, "dns-cache", lambda: c.admin.get(path + "?name=Example&below=true&limit=5"), {"rows": [{**row, "lie": 1}], "total": 9})
    assert args == {"limit": 5, "below": True, "name": "Example"}, args
    assert expect(answer, 200).json == {"node": "dnsa", "total": 9, "rows": [row]}, answer.json
    for lie in ({"rows": [row]}, {"rows": 1, "total": 1}, {"rows": [{**row, "left_s": -1}], "total": 1}, {"rows": [{**row, "addresses": [1]}], "total": 1}):
        refusal(answered(c, "dns-cache", lambda: c.admin.get(path), lie)[0], 409)
    for query in ("name=a%20b", "limit=0", "below=maybe"):
        refusal(c.admin.get(f"{path}?{query}"), 400)
    token = expect(c.admin.put("/api/v1/tokens/dns-viewer", {"role": "viewer"}), 200).json.get("token")
    assert token is None or refusal(Client(c, token).get(path), 403)
    said = at_the_command_line(c, [("dns-cache", {"rows": [row], "total": 9})], "dns", "cache", "dnsa")
    assert said.stdout.split("\n")[1].split() == ["tv.example", "A", "90", "s", "203.0.113.1,", "203.0.113.2", "7"] and "1 of 9 are shown" in said.stdout, said


def case_the_command_line_asks_and_picks(c):
    rows = [{"at": 2000 - i, "client": "10.1.0.7", "name": name, "type": "A", "outcome": outcome, "list": "ads", "us": 1500}
            for i, (name, outcome) in enumerate((("tv.example", "answered"), ("ads.example", "blocked"), ("tv.example", "cached")))]
    said = at_the_command_line(c, [("dns-log", {"rows": rows})], "dns", "log", "dnsa", "--client", "10.1.0.7")
    assert said.returncode == 0 and "10.1.0.7        A     blocked   ads.example  by ads  1.5 ms" in said.stdout, said
    said = at_the_command_line(c, [("dns-log", {"rows": rows})], "discover", "--from", "10.1.0.7")
    lines = said.stdout.split("\n")
    assert lines[1].split()[:2] == ["tv.example", "2"] and lines[2].split()[:2] == ["ads.example", "1"], said
    said = at_the_command_line(c, [], "discover", "--into", "tv", "tv.example")
    assert said.stdout == "domain-lists/tv has 1 name.\n", said
    said = at_the_command_line(c, [], "discover", "--into", "tv", "tv.example", "=cdn.example")
    assert said.stdout == "domain-lists/tv has 2 names.\n", said
    assert expect(c.admin.get("/api/v1/domain-lists/tv"), 200).json["spec"] == {"names": ["tv.example", "=cdn.example"]}
    said = at_the_command_line(c, [], "discover", "--into", "tv")
    assert said.returncode == 1 and "belong together" in said.stderr, said
    expect(c.admin.delete("/api/v1/domain-lists/tv"), 204)
    told = {"outcome": "blocked", "sentence": "ads.example stands in the list ads", "list": "ads"}
    said = at_the_command_line(c, [("dns-lookup", told)], "dns", "lookup", "dnsa", "ads.example", "--from", "10.1.0.7")
    assert said.stdout.startswith("ads.example stands in the list ads\n  outcome  blocked\n  list     ads\n"), said
    told = {"outcome": "refused", "sentence": "127.0.0.1 is no client of this resolver"}
    said = at_the_command_line(c, [("dns-lookup", told)], "dns", "lookup", "dnsa", "ads.example")
    assert said.stdout.startswith("127.0.0.1 is no client of this resolver: say with --from ADDRESS who would ask\n"), said
    said = at_the_command_line(c, [("dns-lookup", told)], "dns", "lookup", "dnsa", "ads.example", "--from", "127.0.0.1")
    assert said.stdout.startswith("127.0.0.1 is no client of this resolver\n"), said
    said = at_the_command_line(c, [("dns-flush", {"dropped": 7})], "dns", "flush")
    assert said.stdout == "dnsa forgot 7 answers.\n", said
    c.dnsa.observe({"dns/web": {"state": "running", "since": 5, "upstreams": [{"name": "9.9.9.9", "state": "up", "rtt_us": 900}]}})
    eventually(lambda: "1 of 1 up" in at_the_command_line(c, [], "dns", "status").stdout)
    said = at_the_command_line(c, [], "dns", "status")
    assert said.returncode == 0 and "written down" in said.stdout, said
    said = at_the_command_line(c, [], "dns", "log", "dnsb")
    assert said.returncode == 1 and "nodes/dnsb has no resolver" in said.stderr, said


def case_a_cache_is_flushed(c):
    path = "/api/v1/nodes/dnsa/dns/flush"
    answer, args = answered(c, "dns-flush", lambda: c.admin.post(path, {"name": "x.example", "below": True}), {"dropped": 3})
    assert args == {"name": "x.example", "below": True} and expect(answer, 200).json == {"node": "dnsa", "dropped": 3}
    refusal(answered(c, "dns-flush", lambda: c.admin.post(path, {}), {"dropped": -1})[0], 409)
    refusal(c.admin.post(path, {"below": True}), 422)
    for path in ("resolvers/web", "blocklists/web", "domain-lists/web"):
        expect(c.admin.delete("/api/v1/" + path), 204)
    c.dnsa.close()
    c.dnsb.close()
