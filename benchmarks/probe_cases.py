"""The verdict of `specc probe` beside what training then does, for networks of 3 to 30 layers.

    SPECC_DATA=FOLDER python benchmarks/probe_cases.py

probes every case, and writes docs/probe.md. What training did is kept in probe_cases.json beside this file; with
--train the cases are trained anew (a quarter of an hour on one core). FOLDER holds fashion-mnist and
cifar-10-batches-bin; cases on digits need neither: --only digits.

The thresholds of specc/backend/probe/trial.py were chosen on the first 57 cases; the others were only counted.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from specc.check import Checked, check
from specc.report.probe import Probed
from specc.source import Source

ROOT = Path(__file__).parent.parent
TRAINED, PAGE, DECK = Path(__file__).with_suffix(".json"), ROOT / "docs/probe.md", ROOT / "examples/deck_cifar10.cnn"
SEEN = 57  # cases on which bounds were chosen
SUBSET = 2000  # training images of the larger sets
CHANCE, LEARNED = 0.10, 0.15  # training accuracy: of ten classes, and in the mean of the last two epochs
STACK = """
data {{ source = {source}; normalize = standard{resize} }}
block unit(c, act, norm, init) {{ conv(c, init=init) -> norm -> act }}
network Stack(depth=6, width=8, act=relu, norm=identity, init=auto, skip=false) {{
  unit(width, act, norm, init){pool}
  repeat(depth - 2) {{
    if skip {{ residual {{ unit(width, act, norm, init) }} }} else {{ unit(width, act, norm, init) }}
  }}
  max_pool(2) -> flatten -> dense(10, init=init)
}}
train {{ epochs = {epochs}; batch = 64; optimizer = adam(lr=1e-3); precision = fp32 }}
"""
POOL = " -> max_pool(2)"
BASES = {
    "digits": STACK.format(source="digits", resize="", pool="", epochs=8),
    "fashion": STACK.format(source="fashion_mnist", resize="", pool=POOL, epochs=5),
    "cifar": STACK.format(source="cifar10", resize="; resize = 16x16", pool=POOL, epochs=5),
}
DECK_SETS = (
    "data.resize=16x16", "network.widths=[8, 16, 32]", "network.hidden=[64, 64]", "train.batch=64", "train.epochs=6",
)  # fmt: skip
GLOROT, HE, NORM, SKIP = ("init=glorot_uniform", "init=he_normal", "norm=batch_norm", "skip=true")
ADAM, FAST_ADAM, MOMENTUM, SGD, SLOW_SGD = (
    "adam(lr=1e-3)", "adam(lr=3e-3)", "sgd(lr=0.05, momentum=0.9)", "sgd(lr=0.1)", "sgd(lr=0.01)",
)  # fmt: skip


class Case(NamedTuple):
    """A network. base: a key of `BASES`, or the deck, of which `variant` is probed. knobs: of the network, in words."""

    base: str
    depth: int
    knobs: tuple[str, ...]
    optimizer: str
    variant: str | None = None

    @property
    def key(self) -> str:
        if self.variant:
            return f"deck {self.variant}"
        return f"{self.base}, {self.depth} layers, {', '.join((*self.knobs, self.optimizer))}"

    @property
    def checked(self) -> Checked:
        if self.variant:
            return check(Source(DECK.name, DECK.read_text(encoding="utf-8")), variant=self.variant, sets=DECK_SETS)
        sets = [f"network.{knob}" for knob in (f"depth={self.depth}", *self.knobs)]
        return check(Source("stack.cnn", BASES[self.base]), sets=[*sets, f"train.optimizer={self.optimizer}"])


def cases() -> list[Case]:
    """All cases, in the order of the page."""

    def stacks(base: str, depths: tuple[int, ...], *tricks: tuple[tuple[str, ...], str]) -> list[Case]:
        return [Case(base, depth, knobs, optimizer) for depth in depths for knobs, optimizer in tricks]

    sigmoid, tanh = "act=sigmoid", "act=tanh"
    names = ("deeper", "deeper_standard", "deeper_batchnorm", "deeper_he", "deeper_skip")
    return [
        *(Case("deck", 20, (), ADAM, name) for name in names),
        *stacks("digits", (3, 8, 14, 20), ((GLOROT,), ADAM), ((HE,), ADAM), ((GLOROT,), MOMENTUM)),
        *stacks("digits", (8, 14, 20), ((HE,), MOMENTUM)),
        *stacks("digits", (8, 20), ((GLOROT, NORM), ADAM), ((GLOROT, SKIP), FAST_ADAM)),
        *stacks("digits", (6, 14), ((NORM,), MOMENTUM)),
        *stacks("digits", (3, 6, 10, 14), ((sigmoid, GLOROT), FAST_ADAM)),
        *stacks("digits", (6, 14), ((sigmoid, NORM), FAST_ADAM)),
        *stacks("digits", (6, 14), ((tanh, GLOROT), FAST_ADAM), ((tanh, GLOROT), SGD)),
        *stacks("digits", (10,), ((sigmoid, SKIP), FAST_ADAM), ((sigmoid,), SGD)),
        *stacks("digits", (3,), ((sigmoid,), SGD)),
        *(
            Case("digits", 6, (f"init=normal({std})",), optimizer)
            for std in (0.01, 0.05, 0.5)
            for optimizer in (ADAM, MOMENTUM)
        ),
        *stacks("digits", (14,), ((HE,), SLOW_SGD)),
        *stacks("digits", (8,), ((GLOROT,), SLOW_SGD)),
        *stacks("digits", (20,), ((SKIP, HE), MOMENTUM)),
        *stacks("digits", (14,), (("norm=layer_norm",), ADAM)),
        *stacks("fashion", (6, 10, 14), ((GLOROT,), ADAM)),
        *stacks("fashion", (10,), ((GLOROT,), MOMENTUM)),
        *stacks("fashion", (14,), ((HE,), ADAM), ((GLOROT, NORM), MOMENTUM), ((SKIP,), ADAM)),
        *stacks("fashion", (8,), ((sigmoid, GLOROT), ADAM)),
        *stacks("cifar", (6, 10, 14), ((GLOROT,), ADAM)),
        *stacks("cifar", (6, 14), ((HE,), MOMENTUM)),
        *stacks("cifar", (14,), ((HE,), ADAM)),
        *stacks("cifar", (10,), ((GLOROT, NORM), ADAM)),
        *stacks("cifar", (14,), ((GLOROT, SKIP), MOMENTUM)),
        *stacks("digits", (24, 30), ((GLOROT,), ADAM), ((HE,), ADAM), ((NORM, GLOROT), MOMENTUM)),
        *stacks("digits", (30,), ((SKIP, GLOROT), ADAM), ((GLOROT,), MOMENTUM)),
    ]


class Data:
    """The data sets of the cases, each read once."""

    def __init__(self) -> None:
        self.sets: dict[str, Any] = {}

    def of(self, case: Case, checked: Checked) -> Any:
        from specc.backend.data.dataset import load
        from specc.backend.data.subset import subset_of

        settings = checked.trainable().data
        key = repr(settings)
        if key not in self.sets:
            dataset = load(settings)
            self.sets[key] = dataset if case.base == "digits" else subset_of(dataset, SUBSET)
        return self.sets[key]


def probe_case(case: Case, data: Data) -> Probed:
    from specc.backend.probe import probe

    return probe(case.checked, device="cpu", dataset=data.of(case, case.checked))


def train_case(case: Case, data: Data) -> list[float]:
    """Training accuracy in each epoch; [] where the loss stopped being finite."""
    from specc.backend.train.job import train
    from specc.errors import SpeccError

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        try:
            train(case.checked, out=run, device="cpu", dataset=data.of(case, case.checked), quiet=True)
        except SpeccError as error:
            if error.code != "E436":
                raise
            return []
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [round(json.loads(line)["train_accuracy"], 3) for line in lines]


def has_learned(accuracies: list[float]) -> bool:
    return len(accuracies) > 1 and fmean(accuracies[-2:]) > LEARNED


INTRODUCTION = """\
# How often `specc probe` is right

