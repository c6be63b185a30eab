"""Where data sets are looked for, and how a published one is fetched when it is nowhere."""

import os
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from specc.backend.data.download import Download, DownloadFailed, fetch
from specc.backend.data.packed import Unpacked
from specc.errors import SpeccError, clean
from specc.files import cache_folder, open_file, turn, write_atomic
from specc.tricks.resize import Resize

MOST_UNPACKED = 1 << 28  # bytes; above what any archive that is read here holds
MOST_MEMBERS = 1000  # likewise


class Where(NamedTuple):
    """Where to look: the folder given as `--data-dir`, or None, and the folder of the spec.

    resize: how images will be brought to one size, for a reader that decodes what goes with them, such as masks.
    """

    data_dir: Path | None = None
    base: Path = Path()
    resize: Resize | None = None


class Published(NamedTuple):
    """A data set that its publisher offers for download.

    folder: where its files lie, below each place. files: their names, without `.gz`. extras: files that help where they
    are there. downloads: what the publisher offers; an archive holds all the files.
    """

    title: str
    folder: str
    files: tuple[str, ...]
    downloads: tuple[Download, ...]
    extras: tuple[str, ...] = ()


def places(data_dir: Path | None) -> list[Path]:
    """The folders in which data sets are looked for, in order: `--data-dir`, `$SPECC_DATA`, the user's cache."""
    given = [data_dir] if data_dir is not None else []
    named = [Path(os.environ["SPECC_DATA"])] if os.environ.get("SPECC_DATA") else []
    return list(dict.fromkeys(place.expanduser() for place in [*given, *named, cache_folder()]))


def locate(published: Published, data_dir: Path | None) -> dict[str, Path] | None:
    """The files of a data set by name, from the first place that has all of them; None where no place has.

    Raises SpeccError E410 where a place may not be looked into.
    """
    for place in places(data_dir):
        folder = place / published.folder
        try:
            found = {name: path for name in published.files if (path := _present(folder, name)) is not None}
            if len(found) == len(published.files):
                extras = {name: folder / name for name in published.extras if (folder / name).is_file()}
                return found | extras
        except OSError as error:
            raise unreadable(folder, error) from None
    return None


def obtain(published: Published, data_dir: Path | None) -> dict[str, Path]:
    """The files of a data set by name: found, unpacked from an archive that lies in a place, or downloaded.

    Raises SpeccError E401 where they are nowhere and the download fails, E402 for a damaged archive.
    """
    found = locate(published, data_dir)
    if found is not None:
        return found
    folder = cache_folder() / published.folder
    try:
        with turn(folder):  # of several processes one downloads
            return locate(published, data_dir) or _fetched(published, data_dir, folder)
    except (DownloadFailed, OSError) as error:
        raise _missing(published, data_dir, str(error)) from None


def _fetched(published: Published, data_dir: Path | None, folder: Path) -> dict[str, Path]:
    """The files of a data set, downloaded or unpacked. Raises as `obtain` does, and what `fetch` raises."""
    for download in published.downloads:
        if download.archive:
            given = [place / download.name for place in places(data_dir) if (place / download.name).is_file()]
            archive = given[0] if given else fetch(download, folder.parent)
            unpack(archive, published, folder)
            if not given:
                archive.unlink()
        elif not (folder / download.name).is_file():
            fetch(download, folder)
    found = locate(published, data_dir)
    if found is None:
        raise _missing(published, data_dir, "the download does not hold them")
    return found


def unpack(archive: Path, published: Published, folder: Path) -> None:
    """Write the wanted members of an archive, and nothing else of it, into `folder`, one after the other.

    A member is known by its whole name and must be a plain file: where others point to, or would be written, plays no
    part. Raises SpeccError E402 where the archive is damaged, larger than any is, or lacks a member; OSError where
    `folder` does not take them.
    """
    wanted = {f"{published.folder}/{name}": name for name in published.files + published.extras}
    written: list[Path] = []
    try:
        with (
            open_file(archive) as packed,
            tarfile.open(fileobj=cast(Any, Unpacked(packed, MOST_UNPACKED)), mode="r|") as tar,
        ):
            for number, member in enumerate(tar):
                if number == MOST_MEMBERS or not 0 <= member.size <= MOST_UNPACKED:
                    raise tarfile.TarError("it holds more than the published one")
                name = wanted.pop(member.name.removeprefix("./"), None)
                if name:
                    content = _plain(tar, member).read()
                    folder.mkdir(parents=True, exist_ok=True)
                    write_atomic(folder / name, content)
                    written.append(folder / name)
                if not wanted:
                    break
        lacking = [name for name in wanted.values() if name in published.files]
        if lacking:
            raise damaged(archive, f"does not hold {', '.join(lacking)}")
    except BaseException as error:  # all files or none
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, tarfile.TarError | EOFError | zlib.error | ValueError):
            raise damaged(archive, f"is not a complete .tar.gz archive: {error}") from None
        raise


def _plain(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """The content of a member. Raises TarError for a link, a device, or a file that is stored with holes."""
    content = tar.extractfile(member) if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
    if content is None:
        raise tarfile.TarError(f"{member.name} is not a regular file")
    return content


def damaged(path: Path, what: str) -> SpeccError:
    """E402: a data file that is there but cannot be right. `what` completes "FILE …"."""
    return SpeccError(
        "E402", clean(f"{path} {what}"), help="get the file again from its publisher, or restore your copy", status=1
    )


def unreadable(path: Path, error: Exception) -> SpeccError:
    """E410: a data file that the system does not let us read; E402 where what is in it is at fault."""
    if not isinstance(error, OSError):
        return damaged(path, f"cannot be read: {error}")
    found = f"{path} cannot be read: {error.strerror or error}"
    help = "check the file's permissions and its disk"
    if isinstance(error, FileNotFoundError):
        help = "it is a part of the data: restore it, or get the data again"
    return SpeccError("E410", clean(found), help=help)


def few(names: Sequence[str], most: int = 5) -> str:
    """The first few names of a list for a message, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(clean, names[:most])) + more


def _present(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _missing(published: Published, data_dir: Path | None, why: str) -> SpeccError:
    """E401: says which files are wanted, where they were looked for and where to get them."""
    lines = [f"{published.title} is not on this machine, and fetching it failed: {clean(why)}"]
    lines.append(f"wanted: {', '.join(published.files)}")
    for place in places(data_dir):
        folder = place / published.folder
        there = [name for name in published.files if _present(folder, name)]
        lacks = [name for name in published.files if name not in there]
        what = f"holds some of them, but lacks {', '.join(lacks)}" if there else "holds none of them"
        lines.append(clean(f"looked in {folder}: {what}"))
    bases = dict.fromkeys(download.url.rpartition("/")[0] for download in published.downloads)
    archive = any(download.archive for download in published.downloads)
    urls = published.downloads[0].url if archive else f"them from {', '.join(bases)}"
    where = places(data_dir)[0] / ("" if archive else published.folder)
    help = f"get {urls} and put {'it' if archive else 'them'} into {where}, or say where the data is with --data-dir"
    return SpeccError("E401", lines, help=clean(help))
