"""Files that want more than to be read: refused by name, soon, and with little memory."""

import io
import os
import pickle  # noqa: TID251 - to show that what these files ask for is not done
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specc.backend.torch_file.choose import choose
from specc.backend.torch_file.pickled import MOST_BYTES, MOST_STEPS
from specc.backend.torch_file.reader import open_torch_file
from specc.errors import SpeccError
from tests.helpers.torch_files import (
    HOOKS,
    MAGIC,
    archive,
    called,
    named,
    number,
    old,
    pickled,
    row,
    saved,
    storage,
    table,
    tensor,
    text,
)

SECONDS = 20  # of processor time: a bomb would take hours
CODES = ("E493", "E494", "E495", "")
SHELL = row(text("touch evil"))
ATTACKS = {
    "reduce": b"cos\nsystem\n" + SHELL + b"R",
    "reduce of posix": b"cposix\nsystem\n" + SHELL + b"R",
    "stack global": b"\x8c\x02os\x8c\x06system\x93" + SHELL + b"R",
    "stack global from the memo": text("os") + b"q\x00" + text("system") + b"q\x01h\x00h\x01\x93" + SHELL + b"R",
    "new object": b"csubprocess\nPopen\n" + SHELL + b"\x81",
    "new object with names": b"csubprocess\nPopen\n" + SHELL + b"}\x92",
    "build": b"cbuiltins\nobject\n)\x81}" + text("__setstate__") + b"cos\nsystem\nsb",
    "instance": b"(" + text("touch evil") + b"ios\nsystem\n",
    "object": b"(cos\nsystem\n" + text("touch evil") + b"o",
    "extension": b"\x82\x01",
    "evaluation": b"cbuiltins\neval\n" + SHELL + b"R",
    "attribute": b"cbuiltins\ngetattr\n" + SHELL + b"R",
    "dotted": b"ctorch\n_utils.os.system\n" + SHELL + b"R",
    "module with a dot": b"ctorch._utils\nos.system\n" + SHELL + b"R",
    "torch's own loader": b"ctorch\nload\n" + SHELL + b"R",
    "module of code": row(text("module"), text("a"), text("b"), text("c")) + b"Q",
}
NAMES = [
    "`os.system`", "`posix.system`", "Popen`", "builtins.", "torch._utils.os.system`", "`torch.load`", "`module`",
    "the opcode INST", "the opcode EXT1", "the opcode NEWOBJ_EX", "OBJ", "`torch._utils",
]  # fmt: skip


def read_all(path: Path) -> int:
    """Read every tensor of a file's weights; their numbers."""
    with open_torch_file(path) as file:
        chosen = choose(file.value, None, path)
        file.refuse_sharing(chosen.tensors.values())
        return sum(file.read(entry).numel() for entry in chosen.tensors.values())


def problem(path: Path) -> SpeccError:
    """The error for a file, which comes soon, and before which nothing was done."""
    before, begun = set(path.parent.iterdir()), time.process_time()
    with pytest.raises(SpeccError) as caught:
        read_all(path)
    assert time.process_time() - begun < SECONDS
    assert set(path.parent.iterdir()) == before
    assert caught.value.help and "\n" not in caught.value.message
    return caught.value


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], str]:
    """The message for a file with this content, and the code that it must have."""
    monkeypatch.chdir(tmp_path)

    def call(code: str, data: bytes) -> str:
        path = tmp_path / "net.pth"
        path.write_bytes(data)
        error = problem(path)
        assert error.code == code, error
        return error.message

    return call


LAYOUTS = pytest.mark.parametrize("layout", [archive, old])


@LAYOUTS
@pytest.mark.parametrize("attack", ATTACKS)
def test_code_is_named_and_not_run(refused: Callable[..., str], layout: Callable[..., bytes], attack: str) -> None:
    for value in (ATTACKS[attack], table(text("a"), tensor(), text("b"), ATTACKS[attack])):
        message = refused("E493", layout(value))
        assert any(name in message for name in NAMES), message


def test_what_python_would_have_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("reduce", "stack global", "instance"):
        pickle.loads(pickled(ATTACKS[name]))  # noqa: S301 - this is what does not happen above
        Path("evil").unlink()


