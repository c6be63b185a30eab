"""What is packed is what the source itself gives: pixels, labels, parts, groups, statistics, notes."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend.data.dataset import DataSet
from specc.backend.data.shards.images import Packed
from specc.backend.data.split import Resident, Streamed
from specc.backend.data.subset import subset_of
from tests.helpers.packing import assert_same, packed, shards_of
from tests.helpers.tiny_data import levels, picture, read, write_folder, write_mnist, write_shard


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def parts(place: Path) -> None:
    for part, each in (("train", 6), ("val", 2), ("test", 3)):
        write_folder(place / "f" / part, each=each)


def table(place: Path, header: str, row: Callable[[int], str]) -> None:
    lines = [header]
    for number in range(12):
        (place / f"{number}.png").write_bytes(picture(number, (9, 7)))
        lines.append(f"{number}.png,{row(number)}")
    (place / "a.csv").write_text("\n".join(lines) + "\n")


def masks(place: Path) -> None:
    for part, count in (("train", 5), ("test", 2)):
        for folder in ("i", "m"):
            (place / folder / part).mkdir(parents=True)
        for number in range(count):
            (place / "i" / part / f"{number}.png").write_bytes(picture(number, (9, 7)))
            (place / "m" / part / f"{number}.png").write_bytes(png(levels(9, 7, seed=number) % 3))


def archive(place: Path, labels: Callable[[int], Any]) -> None:
    arrays: dict[str, Any] = {}
    for part, count in (("train", 12), ("val", 4), ("test", 3)):
        arrays[f"x_{part}"], arrays[f"y_{part}"] = levels(count, 6, 5, 3, seed=count), labels(count)
    np.savez(place / "a.npz", **arrays)


def web(place: Path) -> None:
    for name, count in (("a", 7), ("b", 3)):
        members: dict[str, bytes] = {}
        for number in range(count):
            tags = json.dumps({"labels": [number % 3] if number else []}).encode()
            members |= {f"{number}.png": picture(number), f"{number}.json": tags}
        write_shard(place / f"{name}.tar", members)


class Case(NamedTuple):
    """A source, settings of the section `data`, and what writes the files."""

    source: str
    settings: str
    make: Callable[[Path], Any]


SPLIT = "validation = split(30%)"
CASES = {
    "folder": Case('folder("f")', SPLIT, lambda place: write_folder(place / "f", each=6)),
    "folder with parts": Case('folder("f")', "", parts),
    "folder, gray and resized": Case(
        'folder("f")', f"resize = cover(4x8); channels = gray; {SPLIT}", lambda place: write_folder(place / "f", each=6)
    ),
    "fashion_mnist": Case("fashion_mnist", "", write_mnist),
    "csv of classes, parts and groups": Case(
        'csv("a.csv", image=file, label=kind, part=set, group=who)',
        "",
        lambda place: table(
            place, "file,kind,set,who", lambda n: f"{'ab'[n % 2]},{'train' if n < 8 else 'test'},{n // 2}"
        ),
    ),
    "csv of classes and groups": Case(
        'csv("a.csv", image=file, label=kind, group=who)',
        SPLIT,
        lambda place: table(place, "file,kind,who", lambda n: f"{'ab'[n % 2]},{n // 2}"),
    ),
    "csv of tags": Case(
        'csv("a.csv", image=file, labels=tags, separator=";")',
        SPLIT,
        lambda place: table(place, "file,tags", lambda n: ("sea;sand", "sea", "sun", "sand;sun")[n % 4]),
    ),
    "csv of numbers": Case(
        'csv("a.csv", image=file, targets=[x, y])',
        SPLIT,
        lambda place: table(place, "file,x,y", lambda n: f"{n / 7!r},{1e-9 * 3**n!r}"),
    ),
    "masks": Case('masks("i", "m", classes=[ground, cat, dog])', "", masks),
    "masks, resized": Case('masks("i", "m")', "resize = contain(8x8)", masks),
    "webdataset of tags": Case('webdataset("a.tar", test="b.tar")', "", web),
    "npz of classes": Case('npz("a.npz")', "", lambda place: archive(place, lambda n: np.arange(n) % 3)),
    "npz of tags": Case(
        'npz("a.npz")', "", lambda place: archive(place, lambda n: np.eye(4, dtype=np.int64)[np.arange(n) % 4])
    ),
    "npz of numbers": Case(
        'npz("a.npz")', "resize = 4x4", lambda place: archive(place, lambda n: np.linspace(0, 1 / 3, n))
    ),
    "npz of masks": Case(
        'npz("a.npz")', "resize = 8x8", lambda place: archive(place, lambda n: levels(n, 6, 5, seed=1) % 3)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_read_is_what_was_packed(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    where = {"base": tmp_path, "data_dir": tmp_path}
    before = read(case.source, case.settings, with_test=True, **where)
    packing = packed(case.source, tmp_path / "sh", case.settings, **where)
    settings = case.settings.replace("channels = gray; ", "")
    held = read('packed("sh")', settings, with_test=True, **where)
    streamed = read('packed("sh")', settings, with_test=True, memory=0, **where)
    assert isinstance(held.train, Resident) and isinstance(streamed.train, Streamed)
    assert held.hash == streamed.hash == packing.hash
    assert packing.images["train"] == before.train_images + (len(before.validation) if before.is_split else 0)
    assert packing.shards > len(packing.images)
    for after in (held, streamed):
        assert_same(before, after)
    for count in (4,):
        assert_same(subset_of(before, count), subset_of(streamed, count))


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table(tmp_path, "file,kind", lambda n: "ab"[n % 2])
    columns = {"file": [f"{n}.png" for n in range(12)], "kind": ["ab"[n % 2] for n in range(12)]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    source = 'csv("a.parquet", image=file, label=kind)'
    packed(source, tmp_path / "sh", base=tmp_path)
    assert_same(read(source, SPLIT, base=tmp_path), read('packed("sh")', SPLIT, base=tmp_path, memory=0))


def test_other_readers_of_webdataset_read_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "f", each=5)
    packed('folder("f")', tmp_path / "sh", "resize = 6x5", jpeg=95, base=tmp_path)
    assert len(shards_of(tmp_path / "sh")) > 1
    last = len(shards_of(tmp_path / "sh")) - 1
    source = f'webdataset("sh/train-{{000000..{last:06}}}.tar")'
    one, two = (read(name, SPLIT, base=tmp_path) for name in (source, 'packed("sh")'))
    assert one.classes == ("0", "1") and two.classes == ("class0", "class1")
    assert torch.equal(one.train.images, two.train.images)  # type: ignore[union-attr]
    assert torch.equal(one.train.labels, two.train.labels)


def test_pixels_in_a_shard_are_files_of_numpy(tmp_path: Path) -> None:
    masks(tmp_path)
    packed('masks("i", "m")', tmp_path / "sh", base=tmp_path)
    with tarfile.open(tmp_path / "sh" / "train-000000.tar") as tar:
        names = tar.getnames()
        assert names[:2] == ["000000000.npy", "000000000.mask.npy"]
        pixels, mask = (np.load(io.BytesIO(tar.extractfile(name).read())) for name in names[:2])  # type: ignore[union-attr]
    assert (pixels == levels(9, 7, 3, seed=0).transpose(2, 0, 1)).all() and (mask == levels(9, 7, seed=0) % 3).all()


def test_jpeg_is_decoded_as_it_was_measured(tmp_path: Path) -> None:
    write_folder(tmp_path / "f", each=5, size=(16, 16))
    packing = packed('folder("f")', tmp_path / "sh", jpeg=50, base=tmp_path)
    assert "stored as JPEG of quality 50, which does not keep every pixel" in packing.notes
    data = read('packed("sh")', "validation = split(2)", base=tmp_path)
    again = read('packed("sh")', "validation = split(2); resize = 16x16", base=tmp_path, memory=0)
    assert_same(data, again)
    levels_of = data.train.gather(torch.arange(8), torch.device("cpu")).double() / 255
    assert torch.allclose(levels_of.mean((0, 2, 3)), torch.tensor(data.mean, dtype=torch.float64))


def test_images_are_resized_further(tmp_path: Path) -> None:
    write_folder(tmp_path / "f", each=5, size=(16, 16))
    packed('folder("f")', tmp_path / "sh", base=tmp_path)
    small = "resize = 5x4; validation = split(3)"
    assert_same(read('folder("f")', small, base=tmp_path), read('packed("sh")', small, base=tmp_path, memory=0))


def test_shards_are_packed_again(tmp_path: Path) -> None:
    write_folder(tmp_path / "f", each=5)
    first = packed('folder("f")', tmp_path / "sh", base=tmp_path)
    again = packed('packed("sh")', tmp_path / "again", base=tmp_path)
    assert first.hash == again.hash
    assert packed('folder("f")', tmp_path / "third", base=tmp_path, shard_size=10**6).hash != first.hash


def of_packed(data: DataSet) -> Packed:
    assert isinstance(data.train, Streamed) and isinstance(data.train.files, Packed)
    return data.train.files


def test_names_and_copies_are_told_as_before(tmp_path: Path) -> None:
    write_folder(tmp_path / "f", each=5)
    (tmp_path / "f/class1/9.png").write_bytes((tmp_path / "f/class0/0.png").read_bytes())
    before = read('folder("f")', "validation = split(3)", base=tmp_path, memory=0)
    packed('folder("f")', tmp_path / "sh", base=tmp_path)
    after = read('packed("sh")', "validation = split(3)", base=tmp_path, memory=0)
    copied = [note for note in before.notes if "contradictory" in note or "copies" in note]
    assert len(copied) == 2 and set(copied) <= set(after.notes)
    assert of_packed(after).names == before.train.files.names  # type: ignore[union-attr]


def test_numbers_of_images_stand_for_the_names_of_arrays(tmp_path: Path) -> None:
    archive(tmp_path, lambda n: np.arange(n) % 3)
    packed('npz("a.npz")', tmp_path / "sh", base=tmp_path)
    assert of_packed(read('packed("sh")', base=tmp_path, memory=0)).names[:2] == [
        "training image 0",
        "training image 1",
    ]
