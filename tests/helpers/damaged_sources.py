"""Damaged data sources: IDX, CIFAR, NumPy archives, folders of images, and the digits of scikit-learn."""
# ruff: noqa: E501 - a case a line

import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tests.helpers.tiny_data import idx, levels, write_folder, write_mnist, write_shard

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
ARCHIVE = "cifar-10-binary.tar.gz"
FIRST = "cifar-10-batches-bin/data_batch_1.bin"
ZEROS = 1 << 28  # bytes that are enough to show that not all are unpacked


def piped(folder: Path) -> None:
    (folder / "mnist").mkdir()
    os.mkfifo(folder / "mnist" / IMAGES)


class Case(NamedTuple):
    """An input and the error that meets it. make: writes it into a folder; gives the source where it depends on it."""

    name: str
    source: str
    make: Callable[[Path], Any]
    code: str
    phrase: str


def mnist(file: str, content: Callable[[bytes], bytes] | bytes) -> Callable[[Path], None]:
    """Fashion-MNIST in which a file has another content, made from what it was."""

    def make(folder: Path) -> None:
        path = write_mnist(folder, packed=False) / file
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return make


def bomb(head: bytes = b"", size: int = ZEROS) -> bytes:
    """gzip of zeros after `head`."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


IDX = [
    Case("idx cut short", "fashion_mnist", mnist(IMAGES, lambda c: c[:-1]), "E402", "is truncated: its header"),
    Case("idx of half a header", "fashion_mnist", mnist(IMAGES, lambda c: c[:9]), "E402", "too short for an IDX header"),
    Case("idx empty", "fashion_mnist", mnist(IMAGES, b""), "E402", "is only 0 bytes long"),
    Case("idx goes on", "fashion_mnist", mnist(IMAGES, lambda c: c + b"x"), "E402", "continues after"),
    Case("idx is a web page", "fashion_mnist", mnist(IMAGES, b"<html>no such file</html>"), "E402", "is not an IDX file"),
    Case("idx of another size", "fashion_mnist", mnist(IMAGES, idx(levels(30, 27, 28))), "E402", "holds images of 27 x 28"),
    Case("idx of labels for images", "fashion_mnist", mnist(IMAGES, idx(levels(30))), "E402", "not an IDX file of images"),
    Case("idx of 4 billion", "fashion_mnist", mnist(IMAGES, struct.pack(">4I", 0x803, 2**32 - 1, 28, 28)), "E402", "items"),
    Case("idx of none", "fashion_mnist", mnist(IMAGES, struct.pack(">4I", 0x803, 0, 28, 28)), "E402", "holds 0 items"),
    Case("idx of float64", "fashion_mnist", mnist(IMAGES, lambda c: b"\0\0\x0e" + c[3:]), "E402", "is not an IDX file"),
    Case("idx without a label", "fashion_mnist", mnist(LABELS, idx(levels(29) % 10)), "E402", "holds 29 labels"),
    Case("idx label 10", "fashion_mnist", mnist(LABELS, idx(np.full(30, 10, np.uint8))), "E402", "labels above 9"),
    Case("idx gzip cut short", "fashion_mnist", mnist(IMAGES, lambda c: gzip.compress(c)[:-900]), "E402", "is truncated"),
    Case("idx gzip checksum", "fashion_mnist", mnist(IMAGES, lambda c: gzip.compress(c)[:-8] + bytes(8)), "E402", "gzip"),
    Case("idx gzip garbage", "fashion_mnist", mnist(IMAGES, b"\x1f\x8bgarbage"), "E402", "is damaged gzip"),
    Case("idx gzip bomb", "fashion_mnist", mnist(IMAGES, bomb), "E402", "continues after"),
    Case("idx gzip bomb of zeros", "fashion_mnist", mnist(IMAGES, lambda c: bomb()), "E402", "is not an IDX file"),
    Case("idx gzip endless name", "fashion_mnist", mnist(IMAGES, lambda c: b"\x1f\x8b\x08\x08" + b"n" * 20_000_000), "E402", "gzip"),
    Case("idx gzip of many members", "fashion_mnist", mnist(IMAGES, lambda c: gzip.compress(b"") * 200_000), "E402", "gzip"),
    Case("idx lost", "fashion_mnist", lambda f: (write_mnist(f) / f"{IMAGES}.gz").unlink(), "E401", f"lacks {IMAGES}"),
    Case("idx pipe", "mnist", piped, "E401", "holds none"),
]  # fmt: skip


def cifar(name: str, size: int = 30_730_000, content: bytes = b"", at: int = 0) -> Callable[[Path], None]:
    """CIFAR-10 of zeros in which a file has another size, or some bytes at a place."""

    def make(folder: Path) -> None:
        inside = folder / "cifar-10-batches-bin"
        inside.mkdir()
        for file in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin", name):
            with (inside / file).open("wb") as opened:
                opened.truncate(size if file == name else 30_730_000)
        with (inside / name).open("r+b") as opened:
            opened.seek(at)
            opened.write(content)

    return make


def member(name: str, **fields: Any) -> bytes:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def negative(header: bytes) -> bytes:
    """The header of a member with a size of -512 bytes, behind which the same header is found again and again."""
    changed = bytearray(header)
    changed[124:136] = b"\xff" * 10 + b"\xfe\x00"
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed[:512])
    return bytes(changed)


def packed(content: bytes | Callable[[], bytes]) -> Callable[[Path], Any]:
    """CIFAR-10 whose archive has this content. Large ones are made when they are needed: every process imports this."""
    return lambda folder: (folder / ARCHIVE).write_bytes(content if isinstance(content, bytes) else content())


def tar(*members: bytes) -> Callable[[Path], Any]:
    return packed(gzip.compress(b"".join(members) + bytes(1024), compresslevel=1))


LONG = member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=10 << 30)
CIFAR = [
    Case("cifar cut short", "cifar10", cifar("data_batch_1.bin", 30_729_999), "E402", "is truncated: it has 30,729,999"),
    Case("cifar empty", "cifar10", cifar("test_batch.bin", 0), "E402", "test_batch.bin is truncated"),
    Case("cifar too long", "cifar10", cifar("data_batch_1.bin", 10 << 30), "E402", "is too long"),
    Case("cifar label 77", "cifar10", cifar("data_batch_1.bin", content=b"M", at=3073 * 5), "E402", "number 5, which is 77"),
    Case("cifar names of 10 GB", "cifar10", cifar("batches.meta.txt", 10 << 30), "E402", "batches.meta.txt is too long"),
    Case("cifar names twice", "cifar10", cifar("batches.meta.txt", 0, b"cat\ncat\n"), "E402", "1 different class names"),
    Case("cifar names no text", "cifar10", cifar("batches.meta.txt", 0, b"\xff\xfe"), "E402", "batches.meta.txt cannot be"),
    Case("tar empty", "cifar10", packed(b""), "E402", "is not a complete .tar.gz archive"),
    Case("tar no gzip", "cifar10", packed(b"BZh91AY&SY"), "E402", "is not a complete .tar.gz archive"),
    Case("tar lacks all", "cifar10", tar(member("readme.html")), "E402", "does not hold data_batch_1.bin"),
    Case("tar symbolic link", "cifar10", tar(member(FIRST, type=tarfile.SYMTYPE, linkname="/etc/passwd")), "E402", "is not a regular"),
    Case("tar hard link", "cifar10", tar(member(FIRST, type=tarfile.LNKTYPE, linkname="../x")), "E402", "is not a regular file"),
    Case("tar device", "cifar10", tar(member(FIRST, type=tarfile.CHRTYPE)), "E402", "is not a regular file"),
    Case("tar names outside", "cifar10", tar(member(f"../{FIRST}"), member(f"/{FIRST}")), "E402", "does not hold"),
    Case("tar of a terabyte", "cifar10", tar(member("huge", size=1 << 40)), "E402", "holds more than the published one"),
    Case("tar that runs backwards", "cifar10", tar(negative(member("a"))), "E402", "it holds more than the published one"),
    Case("tar of many members", "cifar10", tar(*[member("a")] * 2000), "E402", "holds more than the published one"),
    Case("tar endless header", "cifar10", packed(lambda: bomb(LONG, ZEROS + (1 << 20))), "E402", "it unpacks to more than"),
    Case("tar bomb", "cifar10", packed(bomb), "E402", "does not hold data_batch_1.bin"),
]  # fmt: skip

ROWS = np.arange(12) % 3


def array(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def npz(images: Any, labels: Any = ROWS, **more: Any) -> Callable[[Path], Any]:
    return lambda folder: np.savez(folder / "a.npz", images=images, labels=labels, **more)


def zipped(
    members: list[tuple[str, bytes]], change: Callable[[bytes], bytes] = bytes, **how: Any
) -> Callable[[Path], Any]:
    def make(folder: Path) -> None:
        buffer = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", **how) as archive:
            warnings.simplefilter("ignore")
            for name, content in members:
                archive.writestr(name, content)
        (folder / "a.npz").write_bytes(change(buffer.getvalue()))

    return make


def header(text: str) -> bytes:
    content = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content


def encrypted(content: bytes) -> bytes:
    changed = bytearray(content)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        changed[changed.find(mark) + at] |= 1
    return bytes(changed)


def shaped(shape: str) -> list[tuple[str, bytes]]:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return [("images.npy", header(text) + bytes(300)), ("labels.npy", array(ROWS))]


def zeros(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("images.npy", "w") as file:
            file.write(header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({ZEROS >> 6}, 8, 8), }}"))
            for _ in range((ZEROS >> 20) + 1):
                file.write(bytes(1 << 20))
        archive.writestr(*PLAIN[1])


PLAIN = [("images.npy", array(levels(12, 5, 5))), ("labels.npy", array(ROWS))]
SOURCE = 'npz("a.npz")'
NPZ = [
    Case("npz objects", SOURCE, npz(np.array([None] * 12)), "E411", "holds Python objects in `images`"),
    Case("npz labels of objects", SOURCE, npz(levels(12, 5, 5), np.array([None] * 12)), "E411", "objects in `labels`"),
    Case("npz float images", SOURCE, npz(levels(12, 5, 5) * 0.1), "E411", "holds float64 in `images`, from "),
    Case("npz NaN labels", SOURCE, npz(levels(12, 5, 5), ROWS * np.nan), "E411", "not finite (NaN or infinite), for 12"),
    Case("npz one-hot labels", SOURCE, npz(levels(12, 5, 5), np.eye(12)), "E411", "holds nothing but 0 and 1, as float64"),
    Case("npz labels of 4 dimensions", SOURCE, npz(levels(12, 5, 5), np.ones((12, 2, 5, 5), int)), "E411", "of the wrong form"),
    Case("npz tags of 2^63", SOURCE, npz(levels(12, 5, 5), np.full((12, 2), 2**63, np.uint64)), "E411", "from 9,223,372,"),
    Case("npz masks of 2^63", SOURCE, npz(levels(12, 5, 5), np.full((12, 5, 5), 2**63, np.uint64)), "E411", "class numbers from"),
    Case("npz masks of another size", SOURCE, npz(levels(12, 5, 5), np.ones((12, 5, 6), int)), "E411", "holds masks of 5x6"),
    Case("npz negative label", SOURCE, npz(levels(12, 5, 5), ROWS - 1), "E411", "has labels from -1 to 1"),
    Case("npz label 2^63", SOURCE, npz(levels(12, 5, 5), ROWS.astype(np.uint64) + 2**63), "E411", "has labels from"),
    Case("npz label too few", SOURCE, npz(levels(12, 5, 5), ROWS[:11]), "E411", "but 11 labels"),
    Case("npz of 5 dimensions", SOURCE, npz(levels(2, 2, 3, 5, 5)), "E411", "holds `images` of shape 2 x 2 x 3 x 5 x 5"),
    Case("npz no pixels", SOURCE, npz(levels(12, 0, 5)), "E411", "holds no pixels"),
    Case("npz structured", SOURCE, npz(np.zeros(12, [("a", "u1"), ("b", "u1")])), "E411", "in `images`"),
    Case("npz names twice", SOURCE, npz(levels(12, 5, 5), classes=["a", "b", "b"]), "E411", "`classes` that is not"),
    Case("npz name no text", SOURCE, npz(levels(12, 5, 5), classes=["a", "b", "\ud800"]), "E411", "`classes` that is not"),
    Case("npz without labels", SOURCE, lambda f: np.savez(f / "a.npz", images=levels(3, 5, 5)), "E411", "`x_train` and"),
    Case("npz cut short", SOURCE, zipped(PLAIN, lambda c: c[:-40]), "E402", "is not a complete NumPy archive"),
    Case("npz checksum", SOURCE, zipped(PLAIN, lambda c: c.replace(PLAIN[0][1][200:210], bytes(10))), "E402", "Bad CRC-32"),
    Case("npz is a plain array", SOURCE, lambda f: (f / "a.npz").write_bytes(PLAIN[0][1]), "E402", "it is a NumPy array"),
    Case("npz encrypted", SOURCE, zipped(PLAIN, encrypted), "E402", "`images` is encrypted"),
    Case("npz twice the same", SOURCE, zipped([*PLAIN, PLAIN[0]]), "E402", "it holds `images` 2 times"),
    Case("npz LZMA", SOURCE, zipped(PLAIN, compression=zipfile.ZIP_LZMA), "E402", "in a way that NumPy does not use"),
    Case("npz promises more", SOURCE, zipped(shaped("(12, 5, 6)")), "E402", "promises 360 bytes and holds 300"),
    Case("npz promises 10^18", SOURCE, zipped(shaped("(10000000000, 10000, 10000)")), "E402", "promises 1,000,000,000,000"),
    Case("npz negative shape", SOURCE, zipped(shaped("(-12, -5, 5)")), "E402", "is not a complete NumPy archive"),
    Case("npz header runs code", SOURCE, zipped([("images.npy", header("exec('x')")), PLAIN[1]]), "E402", "NumPy archive"),
    Case("npz header unclosed", SOURCE, zipped([("images.npy", header("{'descr': (")), PLAIN[1]]), "E402", "cannot be read"),
    Case("npz header too deep", SOURCE, zipped([("images.npy", header("(" * 9999)), PLAIN[1]]), "E402", "NumPy archive"),
    Case("npz bomb", SOURCE, zeros, "E402", "which no images do"),
    Case("npz of many members", SOURCE, zipped([(f"{i}", b"") for i in range(25_000)]), "E402", "it has a directory or a header of"),
    Case("npz folder", SOURCE, lambda f: (f / "a.npz").mkdir(), "E403", "is a folder"),
    Case("npz pipe", SOURCE, lambda f: os.mkfifo(f / "a.npz"), "E403", "is a pipe, a socket or a device"),
    Case("npz device", 'npz("/dev/zero")', lambda f: None, "E403", "is a pipe, a socket or a device"),
    Case("npz linked to itself", SOURCE, lambda f: (f / "a.npz").symlink_to(f / "a.npz"), "E403", "there is no file"),
    Case("npz name too long", f'npz("{"n" * 5000}")', lambda f: None, "E403", "cannot be looked for: File name too long"),
]  # fmt: skip


def png(width: int = 5, height: int = 6) -> bytes:
    """A PNG file whose header says that it is as large as that."""
    buffer = io.BytesIO()
    Image.fromarray(levels(6, 5, 3)).save(buffer, "png")
    content = bytearray(buffer.getvalue())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def classes(name: str, content: bytes | Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Two class folders and one more file in the first of them."""

    def make(folder: Path) -> None:
        path = write_folder(folder / "a") / "class0" / name
        path.write_bytes(content) if isinstance(content, bytes) else content(path)

    return make


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 30)


