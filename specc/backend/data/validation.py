"""Which images choose the best epoch, and which measure at the end: parts of the source, or training images."""

from typing import NamedTuple

from specc.backend.data.raw import Given, Part, Raw, Unlabeled
from specc.errors import SpeccError, counted
from specc.values import Bound
from specc.vocabulary.family import Validation
from specc.vocabulary.registry import component


class Chosen(NamedTuple):
    """What chooses: the part `name` as it was published, called `words`; or, where that is "train" and `part` None,
    what is split off the training part: `share` of it, or a `fold` of so many.

    test: the test part, where it is another and labeled, and what it is called. notes: the parts that are not used.
    """

    name: str
    part: Part | None
    words: str
    share: float | int
    fold: tuple[int, int] | None
    test: tuple[Part, str] | None
    notes: list[str]


def choose(raw: Raw, asked: Bound, source: str) -> Chosen:
    """What the setting `validation` means for a source, which is called `source`. The test part is not yet among the
    notes where it can measure.

    Raises SpeccError: E408 there is no such part; what is wrong with the part, E404 or E407 for one, where it is to be
    used.
    """
    given: dict[str, Given] = {"validation": raw.validation, "test": raw.test}
    wanted = component(Validation, asked)
    chosen = next((name for name in wanted.parts if isinstance(given[name], Part | SpeccError)), "")
    part = given.get(chosen)
    if isinstance(part, SpeccError):
        raise part
    if not chosen and wanted.share is None:
        raise _missing(given[wanted.parts[0]], wanted.parts[0], source)
    test = (given["test"], _words(raw, "test")) if chosen != "test" and isinstance(given["test"], Part) else None
    others = [
        name for name, one in given.items() if one is not None and name != chosen and not (test and name == "test")
    ]
    notes = [_unused(given[name], _words(raw, name)) for name in others]
    return Chosen(
        chosen or "train",
        part if isinstance(part, Part) else None,
        _words(raw, chosen),
        wanted.share(asked.args) if wanted.share else 0,
        wanted.fold(asked.args) if wanted.fold else None,
        test,
        notes,
    )


def _words(raw: Raw, name: str) -> str:
    """`the test part`, or `the test part (seg_test)` where the source calls it otherwise."""
    own = raw.names.get(name, name)
    return f"the {name} part" + (f" ({own})" if own != name else "")


def _unused(given: Given, words: str) -> str:
    if isinstance(given, Part):
        return f"not used: {words}, {counted(len(given.labels), 'image')}"
    if isinstance(given, Unlabeled):
        return f"not used: {words}, {given.about}"
    assert given is not None
    return f"not used: {words}; {given.message.splitlines()[0]}"


def _missing(given: Given, name: str, source: str) -> SpeccError:
    message = f"`{source}` has no {name} part to validate on"
    if isinstance(given, Unlabeled):
        message += f": it holds {given.about}"
    help = "write `validation = split(10%)`, or `validation = auto`, which takes what there is"
    return SpeccError("E408", message, help=help, status=1)
