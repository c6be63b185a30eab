"""The model card: what a file is, how good it is and what it was made of, in Markdown for people."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from specc.backend.data.dataset import DataSet
from specc.backend.evaluation.caveats import caveats
from specc.backend.evaluation.class_figures import by_class
from specc.backend.evaluation.figures import Estimate, share
from specc.backend.onnx import model_file
from specc.backend.onnx.certificate import Certificate, loss_of, loss_text
from specc.backend.onnx.comparison import figure_text
from specc.backend.onnx.exported import Exported
from specc.backend.onnx.listed import Listed, listed, value_of
from specc.backend.tasks.figures.classification import confusion
from specc.backend.tasks.figures.scores import confusions
from specc.errors import clean, counted
from specc.report.figures import output_cells
from specc.report.outputs import SINGULAR, what_it_does
from specc.tasks import CLASSIFICATION, Figure

MATRIX = 20  # classes of which the whole confusion matrix is shown
MISTAKES = 20  # frequent mistakes that are shown where there are more classes


def card(
    made: Sequence[Exported], others: Sequence[Listed], dataset: DataSet, metadata: dict[str, str], looks: int
) -> str:
    """The card of the files of one export, fp32 first, and of those that earlier exports left beside them.

    metadata: what the files say of themselves (`describe`). looks: how often the run has looked at the test part.
    """
    first, task = made[0], dataset.task.facts
    is_confusable = task == CLASSIFICATION
    sections = [
        f"# {first.certificate.network}",
        _what(first, dataset, metadata),
        "## Figures\n\n"
        + _figures(first.certificate, [*map(listed, made), *others], caveats(dataset, "validation"), looks)
        + _half(made),
        "## Data\n\n" + _data(dataset, metadata) + _weights(first.certificate),
        f"## {task.outputs.capitalize()}\n\n" + _outputs(first, dataset),
        *(["## Confusion\n\n" + _confusion(first, dataset.classes)] if is_confusable else []),
        "## Certificate\n\n" + _certificate(first),
        "## Spec\n\n" + _fenced(metadata[model_file.SPEC]),
    ]
    return "\n\n".join(sections) + "\n"


def _what(first: Exported, dataset: DataSet, metadata: dict[str, str]) -> str:
    takes: dict[str, Any] = json.loads(metadata[model_file.INPUT])
    size = " x ".join(map(str, takes["size"])) if takes["size"] else "any height and width"
    order = f" ({takes['order']})" if takes["order"] else ""
    task, gives = dataset.task, json.loads(metadata[model_file.OUTPUT])
    kind = "uint8" if gives["name"] == "classes" else "float32"
    shape = " x ".join(map(str, ("N", *gives["shape"])))
    units = ", in the data's own units" if gives["name"] == "numbers" else ""
    return (
        f"A network that {what_it_does(task.facts, len(task.outputs))}, made by specc {metadata[model_file.VERSION]}."
        f"\n\n`{first.path.name}` takes `{takes['name']}`: raw uint8 images, N x {takes['channels']} x H x W{order}, "
        f"{size}. Preprocessing is inside{_resized(takes)}. It gives `{gives['name']}`, {kind} {shape}{units}."
        f"{_range(takes)}"
    )


def _resized(takes: dict[str, Any]) -> str:
    """How the graph resizes images, and what of them the network sees."""
    if "resize" not in takes:
        return ""
    view = f", then the center {' x '.join(map(str, takes['view']))}" if "view" in takes else ""
    return f": `{takes['resize']}`{view}"


def _range(takes: dict[str, Any]) -> str:
    """What has to be done to 16-bit files before they are uint8, which is outside of the graph."""
    if "range" not in takes:
        return ""
    low, high = takes["range"]
    return (
        f"\n\n16-bit gray files: {low:,} becomes 0, {high:,} becomes 255, and what lies outside is clipped. `specc "
        "predict` and the web page do that when they read a file; a program that gives it uint8 images has to do it."
    )


def _figures(certificate: Certificate, files: Sequence[Listed], caveats: Sequence[str], looks: int) -> str:
    figure, task = certificate.figure, certificate.task
    others = [one for one in task.figures if one != figure and certificate.figures[one.name] is not None]
    named = ", ".join(
        [
            f"{figure.title} {certificate.estimate.text(figure)}",
            *(figure_text(one, certificate.figures) for one in others),
        ]
    )
    lines = [f"The trained model on {counted(certificate.images, 'validation image')}: {named}.{_chosen(certificate)}"]
    lines += ["", *(f"- {clean(line)}" for line in caveats)] if caveats else []
    if certificate.test:
        lines += ["", _on_test(figure, certificate.test, looks)]
    lines += ["", "The files, on the validation images; in parentheses 95% intervals:", ""]
    head = ["file", "precision", "size in bytes", "on", figure.title, "lost"]
    head += [f"{task.agreement} as the trained model"] if task.agreement else []
    rows = [
        [
            f"`{one.name}`" + (f" ({one.note})" if one.note else ""),
            one.certificate["precision"],
            f"{one.size:,}",
            _cell(provider),
            _text(figure, value_of(found, figure), one.certificate["validation_images"]),
            _lost(figure, one.certificate, found),
            *([f"{found['agreement']:.2%}"] if task.agreement else []),
        ]
        for one in files
        for provider, found in one.certificate["providers"].items()
    ]
    return "\n".join([*lines, _table(head, rows)])


def _text(figure: Figure, value: float | None, images: int) -> str:
    """A figure; a share of images with its interval."""
    return str(share(value, images)) if value is not None and figure.counts_images else figure.text(value)


def _chosen(certificate: Certificate) -> str:
    """Why that is too good."""
    return f" That is {certificate.optimistic}." if certificate.optimistic else ""


def _on_test(figure: Figure, test: dict[str, Any], looks: int) -> str:
    """What it reaches on images that chose nothing, and how often anybody looked."""
    found = Estimate.of(test["figures"].get(figure.name))
    times = "once" if looks == 1 else f"{looks:,} times"
    on = clean(test["measured_on"])
    lines = [
        f"On {on}, which chose nothing: {figure.title} {found.text(figure)}. The run has looked at that part {times}."
    ]
    lines += ["", *(f"- {clean(line)}" for line in test["caveats"])] if test.get("caveats") else []
    return "\n".join(lines)


def _lost(figure: Figure, certificate: dict[str, Any], found: dict[str, Any]) -> str:
    """What a file loses of a figure."""
    before, after = ({figure.name: value_of(one, figure)} for one in (certificate, found))
    return loss_text(figure, loss_of(figure, before, after, certificate["validation_images"]))


def _half(made: Sequence[Exported]) -> str:
    """What half precision does, where there is an fp16 file."""
    return "".join(f"\n\n`{one.path.name}` {one.certificate.half}." for one in made if one.certificate.half)


def _data(dataset: DataSet, metadata: dict[str, str]) -> str:
    shape = " x ".join(map(str, dataset.shape))
    return (
        f"`{clean(dataset.name)}`: {counted(len(dataset.train), 'image')} trained on, {shape} each; validated on "
        f"{dataset.validated_on}. Content, SHA-256: `{metadata[model_file.DATA_SHA256]}`."
    )


def _weights(certificate: Certificate) -> str:
    """Which weights the training began with, and how many never learned."""
    lines, start = [], certificate.start
    if start:
        sha256 = f", SHA-256 `{clean(start['sha256'])}`" if "sha256" in start else ""
        terms = f", license: {_cell(start['license'])}" if "license" in start else ""
        lines.append(f"Training started from `{clean(start['from'])}`{sha256}{terms}.")
    if certificate.frozen:
        lines.append(f"{counted(certificate.frozen, 'parameter')} never learned: frozen to the end.")
    return "\n\n" + " ".join(lines) if lines else ""


def _outputs(first: Exported, dataset: DataSet) -> str:
    """The figures of each class, tag or number."""
    task, records = dataset.task, first.records
    if task.facts == CLASSIFICATION:
        head = ["class", "precision", "recall", "F1", "images"]
        rows = [
            [one.name, *map(str, (one.precision, one.recall, one.f1)), f"{one.support:,}"]
            for one in by_class(confusion(records, len(task.outputs)), task.outputs)[1]
        ]
    else:
        head, *rows = output_cells(task.by_output(records), SINGULAR[task.facts.outputs])
    return _table(head, [[_cell(name), *texts] for name, *texts in rows])


def _confusion(first: Exported, classes: Sequence[str]) -> str:
    table = confusion(first.records, len(classes))
    if len(classes) > MATRIX:
        found = confusions(table, classes, MISTAKES)
        rows = [[_cell(one.truth), _cell(one.answer), f"{one.images:,}"] for one in found]
        return "The most frequent mistakes:\n\n" + _table(["class", "taken for", "images"], rows)
    names = [_cell(name) for name in classes]
    rows = [[f"**{name}**", *map(str, counts)] for name, counts in zip(names, table.tolist(), strict=True)]
    return "A row for each class, a column for each answer:\n\n" + _table(["", *names], rows)


def _certificate(first: Exported) -> str:
    certificate = first.certificate
    allowed = ", ".join(f"{difference:.2g}" for difference in certificate.allowed)
    compared = [(found.provider, what, figures) for found in certificate.comparisons for what, figures in found.all()]
    compared += [
        (found.provider, "logits of the whole validation set", found.logits)
        for found in certificate.comparisons
        if found.logits is not None
    ]
    rows = [
        [
            provider,
            what,
            ", ".join(f"{difference:.2g}" for difference in figures.by_number or (figures.largest,)),
            f"{figures.mean:.2g}",
            *([] if figures.agreement is None else [f"{figures.agreement:.2%}"]),
        ]
        for provider, what, figures in compared
    ]
    hashes = [
        ("file, up to its certificate", certificate.model_sha256),
        ("spec", certificate.spec_sha256),
        ("data", certificate.data_sha256),
        ("trained weights", certificate.weights_sha256),
    ]
    if certificate.weights_file:
        hashes.insert(1, (certificate.weights_file["name"], certificate.weights_file["sha256"]))
    versions = ", ".join(f"{name} {version}" for name, version in certificate.versions.items())
    found = (
        f"`{first.path.name}` was compared with the trained model in PyTorch ({certificate.device}); a difference of "
        f"{allowed} was allowed{_of_logits(certificate)}. Its graph is in evaluation mode. "
        f"`specc verify {first.path.name}` checks it again."
    )
    head = ["on", "images", "largest difference", "mean difference"]
    differences = _table([*head, *([certificate.task.agreement] if certificate.task.agreement else [])], rows)
    sums = _table(["SHA-256 of", ""], [[what, f"`{value}`"] for what, value in hashes])
    return "\n\n".join([found, differences, sums, f"ONNX opset {certificate.opset}; {versions}."])


def _of_logits(certificate: Certificate) -> str:
    """What was allowed of logits, and what saturated probabilities hide."""
    if certificate.logits_scale is None:
        return ""
    allowed = f", and of {certificate.tolerance * certificate.logits_scale:.2g} in the logits"
    if certificate.saturated:
        allowed += (
            f" (the probabilities of {certificate.saturated:.2%} of the {certificate.places} are saturated: "
            "0 and 1 in float32)"
        )
    return allowed


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _cell(text: str) -> str:
    """A name as text of a table's cell: no sign in it means anything to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", clean(text))


def _fenced(text: str) -> str:
    """A spec as a block of code, by a fence that is longer than any in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}cnn\n{text.rstrip()}\n{fence}"
