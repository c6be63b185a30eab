"""What a sample of a shard is labeled with: a number or a name; or several of them, its tags."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from specc.backend.data.order import natural
from specc.backend.data.walk import is_text
from specc.errors import SpeccError, clean, counted
from specc.tasks import CLASSIFICATION, MULTILABEL, Task

MOST_CLASSES = 100_000
NUMBER = re.compile(r"[-+.\d]+(e[-+]?\d+)?", re.IGNORECASE)
KEYS = ("label", "cls", "class")  # of a label in JSON
TAGS = "labels"  # the key of several

Name = int | str
Label = Name | frozenset[Name]


class OddLabel(ValueError):
    """A label that cannot be used. The message completes "SAMPLE …"."""


def read_label(files: Mapping[str, bytes | None]) -> Label:
    """The label that the files of a sample give, by their endings: `cls`, a text; `json`, a table or a value.

    None is a file that is too large. Raises OddLabel.
    """
    contents = {ending: _content(content, plain=ending == "cls") for ending, content in files.items()}
    table = contents.get("json")
    if isinstance(table, dict) and TAGS in table:
        if len(files) > 1 or any(key in table for key in KEYS):
            raise OddLabel(f"has `{TAGS}`, and another label beside them")
        return _tags(table[TAGS])
    labels = [_labels(content) for content in contents.values()]
    if not labels[0]:
        raise OddLabel(f"has a label that is neither a number from 0 to {MOST_CLASSES - 1:,} nor a name")
    label = labels[0][0]
    # A number may have its name beside it.
    others = [other for some in labels for other in some if type(other) is type(label) and other != label]
    if others:
        raise OddLabel(f"has two labels: {clean(str(label))} and {clean(str(others[0]))}")
    return label


def _content(content: bytes | None, *, plain: bool) -> Any:
    """What a label file says, as a text or as JSON; None where it cannot be read."""
    try:
        text = (content or b"").decode()
        return text.strip() if plain else json.loads(text)
    except (ValueError, RecursionError):
        return None


def _labels(content: Any) -> list[Name]:
    """A number or a name; or one of a JSON table, or several under KEYS. Nothing where the first is none."""
    table = cast(dict[str, Any], content) if isinstance(content, dict) else {KEYS[0]: content}
    labels = [_name(table[key]) for key in KEYS if key in table]
    return [label for label in labels if label is not None] if labels and labels[0] is not None else []


def _tags(values: Any) -> frozenset[Name]:
    if not isinstance(values, list):
        raise OddLabel(f"has `{TAGS}` that are no list")
    tags = [_name(value) for value in values]
    if None in tags:
        raise OddLabel(f"has `{TAGS}` of which one is neither a number from 0 to {MOST_CLASSES - 1:,} nor a name")
    twice = next((tag for tag in tags if tags.count(tag) > 1), None)
    if twice is not None:
        raise OddLabel(f"has `{TAGS}` with {clean(str(twice))} in it twice")
    return frozenset(cast(list[Name], tags))


def _name(value: Any) -> Name | None:
    if isinstance(value, str) and NUMBER.fullmatch(value):  # also -1 and 0.5, which name no class
        value = int(value) if value.isdecimal() and len(value) < 9 else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_CLASSES:
        return value
    return value if isinstance(value, str) and value and is_text(value) else None


def task_of(path: Path, labels: Sequence[Label]) -> Task:
    """What the labels of all samples are. Raises SpeccError E412 where some samples have tags and others a class."""
    tagged = sum(isinstance(label, frozenset) for label in labels)
    if 0 < tagged < len(labels):
        message = clean(f"{tagged:,} of {counted(len(labels), 'sample')} beside {path} have tags, the others one label")
        raise SpeccError("E412", message, help="give each of them a label, or each of them tags", status=1)
    return MULTILABEL if tagged else CLASSIFICATION


def every(labels: Iterable[Label]) -> set[Name]:
    """All classes, or all tags, that occur."""
    return {name for label in labels for name in (label if isinstance(label, frozenset) else [label])}


def class_names(path: Path, train: Sequence[Label], test: Sequence[Label]) -> tuple[str, ...]:
    """The classes or tags by name: those of the training samples in natural order, or numbers from 0.

    Raises SpeccError E412 for numbers beside names, no tags, or the same tags everywhere.
    """
    names, others = every(train), every(test)
    kinds = {type(name) for name in names | others}
    if len(kinds) > 1:
        message = clean(f"the samples beside {path} have numbers and names as labels")
        raise SpeccError("E412", message, help="label all of them by numbers, or all by names", status=1)
    if not names:
        raise SpeccError("E412", clean(f"no sample beside {path} has a tag"), help="tag some of them", status=1)
    if len(names) > 1 and all(label == frozenset(names) for label in train):
        message = clean(f"every sample beside {path} has all {len(names)} tags")
        help = f"`{TAGS}` lists the tags that an image has: [2, 5], not 0 or 1 for each tag"
        raise SpeccError("E412", message, help=help, status=1)
    if kinds == {int}:
        return tuple(map(str, range(max(cast(set[int], names | others)) + 1)))
    return tuple(sorted(cast(set[str], names), key=natural))