def emptied(folder: Path) -> None:
    for path in write_folder(folder / "a").rglob("*.png"):
        path.unlink()


def littered(folder: Path) -> None:
    emptied(folder)
    (folder / "a/class0/Thumbs.db").touch()


def misnamed(folder: Path) -> None:
    write_folder(folder / "a")
    (folder / "a" / os.fsdecode(b"\xe9")).mkdir()


HERE = 'folder("a")'
FOLDER = [
    Case("folder not there", HERE, lambda f: None, "E403", "there is no folder a"),
    Case("folder is a file", HERE, lambda f: (f / "a").write_bytes(b"x"), "E403", "is a file"),
    Case("folder is a pipe", HERE, lambda f: os.mkfifo(f / "a"), "E403", "is a pipe"),
    Case("folder linked to itself", HERE, lambda f: (f / "a").symlink_to(f / "a"), "E403", "there is no folder"),
    Case("folder empty", HERE, lambda f: (f / "a").mkdir(), "E404", "is empty"),
    Case("folder of one class", HERE, lambda f: write_folder(f / "a", classes=1), "E404", "holds only one class"),
    Case("folder of empty classes", HERE, emptied, "E404", "class folders without a file: class0, class1"),
    Case("folder of litter", HERE, littered, "E404", "without a file"),
    Case("folder, name no text", HERE, misnamed, "E404",
         r"not UTF-8, so no model can hold them: \udce9"),
    Case("image empty", HERE, classes("a.png", b""), "E405", "1 of 9 images in"),
    Case("image cut short", HERE, classes("a.png", png()[:60]), "E405", "class0/a.png is damaged"),
    Case("image is text", HERE, classes("notes.txt", b"\x1b[2Jhello"), "E405", "notes.txt is not a readable image"),
    Case("image is HEIC", HERE, classes("a.jpg", b"\0\0\0\x18ftypheic" + bytes(9)), "E405", "it is a HEIC photo"),
    Case("image is PostScript", HERE, classes("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n"), "E405", "it is a PostScript"),
    Case("image of 900 million", HERE, classes("a.png", png(30_000, 30_000)), "E405", "more than 67,108,864 pixels"),
    Case("image of 2^62 pixels", HERE, classes("a.png", png(2**31 - 1, 2**31 - 1)), "E405", "more than 67,108,864 pixels"),
    Case("image of 20,000 x 1", HERE, classes("a.png", png(20_000, 1)), "E405", "a side of more than 16,384"),
    Case("image without pixels", HERE, classes("a.png", png(0, 0)), "E405", "class0/a.png is"),
    Case("image of 10 GB", HERE, classes("a.png", sparse), "E405", "has 10,737,418,240 bytes, but at most"),
    Case("image is a pipe", HERE, classes("a.png", os.mkfifo), "E405", "but a pipe, a socket or a device"),
    Case("image is a device", HERE, classes("a.png", lambda p: p.symlink_to("/dev/zero")), "E405", "or a device"),
    Case("image linked to itself", HERE, classes("a.png", lambda p: p.symlink_to(p)), "E405", "Too many levels"),
    Case("image linked nowhere", HERE, classes("a.png", lambda p: p.symlink_to("x")), "E405", "No such file"),
    Case("image with a forged name", HERE, classes("a\nerror[E999]: b\x1b[2J.png", b""), "E405", r"a\x0aerror[E999]: b\x1b"),
    Case("image of another size", HERE, classes("a.png", lambda p: Image.new("L", (9, 9)).save(p)), "E406", "1 of 9x9"),
]  # fmt: skip


