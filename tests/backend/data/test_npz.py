"""NumPy archives: every layout that is meant, and a clear word about the others."""

import io
import pickle  # noqa: TID251 - to show that nothing of it is run
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specc.backend.data.npz_header import shape_of
from specc.backend.data.places import Where
from specc.errors import SpeccError
from specc.values import Args
from tests.helpers.tiny_data import images_of, levels, raw_of, read, refused, refused_raw

LABELS = np.arange(12) % 3
MASKS = (np.arange(300) % 2).reshape(12, 5, 5)


def write(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def source(path: Path) -> str:
    return f'npz("{path}")'


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (levels(12, 8, 7), (1, 8, 7)),
        (levels(12, 8, 7, 1), (1, 8, 7)),
        (levels(12, 8, 7, 3), (3, 8, 7)),
        (levels(12, 1, 8, 7), (1, 8, 7)),
        (levels(12, 3, 8, 7), (3, 8, 7)),
        (np.asfortranarray(levels(12, 8, 7, 3)), (3, 8, 7)),
    ],
)
def test_layouts(tmp_path: Path, images: np.ndarray, shape: tuple[int, int, int]) -> None:
    path = write(tmp_path / "a.npz", x_train=images, y_train=LABELS, x_test=images[:3], y_test=LABELS[:3])
    data = read(source(path))
    assert data.shape == shape and data.classes == ("0", "1", "2") and len(data.validation) == 3
    expected = images.transpose(0, 3, 1, 2) if images.ndim == 4 and images.shape[3] in (1, 3) else images
    assert (images_of(data.train).numpy() == expected.reshape(12, *shape)).all()
    assert shape_of(Args(path=str(path)), Where()) == shape
    assert data.train.labels.tolist() == LABELS.tolist()


