"""A spec in Python: `specc.load` checks a file, and gives its graph, its problems, its module and its source."""

import math
import os
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.api.arguments import need_type
from specc.api.help import with_help
from specc.api.notebook import block, code, fold, paragraph, table
from specc.check import Checked
from specc.diagnostics import Diagnostic
from specc.emit import emit as emit_source
from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.reading import ZOO, base_of, check_spec, read_source
from specc.render import as_json, render, summary
from specc.report.layers import HEADINGS, layer_rows, layers_table
from specc.report.picture import STYLE as PICTURE
from specc.report.picture import picture
from specc.source import Source
from specc.values import Bound, show

if TYPE_CHECKING:
    from specc.backend.build import Net

Value = bool | int | float | str | None | Bound | Sequence["Value"]

# The picture on a page that is light or dark by a theme of its own.
ON_ANY_PAGE = ".specc .net{--n-text:currentColor;--n-quiet:currentColor;--n-line:#888;--n-box:none;--n-frame:#8882}"


class Problem(NamedTuple):
    """An error or a warning of a spec. severity: "error" or "warning". line, column: from 1.

    text: all of it as `specc check` prints it, with the lines of the source; also what `str` gives.
    """

    code: str
    severity: str
    message: str
    file: str
    line: int
    column: int
    help: str
    text: str

    def __str__(self) -> str:
        return self.text


class SpecError(SpeccError):
    """A spec has errors. problems: all of them; `str` gives them as `specc check` prints them."""

    def __init__(self, problems: list[Problem], total: str) -> None:
        self.problems = problems
        first = problems[0]
        super().__init__(first.code, first.message, help=first.help, status=1)
        self.text = "\n\n".join([problem.text for problem in problems] + [total])

    def __str__(self) -> str:
        return self.text


