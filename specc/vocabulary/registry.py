"""All words of the vocabulary of data and training, and what every word must keep to be let in."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Protocol, TypeVar, get_args, get_origin

from specc.values import Args, Bound
from specc.vocabulary.component import Component
from specc.vocabulary.family import FAMILIES
from specc.vocabulary.kinds import Kind
from specc.vocabulary.param import Param

COMPONENTS: dict[str, dict[str, Component]] = {family.family: {} for family in FAMILIES}

NAME = re.compile(r"[a-z_][a-z0-9_]*")
TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
KEYWORDS = frozenset({"if", "else", "for", "in", "let", "default", "and", "or", "not", "true", "false"})

C = TypeVar("C", bound=Component)


class BrokenPromise(ValueError):
    """A word lacks what every word has, or says of itself what does not hold."""


class Word(Protocol):
    """What a layer and a component have in common."""

    @property
    def name(self) -> str: ...
    @property
    def doc(self) -> str: ...
    @property
    def example(self) -> str: ...
    @property
    def params(self) -> tuple[Param, ...]: ...


def register(words: Iterable[Component]) -> None:
    """Let words into the vocabulary. Raises BrokenPromise for the first one that must stay out, and says why."""
    for word in words:
        if type(word) not in FAMILIES:
            raise BrokenPromise(f"`{word.name}` is a {type(word).__name__}, which is no family of the vocabulary")
        known = COMPONENTS[word.family]
        broken = broken_promise(word, known) or broken_types(word) or _broken_target(word) or word.broken_promise()
        if broken:
            raise BrokenPromise(f"the {word.family} `{word.name}` {broken}")
        known[word.name] = word


def component(family: type[C], bound: Bound | str) -> C:
    """The word of a family that a checked call names, or that has this name."""
    word = COMPONENTS[family.family][bound if isinstance(bound, str) else bound.name]
    assert isinstance(word, family)
    return word


def call(family: type[C], name: str, **given: Any) -> Bound:
    """A checked call that nobody wrote; parameters that are not given have their defaults."""
    params = component(family, name).params
    return Bound(name, Args(**{param.name: given.get(param.name, param.default) for param in params}))


def broken_promise(word: Word, known: Collection[str]) -> str:
    """Which promise of every word this one breaks, completing "the loss `mine` …"; "" where it keeps them all."""
    if not isinstance(word.name, str) or not NAME.fullmatch(word.name) or word.name in KEYWORDS:
        return "has a name that a spec cannot write"
    if word.name in known:
        return "has a name that is taken"
    if not isinstance(word.doc, str) or not word.doc.endswith("."):
        return "has no `doc`, which is one or two whole sentences"
    if not isinstance(word.example, str) or word.name not in word.example:
        return "has no `example` that shows it"
    return _broken_params(word.params)


def _broken_params(params: Sequence[Param]) -> str:
    if not isinstance(params, tuple) or not all(isinstance(param, Param) for param in params):
        return "has `params` that are no tuple of `Param`"
    names = [param.name.lstrip("*") for param in params]
    for param, name in zip(params, names, strict=True):
        if not NAME.fullmatch(name) or name in KEYWORDS:
            return f"has a parameter `{name}`, which a spec cannot write"
        if names.count(name) > 1:
            return f"has two parameters `{name}`"
        if not isinstance(param.kind, Kind):
            return f"has a parameter `{name}` without a kind"
        if not param.doc:
            return f"has a parameter `{name}` without a doc"
    return ""


def broken_types(word: object) -> str:
    """The first field of a word that is not of its type, as far as Python can tell at once."""
    family: Any = type(word)
    for name, types, values in _types(family):
        value = getattr(word, name)
        if not (isinstance(value, types) or (values and value in values)):
            return f"has {value!r} as its `{name}`"
    return ""


@cache
def _types(family: Any) -> list[tuple[str, tuple[type, ...], tuple[Any, ...]]]:
    """Each field of a class of words, with the types that its value may have, or the values."""
    hints = {field.name: field.type for field in fields(family)} if is_dataclass(family) else family.__annotations__
    types = []
    for name, hint in hints.items():
        alternatives = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        origins = [get_origin(one) or one for one in alternatives]
        plain = tuple(one for one in origins if isinstance(one, type))
        values = tuple(value for one in alternatives if get_origin(one) is Literal for value in get_args(one))
        types.append((name, plain, values))
    return types


def _broken_target(word: Component) -> str:
    target = getattr(word, "target", None)
    if target is None or TARGET.fullmatch(target):
        return ""
    return f"has `{target}` as its `target`, which is no dotted path of what implements it"