def test_the_header_tells_the_shape_of_what_is_trained_on_and_nothing_else_is_read(tmp_path: Path) -> None:
    many = np.zeros((3000, 64, 64, 3), np.uint8)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", val_images=levels(2, 9, 9), train_labels=np.arange(3000) % 2, train_images=many)
        assert shape_of(Args(path="a.npz"), Where(base=tmp_path)) == (3, 64, 64)
    whole = (tmp_path / "a.npz").read_bytes()
    at = whole.index(b"train_images.npy")
    (tmp_path / "a.npz").write_bytes(whole[: at + 2000] + bytes(100) + whole[at + 2100 :])  # within the pixels
    assert shape_of(Args(path="a.npz"), Where(base=tmp_path)) == (3, 64, 64)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "there is no file"),
        (lambda path: path.write_bytes(b""), "not a complete NumPy archive"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "not a complete NumPy archive"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09")), "archive"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"'shape': (", b"'shape': (x")), "archive"),
        (lambda path: np.savez(path, pixels=levels(4, 5, 5)), "no images and labels with known names"),
        (lambda path: np.savez(path, images=levels(4, 5, 5, 2), labels=LABELS[:4]), "4 x 5 x 5 x 2"),
        (lambda path: np.savez(path, images=levels(4, 0, 5), labels=LABELS[:4]), "4 x 0 x 5"),
        (lambda path: np.savez(path, images=levels(4), labels=LABELS[:4]), "of shape 4,"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder"),
    ],
)
def test_a_header_that_tells_nothing_says_why(tmp_path: Path, spoil: Any, words: str) -> None:
    path = write(tmp_path / "a.npz", images=levels(4, 5, 5), labels=LABELS[:4])
    spoil(path)
    told = shape_of(Args(path=str(path)), Where())
    assert isinstance(told, str) and words in told and "\n" not in told


def test_images_and_labels_without_a_test_part_are_split(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", images=levels(100, 5, 5), labels=np.arange(100) % 4)
    data = read('npz("a.npz")', base=tmp_path)
    assert len(data.train) == 90 and len(data.validation) == 10
    assert data.validated_on == "10 of 100 training images, drawn from data.seed 0"


def test_labels_in_a_column_and_names_of_classes(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.npz",
        images=levels(12, 5, 5),
        labels=LABELS[:, None].astype(np.int8),
        classes=["a", "b", "c", "d"],
    )
    assert read(source(path)).classes == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": levels(12, 5, 5).astype(np.float32), "labels": LABELS}, "holds float32 in `images`"),
        ({"images": levels(12, 5, 5)}, "needed: `x_train` and `y_train`, or `images` and `labels`"),
        ({"a": levels(3)}, "holds no array with a known name"),
        ({"images": levels(12, 25), "labels": LABELS}, "holds `images` of shape 12 x 25"),
        ({"images": levels(12, 5, 5, 4), "labels": LABELS}, "holds `images` of shape 12 x 5 x 5 x 4"),
        ({"images": levels(12, 5, 5), "labels": LABELS[:11]}, "12 images in `images`, but 11 labels"),
        ({"images": levels(12, 5, 5), "labels": LABELS - 1}, "has labels from -1 to 1"),
        ({"images": levels(12, 5, 5), "labels": LABELS * 10**9}, "has labels from 0 to 2,000,000,000"),
        ({"images": levels(12, 5, 5), "labels": LABELS * 1j}, "holds labels of the wrong form: `labels` is complex128"),
        ({"images": levels(12, 5, 5), "labels": LABELS[:, None, None] * 0.5}, "of the wrong form: `labels` is float64"),
        ({"images": levels(12, 5, 5), "labels": LABELS.reshape(12, 1)[:, :0]}, "of shape 12 x 0"),
        ({"images": levels(12, 5, 5), "labels": np.eye(12)}, "holds nothing but 0 and 1, as float64"),
        ({"images": levels(12, 5, 5), "labels": np.eye(12, dtype=int) * 2}, "12 x 12 integers from 0 to 2"),
        ({"images": levels(12, 5, 5), "labels": np.eye(12, dtype=int)[:7]}, "12 images in `images`, but 7 labels"),
        (
            {"images": levels(12, 5, 5), "labels": np.zeros((12, 5, 4), int)},
            "masks of 5x4 in `labels`, but images",
        ),
        ({"images": levels(12, 5, 5), "labels": np.full((12, 5, 5), 256)}, "has class numbers from 256 to 256"),
        ({"images": levels(12, 5, 5), "labels": np.full((12, 5, 5), -1)}, "has class numbers from -1 to -1"),
        ({"images": levels(12, 5, 5), "labels": np.zeros((12, 5, 5), int)}, "holds masks of a single class"),
        ({"images": levels(12, 5, 5), "labels": MASKS * 255}, "needed: masks of 0 and 1, not of black and white"),
        ({"images": levels(12, 5, 5), "labels": MASKS * 2, "classes": ["a", "b"]}, "has labels up to 2, but 2 names"),
        ({"images": levels(12, 5, 5), "labels": LABELS * 0.5, "classes": ["a", "b"]}, "1 label for each image, but 2"),
        ({"images": levels(0, 5, 5), "labels": LABELS[:0]}, "holds no pixels in `images`: 0 x 5 x 5"),
        ({"images": levels(12, 5, 5), "labels": LABELS, "classes": ["a", "b"]}, "has labels up to 2, but 2 names"),
        ({"images": levels(12, 5, 5), "labels": LABELS, "classes": [1, 2, 3]}, "has a `classes` that is not a list"),
        (
            {"x_train": levels(12, 5, 5), "y_train": LABELS, "x_test": levels(3, 6, 5), "y_test": LABELS[:3]},
            "has test images whose shape",
        ),
        ({"images": np.array([None] * 12), "labels": LABELS}, "holds Python objects in `images`"),
    ],
)
def test_what_cannot_be_right_is_said(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "a.npz", **arrays)
    found = refused("E411", source(path))
    assert message in found and str(path) in found


def test_an_object_array_is_not_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "evil",)  # type: ignore[return-value]

    pickle.loads(pickle.dumps(Evil()))  # noqa: S301 - this is what must not happen below
    (tmp_path / "evil").unlink()
    path = write(tmp_path / "a.npz", images=np.array([Evil()]), labels=LABELS)
    refused("E411", source(path))
    assert not (tmp_path / "evil").exists()


