"""A run: the folder that a training leaves, and how it is opened again.

spec.cnn  run.json  metrics.jsonl  checkpoints/  best.safetensors  last.safetensors  (model.onnx  certificate.json)
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from specc.backend.build import Net, build
from specc.check import Checked, check
from specc.errors import SpeccError
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


class Run(NamedTuple):
    """A run that was opened. info: what run.json says. net: with the best weights, in evaluation mode, on the CPU."""

    path: Path
    info: dict[str, Any]
    checked: Checked
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
    """The whole lines of a metrics file."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict) and isinstance(values.get("step"), int):
            yield values


def read_info(path: Path) -> dict[str, Any]:
    """What run.json of the run at `path` says.

    Raises SpeccError: E439 there is no run, E447 it is one of another version.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise SpeccError("E439", f"{path} {what}; a run's folder is needed", help=_runs_there(path))
    try:
        info = json.loads((path / INFO).read_bytes())
        version = info["format"]
    except FileNotFoundError:
        message = f"{path} is no run: there is no {INFO} in it"
        raise SpeccError("E439", message, help=_runs_there(path)) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpeccError("E439", f"{path / INFO} cannot be read: {error}", help="is this a run's folder?") from error
    if version != FORMAT:
        message = f"{path} was written by another version of specc: its format is {version}, not {FORMAT}"
        raise SpeccError("E447", message, help=f"it was specc {info.get('versions', {}).get('specc', '?')}")
    assert isinstance(info, dict)
    return info


def _runs_there(path: Path) -> str:
    """A help line with the runs near a path."""
    folder = path if path.is_dir() else path.parent
    runs = sorted(found.parent.name for found in folder.glob(f"*/{INFO}")) if folder.is_dir() else []
    return f"runs in {folder}: {', '.join(runs[:5])}" if runs else "`specc train` makes one"


def read_spec(path: Path) -> Checked:
    """The spec of the run at `path`, checked.

    Raises SpeccError: E439 it is not there, E440 it has errors.
    """
    try:
        text = (path / SPEC).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpeccError("E439", f"{path / SPEC} cannot be read: {error}", help="is this a run's folder?") from error
    checked = check(Source(str(path / SPEC), text))
    refuse_errors(checked)
    return checked


def refuse_errors(checked: Checked) -> None:
    """Raise SpeccError E440 for a spec with errors."""
    if checked.errors:
        first = checked.errors[0]
        message = f"the spec has errors; the first, at {first.span.place}: {first.message}"
        raise SpeccError("E440", message, help=f"`specc check {checked.source.path}` shows all", status=1)


def open_run(path: Path) -> Run:
    """The run at `path` with its best weights.

    Raises SpeccError: E439 no run, E440 its spec has errors, E442 no weights yet, E443 its weights are damaged.
    """
    info, checked = read_info(path), read_spec(path)
    assert checked.graph is not None
    net = build(checked.graph)
    load_weights(net, path / BEST)
    return Run(path, info, checked, net.eval())


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises SpeccError: E442 it is not there, E443 it is damaged."""
    try:
        return dict(load(path.read_bytes()))
    except FileNotFoundError:
        hint = f"no epoch was finished; go on with `specc train --resume {path.parent}`"
        raise SpeccError("E442", f"there are no weights at {path}", help=hint) from None
    except (OSError, SafetensorError, ValueError) as error:
        hint = f"{path.with_name(LAST)} holds the last weights, {path.parent / CHECKPOINTS} the newest states"
        found = f"{path} cannot be read: {error.strerror}" if isinstance(error, OSError) else f"{path} is damaged"
        raise SpeccError("E443", found, help=hint) from error


@torch.no_grad()
def load_matching(net: nn.Module, path: Path) -> str:
    """Take those weights of a run (its best), or of a safetensors file, whose names and shapes fit; which, in words.

    Raises SpeccError: E442 and E443 as `read_weights` does, E489 none fits.
    """
    values = read_weights(path / BEST if path.is_dir() else path)
    own = net.state_dict()
    fits = [name for name in own if name in values and values[name].shape == own[name].shape]
    if not fits:
        first, theirs = next(iter(own), "none"), min(values, default="none")
        message = f"no weight in {path} fits: of {len(own)} in the network none has its name and shape there"
        hint = f"here the first is called `{first}`, there `{theirs}`; a layer's name comes from its place in the spec"
        raise SpeccError("E489", message, help=hint, status=1)
    for name in fits:
        own[name].copy_(values[name])
    left = [name for name in own if name not in fits]
    drawn = f"; drawn anew: {', '.join(left[:8])}{' …' if len(left) > 8 else ''}" if left else ""
    return f"{len(fits)} of {len(own)} weights and statistics from {path}{drawn}"


@torch.no_grad()
def load_weights(net: nn.Module, path: Path) -> None:
    """Read a safetensors file into a network.

    Raises SpeccError: E442 the file is not there, E443 it is damaged, E445 it is of another network.
    """
    values = read_weights(path)
    own = net.state_dict()
    wrong = sorted(
        name
        for name in own.keys() | values.keys()
        if name not in own or name not in values or own[name].shape != values[name].shape
    )
    if wrong:
        message = f"{path} does not fit the spec beside it: {len(wrong)} weights differ, such as `{wrong[0]}`"
        raise SpeccError("E445", message, help="was the spec changed after the training?")
    for name, value in own.items():
        value.copy_(values[name])
