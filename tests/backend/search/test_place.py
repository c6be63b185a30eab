"""The folder of a search belongs to the spec that it began with."""

from pathlib import Path

import pytest

from specc.backend.search.job import opened
from specc.backend.search.journal import Journal
from specc.backend.search.place import begin
from specc.errors import SpeccError
from tests.helpers.fake_search import SPEC


def test_a_spec_that_was_changed_is_not_searched_any_further(tmp_path: Path) -> None:
    begin(tmp_path, Journal(tmp_path), {"figure": "accuracy", "seeds": [0]}, SPEC)
    assert opened(tmp_path).head["format"] == 1
    (tmp_path / "spec.cnn").write_text(SPEC.replace("search {", "# what is searched\nsearch {"))
    with pytest.raises(SpeccError, match="is not the spec that this search began with") as error:
        opened(tmp_path)
    assert error.value.code == "E516" and "take back what was changed" in error.value.help
    (tmp_path / "spec.cnn").unlink()
    with pytest.raises(SpeccError, match="cannot be read: No such file") as error:
        opened(tmp_path)
    assert error.value.code == "E474"
