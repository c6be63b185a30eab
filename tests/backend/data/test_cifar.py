"""CIFAR: the binary version, whole files of ten thousand records each."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from specc.backend.data.cifar import read_records
from tests.helpers.tiny_data import images_of, levels, read, refused

RECORD = 3073
NAMES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


def records(count: int, label_bytes: int = 1, classes: int = 10) -> tuple[np.ndarray, bytes]:
    table = levels(count, label_bytes + 3072)
    table[:, :label_bytes] %= classes
    return table, table.tobytes()


def sparse(folder: Path, sizes: dict[str, int]) -> Path:
    """Files of zeros, which take no room on the disk."""
    folder.mkdir(parents=True)
    for name, size in sizes.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    return folder


def cifar10(place: Path) -> Path:
    return sparse(place / "cifar-10-batches-bin", dict.fromkeys(NAMES, 10_000 * RECORD))


@pytest.mark.parametrize("label_bytes", [1, 2])
def test_records_are_a_label_and_planes(tmp_path: Path, label_bytes: int) -> None:
    paths, tables = [], []
    for name in ("a.bin", "b.bin"):
        table, content = records(5, label_bytes)
        (tmp_path / name).write_bytes(content)
        paths.append(tmp_path / name)
        tables.append(table)
    part = read_records(paths, 5, label_bytes, 10)
    whole = np.concatenate(tables)
    assert isinstance(part.images, Tensor) and isinstance(part.labels, Tensor)
    assert (part.images.numpy() == whole[:, label_bytes:].reshape(-1, 3, 32, 32)).all()
    assert part.labels.tolist() == whole[:, label_bytes - 1].tolist()  # the fine label is the last one


def test_cifar10_is_read_from_its_six_files(tmp_path: Path) -> None:
    cifar10(tmp_path)
    data = read("cifar10", data_dir=tmp_path)
    assert data.shape == (3, 32, 32) and data.classes[:2] == ("airplane", "automobile")
    assert len(data.train) == 50_000 and len(data.validation) == 10_000
    assert images_of(data.train).nbytes == 50_000 * 3072


def test_cifar100_has_its_fine_classes(tmp_path: Path) -> None:
    sparse(tmp_path / "cifar-100-binary", {"train.bin": 50_000 * 3074, "test.bin": 10_000 * 3074})
    data = read("cifar100", data_dir=tmp_path)
    assert len(data.classes) == 100 and data.classes[-1] == "worm" and len(data.train) == 50_000


def test_class_names_beside_the_images_count(tmp_path: Path) -> None:
    folder = cifar10(tmp_path)
    (folder / "batches.meta.txt").write_text("\n".join("jihgfedcba") + "\n\n")
    assert read("cifar10", data_dir=tmp_path).classes == tuple("jihgfedcba")


def test_class_names_that_cannot_be_right_are_refused(tmp_path: Path) -> None:
    folder = cifar10(tmp_path)
    (folder / "batches.meta.txt").write_text("cat\ndog\ncat\n")
    assert "batches.meta.txt holds 2 different class names; 10 are needed" in refused(
        "E402", "cifar10", data_dir=tmp_path
    )
    (folder / "batches.meta.txt").write_bytes(b"\xff\xfe\x00")
    assert "batches.meta.txt cannot be read" in refused("E402", "cifar10", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (10_000 * RECORD - 1, "is truncated: it has 30,729,999 bytes, but should hold 10,000 records of 3,073 bytes"),
        (5_000 * RECORD, "is truncated: it has 15,365,000 bytes"),
        (0, "is truncated: it has 0 bytes"),
        (10_000 * RECORD + 1, "is too long"),
    ],
)
def test_a_file_of_the_wrong_length_is_named(tmp_path: Path, size: int, message: str) -> None:
    path = cifar10(tmp_path) / "data_batch_3.bin"
    with path.open("r+b") as file:
        file.truncate(size)
    assert f"{path} {message}" in refused("E402", "cifar10", data_dir=tmp_path)


def test_labels_out_of_range_are_named(tmp_path: Path) -> None:
    path = cifar10(tmp_path) / "data_batch_1.bin"
    with path.open("r+b") as file:
        file.seek(7 * RECORD)
        file.write(b"\x0a")
    found = refused("E402", "cifar10", data_dir=tmp_path)
    assert f"{path} has labels above 9; the first is number 7, which is 10" in found


def archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_an_archive_that_lies_there_gives_its_wanted_members_and_nothing_else(tmp_path: Path, cache: Path) -> None:
    content = bytes(10_000 * RECORD)
    members = {f"cifar-10-batches-bin/{name}": content for name in NAMES}
    names = b"\n".join(b"%d" % number for number in range(10))
    evil = {"../evil.bin": b"evil", "/etc/evil": b"evil", "cifar-10-batches-bin/readme.html": b"hello"}
    archive(
        tmp_path / "cifar-10-binary.tar.gz",
        {**evil, **members, "cifar-10-batches-bin/batches.meta.txt": names},
    )
    data = read("cifar10", data_dir=tmp_path)
    assert len(data.train) == 50_000 and data.classes == tuple("0123456789")
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {*NAMES, "batches.meta.txt"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifar-10-binary.tar.gz"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "is not a complete .tar.gz archive"),
        (lambda path: path.write_bytes(b"no archive"), "is not a complete .tar.gz archive"),
        (lambda path: archive(path, {"cifar-10-batches-bin/data_batch_1.bin": b"x"}), "does not hold data_batch_2.bin"),
    ],
)
def test_a_damaged_archive_is_named(tmp_path: Path, cache: Path, spoil: object, message: str) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    archive(path, {f"cifar-10-batches-bin/{name}": levels(1000).tobytes() for name in NAMES[:3]})
    spoil(path)  # type: ignore[operator]
    assert f"{path} {message}" in refused("E402", "cifar10", data_dir=tmp_path)
    assert not [path for path in cache.rglob("*") if not path.is_dir()]


def entry(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


FIRST = "cifar-10-batches-bin/data_batch_1.bin"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([entry(FIRST, type=tarfile.SYMTYPE, linkname="/etc/passwd")], "data_batch_1.bin is not a regular file"),
        ([entry(FIRST, type=tarfile.LNKTYPE, linkname="../../x")], "data_batch_1.bin is not a regular file"),
        ([entry(FIRST, type=tarfile.FIFOTYPE)], "data_batch_1.bin is not a regular file"),
        ([entry(FIRST, type=tarfile.DIRTYPE)], "data_batch_1.bin is not a regular file"),
        ([entry("huge", size=1 << 40)], "holds more than the published one"),
        ([entry("x", pax_headers={"comment": "a" * 1000})] * 1001, "holds more than the published one"),
        ([entry(f"../{FIRST}"), entry(f"/{FIRST}"), entry(f"a/../{FIRST}")], "does not hold data_batch_1.bin"),
    ],
)
def test_an_archive_made_to_harm_is_refused(
    tmp_path: Path, cache: Path, members: list[tarfile.TarInfo], message: str
) -> None:
    content = b"".join(member.tobuf(tarfile.PAX_FORMAT) for member in members) + bytes(1024)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(gzip.compress(content))
    assert message in refused("E402", "cifar10", data_dir=tmp_path)
    assert not [path for path in cache.rglob("*") if not path.is_dir()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifar-10-binary.tar.gz"]


def test_a_header_of_an_archive_that_never_ends_is_not_read_into_memory(tmp_path: Path) -> None:
    """A header for long names may have any length: this one says 10 GB."""
    name = entry("././@LongLink", type=tarfile.GNUTYPE_LONGNAME, size=10 << 30).tobuf(tarfile.GNU_FORMAT)
    with gzip.open(tmp_path / "cifar-10-binary.tar.gz", "wb", compresslevel=1) as file:
        file.write(name)
        for _ in range(300):
            file.write(bytes(1 << 20))
    assert "it unpacks to more than it should" in refused("E402", "cifar10", data_dir=tmp_path)


def test_a_file_of_names_that_never_ends_is_refused(tmp_path: Path) -> None:
    folder = cifar10(tmp_path)
    with (folder / "batches.meta.txt").open("wb") as file:
        file.truncate(10 << 30)
    assert "batches.meta.txt is too long" in refused("E402", "cifar10", data_dir=tmp_path)
