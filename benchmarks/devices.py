"""What it costs to divide a training among devices, measured with processes of this machine, and a table for more.

    python benchmarks/devices.py sums                the fixed order beside a plain all-reduce
    python benchmarks/devices.py processes           one process and two, on two cores
    python benchmarks/devices.py table [--rate 2500] [--gbits 200]

The table is computed: images a second of one device are measured here (or given by `--rate`), what is sent follows from
the network and the shards, and goes at `--gbits` a second, after the backward pass.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from specc.backend.build import build
from specc.backend.device import set_threads
from specc.backend.engine.rehearsal import rehearse
from specc.backend.initialize import initialize
from specc.backend.memory import per_device
from specc.backend.precision import Precision
from specc.backend.ranks import ALONE, Ranks
from specc.backend.train.prepare import Request, prepare
from specc.check import Trainable, check
from specc.check.zoo import load_zoo
from specc.source import Source

CPU = torch.device("cpu")
SIZES = (1_000_000, 25_600_000)  # numbers; the second is a ResNet-50
TURNS = 7
VGG = """
data {{ source = npz("pictures.npz"); augment = flip }}

network Vgg {{
  input(3, 32x32)
  conv(64) -> batch_norm -> relu -> conv(64) -> batch_norm -> relu -> max_pool(2)
  conv(128) -> batch_norm -> relu -> conv(128) -> batch_norm -> relu -> max_pool(2)
  conv(256) -> batch_norm -> relu -> global_avg_pool -> dense(10)
}}

train {{ batch = 128; shards = {shards}; precision = fp32; plan = plan(threads={threads}, step=eager{more}) }}
"""
RESNET = """
extends "zoo:resnet50"
data {{ source = folder("imagenet"); resize = 224x224 }}
train {{ batch = 2048; shards = {shards} }}
"""
JPEG = 110e3  # bytes of an ImageNet photograph, on average
DEVICES = (1, 2, 4, 8, 16, 32, 64)


def spread(count: int, work: Callable[[Ranks], list[float] | None]) -> list[float]:
    """What the first of `count` processes, which meet over gloo, gets from `work`."""
    with TemporaryDirectory() as place:
        told = Path(place) / "told.json"
        children = []
        for rank in range(count):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    ranks = ALONE
                    if count > 1:
                        store = dist.FileStore(f"{place}/store", count)  # type: ignore[attr-defined]
                        dist.init_process_group("gloo", store=store, rank=rank, world_size=count)
                        ranks = Ranks(rank, count, rank, count, CPU)
                    set_threads(1)
                    seconds = work(ranks)
                    if rank == 0:
                        told.write_text(json.dumps(seconds))
                    status = 0
                except BaseException:  # noqa: BLE001 - the parent is told
                    traceback.print_exc()
                finally:
                    os._exit(status)
            children.append(child)
        if any(os.waitpid(child, 0)[1] for child in children):
            sys.exit("a process failed")
        answer: list[float] = json.loads(told.read_text())
        return answer


def timed(ranks: Ranks, work: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds that pass, and those that a processor works for this process."""
    ranks.barrier()
    began, worked = perf_counter(), process_time()
    work()
    ranks.barrier()
    return 1000 * (perf_counter() - began), 1000 * (process_time() - worked)


def sums() -> None:
    """Milliseconds of a sum, median of seven turns in which each way has its own."""
    heads = (
        "numbers",
        "processes",
        "parts of each",
        "plain all-reduce",
        "CPU time",
        "fixed order",
        "CPU time",
        "ratio",
    )
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for size in SIZES:
        for world, own, as_tree in ((2, 1, True), (4, 1, True), (3, 1, False), (3, 4, False)):

            def work(ranks: Ranks, own: int = own, as_tree: bool = as_tree, size: int = size) -> list[float]:
                parts, flat = torch.randn(own, size), torch.randn(size)
                each = []
                for _ in range(TURNS):
                    plain = timed(ranks, lambda: ranks.sum_in_any_order(flat))
                    each.append((*plain, *timed(ranks, lambda: ranks.sum_in_order(parts, as_tree=as_tree))))
                ratio = median(exact / plain for _, plain, _, exact in each)
                return [*map(median, zip(*each, strict=True)), ratio]

            *times, ratio = spread(world, work)
            shown = " | ".join(f"{time:.1f} ms" for time in times)
            print(f"| {size:,} | {world} | {own} | {shown} | {ratio:.2f} |", flush=True)


