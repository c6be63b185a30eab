"""A study in Python, and in a notebook."""

import json
from pathlib import Path

import pytest

import specc

HOSTILE = "<img src=x onerror=alert(1)>"


def study(name: str = "wide") -> dict[str, object]:
    """study.json of two variants with two seeds, as far as its table needs it."""
    summary = {"mean": 0.8, "deviation": 0.01, "low": 0.7, "high": 0.9, "count": 2}
    gain = {"mean": 0.1, "low": -0.1, "high": 0.3, "pairs": 2, "p": 0.2, "p_holm": 0.2, "more_than_chance": False}
    run = {"seed": 0, "train_images": 100, "error": None}
    plain: dict[str, object] = {"name": "net", "extends": None, "compared_with": None, "gain": None, "same_as": None}
    plain |= {"train_accuracy": summary, "val_accuracy": summary, "error": None, "runs": [run, run], "seconds": 2.0}
    better = plain | {"name": name, "extends": "net", "compared_with": "net", "gain": gain}
    head = {"figure": "accuracy", "folds": None, "comparisons": 1, "confidence": 0.95, "finished": True}
    return head | {"seeds": [0, 1], "variants": [plain, better]}


def test_a_study_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps(study()))
    (tmp_path / "curves.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    opened = specc.open_study(tmp_path)
    assert opened.table.column("variant") == ["net", "wide"] and opened.info["figure"] == "accuracy"
    assert opened.table.column("validation accuracy")[0].startswith("80.0")
    assert repr(opened) == f"<specc.Study {tmp_path}: 2 variants, finished>"
    page = opened._repr_html_()
    assert page.count("<tr>") == 3 and 'src="data:image/svg+xml;base64,' in page


def test_names_are_text(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps(study(HOSTILE)))
    page = specc.open_study(tmp_path)._repr_html_()
    assert HOSTILE not in page and "&lt;img" in page and "<img" not in page


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", "null", "3", '{"variants": 3, "figure": "accuracy", "folds": null}']
)
def test_what_is_no_study(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(specc.SpeccError) as caught:
        specc.open_study(tmp_path)
    assert caught.value.code == "E439" and "specc study" in caught.value.help
    assert not any(word in caught.value.message for word in ("'", "int", "list", "key", "object"))  # Python's own
