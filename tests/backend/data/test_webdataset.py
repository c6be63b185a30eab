"""WebDataset shards: samples of an image and a label in tar files, read where they lie."""

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from specc.backend.data.split import Resident, Streamed
from specc.backend.data.webdataset import expand
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError
from tests.helpers.tiny_data import gather_all, levels, picture, raw_of, read, refused, refused_raw, write_shard

CPU = torch.device("cpu")


def shards(folder: Path, name: str = "a", count: int = 3, each: int = 4) -> None:
    """Shards NAME-00.tar, … whose image `i` has the label `i % 3`."""
    for shard in range(count):
        members: dict[str, bytes] = {}
        for number in range(shard * each, (shard + 1) * each):
            members |= {f"{number:04}.png": picture(number), f"{number:04}.cls": str(number % 3).encode()}
        write_shard(folder / f"{name}-{shard:02}.tar", members)


SOURCE = 'webdataset("a-{00..02}.tar")'


def test_samples_come_in_the_order_of_the_shards(tmp_path: Path) -> None:
    shards(tmp_path)
    inside = read(SOURCE, "validation = split(2)", base=tmp_path)
    outside = read(SOURCE, "validation = split(2)", base=tmp_path, memory=0)
    assert isinstance(inside.train, Resident) and isinstance(outside.train, Streamed)
    assert inside.classes == ("0", "1", "2") and inside.shape == (3, 6, 5)
    others: dict[str, Any] = dict.fromkeys(("train", "validation", "task"))
    assert inside._replace(**others) == outside._replace(**others)
    found = set()
    for one, two in ((inside.train, outside.train), (inside.validation, outside.validation)):
        index = torch.arange(len(one))
        assert torch.equal(one.gather(index, CPU), two.gather(index, CPU)) and torch.equal(one.labels, two.labels)
        found |= {(image.numpy().tobytes(), int(label)) for image, label in zip(one.images, one.labels, strict=True)}  # type: ignore[union-attr]
    assert found == {(levels(6, 5, 3, seed=i).transpose(2, 0, 1).tobytes(), i % 3) for i in range(12)}


def test_the_test_part_has_shards_of_its_own(tmp_path: Path) -> None:
    shards(tmp_path)
    shards(tmp_path, "val", count=1, each=6)
    data = read('webdataset("a-{00..02}.tar", test="val-00.tar")', base=tmp_path)
    assert len(data.train) == 12 and len(data.validation) == 6
    assert data.validated_on == "the test part, 6 images"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ({"a.cls": b"1\n", "b.cls": b"0"}, ("0", "1")),
        ({"a.json": b'{"label": 1}', "b.json": b'{"cls": 0, "more": []}'}, ("0", "1")),
        ({"a.json": b"1", "b.cls": b"0"}, ("0", "1")),
        ({"a.cls": b"rose", "b.cls": "Rös chen".encode()}, ("Rös chen", "rose")),
        ({"a.json": b'{"class": "y"}', "b.json": b'{"label": "x"}'}, ("x", "y")),
    ],
)
def test_labels(tmp_path: Path, labels: dict[str, bytes], classes: tuple[str, ...]) -> None:
    more = {"0a.txt": b"a rose", "._a.png": b"litter", "README": b"hello"}
    members = {f"d.e/{name}": content for name, content in more.items()}
    for number in range(2):
        members |= {f"d.e/{number}{name}": content for name, content in labels.items()}
        members |= {f"d.e/{number}a.JPG": picture(number, kind="jpeg"), f"d.e/{number}b.seg.png": picture(5 + number)}
    write_shard(tmp_path / "a.tar", members)
    data = read('webdataset("a.tar")', "validation = split(2)", base=tmp_path)
    assert data.classes == classes and data.train.labels.tolist() == data.validation.labels.tolist()


