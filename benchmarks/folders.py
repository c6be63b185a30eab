"""Reading a folder of JPEG photographs: images a second of each epoch, after a first and a second start.

    python benchmarks/folders.py [--images 600] [--turns 3] [--pictures FOLDER] [--readers FOLDER]

Photographs are cut out of those in --pictures (scikit-learn's two where it is not given) and written at 500 x 375.
Every reader runs in a process of its own, in turns, and gives shuffled batches of 32, uint8 N x 3 x size x size, with
as many workers as there are cores. An epoch is timed from the first request to the last batch; the first one with
all that the reader does before it (specc: listing, opening, hashing, decoding), without imports; `first batch` is when
it has its first batch. `2nd start` is a new process with what the first one has kept. The last line is all that
`specc train` takes from the start of the process to the end of the first step, of a small network. --readers is a
folder of packages (`pip install --target FOLDER --no-deps simplejpeg webdataset braceexpand litdata torchvision`); what
cannot be imported is named, and left out.
"""

import argparse
import json
import multiprocessing
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BATCH = 32
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
Epoch = Callable[[int], Iterator[Any]]


def write_photographs(sources: list[Path], folder: Path, count: int) -> None:
    """Photographs of 500 x 375, each another piece of a picture, in two classes."""
    from PIL import Image

    draw = random.Random(0)  # noqa: S311 - no secret
    pictures = [Image.open(path).convert("RGB") for path in sources]
    pictures = [picture for picture in pictures if min(picture.size) >= 200]
    for number in range(count):
        picture = pictures[number % len(pictures)]
        width = int(min(picture.width, picture.height * 4 / 3) * draw.uniform(0.5, 1))
        height = width * 3 // 4
        left, top = draw.randrange(picture.width - width + 1), draw.randrange(picture.height - height + 1)
        place = folder / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        cut = picture.crop((left, top, left + width, top + height)).resize((500, 375))
        cut.save(place / f"{number:05}.jpg", quality=90)


def _spec(folder: Path, size: int) -> str:
    text = f'data {{ source = folder("{folder}"); resize = {size}x{size}; validation = split(2) }}\n'
    text += f"train {{ batch = {BATCH}; epochs = 1; loss = cross_entropy; optimizer = sgd(0.01) }}\n"
    return text + f"network N {{ input(3, {size}x{size}); conv(8, stride=8) -> relu -> global_avg_pool -> dense(2) }}"


def specc(folder: Path, size: int, memory: int | None = None) -> Epoch:
    import scipy.sparse  # noqa: F401 - which resizing would import within the first epoch
    import torch

    from specc.backend.data.dataset import load
    from specc.check import check
    from specc.source import Source

    checked = check(Source("net.cnn", _spec(folder, size)))
    assert checked.data is not None, checked.diagnostics
    data, loaded = checked.data, []

    def epoch(number: int) -> Iterator[Any]:
        loaded.extend([] if loaded else [load(data, memory=memory).train])
        order = torch.randperm(len(loaded[0]), generator=torch.Generator().manual_seed(number))
        return loaded[0].stream(order.split(BATCH), torch.device("cpu"))

    return epoch


def streamed(folder: Path, size: int) -> Epoch:
    """specc where the images do not fit into memory."""
    return specc(folder, size, 0)


def _loader(folder: Path, read: Callable[[Path], Any]) -> Epoch:
    import torch

    class Files(torch.utils.data.Dataset[Any]):
        paths = sorted(folder.glob("*/*.jpg"))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, number: int) -> Any:
            return read(self.paths[number])

    loader = torch.utils.data.DataLoader(
        Files(), BATCH, shuffle=True, num_workers=CORES, persistent_workers=True, worker_init_fn=_alone
    )
    return lambda number: iter(loader)


def _alone(number: int) -> None:
    import torch

    torch.set_num_threads(1)


def _tensor(image: Any, size: int) -> Any:
    import numpy as np
    import torch
    from PIL import Image

    resized = image.resize((size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(resized).copy()).permute(2, 0, 1)


def pillow(folder: Path, size: int) -> Epoch:
    """A DataLoader of PyTorch; Pillow decodes and resizes."""
    from PIL import Image

    return _loader(folder, lambda path: _tensor(Image.open(path).convert("RGB"), size))


def pillow_draft(folder: Path, size: int) -> Epoch:
    """The same with libjpeg's scaled DCT: other pixels."""
    from PIL import Image

    def read(path: Path) -> Any:
        image = Image.open(path)
        image.draft("RGB", (size, size))
        return _tensor(image.convert("RGB"), size)

    return _loader(folder, read)


def simplejpeg(folder: Path, size: int) -> Epoch:
    """A DataLoader; simplejpeg decodes, PyTorch resizes uint8 with antialiasing."""
    import simplejpeg as module
    import torch

    def read(path: Path) -> Any:
        pixels = torch.from_numpy(module.decode_jpeg(path.read_bytes(), "RGB")).permute(2, 0, 1)[None]
        return torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)[0]

    return _loader(folder, read)


