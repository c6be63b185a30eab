"""Published weights: downloaded once, their hash held; from a publisher that the tests play themselves."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specc.backend.run.published import Published, named_hash, obtain_weights
from specc.errors import SpeccError
from tests.helpers.publisher import Publisher, publishing
from tests.helpers.tiny_data import levels

CONTENT = levels(300_000).tobytes()
OTHER = CONTENT[::-1]
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of the file; the user's cache is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with publishing(monkeypatch, CONTENT) as address:
        yield f"{address}/models/net.pth?download=true"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("sha256", [None, SHA256[:8], SHA256])
def test_weights_are_downloaded_once(url: str, tmp_path: Path, sha256: str | None) -> None:
    found = obtain_weights(url, sha256)
    assert found == obtain_weights(url, sha256) == obtain_weights(url) and found.sha256 == SHA256
    assert found.path.read_bytes() == CONTENT and len(Publisher.asked) == 1
    port = url.split("/")[2].partition(":")[2]
    assert found.path == tmp_path / f"cache/specc/weights/127.0.0.1_{port}/models/net.pth"
    assert (found.path.parent / "net.pth.sha256").read_text() == f"{SHA256}  net.pth\n"
    assert names(found.path.parent) == {"net.pth", "net.pth.sha256"}


def test_a_file_with_another_hash_is_not_kept(url: str, tmp_path: Path) -> None:
    with pytest.raises(SpeccError, match=f"its SHA-256 is {SHA256}, but 01234567 is published") as caught:
        obtain_weights(url, "01234567", tmp_path / "own")
    assert caught.value.code == "E496" and not (tmp_path / "own").exists()


@pytest.mark.parametrize("sha256", [None, SHA256])
def test_a_file_that_has_changed_is_not_used(url: str, tmp_path: Path, sha256: str | None) -> None:
    path = obtain_weights(url, sha256, tmp_path).path
    path.write_bytes(OTHER)
    for _ in range(2):
        with pytest.raises(SpeccError, match="has the SHA-256") as caught:
            obtain_weights(url, sha256, tmp_path)
        assert caught.value.code == "E496" and SHA256 in caught.value.message and str(path) in caught.value.help
    path.unlink()
    assert obtain_weights(url, sha256, tmp_path).sha256 == SHA256


def test_a_file_put_there_by_hand_is_held_as_well(url: str, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert obtain_weights(url, SHA256[:8], tmp_path) == Published(tmp_path / "net.pth", SHA256)
    (tmp_path / "net.pth").write_bytes(OTHER)
    with pytest.raises(SpeccError, match="is published"):
        obtain_weights(url, SHA256[:8], tmp_path)
    assert Publisher.asked == []


def break_off(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, sha256: str | None = None) -> None:
    """A download that ends after 200,000 bytes."""
    monkeypatch.setattr(Publisher, "short", 100_000)
    with pytest.raises(SpeccError, match="broke off after 200,000 of 300,000 bytes") as caught:
        obtain_weights(url, sha256, folder)
    assert caught.value.code == "E497" and url in caught.value.help and str(folder / "net.pth") in caught.value.help
    assert not (folder / "net.pth").exists()
    monkeypatch.setattr(Publisher, "short", 0)


def test_it_resumes_if_the_file_is_the_same(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(url, tmp_path, monkeypatch)
    assert obtain_weights(url, None, tmp_path).sha256 == SHA256
    assert Publisher.asked == [(None, None), ("bytes=200000-", '"one"')]
    assert names(tmp_path) == {"net.pth", "net.pth.sha256"}


def test_a_new_version_begins_anew(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(url, tmp_path, monkeypatch)
    monkeypatch.setattr(Publisher, "content", OTHER)
    monkeypatch.setattr(Publisher, "tag", '"two"')
    monkeypatch.setattr(Publisher, "short", 250_000)
    with pytest.raises(SpeccError, match="broke off after 50,000"):
        obtain_weights(url, None, tmp_path)
    monkeypatch.setattr(Publisher, "short", 0)
    assert obtain_weights(url, None, tmp_path).path.read_bytes() == OTHER
    assert Publisher.asked[-1] == ("bytes=50000-", '"two"'), "nothing of the old version is left"


@pytest.mark.parametrize("tag", ["", 'W/"one"', "one", '"' + "x" * 1000 + '"'])
def test_without_a_strong_tag_it_begins_anew(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    monkeypatch.setattr(Publisher, "tag", tag)
    break_off(url, tmp_path, monkeypatch)
    assert obtain_weights(url, None, tmp_path).sha256 == SHA256
    assert Publisher.asked == [(None, None)] * 2 and names(tmp_path) == {"net.pth", "net.pth.sha256"}


def test_with_a_hash_it_resumes_without_a_tag(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "tag", "")
    break_off(url, tmp_path, monkeypatch, SHA256)
    assert obtain_weights(url, SHA256, tmp_path).sha256 == SHA256
    assert Publisher.asked[-1:] == [("bytes=200000-", None)]
    (tmp_path / "net.pth").unlink()
    break_off(url, tmp_path, monkeypatch, SHA256)
    monkeypatch.setattr(Publisher, "content", OTHER)
    with pytest.raises(SpeccError, match="is published"):
        obtain_weights(url, SHA256, tmp_path)
    assert names(tmp_path) == set() and Publisher.asked[-1:] == [(None, None)], "the part may have been what was wrong"


def test_a_publisher_without_ranges_begins_anew(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(url, tmp_path, monkeypatch)
    monkeypatch.setattr(Publisher, "takes_ranges", False)
    assert obtain_weights(url, None, tmp_path).sha256 == SHA256


def test_a_length_that_nobody_says(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "says_length", False)
    with pytest.raises(SpeccError, match="does not say how long it is"):
        obtain_weights(url, None, tmp_path)
    assert obtain_weights(url, SHA256, tmp_path).sha256 == SHA256


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:9/net.pth", "refused"),
        ("file:///etc/net.pth", "not an address on the web"),
        ("{}/../none", "Not Found"),
        ("{}/", "names no file"),
        ("{}/..", "names no file"),
    ],
)
def test_what_cannot_be_had(url: str, tmp_path: Path, address: str, why: str) -> None:
    address = address.format(url.rpartition("/")[0])
    with pytest.raises(SpeccError, match=why) as caught:
        obtain_weights(address)
    assert caught.value.code == "E497" and address in caught.value.help
    assert not (tmp_path / "cache").exists()


def test_no_address_leads_out_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for path in ("../../x", "a/..%2f..", ".hidden/./..", "a b\n/c"):
        with pytest.raises(SpeccError) as caught:
            obtain_weights(f"http://127.0.0.1:9/{path}/net.pth")
        assert f"looked in {tmp_path}/specc/weights/127.0.0.1_9" in caught.value.message
        assert "/../" not in caught.value.message.partition("looked in")[2]


def test_several_at_once(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(url, tmp_path, monkeypatch)
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: obtain_weights(url, None, tmp_path), range(4)))
    assert found == {Published(tmp_path / "net.pth", SHA256)} and names(tmp_path) == {"net.pth", "net.pth.sha256"}


def test_a_folder_that_takes_nothing(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpeccError, match="Not a directory") as caught:
        obtain_weights(url, None, tmp_path / "file" / "folder")
    assert caught.value.code == "E497"


def test_the_hash_in_a_name() -> None:
    assert named_hash("https://download.pytorch.org/models/resnet50-0676ba61.pth") == "0676ba61"
    assert named_hash("https://example.org/resnet50-v2.pth?hash=-0676ba61.pth") is None


def test_an_old_part_of_nobody_is_swept(url: str, tmp_path: Path) -> None:
    for name in (".net.pth.old.part", ".net.pth.old.etag"):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, 0))
    obtain_weights(url, None, tmp_path)
    assert names(tmp_path) == {"net.pth", "net.pth.sha256"}
