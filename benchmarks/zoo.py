"""What the networks of the zoo cost, and how far they are from their origins.

Writes `specc/zoo/figures.json`, of every model, and the table of `docs/zoo.md`. A comparison builds the network and its
origin in float64, gives both the same random weights and images, and takes the largest difference of their outputs,
relative to the largest output; `make peers` installs the libraries. A row is written once it is there, and rows that
are not asked for stay, so a part can be done at a time:

    python benchmarks/zoo.py
    python benchmarks/zoo.py --only 'resnet*' --only vgg11
    python benchmarks/zoo.py --missing
"""

import argparse
import gc
import json
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from specc.check import check  # noqa: E402
from specc.files import write_atomic  # noqa: E402
from specc.reading import load_base, read_source  # noqa: E402
from specc.zoo import FOLDER, Family, models  # noqa: E402
from specc.zoo.figures import FILE, Figures  # noqa: E402
from tests.zoo.cases import cases  # noqa: E402
from tests.zoo.compare import compare  # noqa: E402
from tests.zoo.peers import are_there  # noqa: E402

PAGE = ROOT / "docs" / "zoo.md"
BEGIN, END = "<!-- written by benchmarks/zoo.py -->\n", "<!-- end of the table -->\n"
HEAD = (
    "| model | family | parameters | MACs | lines | evaluation | training | origin |\n"
    "|---|---|--:|--:|--:|--:|--:|---|\n"
)
NOT_COMPARED = "– | – | –"


def count(model: str) -> Figures:
    """The figures of a model. Raises AssertionError where its spec has errors."""
    graph = check(read_source(f"zoo:{model}"), load=load_base).graph
    assert graph is not None, f"zoo:{model} has errors: `specc check zoo:{model}`"
    return Figures(graph.parameters, graph.total_macs)


def row(model: str, family: Family, figures: Figures, differences: str) -> str:
    lines = len((FOLDER / f"{family.name}.cnn").read_text("utf-8").splitlines())
    return f"| {model} | {family.name} | {figures.parameters:,} | {figures.macs:,} | {lines} | {differences} |\n"


def differences(model: str) -> str:
    """The last columns: the largest differences over all libraries and forms of a model, and the libraries."""
    evaluation = training = 0.0
    libraries = []
    for case in cases():
        if case.model == model:
            one = compare(case.model, case.library, case.naming, case.size, case.has_aux)
            evaluation, training = max(evaluation, one.evaluation), max(training, one.training, one.statistics)
            libraries.append(case.library)
            gc.collect()
    if not libraries:
        return NOT_COMPARED
    return f"{text(evaluation)} | {text(training)} | {', '.join(dict.fromkeys(libraries))}"


def text(difference: float) -> str:
    return f"{difference:.0e}" if difference else "0"


def read_rows(page: str) -> dict[str, str]:
    """The last columns of the table's rows by their model."""
    table = page.partition(BEGIN)[2].partition(END)[0].splitlines()[2:]
    cells = [line.strip("| ").split(" | ") for line in table]
    return {one[0]: " | ".join(one[5:]) for one in cells}


def write_rows(known: dict[str, str], figures: dict[str, Figures]) -> None:
    page = PAGE.read_text("utf-8")
    rows = [row(model, family, figures[model], known.get(model, NOT_COMPARED)) for model, family in models().items()]
    before, _, rest = page.partition(BEGIN)
    write_atomic(PAGE, "".join([before, BEGIN, HEAD, *rows, END, rest.partition(END)[2]]).encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="compare these models; repeatable")
    parser.add_argument("--missing", action="store_true", help="compare the models without a comparison yet")
    asked = parser.parse_args()
    figures = {model: count(model) for model in models()}
    lines = [f'  "{model}": {json.dumps(one._asdict())}' for model, one in sorted(figures.items())]
    write_atomic(FILE, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    known = read_rows(PAGE.read_text("utf-8"))
    write_rows(known, figures)
    if not are_there():
        print("torchvision and timm are not there, so nothing is compared: `make peers`")
        return 0
    failed = 0
    for model in models():
        is_asked = any(fnmatchcase(model, pattern) for pattern in asked.only or ["*"])
        if not is_asked or (asked.missing and known.get(model, NOT_COMPARED) != NOT_COMPARED):
            continue
        began = time.process_time()
        try:
            known[model] = differences(model)
        except Exception as error:  # noqa: BLE001 - the others go on, and the table says that this one is missing
            known[model], failed = NOT_COMPARED, failed + 1
            print(f"{model}: {type(error).__name__}: {error}", file=sys.stderr)
        else:
            print(f"{model}: {known[model]} ({time.process_time() - began:.1f} s of processor time)", flush=True)
        write_rows(known, figures)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
