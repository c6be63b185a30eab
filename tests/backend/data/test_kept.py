"""What is kept of decoded images: a second look gives what a fresh one gives, whatever has happened in between."""

import hashlib
import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend import images
from specc.backend.data import cache, kept, reading, records, remarks
from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Streamed
from specc.backend.images import Decoded, Pixels, decode_image, read_bytes
from specc.backend.mask_file import decode_mask
from specc.errors import SpeccError
from tests.helpers import tiny_data

SIZE = "resize = 6x5"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of the test's own; files are trusted as soon as they are written."""
    monkeypatch.setenv("SPECC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPECC_WORKERS", "2")
    monkeypatch.setattr(records, "SETTLED", 0)


def photo(path: Path, seed: int, size: tuple[int, int] = (9, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def folder(root: Path, each: int = 4) -> Path:
    for number in range(each):
        photo(root / "ant" / f"{number}.png", number)
        photo(root / "bee" / f"{number}.jpg", 100 + number)
    return root


def read(source: str, more: str = SIZE, memory: int | None = None) -> DataSet:
    return tiny_data.read(source, f"{more}; validation = split(50%)".lstrip("; "), memory=memory)


def everything(source: str, more: str = SIZE, memory: int | None = None) -> dict[str, Any]:
    """All that a look gives: pixels, labels, statistics, hash and messages, or the error."""
    try:
        data = read(source, more, memory)
    except SpeccError as error:
        return {"error": (error.code, error.message, error.help)}
    cpu = torch.device("cpu")
    pictures = [split.gather(torch.arange(len(split)), cpu) for split in (data.train, data.validation)]
    labels = [split.labels for split in (data.train, data.validation)]
    notes = [note for note in data.notes if not note.startswith(("kept: ", "decoded images are not kept"))]
    return {
        "arrays": [value.numpy().tobytes() for value in (*pictures, *labels)],
        "facts": (data.mean, data.std, data.hash, data.classes, data.validated_on, repr(data.shape), notes),
    }


def fresh(monkeypatch: pytest.MonkeyPatch, *given: Any) -> dict[str, Any]:
    with monkeypatch.context() as patch:
        patch.setenv("SPECC_CACHE", "off")
        return everything(*given)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files' contents that were decoded, in short."""
    seen: list[str] = []

    def noted(content: bytes, *given: Any) -> Decoded:
        seen.append(hashlib.sha256(content).hexdigest())
        return decode_image(content, *given)

    monkeypatch.setattr(reading, "decode_image", noted)
    return seen


@pytest.mark.parametrize("memory", [None, 0])
def test_a_second_look_decodes_nothing_and_gives_the_same(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch, memory: int | None
) -> None:
    source = f'folder("{folder(tmp_path / "set")}")'
    first = everything(source, SIZE, memory)
    assert len(decoded) == 8, "each is decoded once, also where images are streamed"
    second = everything(source, SIZE, memory)
    assert len(decoded) == 8 and first == second == fresh(monkeypatch, source, SIZE, memory)


def test_files_are_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f'folder("{folder(tmp_path / "set")}")'
    first = everything(source)

    def refuse(*given: Any) -> bytes:
        raise AssertionError(given)

    monkeypatch.setattr("specc.backend.data.look.read_bytes", refuse)
    assert everything(source) == first


def test_a_file_that_was_just_written_is_read_again(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock may not have ticked since: the same size, times and inode then prove nothing."""
    source = f'folder("{folder(tmp_path / "set")}")'
    monkeypatch.setattr(records, "SETTLED", 60_000_000_000)
    read_names: list[Path] = []

    def noted(path: Path, *place: Any) -> bytes:
        read_names.append(path)
        return read_bytes(path, *place)

    monkeypatch.setattr("specc.backend.data.look.read_bytes", noted)
    first = everything(source)
    assert everything(source) == first
    assert len(read_names) == 16 and len(decoded) == 8


def test_what_is_only_touched_or_renamed_is_not_decoded_again(tmp_path: Path, decoded: list[str]) -> None:
    root = folder(tmp_path / "set")
    everything(f'folder("{root}")')
    os.utime(root / "ant/0.png", (1, 1))
    (root / "ant/1.png").rename(root / "ant/9.png")
    everything(f'folder("{root}")')
    assert len(decoded) == 8


def _mutate(root: Path, draw: random.Random) -> None:
    files = sorted(path for path in root.rglob("*.*g") if path.is_file())
    path, other = draw.choice(files), draw.choice(files)
    spare = path.with_name("spare")
    kind = draw.choice(["add", "delete", "rename", "touch", "edit", "link", "chmod", "break", "swap", "copy", "same"])
    if kind == "add":
        photo(path.parent / f"{draw.randrange(100)}.png", draw.randrange(1000))
    elif kind == "delete" and len(list(path.parent.iterdir())) > 3:
        path.unlink()
    elif kind == "rename":
        path.rename(path.parent / f"r{draw.randrange(100)}{path.suffix}")
    elif kind == "touch":
        os.utime(path, (draw.randrange(10**9),) * 2)
    elif kind == "edit":
        photo(path, draw.randrange(1000))
    elif kind == "link" and other != path and not other.is_symlink():
        path.unlink()
        path.symlink_to(other)
    elif kind == "chmod":
        path.chmod(draw.choice([0o600, 0o644, 0o000]))
    elif kind == "break":
        path.write_bytes(path.read_bytes()[: draw.randrange(60)])
    elif kind == "swap" and other != path:  # sizes and times of the names may be those of before
        path.rename(spare)
        other.rename(path)
        spare.rename(other)
    elif kind == "copy":
        shutil.copy2(path, path.with_name(f"c{draw.randrange(100)}{path.suffix}"))
    elif kind == "same":  # another content of the same size, with the same modification time
        status, content = path.stat(), path.read_bytes()
        path.write_bytes(content[:-30] + content[-30:][::-1])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("seed", range(6))
def test_after_any_mutations_it_is_as_a_fresh_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    root = folder(tmp_path / "set")
    given = (f'folder("{root}", skip_broken=true)' if seed % 2 else f'folder("{root}")', SIZE)
    everything(*given)
    for _ in range(12):
        for _ in range(draw.randrange(1, 4)):
            _mutate(root, draw)
        memory = draw.choice([None, 0])
        assert everything(*given, memory) == fresh(monkeypatch, *given, memory)


def _store(tmp_path: Path) -> Path:
    (one,) = (tmp_path / "cache" / cache.FOLDER).iterdir()
    return one


@pytest.mark.parametrize("what", ["index", "rows", "short", "gone", "no index"])
@pytest.mark.parametrize("memory", [None, 0])
def test_a_damaged_store_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, memory: int | None
) -> None:
    source = f'folder("{folder(tmp_path / "set")}")'
    everything(source, SIZE, memory)
    store = _store(tmp_path)
    (rows,) = store.glob("*.rows")
    path = store / "index" if "index" in what else rows
    content = bytearray(path.read_bytes())
    match what:
        case "index" | "rows":
            for place in range(0, len(content), 50):
                content[place] ^= 1
            path.write_bytes(content)
        case "short":
            path.write_bytes(content[:100])
        case _:
            path.unlink()
    for _ in range(2):
        assert everything(source, SIZE, memory) == fresh(monkeypatch, source, SIZE, memory)


def test_two_processes_lose_nothing(tmp_path: Path, decoded: list[str]) -> None:
    """Both look at once, each at files of its own; whichever writes the index last, it has both."""
    how = reading.Reading(3)
    for name in ("a.png", "b.png"):
        photo(tmp_path / "set" / name, ord(name[0]))
    row = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    check = hashlib.sha256(row.tobytes()).digest()
    record = records.Record(b"s" * 32, b"d" * 32, check, row.shape, b"facts...", None)
    with kept.opened("x", tmp_path / "set", how, 8) as one, kept.opened("x", tmp_path / "set", how, 8) as other:
        one.keep("a.png", record, row, 2)
        other.keep("b.png", record._replace(digest=b"e" * 32), row + 1, 2)
    with kept.opened("x", tmp_path / "set", how, 8) as both:
        own, others = both.of_file("a.png", b"s" * 32), both.of_file("b.png", b"s" * 32)
        assert own and others and both.sound(own) is not None
        assert both.sound(others) is None, "what does not have its hash is not given"


def test_many_small_additions_are_written_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path / "set")
    source = f'folder("{root}")'
    for number in range(kept.SEGMENTS + 2):
        photo(root / "ant" / f"n{number}.png", 500 + number)
        assert everything(source) == fresh(monkeypatch, source)
    assert len(list(_store(tmp_path).glob("*.rows"))) < kept.SEGMENTS


def test_the_least_recently_used_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [f'folder("{folder(tmp_path / name)}")' for name in "abc"]
    for age, source in zip((300, 200, 100), sources, strict=True):
        before = set(cache.usage(tmp_path / "cache" / cache.FOLDER))
        everything(source)
        (new,) = {one.folder for one in cache.usage(tmp_path / "cache" / cache.FOLDER)} - {one.folder for one in before}
        os.utime(new / cache.USED, (time.time() - age,) * 2)
    stores = cache.usage(tmp_path / "cache" / cache.FOLDER)
    monkeypatch.setattr(cache, "limit", lambda: sum(one.size for one in stores) + 10)
    everything(f'folder("{folder(tmp_path / "d")}")')
    left = {one.folder for one in cache.usage(tmp_path / "cache" / cache.FOLDER)}
    assert stores[0].folder not in left and {stores[1].folder, stores[2].folder} < left and len(left) == 3


def test_without_room_it_is_said_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoded: list[str]) -> None:
    source = f'folder("{folder(tmp_path / "set")}")'
    monkeypatch.setenv("SPECC_CACHE_SIZE", "1B")
    for _ in range(2):
        data = read(source, SIZE, 0)
        assert any(note.startswith("decoded images are not kept, so every epoch decodes them") for note in data.notes)
    assert len(decoded) == 8, "a second start does not decode to know what is there"
    assert not any("kept" in note for note in read(source).notes), "in memory, nothing is decoded twice"
    monkeypatch.delenv("SPECC_CACHE_SIZE")
    assert any(note.startswith("kept: 8 decoded images, 720 B") for note in read(source, SIZE, 0).notes)
    assert isinstance(read(source, SIZE, 0).train, Streamed)


LARGE = "resize = 288x320"  # rows of 276,480 bytes: no whole number of pages, or of what is written at once
ROW = 3 * 288 * 320


def photographs(root: Path, each: int = 7) -> Path:
    """JPEG files of 40 kB and more, larger and smaller than what they are resized to."""
    for number in range(each):
        for name in ("ant", "bee"):
            (root / name).mkdir(parents=True, exist_ok=True)
            draw = np.random.default_rng(number if name == "ant" else 100 + number)
            small = draw.integers(0, 256, (40 + number, 50, 3), dtype=np.uint8)
            large = Image.fromarray(small).resize((500, 375) if number % 2 else (300, 260))
            large.save(root / name / f"{number}.jpg", quality=95)
    return root


@pytest.mark.parametrize("memory", [None, 0])
def test_photographs_are_kept_as_they_are(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch, memory: int | None
) -> None:
    root = photographs(tmp_path / "set")
    source = f'folder("{root}")'
    first = everything(source, LARGE, memory)
    (rows,) = _store(tmp_path).glob("*.rows")
    assert rows.stat().st_size == 14 * ROW and len(decoded) == 14
    assert everything(source, LARGE, memory) == first and len(decoded) == 14

    photo(root / "ant/3.jpg", 77, (300, 400))  # in the middle
    changed = everything(source, LARGE, memory)
    assert len(decoded) == 15 and changed["arrays"] != first["arrays"]
    assert everything(source, LARGE, memory) == changed and len(decoded) == 15
    sizes = sorted(path.stat().st_size for path in _store(tmp_path).glob("*.rows"))
    assert sizes == [ROW, 14 * ROW], "what was kept is not written again"

    with rows.open("r+b") as file:  # a bit of the row of one file
        file.seek(5 * ROW + 1000)
        (level,) = file.read(1)
        file.seek(5 * ROW + 1000)
        file.write(bytes([level ^ 1]))
    assert everything(source, LARGE, memory) == changed and len(decoded) == 16
    assert changed == fresh(monkeypatch, source, LARGE, memory)


def test_a_cache_that_was_made_smaller_still_serves(
    tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies there is used; what is new is not kept; and another set takes the place of all."""
    source = f'folder("{photographs(tmp_path / "set")}")'
    first = everything(source, LARGE, 0)
    monkeypatch.setenv("SPECC_CACHE_SIZE", "3MB")
    assert everything(source, LARGE, 0) == first and len(decoded) == 14

    photo(tmp_path / "set/bee/2.jpg", 78, (300, 400))
    for _ in range(2):
        data = read(source, LARGE, 0)
        assert len(decoded) == 15, "a second start knows the file for which there is no room"
        assert any(note.startswith("decoded images are not kept, so every epoch decodes them") for note in data.notes)
    assert everything(source, LARGE, 0) == fresh(monkeypatch, source, LARGE, 0)

    decoded.clear()
    other = f'folder("{photographs(tmp_path / "other", 4)}")'
    assert any(note.startswith("kept: 8 decoded images") for note in read(other, LARGE).notes)
    total = sum(one.size for one in cache.usage(tmp_path / "cache" / cache.FOLDER))
    assert 8 * ROW < total <= 3_000_000
    everything(other, LARGE)
    assert len(decoded) == 8
    everything(source, LARGE)
    assert len(decoded) == 8 + 14


def test_many_photographs_that_pillow_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A faster decoder is named once, where many files were decoded."""
    source = f'folder("{folder(tmp_path / "set")}")'
    monkeypatch.setattr(images, "simplejpeg", None)
    monkeypatch.setattr(remarks, "MANY", 4)
    note = '4 JPEG files decoded by Pillow; pip install "specc-cnn[jpeg]" takes half as long, for the same pixels'
    assert note in read(source).notes
    assert note not in read(source).notes, "nothing is decoded any more"
    assert note not in read(source, f"{SIZE}; channels = gray").notes, "it is for color"
    monkeypatch.setattr(remarks, "MANY", 5)
    assert note not in read(source, "resize = 4x4").notes


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPECC_CACHE", str(tmp_path / "file"))
    source = f'folder("{folder(tmp_path / "set")}")'
    assert everything(source) == fresh(monkeypatch, source)
    assert any("not kept, so every epoch decodes them" in note for note in read(source, SIZE, 0).notes)
    assert any("not kept, so the next start decodes them again" in note for note in read(source).notes)


def test_a_stray_file_beside_the_stores_hides_none(tmp_path: Path) -> None:
    place = tmp_path / "cache" / cache.FOLDER
    for name in "ab":
        everything(f'folder("{folder(tmp_path / name)}")')
    (place / ".DS_Store").touch()
    assert len(cache.usage(place)) == 2


def test_off_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECC_CACHE", "off")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    read(f'folder("{folder(tmp_path / "set")}")')
    assert not (tmp_path / "home").exists() and not (tmp_path / "cache").exists()


def test_another_way_of_reading_is_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f'folder("{folder(tmp_path / "set")}")'
    for more in (SIZE, "resize = cover(6x5)", f"{SIZE}; channels = gray", "channels = gray"):
        for _ in range(2):
            assert everything(source, more) == fresh(monkeypatch, source, more)


def test_masks_are_decoded_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[bytes] = []

    def noted(content: bytes) -> Pixels:
        counted.append(content)
        return decode_mask(content)

    monkeypatch.setattr("specc.backend.data.masks.decode_mask", noted)
    for number in range(6):
        photo(tmp_path / "images" / f"{number}.png", number)
        (tmp_path / "masks").mkdir(exist_ok=True)
        levels = np.random.default_rng(number).integers(0, 3, (9, 8), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / "masks" / f"{number}.png")
    source = f'masks("{tmp_path / "images"}", "{tmp_path / "masks"}")'
    for more in (SIZE, "resize = contain(7x7)", ""):
        counted.clear()
        first = everything(source, more)
        assert len(counted) == 6 and "facts" in first
        assert everything(source, more) == first and len(counted) == 6
        assert fresh(monkeypatch, source, more) == first
    photo(tmp_path / "images/3.png", 3, (8, 8))
    assert everything(source, SIZE) == fresh(monkeypatch, source, SIZE)
    assert everything(source, SIZE)["error"][0] == "E416"


def test_a_size_that_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECC_CACHE_SIZE", "large")
    with pytest.raises(SpeccError, match="SPECC_CACHE_SIZE is 'large'"):
        read(f'folder("{folder(tmp_path / "set")}")')
