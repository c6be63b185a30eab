"""The form that run.json must have."""

from collections.abc import Callable, Mapping
from typing import Any

from specc.files import is_number
from specc.tasks import TASKS


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _all(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(is_one, value))


def _are_different(value: Any) -> bool:
    return _all(_is_text)(value) and len(set(value)) == len(value)


def _is_share(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def _or_none(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_one(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _are_tables(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_table, value.values()))


def _is_test(value: Any) -> bool:
    return isinstance(value, dict) and _is_text(value.get("words")) and _is_text(value.get("sha256"))


def _is_start(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(value.get(name, "")) for name in ("from", "sha256", "license"))


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_task(value: Any) -> bool:
    return value in TASKS if isinstance(value, str) else False


def _is_scale(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    mean, std = value.get("mean") or [], value.get("std") or []
    are_numbers = _all(is_number)(mean) and _all(is_number)(std)
    return are_numbers and len(mean) == len(std) and all(number > 0 for number in std)


def _is_next(value: Any) -> bool:
    return isinstance(value, dict) and _is_text(value.get("spec_sha256")) and _is_path(value.get("base"))


# what run.json must say: what it is in words, and whether a value is that
NEEDED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "base": ("a path", _is_path),
    "data_dir": ("a path or null", _or_none(_is_path)),
    "spec_sha256": ("a string", _is_text),
    "classes": ("a list of distinct strings", _are_different),
    "validated_on": ("a string", _is_text),
    "data_sha256": ("a string", _is_text),
    "mean": ("a list of numbers from 0 to 1", _all(_is_share)),
    "std": ("a list of numbers from 0 to 1", _all(_is_share)),
    "steps_per_epoch": ("a number of steps", is_count),
    "device": ("a string", _is_text),
    "versions": ("a table", _is_table),
}
OPTIONAL: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "task": (f"one of {', '.join(TASKS)}", _is_task),
    "ignore": ("a number of pixels' class from 0 to 255", lambda value: type(value) is int and 0 <= value <= 255),
    "scale": ("a table with as many numbers in `mean` as, above 0, in `std`", _is_scale),
    "subset": ("a number of images or null", _or_none(is_count)),
    "start": ("a table of strings, a path or null", _or_none(lambda value: _is_start(value) or _is_path(value))),
    "frozen": ("a number of parameters", lambda value: type(value) is int and value >= 0),
    "images": ("a table", _is_table),
    "validation_part": ("a string", _is_text),
    "test": ("a table with `words` and `sha256`", _is_test),
    "figures": ("a table of tables", _are_tables),
    "split_version": ("a number", is_count),
    "resumed": ("a list", _is_list),
    "ranks": ("a table", _is_table),
    "packages": ("a table of packages and their versions", _are_texts),
    "next": ("a table with `spec_sha256` and `base`", _is_next),
}


def wrong_in(info: Mapping[str, Any]) -> str:
    """The first thing that a run.json does not say, or says in another form than it must, in words; "" for none."""
    for name, (what, fits) in (NEEDED | OPTIONAL).items():
        if name in NEEDED and name not in info:
            return f"`{name}`, {what}, is missing"
        if name in info and not fits(info[name]):
            return f"`{name}` is not {what}"
    return ""
