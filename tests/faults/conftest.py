"""The driver and a run that was never stopped, shared by all tests here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.faults import Driver


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    made = Driver(tmp_path_factory.mktemp("faults"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def straight(driver: Driver) -> Path:
    """A run that was never stopped."""
    run = driver.folder / "straight"
    assert driver.train(run, export=True) == 0
    return run
