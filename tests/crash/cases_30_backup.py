"""Backup and restore on one host; tests/netns/90-restore.sh moves a controller with its agents to another."""

import os
import subprocess
import tarfile
import threading

from controller import Client, Controller, expect


def run(mine, *words, code=0):
    done = mine.command(*words)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    assert b"Sanitizer" not in done.stderr, done.stderr
    return (done.stdout + done.stderr).decode()


def listing(directory):
    return sorted((name, os.stat(os.path.join(directory, name)).st_size) for name in os.listdir(directory))


def names_of(mine):
    return [item["name"] for item in expect(mine.admin.get("/api/v1/nodes?limit=1000"), 200).json["items"]]


def case_backups_under_load_are_consistent(trial):
    with Controller(trial.binary, trial.root) as mine, Controller(trial.binary, trial.root) as other:
        assert other.stop()
        token = expect(mine.admin.put("/api/v1/tokens/w", {"role": "operator"}), 201).json["token"]
        acknowledged, stop, trouble = [], threading.Event(), []

        def write():
            client, number = Client(mine, token), 0
            try:
                while not stop.is_set():
                    # Two in one transaction: a backup has both or none.
                    body = {"resources": {"nodes": {f"a{number}": {}, f"b{number}": {}}}}
                    expect(client.post("/api/v1/apply", body), 200)
                    acknowledged.append(number)
                    number += 1
            except BaseException as error:
                trouble.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        counts = []
        for number in range(5):
            path = os.path.join(mine.dir, f"{number}.tar")
            before = len(acknowledged)
            run(mine, "backup", path)
            assert os.stat(path).st_mode & 0o777 == 0o600
            run(other, "restore", path, "--replace")
            assert "FAULT" not in run(other, "check")
            other.start()
            other.admin = Client(other, token)
            names = set(names_of(other))
            assert other.stop()
            pairs = [name for name in names if name[0] == "a"]
            assert len(names) == 2 * len(pairs) and all("b" + name[1:] in names for name in pairs)
            assert all(f"a{n}" in names for n in range(min(before, 500))), "an acknowledged write is not in it"
            counts.append(len(pairs))
        stop.set()
        writer.join(30)
        assert not trouble, trouble
        assert mine.stop()
        print(f"      5 backups while {len(acknowledged)} transactions were written: {counts} of them inside, each whole")


def case_a_damaged_backup_changes_nothing(trial):
    with Controller(trial.binary, trial.root) as mine:
        expect(mine.admin.put("/api/v1/nodes/kept", {}), 201)
        path = os.path.join(mine.dir, "good.tar")
        run(mine, "backup", path)
        assert "is there already" in run(mine, "backup", path, code=1)
        assert "in use by a running" in run(mine, "restore", path, code=1)
        assert mine.stop()
        assert "--replace" in run(mine, "restore", path, code=1)
        with open(path, "rb") as f:
            good = f.read()
        before = listing(mine.state)
        bad = os.path.join(mine.dir, "bad.tar")
        damaged = [good[:length] for length in (0, 100, 512, 5000, len(good) // 2, len(good) - 1024, len(good) - 4000)]
        damaged += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
                    for at in (5, 130, 600, 8000, len(good) // 2, good.index(b"manifest.json") + 700)]
        for data in damaged:
            with open(bad, "wb") as f:
                f.write(data)
            said = run(mine, "restore", bad, "--replace", code=1)
            assert bad in said and ("damaged" in said or "missing" in said or "cut short" in said), said
            assert listing(mine.state) == before, said
        # A tar of somebody else, with a name that would lead out.
        with tarfile.open(bad, "w", format=tarfile.USTAR_FORMAT) as archive:
            archive.add(path, "../../evil")
        assert "does not belong" in run(mine, "restore", bad, "--replace", code=1)
        assert "cannot open" in run(mine, "restore", bad + ".none", "--replace", code=1)
        assert listing(mine.state) == before
        mine.start()
        assert names_of(mine) == ["kept"]
        assert mine.stop()


def case_a_restore_keeps_the_state_before(trial):
    with Controller(trial.binary, trial.root) as mine:
        expect(mine.admin.put("/api/v1/nodes/old", {}), 201)
        path = os.path.join(mine.dir, "old.tar")
        run(mine, "backup", path)
        expect(mine.admin.put("/api/v1/nodes/new", {}), 201)
        pin = run(mine, "pin")
        mine.kill()  # its write-ahead log is not folded in
        run(mine, "restore", path, "--replace")
        assert run(mine, "pin") == pin  # people who pinned the dashboard's key notice nothing
        mine.start()
        assert names_of(mine) == ["old"]
        assert mine.stop()
        aside = [name for name in os.listdir(mine.state) if name.startswith("before-restore-")]
        assert len(aside) == 1, aside
        # What was moved aside is a whole state, the last write included.
        there = os.path.join(mine.state, aside[0])
        mine.state = there
        mine.start()
        assert sorted(names_of(mine)) == ["new", "old"]
        assert mine.stop()


def case_a_backup_to_standard_output(trial):
    with Controller(trial.binary, trial.root) as mine:
        done = mine.command("backup", "-")
        assert done.returncode == 0, done.stderr
        listed = subprocess.run(["tar", "t"], input=done.stdout, capture_output=True)
        assert listed.returncode == 0 and b"weft.db" in listed.stdout and b"ca.key" in listed.stdout, listed
        assert mine.stop()
