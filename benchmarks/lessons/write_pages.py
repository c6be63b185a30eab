"""Write docs/lessons: a page for each technique of examples/deck_cifar10.cnn, with the results of a study.

    specc study examples/deck_cifar10.cnn --out studies/deck …
    python benchmarks/lessons/write_pages.py studies/deck

The study can also be one of quick.cnn in this folder, which a CPU trains with three seeds in half an hour.

The text of a page is in the file in this folder that is named after the technique. All numbers and plots come from the
study's study.json; published results from benchmarks/deck.py.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.pictures.study import comparison_figure, study_figure
from specc.backend.pictures.style import look, save
from specc.check import check
from specc.files import write_atomic
from specc.report.study import command, duration, gain_text, machine, mean_text, notes, pairs
from specc.source import Source
from specc.tasks import FIGURES

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from deck import PUBLISHED, SOURCE, Published  # noqa: E402

DOCS = HERE.parent.parent / "docs" / "lessons"
ORDER = (
    "relu", "inputs", "batch_norm", "he", "skip", "noise", "dropout", "l1_l2", "flip", "crop", "instance_norm",
    "group_norm", "capacity",
)  # fmt: skip
PICTURES = "pictures"
ACCURACY = FIGURES["accuracy"]
LINES = (
    "Solid lines show validation accuracy, dashed lines the running training accuracy on augmented images; bands span "
    "the seeds."
)
INTRODUCTION = (
    "From a network that does not learn to one that generalizes: what each technique is for, its formula, how to write "
    "it, and what it did in a study of `{}`. How this study was trained is stated below its table. A study with few "
    "images and epochs shows what makes a network learn at all. What closes the gap between training and validation "
    "shows in the training accuracy first, and pays off in long runs on all images: `python benchmarks/deck.py` trains "
    "those on a GPU."
)
# The context in which a snippet is checked: `file` is next to a network, `body` inside one.
AROUND = {
    "file": "network N(widths=[8], skip=false) {{ input(3, 32x32); conv(4) -> global_avg_pool -> dense(10) }}\n{}",
    "body": "network N {{\ninput(64, 16x16)\n{}\nglobal_avg_pool -> dense(10)\n}}",
}


class Lesson(NamedTuple):
    """A technique: its title, the variants that add it to the one they extend, its lines of .cnn, its text."""

    name: str
    title: str
    steps: list[str]
    cnn: str
    papers: list[str]
    words: str


def read(name: str) -> Lesson:
    """The source of a page: settings in TOML between two lines of `+++`, then Markdown. Its .cnn is checked."""
    path = HERE / f"{name}.md"
    _, head, words = path.read_text(encoding="utf-8").split("+++\n", 2)
    found = tomllib.loads(head)
    cnn = found["cnn"].strip()
    checked = check(Source(path.name, AROUND[found["context"]].format(cnn)), everything=True)
    if checked.errors:
        raise SystemExit(f"{path}: {checked.errors[0].message}")
    return Lesson(name, found["title"], found["steps"], cnn, found["papers"], words.strip())


def page(lesson: Lesson, study: dict[str, Any]) -> str:
    """A lesson with what the study measured."""
    parts = [
        f"# {lesson.title}",
        lesson.words,
        f"## In `.cnn`\n\n```cnn\n{lesson.cnn}\n```",
        "## Results",
        *(_effect(study, name) for name in lesson.steps),
        f"![Learning curves]({PICTURES}/{lesson.name}.svg)",
        LINES,
        _how(study),
        "## Papers\n\n" + "\n".join(f"- {_linked(paper)}" for paper in lesson.papers),
    ]
    return _made(lesson.name) + "\n\n".join(part for part in parts if part) + "\n"


def _effect(study: dict[str, Any], name: str) -> str:
    """The table of a step, with its published results, and a verdict from its interval."""
    after = variant(study, name)
    before = variant(study, after["compared_with"])
    rows = [
        "| variant | what it changes | training | validation | published: training | validation |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        *(_row(one) for one in (before, after)),
    ]
    source = f"\n\nPublished: {SOURCE}" if any(one["name"] in PUBLISHED for one in (before, after)) else ""
    return "\n".join(rows) + f"\n\n{_verdict(before, after, study['comparisons'])}{source}"


def _row(one: dict[str, Any]) -> str:
    changes = "; ".join(f"`{path} = {_one_line(value)}`" for path, value in one["settings"]) or "the unchanged file"
    published = PUBLISHED.get(one["name"])
    figures = (mean_text(one[f"{part}_accuracy"], ACCURACY) for part in ("train", "val"))
    cells = [one["name"], changes, *figures, *_published(published)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _published(published: Published | None) -> list[str]:
    if published is None:
        return ["", ""]
    return ["" if value is None else f"{value:g} %" for value in (published.training, published.validation)]


def _verdict(before: dict[str, Any], after: dict[str, Any], comparisons: int) -> str:
    """What the step did, in a sentence that claims no more than its test allows, corrected for all comparisons."""
    gain = after["gain"]
    failed = next((one for one in (before, after) if one["error"]), None)
    if failed is not None:
        return f"`{failed['name']}` could not be trained: {failed['error']['code']}, {failed['error']['message']}."
    if gain is None:
        return "The two have no seed in common, so there is no gain to report."
    words = f"`{after['name']}` over `{before['name']}`: {gain_text(gain, ACCURACY)}"
    words += " percentage points of validation accuracy"
    if gain["low"] is None:
        return f"{words}. With one seed, nothing can be said about chance."
    words += f", over {gain['pairs']} seeds"
    if gain["p"] is None:
        return f"{words}: both are the same spec."
    corrected = f"by Holm's correction for {comparisons} comparisons"
    if gain["more_than_chance"]:
        return f"{words}: more than chance, {corrected}."
    if gain["low"] <= 0 <= gain["high"]:
        return f"{words}: the interval contains zero, so this may be chance."
    return f"{words}: the interval leaves out zero, but {corrected} this may still be chance."


def _how(study: dict[str, Any]) -> str:
    listed = "\n".join(f"- {note}" for note in notes(study))
    took = duration(sum(one["seconds"] for one in study["variants"] if not one["same_as"]))
    about = f"{machine(study)}; {took} of training in all"
    return f"## How it was measured\n\n```sh\n{command(study)}\n```\n\n{about}\n\n{listed}"


def index(lessons: list[Lesson], study: dict[str, Any]) -> str:
    """The table of all lessons, and all curves of the study."""
    rows = ["| lesson | step | validation accuracy | gain | published |", "| --- | --- | ---: | --- | ---: |"]
    for lesson in lessons:
        for name in lesson.steps:
            after = variant(study, name)
            before = variant(study, after["compared_with"])
            both = " to ".join(mean_text(one["val_accuracy"], ACCURACY) for one in (before, after))
            figures = [PUBLISHED.get(before["name"]), PUBLISHED.get(name)]
            known = " to ".join(f"{one.validation:g} %" if one else "?" for one in figures) if any(figures) else ""
            step = f"`{before['name']}` to `{name}`"
            gain = gain_text(after["gain"], ACCURACY) + pairs(after["gain"], None)
            rows.append(f"| [{lesson.title}]({lesson.name}.md) | {step} | {both} | {gain} | {known} |")
    parts = [
        "# Lessons",
        INTRODUCTION.format(study["file"]),
        "\n".join(rows),
        f"Published: {SOURCE}",
        f"![All learning curves]({PICTURES}/curves.svg)",
        _how(study),
    ]
    return _made("*") + "\n\n".join(parts) + "\n"


def variant(study: dict[str, Any], name: str) -> dict[str, Any]:
    """A variant of the study. Exits if it was not trained."""
    for found in study["variants"]:
        if found["name"] == name:
            return dict(found)
    raise SystemExit(f"the study has no variant `{name}`: train all of examples/deck_cifar10.cnn")


def _made(name: str) -> str:
    return f"<!-- made by benchmarks/lessons/write_pages.py from benchmarks/lessons/{name}.md and a study -->\n\n"


def _linked(paper: str) -> str:
    return re.sub(r"(https://\S+)", r"<\1>", paper)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def write(study: dict[str, Any], out: Path) -> list[Path]:
    """Write all pages and pictures; gives the pages."""
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    lessons = [read(name) for name in ORDER]
    texts = {"README": index(lessons, study)} | {lesson.name: page(lesson, study) for lesson in lessons}
    with look():
        save(study_figure(study), out / PICTURES / "curves.svg")
        for lesson in lessons:
            names = [name for step in lesson.steps for name in (variant(study, step)["compared_with"], step)]
            save(comparison_figure(study, names), out / PICTURES / f"{lesson.name}.svg")
    pages = []
    for name, text in texts.items():
        pages.append(out / f"{name}.md")
        write_atomic(pages[-1], text.encode())
    return pages


def main() -> None:
    import json

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="the folder of a study of examples/deck_cifar10.cnn")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    study = json.loads((options.study / "study.json").read_text(encoding="utf-8"))
    for written in write(study, options.out):
        print(written)


if __name__ == "__main__":
    main()
