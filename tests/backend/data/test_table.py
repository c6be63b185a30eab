"""Tables: CSV as programs write it, and what is none."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from specc.backend.data.delimited import MOST_BYTES
from specc.backend.data.read_table import read_table
from specc.backend.data.table import Table
from specc.errors import SpeccError


def table(folder: Path, content: bytes | str, *wanted: str, name: str = "a.csv") -> Table:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(folder / name, wanted or ("x", "y"))


def refused(code: str, folder: Path, content: bytes | str, *wanted: str, name: str = "a.csv") -> str:
    with pytest.raises(SpeccError) as caught:
        table(folder, content, *wanted, name=name)
    assert caught.value.code == code and caught.value.help
    return f"{caught.value.message}\n{caught.value.help}"


@pytest.mark.parametrize(
    "content",
    [
        "x,y\n1,2\n3,4\n",
        "x,y\n1,2\n3,4",
        "\ufeffx,y\r\n1,2\r\n3,4\r\n",
        "x,y\r1,2\r3,4\r",
        "\n\nx,y\n\n1,2\n\n3,4\n\n\n",
        'z,"y",x\n0,2,"1"\n0,4,3\n',
    ],
)
def test_ways_to_write_the_same(tmp_path: Path, content: str) -> None:
    found = table(tmp_path, content)
    assert found.columns == {"x": ["1", "3"], "y": ["2", "4"]} and found.notes == ()


def test_cells_in_quotes(tmp_path: Path) -> None:
    found = table(tmp_path, 'x,y\n"a,b","c\nd"\n"e""f",g\n')
    assert found.columns == {"x": ["a,b", 'e"f'], "y": ["c\nd", "g"]}
    assert [found.at(row) for row in range(2)] == ["line 2", "line 4"]


@pytest.mark.parametrize(("delimiter", "words"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_are_said(tmp_path: Path, delimiter: str, words: str) -> None:
    found = table(tmp_path, "x,y\n1,2\n".replace(",", delimiter))
    assert found.columns == {"x": ["1"], "y": ["2"]} and found.notes == (f"a.csv is separated by {words}",)


def test_the_wanted_columns_decide_the_separator(tmp_path: Path) -> None:
    assert table(tmp_path, "x;x,y;y\n1,2\n", "x;x", "y;y").columns == {"x;x": ["1"], "y;y": ["2"]}
    assert table(tmp_path, "x;a,b,c;y\n1;0;2\n").columns == {"x": ["1"], "y": ["2"]}
    assert table(tmp_path, "x\n1\n", "x").notes == ()


def test_spaces_around_cells_are_left_out_and_said(tmp_path: Path) -> None:
    found = table(tmp_path, "x, y\na b , 1\nc,2\n")
    assert found.columns == {"x": ["a b", "c"], "y": ["1", "2"]}
    assert found.notes == ("spaces around 2 cells of a.csv are left out",)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    found = refused("E413", tmp_path, "x,species\n1,2\n", "x", "spezies", "z")
    assert "has no column `spezies`, `z`" in found and "did you mean `species`?" in found
    assert "its first row names the columns a.png, cat" in refused("E413", tmp_path, "a.png,cat\nb.png,dog\n")
    assert "has 2 columns called `x`" in refused("E413", tmp_path, "x,y,x\n1,2,3\n")
    assert "has no rows" in refused("E413", tmp_path, "x,y\n")


def test_rows_of_other_lengths_are_broken(tmp_path: Path) -> None:
    found = table(tmp_path, "x,y\n1,2\n3\n4,5,6\n7,8\n")
    assert found.columns == {"x": ["1", "", "", "7"], "y": ["2", "", "", "8"]}
    messages = {row: str(error) for row, error in found.broken.items()}
    assert messages == {1: "1 cell, but the first row has 2", 2: "3 cells, but the first row has 2"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('x,y\n1,"2\n3,4\n', "is not a sound CSV file: line 3: unexpected end of data"),
        ('x,y\n1,"2"z\n', "is not a sound CSV file: line 2:"),
        (f"x,y\n1,{'z' * 200_000}\n", "is not a sound CSV file: line 2: field larger than field limit"),
        ("", "is empty"),
        (" \n\n", "is empty"),
        (b"x,y\n1,\xe4\n", "line 2 is not UTF-8 text; save it as UTF-8"),
        ("x,y\n1,2\n".encode("utf-16"), "it is UTF-16 text; save it as UTF-8"),
        (b"x,y\n1,\0\n", "it begins with"),
        (b"x,y\n" + b"1,2\n" * 1000 + b"1,\0\n", "it holds zero bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is a Git LFS pointer"),
        (b"<!DOCTYPE html><html>404</html>", "it is an HTML page"),
        (b"../../.git/annex/objects/xx", "it is a git-annex pointer"),
        (gzip.compress(b"x,y\n1,2\n", mtime=0), "it is packed by gzip"),
        (b"PAR1" + bytes(20) + b"\xff", "it is a Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "it is a workbook"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: bytes | str, message: str) -> None:
    assert message in refused("E402", tmp_path, content)


def test_a_workbook_is_called_so(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "save a workbook as CSV" in refused("E402", tmp_path, buffer.getvalue(), name="a.xlsx")


def test_a_table_without_an_end_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(SpeccError, match=r"at most 268,435,456 are allowed") as caught:
        read_table(tmp_path / "big.csv", ["x"])
    assert caught.value.code == "E402"
