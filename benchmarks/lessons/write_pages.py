"""Write docs/lessons: a page for each technique of examples/deck_cifar10.cnn, with the results of a study.

    python benchmarks/lessons/write_pages.py

takes the studies that are kept in this folder: deeper.json, of a network that does not learn and its cures, and
quick.json, of all other steps. They can be measured anew:

    specc study examples/deck_cifar10.cnn --out studies/deck …
    python benchmarks/lessons/write_pages.py studies/deck/study.json

or with quick.cnn, which a CPU trains with three seeds in half an hour. A step is taken from the first study that has
it.

The text of a page is in the file in this folder that is named after the technique. All numbers and plots come from the
studies; published results from benchmarks/deck.py.
"""

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from specc.backend.pictures.style import look, save
from specc.check import check
from specc.files import write_atomic
from specc.report.study import command, duration, gain_text, machine, mean_text, notes
from specc.source import Source
from specc.tasks import FIGURES

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import pictures  # noqa: E402
from deck import PUBLISHED, SOURCE, Published  # noqa: E402
from effects import TITLES, Effect, effect  # noqa: E402

DOCS = HERE.parent.parent / "docs" / "lessons"
STUDIES = (HERE / "deeper.json", HERE / "quick.json")
ORDER = (
    "deeper", "relu", "inputs", "batch_norm", "he", "skip", "noise", "dropout", "l1_l2", "flip", "crop",
    "instance_norm", "group_norm", "capacity",
)  # fmt: skip
PICTURES = "pictures"
ACCURACY = FIGURES["accuracy"]
CURVES = (
    "Curves: means over the seeds, measured while training, training accuracy on augmented images; bands run from the "
    "lowest seed to the highest."
)
INTRODUCTION = (
    "From a network that does not learn to one that generalizes: what each technique is for, its formula, how to "
    "write it, and what it did. A cure is shown where it decides: whether a network learns at all, in training "
    "accuracy after a few epochs. What closes the gap between training and validation is shown by that gap. These are "
    "small networks, few images and few epochs on a CPU; what the techniques do to the accuracy of long runs on all "
    "images, `python benchmarks/deck.py` trains on a GPU."
)
# The context in which a snippet is checked: `file` is next to a network, `body` inside one.
AROUND = {
    "file": "network N(widths=[8], depth=3, act=relu, norm=identity, init=auto, skip=false) {{\n"
    "input(3, 32x32); conv(4) -> global_avg_pool -> dense(10) }}\n{}",
    "body": "network N {{\ninput(64, 16x16)\n{}\nglobal_avg_pool -> dense(10)\n}}",
}


Study = dict[str, Any]  # a study.json


class Lesson(NamedTuple):
    """A technique: its title, the variants that add it to the one they extend, its lines of .cnn, its text.

    shows: what carries its point, a key of `TITLES`, at the first of its steps."""

    name: str
    title: str
    shows: str
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
    if found["shows"] not in TITLES:
        raise SystemExit(f"{path}: shows = {found['shows']!r}, but it has to be one of {', '.join(TITLES)}")
    return Lesson(name, found["title"], found["shows"], found["steps"], cnn, found["papers"], words.strip())


def page(lesson: Lesson, studies: list[Study]) -> str:
    """A lesson with what the studies measured: first the picture and the figure that carry its point."""
    used = list({id(study): study for name in lesson.steps for study in [study_of(studies, name)]}.values())
    parts = [
        f"# {lesson.title}",
        f"**{headline(lesson, studies)}**",
        f"![{lesson.title}]({PICTURES}/{lesson.name}.svg)",
        lesson.words,
        f"## In `.cnn`\n\n```cnn\n{lesson.cnn}\n```",
        "## Results",
        *_tables(lesson, studies),
        f"{CURVES} {rests_on([effect_of(lesson, studies)])}",
        *_how(used),
        "## Papers\n\n" + "\n".join(f"- {_linked(paper)}" for paper in lesson.papers),
    ]
    return _made(lesson.name) + "\n\n".join(part for part in parts if part) + "\n"


def effect_of(lesson: Lesson, studies: list[Study]) -> Effect:
    """What the first step of a lesson does to the figure that carries its point."""
    study = study_of(studies, lesson.steps[0])
    after = variant(study, lesson.steps[0])
    return effect(lesson.shows, variant(study, after["compared_with"]), after)


def headline(lesson: Lesson, studies: list[Study]) -> str:
    """The effect in a sentence, which claims no more than its interval allows."""
    found, name = effect_of(lesson, studies), lesson.steps[0]
    before = variant(study_of(studies, name), name)["compared_with"]
    text = f"From `{before}` to `{name}` the {found.title} went from {found.before.text} to {found.after.text}"
    text += f": a change of {found.change_text} points"
    if not found.is_clear:
        text += ". The interval contains zero: nothing can be told from this study"
    return f"{text}."


def rests_on(effects: list[Effect]) -> str:
    """What the intervals of changes are made of."""
    texts = []
    if several := sorted({found.seeds for found in effects if found.seeds > 1}):
        of = " or ".join(map(str, several))
        texts.append(
            f"Intervals of 95% rest on {of} seeds a variant: for validation accuracy they are the paired t-test's, for "
            "training accuracy and for the gap they are made of the deviations over the seeds, as of independent "
            "trainings."
        )
    if any(found.seeds == 1 for found in effects):
        texts.append(
            "With one seed the interval is over the training images: it says how well this training was measured, not "
            "what another seed would give."
        )
    return " ".join(texts)


