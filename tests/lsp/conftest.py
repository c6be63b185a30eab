"""One server for the tests of a worker, and another one for those that need another kind of client."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.editor import Editor

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    one = Editor(tmp_path_factory.mktemp("editor"))
    yield one
    maps = Path(f"/proc/{one.process.pid}/maps")
    if maps.exists():  # Linux: the libraries that the process has loaded
        assert not any(name in maps.read_text() for name in ("/torch/", "/onnx", "/numpy/"))
    assert one.leave() == 0
    assert not one.messages


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor that counts bytes, has commands of its own, and is set otherwise."""
    settings = {"hints": "all", "variant": "wide", "commands": ["specc.show", "specc.train"]}
    one = Editor(tmp_path_factory.mktemp("other"), encoding="utf-8", settings=settings)
    yield one
    assert one.leave() == 0
    assert not one.messages


@pytest.fixture
def example() -> Callable[[str], str]:
    """The text of an example."""
    return lambda name: (EXAMPLES / f"{name}.cnn").read_text("utf-8")
