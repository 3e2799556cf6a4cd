"""Disks that are full, state that is damaged, missing or another's: one sentence with the cure, and nothing is destroyed."""

import ctypes
import hashlib
import os
import random
import shutil
import subprocess
import time

from agent import Agent
from controller import Controller, Skip, expect, refusal

MS_REMOUNT, MS_BIND, MS_RDONLY = 32, 4096, 1
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags, options):
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) != 0:
        raise Skip(f"no right to mount here: {os.strerror(ctypes.get_errno())}")


class Disk:
    """A small file system under the controller's state."""

    def __init__(self, controller, megabytes):
        self.path = controller.state
        os.makedirs(self.path, exist_ok=True)
        mount("none", self.path, "tmpfs", 0, f"size={megabytes}m,mode=0700")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libc.umount2(self.path.encode(), 2)

    def fill(self, leave=0):
        """To the last byte, or the last `leave`, as another program's log would."""
        with open(os.path.join(self.path, "ballast"), "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                ballast.truncate(max(0, ballast.tell() - leave))

    def make_room(self):
        os.unlink(os.path.join(self.path, "ballast"))

    def read_only(self, is_read_only):
        mount("none", self.path, "tmpfs", MS_REMOUNT | (MS_RDONLY if is_read_only else 0), "")


def fresh(trial):
    return Controller(trial.binary, trial.root)


def with_state(trial):
    """A controller that was used and is stopped."""
    mine = fresh(trial)
    mine.__enter__()
    for number in range(40):
        expect(mine.admin.put(f"/api/v1/nodes/n{number}", {"comment": "c" * 200}), 201)
    expect(mine.admin.put("/api/v1/secrets/s", {}), 201)
    expect(mine.admin.call("PUT", "/api/v1/secrets/s/value", raw=b"hidden", headers={"Content-Type": "text/plain"}), 204)
    assert mine.stop()
    return mine


def snapshot(directory, *but):
    """Of every file of the state but what a start that failed may leave."""
    found = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if name not in ("lock", "weft.db-shm", "weft.db-wal", *but) and os.path.isfile(path):
            with open(path, "rb") as f:
                found[name] = hashlib.sha256(f.read()).hexdigest()
    return found


def refused(mine, *parts, command="run", but=()):
    """The command ends with 1 and one sentence that has the parts; the state is as before, files in `but` aside."""
    before = snapshot(mine.state, *but)
    done = mine.command(command)
    assert done.returncode == 1, (done.returncode, done.stderr)
    lines = [line for line in done.stderr.decode().splitlines() if " error " in line]
    assert len(lines) == 1, done.stderr
    said = lines[0] if command == "run" else done.stdout.decode()
    assert all(part in said for part in parts), (parts, said)
    assert b"Sanitizer" not in done.stderr, done.stderr
    assert snapshot(mine.state, *but) == before
    return said


def works_again(mine, nodes=40):
    mine.start()
    assert mine.admin.get("/api/v1/nodes").json["total"] == nodes
    assert mine.stop()
    assert mine.command("check").returncode == 0


# ---- a disk that fills under a live controller ----

def fill_until_refused(mine):
    """Writes until the disk is full; how many were acknowledged, and the refusal."""
    for number in range(20000):
        answer = mine.admin.put(f"/api/v1/nodes/f{number}", {"comment": "x" * 250})
        if answer.status != 201:
            return number, answer
    raise AssertionError("the disk does not fill")


def case_a_full_disk_stops_writes_and_nothing_else(trial):
    mine = fresh(trial)
    with Disk(mine, 4) as disk, mine:
        expect(mine.admin.put("/api/v1/nodes/first", {}), 201)
        expect(mine.admin.put("/api/v1/nodes/agent", {"address": "192.0.2.1"}), 201)
        agent = Agent(mine, "agent")
        expect(agent.join(), 200)
        agent.hello()
        disk.fill(leave=500_000)
        count, answer = fill_until_refused(mine)
        said = refusal(answer, 503)
        assert "disk is full" in said and "make room" in said, said
        assert answer.headers["Retry-After"], "no Retry-After"
        for _ in range(20):  # still the same, and never another status
            assert "full" in refusal(mine.admin.put("/api/v1/nodes/late", {}), 503)
            refusal(mine.admin.delete("/api/v1/nodes/first"), 503)
            refusal(mine.admin.post("/api/v1/apply", {"resources": {"nodes": {"late": {}}}}), 503)
        assert mine.admin.get("/api/v1/nodes").json["total"] == count + 2  # reads go on, and tell no lie
        agent.close()  # agents go on: they come back and report
        agent.hello()
        agent.observe({"node/self": {"version": "during"}})
        deadline = time.monotonic() + 10
        while "during" not in mine.admin.get("/api/v1/nodes/agent/observed").text:
            assert time.monotonic() < deadline, "what the agent reports is not seen"
            time.sleep(0.05)
        assert [n["connected"] for n in mine.admin.get("/api/v1/state").json["nodes"] if n["name"] == "agent"] == [True]
        expect(mine.admin.get("/api/v1/state"), 200)
        expect(mine.admin.get("/api/v1/history"), 200)
        disk.make_room()
        expect(mine.admin.put("/api/v1/nodes/late", {}), 201)
        expect(mine.admin.get("/readyz"), 200)
        mine.kill()
        mine.start()
        assert mine.admin.get("/api/v1/nodes").json["total"] == count + 3
        assert mine.stop()
        assert mine.command("check").returncode == 0
        print(f"      {count} more writes fitted, then 60 were refused with 503; one was taken once there was room")


def case_a_start_on_a_full_disk(trial):
    mine = fresh(trial)
    with Disk(mine, 4) as disk, mine:
        expect(mine.admin.put("/api/v1/nodes/n0", {}), 201)
        assert mine.stop()
        disk.fill()
        refused(mine, "disk is full", "make room")
        disk.make_room()
        works_again(mine, 1)


def case_the_first_start_on_a_full_disk(trial):
    mine = fresh(trial)
    with Disk(mine, 1) as disk:
        disk.fill()
        done = mine.command("run")
        assert done.returncode == 1 and b"make room" in done.stderr, done.stderr
        disk.make_room()
        with mine:
            assert mine.stop()


def case_a_read_only_file_system(trial):
    mine = fresh(trial)
    with Disk(mine, 4) as disk, mine:
        expect(mine.admin.put("/api/v1/nodes/n0", {}), 201)
        assert mine.stop()
        disk.read_only(True)
        refused(mine, "Read-only file system", "writable")
        disk.read_only(False)
        works_again(mine, 1)


# ---- damage ----

def damage(path, offset, length, seed):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(random.Random(seed).randbytes(length))


def case_a_corrupt_page_of_the_database(trial):
    mine = with_state(trial)
    path = os.path.join(mine.state, "weft.db")
    sound = path + ".sound"
    shutil.copy(path, sound)
    pages = os.path.getsize(path) // 4096
    silent = []
    for page in range(pages):
        shutil.copy(sound, path)
        damage(path, page * 4096 + (100 if page == 0 else 0), 1024, page)
        if subprocess.run(["cmp", "-s", path, sound]).returncode == 0:
            continue
        checked = mine.command("check")
        assert checked.returncode in (0, 1) and b"Sanitizer" not in checked.stderr, checked.stderr
        if checked.returncode == 0:
            silent.append(page)  # a free page, or text inside a value: no structure to hurt
    # A damaged one is refused at the start, too, and left as it is.
    shutil.copy(sound, path)
    damage(path, 4096, 4096, 1)
    refused(mine, "damaged", "restore a backup")
    refused(mine, "damaged", command="check")
    assert len(silent) < pages / 2, (silent, pages)
    print(f"      {pages} pages damaged one by one: {pages - len(silent)} told by check, no crash")
    shutil.move(sound, path)
    works_again(mine)
    mine.__exit__()


def case_a_truncated_write_ahead_log(trial):
    """What the log still holds whole is kept; the rest was never acknowledged as a whole, or is lost with the bytes."""
    mine = fresh(trial)
    with mine:
        for number in range(40):
            expect(mine.admin.put(f"/api/v1/nodes/n{number}", {}), 201)
        mine.kill()
        log = os.path.join(mine.state, "weft.db-wal")
        size = os.path.getsize(log)
        assert size > 20000, size
        os.truncate(log, size - 5000)
        mine.start()
        left = mine.admin.get("/api/v1/nodes").json["total"]
        assert 0 < left < 40, left
        assert mine.stop()
        assert mine.command("check").returncode == 0
        print(f"      5000 of {size} bytes of the log cut off: {left} of 40 nodes left, database sound")


# ---- missing and corrupt files ----

def case_each_key_file_missing_or_corrupt(trial):
    mine = with_state(trial)
    for name in ("ca.key", "ca.crt", "secret.key", "weft.db"):
        path = os.path.join(mine.state, name)
        os.rename(path, path + ".away")
        # A sound database is opened, and notes that.
        refused(mine, name, "missing", "restore a backup", but=["weft.db"] if name != "weft.db" else ())
        refused(mine, name, "restore a backup", command="check")
        os.rename(path + ".away", path)
    for name, words in (("ca.key", "damaged"), ("ca.crt", "damaged"), ("secret.key", "bytes instead of"),
                        ("weft.db", "not a database")):
        path = os.path.join(mine.state, name)
        shutil.copy(path, path + ".sound")
        with open(path, "wb") as f:
            f.write(b"no such thing\n" * 20)
        refused(mine, name, words, but=["weft.db"] if name != "weft.db" else ())
        refused(mine, words, command="check")
        os.rename(path + ".sound", path)
    # Another's key of the right size: the start cannot know, check does.
    path = os.path.join(mine.state, "secret.key")
    shutil.copy(path, path + ".sound")
    damage(path, 0, 32, 1)
    refused(mine, "secret.key", "restore the key", command="check")
    os.rename(path + ".sound", path)
    # The dashboard's own certificate is made anew.
    for name in ("tls.key", "tls.crt"):
        os.truncate(os.path.join(mine.state, name), 10)
    works_again(mine)
    mine.__exit__()


def case_another_users_state(trial):
    if os.geteuid() != 0:
        raise Skip("needs root to be somebody else")
    mine = with_state(trial)
    settings = mine.write_settings()
    os.chmod(mine.dir, 0o755)
    before = snapshot(mine.state)
    binary = os.path.join(mine.dir, "weft-controller")
    shutil.copy(trial.binary, binary)  # the build may lie where nobody may look
    done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", binary,
                           "--config", settings, "run"], capture_output=True, timeout=30)
    said = done.stderr.decode()
    assert done.returncode == 1 and "must belong to" in said and "chown -R" in said, said
    assert snapshot(mine.state) == before
    path = os.path.join(mine.state, "ca.key")
    os.chmod(path, 0o644)
    refused(mine, "ca.key can be read by others", "chmod 600", command="check")
    os.chmod(path, 0o600)
    works_again(mine)
    mine.__exit__()


def case_two_on_one_state(trial):
    with fresh(trial) as mine:
        done = mine.command("run")
        assert done.returncode == 1 and b"in use by a running weft-controller" in done.stderr, done.stderr
        assert mine.is_alive() and mine.admin.get("/api/v1/nodes").status == 200
        assert mine.stop()


def case_killed_in_the_first_start_it_starts_again(trial):
    """Whatever the first moments left behind, the second start makes a whole controller of it."""
    for step in range(12):
        mine = fresh(trial)
        mine.launch()
        time.sleep(step * 0.02)
        mine.kill()
        with mine:
            assert mine.stop()
