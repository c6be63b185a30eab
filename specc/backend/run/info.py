"""What run.json says: the form that it must have, and whether the data are still those that it tells of."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from specc.backend.data.dataset import DataSet
from specc.errors import SpeccError


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def is_number(value: Any) -> bool:
    """Whether a value from a JSON text is a number that can be calculated with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _all(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(is_one, value))


def _or_none(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_one(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_next(value: Any) -> bool:
    return isinstance(value, dict) and _is_text(value.get("spec_sha256")) and _is_path(value.get("base"))


# what run.json must say: what it is in words, and whether a value is that
NEEDED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "base": ("a path", _is_path),
    "data_dir": ("a path or null", _or_none(_is_path)),
    "spec_sha256": ("a text", _is_text),
    "classes": ("a list of texts", _all(_is_text)),
    "validated_on": ("a text", _is_text),
    "data_sha256": ("a text", _is_text),
    "mean": ("a list of numbers", _all(is_number)),
    "std": ("a list of numbers", _all(is_number)),
    "steps_per_epoch": ("a number of steps", _is_count),
    "device": ("a text", _is_text),
    "versions": ("a table", _is_table),
}
OPTIONAL: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "subset": ("a number of images or null", _or_none(_is_count)),
    "images": ("a table", _is_table),
    "resumed": ("a list", _is_list),
    "next": ("a table with `spec_sha256` and `base`", _is_next),
}


def wrong_in(info: Mapping[str, Any]) -> str:
    """The first thing that a run.json does not say, or says in another form than it must, in words; "" for none."""
    for name, (what, fits) in (NEEDED | OPTIONAL).items():
        if name in NEEDED and name not in info:
            return f"it does not say `{name}`, {what}"
        if name in info and not fits(info[name]):
            return f"its `{name}` is not {what}"
    return ""


def about_data(dataset: DataSet) -> dict[str, Any]:
    """What a run.json says of its data."""
    return {
        "classes": list(dataset.classes),
        "images": {"train": len(dataset.train), "validation": len(dataset.validation)},
        "data_sha256": dataset.hash,
    }


def refuse_other_data(path: Path, info: Mapping[str, Any], now: Mapping[str, Any], hint: str) -> None:
    """Raise SpeccError E441, which says what differs, where data are not those that the run at `path` was trained on.

    info: its run.json. now: `about_data`. hint: how to mend it.
    """
    hashes = info["data_sha256"], now["data_sha256"]
    if hashes[0] == hashes[1]:
        return
    found = []
    before, after = info["classes"], now["classes"]
    if len(before) != len(after):
        found.append(f"{len(before):,} classes then, {len(after):,} now")
    elif before != after:
        first = next(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
        found.append(f"other classes: `{first[0]}` then, `{first[1]}` now")
    counts = info.get("images", {}) if info.get("subset") is None else {}
    for name, what in (("train", "training"), ("validation", "validation")):
        if _is_count(counts.get(name)) and counts[name] != now["images"][name]:
            found.append(f"{counts[name]:,} {what} images then, {now['images'][name]:,} now")
    if not found:
        found = [f"{'as many images of ' if counts else ''}the same classes", "with another content"]
    lines = [
        f"the data are not those that {path} was trained on",
        ", ".join(found),
        f"SHA-256 {hashes[0][:16]}… then, {hashes[1][:16]}… now",
    ]
    raise SpeccError("E441", lines, help=hint, status=1)
