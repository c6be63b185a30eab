"""Paths that are not UTF-8, as old disks have them: specs and images are read from there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.tiny_data import read, write_folder


@pytest.mark.skipif(not Path("/proc").exists(), reason="file names are bytes on Linux")
def test_specs_and_images(specc: Callable[..., Any], tmp_path: Path) -> None:
    place = tmp_path / b"caf\xe9".decode("utf-8", "surrogateescape")
    write_folder(place / "data", classes=2, each=5)
    first = min((place / "data" / "class0").iterdir())
    first.rename(first.with_name(b"\xff.png".decode("utf-8", "surrogateescape")))
    spec = place / "net.cnn"
    spec.write_text('data { source = folder("data") }\nnetwork N { input(3, 6x5); flatten -> dense(2) }\n')
    assert specc("check", spec).status == 0
    data = read('folder("data")', base=place)
    assert len(data.train) + len(data.validation) == 10
