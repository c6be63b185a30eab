"""Mutation testing of specc: `python -m tests.mutants [--each 30] [--seed 0] [FOLDER …]`.

A copy of the tree is mutated, never the tree itself. Which tests run which lines is recorded first and kept in
.mutants, as long as neither specc nor the file of tests changes.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

# Before anything imports torch. Random specs are few, as each mutant is tried on them.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "SPECC_FUZZ": "24"}
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # looking for plugins takes longer than most trials

from tests.mutants.lines import record
from tests.mutants.process import warm_up
from tests.mutants.sample import FOLDERS, Mutant, copy_tree, covering, draw, files_of_tests, mutate, restore
from tests.mutants.trial import try_out

ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--each", type=int, default=30, help="how many mutants of each folder, drawn at random")
    parser.add_argument("--seconds", type=float, default=60.0, help="of tests that a mutant is tried on")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--only", default="", help="only mutants whose file, function or change contains this text")
    parser.add_argument("folders", nargs="*", default=list(FOLDERS), help="such as specc/ops")
    given = parser.parse_args()
    survivors: list[Mutant] = []
    scores = {folder: Counter[str]() for folder in given.folders}
    warm_up()
    with TemporaryDirectory(prefix="specc-mutants-") as place:
        root = copy_tree(ROOT, Path(place))
        files = files_of_tests(root, given.folders)
        lines = record(root, list(FOLDERS), files, ROOT / ".mutants")
        mutants = [m for folder in given.folders for m in draw(root, folder, given.each, given.seed, given.only)]
        for number, mutant in enumerate(mutants):
            tests = covering(mutant, lines, given.seconds)
            mutate(root, mutant, number)
            outcome = try_out(root, tests, 20 + 3 * sum(lines.seconds[test] for test in tests))
            restore(root, mutant, number)
            scores[mutant.folder][outcome.verdict] += 1
            survivors += [mutant] * (outcome.verdict == "survived")
            print(f"{outcome.verdict:8} {outcome.seconds:4.0f} s  {mutant}  {outcome.test}", flush=True)
    _report(scores, survivors)
    return bool(survivors)


def _report(scores: dict[str, Counter[str]], survivors: list[Mutant]) -> None:
    print()
    for folder, score in [*scores.items(), ("together", sum(scores.values(), Counter[str]()))]:
        count, killed = score.total(), score.total() - score["survived"]
        print(f"{folder}: {killed} of {count} killed, {killed / max(count, 1):.1%}")
    for mutant in survivors:
        print(f"  survived: {mutant}")


if __name__ == "__main__":
    sys.exit(main())
