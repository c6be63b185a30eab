"""The worst answers as a gallery: the image, where the network looked, what is true and what it said."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.evaluation.heat import Heat, heat_maps, on_image, overlaid, without_heat
from specc.backend.onnx.reference import normalize_as
from specc.backend.predict.masks import overlaid as mask_over
from specc.backend.predict.masks import palette
from specc.backend.report_page.html import Section, paragraph, text
from specc.backend.report_page.images import Levels, of_rows, picture
from specc.backend.report_page.subject import Subject
from specc.errors import counted
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION
from specc.values import Size

WORST = 24
BATCH = 8
OKABE = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
SIDE = 160  # pixels of a heat map, at least
CPU = torch.device("cpu")


def mistakes(subject: Subject) -> Section:
    """The worst answers of a run."""
    measured = subject.measured
    worst = measured.worst(subject.budget.take(WORST))
    count = int((measured.costs > 0).sum())
    if not worst:
        return Section("mistakes", "Mistakes", paragraph("There is no mistake on these images."))
    pixels = subject.pixels(worst)
    if subject.task == SEGMENTATION:
        items, note = _masks(subject, worst, pixels), _MASK_NOTE
    else:
        items, note = _heated(subject, worst, pixels)
    words = f"{count:,} of {counted(measured.figures.images, 'image')} {_WRONG[subject.task.name]}; {note}"
    wide = " wide" if subject.task == SEGMENTATION else ""
    legend = _legend(measured.task.outputs) if subject.task == SEGMENTATION else ""
    listed = "".join(f"<li>{item}</li>" for item in items)
    return Section(
        "mistakes", "Worst mistakes", f'{paragraph(words, "q")}{legend}<ul class="gallery{wide}">{listed}</ul>'
    )


_WRONG = {
    CLASSIFICATION.name: "are classified wrongly",
    MULTILABEL.name: "have a wrong tag",
    REGRESSION.name: "have an error",
    SEGMENTATION.name: "have a wrong pixel",
}
_HEAT_NOTE = "the worst first. Right: where the image speaks for {of} (LayerCAM); the brighter, the more."
_HEAT_OF = {
    CLASSIFICATION.name: "the wrong answer",
    MULTILABEL.name: "the tag that is the most wrong",
    REGRESSION.name: "a higher first number",
}
_MASK_NOTE = "the lowest mean IoU first. Left the image, then the true classes, right the answer."


def _heated(subject: Subject, numbers: list[int], pixels: Levels) -> tuple[list[str], str]:
    """Images with their heat maps, and what is said of them."""
    because, _ = without_heat(subject.run.spec.graph, subject.task)
    if because:
        return [
            _item(subject, number, [picture(image).html("")]) for number, image in zip(numbers, pixels, strict=True)
        ], (f"the worst first. No heat maps: {because}.")
    heats = _heat(subject, numbers, pixels)
    items = []
    for number, image, heat in zip(numbers, pixels, heats, strict=True):
        shown = [picture(image).html("the image"), of_rows(overlaid(_large(image), heat)).html("its heat map")]
        items.append(_item(subject, number, shown))
    return items, _HEAT_NOTE.format(of=_HEAT_OF[subject.task.name])


def _large(image: Levels) -> Levels:
    """A small image with larger pixels, so that a heat map over it is smooth."""
    factor = max(1, -(-SIDE // max(image.shape[1:])))
    large: Levels = _drawable(image).repeat(factor, axis=1).repeat(factor, axis=2)
    return large


def _drawable(image: Levels) -> Levels:
    return image if len(image) in (1, 3) else image[:1]


def _heat(subject: Subject, numbers: list[int], pixels: Levels) -> list[Heat]:
    """The heat map of each image at the size that it is drawn in, for the output that its mistake is about."""
    run, records = subject.run, subject.measured.evaluation.records[numbers]
    net = run.net.to(CPU).eval()
    normalize = normalize_as(run.spec, run.info["mean"], run.info["std"])
    outputs = torch.from_numpy(_asked(subject, numbers, records))
    size, shown = Size(*pixels.shape[2:]), Size(*_large(pixels[0]).shape[1:])
    heats: list[Heat] = []
    # `normalize` cuts the view out of images; these are that already, which leaves them as they are
    for start in range(0, len(numbers), BATCH):
        images = normalize(torch.from_numpy(pixels[start : start + BATCH]))
        heats += [on_image(heat, size, shown) for heat in heat_maps(net, images, outputs[start : start + BATCH])]
    return heats


def _asked(subject: Subject, numbers: list[int], records: NDArray[np.float64]) -> NDArray[np.int64]:
    """The output whose heat map is shown, of each image."""
    if subject.task == CLASSIFICATION:
        return records[:, 1].astype(np.int64)
    if subject.task == MULTILABEL:
        tags = len(subject.measured.task.outputs)
        shares = subject.measured.probabilities
        assert shares is not None
        asked: NDArray[np.int64] = np.abs(shares[numbers] - records[:, tags:]).argmax(axis=1)
        return asked
    return np.zeros(len(records), np.int64)


def _masks(subject: Subject, numbers: list[int], pixels: Levels) -> list[str]:
    """Images, with the true classes over them, and with those of the network."""
    run, ignore = subject.run, subject.measured.task.ignore
    truths = subject.truths(numbers)
    normalize = normalize_as(run.spec, run.info["mean"], run.info["std"])
    net = run.net.to(CPU).eval()
    colors, items = _class_colors(), []
    for number, image, truth in zip(numbers, pixels, truths, strict=True):
        with torch.inference_mode():
            answer = net(normalize(torch.from_numpy(image[None])))[0].argmax(dim=0).numpy().astype(np.uint8)
        true = np.where(truth == ignore, 0, truth).astype(np.uint8) if ignore is not None else truth
        drawn = _drawable(image)
        shown = [
            picture(image).html("the image"),
            of_rows(mask_over(drawn, true, colors)).html("the true classes"),
            of_rows(mask_over(drawn, answer, colors)).html("the answer"),
        ]
        items.append(_item(subject, number, shown))
    return items


def _class_colors() -> Levels:
    """Those of Okabe and Ito for the first classes, which the color-blind tell apart; of PASCAL VOC for the others."""
    colors = palette()
    colors[1 : len(OKABE) + 1] = OKABE
    return colors


def _legend(names: Sequence[str]) -> str:
    """The color of each class but the first, which is left clear."""
    colors = _class_colors()
    items = "".join(
        f'<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" fill="rgb{tuple(color)}"/></svg>'
        f"{text(name)}</li>"
        for name, color in zip(names[1:], colors[1:].tolist(), strict=False)
    )
    return f'<ul class="key">{items}</ul>'


def _item(subject: Subject, number: int, pictures: list[str]) -> str:
    (row,) = subject.measured.rows([number])
    file = f'<span class="file">{text(row["image"])}</span>'
    return f'<div class="pair">{"".join(pictures)}</div>{_caption(subject, row)}{file}'


def _caption(subject: Subject, row: dict[str, Any]) -> str:
    match subject.task.name:
        case CLASSIFICATION.name:
            shares = [f"{row[key]:.1%}" for key in ("probability_of_answer", "probability_of_label")]
            answer = f'<span class="wrong"><b>{text(row["answer"])}</b> {shares[0]}</span>'
            return f'{answer}<br><span class="right">is <b>{text(row["label"])}</b> {shares[1]}</span>'
        case MULTILABEL.name:
            lines = [
                f'<span class="{kind}">{word} <b>{text(", ".join(row[key]))}</b></span>'
                for key, word, kind in (("missing", "misses", "right"), ("extra", "adds", "wrong"))
                if row[key]
            ]
            return "<br>".join(lines)
        case REGRESSION.name:
            return "<br>".join(
                f'{text(name)}: <span class="wrong"><b>{row["answers"][name]:.4g}</b></span>, '
                f'<span class="right">is <b>{value:.4g}</b></span>'
                for name, value in row["numbers"].items()
            )
        case SEGMENTATION.name:
            iou, accuracy = (subject.task.figure(name).text(row[name]) for name in ("mean_iou", "pixel_accuracy"))
            return f"mean IoU <b>{iou}</b>, pixel accuracy {accuracy}"
    raise ValueError(subject.task.name)
