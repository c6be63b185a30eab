"""Files behind an address that fsspec knows (`s3://`, `gs://`, `https://`, …), read with patience.

Whatever a storage's library raises is tried again, a little later each time; what is not there, or may not be read, is
not asked for twice.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from specc.errors import SpeccError, clean

TRIES = 5
WAIT = 0.5  # seconds before the second attempt; twice as long before each further one
CHUNK = 1 << 20
BLOCK = 1 << 23  # bytes that are asked for at once
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)

Result = TypeVar("Result")


class Remote:
    """A folder behind an address, such as `s3://bucket/set`."""

    def __init__(self, url: str) -> None:
        """Raises SpeccError: E520 where a package is missing that knows the address, E403 where nothing knows it."""
        self.url = url.rstrip("/")
        self._files, self._root = _opened(self.url)

    def __str__(self) -> str:
        return self.url

    def read(self, name: str, most: int) -> bytes:
        """What is in a small file of the folder. Raises SpeccError E523."""
        return self.retried(name, lambda: b"".join(self.chunks(name, most)))

    def chunks(self, name: str, most: int) -> Iterator[bytes]:
        """The content of a file, of at most `most` bytes. Raises OSError, or whatever the storage's library does."""
        count = 0
        with self._files.open(f"{self._root}/{name}", "rb", block_size=BLOCK) as file:
            while chunk := file.read(CHUNK):
                count += len(chunk)
                if count > most:
                    raise OSError(f"it has more than {most:,} bytes")
                yield chunk

    def retried(self, name: str, action: Callable[[], Result]) -> Result:
        """What an action gives, tried several times. Raises SpeccError E523, and at once what is one already."""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(WAIT * 2 ** (attempt - 1))
            try:
                return action()
            except (SpeccError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001 - each storage's library raises exceptions of its own
                reason = _reason(error)
                if isinstance(error, FINAL):
                    break
        times = f", {attempt + 1} times" if attempt else ""
        message = clean(f"{self.url}/{name} cannot be read{times}: {reason}")
        raise SpeccError("E523", message, help="check the address, the network, and who may read it")


def _opened(url: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it."""
    scheme = url.partition("://")[0].lower()
    try:
        core = importlib.import_module("fsspec.core")
        files, root = core.url_to_fs(url)
    except ImportError:
        needed = PACKAGES.get(scheme, "")
        message = clean(f"{url} is read with fsspec{f' and {needed}' if needed else ''}, which is not installed")
        also = f" {needed}" if needed else ""
        raise SpeccError("E520", message, help=f'pip install "specc-cnn[remote]"{also}') from None
    except Exception as error:  # noqa: BLE001 - as above
        message = clean(f"{url} cannot be looked for: {_reason(error)}")
        raise SpeccError("E403", message, help="correct the address in `source`") from None
    return files, str(root).rstrip("/")


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return text.splitlines()[0][:300]
