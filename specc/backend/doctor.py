"""What there is on this machine of what specc needs, what is wrong with it, and how to mend it."""

import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import NamedTuple

from specc import __version__
from specc.errors import SpeccError
from specc.plugins import PACKAGES, load_words

PYTHON = (3, 11)

# The oldest versions that will do; a test holds them to pyproject.toml.
OLDEST = {
    "lark": "1.2",
    "matplotlib": "3.10",
    "numpy": "2.0",
    "onnx": "1.19",
    "onnxruntime": "1.23",
    "pillow": "11",
    "rich": "13.9",
    "safetensors": "0.5",
    "scikit-learn": "1.5",
    "scipy": "1.13",
    "torch": "2.11",
    "typer": "0.28",
}
MODULES = {"pillow": "PIL", "scikit-learn": "sklearn", "onnxruntime-gpu": "onnxruntime"}
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
GIB = 2**30
LITTLE_DISK, LITTLE_MEMORY = 2 * GIB, 2 * GIB


class Finding(NamedTuple):
    """One thing that was looked at. state: "fine", "warning" (something is slower or missing) or "broken"."""

    section: str
    name: str
    value: str
    state: str = "fine"
    help: str = ""


def examine(data_dir: Path | None) -> Iterator[Finding]:
    """Everything that specc stands on, from the ground up. Nothing raises: what fails is a finding."""
    yield from _python()
    packages = list(_packages())
    yield from packages
    yield from _words()
    broken = {finding.name for finding in packages if finding.state == "broken"}
    if not broken & {"numpy", "torch"}:
        yield from _devices()
    if not broken & {"numpy", "torch", "onnx", *RUNTIMES}:
        yield from _providers()
    if not broken & {"numpy", "torch", "scikit-learn"}:
        yield from _data(data_dir)
        yield from _kept()
    yield from _room()
    yield from _terminal()


def _python() -> Iterator[Finding]:
    section, wanted = "Python", ".".join(map(str, PYTHON))
    yield Finding(section, "specc", __version__)
    old = sys.version_info < PYTHON
    mend = f"specc needs Python {wanted} or newer" if old else ""
    yield Finding(section, "version", platform.python_version(), "broken" if old else "fine", mend)
    yield Finding(section, "program", sys.executable)
    yield Finding(section, "system", f"{platform.system()} {platform.release()}, {platform.machine()}")


