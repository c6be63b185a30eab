"""Specs are read from files: their own text, what they extend, and where their relative paths start."""

import os
from collections.abc import Sequence
from errno import EINVAL, ELOOP
from pathlib import Path
from typing import Any

from specc.check import Checked, check
from specc.check.context import LabelsOf, ShapeOf
from specc.check.gather.files import Load
from specc.diagnostics import nearest
from specc.errors import SpeccError
from specc.files import parse_json, read_file, size_of
from specc.source import Source
from specc.tasks import Task
from specc.values import Bound
from specc.vocabulary.family import Source as DataSource
from specc.vocabulary.registry import component
from specc.vocabulary.shape import Shape

LARGEST = 1_000_000  # bytes; a spec has a few thousand
ZOO = "zoo:"  # what the name of a spec that comes with specc begins with
MOST_SHOWN = 200  # characters of a path in a message


def read_source(path: Path | str) -> Source:
    """The spec at a path, or in the zoo, named as the user wrote it.

    Line endings become `\\n`; a byte order mark is left out.

    Raises `SpeccError`: E470 not there, E471 a folder, E472 not text, E103 too large, E474 cannot be read.
    """
    if str(path).startswith(ZOO):
        from specc.zoo import unknown  # which reads its tables

        source = _from_zoo(str(path))
        if isinstance(source, str):
            raise unknown(str(path).removeprefix(ZOO))
        return source
    return source_of(str(path), read_spec(Path(path)))


def read_spec(file: Path) -> bytes:
    """What is in a spec. Raises SpeccError as `read_source` does."""
    shown = _shown(str(file))
    try:
        size = size_of(file)
        if size > LARGEST:
            raise too_large(shown)
        if file.suffix == ".cnn" != file.resolve().suffix:
            help = "give the path of the spec itself"
            raise SpeccError("E474", f"`{shown}` is a link to a file that is not a .cnn file", help=help)
        return read_file(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise SpeccError("E470", f"file `{shown}` not found", help=_near(file)) from None
    except IsADirectoryError:
        raise SpeccError("E471", f"`{shown}` is a folder, but a spec is needed", help=_specs_in(file)) from None
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) or error.errno == ELOOP:
            raise SpeccError(
                "E474", f"`{shown}` cannot be read: it is a link to itself", help="create the link again"
            ) from None
        help = "give a file" if error.errno == EINVAL else "check its permissions"
        raise SpeccError("E474", f"`{shown}` cannot be read: {error.strerror}", help=help) from error


def _shown(path: str) -> str:
    """A path as a message names it: not the whole of one that no system takes."""
    return path if len(path) <= MOST_SHOWN else f"{path[:MOST_SHOWN]}…"


def too_large(name: str) -> SpeccError:
    """E103, for a text that is too large for a spec."""
    found = f"`{name}` has more than {LARGEST:,} bytes; too many for a spec"
    return SpeccError("E103", found, help="check that this is a spec", status=1)


def source_of(name: str, data: bytes) -> Source:
    """The text of a spec's bytes. Raises SpeccError: E472 not text, E103 too large."""
    if len(data) > LARGEST:
        raise too_large(name)
    try:
        if b"\0" in data:
            raise ValueError
        text = data.decode("utf-8-sig")
    except ValueError as error:
        shown = _shown(name)
        raise SpeccError("E472", f"`{shown}` is not valid UTF-8", help="check that this is a spec") from error
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def load_base(path: str, source: Source) -> Source | str:
    """The spec that `source` extends, at a path relative to it; what is wrong with it, where it cannot be read.

    Only a `.cnn` file is read: what is wrong in it is shown with its lines, which are nobody's business elsewhere.
    """
    if path.startswith(ZOO):
        return _from_zoo(path)
    if Path(path).suffix != ".cnn":
        return "it is not a .cnn file"
    try:
        return read_source(os.path.normpath(Path(source.path).parent / path))
    except SpeccError as error:
        return error.message


def _from_zoo(path: str) -> Source | str:
    from specc.zoo import zoo_source  # which reads its tables

    return zoo_source(path.removeprefix(ZOO))


def _look_in_files(file: Path, data_dir: Path | None) -> tuple[ShapeOf, LabelsOf]:
    """What looks up the shape of a source's images, and what is learned of them, for the check of the spec `file`.

    Only the files of sources that tell it without being read whole are opened, as the header of a NumPy archive does.
    """

    def look(target: str, source: Bound) -> Any:
        from specc.backend.data.places import Where
        from specc.backend.resolve import resolve

        return resolve(target)(source.args, Where(data_dir, base_of(file)))

    def shape_of(source: Bound) -> Shape | str:
        target = component(DataSource, source).shape_of
        told: Shape | str = "the images have to be read" if target is None else look(target, source)
        return told

    def labels_of(source: Bound) -> tuple[Task, Sequence[str]] | None:
        target = component(DataSource, source).labels_of
        told: tuple[Task, Sequence[str]] | None = None if target is None else look(target, source)
        return told

    return shape_of, labels_of


def check_spec(source: Source, *, data_dir: Path | None = None, load: Load = load_base, **how: Any) -> Checked:
    """`check` with the files that it asks for: those that the spec extends, and those that tell the shape of images.

    load: reads what `extends` names. how: the other arguments of `check`.
    """
    shape_of, labels_of = _look_in_files(Path(source.path), data_dir)
    return check(source, load=load, shape_of=shape_of, labels_of=labels_of, **how)


def base_of(file: Path) -> Path:
    """The folder that relative paths in a spec count from: its own; for the `spec.cnn` of a run, that of the spec which
    the run was trained with, so that it trains as that one did.
    """
    if file.name == "spec.cnn":
        try:
            base = parse_json(read_file(file.with_name("run.json"), LARGEST))["base"]
            if Path(base).is_dir():
                return Path(base)
        except (OSError, ValueError, TypeError, KeyError):
            pass  # no run lies here
    return file.parent


def _near(file: Path) -> str:
    if not file.parent.is_dir():
        return f"folder `{file.parent}` does not exist either"
    found = _specs(file.parent)
    near = nearest(file.name, found) or nearest(f"{file.name}.cnn", found)
    return near or (f"specs there: {', '.join(found[:5])}" if found else "run `specc new` to create a spec")


def _specs_in(folder: Path) -> str:
    found = _specs(folder)
    return f"specs in it: {', '.join(found[:5])}" if found else "there is no spec in it"


def _specs(folder: Path) -> list[str]:
    """Names of the specs in a folder; none where it cannot be listed."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.suffix == ".cnn")
    except OSError:
        return []
