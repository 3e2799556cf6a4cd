"""Runs every case_* of the cases_*.py files beside this one; each has controllers of its own."""

import argparse
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "api"))

from runner import load_cases, run_case  # noqa: E402


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--kills", type=int, default=10)
    words.add_argument("binary")
    words.add_argument("root")
    words.add_argument("wanted", nargs="*")
    trial = words.parse_args()
    outcomes = [run_case(name, case, trial) for name, case in load_cases(here)
                if not trial.wanted or any(word in name for word in trial.wanted)]
    print(f"{outcomes.count(True)} passed, {outcomes.count(False)} failed, {outcomes.count(None)} skipped")
    return 1 if False in outcomes else 0


sys.exit(main())
