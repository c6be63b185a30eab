"""Reads a set five times as large as the memory it may take, for ten epochs, and watches memory and speed.

    python benchmarks/streaming.py --images 800 --size 128 --epochs 10 --batch 16

The pictures are crops of the two photographs that come with scikit-learn. They are read as `specc train` reads them, in
a process of their own for each line: batches in a drawn order, normalized, and nothing else is done with them. Memory
is that of the process (VmRSS) beyond what it takes before the first batch, sampled every 20 ms. Times and rates are of
processor time, of all threads together, so that what else runs on the machine hardly changes them.
"""

import argparse
import functools
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sklearn.datasets
from PIL import Image

SPEC = """data {{ source = {source}; normalize = standard; validation = split(5%) }}
network Net {{ input(3, {size}x{size}); conv(2, 3x3, stride=2) -> relu; global_avg_pool -> dense(2) }}
train {{ batch = {batch} }}
"""


def memory() -> int:
    """The bytes of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError("the system does not tell")


def write_pictures(folder: Path, count: int, size: int) -> None:
    """A folder of two classes with JPEG files."""
    place = Path(sklearn.datasets.__file__).parent / "images"
    photos = [np.asarray(Image.open(place / name).convert("RGB")) for name in ("china.jpg", "flower.jpg")]
    draw = np.random.default_rng(0)
    for number in range(count):
        photo = photos[number % 2]
        top, left = (int(draw.integers(0, side - size)) for side in photo.shape[:2])
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        pixels = photo[top : top + size, left : left + size, :: draw.choice([-1, 1])]
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / str(number % 2) / f"{number}.jpg", quality=95)


def measure(source: str, base: Path, size: int, batch: int, epochs: int) -> None:
    """In the child: read the set, and print what was seen as JSON."""
    import torch

    from specc.backend.data.dataset import load
    from specc.backend.data.loader import DataLoader
    from specc.check import check
    from specc.source import Source

    checked = check(Source("net.cnn", SPEC.format(source=source, size=size, batch=batch)))
    assert checked.data is not None and not checked.errors, checked.errors
    began = time.process_time()
    loader = DataLoader(load(checked.data, base=base), checked.data, batch, 0, torch.device("cpu"))
    opened, start, highest, is_over = time.process_time() - began, memory(), 0, False

    def watch() -> None:
        nonlocal highest
        while not is_over:
            highest = max(highest, memory())
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    after, rates = [], []
    for epoch in range(epochs):
        began = time.process_time()
        for number in range(loader.batches):
            loader.training(epoch, number)
        rates.append(loader.batches * loader.batch / (time.process_time() - began))
        after.append(memory() - start)
    is_over = True
    watcher.join()
    print(json.dumps({"opened": opened, "after": after, "highest": highest - start, "rates": rates}))


def serve(folder: Path) -> http.server.ThreadingHTTPServer:
    """A web server on loopback."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("images", 2000), ("size", 224), ("epochs", 10), ("batch", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        measure(a.child[0], Path(a.child[1]), a.size, a.batch, a.epochs)
        return
    whole = a.images * 3 * a.size**2
    with TemporaryDirectory(prefix="streaming-") as name:
        place = Path(name)
        write_pictures(place / "photos", a.images, a.size)
        (place / "net.cnn").write_text(SPEC.format(source='folder("photos")', size=a.size, batch=a.batch))
        for out, more in (("raw", ()), ("jpeg", ("--jpeg", "95"))):
            shard = str(max(1, whole // (40 if out == "raw" else 400))) + "B"
            command = [
                sys.executable,
                "-m",
                "specc",
                "pack",
                "net.cnn",
                "--out",
                out,
                "--shard-size",
                shard,
                "-q",
                *more,
            ]
            subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)
        server = serve(place)
        environment = {
            **os.environ,
            "SPECC_MEMORY": f"{whole // 5}B",
            "SPECC_CACHE_SIZE": f"{whole // 3}B",
            "XDG_CACHE_HOME": str(place / "cache"),
        }
        print(
            f"{a.images:,} pictures of {a.size} x {a.size}, {whole / 1e6:.0f} MB; {whole / 5e6:.0f} MB may be taken\n"
        )
        columns = (
            "read from",
            "opened in",
            "images/s",
            "MB more after epoch 1",
            f"in epochs 2 to {a.epochs}",
            "at most",
        )
        print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
        lines = {
            "JPEG files in folders": 'folder("photos")',
            "shards of pixels": 'packed("raw")',
            "shards of JPEG": 'packed("jpeg")',
            "shards of pixels, `window=4`, loopback web server, cache of a third": (
                f'packed("http://127.0.0.1:{server.server_port}/raw", window=4)'
            ),
        }
        for what, source in lines.items():
            options = ("--size", "--epochs", "--batch")
            values = (a.size, a.epochs, a.batch)
            more = [text for pair in zip(options, map(str, values), strict=True) for text in pair]
            command = [sys.executable, __file__, *more, "--child", source, str(place)]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            seen = json.loads(done.stdout)
            first, *after = (f"{value / 1e6:.0f}" for value in seen["after"])
            rate, most = f"{sorted(seen['rates'])[a.epochs // 2]:,.0f}", f"{seen['highest'] / 1e6:.0f}"
            print(f"| {what} | {seen['opened']:.1f} s | {rate} | {first} | {', '.join(after)} | {most} |", flush=True)
        server.shutdown()


if __name__ == "__main__":
    main()
