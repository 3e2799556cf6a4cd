"""One process of a program takes another's place, as systemd sees it: `PROGRAM reload CONFIG` with somebody who listens to what
it says of its main process. Also the cases of weft-proxy (splitter.py) about that.

    handover.py reload SOCKET COMMAND...    runs it as ExecReload= is run; prints its exit code and the main process it named"""
import concurrent.futures
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

WAIT = 20


class Manager:
    """As much of systemd as such a program needs."""

    def __init__(self, path):
        self.path = str(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.door.bind(self.path)
        self.door.settimeout(0.05)

    def reload(self, command, log=subprocess.DEVNULL, at_main=lambda pid: None):
        """The exit code, and the process that was named; `at_main` is called before the program learns that this was read."""
        main, process = None, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                               env={**os.environ, "NOTIFY_SOCKET": self.path})
        end = time.monotonic() + 3 * WAIT
        while process.poll() is None and time.monotonic() < end:
            try:
                said, files, _, _ = socket.recv_fds(self.door, 4096, 4)
            except TimeoutError:
                continue
            if said.startswith(b"MAINPID="):
                main = int(said[8:])
                at_main(main)
            for file in files:
                os.close(file)
        if process.poll() is None:
            process.kill()
            raise AssertionError("the reload does not end")
        return process.wait(), main


# ---- weft-proxy: `case` is splitter.py's ----

class Transfer:
    """A connection by which bytes go there and back all the time."""

    def __init__(self, talk, hello):
        self.talk, self.sent, self.got, self.count = talk, hashlib.sha256(hello), hashlib.sha256(), 0
        self.is_over = threading.Event()
        self.work = [threading.Thread(target=target) for target in (self.send, self.receive)]
        for one in self.work:
            one.start()

    def send(self):
        while not self.is_over.is_set():
            data = os.urandom(1 << 16)
            self.sent.update(data)
            self.talk.sendall(data)
            time.sleep(0.002)
        self.talk.shutdown(socket.SHUT_WR)
        self.sent.update(b"bye")

    def receive(self):
        with contextlib.suppress(OSError):
            while part := self.talk.recv(1 << 18):
                self.got.update(part)
                self.count += len(part)

    def end(self):
        self.is_over.set()
        for one in self.work:
            one.join(WAIT)
        if self.sent.digest() != self.got.digest():
            raise AssertionError(f"{self.count} bytes came back, and not as they were sent")
        return self.count


@contextlib.contextmanager
def hammered(reaches, hello):
    """Three clients make one connection after the other all the time; how many each made is told at the end."""
    stop, done = threading.Event(), []

    def hammer():
        count = 0
        while not stop.is_set():
            reaches(hello, "one")
            count += 1
        return count
    with concurrent.futures.ThreadPoolExecutor() as pool:
        work = [pool.submit(hammer) for _ in range(3)]
        try:
            yield done
        finally:
            stop.set()
            done.extend(w.result() for w in work)


def another_program(case):
    """The same program as another file, as an upgrade leaves it."""
    case.n_programs = getattr(case, "n_programs", 0) + 1
    return shutil.copy(case.programs / "weft-proxy", case.where / f"weft-proxy.{case.n_programs}")


def reload(case, program, at_main=lambda pid: None):
    manager = Manager(case.where / "notify")
    with open(case.where / "proxy.log", "ab") as log:
        return manager.reload(["ip", "netns", "exec", case.router, str(program), "reload", str(case.where / "proxy.json")], log, at_main)


def is_there(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def serving(case):
    """Processes of weft-proxy."""
    listed = subprocess.run(["ip", "netns", "pids", case.router], capture_output=True, text=True, check=True).stdout.split()
    names = {}
    for pid in listed:
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            names[int(pid)] = comm.read().strip()
    return {pid for pid, name in names.items() if name.startswith("weft-proxy") and is_there(pid)}


def handed_over(case, connect, line, reaches, alive, hello):
    """Connections that come while another process takes over by itself, and those that were there."""
    with connect() as talk:
        talk.sendall(hello)
        line(talk)
        first = case.processes[-1]
        with hammered(reaches, hello) as done:
            for workers in (3, 2, 1):
                case.start(workers=workers)
        alive(talk)
        if first.poll() is not None:
            raise AssertionError("the first process did not wait for its connection")
    first.wait(WAIT)
    return [f"{sum(done)} connections while it was started anew three times, none refused; the old one ended with its last"]


def upgraded(case, connect, line, reaches, hello):
    """A reload by the same program, by others, and by one that does not come up."""
    first, loaded = case.status()["pid"], case.status()["loaded_ms"]
    time.sleep(0.002)
    if reload(case, case.programs / "weft-proxy") != (0, None):
        raise AssertionError("a reload by the same program is more than that")
    case.till(lambda: case.status()["loaded_ms"] != loaded)
    followers = []
    with connect() as talk:
        talk.sendall(hello)
        line(talk)
        transfer = Transfer(talk, hello)
        with hammered(reaches, hello) as done:
            for _ in range(3):
                code, pid = reload(case, another_program(case))
                if code != 0 or case.status()["pid"] != pid:
                    raise AssertionError(f"the new program ends with {code}, and {case.status()['pid']} is the main process, not {pid}")
                followers.append(pid)
            path = case.where / "proxy.json"
            good = path.read_text()
            path.write_text(good.replace('"port": 0, ', "").replace("{", '{"port": 0, ', 1))
            if reload(case, another_program(case))[0] == 0 or case.status()["pid"] != pid:
                raise AssertionError("a new program that does not come up takes over")
            path.write_text(good)
        if not is_there(first):
            raise AssertionError("the first process did not wait for its connection")
        size = transfer.end()
    case.till(lambda: serving(case) == {followers[-1]})
    return [f"{sum(done)} connections meanwhile, none refused; {size >> 20} MB by one came back as they were sent"]


def killed_meanwhile(case, reaches, hello):
    """kill -9 of either process when systemd has just heard of the new one: one that serves is left."""
    notes = []
    for victim in ("new", "old"):
        old, at = case.status()["pid"], []

        def kill(new):
            at.append(time.monotonic())
            os.kill(new if victim == "new" else old, signal.SIGKILL)
        code, new = reload(case, another_program(case), kill)
        left = old if victim == "new" else new
        if (code == 0) != (victim == "old"):
            raise AssertionError(f"the {victim} one killed: the reload ends with {code}")
        reaches(hello, "one")
        took = time.monotonic() - at[0]
        case.till(lambda: serving(case) == {left} and case.status()["pid"] == left)
        if took > 4:
            raise AssertionError(f"the {victim} one killed: {took:.1f} s until a connection gets through")
        notes.append(f"the {victim} one killed: a connection gets through after {took * 1000:.0f} ms")
    return notes


def ended(case, connect, line, hello):
    """An end that is asked for is that of who still drains as well."""
    with connect() as talk:
        talk.sendall(hello)
        line(talk)
        old = case.status()["pid"]
        new = reload(case, another_program(case))[1]
        if serving(case) != {old, new}:
            raise AssertionError(f"{serving(case)} are there, not {old} and {new}")
        os.kill(new, signal.SIGTERM)
        case.till(lambda: not serving(case))


if __name__ == "__main__":
    print(*Manager(sys.argv[2]).reload(sys.argv[3:], sys.stderr))
