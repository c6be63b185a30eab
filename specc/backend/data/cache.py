"""Where decoded images are kept between two starts, how much they may take, and which of them go first."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.amount import from_environment
from specc.files import cache_folder

OFF = "off"
FOLDER = "decoded"
USED = "used"  # an empty file in each store, whose time is that of its last use
SIZE = "SPECC_CACHE_SIZE"
MOST = 64 * 10**9  # bytes that all stores may take where nothing is said


class Usage(NamedTuple):
    """A store: its folder, when it was last used (seconds), and the bytes that it takes."""

    folder: Path
    used: float
    size: int


def place() -> Path | None:
    """The folder of all stores: in `$SPECC_CACHE`, or in the user's cache; None where `SPECC_CACHE=off`."""
    return None if os.environ.get("SPECC_CACHE") == OFF else root() / FOLDER


def root() -> Path:
    """The folder of what is kept of data sets: `$SPECC_CACHE`, or the user's cache."""
    given = os.environ.get("SPECC_CACHE")
    return Path(os.path.expanduser(given)) if given and given != OFF else cache_folder()  # noqa: PTH111 - never raises


def limit() -> int:
    """Bytes that all stores together may take: `$SPECC_CACHE_SIZE`. Raises SpeccError E526 for no amount."""
    return from_environment(SIZE) or MOST


def usage(folder: Path) -> list[Usage]:
    """The stores in the folder of all stores, the one that was used last at the end, as far as they can be read."""
    stores = []
    try:
        entries = list(folder.iterdir())
    except OSError:  # there is none
        return []
    for store in entries:
        with suppress(OSError):  # not a store, or another process is at work there
            files = [path.stat() for path in store.iterdir()]
            used = (store / USED).stat().st_mtime
            stores.append(Usage(store, used, sum(status.st_size for status in files)))
    return sorted(stores, key=lambda one: one.used)


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
