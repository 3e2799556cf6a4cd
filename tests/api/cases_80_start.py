"""Starting, settings, the operator's own certificate, what a restart keeps. Each case has a controller of its own."""

import hashlib
import os
import re
import socket
import ssl
import subprocess
import tempfile
import time

from controller import Client, Controller, Skip, expect, refusal


def make_certificate(directory, name):
    cert, key = os.path.join(directory, name + ".crt"), os.path.join(directory, name + ".key")
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=" + name,
                           "-addext", "subjectAltName=DNS:" + name], capture_output=True)
    if done.returncode != 0:
        raise Skip("no openssl program")
    return cert, key


def presented(port, name):
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as tls:
            return hashlib.sha256(tls.getpeercert(True)).hexdigest()


def hash_of(path):
    with open(path) as f:
        pem = f.read()
    end = "-----END CERTIFICATE-----"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[:pem.index(end) + len(end)])).hexdigest()


class OperatorCertificate(Controller):
    """Its clients do not know the operator's authority."""

    def context(self):
        return ssl._create_unverified_context()


def case_operators_certificate_except_for_agents(c):
    with tempfile.TemporaryDirectory() as directory:
        cert, key = make_certificate(directory, "dashboard.example")
        with OperatorCertificate(c.binary, c.root, f"tls: {{certificate: {cert}, key: {key}}}") as mine:
            assert presented(mine.rest_port, "dashboard.example") == hash_of(cert)
            assert presented(mine.rest_port, "127.0.0.1") == hash_of(cert)
            assert presented(mine.rest_port, "controller.weft") == hash_of(os.path.join(mine.state, "tls.crt"))
            assert mine.stop()


def case_a_key_that_does_not_fit_is_refused(c):
    with tempfile.TemporaryDirectory() as directory:
        cert, _ = make_certificate(directory, "one")
        _, key = make_certificate(directory, "two")
        mine = Controller(c.binary, c.root, f"tls: {{certificate: {cert}, key: {key}}}")
        done = mine.command("run")
        assert done.returncode == 1 and b"is not the key of the certificate" in done.stderr, done.stderr
        mine.__exit__()


def case_bad_settings_are_one_sentence(c):
    for extra, sentence in (("vxlan_port: 70000", b"vxlan_port: 70000 is not in 1..65535"),
                            ("vxlan_port: 862", b"probe_port: 862 is also vxlan_port"),
                            ("mark_mask: 0x0fff00f0", b"mark_mask: 0x0fff00f0 is not 12 bits one beside the other"),
                            ("table_base: 254", b"table_base: 254 is not in 256..2000000000"),
                            ("priority_base: 32766", b"priority_base: 32766 is not in 10..32600"),
                            ("vni_base: 16777215", b"vni_base: 16777215 is not in 0..4194304"),
                            ("vxlan_prt: 1", b"did you mean vxlan_port?"),
                            ("tls: {certificate: /x}", b"give both or neither")):
        mine = Controller(c.binary, c.root, extra)
        done = mine.command("run")
        assert done.returncode == 1 and sentence in done.stderr, done.stderr
        mine.__exit__()


def case_an_address_in_use_is_one_sentence(c):
    mine = Controller(c.binary, c.root)
    mine.rest_port = c.rest_port
    done = mine.command("run")
    assert done.returncode == 1 and b"in use" in done.stderr, done.stderr
    mine.__exit__()


def case_usage_and_version(c):
    assert c.command("version").stdout.startswith(b"weft-controller ")
    assert b"reset-password" in c.command("--help").stdout
    assert c.command("dance").returncode == 2
    assert b"rest" in c.command("settings").stdout


def case_a_restart_keeps_what_was_promised(c):
    with Controller(c.binary, c.root) as mine:
        expect(mine.admin.put("/api/v1/nodes/kept", {"comment": "x"}), 201)
        before = mine.admin.get("/api/v1/nodes/kept").json
        pin = Client(mine).get("/join").text
        assert mine.stop()
        mine.start()
        assert mine.admin.get("/api/v1/nodes/kept").json == before
        assert Client(mine).get("/join").text == pin
        with open(mine.log_path) as f:
            assert f.read().count("with the password") == 1
        mine.kill()
        mine.start()
        assert mine.admin.get("/api/v1/nodes/kept").json == before
        assert mine.stop()


def case_reset_password_works_beside_the_running_controller(c):
    with Controller(c.binary, c.root) as mine:
        done = mine.command("reset-password")
        assert done.returncode == 0, done.stderr
        fresh = done.stdout.decode().strip()
        deadline = time.monotonic() + 5  # it looks for such changes once a second
        while Client(mine).sign_in("admin", mine.password).status == 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        refusal(Client(mine).sign_in("admin", mine.password), 401)
        expect(Client(mine).sign_in("admin", fresh), 200)
        refusal(mine.admin.get("/api/v1/session"), 401)
        assert mine.command("reset-password", "nobody-here").returncode == 1
        assert mine.stop()


def case_first_start_prints_the_pin_and_the_command_again(c):
    with open(c.log_path) as f:
        pin = re.search(r"weft login`: (sha256//\S+)", f.read()).group(1)
    assert pin in Client(c).get("/join").text
    done = c.command("pin")
    assert done.returncode == 0 and done.stdout.decode().strip() == pin, done
    mine = Controller(c.binary, c.root)
    done = mine.command("pin")
    assert done.returncode == 1 and b"first start" in done.stderr, done.stderr
    mine.__exit__()


def case_pin_is_of_the_operators_own_certificate(c):
    with tempfile.TemporaryDirectory() as directory:
        cert, key = make_certificate(directory, "dashboard.example")
        with OperatorCertificate(c.binary, c.root, f"tls: {{certificate: {cert}, key: {key}}}") as mine:
            assert mine.command("pin").stdout.decode().strip() in Client(mine).get("/join").text
            assert mine.stop()


def case_a_low_limit_of_files_is_told(c):
    mine = Controller(c.binary, c.root)
    settings = mine.write_settings()
    done = subprocess.run(["sh", "-c", f"ulimit -n 300; exec timeout 5 {c.binary} --config {settings} run"],
                          capture_output=True)
    assert b"may open 300 files" in done.stderr, done.stderr
    mine.__exit__()


def case_metrics_open_for_this_host(c):
    with Controller(c.binary, c.root, "metrics_open: true") as mine:
        expect(Client(mine).get("/metrics"), 200)
        assert mine.stop()


def case_web_dir_is_served(c):
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(os.path.join(directory, "assets"))
        with open(os.path.join(directory, "index.html"), "w") as f:
            f.write("<!doctype html><title>mine</title>")
        with open(os.path.join(directory, "assets", "app.js"), "w") as f:
            f.write("1")
        with Controller(c.binary, c.root, f"web_dir: {directory}") as mine:
            assert "mine" in expect(Client(mine).get("/"), 200).text
            script = expect(Client(mine).get("/assets/app.js"), 200)
            assert script.type == "text/javascript"
            refusal(Client(mine).get("/assets/absent.js"), 404)
            refusal(Client(mine).get("/..%2f..%2fetc%2fpasswd"), 404)
            refusal(Client(mine).get("/../../etc/passwd"), 404)
            assert mine.stop()