@LAYOUTS
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (HOOKS + b"}" + text("__class__") + b"Nsb", "sets attributes"),
        (tensor() + b"}b", "sets attributes"),
        (called(storage(), number(1)), "is not a function"),
        (called(named("torch", "FloatStorage"), number(1)), "is not a function"),
        (named("collections", "OrderedDict") + b")\x81", "is not a function"),
        (called(named("torch", "ComplexFloatStorage")), "`torch.ComplexFloatStorage`"),
        (called(named("torch._utils", "_rebuild_qtensor")), "`torch._utils._rebuild_qtensor`"),
        (called(named("numpy.core.multiarray", "_reconstruct")), "`numpy.core.multiarray._reconstruct`"),
        (b"S'text'\n", "the opcode STRING"),
        (b"\xff", "the opcode 0xff"),
        (b"\x8f", "the opcode EMPTY_SET"),
        (table(b"N", b"N"), "a key of the type NoneType"),
        (table(number(1 << 61), b"N"), "a key of the type int"),
        (table(row(), b"N"), "a key of the type tuple"),
        (tensor().replace(HOOKS, table(text("a"), b"N")), "with hooks"),
        (tensor()[:-2] + table(text("conj"), b"\x88") + b"tR", "a lazy conjugate"),
        (tensor(of=storage("0", 4, "FloatStorage", row(text("1"), number(0), number(4)))), "a view of a storage"),
    ],
    ids=str,
)
def test_what_is_no_plain_value(
    refused: Callable[..., str], layout: Callable[..., bytes], value: bytes, message: str
) -> None:
    assert message in refused("E493", layout(value))


@LAYOUTS
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (tensor((5,)), "reaches beyond its storage"),
        (tensor((4,), (2,)), "reaches beyond its storage"),
        (tensor((2,), (1,), 3), "reaches beyond its storage"),
        (tensor((1,), (1,), 1 << 40), "reaches beyond its storage"),
        (tensor((1,), (1,), -1), "reaches beyond its storage"),
        (tensor((4,), (-1,), 3), "impossible shape"),
        (tensor((-4,)), "impossible shape"),
        (tensor((1 << 62,)), "impossible shape"),
        (tensor((1 << 32, 1 << 32), (0, 0)), "impossible shape"),
        (tensor((0, 1 << 60), (1, 1)), "impossible shape"),
        (tensor((1 << 40,), (0,)), "numbers overlap"),
        (tensor((2, 3), (1, 1)), "numbers overlap"),
        (tensor((4, 1), (1,)), "2 dimensions and 1 strides"),
        (tensor((1,) * 40, (1,) * 40), "40 dimensions"),
        (tensor((1,), (1,), of=b"N"), "in an unknown way"),
        (called(named("torch._utils", "_rebuild_tensor_v2")), "in an unknown way"),
        (called(named("torch._utils", "_rebuild_parameter"), b"N", b"\x88", HOOKS), "in an unknown way"),
        (tensor(of=storage("0", -4)), "a storage of -4 numbers"),
        (tensor(of=storage("0", 1 << 60)), "a storage of 1,152"),
        (b"]" + tensor() + b"a" + tensor((2,), of=storage("0", 2)) + b"a", "one storage in two ways"),
        (b"]" + tensor() + b"a" + tensor((2,), of=storage("0", 4, "IntStorage")) + b"a", "one storage in two ways"),
        (b"NNQ", "unknown way"),
        (b"", "takes a value"),
        (b"N0", "the opcode POP"),
        (b"t", "goes back to a mark"),
        (b"h\x07", "a value 7 that it has not described"),
        (b"NN", "in the middle of a value"),
        (b"(N", "in the middle of a value"),
        (b"NNa", "appends to something"),
        (b"N" + text("a") + b"Ns", "sets entries of something"),
        (b"}(" + text("a") + b"u", "sets entries of something"),
        (table(text("a"), b"N", text("a"), b"N"), "the key `a` twice"),
        (b"X\xff\xff\xff\xff", "ends in the middle"),
        (b"T\xff\xff\xff\x7f", "ends in the middle"),
        (b"X\x01\0\0\0\xff", "not UTF-8"),
        (b"cos", "ends in the middle"),
        (called(named("collections", "OrderedDict"), b"](N" + b"e"), "no pairs"),
        (called(named("collections", "Counter"), b"N"), "in an unknown way"),
    ],
    ids=str,
)
def test_what_contradicts_itself(
    refused: Callable[..., str], layout: Callable[..., bytes], value: bytes, message: str
) -> None:
    code = "E493" if "opcode" in message else "E494"
    assert message in refused(code, layout(value))


