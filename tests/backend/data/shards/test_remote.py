"""Shards from elsewhere: fetched ahead, tried again, verified, and kept in a cache of a size that several may share."""

import errno
import hashlib
import importlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch

from specc.backend.data.batches import TrainingBatches
from specc.backend.data.shards import cache as caches
from specc.backend.data.shards import remote
from specc.backend.data.shards.cache import Cache
from specc.backend.data.shards.remote import Remote
from specc.errors import SpeccError
from tests.helpers.packing import CPU, assert_same, packed, shards_of
from tests.helpers.tiny_data import read, write_folder

URL = "memory://bucket/set"
FULL, WINDOW = f'packed("{URL}")', f'packed("{URL}", window=2)'
SPLIT = "validation = split(10)"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("remote")
    write_folder(place / "f", each=12, classes=3)
    packed('folder("f")', place / "sh", base=place)
    return place


@pytest.fixture
def bucket(local: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A storage in memory that holds the shards."""
    monkeypatch.setattr(remote, "WAIT", 0.001)
    files = fsspec.filesystem("memory")
    for path in (local / "sh").iterdir():
        files.pipe_file(f"/bucket/set/{path.name}", path.read_bytes())
    yield files
    files.rm("/bucket", recursive=True)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were asked for, in order."""
    names: list[str] = []
    chunks = Remote.chunks

    def counted(self: Remote, name: str, most: int) -> Iterator[bytes]:
        names.append(name)
        return chunks(self, name, most)

    monkeypatch.setattr(Remote, "chunks", counted)
    return names


def shard_names(names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".tar")]


def refused(code: str, source: str = FULL, **how: Any) -> str:
    with pytest.raises(SpeccError) as caught:
        read(source, SPLIT, **how)
    assert (caught.value.code, caught.value.status) == (code, 2), caught.value.message
    return f"{caught.value.message}\n{caught.value.help}"


def sizes(cache: Path) -> int:
    """The bytes of the files in a cache that others write to meanwhile."""
    total = 0
    for path in (cache / "shards").iterdir():
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


@pytest.mark.usefixtures("bucket")
def test_what_comes_from_elsewhere_is_what_lies_here(local: Path, cache: Path, fetched: list[str]) -> None:
    here = read('packed("sh")', SPLIT, base=local)
    for source, memory in ((FULL, None), (FULL, 0), (WINDOW, 0)):
        there = read(source, SPLIT, memory=memory)
        assert_same(here, there)
        assert here.hash == there.hash
        (note,) = (note for note in there.notes if URL in note)
        assert str(cache / "shards") in note and "at most" in note
    assert sorted(shard_names(fetched)) == sorted({path.name for path in shards_of(local / "sh")})  # each once
    assert fetched.count("index.json") == 3
    assert not list((cache / "shards").glob(".*.part")) and not list((cache / "shards").glob(".?*.lock"))


