"""A run: the folder that a training leaves, and how it is opened again.

spec.cnn  run.json  metrics.jsonl  checkpoints/  best.safetensors  last.safetensors  (model.onnx  certificate.json)
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from specc.backend.build import Net, build
from specc.backend.run.info import is_number, wrong_in
from specc.check import Trainable, check
from specc.errors import SpeccError
from specc.files import parse_json, read_file, reason, refuse_bytes, size_of
from specc.source import Source

FORMAT = 1
SPEC, INFO, METRICS, BEST, LAST, CHECKPOINTS = (
    "spec.cnn",
    "run.json",
    "metrics.jsonl",
    "best.safetensors",
    "last.safetensors",
    "checkpoints",
)
MOST_BYTES = 1 << 26  # of run.json, and of spec.cnn
MOST_METRICS = 1 << 28
RUNS_FOLDER = "is this a run's folder?"


class Run(NamedTuple):
    """A run that was opened. info: what run.json says. net: with the best weights, in evaluation mode, on the CPU."""

    path: Path
    info: dict[str, Any]
    spec: Trainable
    net: Net

    @property
    def classes(self) -> list[str]:
        return list(self.info["classes"])

    @property
    def base(self) -> Path:
        """The folder that relative paths in the spec start from."""
        return Path(self.info["base"])

    @property
    def data_dir(self) -> Path | None:
        return Path(self.info["data_dir"]) if self.info["data_dir"] else None


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a metrics file; none where there is none.

    Raises SpeccError E439 where it cannot be read.
    """
    try:
        content = read_file(path, MOST_METRICS)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(path, error) from error
    for line in content.splitlines():
        try:
            values = parse_json(line)
        except ValueError:
            continue
        if isinstance(values, dict) and type(values.get("step")) is int and is_number(values.get("epoch", 0)):
            yield values


def read_info(path: Path) -> dict[str, Any]:
    """What run.json of the run at `path` says.

    Raises SpeccError: E439 there is no run, or not a whole one, E447 it is one of another version, E469 its path is no
    text.
    """
    refuse_bytes(path)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise SpeccError("E439", f"{path} {what}; a run's folder is needed", help=_runs_there(path))
    try:
        info = parse_json(read_file(path / INFO, MOST_BYTES))
        if not isinstance(info, dict) or "format" not in info:
            raise ValueError("it is no table with a `format`")
    except FileNotFoundError:
        message = f"{path} is no run: there is no {INFO} in it"
        raise SpeccError("E439", message, help=_runs_there(path)) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path / INFO, error) from error
    if info["format"] != FORMAT:
        message = f"{path} was written by another version of specc: its format is {info['format']}, not {FORMAT}"
        versions = info.get("versions")
        by = versions.get("specc", "?") if isinstance(versions, dict) else "?"
        raise SpeccError("E447", message, help=f"it was specc {by}")
    if wrong := wrong_in(info):
        raise SpeccError("E439", f"{path / INFO} is not whole: {wrong}", help=RUNS_FOLDER)
    return info


def _unreadable(path: Path, error: Exception) -> SpeccError:
    return SpeccError("E439", f"{path} cannot be read: {reason(error)}", help=RUNS_FOLDER)


def _runs_there(path: Path) -> str:
    """A help line with the runs near a path."""
    folder = path if path.is_dir() else path.parent
    runs = sorted(found.parent.name for found in folder.glob(f"*/{INFO}")) if folder.is_dir() else []
    return f"runs in {folder}: {', '.join(runs[:5])}" if runs else "`specc train` makes one"


