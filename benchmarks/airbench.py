"""examples/cifar10_airbench94.cnn beside the script that it comes from, on one CUDA device.

    python benchmarks/airbench.py --original FOLDER [--muon] [--seeds 10]

FOLDER is a checkout of github.com/KellerJordan/cifar10-airbench, whose scripts need torchvision; the images are those
of $SPECC_DATA for both. Each contestant stays in a process of its own, trains once to warm up, and then they take
turns, seed by seed. What is timed is what the script times: the start of the weights, all training steps and the last
evaluation with its views, but no other evaluation, no reading of the data, no import.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specc.backend.data.dataset import DataSet, load
from specc.backend.engine.state import TrainState
from specc.backend.evaluation.evaluate import evaluate
from specc.backend.execution.apply import launched
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.train.prepare import Request, prepare
from specc.check import Checked, check
from specc.source import Source

SPEC = Path(__file__).parent.parent / "examples" / "cifar10_airbench94.cnn"
SCRIPTS = {False: "airbench94.py", True: "airbench94_muon.py"}


class Trained(NamedTuple):
    """One training: seconds, and the accuracy with all views, from 0 to 1."""

    seconds: float
    accuracy: float


class Seconds:
    """Keeps nothing of a training but how long its epochs took."""

    def __init__(self) -> None:
        self.spent = 0.0

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        self.spent += state.seconds

    def pause(self, state: TrainState) -> None: ...


def spec(muon: bool = False, sets: Sequence[str] = ()) -> Checked:
    return check(Source(str(SPEC), SPEC.read_text()), variant="muon" if muon else None, sets=sets)


def images() -> DataSet:
    return load(spec().trainable().data, data_dir=None, base=SPEC.parent)


def ours(seed: int, muon: bool, device: str, sets: list[str], data: DataSet) -> Trained:
    """Train the spec."""
    checked = spec(muon, [f"train.seed={seed}", *sets])
    began = time.perf_counter()
    job = prepare(Request(checked.trainable(), device, base=SPEC.parent, dataset=data))
    trainer = job.trainer
    prepared, epochs = time.perf_counter() - began, Seconds()
    with launched(job.plan, trainer, lambda text: print(text, file=sys.stderr)), Interrupt() as interrupt:
        trainer.run(epochs, Quiet(), interrupt)
    began = time.perf_counter()
    tta = trainer.settings.evaluate.args
    step = trainer.compute
    validation = trainer.loader.validation()
    found = evaluate(trainer.state.net, validation, trainer.loader.task, step.loss, step.precision, tta)
    return Trained(prepared + epochs.spent + time.perf_counter() - began, found.figure("accuracy"))


def serve_ours(muon: bool, device: str, sets: list[str]) -> None:
    data = images()
    for line in sys.stdin:
        print(json.dumps(ours(int(line), muon, device, sets, data)), flush=True)


def serve_original(folder: Path, muon: bool) -> None:
    """Run the script's own `main`, in a folder that holds the images where it looks for them."""
    places = [folder.resolve() / SCRIPTS[muon], folder.resolve() / "legacy" / SCRIPTS[muon]]
    file = next((place for place in places if place.exists()), places[0])
    data = images()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        Path("cifar10").mkdir()
        for name, split in ("train", data.train), ("test", data.validation):
            pixels = split.gather(torch.arange(len(split)), torch.device("cpu")).permute(0, 2, 3, 1).contiguous()
            held = {"images": pixels, "labels": split.labels, "classes": list(data.classes)}
            torch.save(held, f"cifar10/{name}.pt")  # noqa: TID251  # the form that the script reads
        sys.argv = [str(file)]
        found = importlib.util.spec_from_file_location("original", file)
        assert found and found.loader
        script = importlib.util.module_from_spec(found)
        found.loader.exec_module(script)
        given = ()
        if muon:  # as the script does where it is called
            net = script.CifarNet().cuda().to(memory_format=torch.channels_last)
            net.compile(mode="max-autotune")
            given = (net,)
        for line in sys.stdin:
            torch.manual_seed(int(line))
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                accuracy = script.main(0, *given)
            row = [row for row in said.getvalue().splitlines() if "eval" in row][-1]
            print(json.dumps(Trained(float(row.split("|")[-2]), accuracy)), flush=True)


def start(contestant: str, asked: argparse.Namespace) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--serve", contestant, "--device", asked.device]
    command += ["--original", str(asked.original)] if asked.original else []
    command += ["--muon"] if asked.muon else []
    command += [word for text in asked.set for word in ("--set", text)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def one(child: subprocess.Popen[str], seed: int) -> Trained:
    """Let a contestant train once."""
    assert child.stdin and child.stdout
    print(seed, file=child.stdin, flush=True)
    answer = child.stdout.readline()
    if not answer:
        raise SystemExit("a contestant failed; what it said stands above")
    return Trained(*json.loads(answer))


def contest(asked: argparse.Namespace) -> None:
    names = ("specc", "original") if asked.original else ("specc",)
    children = {name: start(name, asked) for name in names}
    found: dict[str, list[Trained]] = {name: [] for name in names}
    for child in children.values():
        one(child, 1_000)  # the warm-up
    for seed in range(asked.seeds):
        for name, child in children.items():
            found[name].append(one(child, seed))
    for child in children.values():
        assert child.stdin
        child.stdin.close()
        child.wait()
    print(f"{SCRIPTS[asked.muon]} on {asked.device}, {asked.seeds} seeds each\n")
    print("| contestant | seconds | accuracy |\n|---|---|---|")
    for name, trained in found.items():
        columns = [[trial.seconds for trial in trained], [100 * trial.accuracy for trial in trained]]
        shown = [f"{statistics.mean(column):.2f} ± {spread(column):.2f}" for column in columns]
        print(f"| {name} | {shown[0]} | {shown[1]}% |")
    if asked.original:
        ratios = [mine.seconds / other.seconds for mine, other in zip(*found.values(), strict=True)]
        print(f"\nspecc takes {statistics.median(ratios):.2f} times as long; at most 1.0 wanted, at the same accuracy")


def spread(column: list[float]) -> float:
    """The standard deviation."""
    return statistics.stdev(column) if len(column) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--original", type=Path, help="the checkout; without it specc runs alone")
    parser.add_argument("--muon", action="store_true", help="the later form, with Muon")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="change the spec, for a trial")
    parser.add_argument("--serve", choices=["specc", "original"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve == "specc":
        serve_ours(asked.muon, asked.device, asked.set)
    elif asked.serve == "original":
        serve_original(asked.original, asked.muon)
    elif asked.device == "cuda" and not torch.cuda.is_available():
        print("nothing was measured: there is no CUDA device")
    elif "SPECC_DATA" not in os.environ:
        print("nothing was measured: set SPECC_DATA to the folder that holds cifar-10-batches-bin")
    else:
        contest(asked)


if __name__ == "__main__":
    main()