def test_patterns() -> None:
    assert expand("a.tar") == ["a.tar"]
    assert expand("a-{08..11}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]
    assert expand("{0..1}/{1..2}") == ["0/1", "0/2", "1/1", "1/2"]
    for pattern in ("{5..1}.tar", "{0..999999999}.tar", "{0..99999}{0..99999}{0..99999}"):
        with pytest.raises(SpeccError, match="shards; 1 to 100,000 are possible"):
            expand(pattern)


def test_shards_that_are_not_there_are_named_at_once(tmp_path: Path) -> None:
    shards(tmp_path)
    (tmp_path / "a-01.tar").unlink()
    assert "2 of 4 shards are not there: a-01.tar, a-03.tar" in refused(
        "E403", 'webdataset("a-{00..03}.tar")', base=tmp_path
    )
    assert "only files are read" in refused("E403", 'webdataset("https://example.org/a.tar")', base=tmp_path)


def test_odd_samples_are_named_at_once(tmp_path: Path) -> None:
    image = picture()
    members = {"a.png": image, "b.png": image, "b.jpg": image, "b.cls": b"0", "c.cls": b"1", "d.png": image}
    members |= {"d.cls": b"-1", "e.png": image, "e.json": b"[" * 9000, "f.png": image, "f.cls": b"0"}
    write_shard(tmp_path / "a.tar", members | {"g.png": image, "g.json": b'{"label": true}'})
    found = refused("E412", 'webdataset("a.tar")', base=tmp_path)
    assert "6 of 7 samples are not an image with a label" in found
    for line in (
        "a.tar/a has no label, neither .cls nor .json",
        "a.tar/b has 2 images among its files .cls, .jpg, .png",
        "a.tar/c has no image among its files .cls",
        "a.tar/d has a label that is neither",
        "a.tar/e has a label that is neither",
        "a.tar/g has a label that is neither",
    ):
        assert line in found


def test_broken_images_are_named_and_left_out_when_the_spec_says_so(tmp_path: Path) -> None:
    shards(tmp_path)
    write_shard(tmp_path / "a-03.tar", {"x.png": picture()[:50], "x.cls": b"1"})
    found = refused("E405", 'webdataset("a-{00..03}.tar")', base=tmp_path)
    assert "1 of 13 images" in found and "a-03.tar/x.png is damaged" in found
    skipping = read('webdataset("a-{00..03}.tar", skip_broken=true)', "validation = split(2)", base=tmp_path)
    assert skipping.hash == read(SOURCE, "validation = split(2)", base=tmp_path).hash
    assert any("1 of 13 images" in note and "a-03.tar/x.png is damaged" in note for note in skipping.notes)


def test_test_classes_must_be_training_classes(tmp_path: Path) -> None:
    for name, labels in (("a", "xy"), ("b", "xz")):
        members = {f"{i}.{kind}": content for i in range(2) for kind, content in
                   (("png", picture(i)), ("cls", labels[i].encode()))}  # fmt: skip
        write_shard(tmp_path / f"{name}.tar", members)
    assert "training samples do not have: z" in refused("E407", 'webdataset("a.tar", test="b.tar")', base=tmp_path)
    write_shard(tmp_path / "c.tar", {"1.png": picture(), "1.cls": b"1"})
    assert "numbers and names as labels" in refused("E412", 'webdataset("a.tar", test="c.tar")', base=tmp_path)


def test_a_shard_that_changes_during_the_training_is_named(tmp_path: Path) -> None:
    shards(tmp_path)
    data = read(SOURCE, "validation = split(1)", base=tmp_path, memory=0)
    content = bytearray((tmp_path / "a-00.tar").read_bytes())
    with tarfile.open(tmp_path / "a-00.tar") as tar:
        start = tar.getmember("0000.png").offset_data
    other = picture(99)
    content[start : start + len(other)] = other
    (tmp_path / "a-00.tar").write_bytes(content)
    with pytest.raises(SpeccError, match=r"a-00\.tar/0000\.png has changed") as caught:
        gather_all(data)
    assert caught.value.code == "E441"


def test_json_of_a_label_is_data_and_nothing_else(tmp_path: Path) -> None:
    label = json.dumps({"label": "__import__('os').system('x')"}).encode()
    write_shard(
        tmp_path / "a.tar",
        {"a.png": picture(), "a.json": label, "b.png": picture(1), "b.json": b'"b"'}
        | {"c.png": picture(2), "c.json": label},
    )
    assert read('webdataset("a.tar")', "validation = split(1)", base=tmp_path).classes[0].startswith("__import__")


def shard_of(path: Path, samples: dict[str, dict[str, bytes]]) -> Path:
    members = {f"{name}.{suffix}": content for name, files in samples.items() for suffix, content in files.items()}
    return write_shard(path, members)


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        ({"cls": b"1", "json": b'{"label": 2}'}, "1 and 2"),
        ({"cls": b"cat", "json": b'{"class": "dog"}'}, "cat and dog"),
        ({"json": b'{"label": 1, "cls": 2}'}, "1 and 2"),
    ],
)
def test_two_labels_that_differ_are_refused(tmp_path: Path, files: dict[str, bytes], labels: str) -> None:
    shard_of(tmp_path / "a.tar", {"x": {"png": picture(), **files}})
    assert f"a.tar/x has two labels: {labels}" in refused("E412", 'webdataset("a.tar")', base=tmp_path)


