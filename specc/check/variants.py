"""A file's variants and searches as they are written: for whoever trains many of them, one after the other."""

import random
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


def samples_of(source: Source, count: int, seed: int, load: Load | None = None) -> list[Settings]:
    """`count` random choices of values for all settings that the file searches; none where it searches nothing.

    A sample is a function of the seed and its number alone, so that more samples are more of the same.
    """
    problems = Problems()
    spec = _spec(source, load, problems)
    if spec is None or not spec.search:
        return []
    try:
        searched = list(searches(spec, Binder(Evaluator(Context(problems)))))
    except TooMuch:
        return []
    return [_sample(searched, random.Random(f"{seed}/{number}")) for number in range(count)]  # noqa: S311 - no secret


def _spec(source: Source, load: Load | None, problems: Problems) -> Spec | None:
    files = parse_files(source, load, problems)
    return None if files is None else gather(files, problems)


def _variant(variant: t.Variant) -> Variant:
    settings = tuple((".".join(setting.path), _text(setting.value)) for setting in variant.settings)
    return Variant(variant.name, variant.base, settings)


def _text(value: t.Literal) -> str:
    return value.span.text


def _sample(searched: list[tuple[t.Setting, Bound]], draw: random.Random) -> Settings:
    return tuple((".".join(setting.path), _drawn(search, setting.value, draw)) for setting, search in searched)


def _drawn(search: Bound, written: t.Call, draw: random.Random) -> str:
    a, number = search.args, component(Search, search).number
    if number is None:
        place = draw.randrange(len(a.values))
        arguments = getattr(written, "arguments", ())
        return _text(arguments[place].value) if len(arguments) == len(a.values) else show(a.values[place])
    return f"{number(a, draw.random()):.4g}"
