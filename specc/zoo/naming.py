"""What the layers of a zoo network are called in the libraries that publish its weights.

A rule is two patterns, a name here and the name there:

    stage{s}.{block}{b}.conv1    layer{s}.{b-1}.conv2

A letter in braces is a number, a word in braces a word of letters. On the right a number may be multiplied and
shifted, `{2*b}`, `{b-1}`, `{3*b+1}`, or pick one of a list: `{b:0,3,6}` is 0 for the first, 3 for the second. The first
rule that fits holds. A rule names a layer, whose tensors are then called alike in both, or a single tensor, as in
`grn1.weight`. Where both patterns end in `.*`, the rule renames the beginning of a name only, and the other rules are
about the name that this gives:

    stage3.block{b}.*            features.{b+4}.*
    features.{b}.conv1           features.{b}.conv.0.0
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

SLOT = re.compile(r"\{(?:(?P<factor>\d+)\*)?(?P<name>[a-z]+)(?:(?P<shift>[+-]\d+)|:(?P<list>[^}]+))?\}")
COUNTERS = "*num_batches_tracked"  # of batch norms: how many batches they have seen, which nothing needs


class Rule(NamedTuple):
    """ours: matches a name here. theirs: the pattern of the name there. renames: the beginning of a name only."""

    ours: re.Pattern[str]
    theirs: str
    renames: bool

    def name_of(self, name: str) -> str | None:
        """The name there; None where the rule is about others."""
        match = self.ours.fullmatch(name)
        if match is None:
            return None
        values = match.groupdict()
        try:
            return SLOT.sub(lambda slot: _filled(slot, values), self.theirs)
        except IndexError:  # a list is shorter
            return None


class Naming(NamedTuple):
    """One library's names for the models of a family.

    libraries: those that use them. models: the models that are published so, and what they are called there.
    ignored: patterns of tensors in such files that no network here has, such as those of auxiliary classifiers.
    """

    libraries: tuple[str, ...]
    models: dict[str, str]
    rules: tuple[Rule, ...]
    ignored: tuple[str, ...]

    def name_of(self, tensor: str) -> str | None:
        """What a tensor of a network is called there; None where no rule is about it."""
        renamed = (rule.name_of(tensor) for rule in self.rules if rule.renames)
        whole = next((name for name in renamed if name is not None), tensor)
        layer, _, own = whole.rpartition(".")
        for name, rest in ((whole, ""), (layer, f".{own}")):
            for rule in self.rules:
                theirs = None if rule.renames else rule.name_of(name)
                if theirs is not None:
                    return theirs + rest
        return None

    def ignores(self, name: str) -> bool:
        """Whether a tensor of a published file is left out on purpose."""
        return any(fnmatchcase(name, pattern) for pattern in self.ignored)


def read_naming(table: Mapping[str, Any], models: Iterable[str]) -> Naming:
    """A table `[[names]]` of a family's file. Without `models` all of the family's are called there as they are here.

    Raises ValueError for a rule that cannot be read.
    """
    given = table.get("models", list(models))
    called = given if isinstance(given, dict) else {model: model for model in given}
    rules = tuple(_rule(line) for line in table["rules"].splitlines() if line.strip())
    return Naming(tuple(table["libraries"]), dict(called), rules, (COUNTERS, *table.get("ignored", ())))


def read_namings(tables: Sequence[Mapping[str, Any]], models: Iterable[str]) -> tuple[Naming, ...]:
    """All tables `[[names]]` of a family's file. What several say about the same model of a library adds up.

    Raises ValueError for a rule that cannot be read.
    """
    parts = [read_naming(table, models) for table in tables]
    shared: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for library in dict.fromkeys(library for part in parts for library in part.libraries):
        for model in models:
            about = tuple(i for i, part in enumerate(parts) if library in part.libraries and model in part.models)
            shared.setdefault((library, about), []).append(model)
    return tuple(
        _merged(library, [parts[i] for i in about], chosen) for (library, about), chosen in shared.items() if about
    )


def _merged(library: str, parts: list[Naming], models: list[str]) -> Naming:
    called = {model: name for part in parts for model, name in part.models.items() if name != model}
    rules = tuple(rule for part in parts for rule in part.rules)
    ignored = dict.fromkeys(pattern for part in parts for pattern in part.ignored)
    return Naming((library,), {model: called.get(model, model) for model in models}, rules, tuple(ignored))


def _rule(line: str) -> Rule:
    ours, theirs = line.split()
    renames = ours.endswith(".*")
    if theirs.endswith(".*") != renames:
        raise ValueError(f"`.*` stands on one side only: {line}")
    if renames:
        ours, theirs = ours[:-1], f"{theirs[:-1]}{{rest}}"
    pattern, at, seen = "", 0, {"rest"} if renames else set[str]()
    for slot in SLOT.finditer(ours):
        name = slot["name"]
        if slot["factor"] or slot["shift"] or slot["list"]:
            raise ValueError(f"a number is calculated on the left: {line}")
        kind = "[0-9]+" if len(name) == 1 else "[a-z_]+?"
        pattern += re.escape(ours[at : slot.start()]) + (f"(?P={name})" if name in seen else f"(?P<{name}>{kind})")
        seen.add(name)
        at = slot.end()
    unknown = {slot["name"] for slot in SLOT.finditer(theirs)} - seen
    if unknown:
        raise ValueError(f"nothing on the left is called {', '.join(sorted(unknown))}: {line}")
    pattern += re.escape(ours[at:]) + ("(?P<rest>.+)" if renames else "")
    return Rule(re.compile(pattern), theirs, renames)


def _filled(slot: re.Match[str], values: Mapping[str, str]) -> str:
    value = values[slot["name"]]
    if len(slot["name"]) > 1:
        return value
    if slot["list"]:
        return slot["list"].split(",")[int(value) - 1]
    return str(int(value) * int(slot["factor"] or 1) + int(slot["shift"] or 0))
