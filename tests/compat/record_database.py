#!/usr/bin/env python3
"""Writes tests/compat/schema/NNN/: a used database of the present schema as SQL, and the keys of its (thrown away) network.

Run once for each new schema; cases of tests/crash bring every recorded one to the present.
  tests/compat/record_database.py [PROGRAM]      default: build/release/bin/weft-controller
"""

import os
import shutil
import sqlite3
import sys

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
sys.path.insert(0, os.path.join(root, "tests", "api"))

from agent import Agent  # noqa: E402
from controller import Controller, expect  # noqa: E402

KEYS = ("ca.crt", "ca.key", "secret.key")
FLEET = {
    "sites": {"paris": {"lan": ["10.1.0.0/16", "fd00:1::/48"], "tags": ["eu"]}, "ottawa": {"lan": ["10.2.0.0/16"]}},
    "nodes": {"ada": {"site": "paris", "address": "192.0.2.1"}, "ben": {"site": "ottawa", "address": "192.0.2.2"},
              "cyd": {}, "dan": {"address": "192.0.2.4"}},
    "networks": {"home": {"mesh": ["ada", "ben", "cyd"]}, "side": {"mesh": ["cyd", "dan"], "links": [["ada", "dan"]]}},
    "segments": {"lan": {"network": "home", "mode": "bridge", "mtu": 1500}, "more": {"network": "side", "mode": "bridge"}},
}


def use(c):
    """What operators and hosts do to a database."""
    apply = {"resources": FLEET, "set": "fleet"}
    expect(c.admin.post("/api/v1/apply", apply), 200)
    for name in ("ada", "ben"):
        agent = Agent(c, name)
        expect(agent.join(), 200)
        agent.hello()
        agent.follow(lambda desired: any(key.startswith("bridge/") for key in desired))
        agent.observe({"node/self": {"version": "0.1.0", "addresses": ["192.0.2.77"]}})
        agent.send(type="event", at=1, severity="warning", kind="drift_repaired", entry="bridge/lan", text="it was put back")
        agent.close()
    expect(c.admin.put("/api/v1/secrets/login", {}), 201)
    expect(c.admin.call("PUT", "/api/v1/secrets/login/value", raw=b"hidden", headers={"Content-Type": "text/plain"}), 204)
    expect(c.admin.put("/api/v1/tokens/reader", {"role": "viewer"}), 201)
    expect(c.admin.put("/api/v1/enrolment-keys/many", {}), 201)
    expect(c.admin.post("/api/v1/nodes/dan/rename", {"name": "dora"}), 200)
    expect(c.admin.put("/api/v1/nodes/eve", {}), 201)
    expect(c.admin.delete("/api/v1/nodes/eve"), 204)


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "build", "release", "bin", "weft-controller")
    with Controller(program, root) as c:
        use(c)
        assert c.stop()
        db = sqlite3.connect(os.path.join(c.state, "weft.db"))
        schema = db.execute("PRAGMA user_version").fetchone()[0]
        to = os.path.join(here, "schema", f"{schema:03}")
        os.makedirs(to, exist_ok=True)
        db.execute("DELETE FROM session")
        with open(os.path.join(to, "weft.sql"), "w") as f:
            f.writelines(line + "\n" for line in db.iterdump())
            f.write(f"PRAGMA user_version = {schema};\n")
        for key in KEYS:
            shutil.copy(os.path.join(c.state, key), to)
    print(to)


main()
