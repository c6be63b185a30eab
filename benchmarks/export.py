"""What the certified export of a network costs, and how fast the exported file is.

    python benchmarks/export.py [SPEC] [--images N] [--batches 1,64] [--seconds S] [--threads T]

The network of SPEC (resnet50.cnn: images of 224 x 224) with fresh weights, and random images in place of its data.
First the time and the peak memory of writing the graph, and of the whole export: the difference is the certificate's.
Then how long a batch takes by the file in onnxruntime, by PyTorch as it is, and by `torch.compile`, all three in turn,
each from raw uint8 images to probabilities with the same number of threads. Idle threads of onnxruntime do not spin
here, as they would by default: they would take the processor from whoever's turn is next. Compiling needs a C++
compiler; without one its column is left out.
"""

import argparse
import json
import platform
import resource
import shutil
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from safetensors.torch import save

from specc.backend.build import Net, build
from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Resident
from specc.backend.initialize import initialize
from specc.backend.onnx.certify import content_of
from specc.backend.onnx.export import export
from specc.backend.onnx.reference import Reference, activation, normalize_as
from specc.backend.onnx.write import check_graph, describe, write_model
from specc.backend.run.files import BEST
from specc.backend.run.load import Run
from specc.check import Checked, check
from specc.source import Source

EXAMPLES = Path(__file__).parent.parent / "examples"
WARM = 3  # rounds that are not counted


def random_data(checked: Checked, images: int) -> DataSet:
    """Random images of the network's size: as many to validate on, a few to train on."""
    assert checked.graph is not None
    channels, height, width = checked.graph.input
    (classes,) = checked.graph.output_shape
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, channels, height, width), dtype=torch.uint8, generator=draw)
    labels = torch.randint(0, classes, (images,), generator=draw)
    names = tuple(str(number) for number in range(classes))
    mean, std = (0.5,) * channels, (0.25,) * channels
    shape = (channels, height, width)
    split = Resident(pixels, labels)
    return DataSet("random", names, shape, split, split, mean, std, "0" * 64, f"{images} random images")


def peak() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def timed(work: Callable[[], Any]) -> tuple[float, float, float]:
    """Seconds of some work, and the peak memory in MB before and after it."""
    before, start = peak(), time.perf_counter()
    work()
    return time.perf_counter() - start, before, peak()


def cost(run: Run, dataset: DataSet) -> None:
    """The time and the memory of an export, with the certificate's share apart."""
    normalize = normalize_as(run.spec, dataset.mean, dataset.std)

    def write() -> None:
        written = write_model(run.spec, run.net, normalize, describe(run.spec, dataset.classes, dataset.hash))
        check_graph(written.model)
        content_of(written.model)

    writing, before, after = timed(write)
    whole, _, most = timed(lambda: export(run, dataset, providers=["cpu"]))
    size = (run.path / "model.onnx").stat().st_size
    print(f"{'':24} {'seconds':>9} {'peak, MB':>9}")
    print(f"{'network and images':24} {'':>9} {before:9,.0f}")
    print(f"{'the graph':24} {writing:9.2f} {after:9,.0f}")
    print(f"{'the certificate':24} {whole - writing:9.2f}")
    print(f"{'the whole export':24} {whole:9.2f} {most:9,.0f}")
    print(f"\nthe file: {size / 1e6:.1f} MB; certified on {len(dataset.validation):,} images\n")


def in_turn(works: list[Callable[[], Any]], seconds: float) -> list[list[float]]:
    """The seconds of each, one after the other for so long, and at least five rounds."""
    rounds: list[list[float]] = []
    end = time.perf_counter() + seconds
    while len(rounds) < WARM + 5 or time.perf_counter() < end:
        rounds.append([timed(work)[0] for work in works])
    return [list(times) for times in zip(*rounds[WARM:], strict=True)]


def spread(values: list[float], unit: float, digits: int) -> str:
    """`  178 (170 to 195)`: the median and the quartiles."""
    low, middle, high = (f"{value * unit:,.{digits}f}" for value in quantiles(values, n=4))
    return f"{middle:>5} ({low} to {high})"


def compiled(net: Net) -> Net | None:
    """The network through `torch.compile`; None where there is no C++ compiler."""
    return torch.compile(net) if any(map(shutil.which, ("c++", "g++", "clang++", "cl"))) else None  # type: ignore[return-value]


def latency(run: Run, dataset: DataSet, batches: list[int], seconds: float) -> None:
    """How long a batch takes, and how many times as long PyTorch takes for it as the file."""
    normalize = normalize_as(run.spec, dataset.mean, dataset.std)
    eager = Reference(run.net, normalize, activation(run.spec), torch.device("cpu"))
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(run.path / "model.onnx", settings, providers=["CPUExecutionProvider"])
    faster = compiled(run.net)
    print(f"{'batch':>5} {'file, ms':>24} {'eager, ms':>24} {'eager / file':>22} {'compiled / file':>22}")
    for batch in batches:
        images = np.random.default_rng(0).integers(0, 256, (batch, *dataset.shape), dtype=np.uint8)
        works: list[Callable[[], Any]] = [lambda i=images: session.run(None, {"images": i}), lambda i=images: eager(i)]
        if faster is not None:
            other = copy(eager)
            other.net = faster
            works.append(lambda i=images, model=other: model(i))
        file, *others = in_turn(works, seconds)
        ratios = [spread([b / a for a, b in zip(file, times, strict=True)], 1, 2) for times in others]
        row = [spread(file, 1000, 2), spread(others[0], 1000, 2)]
        print(f"{batch:5} {row[0]:>24} {row[1]:>24} {ratios[0]:>22} {(*ratios, '-')[1]:>22}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("spec", nargs="?", type=Path, default=EXAMPLES / "resnet50.cnn")
    options.add_argument("--images", type=int, default=256, help="how many images the certificate is made on")
    options.add_argument("--batches", default="1,64", help="sizes of the batches that are timed")
    options.add_argument("--seconds", type=float, default=60, help="how long each batch size is timed")
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    checked = check(Source(str(given.spec), given.spec.read_text()))
    assert checked.graph is not None and not checked.errors, checked.errors
    versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, {torch.get_num_threads()} threads"
    print(f"{given.spec.name} on {platform.processor() or platform.machine()}: {versions}\n")
    dataset = random_data(checked, given.images)
    net = build(checked.graph)
    initialize(net, 0)
    with TemporaryDirectory() as folder:
        weights = save({name: value.contiguous() for name, value in net.state_dict().items()})
        Path(folder, BEST).write_bytes(weights)
        info = {"data_sha256": dataset.hash, "mean": dataset.mean, "std": dataset.std, "classes": dataset.classes}
        run = Run(Path(folder), json.loads(json.dumps(info)), checked, net.eval())
        cost(run, dataset)
        latency(run, dataset, [int(size) for size in given.batches.split(",")], given.seconds)


if __name__ == "__main__":
    main()
