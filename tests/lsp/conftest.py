"""One server for the tests of a worker, and others where a test needs another kind of client."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Callable[..., Editor]]:
    """Starts an editor with other settings."""
    editors: list[Editor] = []

    def start(**how: Any) -> Editor:
        editors.append(Editor(tmp_path, **how))
        return editors[-1]

    yield start
    assert [one.leave() for one in editors] == [0] * len(editors)


@pytest.fixture
def example() -> Callable[[str], str]:
    """The text of an example."""
    return lambda name: (EXAMPLES / f"{name}.cnn").read_text("utf-8")
