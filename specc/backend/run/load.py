"""A run is opened again: its spec, and its network with the best weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.build import Net, build
from specc.backend.run.files import BEST, INFO, MOST_BYTES, SPEC
from specc.backend.run.manifest import RUNS_FOLDER, read_info, sha256_of, unreadable
from specc.backend.run.same_data import refuse_other_meaning
from specc.backend.run.weights import load_weights
from specc.backend.tasks.bound import BoundTask, task_of
from specc.check import Trainable, check
from specc.errors import SpeccError
from specc.files import read_file
from specc.plugins import refuse_missing
from specc.source import Source


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
    def task(self) -> BoundTask:
        """What it learned, as run.json says."""
        return task_of(self.info, self.classes)

    @property
    def base(self) -> Path:
        """The folder that relative paths in the spec start from."""
        return Path(self.info["base"])

    @property
    def data_dir(self) -> Path | None:
        return Path(self.info["data_dir"]) if self.info["data_dir"] else None


def read_spec(path: Path, info: Mapping[str, Any]) -> Trainable:
    """The spec of the run at `path`, checked. info: its run.json.

    Raises SpeccError: E439 it is not there, E440 it has errors, E434 it is not the one that the run was trained with,
    E437 it has no data, E492 it uses words of packages that are not installed.
    """
    refuse_missing(info.get("packages", {}), path)
    try:
        text = read_file(path / SPEC, MOST_BYTES).decode().replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        raise unreadable(path / SPEC, error) from error
    checked = check(Source(str(path / SPEC), text))
    checked.refuse_errors()
    if sha256_of(text) not in (info["spec_sha256"], info.get("next", info)["spec_sha256"]):
        message = f"{path / SPEC} was changed after the training: it is not the spec recorded in {path / INFO}"
        hint = f"restore it; to continue with a changed spec, run specc train CHANGED.cnn --resume {path}"
        raise SpeccError("E434", message, help=hint, status=1)
    return checked.trainable()


def open_run(path: Path) -> Run:
    """The run at `path` with its best weights.

    Raises SpeccError: E439 no run, E440 its spec has errors, E434 its spec was changed, E442 no weights yet, E443 its
    weights are damaged, E445 they are of another network.
    """
    info = read_info(path)
    spec = read_spec(path, info)
    graph = spec.graph
    wanted = {"classes": graph.shape[0], "mean": graph.input[0], "std": graph.input[0]}
    if "scale" in info and len(info["scale"]["mean"]) != len(info["classes"]):
        message = f"{path / INFO} is invalid: `scale` and `classes` are not equally long"
        raise SpeccError("E439", message, help=RUNS_FOLDER)
    for name, count in wanted.items():
        if len(info[name]) != count:
            message = (
                f"{path / INFO} does not match the spec next to it: {len(info[name])} in `{name}` instead of {count}"
            )
            raise SpeccError("E439", message, help=RUNS_FOLDER)
    net = build(graph)
    refuse_other_meaning(path, info, load_weights(net, path / BEST), f"the {BEST} next to it")
    return Run(path, info, spec, net.eval())
