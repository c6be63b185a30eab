"""The emitted source of a spec, as a fixture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.check import check
from specc.source import Source
from tests.helpers.emitted import Emitted


@pytest.fixture
def emitted(tmp_path: Path) -> Callable[..., Emitted]:
    """`emitted(text)` or `emitted(text, variant=…, sets=…)`."""

    def call(text: str, name: str = "net.cnn", **how: Any) -> Emitted:
        return Emitted(check(Source(name, text), **how), tmp_path)

    return call
