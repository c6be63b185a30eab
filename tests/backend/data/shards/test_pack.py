"""Packing: what it leaves out and refuses, the folder that it takes for its own, and how it continues."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specc.backend.data.shards import write
from specc.backend.data.shards.item import read_item
from specc.errors import SpeccError
from specc.files import PART
from tests.helpers.packing import assert_same, packed, shards_of
from tests.helpers.tiny_data import levels, picture, read, write_folder

FOLDER = 'folder("f")'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_folder(tmp_path / "f", each=6)
    return tmp_path


def refused(code: str, source: str, out: Path, settings: str = "", **how: Any) -> str:
    with pytest.raises(SpeccError) as caught:
        packed(source, out, settings, **how)
    assert caught.value.code == code, caught.value.message
    return f"{caught.value.message}\n{caught.value.help}"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "pack.json"}


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in shards_of(folder)}


def test_the_same_images_give_the_same_bytes(place: Path) -> None:
    one, two = (packed(FOLDER, place / name, base=place) for name in ("one", "two"))
    assert one.hash == two.hash and content(place / "one") == content(place / "two")
    assert not list((place / "one").glob(".*"))


def test_packing_again_changes_nothing(place: Path) -> None:
    first = packed(FOLDER, place / "sh", base=place)
    before = times(place / "sh")
    again = packed(FOLDER, place / "sh", base=place)
    assert again.was_complete and again.kept == again.shards == first.shards and again.hash == first.hash
    assert times(place / "sh") == before


def test_a_damaged_shard_is_mended(place: Path) -> None:
    packed(FOLDER, place / "sh", base=place)
    whole = content(place / "sh")
    path = shards_of(place / "sh")[1]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (place / "sh" / "train-000000.json").unlink()
    again = packed(FOLDER, place / "sh", base=place)
    assert again.kept == again.shards - 2 and content(place / "sh") == whole


@pytest.mark.parametrize("how", ["settings", "an image", "jpeg"])
def test_other_data_are_not_packed_over(place: Path, how: str) -> None:
    packed(FOLDER, place / "sh", base=place)
    whole = content(place / "sh")
    if how == "an image":
        (place / "f/class0/0.png").write_bytes(picture(77))
    settings = "resize = 3x3" if how == "settings" else ""
    message = refused("E522", FOLDER, place / "sh", settings, base=place, jpeg=90 if how == "jpeg" else None)
    assert "holds packed data already, of other images or packed in another way" in message
    assert content(place / "sh") == whole


def test_a_folder_of_others_is_left_alone(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine/letter.txt").write_text("hello")
    assert "it holds letter.txt" in refused("E522", FOLDER, place / "mine", base=place)
    assert [path.name for path in (place / "mine").iterdir()] == ["letter.txt"]
    (place / "x").write_text("hello")
    assert "is not a folder" in refused("E522", FOLDER, place / "x", base=place)
    (place / "own").mkdir()
    (place / "own/pack.json").write_text("{}")
    assert "it says no `format`" in refused("E522", FOLDER, place / "own", base=place)
    packed(FOLDER, place / "sh", base=place)
    (place / "sh/pack.json").unlink()
    assert "holds packed data already" in refused("E522", FOLDER, place / "sh", base=place)


def test_shards_do_not_lie_among_the_images(place: Path) -> None:
    assert "from where the images are read" in refused("E522", FOLDER, place / "f/sh", base=place)
    assert not (place / "f/sh").exists()


def test_images_that_cannot_be_used_are_named_at_once(place: Path) -> None:
    (place / "f/class0/1.png").write_bytes(b"hello")
    (place / "f/class1/5.png").write_bytes(picture()[:60])
    message = refused("E405", FOLDER, place / "sh", base=place)
    assert "2 of 12 images cannot be used:" in message
    assert "class0/1.png is not a readable image" in message and "class1/5.png is damaged" in message
    assert not (place / "sh/index.json").exists()
    (place / "f/class0/1.png").write_bytes(picture(5))
    (place / "f/class1/5.png").write_bytes(picture(6))
    assert packed(FOLDER, place / "sh", base=place).images == {"train": 12}
    assert_same(*(read(name, "validation = split(3)", base=place) for name in (FOLDER, 'packed("sh")')))


def test_what_is_left_out_is_told_also_when_it_is_continued(place: Path) -> None:
    (place / "f/class0/0.png").write_bytes(b"hello")
    (place / "f/class0/1.png").write_bytes(b"")
    source = 'folder("f", skip_broken=true)'
    for _ in range(2):
        packing = packed(source, place / "sh", base=place)
        (note,) = (note for note in packing.notes if "left out" in note)
        assert note.startswith("left out by skip_broken: 2 images: class0/0.png is not") and "class0/1.png" in note
    assert packing.images == {"train": 10}
    assert_same(*(read(name, "validation = split(3)", base=place) for name in (source, 'packed("sh")')))


def test_images_of_several_sizes_need_one(place: Path) -> None:
    for number in range(3, 6):
        Image.fromarray(levels(8, 9, 3)).save(place / f"f/class1/{number}.png")
    for _ in range(2):
        message = refused("E406", FOLDER, place / "sh", base=place, shard_size=3 * 2200)
        assert "9 of 6x5" in message and "3 of 8x9" in message and "--size 6x5" in message
    packing = packed(FOLDER, place / "sh", "resize = cover(4x4)", base=place)
    assert "resized to 4x4 (cover, bilinear); the images were from 6x5 to 8x9" in packing.notes


def test_parts_that_are_not_packed_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path / "f/train")
    (tmp_path / "f/test").mkdir()
    (tmp_path / "f/test/a.png").write_bytes(picture())
    packing = packed('folder("f")', tmp_path / "sh", base=tmp_path)
    assert "left out: the test part, 1 image without class folders" in packing.notes


def test_shards_of_an_earlier_packing_go(place: Path) -> None:
    packed(FOLDER, place / "sh", base=place, shard_size=2200)
    before = len(shards_of(place / "sh"))
    (place / "sh/index.json").unlink()
    packing = packed(FOLDER, place / "sh", base=place)
    assert packing.shards == len(shards_of(place / "sh")) < before
    assert {path.stem for path in (place / "sh").glob("t*.json")} == {path.stem for path in shards_of(place / "sh")}


def test_a_full_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_all, count = write.ShardWriter._write, 0

    def full(self: write.ShardWriter, data: bytes) -> None:
        nonlocal count
        count += len(data)
        if count > 22_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_all(self, data)

    monkeypatch.setattr(write.ShardWriter, "_write", full)
    message = refused("E481", FOLDER, place / "sh", base=place)
    assert "cannot be written: No space left on device" in message and "finished shards are kept" in message
    assert not list((place / "sh").glob(".*")) and not (place / "sh/index.json").exists()
    monkeypatch.undo()
    finished = len(shards_of(place / "sh"))
    packing = packed(FOLDER, place / "sh", base=place, data_dir=place)
    assert 0 < packing.kept == finished < packing.shards


def test_an_interrupted_packing_continues(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = packed(FOLDER, place / "straight", base=place)

    def stopped(*arguments: Any) -> Any:
        if arguments[1] == 8:
            raise KeyboardInterrupt
        return read_item(*arguments)

    monkeypatch.setattr("specc.backend.data.shards.pack.read_item", stopped)
    with pytest.raises(KeyboardInterrupt):
        packed(FOLDER, place / "sh", base=place)
    assert not list((place / "sh").glob(".*"))
    monkeypatch.undo()
    packing = packed(FOLDER, place / "sh", base=place)
    assert packing.kept and packing.hash == straight.hash
    assert content(place / "sh") == content(place / "straight")


def test_two_processes_do_not_pack_into_one_folder(place: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    (place / "sh").mkdir()
    with (place / "sh/.pack.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        half = place / f"sh/.train-000000.tar.x{PART}"
        half.touch()
        for _ in range(2):
            assert "another process is packing" in refused("E485", FOLDER, place / "sh", base=place)
        assert half.exists()


def test_a_ledger_that_lies_is_not_believed(place: Path) -> None:
    straight = packed(FOLDER, place / "sh", base=place)
    (place / "sh/index.json").unlink()
    ledger = json.loads((place / "sh/pack.json").read_text())
    rows = ledger["shards"]
    rows["train-000000"]["shard"]["name"] = "../../x"
    rows["train-000001"] = [1]
    rows["/etc/passwd"] = rows["train-000002"]
    (place / "sh/pack.json").write_text(json.dumps(ledger))
    packing = packed(FOLDER, place / "sh", base=place)
    assert packing.kept == packing.shards - 2 and packing.hash == straight.hash


def test_gray_and_16_bits(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"f/{number % 2}").mkdir(parents=True, exist_ok=True)
        pixels = levels(6, 5, seed=number).astype(np.uint16) * 4
        Image.fromarray(pixels).save(tmp_path / f"f/{number % 2}/{number}.png")
    packing = packed(FOLDER, tmp_path / "sh", "channels = gray", base=tmp_path)
    assert packing.shape == (1, 6, 5) and any("`range = (" in note for note in packing.notes)
