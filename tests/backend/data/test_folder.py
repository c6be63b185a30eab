"""Folders of images: every layout, every file looked at, and nothing left out silently."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_data import levels, read, refused, write_folder

from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Resident, Streamed
from specc.backend.images import resize
from specc.errors import SpeccError
from specc.values import Size

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
    assert data.validated_on == "the test part, 4 images"
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
    assert contents(data)[resize(np.ascontiguousarray(old), Size(8, 8)).tobytes()] == 0


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
    assert "training and test images differ in size: 3 x 6 x 5 and 3 x 7 x 5" in refused("E406", folder(tmp_path))


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
        "class1/notes.txt is not an image",
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
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    write_folder(tmp_path, each=3)
    Image.new("RGB", (40, 40)).save(tmp_path / "class0" / "wide.png")
    Image.new("RGB", (80, 80)).save(tmp_path / "class0" / "wider.png")
    found = refused("E405", folder(tmp_path))
    assert found.count("has more than 1,000 pixels") == 2


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
        (lambda path: (write_folder(path), Image.new("L", (2, 2)).save(path / "x.png")), "in no class folder: x.png"),
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
    assert "only in test: Class0" in found and "only in train: class0, class2" in found


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
    assert read(folder(tmp_path / "b"), "resize = 8x8; validation = split(2)", seed=3).hash == first
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
    assert inside._replace(train=None, validation=None) == outside._replace(train=None, validation=None)  # type: ignore[arg-type]
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
    with pytest.raises(SpeccError, match=r"class0/0.png has changed .* it is not an image"):
        data.train.gather(torch.arange(7), CPU)


def test_reading_leaves_the_filters_of_warnings_alone(tmp_path: Path) -> None:
    write_folder(tmp_path, each=20)
    before = list(warnings.filters)
    read(folder(tmp_path), memory=0).train.gather(torch.arange(10), CPU)
    assert warnings.filters == before