def forged(path: Path, header: str) -> Path:
    """An archive whose array says of itself what `header` says."""
    body = io.BytesIO()
    np.save(body, levels(12, 5, 5))
    content = body.getvalue().replace(b"(12, 5, 5)", header.encode().ljust(10))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", content)
        body = io.BytesIO()
        np.save(body, LABELS)
        archive.writestr("labels.npy", body.getvalue())
    return path


@pytest.mark.parametrize("header", ["(12, 5, 6)", "(10**15, 5)", "(10, 5, 5)", "(-12,-5,5)"])
def test_a_header_that_promises_something_else_is_refused(tmp_path: Path, header: str) -> None:
    path = forged(tmp_path / "a.npz", header)
    assert f"{path} is not a complete NumPy archive" in refused("E402", source(path))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"not a zip archive",
        lambda content: content[:200] + bytes(50) + content[250:],
    ],
)
def test_a_damaged_archive_is_named(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=levels(12, 5, 5), labels=LABELS)
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    assert f"{path} is not a complete NumPy archive" in refused("E402", source(path))


def zipped(path: Path, members: list[tuple[str, bytes]], **how: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        with zipfile.ZipFile(path, "w", **how) as archive:
            for name, content in members:
                archive.writestr(name, content)
    return path


def array(values: Any) -> bytes:
    body = io.BytesIO()
    np.save(body, values)
    return body.getvalue()


def header(text: str) -> bytes:
    """An array whose header is this text."""
    content = text.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content


GOOD = [("images.npy", array(levels(12, 5, 5))), ("labels.npy", array(LABELS))]


@pytest.mark.parametrize(
    ("members", "how", "message"),
    [
        ([*GOOD, GOOD[0]], {}, "it holds `images` 2 times"),
        (GOOD, {"compression": zipfile.ZIP_LZMA}, "`images` is compressed in a way"),
        (GOOD, {"compression": zipfile.ZIP_BZIP2}, "`images` is compressed in a way"),
        ([("images.npy", b""), GOOD[1]], {}, "is not a complete NumPy archive"),
        ([("images.npy", header("{'descr': '|u1', ")), GOOD[1]], {}, "is not a complete NumPy archive"),
        ([("images.npy", header("(" * 100)), GOOD[1]], {}, "is not a complete NumPy archive"),
        ([("images.npy", header("{'descr': ")), GOOD[1]], {}, "is not a complete NumPy archive"),
        ([("images.npy", header("-" * 9000 + "1")), GOOD[1]], {}, "is not a complete NumPy archive"),
        ([("images.npy", header("(" * 9000)), GOOD[1]], {}, "is not a complete NumPy archive"),
        ([("images.npy", header("__import__('os').system('x')")), GOOD[1]], {}, "is not a complete NumPy archive"),
        (
            [("images.npy", header("{'descr': '|S0', 'fortran_order': False, 'shape': (10**18,)}")), GOOD[1]],
            {},
            "is not a complete NumPy archive",
        ),
        (
            [("images.npy", header(f"{{'descr': '|S0', 'fortran_order': False, 'shape': ({10**18},)}}")), GOOD[1]],
            {},
            "`images` promises 0 bytes",
        ),
        (
            [("images.npy", array(np.zeros((1 << 28) + 1, np.uint8))), GOOD[1]],
            {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 1},
            "which no images do",
        ),
        ([*GOOD, *((f"{number}", b"") for number in range(25_000))], {}, "it has a directory or a header of"),
    ],
)
def test_an_archive_made_to_harm_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes]], how: dict[str, Any], message: str
) -> None:
    assert message in refused("E402", source(zipped(tmp_path / "a.npz", members, **how)))


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "a.npz", GOOD).read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flags of each member, beside it and in the directory
        content[content.find(mark) + at] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    assert "`images` is encrypted" in refused("E402", source(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "names",
    [
        np.array(["a", "b", "\ud800"]),
        np.array([b"a", b"b", b"\xff"]),
        np.frombuffer(struct.pack("<3I", 97, 98, 0x110000), "<U1"),
        np.array([["a"], ["b"], ["c"]]),
        np.array("abc"),
    ],
)
def test_names_of_classes_that_no_file_can_hold_are_refused(tmp_path: Path, names: np.ndarray) -> None:
    path = write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=LABELS, classes=names)
    assert "has a `classes` that is not a list of distinct strings" in refused("E411", source(path))


