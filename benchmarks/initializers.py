"""Small networks under several initializers of their layers: what the rule of `init=auto` was chosen by (docs/init.md).

    SPECC_DATA=FOLDER python benchmarks/initializers.py [--out FILE]

FOLDER holds fashion-mnist/ and cifar-10-batches-bin/. Every network of benchmarks/initializers/ is trained under every
candidate and seed, on part of its images and for few epochs: the whole takes about six minutes of one CPU core. Each
training is a line of FILE, and is not repeated by the next call. What is printed is the accuracy on validation images
after the last epoch, mean and standard deviation over the seeds.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.subset import subset_of
from specc.backend.engine.state import TrainState
from specc.backend.execution.apply import launched
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.train.prepare import Request, prepare
from specc.check import Checked, check
from specc.source import Source

SPECS = Path(__file__).parent / "initializers"
VALIDATION = 2_000  # images at most


class Candidate(NamedTuple):
    """The initializers of convolutions, of hidden dense layers, and of the layer that gives the logits."""

    conv: str
    dense: str
    logits: str

    @property
    def name(self) -> str:
        return " / ".join(self)

    def settings(self) -> list[str]:
        return [f"network.{knob}_init={init}" for knob, init in self._asdict().items()]


HE, TORCH, GLOROT, SMALL, ZERO = "he_normal", "torch_uniform", "glorot_uniform", "normal(0.01)", "constant(0)"
CANDIDATES = (
    Candidate(HE, HE, HE),
    Candidate(HE, HE, TORCH),
    Candidate(HE, HE, SMALL),
    Candidate(HE, HE, ZERO),
    Candidate(HE, TORCH, SMALL),
    Candidate(HE, GLOROT, SMALL),
    Candidate(HE, TORCH, TORCH),
    Candidate(TORCH, TORCH, TORCH),
)


NETWORKS: dict[str, int | None] = {  # how many of the training images are used
    "digits": None,
    "dense": 3_000,
    "fashion": 2_500,
    "resnet": 2_500,
    "plain": 2_500,
}
WITHOUT_DENSE = {"resnet"}  # but for the logits


class Accuracies:
    """Keeps nothing of a training but its accuracy on the validation images after each epoch."""

    def __init__(self) -> None:
        self.all: list[float] = []

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        self.all.append(float(line["val_accuracy"]))

    def pause(self, state: TrainState) -> None: ...


def spec(network: str, candidate: Candidate, seed: int, sets: Sequence[str] = ()) -> Checked:
    file = SPECS / f"{network}.cnn"
    return check(Source(str(file), file.read_text()), sets=[*sets, *candidate.settings(), f"train.seed={seed}"])


def images(network: str) -> DataSet:
    """The training images that are used, and the validation images, the same for all seeds."""
    whole = load(spec(network, CANDIDATES[0], 0).trainable().data, data_dir=None, base=SPECS)
    count = NETWORKS[network]
    validation = subset_of(whole, VALIDATION).validation
    return (whole if count is None else subset_of(whole, count))._replace(validation=validation)


def train(network: str, candidate: Candidate, seed: int, data: DataSet, sets: Sequence[str] = ()) -> list[float]:
    """The accuracy after each epoch, from 0 to 1."""
    job = prepare(Request(spec(network, candidate, seed, sets).trainable(), "cpu", base=SPECS, dataset=data))
    accuracies = Accuracies()
    with launched(job.plan, job.trainer, lambda text: None), Interrupt() as interrupt:
        job.trainer.run(accuracies, Quiet(), interrupt)
    if interrupt.signal:
        sys.exit(interrupt.status)
    return accuracies.all


Results = dict[tuple[str, str, int], list[float]]


def read(file: Path) -> Results:
    """What was trained already."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {(line["network"], line["candidate"], line["seed"]): line["accuracy"] for line in lines}


def measure(networks: Sequence[str], seeds: int, file: Path, sets: Sequence[str] = ()) -> Results:
    """Train what is not in the file yet, one seed of everything after the other."""
    results, data = read(file), {name: images(name) for name in networks}
    for seed in range(seeds):
        for network in networks:
            for candidate in CANDIDATES:
                key = (network, candidate.name, seed)
                if key in results or is_same_as_another(network, candidate):
                    continue
                results[key] = train(network, candidate, seed, data[network], sets)
                line = {"network": network, "candidate": candidate.name, "seed": seed, "accuracy": results[key]}
                with file.open("a") as kept:
                    print(json.dumps(line), file=kept, flush=True)
    return results


def is_same_as_another(network: str, candidate: Candidate) -> bool:
    """Whether an earlier candidate is the same to a network that has no layer in which they differ."""
    earlier = CANDIDATES[: CANDIDATES.index(candidate)]
    if network in WITHOUT_DENSE:
        return any((one.conv, one.logits) == (candidate.conv, candidate.logits) for one in earlier)
    return network == "dense" and any((one.dense, one.logits) == (candidate.dense, candidate.logits) for one in earlier)


def table(results: Results, networks: Sequence[str], seeds: int) -> list[str]:
    """In Markdown: a row for each candidate, percent."""
    head = ["convolutions", "hidden dense", "logits", *networks]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for candidate in CANDIDATES:
        cells = [f"`{init}`" for init in candidate]
        for network in networks:
            keys = [(network, candidate.name, seed) for seed in range(seeds)]
            last = [100 * results[key][-1] for key in keys if key in results]
            spread = statistics.stdev(last) if len(last) > 1 else 0.0
            cells.append(f"{statistics.mean(last):.1f} ± {spread:.1f}" if last else "")
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="these only, with commas between them")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="change the specs")
    parser.add_argument("--out", type=Path, default=Path("initializers.jsonl"), help="one for each choice of --set")
    options = parser.parse_args()
    if "SPECC_DATA" not in os.environ:
        print("nothing was measured: set SPECC_DATA to the folder that holds fashion-mnist and cifar-10-batches-bin")
        return
    networks = options.networks.split(",")
    results = measure(networks, options.seeds, options.out, options.set)
    print(*table(results, networks, options.seeds), sep="\n")


if __name__ == "__main__":
    main()
