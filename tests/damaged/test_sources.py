"""Every damaged data source is met by its own error, before anything is trained."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.damaged_sources import SOURCES, Case, digits
from tests.helpers.tiny_data import read


@pytest.mark.parametrize("case", SOURCES, ids=lambda case: case.name)
def test_a_source(case: Case, tmp_path: Path, meets: Callable[..., None]) -> None:
    case.make(tmp_path)
    meets(case.code, case.phrase, lambda: read(case.source, base=tmp_path, data_dir=tmp_path))


def test_digits_that_explode(tmp_path: Path, meets: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    digits(tmp_path)
    package = type("Package", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr("specc.backend.data.digits.find_spec", lambda name: package)
    meets("E402", "digits.csv.gz is damaged: it unpacks to more than it should", lambda: read("digits"))
