"""Files of `torch.save`, good ones and such as it never writes, put together opcode by opcode."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\r\x00\x00\x00little_endian\x88s."


def saved(path: Path, value: object, *, old: bool = False, protocol: int = 2) -> Path:
    """What PyTorch itself writes. old: in the layout before version 1.6."""
    import torch

    torch.save(value, path, _use_new_zipfile_serialization=not old, pickle_protocol=protocol)  # noqa: TID251
    return path


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """An integer of any length."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes((len(data),)) + data


def row(*items: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(items) + b"t"


def numbers(values: Any) -> bytes:
    return row(*map(number, values))


def named(module: str, name: str) -> bytes:
    """A global."""
    return f"c{module}\n{name}\n".encode()


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + row(*arguments) + b"R"


HOOKS = called(named("collections", "OrderedDict"))


def storage(key: str = "0", length: int = 4, kind: str = "FloatStorage", *more: bytes) -> bytes:
    identity = row(text("storage"), named("torch", kind), text(key), text("cpu"), number(length), *more)
    return identity + b"Q"


def tensor(size: Any = (4,), stride: Any = (1,), offset: int = 0, of: bytes | None = None) -> bytes:
    """A call of `_rebuild_tensor_v2`. of: its storage, by default "0" with 4 float32."""
    of = storage() if of is None else of
    parts = (of, number(offset), numbers(size), numbers(stride), b"\x89", HOOKS)
    return called(named("torch._utils", "_rebuild_tensor_v2"), *parts)


def table(*entries: bytes) -> bytes:
    """A dictionary: keys and values in turn."""
    return b"}(" + b"".join(entries) + b"u"


def pickled(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def archive(value: bytes, storages: dict[str, bytes] | None = None, files: dict[str, bytes] | None = None) -> bytes:
    """A file in today's layout. value: the opcodes of what was saved; storages: by default "0" with 4 float32; files:
    what else it holds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("net/data.pkl", pickled(value))
        for name, content in (files or {}).items():
            file.writestr(f"net/{name}", content)
        for key, content in (storages or {"0": bytes(16)}).items():
            file.writestr(f"net/data/{key}", content)
    return buffer.getvalue()


def old(value: bytes, storages: dict[str, bytes] | None = None, width: int = 4) -> bytes:
    """A file in the layout before PyTorch 1.6. storages: as for `archive`, where the value refers to any."""
    if storages is None:
        storages = {"0": bytes(16)} if b"storage" in value else {}
    keys = pickled(b"](" + b"".join(map(text, storages)) + b"e")
    rows = b"".join(struct.pack("<q", len(content) // width) + content for content in storages.values())
    return MAGIC + pickled(value) + keys + rows
