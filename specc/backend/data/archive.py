"""NumPy archives, read without trust: nothing is unpickled, nor larger than it says."""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from specc.backend.data.memory import free_memory
from specc.backend.data.npz_header import MOST_DIRECTORY
from specc.backend.data.packed import Careful
from specc.backend.data.places import damaged, unreadable
from specc.backend.foreign import LOOKED_AT, described
from specc.errors import SpeccError, clean
from specc.files import open_file

Arrays = dict[str, NDArray[Any]]
MOST_SHRUNK = 100  # to one, by compression, of what is larger than MOST_AT_ONCE bytes
MOST_AT_ONCE = 1 << 28


def read_archive(path: Path, wanted: Sequence[str]) -> tuple[Arrays, list[str]]:
    """The arrays that are wanted, each no larger than its own header and the archive's directory agree upon, and the
    names of all else that is in the archive.

    Raises SpeccError: E402 a damaged file, E410 one that may not be read, E411 Python objects, E479 too little memory.
    """
    try:
        with Careful(open_file(path, buffering=0)) as file:
            file.most = MOST_DIRECTORY
            archive = zipfile.ZipFile(file)
            file.most = None
            chosen = _members(archive, wanted)
            need = sum(info.file_size for info in chosen.values())
            if need > free_memory():
                found = clean(f"{path} would take {need:,} bytes of memory; {free_memory():,} are free")
                raise SpeccError("E479", found, help="image files in folders are read on demand: folder(…)")
            names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
            others = list(dict.fromkeys(name for name in names if name not in chosen))
            arrays = {}
            for name, info in chosen.items():
                with archive.open(info) as member:
                    arrays[name] = _array(path, name, member, info.file_size)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError) as error:
        raise damaged(path, f"is not a complete NumPy archive: {_or_foreign(path, error)}") from None
    except OSError as error:
        raise unreadable(path, error) from None
    return arrays, others


def _or_foreign(path: Path, error: Exception) -> str:
    """What an archive is that cannot be read, where it is none at all; else what is wrong with it."""
    with open_file(path) as file:
        start = file.read(LOOKED_AT)
    return str(error) if start[:2] == b"PK" or not start else described(start)


def _members(archive: zipfile.ZipFile, wanted: Sequence[str]) -> dict[str, zipfile.ZipInfo]:
    """The arrays that are wanted, by name. Raises ValueError for what NumPy does not write."""
    every: dict[str, list[zipfile.ZipInfo]] = {}
    for info in archive.infolist():
        every.setdefault(info.filename, []).append(info)
    chosen = {name: every[f"{name}.npy"] for name in wanted if f"{name}.npy" in every}
    for name, infos in chosen.items():
        info = infos[0]
        if len(infos) > 1:
            raise ValueError(f"it holds `{name}` {len(infos)} times")
        if info.flag_bits & 1:
            raise ValueError(f"`{name}` is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"`{name}` is compressed in a way that NumPy does not use")
    packed = sum(infos[0].compress_size for infos in chosen.values())
    unpacked = sum(infos[0].file_size for infos in chosen.values())
    if unpacked > max(MOST_AT_ONCE, MOST_SHRUNK * packed):
        raise ValueError(f"it would unpack from {packed:,} bytes to {unpacked:,}, which no images do")
    return {name: infos[0] for name, infos in chosen.items()}


def _array(path: Path, name: str, file: BinaryIO, length: int) -> NDArray[Any]:
    """One array of the archive. Raises ValueError for what is no array, or one whose header promises another length."""
    try:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read_header(file)
    except (LookupError, MemoryError, RecursionError, SyntaxError, TypeError, TokenError) as error:
        raise ValueError(f"the header of `{name}` cannot be read: {type(error).__name__}") from None
    if dtype.hasobject:
        raise form(path, f"holds Python objects in `{name}`", "plain numbers")
    promised, there = prod(shape) * dtype.itemsize, length - file.tell()
    if promised != there or not dtype.itemsize:
        raise ValueError(f"`{name}` promises {promised:,} bytes and holds {there:,}")
    values = np.empty(prod(shape), dtype)
    target, got = values.view(np.uint8).data, 0
    while got < promised and (more := file.readinto(target[got:])):  # type: ignore[attr-defined]
        got += more
    if got < promised:
        raise EOFError(f"`{name}` breaks off after {got:,} of {promised:,} bytes")
    return values.reshape(shape, order="F" if by_columns else "C")


def form(path: Path, found: str, needed: str) -> SpeccError:
    """E411: an archive that holds something else than what is needed. `found` completes "FILE …"."""
    return SpeccError("E411", clean(f"{path} {found}"), help=f"needed: {needed}", status=1)
