"""Folders of images: every layout, every file looked at, and nothing left out silently."""

import json
import os
import shutil
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Resident, Streamed
from specc.backend.resizing import resize
from specc.backend.train.job import train
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from specc.tricks.resize import Resize
from specc.values import Size
from tests.helpers.tiny_data import gather_all, levels, read, refused, unprivileged, write_folder

CPU = torch.device("cpu")


def folder(path: Path) -> str:
    return f'folder("{path}")'


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def contents(data: DataSet) -> dict[bytes, int]:
    """Every image of both parts, and its label."""
    return {
        image.numpy().tobytes(): label
        for split in (data.train, data.validation)
        for image, label in zip(split.images, split.labels.tolist(), strict=True)  # type: ignore[union-attr]
    }


def test_a_class_is_a_folder(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=3, each=4)
    data = read(folder(tmp_path), "validation = split(3)")
    assert data.classes == ("class0", "class1", "class2") and data.shape == (3, 6, 5)
    assert len(data.train) == 9 and len(data.validation) == 3
    whole = contents(data)
    for number in range(3):
        for image in range(4):
            assert whole[pixels(tmp_path / f"class{number}" / f"{image}.png").tobytes()] == number


@pytest.mark.parametrize("test", ["test", "val", "valid", "validation"])
def test_train_and_test_folders(tmp_path: Path, test: str) -> None:
    write_folder(tmp_path / "train", each=5)
    write_folder(tmp_path / test, each=2)
    data = read(folder(tmp_path))
    assert len(data.train) == 10 and len(data.validation) == 4
    words = {"test": "the test part", "validation": "the validation part"}.get(test, f"the validation part ({test})")
    assert data.validated_on == f"{words}, 4 images"
    assert read(folder(tmp_path), "validation = split(2)").validated_on.startswith("2 of 10 training images")


def test_val_goes_before_test_unless_test_is_asked_for(tmp_path: Path) -> None:
    for name, each in (("train", 5), ("val", 1), ("test", 3)):
        write_folder(tmp_path / name, each=each)
    assert len(read(folder(tmp_path)).validation) == 2
    assert len(read(folder(tmp_path), "validation = test").validation) == 6


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=2)
    (tmp_path / "class0").rename(tmp_path / "train")
    assert read(folder(tmp_path)).classes == ("class1", "train")


def test_a_train_folder_alone_is_split(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", each=10)
    data = read(folder(tmp_path))
    assert len(data.train) == 18 and len(data.validation) == 2
    assert "has no test part" in refused("E408", folder(tmp_path), "validation = test")


@pytest.mark.parametrize("suffix", ["jpg", "bmp", "webp", "gif", "tiff"])
def test_kinds_of_files(tmp_path: Path, suffix: str) -> None:
    write_folder(tmp_path, suffix=suffix)
    whole = contents(read(folder(tmp_path)))
    for path in tmp_path.rglob(f"*.{suffix}"):
        assert whole[pixels(path).tobytes()] == int(path.parent.name[-1])


def test_a_relative_path_counts_from_the_spec_then_from_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "here" / "flowers", classes=2)
    write_folder(tmp_path / "there" / "flowers", classes=3)
    assert len(read('folder("flowers")', base=tmp_path / "here", data_dir=tmp_path / "there").classes) == 2
    assert len(read('folder("flowers")', base=tmp_path, data_dir=tmp_path / "there").classes) == 3
    monkeypatch.setenv("SPECC_DATA", str(tmp_path / "there"))
    assert len(read('folder("flowers")', base=tmp_path).classes) == 3


def test_names_with_spaces_quotes_newlines_and_other_scripts(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=2)
    (tmp_path / "class0").rename(tmp_path / "ein 'Hund'\nund mehr")
    (tmp_path / "class1" / "0.png").rename(tmp_path / "class1" / "猫 #1.png")
    data = read(folder(tmp_path))
    assert data.classes == ("class1", "ein 'Hund'\nund mehr")


def test_resize_is_the_one_of_images(tmp_path: Path) -> None:
    write_folder(tmp_path, size=(12, 9))
    data = read(folder(tmp_path), "resize = 8x8; validation = split(1)")
    assert data.shape == (3, 8, 8)
    old = pixels(tmp_path / "class0" / "0.png")
    assert contents(data)[resize(np.ascontiguousarray(old), Resize(Size(8, 8))).tobytes()] == 0


