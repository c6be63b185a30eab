"""specc as one of the contestants: `ours.py SPEC VARIANT IMAGES [PATH=VALUE …]` prints the same line as loops.py.

The training is that of `specc train`, without the export at its end; images_per_second is what metrics.jsonl says. On
CUDA it is that of a second epoch: in the first, libraries choose their kernels, and a step is recorded.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from specc.backend.train.job import train
from specc.check import check
from specc.reading import load_base
from specc.source import Source

IMAGES = {"small": 60_000}  # CIFAR-10 has 50,000
first = 0.0


def note_first(*_: object) -> None:
    global first  # noqa: PLW0603
    first = first or time.time()


def main(name: str, variant: str, count: str, *sets: str) -> None:
    path = Path(__file__).with_name(f"{name}.cnn")
    times = 2 if torch.cuda.is_available() else 1
    epochs = f"train.epochs={times * int(count) / IMAGES.get(name, 50_000)}"
    checked = check(Source(str(path), path.read_text()), variant=variant or None, sets=[epochs, *sets], load=load_base)
    register_optimizer_step_post_hook(note_first)
    with tempfile.TemporaryDirectory() as folder:
        run = train(checked, out=Path(folder), device="auto", data_dir=None, base=path.parent, command=[], quiet=True)
        line = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])
    print(json.dumps({"images_per_second": line["images_per_second"], "first_step": first}))


if __name__ == "__main__":
    main(*sys.argv[1:])
