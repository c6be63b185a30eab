"""`csv`: each row an image, what is learned of it, its part and its group; and every row that cannot be used."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from specc.backend.data.raw import Files, Part, Raw, Unlabeled
from specc.backend.data.split import Resident
from specc.backend.data.survey import picture_hash
from specc.backend.images import decode
from specc.errors import SpeccError
from tests.helpers.tiny_data import picture, raw_of, read, refused, refused_raw

LABEL = 'csv("a.csv", image=file, label=kind)'
TAGS = 'csv("a.csv", image=file, labels=tags, separator=";")'
FLAGS = 'csv("a.csv", image=file, labels=[sea, sand])'
NUMBER = 'csv("a.csv", image=file, target=age)'
PARTS = 'csv("a.csv", image=file, label=kind, part=set)'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with six images, one of them in a folder."""
    (tmp_path / "x").mkdir()
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "x/0.png").write_bytes(picture(9))
    return tmp_path


def table(place: Path, text: str) -> Path:
    (place / "a.csv").write_text(text)
    return place


def raw(place: Path, text: str, source: str) -> Raw:
    return raw_of(source, table(place, text))


def bad(place: Path, text: str, source: str, code: str = "E414") -> str:
    return refused_raw(code, source, table(place, text))


def labels(part: Any) -> list[Any]:
    assert isinstance(part, Part) and isinstance(part.labels, torch.Tensor)
    values: list[Any] = part.labels.tolist()
    return values


def names(part: Any) -> list[str]:
    assert isinstance(part, Part) and isinstance(part.images, Files)
    return part.images.names


@pytest.mark.parametrize(
    ("source", "text", "task", "outputs", "values"),
    [
        (LABEL, "file,kind\n0.png,10\nx/0.png,2\n1.png,10\n", "classification", ("2", "10"), [1, 0, 1]),
        (TAGS, "file,tags\n0.png,b; a10\n1.png,;\n2.png,a2;\n", "multi-label", ("a2", "a10", "b"),
         [[0, 1, 1], [0, 0, 0], [1, 0, 0]]),
        (FLAGS, "sand,file,sea\n0,0.png,1\nFalse,1.png,true\n1.0,2.png,0.0\n", "multi-label", ("sea", "sand"),
         [[1, 0], [1, 0], [0, 1]]),
        (NUMBER, "file,age\n0.png,3\n1.png,-1.5e1\n2.png,.5\n", "regression", ("age",), [[3], [-15], [0.5]]),
        ('csv("a.csv", file, targets=["x y", z])', "file,x y,z\n0.png,1,2\n1.png,3,4\n", "regression", ("x y", "z"),
         [[1, 2], [3, 4]]),
    ],
)  # fmt: skip
def test_what_is_learned(
    place: Path, source: str, text: str, task: str, outputs: tuple[str, ...], values: list[Any]
) -> None:
    found = raw(place, text, source)
    assert (found.task.name, found.classes, labels(found.train)) == (task, outputs, values)
    kinds = {"classification": torch.int64, "multi-label": torch.float32, "regression": torch.float64}
    assert isinstance(found.train.labels, torch.Tensor) and found.train.labels.dtype == kinds[task]
    assert (found.test, found.validation, found.notes, found.train.groups) == (None, None, (), ())


def test_parts_and_groups(place: Path) -> None:
    text = "file,kind,set,who\n0.png,a,TRAIN,p\n1.png,b,train,p\n2.png,b,Val,q\n3.png,a,test,r\n4.png,a,Testing,q\n"
    found = raw(place, text, 'csv("a.csv", image=file, label=kind, part=set, group=who)')
    assert names(found.train) == ["0.png", "1.png"] and names(found.validation) == ["2.png"]
    assert names(found.test) == ["3.png", "4.png"] and labels(found.test) == [0, 0]
    assert found.names == {"train": "TRAIN", "validation": "Val", "test": "test"}
    assert isinstance(found.test, Part) and (found.train.groups, found.test.groups) == (["p", "p"], ["r", "q"])
    assert found.notes == ("in more than one part: 1 group: q",)


def test_the_whole_set_can_be_read(place: Path) -> None:
    rows = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(6))
    data = read(LABEL, "validation = split(2)", base=table(place, f"file,kind\n{rows}"))
    assert data.classes == ("a", "b") and len(data.train) == 4 and len(data.validation) == 2
    streamed = read(LABEL, "validation = split(2)", base=place, memory=0)
    assert streamed.hash == data.hash
    table(place, f"kind,file\n{''.join(','.join(row.split(',')[::-1]) + chr(10) for row in rows.split())}")
    assert read(LABEL, "validation = split(2)", base=place).hash == data.hash
    table(place, f"file,kind\n{rows.replace('5.png,b', '5.png,a')}")
    assert read(LABEL, "validation = split(2)", base=place).hash != data.hash