def processes() -> None:
    """Images a second of a VGG on 32 x 32 pictures, in turns."""
    with TemporaryDirectory() as place:
        draw = np.random.default_rng(0)
        arrays: dict[str, Any] = {"x_train": draw.integers(0, 255, (1024, 3, 32, 32), np.uint8)}
        arrays |= {"y_train": np.arange(1024) % 10, "x_test": arrays["x_train"][:128], "y_test": np.arange(128) % 10}
        np.savez(Path(place) / "pictures.npz", **arrays)
        ways = {
            "one process, one thread": (1, 1, 1, ""),
            "one process, two threads": (1, 1, 2, ""),
            "one process, two shards, two threads": (1, 2, 2, ""),
            "two processes, one thread each": (2, 2, 1, ""),
            "two processes, plain all-reduce": (2, 2, 1, ", across=fast"),
        }
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(3):
            for name, (world, shards, threads, more) in ways.items():
                text = VGG.format(shards=shards, threads=threads, more=more)

                def work(ranks: Ranks, text: str = text) -> list[float]:
                    spec = check(Source("vgg.cnn", text)).trainable()
                    trainer = prepare(Request(spec, "cpu", None, Path(place), ranks=ranks)).trainer
                    trainer.state.net.train()
                    return [timed(ranks, trainer.step)[0] for _ in range(TURNS)]

                speeds[name].append(128_000 / median(spread(world, work)[1:]))
        print("| | images/s | beside one process with one thread |\n|---|---|---|")
        base = speeds["one process, one thread"]
        for name, found in speeds.items():
            ratios = sorted(speed / other for speed, other in zip(found, base, strict=True))
            print(f"| {name} | {median(found):.0f} | {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |")


def measured_rate() -> float:
    """Images a second of a core: forward and backward of ResNet-50 at 224 x 224, batches of 8."""
    set_threads(1)
    net = build(resnet(1).graph)
    initialize(net, 0)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(8, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(4):
        began = process_time()  # of the processor, which other programs may use as well
        net(images).logsumexp(1).sum().backward()
        seconds.append(process_time() - began)
    return len(images) / median(seconds[1:])


def resnet(shards: int) -> Trainable:
    return check(Source("resnet50.cnn", RESNET.format(shards=shards)), load=load_zoo).trainable()


def table(rate: float | None, gbits: float) -> None:
    if rate is None:
        rate = measured_rate()
        print(f"a core of this processor: {rate:.2f} images/s, forward and backward")
    spec = resnet(DEVICES[-1])
    print(
        f"ResNet-50, batches of 2048 in {DEVICES[-1]} shards, {rate:,.4g} images/s a device, {gbits:g} Gbit/s between\n"
    )
    heads = ("devices", "images each", "memory each", "compute", "sent by each", "exchange", "images/s", "of ideal")
    print(f"| {' | '.join([*heads, 'read from disks'])} |\n|{'---|' * (len(heads) + 1)}")
    for world in DEVICES:
        memory = rehearse(spec, 2048, Precision("fp32", ""), CPU, world=world).step
        one = per_device(spec, world)._replace(memory=memory)
        compute, exchange = one.images / rate, one.sent / (gbits * 1e9 / 8)
        speed = 2048 / (compute + exchange)
        print(
            f"| {world} | {one.images:,} | {one.memory / 1e9:.1f} GB | {compute:.3g} s | {one.sent / 1e6:.0f} MB | "
            f"{1000 * exchange:.3g} ms | {speed:,.1f} | {speed / (world * rate):.1%} | {speed * JPEG / 1e6:,.1f} MB/s |"
        )
    exchange = 2 * per_device(spec, 2).sent / (gbits * 1e9 / 8)  # of each of very many
    print(f"\nthe exchange takes as long as computing with {2048 / rate / exchange:,.0f} devices")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sums", "processes", "table"))
    parser.add_argument("--rate", type=float, help="images a second of one device; else it is measured")
    parser.add_argument("--gbits", type=float, default=10.0, help="what a device sends a second")
    options = parser.parse_args(arguments)
    if options.what == "table":
        table(options.rate, options.gbits)
    else:
        {"sums": sums, "processes": processes}[options.what]()


if __name__ == "__main__":
    main()
