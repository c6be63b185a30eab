"""What the check of a spec gives: all of it, optional where it may have errors; or what a back end needs, whole."""

from typing import NamedTuple

from specc.diagnostics import Diagnostic
from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.source import Source
from specc.tricks.sections import DataSettings, ExportSettings, TrainSettings


class Compiled(NamedTuple):
    """A spec without errors. data: None where it has no section `data`."""

    graph: Graph
    data: DataSettings | None
    train: TrainSettings
    export: ExportSettings


class Trainable(NamedTuple):
    """A spec without errors that has a section `data`. source, name, variant, resolved: as in `Checked`."""

    graph: Graph
    data: DataSettings
    train: TrainSettings
    export: ExportSettings
    source: Source
    name: str
    variant: str | None
    resolved: str


class Checked(NamedTuple):
    """A spec's graph, settings and problems.

    graph: None where the network has errors or there is none. data: None where the file has no section `data`.
    resolved: the spec with variant and `--set` applied, as text that checks and trains by itself.
    written: the settings that it sets, such as "train.shards"; all others have their defaults.
    """

    source: Source
    name: str
    variant: str | None
    graph: Graph | None
    data: DataSettings | None
    train: TrainSettings | None
    export: ExportSettings | None
    diagnostics: list[Diagnostic]
    resolved: str
    variants: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()

    @property
    def errors(self) -> list[Diagnostic]:
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]

    def refuse_errors(self) -> None:
        """Raise SpeccError E440 for a spec with errors."""
        if self.errors:
            first = self.errors[0]
            message = f"the spec has errors; the first, at {first.span.place}: {first.message}"
            raise SpeccError("E440", message, help=f"run `specc check {self.source.path}` to see them all", status=1)

    def compiled(self) -> Compiled:
        """The network and the settings. Raises SpeccError E440 where the spec has errors."""
        self.refuse_errors()
        assert self.graph is not None and self.train is not None and self.export is not None  # else there are errors
        return Compiled(self.graph, self.data, self.train, self.export)

    def trainable(self) -> Trainable:
        """What a training needs. Raises SpeccError E440 where the spec has errors, E437 where it has no data."""
        graph, data, train, export = self.compiled()
        if data is None:
            raise SpeccError(
                "E437",
                f"{self.source.path} has no section `data`, so there is nothing to train on",
                help="add one, such as data { source = digits }",
                status=1,
            )
        return Trainable(graph, data, train, export, self.source, self.name, self.variant, self.resolved)
