"""The model card tells a reader what the certificate tells a program."""

from pathlib import Path

import numpy as np
import pytest

from specc.backend.evaluation.intervals import wilson
from specc.backend.onnx.card import _cell, _fenced
from specc.backend.onnx.export import export_run
from specc.backend.onnx.exported import Exported
from specc.backend.tasks.figures.classification import confusion
from tests.helpers.tiny_run import change_weights, trained


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    run = trained(tmp_path_factory.mktemp("tiny"), export="max_loss = 20%")
    return export_run(run, device="cpu", precisions=["int8"])


def tables(text: str) -> list[list[list[str]]]:
    """The rows of each table, without the line below the head."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [[table[0], *table[2:]] for table in found if table]


def confusion_of(one: Exported) -> np.ndarray:
    return confusion(one.records, 3)


def test_card_lies_beside_the_model_and_shows_the_figures(made: list[Exported]) -> None:
    text = (made[0].path.parent / "card.md").read_text()
    figures, classes, table, compared, hashes = tables(text)
    assert [row[:2] for row in figures[1:]] == [["`model.onnx`", "fp32"], ["`model.int8.onnx`", "int8"]]
    for row, one in zip(figures[1:], made, strict=True):
        found = one.certificate.comparisons[0]
        assert row[2] == f"{one.size:,}"
        right = round((found.figures["accuracy"] or 0) * 36)
        low, high = wilson(right, 36) or (0, 0)
        accuracy = f"{right / 36:.2%} ({low:.2%} to {high:.2%})"
        assert row[4:] == [accuracy, f"{one.certificate.lost:.2%}", f"{found.whole.agreement:.2%}"]
    assert "That is the best of 2 epochs, chosen on the test part itself, so optimistic" in text
    assert [row[0] for row in classes[1:]] == ["red", "green", "blue"]
    assert [[int(cell) for cell in row[1:]] for row in table[1:]] == confusion_of(made[0]).tolist()
    assert [row[1] for row in compared[1:]] == [f"a batch of {n}" for n in (1, 2, 7, 36)] + [
        "the whole validation set",
        "logits of the whole validation set",
    ]
    certificate = made[0].certificate
    wanted = [certificate.model_sha256, certificate.spec_sha256, certificate.data_sha256, certificate.weights_sha256]
    assert [row[1].strip("`") for row in hashes[1:]] == wanted
    assert "```cnn\n" + (made[0].path.parent / "spec.cnn").read_text().rstrip() + "\n```" in text


def test_files_of_earlier_exports_stay_on_the_card(tmp_path: Path) -> None:
    run = trained(tmp_path, export="max_loss = 20%")
    export_run(run, device="cpu", precisions=["int8", "fp16"])
    export_run(run, device="cpu")
    figures = tables((run / "card.md").read_text())[0]
    assert [row[0] for row in figures[1:]] == [
        "`model.onnx`",
        "`model.fp16.onnx` (by an earlier export)",
        "`model.int8.onnx` (by an earlier export)",
    ]
    (run / "model.fp16.onnx").write_bytes(b"damaged")
    change_weights(run, lambda weights: weights["dense1.bias"].add_(0.01))
    export_run(run, device="cpu")
    figures = tables((run / "card.md").read_text())[0]
    assert [row[0] for row in figures[1:]] == [
        "`model.onnx`",
        "`model.int8.onnx` (by an earlier export, of other weights)",
    ]


def test_confusion_counts_every_validation_image(made: list[Exported]) -> None:
    table = confusion_of(made[0])
    assert table.sum() == 36
    assert np.trace(table) / 36 == made[0].certificate.comparisons[0].figures["accuracy"]


def test_nothing_of_this_machine_is_in_it(made: list[Exported]) -> None:
    text = (made[0].path.parent / "card.md").read_text()
    assert str(made[0].path.parent) not in text and str(Path.home()) not in text


def test_names_of_classes_mean_nothing_to_markdown() -> None:
    assert _cell("a|b *c* <d>") == r"a\|b \*c\* \<d\>"
    assert "\n" not in _cell("two\nlines")
    assert _fenced("# ````").startswith("`````cnn\n")
