"""The real CLI beside a controller."""

import os
import subprocess

from controller import expect


def weft(c, *words, **environment):
    """Runs `weft WORDS...` of the build that the controller is of."""
    environment = {"PATH": os.environ["PATH"], "HOME": c.dir, **environment}
    program = os.path.join(os.path.dirname(c.binary), "weft")
    return subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=90)


def signed_in(c, port=None):
    """The environment of a CLI with a token of its own; `port` is where it believes the controller to be."""
    expect(c.admin.delete("/api/v1/tokens/cli"), 204, 404)
    token = expect(c.admin.put("/api/v1/tokens/cli", {"role": "admin"}), 201).json["token"]
    certificate = os.path.join(c.dir, "ca.crt")
    with open(certificate, "w") as f:
        f.write(c.admin.get("/api/v1/ca").text)
    return {"WEFT_URL": f"https://127.0.0.1:{port or c.rest_port}", "WEFT_TOKEN": token, "WEFT_CA": certificate}