def torchvision(folder: Path, size: int) -> Epoch:
    """A DataLoader; torchvision.io decodes, PyTorch resizes uint8 with antialiasing."""
    import torch
    from torchvision import io

    def read(path: Path) -> Any:
        pixels = io.decode_jpeg(io.read_file(str(path)), mode=io.ImageReadMode.RGB)[None]
        return torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)[0]

    read(next(folder.glob("*/*.jpg")))
    return _loader(folder, read)


def webdataset(folder: Path, size: int) -> Epoch:
    """Shards of WebDataset, written beforehand; a DataLoader, Pillow."""
    import torch
    import webdataset as module

    shards = sorted(str(path) for path in (folder.parent / "shards").glob("*.tar"))
    if not shards:
        (folder.parent / "shards").mkdir()
        paths = sorted(folder.glob("*/*.jpg"))
        for start in range(2 * CORES):
            with module.TarWriter(str(folder.parent / "shards" / f"{start:03}.tar")) as tar:
                for path in paths[start :: 2 * CORES]:
                    tar.write({"__key__": path.stem, "jpg": path.read_bytes(), "cls": b"0"})
        shards = sorted(str(path) for path in (folder.parent / "shards").glob("*.tar"))
    samples = module.WebDataset(shards, shardshuffle=len(shards)).shuffle(100).decode("pil").to_tuple("jpg")
    samples = samples.map(lambda sample: _tensor(sample[0], size)).batched(BATCH, collation_fn=torch.stack)
    loader = torch.utils.data.DataLoader(samples, None, num_workers=CORES, persistent_workers=True)
    return lambda number: iter(loader)


def litdata(folder: Path, size: int) -> Epoch:
    """Chunks of litdata, written beforehand; its own loader, Pillow."""
    from io import BytesIO

    import torch
    from litdata import StreamingDataLoader, StreamingDataset, optimize
    from PIL import Image

    chunks = folder.parent / "chunks"
    if not chunks.exists():
        paths = [str(path) for path in sorted(folder.glob("*/*.jpg"))]
        optimize(_bytes, paths, str(chunks), chunk_bytes="16MB", num_workers=1, start_method="fork")

    class Decoded(StreamingDataset):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            return _tensor(Image.open(BytesIO(super().__getitem__(index))).convert("RGB"), size)

    images = Decoded(str(chunks), shuffle=True)
    loader = StreamingDataLoader(images, batch_size=BATCH, num_workers=CORES, persistent_workers=True)
    torch.set_num_threads(1)
    return lambda number: iter(loader)


def _bytes(path: str) -> bytes:
    return Path(path).read_bytes()


READERS = {
    one.__name__: one for one in (specc, streamed, pillow, pillow_draft, simplejpeg, torchvision, webdataset, litdata)
}


def measure(name: str, folder: Path, size: int) -> dict[str, Any]:
    """Of two epochs in this process the seconds for an image, and of the first the seconds of CPU time for an image and
    the seconds to the first batch."""
    import torch

    torch.set_num_threads(1)
    epoch = READERS[name](folder, size)
    began = time.perf_counter()
    before, cpu, first, seconds = _cpu(), 0.0, 0.0, []
    for number in range(2):
        images = 0
        for batch in epoch(number):
            first = first or time.perf_counter() - began
            images += len(batch)
        seconds.append((time.perf_counter() - began) / images)
        cpu = cpu or (_cpu() - before) / images
        began = time.perf_counter()
    return {"seconds": seconds, "cpu": cpu, "first": first}


