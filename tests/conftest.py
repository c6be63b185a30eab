"""What every test may use."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

# One thread each: tests run on every core, and tiny tensors gain nothing from threads. Child processes inherit it.
is_counted = os.environ.get("OMP_NUM_THREADS") == "1"
assert is_counted or "torch" not in sys.modules, "torch is imported before its threads are counted"
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

# No test sees what another has decoded; those of what is kept say where.
os.environ["SPECC_CACHE"] = "off"

# Compiled modules are kept, whatever the environment says: hundreds of processes would compile the package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

pytest.register_assert_rewrite("tests.helpers")
from tests.helpers.forked import Forks  # noqa: E402 - once its asserts are rewritten
from tests.helpers.thorough import HEADER  # noqa: E402 - it sets the seed before there are workers

settings.register_profile("specc", deadline=None, derandomize=True, database=None)
settings.load_profile("specc")


class Answer(NamedTuple):
    """What a command line gave."""

    status: int
    out: str
    err: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-pages", action="store_true", help="write what specc prints into specc/pages")


def pytest_report_header() -> str:
    return f"tries {HEADER}"


def pytest_collection_finish() -> None:
    """The collected tests live until the end: no garbage collection needs to walk them, nor to run as often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """A test may take more threads; the next one has a single thread again."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


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


@pytest.fixture(scope="session")
def front_forks() -> Iterator[Forks]:
    """Processes for the commands that need no PyTorch."""
    forks = Forks(everything=False)
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Processes for all commands."""
    forks = Forks(everything=True)
    yield forks
    forks.close()