def test_images_of_different_sizes_are_brought_to_one_by_resize(tmp_path: Path) -> None:
    write_folder(tmp_path, each=3, size=(6, 5))
    Image.fromarray(levels(9, 9, 3)).save(tmp_path / "class1" / "odd.png")
    found = refused("E406", folder(tmp_path))
    assert "6 of 6x5, such as class0/0.png" in found and "1 of 9x9, such as class1/odd.png" in found
    assert "resize = 6x5" in found
    assert read(folder(tmp_path), "resize = 8x8").shape == (3, 8, 8)


def test_test_images_of_another_size_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", size=(6, 5))
    write_folder(tmp_path / "test", size=(7, 5))
    found = refused("E406", folder(tmp_path))
    assert "8 of 6x5, such as train/class0/0.png" in found and "8 of 7x5, such as test/class0/0.png" in found


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    write_folder(tmp_path, size=(6, 5))
    for path in tmp_path.rglob("*.png"):
        image = Image.open(path)
        exif = Image.Exif()
        exif[0x0112] = 6
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    assert read(folder(tmp_path)).shape == (3, 6, 5)


def test_every_bad_file_is_named_at_once(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=2, each=40)
    bad = tmp_path / "class1"
    (bad / "0.png").write_bytes((bad / "0.png").read_bytes()[:60])
    (bad / "1.png").write_bytes(b"")
    (bad / "notes.txt").write_text("not an image")
    Image.fromarray(levels(5, 5).astype(np.float32)).save(bad / "float.tiff")
    found = refused("E405", folder(tmp_path))
    assert f"4 of 82 images in {tmp_path} cannot be used" in found
    for line in (
        "class1/0.png is damaged",
        "class1/1.png is empty",
        "class1/notes.txt is not a readable image",
        "class1/float.tiff has floating",
    ):
        assert line in found


def test_a_long_list_is_cut_with_a_count(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=2, each=2)
    for number in range(30):
        (tmp_path / "class0" / f"bad{number:02}.jpg").write_bytes(b"bad")
    found = refused("E405", folder(tmp_path))
    assert "30 of 34" in found and "bad19.jpg" in found and "bad20.jpg" not in found and "and 10 more" in found


def test_an_image_made_to_explode_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.backend.images.MOST_PIXELS", 1000)
    write_folder(tmp_path, each=3)
    Image.new("RGB", (40, 40)).save(tmp_path / "class0" / "wide.png")
    Image.new("RGB", (80, 80)).save(tmp_path / "class0" / "wider.png")
    found = refused("E405", folder(tmp_path))
    assert found.count("has more than 1,000 pixels") == 2


def stray(path: Path) -> None:
    write_folder(path)
    Image.new("L", (2, 2)).save(path / "x.png")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "is empty"),
        (lambda path: (path / "README.txt").touch(), "holds no class folders"),
        (lambda path: Image.new("L", (2, 2)).save(path / "a.PNG"), "holds images that are in no class folder: a.PNG"),
        (lambda path: write_folder(path, classes=1), "holds only one class, class0"),
        (lambda path: (write_folder(path), (path / "empty").mkdir()), "has class folders without a file: empty"),
        (
            lambda path: (write_folder(path), (path / "e").mkdir(), (path / "e" / ".DS_Store").touch()),
            "without a file: e",
        ),
        (stray, "in no class folder: x.png"),
    ],
)
def test_folders_that_are_no_data_set(tmp_path: Path, make: object, message: str) -> None:
    make(tmp_path)  # type: ignore[operator]
    assert message in refused("E404", folder(tmp_path))


def test_litter_and_papers_beside_the_classes_are_let_be(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "LICENSE.txt").touch()
    (tmp_path / ".git").mkdir()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / "class0" / name).touch()
    assert read(folder(tmp_path)).classes == ("class0", "class1")


