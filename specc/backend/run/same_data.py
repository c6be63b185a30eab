"""Whether data are still those that run.json tells of, and weights mean what it says."""

import json
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from specc.backend.data.dataset import HeldOut
from specc.backend.run.files import INFO
from specc.backend.run.form import is_count
from specc.errors import SpeccError, counted
from specc.tasks import CLASSIFICATION

_OF_TASK = ("task", "ignore", "scale")  # what `BoundTask.about` says


def meaning_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """What a run.json says of a network's answers and of what it sees; its weights say it, too."""
    return {name: info[name] for name in ("classes", "mean", "std", *_OF_TASK) if name in info}


def refuse_other_meaning(path: Path, info: Mapping[str, Any], other: Mapping[str, Any], whose: str) -> None:
    """Raise SpeccError E439 where run.json of the run at `path` gives its network another meaning than others do.

    other: what these say. whose: they, in words.
    """
    defaults = {"task": CLASSIFICATION.name}
    for name in _OF_TASK:
        one, two = (side.get(name, defaults.get(name)) for side in (info, other))
        if one != two:
            message = f"{path / INFO} does not match {whose}: `{name}` is {_shown(one)} instead of {_shown(two)}"
            raise SpeccError("E439", message, help="restore run.json as specc wrote it")
    for name in ("classes", "mean", "std"):
        value = info[name]
        pairs = list(zip_longest(value, other.get(name) or ()))
        odd = next((number for number, (one, two) in enumerate(pairs) if one != two), None)
        if odd is not None:
            one, two = ("nothing" if item is None else f"`{item}`" for item in pairs[odd])
            message = f"{path / INFO} does not match {whose}: entry {odd + 1} of `{name}` is {one} instead of {two}"
            raise SpeccError("E439", message, help="restore run.json as specc wrote it")


def _shown(value: Any) -> str:
    return "missing" if value is None else f"`{json.dumps(value)}`"


def refuse_other_data(path: Path, info: Mapping[str, Any], now: Mapping[str, Any], hint: str) -> None:
    """Raise SpeccError E441, which says what differs, where data are not those that the run at `path` was trained on.

    E439 where they are, and run.json says something else of them. info: its run.json. now: `about_data`. hint: how to
    mend it.
    """
    hashes = info["data_sha256"], now["data_sha256"]
    if hashes[0] == hashes[1]:
        refuse_other_meaning(path, info, now, "the data")
        _refuse_other_draw(path, info, now)
        return
    found = []
    before, after = info["classes"], now["classes"]
    if before != after and sorted(before) == sorted(after):
        first = next(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
        found.append(f"the same classes in a different order: `{first[0]}` before, `{first[1]}` now")
        found.append("classes are now in natural order, 2 before 10")
    elif len(before) != len(after):
        found.append(f"{counted(len(before), 'class')} before, {len(after):,} now")
    elif before != after:
        first = next(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
        found.append(f"different classes: `{first[0]}` before, `{first[1]}` now")
    counts = info.get("images", {}) if info.get("subset") is None else {}
    for name, what in (("train", "training"), ("validation", "validation")):
        if is_count(counts.get(name)) and counts[name] != now["images"][name]:
            found.append(f"{counts[name]:,} {what} images before, {now['images'][name]:,} now")
    if not found:
        found = [f"{'the same number of images and ' if counts else ''}the same classes", "but different content"]
    lines = [
        f"this is not the data that {path} was trained on",
        ", ".join(found),
        f"SHA-256 {hashes[0][:16]}… before, {hashes[1][:16]}… now",
    ]
    raise SpeccError("E441", lines, help=hint, status=1)


def refuse_other_test(path: Path, info: Mapping[str, Any], test: HeldOut, hint: str) -> None:
    """Raise SpeccError E441 where a test part is not the one that was there when the run at `path` began."""
    known = info.get("test")
    if known is None or known["sha256"] == test.hash:
        return
    lines = [
        f"this is not the test part that {path} was begun with",
        f"{known['words']} before, {test.words} now",
        f"SHA-256 {known['sha256'][:16]}… before, {test.hash[:16]}… now",
    ]
    raise SpeccError("E441", lines, help=hint, status=1)


def _refuse_other_draw(path: Path, info: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise SpeccError E441 where the images are the same, but others of them are trained on than by the run."""
    if not now["drawn"] or info.get("split_version", 1) == now["split_version"]:
        return
    before, after = info.get("split_version", 1), now["split_version"]
    lines = [
        f"{path} would be validated on images that it was trained on",
        f"its split was drawn by another version of specc (split {before}, now {after}) and would be drawn anew,",
        "from `data.seed`, stratified by class, with identical images on one side",
    ]
    raise SpeccError(
        "E441", lines, help="start a new run, or open this one with the version of specc that trained it", status=1
    )
