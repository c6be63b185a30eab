"""A file's variants and searches as they are written: for whoever trains many of them, one after the other."""

from collections.abc import Callable
from typing import NamedTuple

from specc.check.calls.binder import Binder
from specc.check.context import Context, TooMuch
from specc.check.expressions.evaluate import Evaluator
from specc.check.gather.assemble import gather
from specc.check.gather.files import Load, parse_files
from specc.check.gather.spec import Spec
from specc.check.problems import Problems
from specc.check.search import searches
from specc.source import Source
from specc.syntax import tree as t
from specc.values import Bound, show
from specc.vocabulary.family import Search
from specc.vocabulary.registry import component

Settings = tuple[tuple[str, str], ...]  # path and value, as `--set` takes them


class Variant(NamedTuple):
    """A variant: the one that it extends ("" for none), and the settings that it changes itself."""

    name: str
    base: str
    settings: Settings


def variants_of(source: Source, load: Load | None = None) -> dict[str, Variant]:
    """The variants of a file and of the files that it extends; none where it cannot be parsed."""
    spec = _spec(source, load, Problems())
    return {name: _variant(variant) for name, variant in spec.variants.items()} if spec else {}


def lineage(variants: dict[str, Variant], name: str) -> list[str]:
    """A variant and all that it extends, from the first to itself. A circle, which `check` reports, is cut."""
    chain: list[str] = []
    while name in variants and name not in chain:
        chain.insert(0, name)
        name = variants[name].base
    return chain


class Searched(NamedTuple):
    """A setting that is searched.

    written: what is searched, as the file says it. values: those of a choice, as written; none for a range.
    low, high: the ends of a range. number: the number of a range at a share of the way, from 0 to 1.
    """

    path: str
    written: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    number: Callable[[float], float] | None = None

    def text(self, drawn: float) -> str:
        """What is drawn, as `--set` takes it: of a choice by its number, of a range by its share.

        Numbers have four digits, which read well, unless rounding leads out of the range.
        """
        if self.number is None:
            return self.values[int(drawn)]
        value = self.number(drawn)
        if isinstance(value, int):
            return str(value)
        rounded = f"{value:.4g}"
        return rounded if self.low <= float(rounded) <= self.high else repr(min(max(value, self.low), self.high))


def searched_in(source: Source, load: Load | None = None) -> list[Searched]:
    """The settings that a file searches; none where it searches nothing, or cannot be read, which `check` reports."""
    problems = Problems()
    spec = _spec(source, load, problems)
    if spec is None or not spec.search:
        return []
    try:
        return [_searched(*pair) for pair in searches(spec, Binder(Evaluator(Context(problems))))]
    except TooMuch:
        return []


def _spec(source: Source, load: Load | None, problems: Problems) -> Spec | None:
    files = parse_files(source, load, problems)
    return None if files is None else gather(files, problems)


def _variant(variant: t.Variant) -> Variant:
    settings = tuple((".".join(setting.path), _text(setting.value)) for setting in variant.settings)
    return Variant(variant.name, variant.base, settings)


def _text(value: t.Literal) -> str:
    return value.span.text


def _searched(setting: t.Setting, search: Bound) -> Searched:
    path, written = ".".join(setting.path), setting.value.span.text
    a, number = search.args, component(Search, search).number
    if number is None:
        arguments = getattr(setting.value, "arguments", ())
        texts = [_text(argument.value) for argument in arguments] if len(arguments) == len(a.values) else []
        return Searched(path, written, tuple(dict.fromkeys(texts or map(show, a.values))))
    return Searched(path, written, low=a.low, high=a.high, number=lambda share: number(a, share))
