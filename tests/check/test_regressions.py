"""Texts that once brought the checker down, or took too long: what fuzzing finds is kept in `regressions`."""

from pathlib import Path

import pytest

from tests.helpers.surviving import survives

FILES = sorted((Path(__file__).parent / "regressions").glob("*.cnn"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_survives(file):
    survives(file.read_bytes().decode("utf-8", "replace"))
