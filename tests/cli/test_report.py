"""`specc report`: a page for each task, one file that needs nothing else; of several runs a comparison."""

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.task_runs import trained
from tests.helpers.tiny_run import trained as tiny_trained

VOID = {"meta", "br", "img"}
SECTIONS = {
    "classification": ["curves", "classes", "confusion", "mistakes", "calibration"],
    "multi-label": ["curves", "classes", "mistakes", "calibration"],
    "regression": ["curves", "classes", "numbers", "mistakes"],
    "segmentation": ["curves", "classes", "mistakes"],
}
ALL = ["similar", "network", "cost", "certificate", "spec"]
HOSTILE = "</td><script>alert(1)</script>"


class Page(HTMLParser):
    """What a page holds: its text, its elements by tag, and what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, list[dict[str, str | None]]] = {}
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, []).append(dict(attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.setdefault(tag, []).append(dict(attributes))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, attribute: str) -> list[str]:
        """The values of an attribute, of all elements."""
        return [value for some in self.tags.values() for one in some if (value := one.get(attribute))]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A run of each task, trained once."""
    known: dict[str, Path] = {}

    def run_of(task: str) -> Path:
        if task not in known:
            known[task] = trained(tmp_path_factory.mktemp("run"), task)
        return known[task]

    return run_of