def digits(folder: Path) -> None:
    path = folder / "datasets" / "data" / "digits.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(bomb())


SAMPLES = {"1.png": png(), "1.cls": b"0", "2.png": png(), "2.cls": b"1"}


def shard(change: Callable[[bytes], bytes] = bytes, more: Mapping[str, bytes] | None = None) -> Callable[[Path], Any]:
    """A shard of two samples and some more members, changed."""

    def make(folder: Path) -> None:
        path = write_shard(folder / "a.tar", SAMPLES | dict(more or {}))
        path.write_bytes(change(path.read_bytes()))

    return make


WEB = 'webdataset("a.tar")'
WEBDATASET = [
    Case("shard not there", WEB, lambda f: None, "E403", "1 of 1 shards are not there: a.tar"),
    Case("shard is a pipe", WEB, lambda f: os.mkfifo(f / "a.tar"), "E403", "1 of 1 shards are not there"),
    Case("shards without number", 'webdataset("a-{0..999999999}.tar")', lambda f: None, "E403", "1 to 100,000 are possible"),
    Case("shard from a network", 'webdataset("pipe:curl x")', lambda f: None, "E403", "only files are read"),
    Case("shard empty", WEB, lambda f: (f / "a.tar").write_bytes(b""), "E402", "is not a complete tar file: empty file"),
    Case("shard is gzip", WEB, shard(gzip.compress), "E402", "it is packed by gzip"),
    Case("shard cut short", WEB, shard(lambda c: c[:1800]), "E402", "is not a complete tar file: unexpected end of data"),
    Case("shard cut between members", WEB, shard(lambda c: c[:2048]), "E402", "is damaged or truncated at byte 2,048"),
    Case("shard damaged inside", WEB, shard(lambda c: c[:2048] + b"x" * 512 + c[2560:]), "E402", "truncated at byte 2,048"),
    Case("shard with a link", WEB, shard(lambda c: member("3.png", type=tarfile.SYMTYPE, linkname="/etc/passwd") + c), "E402", "3.png, which is not a regular file"),
    Case("shard that runs backwards", WEB, shard(lambda c: negative(member("3.png")) + c), "E402", "a.tar"),
    Case("shard with an endless header", WEB, shard(lambda c: LONG + c), "E402", "a directory or a header of 10,737,418,240 bytes"),
    Case("shard with a name twice", WEB, shard(lambda c: c[:1024] + c), "E402", "twice"),
    Case("shard of samples without labels", WEB, shard(more={"3.png": png()}), "E412", "a.tar/3 has no label"),
    Case("shard with a large label", WEB, shard(more={"3.png": png(), "3.cls": b"0" * 100_000}), "E412", "neither a number from 0"),
    Case("shard with a label -1", WEB, shard(more={"3.png": png(), "3.cls": b"-1"}), "E412", "neither a number from 0"),
    Case("shard with a label deep in JSON", WEB, shard(more={"3.png": png(), "3.json": b"[" * 60_000}), "E412", "neither a number from 0"),
    Case("shard of tags twice", WEB, shard(more={"3.png": png(), "3.json": b'{"labels": [1, 1]}'}), "E412", "with 1 in it twice"),
    Case("shard of tags and labels", WEB, shard(more={"3.png": png(), "3.json": b'{"labels": [1]}'}), "E412", "1 of 3 samples beside"),
    Case("shard with a broken image", WEB, shard(more={"3.png": png()[:60], "3.cls": b"0"}), "E405", "a.tar/3.png is damaged"),
    Case("shard with a forged name", WEB, shard(more={"3\nerror[E999]: \x1b.png": b"", "3\nerror[E999]: \x1b.cls": b"0"}), "E405", r"3\x0aerror[E999]: \x1b.png is empty"),
]  # fmt: skip