class Spec:
    """A checked spec, which never changes; `with_` gives another one.

    `print(spec)` shows the layers, or the problems where it has errors.
    """

    def __init__(self, checked: Checked, base: Path, data_dir: Path | None, sets: tuple[str, ...]) -> None:
        self._checked, self._base, self._data_dir, self._sets = checked, base, data_dir, sets

    @property
    def path(self) -> str:
        """The file, as it was named."""
        return self._checked.source.path

    @property
    def name(self) -> str:
        """The network's name."""
        return self._checked.name

    @property
    def variant(self) -> str | None:
        return self._checked.variant

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of all variants in the file."""
        return self._checked.variants

    @property
    def text(self) -> str:
        """The spec with its variant and the settings that were given, as text that checks and trains by itself."""
        return self._checked.resolved

    @property
    def problems(self) -> list[Problem]:
        """All errors and warnings; empty where there is nothing to say."""
        return [_problem(diagnostic) for diagnostic in self._checked.diagnostics]

    @property
    def graph(self) -> Graph:
        """The typed graph: `.input`, `.output_shape`, `.parameters`, `.total_macs`, and `.nodes`, each with its `name`,
        `op`, `args`, `shape` (C, H, W) and `inputs`. Raises SpecError where the spec has errors.
        """
        self.refuse_errors()
        assert self._checked.graph is not None  # else there are errors
        return self._checked.graph

    def refuse_errors(self) -> None:
        """Raise SpecError where the spec has errors."""
        errors = [_problem(diagnostic) for diagnostic in self._checked.errors]
        if errors:
            raise SpecError(errors, summary(self._checked.diagnostics))

    def __reduce__(self) -> tuple[Any, ...]:
        """As a text, for another process: neither changes of its file nor another folder make a difference there."""
        source, base = self._checked.source, self._base.absolute()
        return _again, (source.path, source.text, self.text, self.variant, self._sets, self._data_dir, base)

    @with_help()
    def build(self) -> "Net":
        """The network as a `torch.nn.Module` on the CPU, in training mode, with the weights that a training begins
        with: drawn as the spec says from `train.seed`, or those that `train.start` names.

        It takes normalized images, N x C x H x W, and gives logits; in training, where there are auxiliary classifiers,
        a pair of the logits and a dictionary of theirs.

        Raises SpecError; SpeccError E437 where an initializer looks at training images, and as a training does for
        `train.start`.
        """
        self.refuse_errors()
        from specc.api.generators import leaving_torch_alone
        from specc.api.module import fresh_module

        with leaving_torch_alone():
            return fresh_module(self._checked, self._base)

    def emit(self) -> str:
        """PyTorch source of the network that stands by itself, and has the same `state_dict`. Raises SpecError."""
        return emit_source(self._checked, self.graph, list(self._sets))

    @with_help()
    def with_(self, *, variant: str | None = None, set: Mapping[str, Value] | None = None) -> "Spec":  # noqa: A002
        """The same file with another variant, and with further settings on top of those that were given."""
        sets = (*self._sets, *settings_of(set))
        return _load(self.path, variant or self.variant, sets, self._data_dir)

    def __str__(self) -> str:
        errors = self._checked.errors
        if errors or self._checked.graph is None:
            return "\n\n".join([problem.text for problem in self.problems] + [summary(self._checked.diagnostics)])
        return layers_table(self._checked, self._checked.graph)

    def __repr__(self) -> str:
        variant = f", variant {self.variant}" if self.variant else ""
        counts = f", {summary(self._checked.diagnostics)}" if self._checked.diagnostics else ""
        return f"<specc.Spec {self.path}: {self.name or 'no network'}{variant}{counts}>"

    def _repr_html_(self) -> str:
        graph = self._checked.graph
        if self._checked.errors or graph is None:
            return block(code(str(self)))
        problems = "\n\n".join(problem.text for problem in self.problems)
        return block(
            paragraph(str(self).rpartition("\n")[2]),
            code(problems) if problems else "",
            table(HEADINGS, layer_rows(graph), range(3, len(HEADINGS))),
            fold("Picture", picture(graph)),
            fold("Spec", code(self.text)),
            style=PICTURE + ON_ANY_PAGE,
        )


@with_help()
def load(
    path: str | os.PathLike[str],
    *,
    variant: str | None = None,
    set: Mapping[str, Value] | None = None,  # noqa: A002
    data_dir: str | os.PathLike[str] | None = None,
) -> Spec:
    """Read and check a spec, with the files that it extends. Imports no torch.

    path: a `.cnn` file, or `"zoo:resnet50"`. variant: which variant. set: settings on top, by their path:
    `{"train.epochs": 3, "train.optimizer": "sgd(lr=0.1)"}`; a string is text of the language, as after `--set`.
    data_dir: where data sets are looked for first.

    Errors in the spec are not raised here: they are in `.problems`, and whatever needs a spec without errors raises
    SpecError. Raises SpeccError E470 to E474 where the file cannot be read.
    """
    from specc.plugins import load_words

    load_words()
    return _load(os.fspath(path), variant, settings_of(set), None if data_dir is None else Path(data_dir))


def _load(path: str, variant: str | None, sets: tuple[str, ...], data_dir: Path | None) -> Spec:
    checked = check_spec(read_source(path), data_dir=data_dir, variant=variant, sets=sets, lint=True)
    base = Path() if path.startswith(ZOO) else base_of(Path(path))
    return Spec(checked, base, data_dir, sets)


def _again(
    path: str, text: str, resolved: str, variant: str | None, sets: tuple[str, ...], data_dir: Path | None, base: Path
) -> Spec:
    """A spec in another process: its text with its variant and settings.

    resolved: what they came to; it stands for them where they now come to something else, as a file that is extended
    was changed.
    """
    from specc.plugins import load_words

    load_words()
    checked = check_spec(Source(path, text), data_dir=data_dir, variant=variant, sets=sets, lint=True)
    if checked.resolved != resolved:
        checked, sets = check_spec(Source(path, resolved), data_dir=data_dir, lint=True), ()
    return Spec(checked, base, data_dir, sets)


def settings_of(values: Mapping[str, Value] | None) -> tuple[str, ...]:
    """Settings as `--set` takes them. Strings are text of the language; other values are written in it.

    Raises TypeError for a value that the language has no word for.
    """
    if values is None:
        return ()
    need_type("set", values, Mapping, 'give paths with their values: set={"train.epochs": 3}')
    return tuple(f"{path}={_written(path, value)}" for path, value in values.items())


def _written(path: str, value: Value) -> str:
    match value:
        case str():
            return value
        case None | bool() | int() | Bound():
            return show(value)
        case Integral():  # NumPy's
            return show(int(value))
        case Real() if math.isfinite(value):
            return repr(float(value))
        case tuple() | list():
            items = ", ".join(_written(path, item) for item in value)
            return f"[{items}]" if isinstance(value, list) else f"({items}{',' if len(value) == 1 else ''})"
    hint = "give a number, a bool, None, a tuple or list of these, or text of the language as a string"
    raise TypeError(f"`{path}` cannot be set to {value!r}: {hint}")


def _problem(diagnostic: Diagnostic) -> Problem:
    facts = as_json(diagnostic)
    fields = {name: facts[name] for name in Problem._fields if name != "text"}
    return Problem(**fields, text=render(diagnostic))
