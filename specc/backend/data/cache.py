"""Where decoded images are kept between two starts, how much they may take, and which of them go first."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from specc.errors import SpeccError
from specc.files import cache_folder

OFF = "off"
FOLDER = "decoded"
USED = "used"  # an empty file in each store, whose time is that of its last use
GIB = 1 << 30
MOST = 64  # GiB that all stores may take where nothing is said
MOST_ASKED = 1 << 20  # GiB


class Usage(NamedTuple):
    """A store: its folder, when it was last used (seconds), and the bytes that it takes."""

    folder: Path
    used: float
    size: int


def place() -> Path | None:
    """The folder of all stores: in `$SPECC_CACHE`, or in the user's cache; None where `SPECC_CACHE=off`."""
    given = os.environ.get("SPECC_CACHE")
    if given == OFF:
        return None
    return (Path(os.path.expanduser(given)) if given else cache_folder()) / FOLDER  # noqa: PTH111 - never raises


def limit() -> int:
    """Bytes that all stores together may take: `$SPECC_CACHE_SIZE`, in GiB. Raises SpeccError E424 for no number."""
    given = os.environ.get("SPECC_CACHE_SIZE")
    if not given:
        return MOST * GIB
    if not (given.isascii() and given.isdecimal() and int(given) <= MOST_ASKED):
        help = f"write a whole number of GiB, or unset it: decoded images then take at most {MOST} GiB"
        raise SpeccError("E424", f"the environment variable SPECC_CACHE_SIZE is {given!r}", help=help)
    return int(given) * GIB


def usage(folder: Path) -> list[Usage]:
    """The stores in the folder of all stores, the one that was used last at the end, as far as they can be read."""
    found = []
    try:
        for store in folder.iterdir():
            files = [path.stat() for path in store.iterdir()]
            used = (store / USED).stat().st_mtime
            found.append(Usage(store, used, sum(status.st_size for status in files)))
    except OSError:  # another process is at work there, or there is none
        pass
    return sorted(found, key=lambda one: one.used)


def make_room(store: Path, needed: int) -> int:
    """Bytes that a store may grow by; stores that were not used for the longest time are removed for `needed` bytes.

    Nothing is removed where that would not be enough. At most half of the free disk is taken.
    """
    stores = usage(store.parent)
    own = sum(one.size for one in stores if one.folder == store)
    others = [one for one in stores if one.folder != store]
    most = limit() - own
    free = shutil.disk_usage(store).free
    if min(most, (free + sum(one.size for one in others)) // 2) < needed:
        return min(most - sum(one.size for one in others), free // 2)
    for one in others:
        if min(most - sum(other.size for other in others), free // 2) >= needed:
            break
        shutil.rmtree(one.folder, ignore_errors=True)
        others = [other for other in others if other.folder != one.folder]
        free = shutil.disk_usage(store).free
    return min(most - sum(one.size for one in others), free // 2)