@pytest.mark.parametrize("json", [b'{"label": 0}', b'{"width": 6}', b'{"label": "zero"}', b"not json"])
def test_json_beside_a_label_may_say_the_same_or_something_else(tmp_path: Path, json: bytes) -> None:
    files = [{"png": picture(number), "cls": b"%d" % (number % 2), "json": json} for number in (0, 2, 4)]
    other = [{"png": picture(number), "cls": b"1"} for number in (1, 3)]
    shard_of(tmp_path / "a.tar", {str(number): sample for number, sample in enumerate(files + other)})
    assert read('webdataset("a.tar")', "validation = split(2)", base=tmp_path).train_counts == (2, 1)


def test_joined_shards_are_refused_and_more_zeros_are_none(tmp_path: Path) -> None:
    shards(tmp_path)
    first, second = (tmp_path / f"a-0{number}.tar" for number in range(2))
    (tmp_path / "b.tar").write_bytes(first.read_bytes() + second.read_bytes())
    found = refused("E402", 'webdataset("b.tar")', base=tmp_path)
    assert "b.tar continues after its end, at byte " in found and "list each tar file on its own" in found
    (tmp_path / "b.tar").write_bytes(first.read_bytes() + bytes(100_000))
    assert len(read('webdataset("b.tar")', "validation = split(1)", base=tmp_path).train.labels) == 3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"a", mtime=0), "is not a tar file: it is packed by gzip; unpack it"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "it is packed by Zstandard"),
        (b"PK\3\4" + bytes(600), "it is a zip archive"),
        (b"<html>" + bytes(600), "it is an HTML page"),
        (b"", "is not a complete tar file: empty file"),
    ],
)
def test_what_is_no_tar_file_is_called_what_it_is(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    assert what in refused("E402", 'webdataset("a.tar")', base=tmp_path)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_folders_and_shards_read_the_same_kinds(tmp_path: Path, suffix: str) -> None:
    kind = Image.registered_extensions().get(suffix, "PPM")
    for number in range(4):
        content = picture(number, kind=kind)
        (tmp_path / f"data/c{number % 2}").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"data/c{number % 2}/{number}{suffix}").write_bytes(content)
    samples = {str(number): {suffix[1:].upper(): (tmp_path / f"data/c{number % 2}/{number}{suffix}").read_bytes(),
                             "cls": b"c%d" % (number % 2)} for number in (0, 2, 1, 3)}  # fmt: skip
    shard_of(tmp_path / "a.tar", samples)
    one, two = (
        read(f'{source}")', "validation = split(2)", base=tmp_path) for source in ('folder("data', 'webdataset("a.tar')
    )
    assert torch.equal(one.train.images, two.train.images)  # type: ignore[union-attr]


