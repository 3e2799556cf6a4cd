"""Starts one controller, runs every case_* of the cases_*.py files in a directory (default: this one) against it, and sums up."""

import glob
import importlib.util
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from controller import Controller, Skip  # noqa: E402


def load_cases(directory):
    """(name, function) in the order of files and lines; a file's cases may build on each other."""
    cases = []
    for path in sorted(glob.glob(os.path.join(directory, "cases_*.py"))):
        name = os.path.basename(path)[len("cases_"):-len(".py")]
        spec = importlib.util.spec_from_file_location("cases_" + name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for attribute, value in vars(module).items():
            if attribute.startswith("case_"):
                cases.append((f"{name}: {attribute[5:].replace('_', ' ')}", value))
    return cases


def run_case(name, function, controller):
    try:
        function(controller)
    except Skip as skip:
        print(f"skip  {name}: {skip}")
        return None
    except Exception as error:  # a failed case must not end the others
        print(f"FAIL  {name}: {type(error).__name__}: {error}")
        where = traceback.extract_tb(error.__traceback__)
        for frame in where:
            if os.path.basename(frame.filename).startswith("cases_"):
                print(f"      {os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}")
        return False
    print(f"ok    {name}")
    return True


def told(is_fine, name):
    print(("ok    " if is_fine else "FAIL  ") + name)
    return is_fine


def main():
    binary, root = sys.argv[1], sys.argv[2]
    wanted = sys.argv[3:]
    passed = failed = 0
    started = time.monotonic()
    directory = os.environ.get("WEFT_CASES") or os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, directory)
    with Controller(binary, root) as controller:
        for name, function in load_cases(directory):
            if wanted and not any(word in name for word in wanted):
                continue
            outcome = run_case(name, function, controller)
            passed += outcome is True
            failed += outcome is False
            if not controller.is_alive():
                print("FAIL  the controller died")
                failed += 1
                break
        stopped = controller.stop()
        tail = controller.log_tail()
    outcomes = [told(stopped, "controller: stops cleanly on SIGTERM")]
    if not wanted and "WEFT_CASES" not in os.environ:
        unseen = controller.contract.unseen()
        outcomes.append(told(not unseen, "contract: every field that openapi.yaml promises came in some answer"))
        for field in unseen:
            print(f"      never: {field}")
    passed += outcomes.count(True)
    failed += outcomes.count(False)
    if failed:
        print(tail)
    print(f"{passed} passed, {failed} failed ({time.monotonic() - started:.1f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