def test_train_and_test_with_other_classes(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", classes=3)
    write_folder(tmp_path / "test", classes=2)
    (tmp_path / "test" / "class0").rename(tmp_path / "test" / "Class0")
    found = refused("E407", folder(tmp_path))
    assert "has classes that" in found and "does not have: Class0" in found and "only in train: class0, class2" in found


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.npz").touch()
    assert 'write npz("' in refused("E403", 'folder("a.npz")', base=tmp_path)
    assert f"looked for {tmp_path / 'no'}" in refused("E403", 'folder("no")', base=tmp_path)


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", each=2)
    write_folder(tmp_path / "more", classes=1, each=3)
    (tmp_path / "data" / "class0" / "deep").symlink_to(tmp_path / "more" / "class0")
    (tmp_path / "data" / "class0" / "circle").symlink_to(tmp_path / "data" / "class0")
    (tmp_path / "data" / "class1" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert "class1/broken.png cannot be read: No such file" in refused("E405", folder(tmp_path / "data"))
    (tmp_path / "data" / "class1" / "broken.png").unlink()
    data = read(folder(tmp_path / "data"), "validation = split(1)")
    assert len(data.train) + len(data.validation) == 2 + 3 + 2


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    write_folder(tmp_path / "a")
    first = read(folder(tmp_path / "a")).hash
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert read(folder(tmp_path / "b"), "resize = 8x8; validation = split(2); seed = 3").hash == first
    Image.fromarray(levels(6, 5, 3, seed=9)).save(tmp_path / "b" / "class0" / "0.png")
    assert read(folder(tmp_path / "b")).hash != first
    (tmp_path / "a" / "class0").rename(tmp_path / "a" / "another")
    assert read(folder(tmp_path / "a")).hash != first


def test_streamed_images_are_the_resident_ones(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", classes=3, each=7, size=(10, 9))
    write_folder(tmp_path / "test", classes=3, each=2, size=(11, 9))
    inside = read(folder(tmp_path), "resize = 8x8")
    outside = read(folder(tmp_path), "resize = 8x8", memory=0)
    assert isinstance(inside.train, Resident) and isinstance(outside.train, Streamed)
    others: dict[str, Any] = dict.fromkeys(("train", "validation", "task"))
    assert inside._replace(**others) == outside._replace(**others)
    for one, two in ((inside.train, outside.train), (inside.validation, outside.validation)):
        assert len(one) == len(two) and torch.equal(one.labels, two.labels)
        index = torch.randperm(len(one))
        assert torch.equal(one.gather(index, CPU), two.gather(index, CPU))
        batches = index.split(4)
        assert torch.equal(torch.cat(list(one.stream(batches, CPU))), torch.cat(list(two.stream(batches, CPU))))


def test_a_part_that_fits_is_resident_and_one_that_does_not_is_streamed(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", each=10)
    write_folder(tmp_path / "test", each=5)
    room = 20 * 6 * 5 * 3
    assert isinstance(read(folder(tmp_path), memory=room).train, Resident)
    assert isinstance(read(folder(tmp_path), memory=room).validation, Streamed)
    assert isinstance(read(folder(tmp_path), memory=room - 1).train, Streamed)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_changes_nothing(tmp_path: Path, workers: int) -> None:
    write_folder(tmp_path, each=10)
    data = read(folder(tmp_path), memory=0)
    assert isinstance(data.train, Streamed)
    data.train.workers = workers
    index = torch.arange(len(data.train)).flip(0)
    assert torch.equal(data.train.gather(index, CPU), read(folder(tmp_path)).train.gather(index, CPU))


def test_a_file_that_is_damaged_during_the_training_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    data = read(folder(tmp_path), "validation = split(1)", memory=0)
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(b"gone")
    with pytest.raises(SpeccError, match=r"class0/\d.png has changed .* it is not a readable image"):
        gather_all(data)


def test_reading_leaves_the_filters_of_warnings_alone(tmp_path: Path) -> None:
    write_folder(tmp_path, each=20)
    before = list(warnings.filters)
    read(folder(tmp_path), memory=0).train.gather(torch.arange(10), CPU)
    assert warnings.filters == before


def test_broken_files_are_left_out_only_when_the_spec_says_so(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=2, each=6)
    clean = read(folder(tmp_path), "validation = split(2)")
    (tmp_path / "class0" / "9.png").write_bytes(b"")
    (tmp_path / "class1" / "00.png").write_bytes((tmp_path / "class1" / "0.png").read_bytes()[:50])
    assert "skip_broken=true" in refused("E405", folder(tmp_path))
    for memory in (None, 0):
        data = read(f'folder("{tmp_path}", skip_broken=true)', "validation = split(2)", memory=memory)
        assert len(data.train) == 10 and len(data.validation) == 2
        (note,) = (note for note in data.notes if "skip_broken" in note)
        assert f"2 of 14 images in {tmp_path}: class0/9.png is empty; class1/00.png is damaged" in note
        assert data.hash == clean.hash and data.mean == clean.mean and data.std == clean.std
        index = torch.arange(10)
        assert torch.equal(data.train.gather(index, CPU), clean.train.gather(index, CPU))
        assert torch.equal(data.train.labels, clean.train.labels)


def test_a_class_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, each=1)
    (tmp_path / "class1" / "0.png").write_bytes(b"")
    found = refused("E405", f'folder("{tmp_path}", skip_broken=true)')
    assert "without them a class has none left: class1" in found and "class1/0.png is empty" in found


def test_bad_files_of_both_parts_stand_in_one_list(tmp_path: Path) -> None:
    write_folder(tmp_path / "train")
    write_folder(tmp_path / "test", size=(9, 9))
    for part in ("train", "test"):
        (tmp_path / part / "class0" / "0.png").write_bytes(b"")
    found = refused("E405", folder(tmp_path))
    assert "2 of 16" in found and "  train/class0/0.png is empty\n  test/class0/0.png is empty" in found


def test_what_may_never_end_is_not_opened(tmp_path: Path) -> None:
    write_folder(tmp_path)
    os.mkfifo(tmp_path / "class0" / "pipe.png")
    (tmp_path / "class0" / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "class0" / "loop.png").symlink_to(tmp_path / "class0" / "loop.png")
    (tmp_path / "class0" / "round").symlink_to(tmp_path / "class0" / "round")
    found = refused("E405", folder(tmp_path))
    for name in ("pipe.png", "zero.png"):
        assert f"class0/{name} is not an image file, but a pipe, a socket or a device" in found
    for name in ("loop.png", "round"):
        assert f"class0/{name} cannot be read: Too many levels of symbolic links" in found


def test_a_class_folder_may_be_deep_and_meet_itself_many_times(tmp_path: Path) -> None:
    write_folder(tmp_path / "data")
    level = tmp_path / "data" / "class0"
    for depth in range(25):  # followed naively, these links make 2^25 folders
        below = tmp_path / f"below{depth}"
        below.mkdir()
        (level / "a").symlink_to(below)
        (level / "b").symlink_to(below)
        level = below
    deep = tmp_path / "data" / "class1"
    for _ in range(300):
        deep /= "d"
        deep.mkdir()
    shutil.copy(tmp_path / "data" / "class0" / "0.png", deep)
    data = read(folder(tmp_path / "data"), "validation = split(1)")
    assert len(data.train) + len(data.validation) == 9


def test_a_name_forges_no_message(tmp_path: Path) -> None:
    write_folder(tmp_path / "data\nerror[E999]: root")
    root = tmp_path / "data\nerror[E999]: root"
    names = [
        "a\nerror[E000]: all is lost\n.png",
        "\x1b]0;owned\x07.png",
        "\u202egnp.png",
        b"\xff.png".decode("utf-8", "surrogateescape"),
    ]
    for name in names:
        (root / "class0" / name).write_bytes(b"")
    text = str(root).replace("\n", "\\n")
    found = refused("E405", f'folder("{text}")')
    lines = found.splitlines()
    assert len(lines) == 2 + len(names) and "error[E000]" in found
    assert not any(line.lstrip().startswith("error[") for line in lines)
    assert all(character.isprintable() for line in lines for character in line)
    for shown in (r"a\x0aerror[E000]: all is lost\x0a.png", r"\x1b]0;owned\x07.png", r"\u202egnp.png", r"\udcff.png"):
        assert f"class0/{shown} is empty" in found


def test_class_folders_whose_names_no_file_can_hold_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "class1").rename(tmp_path / b"caf\xe9".decode("utf-8", "surrogateescape"))
    assert r"names are not UTF-8, so no model can hold them: caf\udce9" in refused("E404", folder(tmp_path))


def test_what_is_odd_about_classes_is_said(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=4, each=6)
    (tmp_path / "class0").rename(tmp_path / "Cafe\u0301")
    (tmp_path / "class1").rename(tmp_path / "caf\u00e9")
    for number in range(1, 6):
        (tmp_path / "class2" / f"{number}.png").unlink()
    notes = read(folder(tmp_path), "validation = split(9)", base=tmp_path).notes
    assert "classes whose names look alike: Cafe\u0301, caf\u00e9" in notes
    assert any(
        "image to train on in class class2" in note or "to validate on in class class2" in note for note in notes
    )
    assert not any("are read from" in note for note in notes)


def test_a_folder_elsewhere_is_allowed_and_shown(tmp_path: Path) -> None:
    write_folder(tmp_path / "there")
    (tmp_path / "here").mkdir()
    notes = read('folder("../there")', base=tmp_path / "here").notes
    assert f"the images are read from {tmp_path / 'there'}" in notes


def test_a_file_that_vanishes_or_is_exchanged_during_the_training_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    data = read(folder(tmp_path), "validation = split(1)", memory=0)
    Image.fromarray(levels(6, 5, 3, seed=77)).save(tmp_path / "class0" / "0.png")
    with pytest.raises(SpeccError, match=r"class0/0.png has changed .* its content has changed") as caught:
        gather_all(data)
    assert caught.value.code == "E441"
    (tmp_path / "class0" / "0.png").unlink()
    with pytest.raises(SpeccError, match=r"class0/0.png has changed .* it cannot be read: No such file") as caught:
        gather_all(data)
    assert caught.value.code == "E441"


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", "x" * 5000, "a\\0b"])
def test_paths_that_cannot_be(tmp_path: Path, path: str) -> None:
    assert "correct the path" in refused("E403", f'folder("{path}")', base=tmp_path)


def test_a_pipe_is_no_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe, a socket or a device" in refused("E403", 'folder("pipe")', base=tmp_path)
    assert "is a pipe, a socket or a device" in refused("E403", 'npz("pipe")', base=tmp_path)


def test_skip_broken_is_in_the_resolved_spec(tmp_path: Path) -> None:
    data = 'data { source = folder("x", skip_broken=true); resize = 8x8 }'
    checked = check(Source("net.cnn", f"{data}\nnetwork N {{ input(3, 8x8); flatten -> dense(2) }}"))
    assert not checked.errors and "skip_broken=true" in checked.resolved


def test_what_was_left_out_stands_in_the_run_and_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "flowers", each=10, size=(8, 8))
    (tmp_path / "flowers" / "class0" / "bad.png").write_bytes(b"")
    text = 'data { source = folder("flowers", skip_broken=true) }\ntrain { epochs = 2; batch = 6 }\n'
    checked = check(Source("net.cnn", f"{text}network N {{ input(3, 8x8); flatten -> dense(2) }}"))
    path = train(checked, out=tmp_path / "run", base=tmp_path, device="cpu").path
    said = "left out by skip_broken: 1 of 21 images in "
    assert capsys.readouterr().err.count(said) == 1
    info = json.loads((path / "run.json").read_text())
    assert any(note.startswith(said) and "class0/bad.png is empty" in note for note in info["applied"])
    assert info["images"] == {"train": 18, "validation": 2}


def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    read(folder(tmp_path))  # everything is imported
    with unprivileged() as place:
        write_folder(place)
        (place / "class0" / "0.png").chmod(0)
        assert "class0/0.png cannot be read: Permission denied" in refused("E405", folder(place))
        (place / "class1").chmod(0)
        assert f"{place}/class1 cannot be read: Permission denied" in refused("E410", folder(place))
        (place / "class1").chmod(0o700)
        place.chmod(0)
        assert "cannot be looked for: Permission denied" in refused("E403", folder(place / "class0"))
        place.chmod(0o700)


@pytest.mark.parametrize("memory", [None, 0])
@pytest.mark.parametrize(("low", "high", "levels_left"), [(0, 1500, 7), (30_000, 34_095, 17), (0, 16_383, None)])
def test_images_of_16_bits_that_use_little_of_their_range_are_said(
    tmp_path: Path, low: int, high: int, levels_left: int | None, memory: int | None
) -> None:
    write_folder(tmp_path, each=2)
    for number, path in enumerate(sorted(tmp_path.rglob("*.png"))):
        values = np.random.default_rng(number).integers(low, high + 1, (6, 5)).astype(np.uint16)
        values[0, :2] = low, high
        Image.fromarray(values).save(path)
    notes = [note for note in read(folder(tmp_path), "validation = split(2)", memory=memory).notes if "16-bit" in note]
    if levels_left is None:
        assert not notes
    else:
        (note,) = notes
        assert note.startswith(f"4 16-bit images only use values from {low:,} to {high:,} of 0 to 65,535")
        assert f"they have {levels_left} levels" in note


def test_color_images_of_16_bits_are_no_exception(tmp_path: Path) -> None:
    write_folder(tmp_path, each=2)
    for number, path in enumerate(sorted(tmp_path.rglob("*.png"))):
        path.write_bytes(png_of_16_bits(np.random.default_rng(number).integers(0, 4096, (6, 5, 3))))
    (note,) = (note for note in read(folder(tmp_path), "validation = split(2)").notes if "16-bit" in note)
    assert note.startswith("4 16-bit images only use values from 0 to 3,855 of 0")


def png_of_16_bits(values: np.ndarray) -> bytes:
    """The bytes of an RGB file, which Pillow does not write. values: height x width x 3."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