def test_names_of_classes_are_in_natural_order(tmp_path: Path) -> None:
    samples = {str(i): {"png": picture(i), "cls": name} for i, name in enumerate([b"c10", b"c2", b"c1"] * 2)}
    shard_of(tmp_path / "a.tar", samples)
    assert read('webdataset("a.tar")', base=tmp_path).classes == ("c1", "c2", "c10")


def tagged(path: Path, *labels: object, **more: bytes) -> None:
    """A shard of images with these tags."""
    members: dict[str, bytes] = {}
    for number, tags in enumerate(labels):
        members |= {f"{number}.png": picture(number), f"{number}.json": json.dumps({"labels": tags, "id": 7}).encode()}
    write_shard(path, members | {f"0.{name}": content for name, content in more.items()})


@pytest.mark.parametrize(
    ("labels", "classes", "values"),
    [
        (([1, 3], [], [0]), ("0", "1", "2", "3"), [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]),
        ((["b", "a10"], [], ["a2"]), ("a2", "a10", "b"), [[0, 1, 1], [0, 0, 0], [1, 0, 0]]),
        ((["only"], []), ("only",), [[1], [0]]),
    ],
)
def test_tags(tmp_path: Path, labels: tuple[object, ...], classes: tuple[str, ...], values: list[list[int]]) -> None:
    tagged(tmp_path / "a.tar", *labels)
    found = raw_of('webdataset("a.tar")', tmp_path)
    assert (found.task.name, found.classes) == ("multi-label", classes)
    assert isinstance(found.train.labels, torch.Tensor) and found.train.labels.dtype == torch.float32
    assert found.train.labels.tolist() == values


def test_tags_that_are_measured_are_learned(tmp_path: Path) -> None:
    tagged(tmp_path / "a.tar", ["x"], ["y"])
    tagged(tmp_path / "b.tar", ["x", "z"])
    test = raw_of('webdataset("a.tar", test="b.tar")', tmp_path).test
    assert isinstance(test, SpeccError) and test.code == "E407" and "do not have: z" in test.message


@pytest.mark.parametrize(
    ("labels", "more", "messages"),
    [
        (([1, 0, 1], [0, 1, 0]), {}, ["a.tar/0 has `labels` with 1 in it twice", "lists the tags that an image has"]),
        (([0, 1], [1, 0]), {}, ["every sample beside", "has all 2 tags", "not 0 or 1 for each tag"]),
        (([1], [2]), {"cls": b"1"}, ["a.tar/0 has `labels`, and another label beside them"]),
        ((3, ["a"]), {}, ["a.tar/0 has `labels` that are no list"]),
        (([True], [-1]), {}, ["a.tar/0 has `labels` of which one is neither", "a.tar/1 has `labels` of which one"]),
        (([], []), {}, ["no sample beside", "has a tag"]),
        ((["a"], [1]), {}, ["have numbers and names as labels"]),
    ],
)
def test_odd_tags_are_named(
    tmp_path: Path, labels: tuple[object, ...], more: dict[str, bytes], messages: list[str]
) -> None:
    tagged(tmp_path / "a.tar", *labels, **more)
    found = refused_raw("E412", 'webdataset("a.tar")', tmp_path)
    assert all(message in found for message in messages), found


def test_all_samples_have_tags_or_none_has(tmp_path: Path) -> None:
    image = {"1.png": picture(1), "1.cls": b"1", "2.png": picture(2), "2.json": b'{"labels": [1]}'}
    write_shard(tmp_path / "a.tar", image)
    assert "1 of 2 samples beside" in refused_raw("E412", 'webdataset("a.tar")', tmp_path)


@pytest.mark.parametrize("ending", sorted(SUFFIXES))
def test_images_are_known_by_the_endings_that_folders_know(tmp_path: Path, ending: str) -> None:
    write_shard(tmp_path / "a.tar", {f"1{ending}": picture(1), "1.cls": b"0", f"2{ending}": picture(2), "2.cls": b"1"})
    assert len(raw_of('webdataset("a.tar")', tmp_path).train.images) == 2
