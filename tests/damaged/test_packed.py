"""Packed data that were damaged, or made up: each is met by its own error, in time, and nothing is written."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from specc.errors import SpeccError
from tests.helpers.packing import CPU, packed
from tests.helpers.tiny_data import read, write_folder

SPLIT = "validation = split(2)"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("whole")
    write_folder(place / "f", each=6)
    packed('folder("f")', place / "sh", base=place)
    return place / "sh"


@pytest.fixture
def sh(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "sh"))


def use(place: Path) -> None:
    """Read every image, in memory and streamed."""
    data = read('packed("sh")', SPLIT, base=place, memory=0)
    data.train.gather(torch.arange(len(data.train)), CPU)
    data.validation.gather(torch.arange(len(data.validation)), CPU)


def put(values: Any, path: str, value: Any) -> None:
    """Set what is at a path such as `parts.train.shards.0.bytes`."""
    *above, last = path.split(".")
    for key in above:
        values = values[int(key) if key.isdecimal() else key]
    values[int(last) if last.isdecimal() else last] = value


ODD_INDEX: list[tuple[str, Any, str]] = [
    ("format", 2, "has the format 2, but this version of specc reads format 1"),
    ("format", True, "says no `format`"),
    ("task", "poetry", "names a task that there is not"),
    ("classes", [], "does not name the classes"),
    ("classes", ["a", "a"], "names one of the classes twice"),
    ("classes", [1, 2], "does not name the classes"),
    ("shape", [3, 6], "does not say the shape"),
    ("shape", [3, 6, -5], "does not say the shape"),
    ("shape", [3, 6, 1 << 40], "does not say the shape"),
    ("shape", [2, 6, 5], "images of 2 channels"),
    ("shape", [3, 7, 5], "take 105"),
    ("encoding", "tiff\x1b[2J", "images of 3 channels as tiff\\x1b[2J"),
    ("quality", 101, "impossible quality"),
    ("ignore", 255, "has no masks and says it"),
    ("groups", True, "has other `groups` than"),
    ("names", {"train": 5}, "has parts without proper names"),
    ("parts", {}, "does not list the parts"),
    ("parts", {"train": {"images": 0, "shards": []}}, "lists no shards"),
    ("parts.train.images", 11, "another number of images"),
    ("parts.train.shards.0", [], "does not describe shard 0"),
    ("parts.train.shards.0.name", "../../../etc/passwd", "calls shard 0 of the train part something else"),
    ("parts.train.shards.0.name", "train-000001", "calls shard 0 of the train part something else"),
    ("parts.train.shards.1.sha256", "x" * 64, "does not describe shard 1"),
    ("parts.train.shards.1.bytes", -1, "does not describe shard 1"),
    ("parts.train.shards.1.bytes", 1 << 60, "does not describe shard 1"),
    ("parts.train.shards.1.images", 1 << 40, "does not describe shard 1"),
]


@pytest.mark.parametrize(("path", "value", "phrase"), ODD_INDEX)
def test_an_index(sh: Path, meets: Callable[..., None], path: str, value: Any, phrase: str) -> None:
    values = json.loads((sh / "index.json").read_text())
    put(values, path, value)
    (sh / "index.json").write_text(json.dumps(values))
    meets("E521", phrase, lambda: use(sh.parent))


@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b"\xff\xfe", b"[]", b"null", b'{"format": 1e400}', b"1" * 9000]
)
def test_an_index_that_is_none(sh: Path, meets: Callable[..., None], content: bytes) -> None:
    (sh / "index.json").write_bytes(content)
    meets("E521", "index.json", lambda: use(sh.parent))


def test_no_index(sh: Path, meets: Callable[..., None]) -> None:
    (sh / "index.json").unlink()
    meets("E521", "holds no packed data: there is no index.json", lambda: use(sh.parent))


ODD_TABLE: list[tuple[str, Any, str]] = [
    ("format", 0, "says no `format`"),
    ("names", [], "has other `names` than"),
    ("names.0", 5, "has names that are no text"),
    ("offsets.0", -1, "has an image outside of its shard"),
    ("offsets.0", 1 << 30, "has an image outside of its shard"),
    ("offsets.0", 1.5, "has an image outside of its shard"),
    ("lengths.0", 1 << 62, "has an image outside of its shard"),
    ("lengths.0", 3, "has an image of 3 bytes, but 3 x 6 x 5 take 90"),
    ("hashes.0", "zz", "has `hashes` that are none"),
    ("pictures.0", None, "has `pictures` that are none"),
    ("sums.0", [1, 2], "has no proper sums"),
    ("squares.0", [1, 2, 1 << 62], "has no proper sums"),
    ("labels.0", 2, "has labels that are not classes"),
    ("labels.0", -1, "has labels that are not classes"),
    ("labels.0", "0", "has labels that are not classes"),
    ("labels.0", True, "has labels that are not classes"),
    ("masks", ["0" * 64], "has other `masks` than"),
]


@pytest.mark.parametrize(("path", "value", "phrase"), ODD_TABLE)
def test_a_table(sh: Path, meets: Callable[..., None], path: str, value: Any, phrase: str) -> None:
    """One whose hash the index gives, as where both are made up."""
    table, index = (json.loads((sh / f"{name}.json").read_text()) for name in ("train-000001", "index"))
    put(table, path, value)
    content = json.dumps(table).encode()
    (sh / "train-000001.json").write_bytes(content)
    index["parts"]["train"]["shards"][1]["table"] = hashlib.sha256(content).hexdigest()
    (sh / "index.json").write_text(json.dumps(index))
    meets("E521", phrase, lambda: use(sh.parent))


def test_a_table_of_another_hash(sh: Path, meets: Callable[..., None]) -> None:
    (sh / "train-000001.json").write_bytes(b"{}")
    meets("E524", "train-000001.json has the SHA-256 44136fa355b3678a…, but the index says", lambda: use(sh.parent))


def test_a_shard_that_is_cut_short(sh: Path, meets: Callable[..., None]) -> None:
    path = sh / "train-000001.tar"
    path.write_bytes(path.read_bytes()[:-1])
    meets("E524", "bytes, but the index says", lambda: use(sh.parent))


def test_a_shard_in_which_a_byte_is_another(sh: Path, meets: Callable[..., None]) -> None:
    path = sh / "train-000001.tar"
    content = bytearray(path.read_bytes())
    content[512 + 128 + 7] ^= 1
    path.write_bytes(content)
    meets("E524", "train-000001.tar is damaged: the image class0/", lambda: use(sh.parent))


@pytest.mark.parametrize("name", ["train-000001.tar", "train-000001.json"])
def test_a_file_that_is_not_there(sh: Path, meets: Callable[..., None], name: str) -> None:
    (sh / name).unlink()
    meets("E410", f"{name} cannot be read: No such file or directory", lambda: use(sh.parent))
    with pytest.raises(SpeccError) as caught:
        use(sh.parent)
    assert caught.value.help == "it is a part of the data: restore it, or get the data again"


@pytest.mark.parametrize("name", ["train-000001.json", "index.json"])
def test_a_pipe(sh: Path, meets: Callable[..., None], name: str) -> None:
    import os

    (sh / name).unlink()
    os.mkfifo(sh / name)
    meets("E410", "it is a pipe", lambda: use(sh.parent))


def test_a_jpeg_that_is_none(tmp_path: Path, meets: Callable[..., None]) -> None:
    write_folder(tmp_path / "f", each=6)
    packed('folder("f")', tmp_path / "sh", base=tmp_path, jpeg=90)
    table, index = (json.loads((tmp_path / f"sh/{name}.json").read_text()) for name in ("train-000000", "index"))
    table["hashes"][0], table["lengths"][0] = hashlib.sha256(b"0" * 9).hexdigest(), 9
    shard = bytearray((tmp_path / "sh/train-000000.tar").read_bytes())
    shard[table["offsets"][0] : table["offsets"][0] + 9] = b"0" * 9
    (tmp_path / "sh/train-000000.tar").write_bytes(shard)
    content = json.dumps(table).encode()
    (tmp_path / "sh/train-000000.json").write_bytes(content)
    index["parts"]["train"]["shards"][0]["table"] = hashlib.sha256(content).hexdigest()
    (tmp_path / "sh/index.json").write_text(json.dumps(index))
    meets("E524", "is not a readable image", lambda: use(tmp_path))