def test_what_labels_and_pixels_are_is_said(tmp_path: Path) -> None:
    labels = LABELS * 0.5
    labels[[3, 7]] = np.nan, np.inf
    path = write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=labels)
    assert "are not finite (NaN or infinite), for 2 images: 3, 7" in refused("E411", source(path))
    path = write(tmp_path / "a.npz", images=np.linspace(-1, 2.5, 300).reshape(12, 5, 5), labels=LABELS)
    assert "holds float64 in `images`, from -1 to 2.5" in refused("E411", source(path))


def test_classes_that_have_no_images_are_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=LABELS * 2)
    notes = read(source(path), "validation = split(1)", base=tmp_path).notes
    assert "no image to train on in 2 classes: 1, 3" in notes


def test_an_array_that_would_not_fit_into_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=LABELS)
    monkeypatch.setattr("specc.backend.data.archive.free_memory", lambda: 100)
    assert "would take 652 bytes of memory; 100 are free" in refused("E479", source(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    found = refused("E403", 'npz("no.npz")', base=tmp_path, data_dir=tmp_path / "data")
    assert f"looked for {tmp_path / 'no.npz'}" in found and f"looked for {tmp_path / 'data' / 'no.npz'}" in found
    (tmp_path / "folder").mkdir()
    assert "is a folder; `source` needs a file here" in refused("E403", 'npz("folder")', base=tmp_path)


def test_the_names_of_medmnist_have_three_parts(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for number, (part, count) in enumerate((("train", 12), ("val", 6), ("test", 9))):
        arrays[f"{part}_images"] = levels(count, 5, 5, 3, seed=number)
        arrays[f"{part}_labels"] = (np.arange(count) % 3)[:, None].astype(np.uint8)
    path = write(tmp_path / "a.npz", **arrays)
    data = read(source(path), base=tmp_path)
    assert (len(data.train), data.validated_on) == (12, "the validation part, 6 images")
    assert data.test is not None and isinstance(data.test.labels, torch.Tensor)
    assert data.test.labels.tolist() == [0, 1, 2] * 3
    assert data.notes == ("not used: the test part, 9 images",)
    assert read(source(path), "validation = test").validated_on == "the test part, 9 images"
    assert data.classes == ("0", "1", "2") and data.shape == (3, 5, 5)


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("val_images", "val_labels")])
def test_a_validation_part_goes_before_a_test_part(tmp_path: Path, names: tuple[str, str]) -> None:
    more = dict(zip(names, (levels(3, 5, 5, seed=1), LABELS[:3]), strict=True))
    test = {"x_test": levels(6, 5, 5, seed=2), "y_test": LABELS[:6]}
    path = write(tmp_path / "a.npz", x_train=levels(12, 5, 5), y_train=LABELS, **more, **test)
    assert read(source(path)).validated_on == "the validation part, 3 images"


def test_arrays_that_nobody_reads_are_named(tmp_path: Path) -> None:
    more = {"x_val": levels(3, 5, 5), "ids": LABELS, "labels": LABELS, "x_valid": levels(3, 5, 5)}
    path = write(tmp_path / "a.npz", x_train=levels(12, 5, 5), y_train=LABELS, **more)
    notes = read(source(path), "validation = split(3)", base=tmp_path).notes
    (note,) = (note for note in notes if "arrays" in note)
    assert note.startswith("not used: the arrays ") and note.endswith(" of a.npz")
    assert all(name in note for name in more)


def test_a_part_of_the_wrong_form_stops_only_what_uses_it(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.npz", x_train=levels(12, 5, 5), y_train=LABELS, x_test=levels(3, 6, 5), y_test=LABELS[:3]
    )
    refused("E411", source(path))
    (note,) = (note for note in read(source(path), "validation = split(3)").notes if "not used" in note)
    assert "has test images whose shape" in note


def test_another_file_under_its_name_is_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"<html>not found</html>")
    assert "is not a complete NumPy archive: it is an HTML page" in refused("E402", source(tmp_path / "a.npz"))


