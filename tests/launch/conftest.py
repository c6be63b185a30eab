"""The spec that is trained, and a run of it that one process trained without a stop."""

from pathlib import Path

import pytest

from specc.backend.train.job import train
from specc.check import check
from specc.source import Source
from tests.helpers.launched import write_spec


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launch")
    write_spec(folder)
    return folder


@pytest.fixture(scope="session")
def straight(folder: Path) -> Path:
    spec = check(Source(str(folder / "small.cnn"), (folder / "small.cnn").read_text()))
    return train(spec, out=folder / "straight", device="cpu", base=folder, quiet=True).path
