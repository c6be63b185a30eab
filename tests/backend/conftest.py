"""Fixtures for tests of the back end; what they give is in tests/helpers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specc.backend.engine.trainer import Trainer
from specc.ir.graph import Graph
from tests.helpers.graphs import make_chain, make_graph
from tests.helpers.small_run import PER_EPOCH, begin
from tests.helpers.tiny_training import Recorder
from tests.helpers.tiny_training import make_trainer as make_tiny_trainer


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., Graph]:
    return make_graph


@pytest.fixture(scope="session")
def chain() -> Callable[..., Graph]:
    return make_chain


@pytest.fixture
def make_trainer() -> Callable[..., Trainer]:
    return make_tiny_trainer


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    outcome = begin(out=tmp_path_factory.mktemp("straight") / "run")
    assert outcome.status == 0 and outcome.step == 2 * PER_EPOCH
    return outcome.path


@pytest.fixture
def copied(straight: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    import shutil

    return Path(shutil.copytree(straight, tmp_path / "copy"))