`specc probe` sends one batch through a fresh network and back, and then lets a copy of it take up to 40 steps of the
spec's own optimizer on 16 of the images (8 of a large network's). If the loss on these falls clearly below that of the
best answer that is the same for every image, the network tells images apart, and can learn. If all steps leave it
there, and its outputs hardly differed between images to begin with, the verdict is `stuck`. Networks whose figures
before the first step foretell a slow start, such as deep stacks of sigmoids, and those whose outputs do differ are
called `late`, not stuck: no trial this short can say more of them.

Each line below is a network that was probed and then trained: stacks of 3 to 30 layers on digits, and on 2,000 images
of Fashion-MNIST and CIFAR-10 (at 16x16), and five variants of `examples/deck_cifar10.cnn` (at widths of 8, 16 and 32 on
16x16). It has learned if the mean training accuracy of the last two epochs is above 15%, where chance is 10%; trainings
take 155 to 186 steps. A network that leaves chance later counts as one that does not learn.
"""
MACHINE = """\
One thread of an AMD EPYC, torch on the CPU. `python benchmarks/probe_cases.py` probes, and writes this page; the
trainings (`--train`) were done one by one, on a machine with other work. The bounds were chosen with the first 57 cases
in view, and one of them with a case of the others: none of these figures is a clean holdout.
"""
LIMITS = """\
## What it does not tell

