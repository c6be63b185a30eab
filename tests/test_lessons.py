"""The pages of docs/lessons and the ladder's targets, made of a study whose figures are invented here."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from specc.backend.study.plan import compared_with, ladder
from specc.backend.study.statistics import gain, summary
from specc.check import check
from specc.check.variants import variants_of
from specc.reading import load_base
from specc.source import Source

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks come with a checkout only")


def module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, BENCHMARKS / path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def study(examples: Path) -> dict[str, Any]:
    """study.json of all variants of the deck, two seeds of two epochs each; each variant is better than the last."""
    variants = variants_of(Source("deck.cnn", (examples / "deck_cifar10.cnn").read_text()))
    entries = ladder(variants)
    against = compared_with(entries, variants)
    values = {entry.name: {0: 0.3 + 0.02 * place, 1: 0.313 + 0.021 * place} for place, entry in enumerate(entries)}
    rows = []
    for entry in entries:
        start = {"epoch": 1.0, "train_accuracy": 0.2, "val_accuracy": 0.2}
        curves = [[start, start | {"epoch": 2.0, "val_accuracy": last}] for last in values[entry.name].values()]
        runs = [{"seed": seed, "train_images": 300, "error": None, "curve": curve} for seed, curve in enumerate(curves)]
        found, measured = summary(list(values[entry.name].values())), summary([0.6, 0.7])
        step = gain(values[entry.name], values[against[entry.name]]) if against[entry.name] else None
        tested = {"p_holm": step.p, "more_than_chance": step.p is not None and step.p < 0.05} if step else {}
        assert found is not None and measured is not None
        rows.append(
            {
                "name": entry.name,
                "extends": entry.extends or None,
                "compared_with": against[entry.name] or None,
                "settings": entry.settings,
                "train_accuracy": measured._asdict(),
                "val_accuracy": found._asdict(),
                "gain": step._asdict() | tested if step else None,
                "same_as": None,
                "seconds": 1.0,
                "error": None,
                "runs": runs,
            }
        )
    return {
        "file": "examples/deck_cifar10.cnn",
        "command": ["specc", "study", "examples/deck_cifar10.cnn"],
        "device_name": "a machine",
        "platform": "Linux",
        "versions": {"specc": "1", "torch": "2", "python": "3"},
        "images": {"train": 300, "validation": 200},
        "validated_on": "the test part, 200 images",
        "figure": "accuracy",
        "seeds": [0, 1],
        "folds": None,
        "comparisons": 14,
        "confidence": 0.95,
        "finished": True,
        "variants": rows,
    }


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [*sys.path])
    return module("lessons/write_pages.py")


def test_every_lesson_becomes_a_page_with_its_figures(pages: ModuleType, study: dict[str, Any], tmp_path: Path) -> None:
    written = pages.write([study], tmp_path)
    assert {path.name for path in written} == {f"{name}.md" for name in ("README", *pages.ORDER)}
    assert {path.stem for path in (BENCHMARKS / "lessons").glob("*.md")} == set(pages.ORDER)
    for path in written:
        text = path.read_text()
        assert "specc study examples/deck_cifar10.cnn" in text and "a machine" in text
        picture = tmp_path / "pictures" / ("overview.svg" if path.stem == "README" else f"{path.stem}.svg")
        assert f"pictures/{picture.name}" in text and b"<svg" in picture.read_bytes()
        if path.stem != "README":
            assert all(part in text for part in ("## The formula", "```math", "```cnn", "## Papers", "| validation |"))
        assert "?" not in [cell.strip() for line in text.splitlines() for cell in line.split("|")]
    noise = (tmp_path / "noise.md").read_text()
    assert "| noise | `data.augment = noise(0.01, p=0.5)` | 65.0 ± 7.1 % | 59.4 ± 1.9 % | 80.9 % |" in noise
    assert "more than chance" in noise or "may be chance" in noise


def test_a_page_leads_with_the_figure_that_carries_its_point(
    pages: ModuleType, study: dict[str, Any], tmp_path: Path
) -> None:
    pages.write([study], tmp_path)
    for name, figure in (("he", "training accuracy"), ("flip", "gap between"), ("capacity", "validation accuracy")):
        lines = (tmp_path / f"{name}.md").read_text().splitlines()
        assert lines[4].startswith("**From `") and f"the {figure}" in lines[4], lines[4]
        assert lines[6].endswith(f"(pictures/{name}.svg)")


def test_the_kept_studies_make_the_pages_that_are_there(pages: ModuleType, tmp_path: Path) -> None:
    docs = BENCHMARKS.parent / "docs" / "lessons"
    for path in pages.write([json.loads(path.read_text()) for path in pages.STUDIES], tmp_path):
        assert path.read_text() == (docs / path.name).read_text(), path.name


def test_intervals_of_changes(pages: ModuleType) -> None:
    def trained(mean: float, deviation: float | None, seeds: int) -> dict[str, Any]:
        figures = {"mean": mean, "deviation": deviation}
        runs = [{"train_images": 400, "error": None, "curve": [{"epoch": 1.0}]}] * seeds
        return {"train_accuracy": figures, "val_accuracy": figures, "gain": None, "runs": runs}

    several = pages.effect("training", trained(0.5, 0.03, 3), trained(0.6, 0.04, 3))
    assert several.change == pytest.approx(10)
    half = 4.302653 * (3**2 + 4**2) ** 0.5 / 3**0.5  # Student's t with two degrees of freedom
    assert (several.low, several.high) == pytest.approx((10 - half, 10 + half), rel=1e-4)
    one = pages.effect("training", trained(0.1, None, 1), trained(0.5, None, 1))
    half = 1.96 * 100 * (0.09 / 400 + 0.25 / 400) ** 0.5
    assert (one.low, one.high, one.seeds) == (pytest.approx(40 - half), pytest.approx(40 + half), 1)


def test_what_an_interval_with_zero_in_it_says(pages: ModuleType) -> None:
    before, after = {"name": "a", "error": None}, {"name": "b", "error": None}
    for low, high, p, words in [
        (-0.01, 0.03, 1.0, "contains zero, so this may be chance"),
        (0.01, 0.03, 0.01, "more than chance, by Holm's correction for 14 comparisons"),
        (0.001, 0.03, 0.2, "leaves out zero, but by Holm's correction for 14 comparisons this may still be chance"),
        (None, None, None, "one seed"),
        (0.0, 0.0, None, "the same spec"),
    ]:
        step = {"mean": 0.01, "low": low, "high": high, "pairs": 3, "p": p, "p_holm": p}
        step["more_than_chance"] = None if p is None else p < 0.05
        assert words in pages._verdict(before, after | {"gain": step}, 14)
    failed = {"name": "b", "gain": None, "error": {"code": "E436", "message": "the loss is not finite"}}
    assert "could not be trained: E436" in pages._verdict(before, failed, 14)


def test_a_study_that_lacks_a_variant_is_refused(pages: ModuleType, study: dict[str, Any], tmp_path: Path) -> None:
    study["variants"] = [row for row in study["variants"] if row["name"] != "skip"]
    with pytest.raises(SystemExit, match="has a variant `skip`"):
        pages.write([study], tmp_path)


def test_the_quick_study_has_the_same_variants(examples: Path) -> None:
    quick = BENCHMARKS / "lessons" / "quick.cnn"
    source = Source(str(quick), quick.read_text())
    checked = check(source, load=load_base, everything=True)
    assert not checked.errors and checked.graph is not None and checked.graph.input == (3, 16, 16)
    deck = variants_of(Source("deck.cnn", (examples / "deck_cifar10.cnn").read_text()))
    found = variants_of(source, load_base)
    assert {name: found[name].base for name in found} == {name: deck[name].base for name in deck}


def test_the_ladders_targets(study: dict[str, Any]) -> None:
    deck = module("deck.py")
    names = {row["name"] for row in study["variants"]}
    assert set(deck.PUBLISHED) <= names and {name for step in deck.STEPS for name in step} <= names
    held = dict(deck.targets(study))
    assert held["cropped -> capacity: +6.15 points, published +2.4; the same sign"] is True
    assert held["cropped -> capacity: +6.15 points, published +2.4; within a point"] is False
    assert held["capacity: 75.75 %, 91 % wanted"] is False
    assert sum("within a point" in words for words in held) == 2
    study["variants"] = [row for row in study["variants"] if row["name"] != "capacity"]
    assert dict(deck.targets(study))["capacity: - %, 91 % wanted"] is None
    assert any("80.90" in line and line.startswith("noise") for line in deck.table(study))
