"""Which words and values a kind takes, looked up in the kinds within it."""

from specc.check.settings import families
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.vocabulary.kinds import Either, Kind, ListOf, Maybe, Selector, Shorthand
from specc.vocabulary.param import Param


def setting_kind(path: list[str]) -> Kind | None:
    """The kind of a setting by its path, such as `train.optimizer.lr`."""
    if len(path) < 2 or path[0] not in SECTIONS:
        return None
    kind = next((param.kind for param in SECTIONS[path[0]] if param.name == path[1]), None)
    for name in path[2:]:
        kind = next((param.kind for param in arguments_of(kind) if param.name == name), None)
    return kind


def arguments_of(kind: Kind | None) -> list[Param]:
    """The arguments of all words that a kind takes, each name once."""
    words = [word for family in (families(kind) if kind else ()) for word in COMPONENTS[family].values()]
    params = {param.name: param for word in words for param in word.params}
    return [param for name, param in params.items() if not name.startswith("*")]


def symbols_of(kind: Kind) -> tuple[str, ...]:
    """The bare names that a kind takes, besides the words of its family."""
    match kind:
        case Shorthand(short=short):
            return short.symbols
        case Maybe(kind=inner):
            return tuple(dict.fromkeys((*symbols_of(inner), *kind.symbols)))
        case _:
            return kind.symbols


def item_of(kind: Kind | None) -> Kind | None:
    """The kind of the entries of a list; the kind itself where it takes no list."""
    match kind:
        case Maybe(kind=inner):
            return item_of(inner)
        case ListOf(item=inner):
            return inner
        case Either(kinds=kinds):
            return next((one.item for one in kinds if isinstance(one, ListOf)), kind)
        case _:
            return kind


def selects(kind: Kind | None) -> bool:
    """Whether a kind takes the names of layers and blocks, as `freeze` does."""
    match kind:
        case Selector():
            return True
        case Maybe(kind=inner) | ListOf(item=inner):
            return selects(inner)
        case Either(kinds=kinds):
            return any(map(selects, kinds))
        case _:
            return False