def csv(content: bytes | str | Callable[[Path], Any]) -> Callable[[Path], Any]:
    """A table beside two images."""

    def make(folder: Path) -> None:
        for name in ("0.png", "1.png"):
            (folder / name).write_bytes(png())
        if callable(content):
            content(folder / "a.csv")
        else:
            (folder / "a.csv").write_bytes(content.encode() if isinstance(content, str) else content)

    return make


TABLE = 'csv("a.csv", image=file, label=kind)'
HEAD = "file,kind\n"
CSV = [
    Case("csv not there", TABLE, lambda f: None, "E403", "there is no file a.csv"),
    Case("csv folder", TABLE, csv(Path.mkdir), "E403", "is a folder; `source` needs a file here"),
    Case("csv pipe", TABLE, csv(os.mkfifo), "E403", "is a pipe, a socket or a device"),
    Case("csv linked to itself", TABLE, csv(lambda p: p.symlink_to(p)), "E403", "there is no file"),
    Case("csv of 10 GB", TABLE, csv(sparse), "E402", "has 10,737,418,240 bytes, but at most 268,435,456"),
    Case("csv empty", TABLE, csv(b""), "E402", "is empty"),
    Case("csv gzip", TABLE, csv(gzip.compress(HEAD.encode())), "E402", "it is packed by gzip"),
    Case("csv workbook", TABLE, csv(b"PK\3\4" + bytes(26) + b"[Content_Types].xml"), "E402", "save a workbook as CSV"),
    Case("csv web page", TABLE, csv(b"<html>404</html>"), "E402", "it is an HTML page; the download failed"),
    Case("csv Git LFS", TABLE, csv(b"version https://git-lfs.github.com/spec/v1"), "E402", "it is a Git LFS pointer"),
    Case("csv UTF-16", TABLE, csv(HEAD.encode("utf-16")), "E402", "it is UTF-16 text; save it as UTF-8"),
    Case("csv Latin-1", TABLE, csv(b"file,kind\n0.png,\xe4\n"), "E402", "line 2 is not UTF-8 text"),
    Case("csv zero bytes", TABLE, csv(HEAD + "0.png,a\0\n"), "E402", "is not a CSV file"),
    Case("csv open quote", TABLE, csv(HEAD + '0.png,"a\n1.png,b\n'), "E402", "is not a sound CSV file"),
    Case("csv endless cell", TABLE, csv(HEAD + "0.png," + "a" * 20_000_000), "E402", "field larger than field limit"),
    Case("csv header only", TABLE, csv(HEAD), "E413", "has no rows"),
    Case("csv another header", TABLE, csv("file,knid\n0.png,a\n"), "E413", "did you mean `knid`?"),
    Case("csv header of many", TABLE, csv(",".join(map(str, range(500_000)))), "E413", "has no column `file`, `kind`"),
    Case("csv column twice", TABLE, csv("file,kind,kind\n0.png,a,b\n"), "E413", "has 2 columns called `kind`"),
    Case("csv one class", TABLE, csv(HEAD + "0.png,a\n1.png,a\n"), "E413", "holds only one class, a"),
    Case("csv ragged", TABLE, csv(HEAD + "0.png\n1.png,a,b\n"), "E414", "line 2: 1 cell"),
    Case("csv ragged everywhere", TABLE, csv(HEAD + "0.png\n" * 50_000), "E414", "and 49,980 more"),
    Case("csv empty cells", TABLE, csv(HEAD + ",a\n1.png,\n"), "E414", "line 3: `kind` is empty"),
    Case("csv lost image", TABLE, csv(HEAD + "2.png,a\n"), "E414", "line 2: 2.png is not there"),
    Case("csv contradicts itself", TABLE, csv(HEAD + "0.png,a\n0.png,b\n"), "E414", "0.png has another label in line 2"),
    Case("csv forged name", TABLE, csv(HEAD + '"x\nerror[E999]: \x1b",a\n'), "E414", r"x\x0aerror[E999]: \x1b is not there"),
    Case("csv image is a device", TABLE, csv(HEAD + "/dev/zero,a\n0.png,b\n"), "E414", "/dev/zero is a pipe, a socket or a device"),
    Case("csv number without end", 'csv("a.csv", image=file, target=kind)', csv(HEAD + "0.png," + "9" * 1000), "E414", "not a finite number"),
    Case("csv broken image", TABLE, csv(lambda p: (p.write_text(HEAD + "0.png,a\n1.png,b\n"), (p.parent / "1.png").write_bytes(png()[:60]))), "E405", "1.png is damaged"),
]  # fmt: skip


