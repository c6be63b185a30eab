"""Validation images that the network may know already, because a training image is nearly the same."""

import torch

from specc.backend.data.dataset import DataSet
from specc.backend.data.similar import ALIKE, similar_pairs
from specc.backend.data.split import Resident
from specc.backend.data.subset import subset_of
from specc.backend.report_page.html import Section, paragraph, text
from specc.backend.report_page.images import picture
from specc.backend.report_page.subject import Subject
from specc.errors import counted

SHOWN = 12
MOST = 2_000_000_000  # comparisons of two images: some seconds


def similar(subject: Subject) -> Section:
    """Pairs of a validation and a training image that are nearly the same picture."""
    dataset = subject.dataset
    subset = subject.info.get("subset")
    train = (subset_of(dataset, subset) if subset else dataset).train
    validation = dataset.validation
    body = paragraph("\n".join(_identical(dataset)), "q") if _identical(dataset) else ""
    if not isinstance(train, Resident) or not isinstance(validation, Resident):
        body += paragraph("The images do not fit into memory together, so that they are not compared with each other.")
        return Section("similar", "Near duplicates", body)
    if len(train) * len(validation) > MOST:
        both = f"{counted(len(validation), 'image')} with {len(train):,}"
        body += paragraph(f"{both} are too many to compare each with each, so that they are not compared.")
        return Section("similar", "Near duplicates", body)
    count, pairs = similar_pairs(validation, train, SHOWN)
    words = (
        f"{count:,} of {counted(len(validation), 'validation image')} have a training image whose grays correlate by "
        f"more than {ALIKE:g} with theirs (averaged to 32 x 32; mirrored and turned copies are not found). On such "
        "images what is learned by heart looks like what is understood; whether they are, the eye decides."
    )
    body += paragraph(words)
    pairs = pairs[: subject.budget.take(2 * len(pairs)) // 2]
    ones, others = subject.pixels([pair.one for pair in pairs]), [pair.other for pair in pairs]
    learned = train.gather(torch.tensor(others, dtype=torch.int64), torch.device("cpu")).numpy()
    items = "".join(
        f'<li><div class="pair">{picture(one).html("validation image")}{picture(other).html("training image")}</div>'
        f"correlation <b>{pair.correlation:.4f}</b>"
        f'<span class="file">{text(validation.names[pair.one])}</span>'
        f'<span class="file">{text(train.names[pair.other])}</span></li>'
        for pair, one, other in zip(pairs, ones, learned, strict=True)
    )
    return Section("similar", "Near duplicates", f'{body}<ul class="gallery">{items}</ul>')


def _identical(dataset: DataSet) -> list[str]:
    """What was said of identical pictures when the data were read."""
    return [note for note in dataset.notes if "copies of others" in note or " images, too: " in note]