def test_absolute_paths_below_the_table_do_not_change_the_content(place: Path) -> None:
    rows = "".join(f"{{}}{number}.png,{'ab'[number % 2]}\n" for number in range(4))
    one = read(LABEL, "validation = split(2)", base=table(place, "file,kind\n" + rows.replace("{}", "./")))
    two = read(LABEL, "validation = split(2)", base=table(place, "file,kind\n" + rows.replace("{}", f"{place}/")))
    assert one.hash == two.hash


def test_rows_that_cannot_be_used_are_named_at_once(place: Path) -> None:
    rows = ["0.png,a", ",a", "1.png,", "9.png,b", "x,b", "0.png,b", "", "2.png,b"]
    found = bad(place, "file,kind\n" + "\n".join(rows), LABEL)
    assert "5 of 7 rows of" in found
    for line in (
        "line 3: `file` is empty",
        "line 4: `kind` is empty",
        "line 5: 9.png is not there",
        "line 6: x is a folder",
        "line 7: 0.png has another label in line 2",
    ):
        assert line in found


def test_rows_of_other_lengths_are_named_with_the_others(place: Path) -> None:
    text = "file,kind,set\n0.png,cat,train\n1.png,dog\n2.png,,train\n3.png,dog,trains\n4.png,,test\n5.png,dog,test\n"
    for source, words in ((PARTS, "4 of 6"), (LABEL, "3 of 6")):
        found = bad(place, text, source)
        assert words in found
        assert "line 3: 2 cells, but the first row has 3" in found
        assert "line 4: `kind` is empty" in found and "line 6: `kind` is empty" in found
        assert ("line 5: `set` is `trains`" in found) == (source == PARTS)
        assert found.index("line 3") < found.index("line 4")


def test_of_many_rows_twenty_are_named(place: Path) -> None:
    found = bad(place, "file,kind\n" + "".join(f"{number}.jpg,a\n" for number in range(500)), LABEL)
    assert "500 of 500 rows" in found and "line 21:" in found and "line 22:" not in found
    assert "and 480 more" in found


@pytest.mark.parametrize(
    ("source", "rows", "message"),
    [
        (TAGS, ["0.png,", "1.png,a"], 'for an image without tags write ";"'),
        (TAGS, ["0.png,b;a;b", "1.png,a"], "line 2: the tag `b` is there twice"),
        (NUMBER, ["0.png,nan"], "`age` is `nan`, which is not a number"),
        (NUMBER, ["0.png,inf"], "`age` is `inf`, which is not a number"),
        (NUMBER, ["0.png,1e999"], "`age` is `1e999`, which is not a finite number"),
        (NUMBER, ["0.png,1_000"], "`age` is `1_000`, which is not a number"),
        (NUMBER, ["0.png,٣"], "which is not a number"),
        (NUMBER, ['0.png,"1,5"'], "write numbers with a decimal point"),
        (NUMBER, [f"0.png,{'x' * 500}"], f"`{'x' * 40}…`"),
        (NUMBER, ["0.png,1", "0.png,2"], "give each image one row"),
        (LABEL, ["0.png,1", "0.png,2"], "labels=COLUMN with a separator learns several tags"),
        (LABEL, ["0,1", "1,2"], "write the whole name of each file: 0.png"),
        (LABEL, ["x\\0.png,1"], "write `/` between folders, not backslashes"),
        (LABEL, ["../y.png,1"], "paths count from the folder of the table"),
        (LABEL, [f"{'n' * 5000},1"], "cannot be opened: File name too long"),
        (LABEL, ['"a\nerror[E999]: \x1b[2J.png",1'], r"line 2: a\x0aerror[E999]: \x1b[2J.png is not there"),
    ],
)
def test_what_is_wrong_with_a_row(place: Path, source: str, rows: list[str], message: str) -> None:
    column = {TAGS: "tags", NUMBER: "age", LABEL: "kind"}[source]
    assert message in bad(place, f"file,{column}\n" + "\n".join(rows), source)


@pytest.mark.parametrize("cell", ["2", "-1", "yes", "0.5"])
def test_tags_are_0_or_1(place: Path, cell: str) -> None:
    found = bad(place, f"file,sea,sand\n0.png,1,0\n1.png,{cell},0\n", FLAGS)
    assert f"line 3: `sea` is `{cell}`, which is neither 0 nor 1" in found


def test_a_pipe_is_no_image(place: Path) -> None:
    os.mkfifo(place / "7.png")
    assert "7.png is a pipe, a socket or a device" in bad(place, "file,kind\n7.png,a\n", LABEL)


def test_one_class_or_no_tag_is_refused(place: Path) -> None:
    assert "holds only one class, a" in bad(place, "file,kind\n0.png,a\n1.png,a\n", LABEL, "E413")
    assert "the column `tags` of" in bad(place, "file,tags\n0.png,;\n1.png,;\n", TAGS, "E413")
    assert raw(place, "file,tags\n0.png,a\n1.png,;\n", TAGS).classes == ("a",)


