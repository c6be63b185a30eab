"""Where data sets are looked for, and what is said when they are nowhere."""

import errno
import gzip
from pathlib import Path
from types import SimpleNamespace

import pytest
from torch import Tensor

from specc.backend.data.places import places
from specc.files import cache_folder
from tests.helpers.tiny_data import images_of, read, refused, write_mnist


def test_the_places_in_their_order(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECC_DATA", str(tmp_path / "env"))
    assert places(tmp_path / "given") == [tmp_path / "given", tmp_path / "env", cache]
    assert places(None) == [tmp_path / "env", cache]
    assert places(tmp_path / "env") == [tmp_path / "env", cache]


def test_the_cache_directory_follows_the_system_s_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert cache_folder() == Path("/home/ada/.cache/specc")


def test_the_first_place_that_has_all_files_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path / "one", train=30)
    write_mnist(tmp_path / "two", train=20)
    monkeypatch.setenv("SPECC_DATA", str(tmp_path / "two"))
    assert len(read("fashion_mnist", data_dir=tmp_path / "one").train) == 30
    (tmp_path / "one" / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert len(read("fashion_mnist", data_dir=tmp_path / "one").train) == 20


def test_the_error_says_what_is_wanted_where_it_was_looked_for_and_where_to_get_it(tmp_path: Path, cache: Path) -> None:
    folder = write_mnist(tmp_path, "mnist")
    (folder / "train-images-idx3-ubyte.gz").unlink()
    found = refused("E401", "mnist", data_dir=tmp_path)
    assert "wanted: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images" in found
    assert f"looked in {folder}: holds some of them, but lacks train-images-idx3-ubyte" in found
    assert f"looked in {cache / 'mnist'}: holds none of them" in found
    assert "fetching it failed" in found and "https://" in found and "--data-dir" in found
    assert not cache.exists()  # nothing was written


@pytest.mark.parametrize(
    ("source", "url", "folder"),
    [
        ("cifar10", "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "cifar-10-batches-bin"),
        ("cifar100", "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "cifar-100-binary"),
        ("fashion_mnist", "train-images-idx3-ubyte.gz", "fashion-mnist"),
    ],
)
def test_every_source_says_where_to_get_it(tmp_path: Path, source: str, url: str, folder: str) -> None:
    found = refused("E401", source, data_dir=tmp_path)
    assert url in found and f"looked in {tmp_path / folder}" in found


def test_a_folder_in_the_place_of_a_file_does_not_count(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path)
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    (folder / "t10k-images-idx3-ubyte").mkdir()
    assert "lacks t10k-images-idx3-ubyte" in refused("E401", "fashion_mnist", data_dir=tmp_path)


def test_digits_need_nothing() -> None:
    data = read("digits")
    assert data.shape == (1, 8, 8) and len(data.train) + len(data.validation) == 1797
    assert data.validation.labels.bincount().tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert images_of(data.train).max() == 255 and images_of(data.train).min() == 0
    assert read("digits", "seed = 5").hash == data.hash


def test_digits_are_scikit_learn_s() -> None:
    import numpy as np
    from sklearn.datasets import load_digits

    from specc.backend.data.digits import read_digits
    from specc.backend.data.places import Where
    from specc.backend.data.raw import Part
    from specc.values import Args

    digits, raw = load_digits(), read_digits(Args(), Where())
    assert isinstance(raw.test, Part)
    test = np.zeros(1797, dtype=bool)
    for label in range(10):
        test[np.flatnonzero(digits.target == label)[4::5]] = True
    for part, mask in ((raw.train, ~test), (raw.test, test)):
        assert isinstance(part.images, Tensor) and isinstance(part.labels, Tensor)
        assert part.labels.tolist() == digits.target[mask].tolist()
        assert (part.images.numpy()[:, 0] == np.rint(digits.images[mask] * 255 / 16)).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged: it is truncated"),
        (b"0,1,2\n", "is damaged: Error -3"),
        (gzip.compress(b"0,1,2\n3,4\n", mtime=0), "is damaged: the number of columns changed"),
        (gzip.compress(b"0,1,999\n", mtime=0), "is damaged: could not convert string"),
        (gzip.compress(b"0,1,2\n", mtime=0), "does not hold the digits that are known"),
        (gzip.compress(bytes(50_000_000), mtime=0), "is damaged: it unpacks to more than it should"),
    ],
)
def test_damaged_digits_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    path = tmp_path / "datasets" / "data" / "digits.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr("specc.backend.data.digits.find_spec", lambda name: package)
    assert f"{path} {message}" in refused("E402", "digits")


def test_a_place_that_may_not_be_looked_into_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_file", locked)
    assert f"{tmp_path / 'mnist'} cannot be read: Permission denied" in refused("E410", "mnist", data_dir=tmp_path)
