"""Parquet tables, where pyarrow is installed; and a clear word where it is not."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from specc.backend.data.read_table import read_table
from specc.errors import SpeccError
from tests.helpers.tiny_data import picture, raw_of

needs_pyarrow = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")


def write(path: Path, **columns: Any) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def refused(code: str, path: Path, *wanted: str) -> str:
    with pytest.raises(SpeccError) as caught:
        read_table(path, wanted)
    assert caught.value.code == code and caught.value.help
    return f"{caught.value.message}\n{caught.value.help}"


def test_without_pyarrow_it_is_said_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert 'pip install "specc-cnn[parquet]"' in refused("E417", tmp_path / "a.parquet", "x")


@needs_pyarrow
def test_columns_become_texts(tmp_path: Path) -> None:
    import pyarrow as pa

    kinds = pa.array(["a", "b", None]).dictionary_encode()
    path = write(tmp_path / "a.PARQUET", t=[" a", None, "b"], i=[1, 2, None], f=[0.5, float("nan"), 1e30],
                 b=[True, False, None], k=kinds, unused=[[1], [2], []])  # fmt: skip
    found = read_table(path, ["t", "i", "f", "b", "k"])
    assert found.columns == {
        "t": ["a", "", "b"], "i": ["1", "2", ""], "f": ["0.5", "nan", "1e+30"], "b": ["true", "false", ""],
        "k": ["a", "b", ""],
    }  # fmt: skip
    assert [found.at(row) for row in range(3)] == ["row 1", "row 2", "row 3"]
    assert found.notes == ("spaces around 1 cell of a.PARQUET are left out",)


@needs_pyarrow
def test_it_is_read_like_a_csv_file(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    write(tmp_path / "a.parquet", file=["0.png", "1.png", "2.png"], kind=[3, 20, 3])
    found = raw_of('csv("a.parquet", image=file, label=kind)', tmp_path)
    assert found.classes == ("3", "20") and found.train.labels.tolist() == [0, 1, 0]  # type: ignore[union-attr]


@needs_pyarrow
def test_what_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", x=[1, 2], lists=[[1], [2]], raw=[b"a", b"b"])
    assert "has no column `xx`" in refused("E413", path, "xx")
    assert "the column `lists` of" in refused("E413", path, "x", "lists")
    assert "holds binary" in refused("E413", path, "raw")
    content = path.read_bytes()
    for number, spoiled in enumerate((content[:-20], content[:40] + bytes(60) + content[100:], b"PAR1", b"PAR1PAR1")):
        (tmp_path / f"{number}.parquet").write_bytes(spoiled)
        assert "is not a sound Parquet file" in refused("E402", tmp_path / f"{number}.parquet", "x")
    for name, spoiled, message in (("c", b"x,y\n1,2\n", "it begins with 78"), ("d", b"", "it is empty")):
        (tmp_path / f"{name}.parquet").write_bytes(spoiled)
        assert message in refused("E402", tmp_path / f"{name}.parquet", "x")
    assert "has no rows" in refused("E413", write(tmp_path / "e.parquet", x=[]), "x")
    (tmp_path / "folder.parquet").mkdir()
    refused("E410", tmp_path / "folder.parquet", "x")


@needs_pyarrow
def test_a_table_that_would_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", x=list(range(1000)))
    monkeypatch.setattr("specc.backend.data.parquet.free_memory", lambda: 100)
    assert "100 are free" in refused("E479", path, "x")