def _tables(lesson: Lesson, studies: list[Study]) -> list[str]:
    """A table of each group of steps that are compared with the same variant, and a sentence on each step."""
    groups: dict[str, list[str]] = {}
    for name in lesson.steps:
        groups.setdefault(variant(study_of(studies, name), name)["compared_with"], []).append(name)
    return [_table(before, names, study_of(studies, names[0])) for before, names in groups.items()]


def _table(before: str, names: list[str], study: Study) -> str:
    """The variants in a table, with published results where there are any, and a verdict on each step's gain."""
    rows = [variant(study, name) for name in (before, *names)]
    is_published = any(one["name"] in PUBLISHED for one in rows)
    headings = ["variant", "what it changes", "training", "validation", *(["published"] if is_published else [])]
    rules = ["---", "---", *["---:" for _ in headings[2:]]]
    lines = [headings, rules, *(_row(one, is_published) for one in rows)]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    verdicts = [_verdict(rows[0], after, study["comparisons"]) for after in rows[1:]]
    source = [f"Published: {SOURCE}"] if is_published else []
    return "\n\n".join([table, *verdicts, *source])


def _row(one: dict[str, Any], is_published: bool) -> list[str]:
    changes = "; ".join(f"`{path} = {_one_line(value)}`" for path, value in one["settings"]) or "the unchanged file"
    figures = [mean_text(one[f"{part}_accuracy"], ACCURACY) for part in ("train", "val")]
    return [one["name"], changes, *figures, *([_published(PUBLISHED.get(one["name"]))] if is_published else [])]


def _published(published: Published | None) -> str:
    if published is None:
        return "none"
    training = "" if published.training is None else f", {published.training:g} % in training"
    return f"{published.validation:g} %{training}"


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


def _how(studies: list[Study]) -> list[str]:
    return ["## How it was measured", *(_how_one(study) for study in studies)]


def _how_one(study: Study) -> str:
    listed = "\n".join(f"- {note}" for note in [*notes(study), *([study["about"]] if "about" in study else [])])
    seconds = study.get("seconds") or sum(one["seconds"] for one in study["variants"] if not one["same_as"])
    about = f"{machine(study)}; {duration(seconds)} of training in all"
    return f"```sh\n{command(study)}\n```\n\n{about}\n\n{listed}"


def index(lessons: list[Lesson], studies: list[Study]) -> str:
    """The table of all lessons, and the picture of their effects."""
    rows = ["| lesson | step | what it shows | from | to | change |", "| --- | --- | --- | ---: | ---: | --- |"]
    for lesson in lessons:
        found, name = effect_of(lesson, studies), lesson.steps[0]
        step = f"`{variant(study_of(studies, name), name)['compared_with']}` to `{name}`"
        cells = [f"[{lesson.title}]({lesson.name}.md)", step, found.title, found.before.text, found.after.text]
        rows.append(f"| {' | '.join(cells)} | {found.change_text} |")
    used = list({id(study): study for lesson in lessons for study in [study_of(studies, lesson.steps[0])]}.values())
    effects = [effect_of(lesson, studies) for lesson in lessons]
    parts = [
        "# Lessons",
        f"![What each lesson changes]({PICTURES}/overview.svg)",
        INTRODUCTION,
        "\n".join(rows),
        f"Change: percentage points. {rests_on(effects)}",
        *_how(used),
    ]
    return _made("*") + "\n\n".join(parts) + "\n"


def study_of(studies: list[Study], name: str) -> Study:
    """The first study that has a variant. Exits if none has."""
    for study in studies:
        if any(one["name"] == name for one in study["variants"]):
            return study
    raise SystemExit(f"no study has a variant `{name}`: train all of examples/deck_cifar10.cnn")


def variant(study: Study, name: str) -> dict[str, Any]:
    """A variant of a study, with the figures of the one that it is the same as. Exits if it was not trained."""
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


def write(studies: list[Study], out: Path) -> list[Path]:
    """Write all pages and pictures; gives the pages."""
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    lessons = [read(name) for name in ORDER]
    texts = {"README": index(lessons, studies)} | {lesson.name: page(lesson, studies) for lesson in lessons}
    with look():
        shown = {lesson.steps[0]: lesson for lesson in lessons}.values()  # of two lessons on one step the more special
        effects = [(lesson.title, effect_of(lesson, studies)) for lesson in shown]
        save(pictures.overview(effects), out / PICTURES / "overview.svg")
        for lesson in lessons:
            save(_picture(lesson, studies), out / PICTURES / f"{lesson.name}.svg")
    pages = []
    for name, text in texts.items():
        pages.append(out / f"{name}.md")
        write_atomic(pages[-1], text.encode())
    return pages


def _picture(lesson: Lesson, studies: list[Study]) -> Figure:
    """Of the step that carries a lesson's point; of a cure with all others of the same variant that the lesson has."""
    found, study = effect_of(lesson, studies), study_of(studies, lesson.steps[0])
    after = variant(study, lesson.steps[0])
    before = variant(study, after["compared_with"])
    if lesson.shows != "training":
        return pictures.generalization(lesson.title, found, before, after)
    names = [name for name in lesson.steps if study_of(studies, name) is study]
    cures = [one for one in (variant(study, name) for name in names) if one["compared_with"] == before["name"]]
    return pictures.cure(lesson.title, found, [before, *cures])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path, nargs="*", default=STUDIES, help="study.json of one or several studies")
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    for written in write([json.loads(path.read_text(encoding="utf-8")) for path in options.studies], options.out):
        print(written)


if __name__ == "__main__":
    main()