def first_step(folder: Path, size: int) -> float:
    """When the first step of a training in this process has ended, in seconds since the epoch."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    from specc.backend.train.job import train
    from specc.check import check
    from specc.source import Source

    class Enough(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Enough

    register_optimizer_step_post_hook(stop)
    checked = check(Source("net.cnn", _spec(folder, size)))
    with tempfile.TemporaryDirectory() as out:
        try:
            train(checked, out=Path(out), device="cpu", base=folder, quiet=True)
        except Enough:
            return time.time()
    raise SystemExit("no step was taken")


def _cpu() -> float:
    """Seconds of a core that this process and its workers have taken, with their start; Linux only."""
    total = 0
    for pid in (os.getpid(), *(child.pid for child in multiprocessing.active_children())):
        stat = Path(f"/proc/{pid}/stat")
        fields = stat.read_text(encoding="ascii").rpartition(")")[2].split() if stat.exists() else []
        total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def run(name: str, folder: Path, size: int, readers: Path | None, cache: Path) -> Any:
    """What `measure` gives in a new process, or `first_step`; else why not, in words."""
    paths = [str(Path(__file__).parent.parent), *([str(readers)] if readers else [])]
    environment = {**os.environ, "PYTHONPATH": ":".join(paths), "SPECC_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--one", name, "--folder", str(folder), "--size", str(size)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def _table(folder: Path, size: int, turns: int, readers: Path | None, scratch: Path) -> None:
    rows: dict[str, list[list[float]]] = {name: [] for name in READERS}
    lost: dict[str, str] = {}
    for turn in range(turns):
        for name in READERS:
            row: list[float] = []
            for _ in range(2 if name in ("specc", "streamed") else 1):
                figures = lost.get(name) or run(name, folder, size, readers, scratch / f"cache-{name}-{size}-{turn}")
                if isinstance(figures, str):
                    lost[name] = figures
                    break
                row += [*(1 / seconds for seconds in figures["seconds"]), 1000 * figures["cpu"], figures["first"]]
            else:
                rows[name].append(row)
    base = statistics.median([row[0] for row in rows["pillow"]]) if rows["pillow"] else float("nan")
    print(f"\n{size} x {size}: images a second, median (smallest-largest) of {turns}; ratio to `pillow`, first epoch")
    print(
        f"{'':12}{'first epoch':>22}{'ratio':>7}{'CPU ms':>8}{'first batch':>13}{'second epoch':>24}"
        f"{'2nd start':>22}{'first batch':>13}{'second epoch':>24}"
    )
    for name, values in rows.items():
        if not values:
            print(f"{name:12}not measured: {lost[name]}")
            continue
        first, second, cpu, batch, *again = (list(column) for column in zip(*values, strict=True))
        ratio = statistics.median(first) / base
        line = f"{name:12}{_spread(first):>22}{ratio:>7.2f}{statistics.median(cpu):>8.1f}{_seconds(batch):>13}"
        line += f"{_spread(second):>24}"
        if again:
            line += f"{_spread(again[0]):>22}{_seconds(again[3]):>13}{_spread(again[1]):>24}"
        print(line, flush=True)


def _seconds(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s"


def _first_steps(folder: Path, size: int, turns: int, readers: Path | None, scratch: Path) -> None:
    """Print how long `specc train` takes to its first step, for files that it has never seen and for known ones."""
    waits: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns):
        for wait in waits:
            began = time.time()
            ended = run("train", folder, size, readers, scratch / f"cache-train-{size}-{turn}")
            if isinstance(ended, str):
                print(f"specc train: not measured: {ended}")
                return
            wait.append(ended - began)
    print(f"specc train, to the end of the first step: {_seconds(waits[0])}; again: {_seconds(waits[1])}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--readers", type=Path)
    parser.add_argument("--one", choices=[*READERS, "train"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--size", type=int)
    given = parser.parse_args()
    if given.one == "train":
        print(json.dumps(first_step(given.folder, given.size)))
        return
    if given.one:
        print(json.dumps(measure(given.one, given.folder, given.size)))
        return
    import sklearn.datasets
    import torch

    pictures = given.pictures or Path(sklearn.datasets.__file__).parent / "images"
    sources = sorted(path for path in pictures.iterdir() if path.suffix in (".jpg", ".png"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "photographs")
        write_photographs(sources, folder, given.images)
        print(
            f"{given.images:,} photographs of 500 x 375, {CORES} cores of {platform.processor() or platform.machine()}"
        )
        print(f"torch {torch.__version__}, load average {os.getloadavg()[0]:.1f}")
        for size in (224, 32):
            _table(folder, size, given.turns, given.readers, Path(scratch))
            _first_steps(folder, size, given.turns, given.readers, Path(scratch))


if __name__ == "__main__":
    main()