def laughs() -> bytes:
    """2^60 items, by lists of the list before."""
    steps = b"".join(b"](h" + bytes((at,)) + b"h" + bytes((at,)) + b"eq" + bytes((at + 1,)) for at in range(60))
    return b"]q\0" + steps


@LAYOUTS
@pytest.mark.parametrize(
    ("code", "value", "message"),
    [
        ("E494", b"]" * (MOST_STEPS - 9), "in the middle of a value"),
        ("E494", b"(" * (MOST_STEPS - 9), "takes a value"),
        ("E495", b"]" * 200_000 + b"a" * 199_999, "holds no weights"),
        ("E495", b")" + b"\x85" * (MOST_STEPS - 9), "holds no weights"),
        ("E495", b"}" + (text("a") + b"}") * 100_000 + b"s" * 100_000, "holds no weights"),
        ("E493", b"]" * (MOST_STEPS + 1), "steps"),
        ("E494", laughs(), "in the middle of a value"),
        ("E495", b"(" + laughs() + b"t", "holds no weights"),
        ("E495", b"]q\0h\0a", "holds no weights"),
        ("E495", b"\x8a\xff" + b"\x7f" * 255, "holds no weights"),
        ("E493", b"\x8b\xff\xff\xff\x7f", "the opcode LONG4"),
        ("E493", b"\x8d" + b"\xff" * 8, "the opcode BINUNICODE8"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bombs(
    refused: Callable[..., str], layout: Callable[..., bytes], code: str, value: bytes, message: str
) -> None:
    assert message in refused(code, layout(value))


def test_copies_cost_steps(refused: Callable[..., str]) -> None:
    pairs = b"](" + b"".join(b"](" + number(at) + b"Ne" for at in range(3000)) + b"eq\0"
    value = pairs + b"(" + (named("collections", "OrderedDict") + b"(h\0tR") * 3000 + b"t"
    assert "steps" in refused("E493", archive(value))


def test_tensors_that_share_too_often(refused: Callable[..., str]) -> None:
    entries = b"".join(text(f"layer{at}") + b"h\0" for at in range(20_000))
    value = b"(" + tensor((100_000,), of=storage("0", 100_000)) + b"q\0" + table(entries) + b"t"
    assert "no weights" in refused("E495", archive(value, {"0": bytes(400_000)})), "the table is not the value"
    value = table(text("first"), tensor((100_000,), of=storage("0", 100_000)) + b"q\0", entries)
    assert "share storages so often" in refused("E494", archive(value, {"0": bytes(400_000)}))


BITS = storage("0", 4, "BoolStorage")


def stored(**options: Any) -> bytes:
    """A file whose ZIP archive is not as PyTorch writes it. Options: what `ZipFile` takes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as file:
        file.writestr("net/data.pkl", pickled(tensor()))
        file.writestr("net/data/0", bytes(16))
    return buffer.getvalue()


def twice(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("net/data.pkl", pickled(tensor()))
        file.writestr("net/data/0", bytes(16))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr(name, bytes(16))
    return buffer.getvalue()


def changed(place: int, form: str, *values: int, entry: int = -1) -> bytes:
    """A good file in which the table of contents says something else of an entry, by default of the storage."""
    data = bytearray(archive(table(text("a"), tensor())))
    at = [at for at in range(len(data)) if data[at : at + 4] == b"PK\1\2"][entry]
    struct.pack_into(form, data, at + place, *values)
    return bytes(data)


def overlapping() -> bytes:
    """Two storages that are one entry."""
    value = table(text("a"), tensor(), text("b"), tensor(of=storage("1")))
    data = bytearray(archive(value, {"0": bytes(16), "1": bytes(16)}))
    one, other = [at for at in range(len(data)) if data[at : at + 4] == b"PK\1\2"][-2:]
    data[other + 42 : other + 46] = data[one + 42 : one + 46]
    return bytes(data)


def many(count: int) -> bytes:
    """An archive that promises so many entries."""
    data = bytearray(archive(tensor()))
    end = data.rfind(b"PK\5\6")
    struct.pack_into("<2H", data, end + 8, count, count)
    return bytes(data)


def wide(count: int, length: int, start: int) -> bytes:
    """An archive whose 64-bit fields say so."""
    data = archive(tensor())
    end = data.rfind(b"PK\5\6")
    record = b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, count, count, length, start)
    return data[:end] + record + b"PK\6\7" + struct.pack("<LQL", 0, end, 1) + data[end:]


@pytest.mark.parametrize(
    ("code", "data", "message"),
    [
        ("E493", lambda: stored(compression=zipfile.ZIP_DEFLATED), "compressed"),
        ("E493", lambda: changed(8, "<H", 1), "encrypted"),
        ("E494", lambda: twice("net/data/0"), "`net/data/0` twice"),
        ("E494", lambda: twice("net/data.pkl"), "`net/data.pkl` twice"),
        ("E494", lambda: changed(16, "<L", 7), "does not match its checksum"),
        ("E494", lambda: changed(16, "<L", 7, entry=0), "does not match its checksum"),
        ("E494", lambda: changed(24, "<L", 1 << 31), "two sizes"),
        ("E494", lambda: changed(20, "<2L", 1 << 31, 1 << 31), "not where its table of contents says"),
        ("E494", lambda: changed(20, "<2L", 12, 12), "12 bytes, other than its tensors need"),
        ("E494", lambda: changed(42, "<L", 3), "not where its table of contents says"),
        ("E494", lambda: changed(42, "<L", 1 << 31), "is described up to"),
        ("E494", lambda: changed(0, "<L", 0), "broken table of contents"),
        ("E494", lambda: changed(28, "<H", 60_000), "broken table of contents"),
        ("E494", overlapping, "storages that overlap"),
        ("E494", lambda: many(60_000), "broken table of contents"),
        ("E493", lambda: wide(1 << 62, 100, 0), "entries in 100 bytes"),
        ("E493", lambda: wide(2, 1 << 60, 0), "entries in"),
        ("E494", lambda: wide(2, 100, 1 << 62), "is described up to"),
        ("E494", lambda: archive(tensor()) + bytes(100_000), "was cut off"),
        ("E494", lambda: archive(tensor()) + b"more", "goes on after the end"),
        ("E493", lambda: archive(tensor(), files={"constants.pkl": b""}), "TorchScript"),
        ("E493", lambda: archive(tensor(), files={"other/data.pkl": b""}), "2 entries called `data.pkl`"),
        ("E493", lambda: archive(tensor(), files={"byteorder": b"middle"}), "the byte order b'middle'"),
        ("E493", lambda: archive(tensor(), files={"byteorder": bytes(100)}), "100 bytes where at most 64"),
        ("E493", lambda: archive(bytes(MOST_BYTES)), "where at most 16,777,216 are allowed"),
        ("E494", lambda: archive(tensor() + b"." + tensor()), "goes on after the end"),
        ("E494", lambda: archive(tensor(of=storage("7"))), "no storage `7`"),
        ("E494", lambda: archive(tensor((1 << 40,), of=storage("0", 1 << 40))), "16 bytes, other than"),
        ("E494", lambda: archive(table(text("a"), tensor(of=BITS)), {"0": b"\1\0\1\2"}), "truth values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_archives(refused: Callable[..., str], code: str, data: Callable[[], bytes], message: str) -> None:
    assert message in refused(code, data())


@pytest.mark.parametrize(
    ("code", "data", "message"),
    [
        ("E493", pickled(b"K\x07"), "not one that torch.save wrote"),
        ("E493", pickled(table()), "not one that torch.save wrote"),
        ("E493", MAGIC.replace(b"M\xe9\x03", b"M\xea\x03") + pickled(b"N"), "has version 1002 of the layout"),
        ("E494", MAGIC[: MAGIC.index(b"}") - 2] + pickled(b"N") * 3, "describe the machine"),
        ("E494", old(tensor())[:-17], "ends before the storage"),
        ("E494", old(tensor())[:-1], "but its storages reach to"),
        ("E494", old(tensor()) + b"x", "goes on after its end"),
        ("E494", old(tensor(), {"0": bytes(20)}), "of another length"),
        ("E494", old(tensor(), {"1": bytes(16)}), "not that of its tensors"),
        ("E494", MAGIC + pickled(tensor()) + pickled(b"](" + text("0") * 2 + b"e"), "no list of its storages"),
        ("E494", MAGIC + pickled(tensor()) + pickled(b"](]e"), "no list of its storages"),
        ("E494", MAGIC + pickled(tensor()) + pickled(b"N"), "no list of its storages"),
        ("E493", b"\x80\x09N.", "protocol 9"),
        ("E494", b"", "it is empty"),
        ("E494", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("E494", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        ("E494", b"<!doctype html><html>", "an HTML page"),
        ("E494", b"\x80", "ends in the middle"),
        ("E494", b"PK\3\4", "was cut off"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_old_files_and_others(refused: Callable[..., str], code: str, data: bytes, message: str) -> None:
    assert message in refused(code, data)


SMALL: Any = {"a": torch.arange(3.0), "b": {"c": torch.ones(2, dtype=torch.int64)}, "d": 0.5}


@pytest.fixture(scope="module", params=[False, True], ids=["new", "old"])
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small file, without what pads it."""
    if request.param:
        return saved(tmp_path_factory.mktemp("small") / "net.pth", SMALL, old=True).read_bytes()
    floats, longs = SMALL["a"], SMALL["b"]["c"]
    inner = table(text("c"), tensor((2,), of=storage("1", 2, "LongStorage")))
    value = table(text("a"), tensor((3,), of=storage("0", 3)), text("b"), inner, text("d"), b"G?\xe0\0\0\0\0\0\0")
    return archive(value, {"0": floats.numpy().tobytes(), "1": longs.numpy().tobytes()})


def attempt(path: Path, data: bytes) -> str:
    """The code of the error for a file; "" where it is read."""
    path.write_bytes(data)
    try:
        assert read_all(path) <= len(data)
    except SpeccError as error:
        return error.code if "\n" not in error.message else error.message
    return ""


def test_cut_off_at_every_byte(tmp_path: Path, small: bytes) -> None:
    assert attempt(tmp_path / "net.pth", small) == ""
    for length in range(len(small)):
        assert attempt(tmp_path / "net.pth", small[:length]) in ("E493", "E494"), length


def test_every_bit_of_every_byte(tmp_path: Path, small: bytes) -> None:
    for at in range(len(small)):
        data = bytearray(small)
        data[at] ^= 1 << at % 8
        assert attempt(tmp_path / "net.pth", bytes(data)) in CODES


@given(edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 4), st.binary(max_size=6)), max_size=6))
def test_any_edits(tmp_path_factory: pytest.TempPathFactory, small: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    data = small
    for place, removed, added in edits:
        at = place % (len(data) + 1)
        data = data[:at] + added + data[at + removed :]
    assert attempt(tmp_path_factory.getbasetemp() / "edited.pth", data) in CODES


@given(steps=st.lists(st.sampled_from([HOOKS, tensor(), storage(), text("a"), number(3), row(), b"N", b"q\0", b"h\0"]
       + [bytes((code,)) for code in b"()]}Rbetusa.Q\x81\x85\x86\x87\x93\x94"]), max_size=25))  # fmt: skip
def test_any_opcodes(tmp_path_factory: pytest.TempPathFactory, steps: list[bytes]) -> None:
    value = b"".join(steps)
    for layout in (archive, old):
        assert attempt(tmp_path_factory.getbasetemp() / "opcodes.pth", layout(value)) in CODES


PLACED: dict[str, Callable[[Path], Any]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", PLACED)
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "net.pth"
    PLACED[kind](path)
    assert attempt_only(path) == "E494"


def test_no_file(tmp_path: Path) -> None:
    assert attempt_only(tmp_path / "net.pth") == "E442"


def attempt_only(path: Path) -> str:
    with pytest.raises(SpeccError) as caught, open_torch_file(path):
        pass
    return caught.value.code


MEMORY = """
import re, sys
from pathlib import Path
from tests.backend.torch_file.test_hostile import attempt

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
for path in sorted(Path(sys.argv[1]).glob("*.pth")):
    assert attempt(path, path.read_bytes()) == "E493", path
print(peak() - before)
"""


def test_the_memory_that_a_table_takes(tmp_path: Path) -> None:
    for at, steps in enumerate([b"}", b"}q\0", b")\x85"]):
        (tmp_path / f"{at}.pth").write_bytes(archive(steps * (MOST_BYTES // len(steps) - 9)))
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert int(done.stdout) < 1 << 28
