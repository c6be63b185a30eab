"""Where tensors live: finding a device, naming it, and what it does natively."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from specc.errors import SpeccError

SMALL_BATCH = 100_000_000  # multiply-accumulates of a forward pass: a millisecond of one core


def devices() -> list[str]:
    """The names of the devices of this machine, the fastest kind first."""
    found = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def find(name: str) -> torch.device:
    """The device called `name`: cpu, cuda, cuda:1, mps, or `auto` for the first CUDA device, else the CPU.

    Raises SpeccError E430 where there is no such device.
    """
    present = devices()
    if name == "auto":
        name = present[0] if present[0].startswith("cuda") else "cpu"
    full = "cuda:0" if name == "cuda" else name
    if full not in present:
        raise SpeccError("E430", f"device `{name}` is not available", help=f"available: {', '.join(present)}")
    return torch.device(full)


def describe(device: torch.device) -> str:
    """What the device is, in words: `NVIDIA H200` or `AMD EPYC 9R14, 2 threads`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{_processor()}, {threads} thread{'s' if threads > 1 else ''}" if device.type == "cpu" else _processor()


def thread_count(macs: int, processes: int = 1) -> int:
    """How many threads a CPU trains with, for `macs` multiply-accumulates in a batch's forward pass.

    processes: those on this machine that train together, each with so many threads.

    Where a layer's work is done in microseconds, a second thread gains little (of examples/digits.cnn a tenth), and
    loses a lot as soon as anything else runs on the machine: the threads wait for each other after every layer.
    """
    return 1 if macs < SMALL_BATCH else share_of_threads(processes)


def share_of_threads(processes: int) -> int:
    """How many threads each of several processes on this machine works with: those that torch finds right (which
    OMP_NUM_THREADS says), but no more than its share of the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return all_threads() if processes == 1 else max(1, min(all_threads(), cores // processes))


def set_threads(count: int) -> None:
    """Set how many threads the CPU works with from now on."""
    all_threads()  # which remembers how many there were at first
    torch.set_num_threads(count)


@cache
def all_threads() -> int:
    """As many as torch finds right, or as OMP_NUM_THREADS says; whatever was set since."""
    return torch.get_num_threads()


def native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware; elsewhere it is emulated, and slow."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return False


def exact(device: torch.device) -> None:
    """Make two runs on the device give the same bits, in the precision that is named.

    A CPU does, with as many threads; CUDA has to be told.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]  # not TF32's 10 bits
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


class Exactness(NamedTuple):
    """What of torch `exact` sets, for the whole process."""

    deterministic: bool
    warns: bool
    benchmark: bool
    precision: str
    fills: bool


def exactness() -> Exactness:
    """As it is now."""
    return Exactness(
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]
    )


def set_exactness(wanted: Exactness) -> None:
    """Set it; what is so already is not touched."""
    now = exactness()
    if (now.deterministic, now.warns) != (wanted.deterministic, wanted.warns):
        torch.use_deterministic_algorithms(wanted.deterministic, warn_only=wanted.warns)
    if now.benchmark != wanted.benchmark:
        torch.backends.cudnn.benchmark = wanted.benchmark
    if now.precision != wanted.precision:
        torch.backends.cudnn.conv.fp32_precision = wanted.precision  # type: ignore[attr-defined]
    if now.fills != wanted.fills:
        torch.utils.deterministic.fill_uninitialized_memory = wanted.fills  # type: ignore[attr-defined]


def seed_generators(seed: int, device: torch.device) -> None:
    """Set torch's own generators, of the CPU and of the device.

    As torch.manual_seed does; but that looks after every kind of device there could be, and takes a tenth of a
    millisecond, where a step of a small network takes one.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index].manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


@contextmanager
def in_any_order() -> Iterator[None]:
    """Let sums be taken in any order: for whole numbers, where all give the same, and CUDA's fixed one is slow."""
    was, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was, warn_only=warns)


@cache
def _processor() -> str:
    """The processor's own name, where the system tells it."""
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
