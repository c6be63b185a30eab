"""Writing a shard: an uncompressed tar file in WebDataset's layout, whose bytes depend on its content alone."""

import hashlib
import io
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from specc.backend.images import Pixels
from specc.faults import reach
from specc.files import PART

RECORD = tarfile.RECORDSIZE  # to whose multiple tar pads a file


class ShardWriter:
    """A shard that is being written, beside the place that it takes once it is finished. Raises OSError throughout."""

    def __init__(self, path: Path) -> None:
        self.path, self._digest, self._end = path, hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
        self._part, self._file = Path(name), os.fdopen(handle, "wb")

    def add(self, name: str, content: bytes) -> int:
        """Add a file; gives the offset of its first byte in the shard."""
        info = tarfile.TarInfo(name)
        info.size = len(content)
        self._write(info.tobuf(tarfile.USTAR_FORMAT))
        start = self._end
        self._write(content)
        self._write(bytes(-len(content) % tarfile.BLOCKSIZE))
        return start

    def finish(self) -> tuple[int, str]:
        """End the shard, which takes its name; gives its bytes and their SHA-256."""
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        self._write(bytes(-self._end % RECORD))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.chmod(0o644)
        reach("rename.before")
        self._part.replace(self.path)
        reach("rename.after")
        return self._end, self._digest.hexdigest()

    def abandon(self) -> None:
        """Remove what was written; nothing where it is finished."""
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._end += len(data)


def array_file(pixels: Pixels) -> tuple[bytes, int]:
    """An array of bytes as NumPy's file format has it, and where in it the pixels begin."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": pixels.shape})
    start = buffer.tell()
    buffer.write(pixels.tobytes())
    return buffer.getvalue(), start
