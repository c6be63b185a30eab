"""No test of a reader looks into the real places, or asks the network."""

from pathlib import Path

import pytest

from specc.backend.data import download


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache directory, empty; no other place is known, and no publisher can be reached."""
    home = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.delenv("SPECC_DATA", raising=False)

    def unreachable(*args: object, **kwargs: object) -> None:
        raise TimeoutError("no network in tests")

    monkeypatch.setattr(download, "urlopen", unreachable)
    return home / "specc"
