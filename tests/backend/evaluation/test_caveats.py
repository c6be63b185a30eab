"""What is said beside a figure that does not say what it seems to: on the terminal, in run.json and in the card."""

import json
from pathlib import Path

import pytest

from tests.helpers.tiny_data import picture

SPEC = """
data {{ source = csv("a.csv", image=file, {learns}, part=set, group=who) }}
train {{ epochs = 1; batch = 4 }}
network N {{ input(3, 6x5) -> conv(4) -> global_avg_pool -> dense(2) }}
"""


def table(folder: Path, tags: dict[str, list[str]], groups: dict[str, list[str]]) -> None:
    rows, number = ["file,tags,set,who"], 0
    for part, own in tags.items():
        for tag, group in zip(own, groups[part], strict=True):
            (folder / f"{number}.png").write_bytes(picture(number))
            rows.append(f"{number}.png,{tag},{part},{group}")
            number += 1
    (folder / "a.csv").write_text("\n".join(rows) + "\n")


def test_tags_that_depend_on_no_answer_and_torn_groups_stand_beside_the_figures(specc, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    tags = {"train": ["a", "b", "a;b", "a", "b", "a"], "val": ["a", "a;b", "a"], "test": ["b", "b"]}
    groups = {"train": list("uvwxyz"), "val": ["u", "n", "z"], "test": ["u", "m"]}
    table(tmp_path, tags, groups)
    Path("net.cnn").write_text(SPEC.format(learns='labels=tags, separator=";"'))
    answer = specc("train", "net.cnn", "--out", "run", "--device", "cpu", "--quiet")
    assert answer.status == 0, answer.err
    always, never = (
        f"average precision is 100% whatever is answered, since every image has the tag: {n}" for n in "ab"
    )
    for_validation = ["2 groups have training images, too, so optimistic: u, z", always]
    for_test = [
        "1 group has training images, too, so optimistic: u",
        never,
        "left out of mAP, since no image has the tag: a",
    ]
    lines = [line.strip() for line in answer.out.splitlines()]
    assert [line for line in lines if line in for_validation + for_test] == for_validation + for_test
    figures = json.loads(Path("run/run.json").read_text())["figures"]
    assert figures["validation"]["caveats"] == for_validation and figures["test"]["caveats"] == for_test
    card = Path("run/card.md").read_text()
    assert all(f"- {line}" in card for line in for_validation + for_test)
    for part, expected in (("validation", for_validation), ("test", for_test), ("train", [])):
        assert json.loads(specc("eval", "run", "--part", part, "--device", "cpu", "--json").out)["caveats"] == expected
    assert all(line in specc("eval", "run", "--part", "test", "--device", "cpu").out for line in for_test)


@pytest.mark.parametrize("learns", ["label=tags"])
def test_where_nothing_is_odd_nothing_is_said(specc, tmp_path, monkeypatch, learns) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path, {"train": ["a", "b"] * 2, "val": ["a", "b"]}, {"train": list("abcd"), "val": ["x", "y"]})
    Path("net.cnn").write_text(SPEC.format(learns=learns))
    assert specc("train", "net.cnn", "--out", "run", "--device", "cpu", "--quiet").status == 0
    assert json.loads(Path("run/run.json").read_text())["figures"]["validation"]["caveats"] == []