def installed(name: str) -> str | None:
    """The version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Finding]:
    for name, oldest in OLDEST.items():
        if name != "onnxruntime":
            yield _package(name, oldest)
    runtimes = [name for name in RUNTIMES if installed(name)]
    for name in runtimes or RUNTIMES[:1]:
        yield _package(name, OLDEST["onnxruntime"])
    if len(runtimes) == 2:
        value, mend = "both are installed and overwrite each other's files", "pip uninstall -y " + " ".join(RUNTIMES)
        mend += "; then install the one you want, such as: pip install onnxruntime-gpu"
        yield Finding("packages", " and ".join(RUNTIMES), value, "warning", mend)


def _package(name: str, oldest: str) -> Finding:
    version = installed(name)
    if version is None:
        return Finding("packages", name, "not installed", "broken", f"pip install '{name}>={oldest}'")
    if _numbers(version) < _numbers(oldest):
        mend = f"pip install --upgrade '{name}>={oldest}'"
        return Finding("packages", name, f"{version}, too old", "broken", mend)
    try:
        import_module(MODULES.get(name, name))
    except (ImportError, OSError) as error:
        mend = f"pip install --force-reinstall '{name}=={version}'"
        return Finding("packages", name, f"{version}, but it cannot be imported: {error}", "broken", mend)
    return Finding("packages", name, version)


def _words() -> Iterator[Finding]:
    """The packages that add words, and what is wrong with them."""
    try:
        load_words()
    except SpeccError as error:
        yield Finding("packages", "plugin words", error.message, "broken", error.help)
        return
    for package in sorted(set(PACKAGES.values())):
        names = ", ".join(name for (_, name), other in PACKAGES.items() if other == package)
        yield Finding("packages", package.name, f"{package.version}; adds {names}")


def _numbers(version: str) -> tuple[int, ...]:
    """`2.13.0+cpu` as (2, 13, 0), for comparing."""
    return tuple(map(int, re.findall(r"\d+", re.match(r"[\d.]*", version)[0])))  # type: ignore[index]


def _devices() -> Iterator[Finding]:
    import torch

    from specc.backend.device import describe, devices, native_bf16

    for name in devices():
        device = torch.device(name)
        bf16 = "native bf16" if native_bf16(device) else "no native bf16: `precision = auto` uses fp32"
        yield Finding("devices", name, f"{describe(device)}; {bf16}")
    yield Finding("devices", "for several", _between_processes())
    yield Finding("devices", "threads", f"{torch.get_num_threads()} of {os.cpu_count()} processors")
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        build = (
            f"this torch is built for CUDA {torch.version.cuda}"
            if torch.version.cuda
            else "this build of torch has no CUDA support"
        )
        mend = "install a build of torch that matches your driver: https://pytorch.org/get-started/locally"
        yield Finding("devices", "cuda", f"an NVIDIA driver is installed, but {build}", "warning", mend)


def _between_processes() -> str:
    """By what several processes exchange gradients."""
    import torch.distributed as dist

    if not dist.is_available():
        return "this build of torch has no torch.distributed: one process trains"
    ways = {"gloo (CPU)": dist.is_gloo_available(), "nccl (CUDA)": dist.is_nccl_available()}
    there = [name for name, is_there in ways.items() if is_there]
    return (
        f"--devices and torchrun exchange by {' and '.join(there)}" if there else "gloo and nccl are not in this torch"
    )


def _providers() -> Iterator[Finding]:
    import onnxruntime as ort
    import torch

    from specc.backend.onnx.session import CPU, CUDA, loads

    for provider in sorted({CPU, CUDA} & set(ort.get_available_providers())):
        if loads(provider):
            yield Finding("execution providers", provider, "loads")
        elif provider == CPU:
            mend = "reinstall it: pip install --force-reinstall onnxruntime"
            yield Finding("execution providers", provider, "does not load", "broken", mend)
        elif torch.cuda.is_available():
            value = "does not load, so exported files are verified on the CPU only"
            mend = (
                "pip install --upgrade onnxruntime-gpu; see its documentation for the CUDA and cuDNN versions it needs"
            )
            yield Finding("execution providers", provider, value, "warning", mend)
        else:
            yield Finding("execution providers", provider, "not used: there is no CUDA device")


def _data(data_dir: Path | None) -> Iterator[Finding]:
    from specc.backend.data.cifar import PUBLISHED10, PUBLISHED100
    from specc.backend.data.idx import FASHION_MNIST, MNIST
    from specc.backend.data.places import locate, places

    section, looked = "data sets", places(data_dir)
    yield Finding(section, "looked in", ", ".join(map(str, looked)))
    yield Finding(section, "digits", "included in scikit-learn")
    sets = {"mnist": MNIST, "fashion_mnist": FASHION_MNIST, "cifar10": PUBLISHED10, "cifar100": PUBLISHED100}
    for name, published in sets.items():
        found = locate(published, data_dir)
        where = str(next(iter(found.values())).parent) if found else "not downloaded yet; it is downloaded on first use"
        yield Finding(section, name, where)


def _kept() -> Iterator[Finding]:
    """The decoded images that are kept for the next start, and the decoder of JPEG files."""
    from specc.backend.data.amount import size
    from specc.backend.data.cache import OFF, limit, place, root, usage
    from specc.backend.data.shards.cache import SHARDS

    section, name = "image files", "decoded images"
    decoder = installed("simplejpeg")
    slower = "" if decoder else 'pip install "specc-cnn[jpeg]" takes half as long for a JPEG file, for the same pixels'
    yield Finding(section, "JPEG decoder", f"simplejpeg {decoder}" if decoder else "Pillow", "fine", slower)
    try:
        folder, most = place(), limit()
    except SpeccError as error:
        yield Finding(section, name, error.message, "warning", error.help)
        return
    if folder is None:
        yield Finding(section, name, f"not kept: SPECC_CACHE={OFF}")
        return
    stores = usage(folder)
    value = f"{size(sum(one.size for one in stores))} of at most {size(most)}, in {folder}"
    yield Finding(section, name, value, "fine", _to_empty(folder) if stores else "")
    fetched = root() / SHARDS
    if fetched.is_dir():
        taken = sum(path.stat().st_size for path in fetched.iterdir())
        yield Finding(section, "fetched shards", f"{size(taken)}, in {fetched}", "fine", _to_empty(fetched))


def _to_empty(folder: Path) -> str:
    return f"to empty it, remove that folder: rm -r {shlex.quote(str(folder))}"


def _room() -> Iterator[Finding]:
    free = shutil.disk_usage(Path.cwd()).free
    little = free < LITTLE_DISK
    mend = "free some disk space: runs and data sets are written here" if little else ""
    yield Finding(
        "resources", "disk, this folder", f"{free / GIB:,.1f} GiB free", "warning" if little else "fine", mend
    )
    memory = available_memory()
    if memory is not None:
        little = memory < LITTLE_MEMORY
        mend = "close other programs: large data sets will not fit" if little else ""
        yield Finding(
            "resources", "memory", f"{memory / GIB:,.1f} GiB available", "warning" if little else "fine", mend
        )


def available_memory() -> int | None:
    """Bytes that a new process could have, as Linux tells them; None elsewhere."""
    try:
        table = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", table, re.MULTILINE)
    if not found:
        return None
    available = int(found[1]) * 1024
    limit = Path("/sys/fs/cgroup/memory.max")  # of a container
    text = limit.read_text(encoding="ascii").strip() if limit.exists() else "max"
    return available if text == "max" else min(available, int(text))


def _terminal() -> Iterator[Finding]:
    size = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "unknown").lower()
    kind = f"{size.columns} columns" if sys.stdout.isatty() else "not a terminal: prints plain lines"
    color = "no colors: NO_COLOR is set" if os.environ.get("NO_COLOR") else "colors in a terminal"
    yield Finding("terminal", "output", f"{kind}, {encoding}, {color}")