TAGS = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]] * 4)


@pytest.mark.parametrize(
    ("labels", "task", "values", "names"),
    [
        (LABELS, "classification", LABELS, ("0", "1", "2")),
        (LABELS[:, None] == 1, "classification", LABELS == 1, ("0", "1")),
        (TAGS.astype(np.uint8), "multi-label", TAGS, ("0", "1", "2")),
        (TAGS == 1, "multi-label", TAGS, ("0", "1", "2")),
        (LABELS.astype(np.float16) / 2, "regression", LABELS[:, None] / 2, ("target 0",)),
        (LABELS[:, None] * 0.3, "regression", LABELS[:, None] * 0.3, ("target 0",)),
        (TAGS * 0.3, "regression", TAGS * 0.3, ("target 0", "target 1", "target 2")),
        (MASKS * 3, "segmentation", MASKS * 3, ("0", "1", "2", "3")),
        (MASKS[:, None].astype(np.int64), "segmentation", MASKS, ("0", "1")),
        (MASKS[..., None] == 1, "segmentation", MASKS, ("0", "1")),
    ],
)
def test_the_labels_make_the_task(
    tmp_path: Path, labels: np.ndarray, task: str, values: np.ndarray, names: tuple[str, ...]
) -> None:
    write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=labels)
    raw = raw_of('npz("a.npz")', tmp_path)
    assert (raw.task.name, raw.classes, raw.notes) == (task, names, ())
    assert isinstance(raw.train.labels, torch.Tensor)
    kinds = {"classification": torch.int64, "multi-label": torch.float32, "regression": torch.float64}
    assert raw.train.labels.dtype == kinds.get(task, torch.uint8) and raw.train.labels.tolist() == values.tolist()
    assert raw.ignore == (255 if task == "segmentation" else None)


def test_255_is_ignored_in_masks_of_fewer_classes(tmp_path: Path) -> None:
    masks = MASKS.astype(np.uint8)
    masks[0, 0] = 255
    write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=masks)
    raw = raw_of('npz("a.npz")', tmp_path)
    assert raw.classes == ("0", "1") and raw.ignore == 255
    names = [f"c{number}" for number in range(256)]
    write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=masks, classes=names)
    assert "names 256 classes, and no number is left" in refused_raw("E411", 'npz("a.npz")', tmp_path)


def test_outputs_are_called_as_the_archive_says(tmp_path: Path) -> None:
    for labels in (TAGS, TAGS * 0.5):
        write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=labels, classes=["a", "b", "c"])
        assert raw_of('npz("a.npz")', tmp_path).classes == ("a", "b", "c")
        write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=labels, classes=["a", "b", "c", "d"])
        assert "has 3 labels for each image, but 4 names" in refused_raw("E411", 'npz("a.npz")', tmp_path)


def test_labels_that_may_be_meant_otherwise_are_said(tmp_path: Path) -> None:
    write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=np.eye(12, dtype=int))
    (note,) = raw_of('npz("a.npz")', tmp_path).notes
    assert note.startswith("each image has exactly one of the 12 tags in `labels`")
    write(tmp_path / "a.npz", images=levels(12, 5, 5), labels=LABELS.astype(np.float32))
    (note,) = raw_of('npz("a.npz")', tmp_path).notes
    assert note.startswith("`labels` holds whole numbers as float32: they are predicted as numbers")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:3], "has test labels for classification, and training labels for multi-label"),
        (TAGS[:3, :2], "has 2 test labels for each image, and 3 training labels"),
        (TAGS[:3] * 0.5, "has test labels for regression, and training labels for multi-label"),
    ],
)
def test_parts_have_labels_of_one_kind(tmp_path: Path, labels: np.ndarray, message: str) -> None:
    write(tmp_path / "a.npz", x_train=levels(12, 5, 5), y_train=TAGS, x_test=levels(3, 5, 5), y_test=labels)
    test = raw_of('npz("a.npz")', tmp_path).test
    assert isinstance(test, SpeccError) and message in test.message
