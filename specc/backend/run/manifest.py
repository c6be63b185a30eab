"""run.json: what was called and when, on which data, where, and how it is carried out.

Written here, and read here: the form that it must have, and whether the data are still those that it tells of.
"""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import zip_longest
from os.path import realpath
from pathlib import Path
from typing import Any

import torch

from specc import __version__
from specc.backend.data.dataset import DataSet, HeldOut
from specc.backend.data.divide import DRAW
from specc.backend.device import describe
from specc.backend.run.files import INFO, MOST_BYTES
from specc.check import Trainable
from specc.errors import SpeccError
from specc.files import is_number, parse_json, read_file, reason, refuse_bytes
from specc.tasks import CLASSIFICATION, TASKS

FORMAT = 1
PACKAGES = ("torch", "numpy", "safetensors", "onnx")
OUTCOME = ("ended", "step", "finished", "best", "figures")  # what is added when a training ends or pauses
_OF_TASK = ("task", "ignore", "scale")  # what `BoundTask.about` says
RUNS_FOLDER = "check that this is the folder of a run"


def begun(
    spec: Trainable,
    command: Sequence[str],
    base: Path,
    data_dir: Path | None,
    subset: int | None,
) -> dict[str, Any]:
    """What was called for, and when."""
    return {
        "format": FORMAT,
        "name": spec.name,
        "variant": spec.variant,
        "command": list(command),
        "base": realpath(base),
        "data_dir": realpath(data_dir) if data_dir else None,
        "subset": subset,
        "spec_sha256": sha256_of(spec.resolved),
        "started": now(),
    }


def about(
    dataset: DataSet,
    device: torch.device,
    *,
    parameters: int,
    frozen: int,
    steps_per_epoch: int,
    steps: int,
    precision: str,
    plan: Mapping[str, Any],
    applied: Sequence[str],
) -> dict[str, Any]:
    """What the training itself is, and where it runs.

    parameters: all of them. frozen: those that do not learn. steps: of the whole training.
    applied: what each setting reached, a line each.
    """
    return {
        **about_data(dataset),
        "parameters": parameters,
        "frozen": frozen,
        "steps_per_epoch": steps_per_epoch,
        "steps": steps,
        "device": str(device),
        "device_name": describe(device),
        "threads": torch.get_num_threads(),
        "precision": precision,
        "plan": dict(plan),
        "applied": list(applied),
        "versions": {
            "specc": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "platform": platform.platform(),
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_count(value: Any) -> bool:
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
    "steps_per_epoch": ("a number of steps", _is_count),
    "device": ("a string", _is_text),
    "versions": ("a table", _is_table),
}
OPTIONAL: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "task": (f"one of {', '.join(TASKS)}", _is_task),
    "ignore": ("a number of pixels' class from 0 to 255", lambda value: type(value) is int and 0 <= value <= 255),
    "scale": ("a table with as many numbers in `mean` as, above 0, in `std`", _is_scale),
    "subset": ("a number of images or null", _or_none(_is_count)),
    "start": ("a table, a path or null", _or_none(lambda value: _is_table(value) or _is_path(value))),
    "images": ("a table", _is_table),
    "validation_part": ("a string", _is_text),
    "test": ("a table with `words` and `sha256`", _is_test),
    "figures": ("a table of tables", _are_tables),
    "split_version": ("a number", _is_count),
    "resumed": ("a list", _is_list),
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


def read_info(path: Path) -> dict[str, Any]:
    """What run.json of the run at `path` says.

    Raises SpeccError: E439 there is no run, or not a whole one, E447 it is one of another version, E469 its path is no
    text.
    """
    refuse_bytes(path)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise SpeccError("E439", f"{path} {what}, but the folder of a run is needed", help=_runs_there(path))
    try:
        info = parse_json(read_file(path / INFO, MOST_BYTES))
        if not isinstance(info, dict) or "format" not in info:
            raise ValueError("it is not an object with a `format`")
    except FileNotFoundError:
        message = f"{path} is not a run: it has no {INFO}"
        raise SpeccError("E439", message, help=_runs_there(path)) from None
    except (OSError, ValueError) as error:
        raise unreadable(path / INFO, error) from error
    if info["format"] != FORMAT:
        message = f"{path} was written by another version of specc: its format is {info['format']}, not {FORMAT}"
        versions = info.get("versions")
        by = versions.get("specc", "?") if isinstance(versions, dict) else "?"
        raise SpeccError("E447", message, help=f"it was written by specc {by}")
    if wrong := wrong_in(info):
        raise SpeccError("E439", f"{path / INFO} is invalid: {wrong}", help=RUNS_FOLDER)
    return info


def unreadable(path: Path, error: Exception) -> SpeccError:
    return SpeccError("E439", f"{path} cannot be read: {reason(error)}", help=RUNS_FOLDER)


def _runs_there(path: Path) -> str:
    """A help line with the runs near a path."""
    folder = path if path.is_dir() else path.parent
    runs = sorted(found.parent.name for found in folder.glob(f"*/{INFO}")) if folder.is_dir() else []
    return f"runs in {folder}: {', '.join(runs[:5])}" if runs else "run `specc train` to create one"


def about_data(dataset: DataSet) -> dict[str, Any]:
    """What a run.json says of its data."""
    held_out, test = dataset.test, None
    if held_out and held_out.images is not None:
        test = {"words": held_out.words, "images": len(held_out.images), "sha256": held_out.hash}
    return {
        **({"test": test} if test else {}),
        **dataset.task.about(),
        "classes": list(dataset.classes),
        "images": {"train": len(dataset.train), "validation": len(dataset.validation)},
        "validated_on": dataset.validated_on,
        "validation_part": dataset.part,
        "data_sha256": dataset.hash,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
        "class_images": {
            "train": list(dataset.task.counts(dataset.train.labels)),
            "validation": list(dataset.task.counts(dataset.validation.labels)),
        },
        "drawn": dataset.is_split or dataset.is_subset,
        "split_version": DRAW,
    }


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
        found.append(f"{len(before):,} classes before, {len(after):,} now")
    elif before != after:
        first = next(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
        found.append(f"different classes: `{first[0]}` before, `{first[1]}` now")
    counts = info.get("images", {}) if info.get("subset") is None else {}
    for name, what in (("train", "training"), ("validation", "validation")):
        if _is_count(counts.get(name)) and counts[name] != now["images"][name]:
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
