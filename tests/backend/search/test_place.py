"""The folder of a search belongs to the spec that it began with."""

from pathlib import Path

import pytest

from specc.backend.search.job import bind_storage, opened
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


def test_a_storage_that_did_not_answer_binds_nothing(tmp_path: Path) -> None:
    """A search belongs to a storage from its first trial on."""
    begin(tmp_path, Journal(tmp_path), {"figure": "accuracy", "seeds": [0], "storage": "postgresql://wrong/db"}, SPEC)
    bind_storage(opened(tmp_path), "postgresql://me:secret@right/db")
    assert opened(tmp_path).head["storage"] == "postgresql://me@right/db"
    journal = opened(tmp_path)
    journal.write("suggested", trial=1, values=[], drawn={}, parameters=None, macs=None, same_as=None)
    bind_storage(opened(tmp_path), "postgresql://me:secret@right/db")
    with pytest.raises(SpeccError, match="begun in the storage postgresql://me@right/db") as error:
        bind_storage(opened(tmp_path), None)
    assert error.value.code == "E516"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_journal_with_numbers_that_json_does_not_have_is_damaged(tmp_path: Path, number: str) -> None:
    begin(tmp_path, Journal(tmp_path), {"figure": "accuracy", "seeds": [0]}, SPEC)
    journal = opened(tmp_path)
    journal.write("suggested", trial=1, values=[], drawn={}, parameters=None, macs=None, same_as=None)
    with (tmp_path / "suggestions.jsonl").open("a") as file:
        file.write(f'{{"what": "ended", "trial": 1, "state": "completed", "value": {number}, "error": null}}\n')
    with pytest.raises(SpeccError, match="line 3 does not follow") as error:
        opened(tmp_path)
    assert error.value.code == "E516"
