"""Packed files, read no further than is promised."""

import io
import zlib
from typing import BinaryIO

CHUNK = 1 << 16


class Unpacked:
    """A gzip stream as it is unpacked, of at most `most` bytes. `read` is all that it can.

    Nothing is unpacked before it is asked for, and no member after the first: what made these files writes one. (The
    module `gzip` looks for further members, and reads a header's name byte by byte: a file can be made that keeps it
    busy for long.)
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self.left = file, most
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def read(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end.

        Raises zlib.error: the stream is damaged, its checksum is wrong, it holds more than `most` bytes, or the file
        goes on after it; EOFError where it has broken off.
        """
        result = bytearray()
        while len(result) < count and not self._stream.eof:
            given = self._stream.unconsumed_tail or self.file.read(CHUNK)
            if not given:
                if result:
                    break
                raise EOFError("it is truncated")
            result += self._stream.decompress(given, count - len(result))
        self.left -= len(result)
        if self.left < 0:
            raise zlib.error("it unpacks to more than it should")
        if self._stream.eof and (self._stream.unused_data or self.file.read(1)):
            raise zlib.error("there is more after its end")
        return bytes(result)


class Careful(io.BufferedReader):
    """A file of which no more than `most` bytes are read at once, while `most` is set.

    `zipfile` and `tarfile` read directories and headers as long as the file says that they are.
    """

    most: int | None = None

    def read(self, count: int | None = -1, /) -> bytes:
        """Raises ValueError where more than `most` bytes are asked for."""
        if self.most is not None and count is not None and count > self.most:
            raise ValueError(f"it has a directory or a header of {count:,} bytes")
        return super().read(count)
