"""Databases of other versions: a later schema is refused untouched, every earlier one is brought to the present as it was."""

import glob
import os
import shutil
import sqlite3
import time

from cases_20_damage import fresh, refused, with_state, works_again
from controller import Client, expect

# What operators and hosts have made, and what was given out. The rest has an end: sessions, operations, events.
KEPT = ("resource", "change", "allocation", "target", "fact", "credential", "secret_value")


def set_schema(mine, version):
    with sqlite3.connect(os.path.join(mine.state, "weft.db")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


def case_a_later_schema_is_refused_and_not_touched(trial):
    mine = with_state(trial)
    with sqlite3.connect(os.path.join(mine.state, "weft.db")) as db:
        present = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("CREATE TABLE later (x TEXT) STRICT")
    db.close()
    set_schema(mine, present + 1)
    sentence = f"the database has schema {present + 1}, this program knows up to {present}"
    said = refused(mine, sentence, "written by a newer version, install that one")
    print("      " + said[said.index(sentence):])
    refused(mine, sentence, "install the newer version", command="check")
    set_schema(mine, present)
    works_again(mine)
    mine.__exit__()


def rows_of(path, tables):
    """(columns, rows) by table."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = {}
    for table in tables:
        cursor = db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        found[table] = [column[0] for column in cursor.description], cursor.fetchall()
    db.close()
    return found


def generation_of(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found = db.execute("SELECT value FROM meta WHERE key = 'plan_generation'").fetchone()
    db.close()
    return found


def assert_kept(before, after):
    for table, (columns, rows) in before.items():
        now, all_rows = after[table]
        at = [now.index(column) for column in columns]
        assert [tuple(row[i] for i in at) for row in all_rows] == rows, f"{table} is not as it was"


def recorded(trial, directory):
    """A controller that is to start with a recorded database."""
    mine = fresh(trial)
    os.makedirs(mine.state, mode=0o700)
    path = os.path.join(mine.state, "weft.db")
    with open(os.path.join(directory, "weft.sql")) as f, sqlite3.connect(path) as db:
        db.executescript(f.read())
    db.close()
    for name in ("ca.crt", "ca.key", "secret.key"):
        shutil.copy(os.path.join(directory, name), mine.state)
        os.chmod(os.path.join(mine.state, name), 0o600)
    os.chmod(path, 0o600)
    return mine, path


def case_every_recorded_schema_comes_to_the_present(trial):
    directories = sorted(glob.glob(os.path.join(trial.root, "tests", "compat", "schema", "[0-9]*")))
    # Whoever adds a schema finds the one before it recorded.
    assert len(directories) >= len(glob.glob(os.path.join(trial.root, "schema", "[0-9]*.sql"))) - 1, directories
    for directory in directories:
        mine, path = recorded(trial, directory)
        before, generation = rows_of(path, KEPT), generation_of(path)
        assert all(before[table][1] for table in KEPT), "a table of the recording is empty"
        mine.start()
        # The digests of the targets, too: every node's plan is the one it had, unless a later planner may plan otherwise.
        is_same_planner = generation == generation_of(path)
        assert_kept({t: rows for t, rows in before.items() if t != "target" or is_same_planner}, rows_of(path, KEPT))
        mine.password = mine.command("reset-password").stdout.decode().strip()
        mine.admin = Client(mine)
        deadline = time.monotonic() + 10  # it looks for such changes once a second
        while mine.admin.sign_in("admin", mine.password).status != 200:
            assert time.monotonic() < deadline, "the new password does not do"
            time.sleep(0.2)
        nodes = expect(mine.admin.get("/api/v1/nodes"), 200).json["items"]
        assert [node["name"] for node in nodes] == ["ada", "ben", "cyd", "dora"], nodes
        history = expect(mine.admin.get("/api/v1/history?limit=100"), 200).json["items"]
        assert {item["revision"] for item in history} >= {row[0] for row in before["change"][1]}, history
        expect(mine.admin.put("/api/v1/nodes/new", {}), 201)
        assert mine.stop()
        # It opens every secret and plans every node. Another plan by the same planner: raise PLAN_GENERATION.
        done = mine.command("check")
        assert done.returncode == 0 and b"FAULT" not in done.stdout, (directory, done.stdout)
        print(f"      {os.path.basename(directory)}: " + ", ".join(f"{len(rows)} {table}" for table, (_, rows) in before.items()))
        mine.__exit__()