def page_of(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags and not [name for name in page.all("style") if name]
    policy = page.tags["meta"][1]["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    addresses = [*page.all("href"), *page.all("src")]
    assert all(address.startswith(("#", "data:image/")) for address in addresses)
    names = page.all("id")
    assert len(names) == len(set(names))
    assert {address[1:] for address in page.all("href")} <= set(names)
    assert all(image["alt"] for image in page.tags.get("img", []))
    return page


@pytest.mark.parametrize("task", SECTIONS)
def test_the_page_of_a_run(specc: Callable[..., Any], runs: Callable[[str], Path], task: str) -> None:
    run = runs(task)
    answer = specc("report", run, "--device", "cpu")
    assert (answer.status, answer.err) == (0, "")
    assert re.fullmatch(rf"{re.escape(str(run))}/report\.html: [\d.]+ kB\n", answer.out)
    page = page_of(run / "report.html")
    assert [one["id"] for one in page.tags["section"]] == SECTIONS[task] + ALL
    measured = json.loads(specc("eval", run, "--device", "cpu", "--json").out)
    first = next(name for name in ("accuracy", "map", "mae", "mean_iou") if name in measured)
    shown = f"{measured[first]:.2%}" if first != "mae" else f"{measured[first]:.4g}"
    verdict = page.text.partition("In parentheses")[0]
    assert shown in verdict and "on the validation part, 36 images" in verdict
    assert "The best of 2 epochs, chosen on these images, so optimistic." in page.text
    assert "kept: epoch" in page.text and "Learning rate" in page.text
    assert "source = npz" in page.text and "Tiny" in page.text
    assert "has no exported file yet" in page.text


def test_what_a_classifier_mistakes(specc: Callable[..., Any], runs: Callable[[str], Path]) -> None:
    run = runs("classification")
    found = json.loads(specc("eval", run, "--device", "cpu", "--json", "--mistakes", "3").out)
    specc("report", run, "--device", "cpu")
    page = page_of(run / "report.html")
    for mistake in found["mistakes"]:
        words = f"{mistake['answer']} {mistake['probability_of_answer']:.1%}is {mistake['label']} "
        assert f"{words}{mistake['probability_of_label']:.1%}{mistake['image']}" in page.text
    wrong = sum(row["label"] != row["answer"] for row in found["each_image"])
    assert f"{wrong} of 36 images are classified wrongly" in page.text
    cells = [name for name in page.all("id") if name.startswith("cell-")]
    names = [one["name"] for one in found["classes"]]
    pairs = {(row["label"], row["answer"]) for row in found["each_image"] if row["label"] != row["answer"]}
    assert {f"cell-{names.index(a)}-{names.index(b)}" for a, b in pairs} == set(cells)
    assert "Expected calibration error" in page.text and "at least 90%" in page.text


def test_nothing_in_the_data_is_markup(specc: Callable[..., Any], tmp_path: Path) -> None:
    run = trained(tmp_path, "classification")
    with np.load(tmp_path / "pictures.npz") as arrays:
        values = dict(arrays)
    names = [HOSTILE, "{{style}}", "a\nb"]
    run = _named(tmp_path / "named", values, names)
    assert specc("report", run, "--device", "cpu").status == 0
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;/td&gt;&lt;script&gt;" in text and "{{style}}" in text and "a\\x0ab" in text
    page_of(run / "report.html")


def _named(folder: Path, values: dict[str, Any], names: list[str]) -> Path:
    from specc.backend.train.job import train
    from specc.check import check
    from specc.source import Source
    from tests.helpers.task_runs import SPEC, VECTOR

    folder.mkdir()
    np.savez(folder / "pictures.npz", **{**values, "classes": np.array(names)})
    text = SPEC.format(input="input(3, 12x12)", body=VECTOR.format(outputs=3), data="", train="", export="")
    return train(check(Source("tiny.cnn", text)), out=folder / "run", base=folder, device="cpu", quiet=True).path


def test_a_certificate_and_the_spec_that_a_variant_extends(specc: Callable[..., Any], tmp_path: Path) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text(
        "data { source = digits }\nblock unit(n) { conv(n) -> relu }\n"
        "network Net(width=4) { unit(width) -> max_pool(2); flatten -> dense(10) }\n"
        "train { epochs = 1; batch = 256 }\nvariant wide { network.width = 6; train.optimizer = sgd(lr=0.1) }\n"
    )
    run = tmp_path / "run"
    from specc.backend.onnx.export import export_run
    from specc.backend.train.job import train
    from specc.check import check
    from specc.source import Source

    checked = check(Source(str(spec), spec.read_text()), variant="wide")
    command = ["specc", "train", "net.cnn", "--variant", "wide"]
    train(checked, out=run, base=tmp_path, device="cpu", quiet=True, command=command)
    export_run(run, device="cpu")
    assert specc("report", run, "--device", "cpu", "--out", tmp_path / "there" / "page.html").status == 0
    page = page_of(tmp_path / "there" / "page.html")
    assert page.tags["title"] and "Net, wide" in page.text
    assert f"Compared with {spec}" in page.text and "network.width46" in page.text
    assert "CPUExecutionProvider" in page.text and "probabilities in fp32" in page.text
    assert "block-unit1" in page.all("id")


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two specs, each with two seeds."""
    folder = tmp_path_factory.mktemp("several")
    paths = []
    for name, extra in (("adam", ""), ("sgd", "optimizer = sgd(lr=0.1)")):
        for seed in (0, 1):
            (folder / "run").parent.mkdir(exist_ok=True)
            run = tiny_trained(folder, train_with=f"seed = {seed}; {extra}")
            paths.append(run.rename(folder / f"{name}-{seed}"))
    return paths


def test_several_runs_paired_by_seed(specc: Callable[..., Any], several: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "compared.html"
    answer = specc("report", *several, "--out", out)
    assert (answer.status, answer.err) == (0, ""), answer.err
    page = page_of(out)
    assert [one["id"] for one in page.tags["section"]] == ["curves", "figures", "settings", "paired"]
    assert "4 runs compared" in page.text and "has the best accuracy of 4 runs" in page.text
    assert "sgd-0 and 1 more" in page.text and "adam-0 and 1 more" in page.text
    assert "train.optimizer" in page.text and "train.seed" in page.text
    gains = [(json.loads((run / "run.json").read_text())["best"]["accuracy"]) for run in several]
    mean = (gains[2] - gains[0] + gains[3] - gains[1]) / 2
    assert f"{100 * mean:+.1f} (" in page.text
    assert "paired t-test" in page.text and "Holm" in page.text


def test_runs_on_other_images_have_no_best_one(specc: Callable[..., Any], several: list[Path], tmp_path: Path) -> None:
    other = Path(shutil.copytree(several[2], tmp_path / "other"))
    info = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps(info | {"validated_on": "another part"}))
    answer = specc("report", several[0], other, "--out", tmp_path / "page.html")
    assert answer.status == 0, answer.err
    page = page_of(tmp_path / "page.html")
    assert "so that their figures cannot be compared" in page.text.partition("In parentheses")[0]
    assert "has the best" not in page.text and "Nothing is paired" in page.text


def test_many_classes_are_folded(
    specc: Callable[..., Any], runs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("specc.backend.report_page.classes.MOST_ROWS", 2)
    for task, words in (("classification", "All 3 classes"), ("multi-label", "All 4 tags")):
        assert specc("report", runs(task), "--device", "cpu", "--out", tmp_path / "page.html").status == 0
        assert words in page_of(tmp_path / "page.html").text


def test_what_cannot_be_reported(
    specc: Callable[..., Any], several: list[Path], runs: Callable[[str], Path], tmp_path: Path
) -> None:
    answer = specc("report", several[0], runs("regression"), "--out", tmp_path / "page.html")
    assert answer.status == 1 and "error[E531]" in answer.err and "was trained for classification" in answer.err
    answer = specc("report", several[0], several[1], "--device", "cpu")
    assert answer.status == 2 and "error[E475]: --device is for the report of one run" in answer.err
    answer = specc("report", several[0], several[0])
    assert answer.status == 2 and "is given twice" in answer.err
    answer = specc("report", several[0], "--out", tmp_path / "net.cnn")
    assert answer.status == 2 and "error[E480]" in answer.err
    assert not list(tmp_path.iterdir())