def read_spec(path: Path, info: Mapping[str, Any]) -> Trainable:
    """The spec of the run at `path`, checked. info: its run.json.

    Raises SpeccError: E439 it is not there, E440 it has errors, E434 it is not the one that the run was trained with,
    E437 it has no data.
    """
    try:
        text = read_file(path / SPEC, MOST_BYTES).decode().replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise _unreadable(path / SPEC, error) from error
    checked = check(Source(str(path / SPEC), text))
    checked.refuse_errors()
    if sha256_of(text) not in (info["spec_sha256"], info.get("next", info)["spec_sha256"]):
        message = f"{path / SPEC} was changed after the training: it is not the spec that {path / INFO} knows"
        hint = f"bring it back as it was; a changed one is given beside it: specc train CHANGED.cnn --resume {path}"
        raise SpeccError("E434", message, help=hint, status=1)
    return checked.trainable()


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def open_run(path: Path) -> Run:
    """The run at `path` with its best weights.

    Raises SpeccError: E439 no run, E440 its spec has errors, E434 its spec was changed, E442 no weights yet, E443 its
    weights are damaged, E445 they are of another network.
    """
    info = read_info(path)
    spec = read_spec(path, info)
    graph = spec.graph
    wanted = {"classes": graph.shape[0], "mean": graph.input[0], "std": graph.input[0]}
    for name, count in wanted.items():
        if len(info[name]) != count:
            message = (
                f"{path / INFO} does not fit the spec beside it: {len(info[name])} in `{name}`, where it has {count}"
            )
            raise SpeccError("E439", message, help=RUNS_FOLDER)
    net = build(graph)
    load_weights(net, path / BEST)
    return Run(path, info, spec, net.eval())


class Weights(NamedTuple):
    """A safetensors file that is open: the shapes of its tensors, which may be more than the memory holds."""

    file: Any
    shapes: dict[str, tuple[int, ...]]

    def read(self, name: str) -> Tensor:
        found: Tensor = self.file.get_tensor(name)
        return found


@contextmanager
def open_weights(path: Path) -> Iterator[Weights]:
    """The tensors of a safetensors file, read when they are asked for.

    Raises SpeccError: E442 it is not there, E443 it is damaged, or too large for the system.
    """
    refuse_bytes(path)
    hint = f"{path.with_name(LAST)} holds the last weights, {path.parent / CHECKPOINTS} the newest states"
    try:
        size = size_of(path)
        file: Any = safe_open(path, framework="pt")  # looks at its header, and whether it is as long as that says
    except FileNotFoundError:
        hint = f"no epoch was finished; go on with `specc train --resume {path.parent}`"
        raise SpeccError("E442", f"there are no weights at {path}", help=hint) from None
    except OSError as error:
        raise SpeccError("E443", f"{path} cannot be read: {reason(error)}", help=hint) from error
    except (SafetensorError, ValueError) as error:
        raise SpeccError("E443", f"{path} is damaged", help=hint) from error
    except RuntimeError as error:  # it cannot be mapped
        raise SpeccError("E443", f"{path} cannot be read: it has {size:,} bytes", help=hint) from error
    with file:
        yield Weights(file, {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()})  # noqa: SIM118


@torch.no_grad()
def load_matching(net: nn.Module, path: Path) -> str:
    """Take those weights of a run (its best), or of a safetensors file, whose names and shapes fit; which, in words.

    Raises SpeccError: E442 and E443 as `open_weights` does, E489 none fits.
    """
    own = net.state_dict()
    with open_weights(path / BEST if path.is_dir() else path) as values:
        fits = [name for name in own if values.shapes.get(name) == own[name].shape]
        if not fits:
            raise _none_fits(path, own, values.shapes)
        for name in fits:
            own[name].copy_(values.read(name))
    left = [name for name in own if name not in fits]
    drawn = f"; drawn anew: {', '.join(left[:8])}{' …' if len(left) > 8 else ''}" if left else ""
    return f"{len(fits)} of {len(own)} weights and statistics from {path}{drawn}"


def _none_fits(path: Path, own: Collection[str], values: Collection[str]) -> SpeccError:
    first, theirs = next(iter(own), "none"), min(values, default="none")
    message = f"no weight in {path} fits: of {len(own)} in the network none has its name and shape there"
    hint = f"here the first is called `{first}`, there `{theirs}`; a layer's name comes from its place in the spec"
    return SpeccError("E489", message, help=hint, status=1)


@torch.no_grad()
def load_weights(net: nn.Module, path: Path) -> None:
    """Read a safetensors file into a network.

    Raises SpeccError: E442 the file is not there, E443 it is damaged, E445 it is of another network.
    """
    own = net.state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    with open_weights(path) as values:
        wrong = sorted({name for name, _ in shapes.items() ^ values.shapes.items()})
        if wrong:
            message = f"{path} does not fit the spec beside it: {len(wrong)} weights differ, such as `{wrong[0]}`"
            raise SpeccError("E445", message, help="is it of another run?")
        for name, value in own.items():
            value.copy_(values.read(name))
