"""Which image files a command line names: files, folders of them, and a list on standard input."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.order import natural
from specc.backend.data.walk import walk
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError, clean, counted

LIST = Path("-")  # standard input lists the files, one a line


class Inputs(NamedTuple):
    """files: in the order of the command line; those of a folder in natural order. notes: what was left out.

    places: where what is written for a file goes, below the folder for it: as the file lies below the folder that is
    named, without its suffix.
    """

    files: list[Path]
    notes: list[str]
    places: dict[Path, Path]


def image_files(paths: Sequence[Path], lines: Iterable[str]) -> Inputs:
    """The files that `paths` name. lines: of standard input, read where `-` is among them.

    Raises SpeccError: E460 a folder or a list without image files, E410 a folder that cannot be read, E475 `-` twice.
    """
    if paths.count(LIST) > 1:
        raise SpeccError(
            "E475", "`-` is given more than once", help="give only one of them: standard input is one list"
        )
    files: list[Path] = []
    notes: list[str] = []
    places: dict[Path, Path] = {}
    for path in paths:
        if path == LIST:
            listed = [Path(line.rstrip("\r\n")) for line in lines if line.strip()]
            if not listed:
                raise SpeccError("E460", "standard input lists no image files", help="give a file a line")
            files += listed
        elif path.is_dir():
            images, others = _in_folder(path)
            if not images:
                raise SpeccError("E460", clean(f"{path} holds no image files"), help="give a folder with image files")
            files += images
            places |= {image: image.relative_to(path).with_suffix("") for image in images}
            if others:
                notes.append(clean(f"{path}: {counted(others, 'file')} skipped that are no image files by their names"))
        else:
            files.append(path)
    return Inputs(files, notes, {image: Path(image.stem) for image in files} | places)


def _in_folder(folder: Path) -> tuple[list[Path], int]:
    """The image files below a folder, and how many other files there are."""
    (names,) = walk([(folder, "")]).files
    images = sorted((name for name in names if Path(name).suffix.lower() in SUFFIXES), key=natural)
    return [folder / name for name in images], len(names) - len(images)
