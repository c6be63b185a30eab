"""Damaged and hostile inputs: each is met by its own error, soon, with nothing written and nothing left hanging."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.check import check
from specc.errors import SpeccError
from specc.render import render_error
from specc.source import Source
from tests.helpers.surviving import too_long

SECONDS = 1  # of processor time


def contents(folder: Path) -> dict[Path, tuple[int, int]]:
    """Everything below a folder: its size and when it was changed."""
    found = {path: path.lstat() for path in folder.rglob("*")} if folder.exists() else {}
    return {path: (status.st_size, status.st_mtime_ns) for path, status in found.items()}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache directory, without data; no publisher can be reached."""
    home = tmp_path_factory.mktemp("home")

    def unreachable(*args: object, **kwargs: object) -> None:
        raise TimeoutError("no network in tests")

    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.delenv("SPECC_DATA", raising=False)
    monkeypatch.setattr("specc.backend.data.download.urlopen", unreachable)
    check(Source("net.cnn", "network N { input(1, 2x2); flatten }"))  # the parser keeps its tables there
    return home


@pytest.fixture
def meets(tmp_path: Path, cache: Path) -> Callable[..., None]:
    """`meets("E402", "is truncated", call)`: the call raises that error, in time, and writes nothing."""

    def meet(code: str, phrase: str, call: Callable[[], Any]) -> None:
        before = contents(tmp_path), contents(cache)
        start = time.process_time()
        with pytest.raises(SpeccError) as caught:
            call()
        seconds = time.process_time() - start
        message = render_error(caught.value.code, caught.value.message, caught.value.help)
        assert caught.value.code == code, message
        assert phrase in message
        assert all(character.isprintable() for line in message.splitlines() for character in line)
        assert (contents(tmp_path), contents(cache)) == before
        assert not too_long(seconds, SECONDS)

    return meet