def masks(name: str, content: bytes | Callable[[Path], Any]) -> Callable[[Path], Any]:
    """An image and a mask, and one more mask, or what is in its place."""

    def make(folder: Path) -> None:
        for file, data in (("i/0.png", png()), ("i/1.png", png()), ("m/0.png", gray(0, 1))):
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(data)
        path = folder / "m" / name
        path.write_bytes(content) if isinstance(content, bytes) else content(path)

    return make


def gray(*numbers: int, size: tuple[int, int] = (6, 5)) -> bytes:
    pixels = np.zeros(size, np.uint8)
    pixels.reshape(-1)[: len(numbers)] = numbers
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


PAIRS = 'masks("i", "m", classes=[ground, cat])'
MASKS = [
    Case("masks not there", PAIRS, lambda f: None, "E403", "there is no folder i"),
    Case("mask lost", PAIRS, masks("2.png", gray(0)), "E415", "1 image without a mask: 1.png"),
    Case("mask too many", PAIRS, masks("x1.png", gray(0)), "E415", "1 mask without an image: x1.png"),
    Case("masks among the images", 'masks(".", "m")', masks("1.png", gray(0)), "E415", "lie one in the other"),
    Case("mask in color", PAIRS, masks("1.png", png()), "E416", "1.png holds colors (RGB)"),
    Case("mask of another size", PAIRS, masks("1.png", gray(0, size=(5, 6))), "E416", "1.png is 5x6, but its image 1.png is 6x5"),
    Case("mask of other classes", PAIRS, masks("1.png", gray(2, 7)), "E416", "1.png holds 2, 7, which are no classes"),
    Case("mask cut short", PAIRS, masks("1.png", gray(0)[:45]), "E416", "1.png is damaged"),
    Case("mask empty", PAIRS, masks("1.png", b""), "E416", "1.png is empty"),
    Case("mask is a web page", PAIRS, masks("1.png", b"<html>"), "E416", "it is an HTML page"),
    Case("mask of 2^62 pixels", PAIRS, masks("1.png", png(2**31 - 1, 2**31 - 1)), "E416", "pixels, the limit"),
    Case("mask is a pipe", PAIRS, masks("1.png", os.mkfifo), "E416", "but a pipe, a socket or a device"),
    Case("mask of 10 GB", PAIRS, masks("1.png", sparse), "E416", "has 10,737,418,240 bytes, but at most"),
    Case("mask with a forged name", PAIRS, masks("a\nerror[E999]: b\x1b.png", gray(0)), "E415", r"a\x0aerror[E999]: b\x1b"),
]  # fmt: skip

SOURCES = (*IDX, *CIFAR, *NPZ, *FOLDER, *WEBDATASET, *CSV, *MASKS)