- One seed was trained of each network. Near the edge of stability (sgd with momentum and a high rate) another seed may
  end the other way, and in a trial of 40 steps as well as in training.
- `learns` says that the loss leaves a guess within a few epochs, not how far it gets.
- A network so large that 40 steps on 8 images take more than 600 GMAC gets fewer steps. If these do not settle it, the
  verdict is that of the pass before the first step, and the figures of the steps are given with it.
"""


def page(rows: list[dict[str, Any]]) -> str:
    """The page with its table, and the counts of its parts."""
    parts_of = {
        f"the first {SEEN}, on which bounds were chosen": rows[:SEEN],
        "the others, added afterwards": rows[SEEN:],
        "even numbers": rows[0::2],
        "odd numbers": rows[1::2],
        "all": rows,
    }
    counts = ["| cases | number | wrong |", "| --- | ---: | ---: |"]
    for name, some in parts_of.items():
        wrong = sum(not row["right"] for row in some)
        counts.append(f"| {name} | {len(some)} | {wrong} ({wrong / len(some):.1%}) |")
    table = ["| | network | verdict | learns | trained | |", "| ---: | --- | --- | --- | ---: | --- |"]
    for number, row in enumerate(rows):
        told = f"{row['accuracy']:.0%}" if row["accuracy"] is not None else "loss not finite"
        cells = [str(number), row["key"], row["kind"], "yes" if row["learns"] else "no", told]
        table.append(f"| {' | '.join(cells)} | {'' if row['right'] else '**wrong**'} |")
    parts = [
        "<!-- made by benchmarks/probe_cases.py -->\n",
        INTRODUCTION,
        MACHINE,
        "\n".join(counts) + "\n",
        LIMITS,
        "## All cases\n\nTrained: training accuracy, the mean of the last two epochs.\n",
        "\n".join(table) + "\n",
    ]
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true", help="train all cases anew")
    parser.add_argument("--only", help="cases on this data alone, without writing the page")
    options = parser.parse_args()
    trained = {} if options.train else json.loads(TRAINED.read_text(encoding="utf-8"))
    data, rows = Data(), []
    for number, case in enumerate(cases()):
        if options.only and case.base != options.only:
            continue
        if case.key not in trained:
            trained[case.key] = train_case(case, data)
        accuracies, verdict = trained[case.key], probe_case(case, data).verdict
        row = {
            "key": case.key,
            "kind": verdict.kind,
            "learns": verdict.learns,
            "accuracy": fmean(accuracies[-2:]) if len(accuracies) > 1 else None,
            "right": verdict.learns == has_learned(accuracies),
        }
        rows.append(row)
        print(f"{number:3} {'right' if row['right'] else 'WRONG'}  {case.key}: {verdict.text}", flush=True)
    if not options.only:
        TRAINED.write_text(json.dumps(trained, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(rows), encoding="utf-8")
    print(f"{sum(not row['right'] for row in rows)} of {len(rows)} wrong")


if __name__ == "__main__":
    main()