@pytest.fixture
def server(local: Path) -> Iterator[tuple[str, Callable[[int], None]]]:
    """The address of a web server on loopback, and what makes it refuse the next requests."""
    failing = [0]

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if failing[0]:
                failing[0] -= 1
                self.send_error(503)
            else:
                super().do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(local)))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{web.server_port}/sh", partial(failing.__setitem__, 0)
    web.shutdown()
    web.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_web_server(local: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(remote, "WAIT", 0.001)
    url, fail = server
    fail(3)
    assert_same(read('packed("sh")', SPLIT, base=local), read(f'packed("{url}")', SPLIT, memory=0))
    message = refused("E523", f'packed("{url}x")')
    assert "index.json cannot be read: it is not there" in message


@pytest.mark.usefixtures("bucket")
def test_what_fails_is_tried_again_and_then_named(monkeypatch: pytest.MonkeyPatch, fetched: list[str]) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    chunks, left = Remote.chunks, [4]

    def broken(self: Remote, name: str, most: int) -> Iterator[bytes]:
        if name == "train-000002.tar" and left[0]:
            left[0] -= 1
            yield b"half"
            raise ConnectionError("the line went dead\nTraceback")
        yield from chunks(self, name, most)

    monkeypatch.setattr(Remote, "chunks", broken)
    read(FULL, SPLIT)
    assert waits == [0.001, 0.002, 0.004, 0.008]
    left[0] = 9
    for path in Cache().folder.iterdir():
        path.unlink()
    message = refused("E523")
    assert f"{URL}/train-000002.tar cannot be read, 5 times: the line went dead\n" in message
    assert "Traceback" not in message


def test_what_is_not_there_is_not_asked_for_twice(bucket: Any, fetched: list[str]) -> None:
    bucket.rm("/bucket/set/train-000001.tar")
    assert "train-000001.tar cannot be read: it is not there" in refused("E523")
    assert fetched.count("train-000001.tar") == 1


def test_other_content_is_fetched_again_and_then_named(bucket: Any, cache: Path, fetched: list[str]) -> None:
    name = "/bucket/set/train-000001.tar"
    whole = bucket.cat_file(name)
    for content in (whole[:-1] + b"x", whole[:5000]):
        bucket.pipe_file(name, content)
        fetched.clear()
        assert "train-000001.tar has the SHA-256" in refused("E524")
        assert fetched.count("train-000001.tar") == 2
    bucket.pipe_file(name, whole + b"more")
    assert "it has more than" in refused("E523")
    assert not list((cache / "shards").glob(".*.part"))
    bucket.pipe_file(name, whole)
    bucket.pipe_file("/bucket/set/train-000003.json", b"{}")
    for path in (cache / "shards").iterdir():
        path.unlink()
    assert "train-000003.json has the SHA-256" in refused("E524")


@pytest.mark.usefixtures("bucket")
def test_a_copy_that_was_damaged_in_the_cache_is_fetched_again(local: Path, fetched: list[str]) -> None:
    data = read(FULL, SPLIT, memory=0)
    index = torch.arange(len(data.train))
    before = data.train.gather(index, CPU)
    for path in shards_of(local / "sh"):
        copy = Cache().path(hashlib.sha256(path.read_bytes()).hexdigest())
        copy.write_bytes(bytes(copy.stat().st_size))
    fetched.clear()
    assert torch.equal(data.train.gather(index, CPU), before)
    assert sorted(shard_names(fetched)) == [path.name for path in shards_of(local / "sh")]


@pytest.mark.usefixtures("bucket")
def test_a_reader_that_comes_late_removes_no_copy_that_was_fetched_again(local: Path, fetched: list[str]) -> None:
    cache = Cache()
    (path, *_) = shards_of(local / "sh")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for _ in range(2):
        cache.get(Remote(URL), path.name, digest, path.stat().st_size)
        cache.path(digest).write_bytes(bytes(path.stat().st_size))
        cache.drop(digest)
    cache.get(Remote(URL), path.name, digest, path.stat().st_size)
    cache.drop(digest)  # of another thread, which has read the damaged one
    cache.get(Remote(URL), path.name, digest, path.stat().st_size)
    assert fetched == [path.name] * 3
    assert not list(cache.folder.glob(".*.lock"))


@pytest.mark.usefixtures("bucket")
def test_the_cache_keeps_to_its_size(
    local: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, fetched: list[str]
) -> None:
    each = max(path.stat().st_size for path in shards_of(local / "sh"))
    monkeypatch.setattr(caches, "TOUCHED", 0)
    whole = sum(path.stat().st_size for path in shards_of(local / "sh"))
    most = 5 * each + 60_000  # and the tables
    assert most < whole
    monkeypatch.setenv("SPECC_CACHE_SIZE", str(most))
    data = read(WINDOW, SPLIT)
    batches, most_seen = TrainingBatches(data.train, 4, 0, CPU), 0
    expected = TrainingBatches(read('packed("sh", window=2)', SPLIT, base=local).train, 4, 0, CPU)
    for epoch in range(2):
        for number in range(batches.count):
            assert torch.equal(batches.at(epoch, number).images, expected.at(epoch, number).images)
            most_seen = max(most_seen, sizes(cache))
    assert each < most_seen <= most + each  # one may go and another come while they are counted
    count = len(shards_of(local / "sh"))
    assert count <= len(shard_names(fetched)) <= 4 * count  # in each epoch about once, and ahead of the next


@pytest.mark.usefixtures("bucket")
def test_a_cache_that_is_too_small_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where nothing comes that an earlier test still reads ahead
    monkeypatch.setenv("SPECC_CACHE_SIZE", "30kB")
    message = refused("E525")
    assert "may take 30 kB, and a full shuffle needs all of it at once" in message
    assert "window=…" in message and "SPECC_CACHE_SIZE=500GB" in message
    assert "window = 2 needs" in refused("E525", WINDOW)
    sizes = [path.stat().st_size for path in (tmp_path / "specc" / "shards").iterdir()]
    assert max(sizes) < 1000  # what tells of each shard, and no shard
    monkeypatch.setenv("SPECC_CACHE_SIZE", "plenty")
    assert "'plenty', which is not an amount of bytes" in refused("E526")


def blob(seed: int) -> tuple[str, bytes]:
    content = bytes([seed]) * 1000
    return hashlib.sha256(content).hexdigest(), content


def stored(bucket: Any, count: int) -> list[str]:
    for seed in range(count):
        bucket.pipe_file(f"/bucket/set/{seed}", blob(seed)[1])
    return [blob(seed)[0] for seed in range(count)]


def test_what_was_not_used_for_the_longest_time_goes_first(bucket: Any, tmp_path: Path) -> None:
    digests, far = stored(bucket, 5), Remote(URL)
    store = Cache(tmp_path / "c", 3000)
    for seed in range(3):
        store.get(far, str(seed), digests[seed], 1000)
        os.utime(store.path(digests[seed]), (seed, seed))
    other = Cache(tmp_path / "c", 3000)
    other.get(far, "0", digests[0], 1000)  # used again
    other.get(far, "3", digests[3], 1000)
    assert [store.path(digest).exists() for digest in digests] == [True, False, True, True, False]
    store.get(far, "4", digests[4], 1000)
    assert [store.path(digest).exists() for digest in digests] == [True, False, False, True, True]
    with pytest.raises(SpeccError, match="a shard takes 1 kB, but the cache"):
        Cache(tmp_path / "c", 999).get(far, "1", digests[1], 1000)


def test_what_a_killed_process_left_goes_once_it_is_old(bucket: Any, tmp_path: Path) -> None:
    digests, store = stored(bucket, 2), Cache(tmp_path / "c", 2000)
    old, young = tmp_path / "c/.a.part", tmp_path / "c/.b.part"
    for path in (old, young):
        path.write_bytes(bytes(900))
    long_ago = time.time() - 2 * caches.STALE
    os.utime(old, (long_ago, long_ago))
    store.get(Remote(URL), "0", digests[0], 1000)
    assert not old.exists() and young.exists()


def test_several_ask_for_one_shard_and_it_is_fetched_once(bucket: Any, tmp_path: Path, fetched: list[str]) -> None:
    digests, far = stored(bucket, 1), Remote(URL)
    opened = [Cache(tmp_path / "c", 5000) for _ in range(6)]  # as of so many processes
    threads = [threading.Thread(target=one.get, args=(far, "0", digests[0], 1000)) for one in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened[0].path(digests[0]).read_bytes() == blob(0)[1]
    assert fetched == ["0"]


def test_a_full_disk(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = stored(bucket, 1)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(SpeccError) as caught:
        Cache(tmp_path / "c", 5000).get(Remote(URL), "0", digests[0], 1000)
    assert caught.value.code == "E525" and "No space left on device" in caught.value.message
    assert [path.name for path in (tmp_path / "c").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("url", "missing", "code", "phrase"),
    [
        ("s3://bucket/set", "s3fs", "E520", 'pip install "specc-cnn[remote]" s3fs'),
        ("memory://x", "fsspec", "E520", 'pip install "specc-cnn[remote]"'),
        ("foo://x", "", "E403", "Protocol not known"),
    ],
)
def test_what_nothing_here_reads(
    url: str, missing: str, code: str, phrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = importlib.import_module

    def without(name: str, *arguments: Any) -> Any:
        if missing == "fsspec" and name.startswith("fsspec"):
            raise ImportError(name)
        return load(name, *arguments)

    monkeypatch.setattr(importlib, "import_module", without)
    if missing == "s3fs":
        monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url: (_ for _ in ()).throw(ImportError("Install s3fs")))
    assert phrase in refused(code, f'packed("{url}")')


def test_an_address_of_this_machine_is_a_path(local: Path) -> None:
    there = read(f'packed("file://{local}/sh")', SPLIT)
    assert_same(read('packed("sh")', SPLIT, base=local), there)
    assert not any("cache" in note for note in there.notes)
