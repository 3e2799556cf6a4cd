"""The service itself: health, TLS, headers, routes, the description, downloads."""

import hashlib
import json
import os
import re
import socket
import ssl
import subprocess

from controller import Client, Skip, expect, refusal


def case_health_and_readiness(c):
    assert expect(Client(c).get("/healthz"), 200).text == "ok\n"
    assert expect(Client(c).get("/readyz"), 200).text == "ok\n"


def case_security_headers_on_every_answer(c):
    for path in ("/healthz", "/api/v1/nodes", "/", "/nothing-there"):
        headers = Client(c).get(path).headers
        assert "'unsafe-inline'" not in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "max-age" in headers["Strict-Transport-Security"]
    assert c.admin.get("/api/v1/nodes").headers["Cache-Control"] == "no-store"


def case_tls_1_2_is_refused(c):
    context = ssl._create_unverified_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection(("127.0.0.1", c.rest_port), 5) as plain:
            context.wrap_socket(plain)
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("a TLS 1.2 client got in")


def case_the_name_agents_use_is_verified_against_the_ca(c):
    with socket.create_connection(("127.0.0.1", c.rest_port), 5) as plain:
        with c.context().wrap_socket(plain, server_hostname="controller.weft") as tls:
            assert tls.version() == "TLSv1.3"


def case_ipv6_too(c):
    connection = c.connect(host="::1")
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def case_unknown_path_is_404(c):
    refusal(Client(c).get("/api/v1/nonsense"), 404)
    refusal(Client(c).get("/nothing-there"), 404)


def case_wrong_method_is_405_with_allow(c):
    answer = c.admin.call("DELETE", "/api/v1/nodes")
    refusal(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD", answer.headers["Allow"]
    answer = c.admin.call("POST", "/api/v1/nodes/rho")
    refusal(answer, 405)
    assert {"GET", "PUT", "PATCH", "DELETE"} <= set(answer.headers["Allow"].split(", "))
    refusal(Client(c).post("/healthz"), 405)


def case_head_has_no_body(c):
    answer = Client(c).call("HEAD", "/healthz")
    assert answer.status == 200 and answer.body == b""


def case_openapi_is_served_as_it_is(c):
    with open(os.path.join(c.root, "api", "openapi.yaml"), "rb") as f:
        assert Client(c).get("/api/openapi.yaml").body == f.read()


def case_every_openapi_operation_is_routed(c):
    with open(os.path.join(c.root, "api", "openapi.yaml")) as f:
        text = f.read()
    paths = re.split(r"^  (/\S*):$", text[text.index("\npaths:"):text.index("\ncomponents:")], flags=re.M)
    count = 0
    for path, body in zip(paths[1::2], paths[2::2]):
        path = path.replace("{name}", "absent").replace("{file}", "absent.deb")
        for method in re.findall(r"^    (get|put|patch|post|delete):$", body, flags=re.M):
            answer = Client(c).call(method.upper(), path)
            known = answer.status not in (404, 405) or path.startswith("/packages/")
            assert known, f"{method} {path}: {answer.status}"
            count += 1
    assert count > 60, count


def case_docs_page_needs_nothing_from_outside(c):
    page = expect(Client(c).get("/docs"), 200)
    assert page.type == "text/html" and "putNetwork" in page.text
    for url in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert url.startswith(("/", "#")), url
    assert "<script" not in page.text and "style=" not in page.text
    assert expect(Client(c).get("/docs/style.css"), 200).type == "text/css"


def case_dashboard_root_is_a_page(c):
    page = expect(Client(c).get("/"), 200)
    assert page.type == "text/html"
    expect(Client(c).get("/nodes/rho", headers={"Accept": "text/html"}), 200)


def case_join_script_carries_url_pin_and_hashes(c):
    package = os.path.join(c.packages, "weft-agent_0.1.0_amd64.deb")
    with open(package, "wb") as f:
        f.write(b"a package")
    script = expect(Client(c).get("/join"), 200).text
    assert hashlib.sha256(b"a package").hexdigest() in script
    assert f"https://127.0.0.1:{c.rest_port}" in script and "sha256//" in script
    assert subprocess.run(["sh", "-n"], input=script.encode()).returncode == 0
    run = subprocess.run(["sh", "-s", "--", "nonsense"], input=script.encode(), capture_output=True)
    assert run.returncode != 0 and b"enrolment key" in run.stderr, run.stderr


def case_join_pin_is_the_key_curl_sees(c):
    script = Client(c).get("/join").text
    pin = re.search(r"PIN='([^']+)'", script).group(1)
    url = f"https://127.0.0.1:{c.rest_port}/healthz"
    ok = subprocess.run(["curl", "-fsSk", "--pinnedpubkey", pin, url], capture_output=True)
    assert ok.returncode == 0, ok.stderr
    bad = subprocess.run(["curl", "-fsSk", "--pinnedpubkey", "sha256//" + "A" * 43 + "=", url],
                         capture_output=True)
    assert bad.returncode == 90, bad.returncode


def case_packages(c):
    assert expect(Client(c).get("/packages/weft-agent_0.1.0_amd64.deb"), 200).body == b"a package"
    refusal(Client(c).get("/packages/absent.deb"), 404)
    refusal(Client(c).get("/packages/..%2Fstate%2Fca.key"), 404)
    refusal(Client(c).get("/packages/.hidden"), 404)


def case_metrics_ask_for_a_viewer(c):
    refusal(Client(c).get("/metrics"), 401)
    text = expect(c.admin.get("/metrics"), 200).text
    assert re.search(r"^weft_revision \d+$", text, flags=re.M)
    assert "# TYPE weft_hub_sessions_total counter" in text