def test_images_that_are_listed_twice_are_said(place: Path) -> None:
    text = "file,kind,set\n0.png,a,train\n./0.png,a,train\n1.png,b,train\n1.png,b,test\n"
    once, torn = raw(place, text, PARTS).notes
    assert once == "listed more than once, each row counts: 2 images: 0.png (lines 2, 3); 1.png (lines 4, 5)"
    assert torn == "in more than one part: 1 image: 1.png (lines 4, 5)"


def test_parts_have_known_names(place: Path) -> None:
    found = bad(place, "file,kind,set\n0.png,a,train\n1.png,b,fold1\n2.png,b,\n", PARTS)
    assert "2 of 3 rows" in found and "line 3: `set` is `fold1`" in found and "line 4: `set` is empty" in found
    assert "has no row whose `set` is `train`" in bad(place, "file,kind,set\n0.png,a,test\n", PARTS, "E413")


TRAINED = "file,kind,set\n" + "".join(f"{number}.png,{'ab'[number % 2]},train\n" for number in (0, 1, 4, 5))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2.png,c,test\n", "have classes that its training rows do not have: c"),
        ("2.png,a,test\n3.png,,test\n", "1 of 2 rows of"),
        ("9.png,a,test\n", "9.png is not there"),
        ("0.png,b,test\n", "0.png has another label in line 2"),
    ],
)
def test_what_is_wrong_with_a_part_stops_only_what_uses_it(place: Path, rows: str, message: str) -> None:
    test = raw(place, TRAINED + rows, PARTS).test
    assert isinstance(test, SpeccError) and message in test.message
    assert "not used: the test part; " in " ".join(read(PARTS, "validation = split(2)", base=place).notes)
    assert message in refused(test.code, PARTS, "validation = test", base=place)


def test_a_part_without_labels_is_no_error(place: Path) -> None:
    found = raw(place, TRAINED + "2.png,,test\n3.png,,test\n", PARTS)
    assert found.test == Unlabeled("2 images without labels")


def test_broken_images_are_left_out_when_the_spec_says_so(place: Path) -> None:
    (place / "5.png").write_bytes(picture(5)[:50])
    text = "file,kind\n" + "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in (*range(6), 9))
    assert "line 8: 9.png is not there" in bad(place, text, LABEL)
    skipping = LABEL.replace(")", ", skip_broken=true)")
    (note,) = (note for note in read(skipping, "validation = split(2)", base=place).notes if "skip_broken" in note)
    assert "2 of 7 images" in note and "5.png is damaged" in note and "9.png cannot be read: No such file" in note
    table(place, text.replace("9.png,b\n", "").replace("9.png,a\n", ""))
    assert "1 of 6 images" in refused("E405", LABEL, base=place)


def test_images_outside_are_said(place: Path, tmp_path: Path) -> None:
    inner = tmp_path / "tables"
    inner.mkdir()
    text = "file,kind\n../0.png,a\n../1.png,b\n../x/../2.png,b\n"
    found = raw_of('csv("tables/a.csv", image=file, label=kind)', table(inner, text).parent)
    assert found.notes == ("outside the folder of the table: 3 images, such as ../0.png",)


@pytest.mark.parametrize("validation", ["split(30%)", "fold(2, of=3)"])
def test_a_split_keeps_groups_together(place: Path, validation: str) -> None:
    rows, groups = [], [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5, 6]
    for number, group in enumerate(groups):
        (place / f"p{number}.png").write_bytes(picture(40 if number in (7, 8) else 20 + number))
        rows.append(f"p{number}.png,{'ab'[number % 2] if number != 8 else 'b'},patient {group}")
    grouped = 'csv("a.csv", image=file, label=kind, group=who)'
    table(place, "file,kind,who\n" + "\n".join(rows))
    data = read(grouped, f"validation = {validation}", base=place)
    assert isinstance(data.train, Resident) and isinstance(data.validation, Resident)
    of_picture = {picture_hash(decode(place / f"p{number}.png", 3)): group for number, group in enumerate(groups)}
    of_picture[picture_hash(decode(place / "p7.png", 3))] = 3  # and 4, which it is joined with
    sides = [
        {of_picture[picture_hash(image)] for image in part.images.numpy()} for part in (data.train, data.validation)
    ]
    assert len(sides[0]) + len(sides[1]) == 6 and not sides[0] & sides[1] and sides[1]
    assert data.hash != read(LABEL, f"validation = {validation}", base=place).hash


def test_one_group_cannot_be_split(place: Path) -> None:
    table(place, "file,kind,who\n" + "".join(f"{number}.png,{'ab'[number % 2]},x\n" for number in range(6)))
    found = refused("E409", 'csv("a.csv", image=file, label=kind, group=who)', "validation = split(2)", base=place)
    assert "none of 6 images can be split off: no class is in two groups" in found


def test_a_table_is_no_folder(place: Path) -> None:
    assert 'a.csv", image=COLUMN, label=COLUMN)' in refused("E403", 'folder("a.csv")', base=table(place, "x"))
