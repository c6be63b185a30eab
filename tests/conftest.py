"""What every test may use."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

# Two cores are shared with whatever else runs; tiny tensors gain nothing from threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("specc", deadline=None, derandomize=True, database=None)
settings.load_profile("specc")


class Answer(NamedTuple):
    """What a command line gave."""

    status: int
    out: str
    err: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-pages", action="store_true", help="write what specc prints into specc/pages")


@pytest.fixture
def specc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command line in this process: `specc("ops", "conv").status`."""
    from specc.cli.app import run

    def call(*arguments: str | Path) -> Answer:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Answer(status, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def examples() -> Path:
    return Path(__file__).parent.parent / "examples"
