"""What a study trains: the file as it stands, its variants, or one variant without each of its settings."""

from collections.abc import Sequence
from typing import NamedTuple

from specc.check.variants import Settings, Variant, lineage

FILE = "base file"


class Repetition(NamedTuple):
    """One of the trainings of every entry: with a seed; or, where `folds` is not 0, on fold `fold` of so many."""

    seed: int
    fold: int = 0
    folds: int = 0

    def __str__(self) -> str:
        return f"fold {self.fold}" if self.folds else f"seed {self.seed}"

    @property
    def sets(self) -> tuple[str, ...]:
        """The settings that make it out of an entry."""
        fold = (f"data.validation=fold({self.fold}, of={self.folds})",) if self.folds else ()
        return (f"train.seed={self.seed}", *fold)


def repetitions(seed: int, seeds: int, folds: int | None) -> tuple[Repetition, ...]:
    """Every fold once with this seed; without folds, `seeds` seeds from this one on."""
    if folds is not None:
        return tuple(Repetition(seed, fold, folds) for fold in range(1, folds + 1))
    return tuple(Repetition(number) for number in range(seed, seed + seeds))


class Entry(NamedTuple):
    """Something to train with every seed, or on every fold.

    extends: the entry that it is one step from, "" for none. variant, sets: what makes it out of the file.
    settings: what the step changes, path and value.
    """

    name: str
    extends: str = ""
    variant: str | None = None
    sets: tuple[str, ...] = ()
    settings: Settings = ()


def ladder(variants: dict[str, Variant], names: Sequence[str] | None = None) -> list[Entry]:
    """The file as it stands, and its variants: all, or those named (unknown ones too: checking them says so)."""
    chosen = variants if names is None else dict.fromkeys(names)
    unknown = Variant("", "", ())
    steps = [(name, variants.get(name, unknown)) for name in chosen]
    return [Entry(FILE), *(Entry(name, own.base or FILE, name, (), own.settings) for name, own in steps)]


def without_each(variants: dict[str, Variant], name: str) -> list[Entry]:
    """A variant, and the same with each of its settings taken back to what the file says without the variant.

    The settings are its own and those of all that it extends; one that is set several times is one.
    """
    if name not in variants:
        return [Entry(name, "", name)]
    chain = [setting for step in lineage(variants, name) for setting in variants[step].settings]
    paths = list(dict(chain))
    entries = [Entry(name, "", name, (), tuple(dict(chain).items()))]
    for path in paths:
        kept = tuple(setting for setting in chain if setting[0] != path)
        entries.append(Entry(f"{name} without {path}", name, None, _sets(kept), ((path, "as in the file"),)))
    return entries


def compared_with(entries: Sequence[Entry], variants: dict[str, Variant]) -> dict[str, str]:
    """For each entry the one of the study that it is measured against: the nearest that it extends; "" for none."""
    there = {entry.name for entry in entries}
    found = {}
    for entry in entries:
        name = entry.extends
        while name and name not in there:
            name = variants[name].base or FILE if name in variants else ""
        found[entry.name] = name
    return found


def _sets(settings: Settings) -> tuple[str, ...]:
    return tuple(f"{path}={value}" for path, value in settings)
