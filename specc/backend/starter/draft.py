"""The text of a first spec, and what is said of the data that it is for."""

import textwrap
from collections.abc import Iterable, Sequence
from math import isclose
from typing import Any, NamedTuple

from torch import Tensor

from specc.backend.data.places import few
from specc.backend.data.raw import Files, Raw, Unlabeled
from specc.backend.data.shards.images import Packed
from specc.backend.device import find
from specc.backend.memory import needed, room
from specc.backend.starter import settings
from specc.backend.starter.facts import Seen
from specc.backend.starter.network import network
from specc.backend.starter.request import Request
from specc.backend.starter.size import Fit, Line, fit
from specc.backend.starter.sources import see
from specc.backend.starter.words import quoted
from specc.check import check
from specc.check.zoo import compiled
from specc.diagnostics import nearest
from specc.errors import SpeccError, clean, counted
from specc.source import Source
from specc.tasks import CLASSIFICATION, REGRESSION, SEGMENTATION
from specc.values import Size
from specc.vocabulary.family import Normalization
from specc.vocabulary.registry import component
from specc.zoo import model_of
from specc.zoo.weights import Published, published

MEMORY = 2  # a step takes at most one part in so many of what is free
LISTED = 12  # classes of which a comment gives the number of images
PERMISSIVE = ("apache", "bsd", "mit")  # what licenses begin with that allow any use
VIEW = Size(224, 224)  # of most networks of the zoo
WIDE = 120  # characters of a comment's line


class Draft(NamedTuple):
    """A spec, not formatted yet. saw: what was seen, a line each. facts: the same for programs."""

    text: str
    saw: list[str]
    facts: dict[str, Any]


def draft(request: Request) -> Draft:
    """Look at data and write a spec for them. Raises SpeccError as `see` does, and E409 for too few images."""
    seen = see(request)
    saw = [_summary(seen), *_about(seen), *map(clean, seen.raw.notes)]
    text = _zoo_spec(seen, request) if request.like else _own_spec(seen, request)
    return Draft(_head(seen, request) + text, saw, _facts(seen))


def _own_spec(seen: Seen, request: Request) -> str:
    """A spec with a small network of its own, whose batch fits into this machine's memory."""
    fitted = fit(seen)
    sample, more = settings.balance(seen)
    data = [*_source(seen), *_reading(seen), *fitted.lines]
    data.append(Line("normalize = standard", "mean 0, deviation 1; the exported model does the same"))
    data += [*settings.augment(seen, fitted), *sample, settings.validation(seen)]

    def text(batch: int) -> str:
        train = [
            Line(f"epochs = {settings.epochs(seen.learned, batch)}", "passes over the training images"),
            Line(f"batch = {batch}"),
            Line("optimizer = adamw(lr=2e-3, weight_decay=1e-2)"),
            Line("schedule = warmup(5%) -> cosine", "shares of the training"),
            *more,
        ]
        body = network(seen, request.name, fitted.seen)
        return "\n".join([_section("data", data), body, _section("train", train)])

    def fits(batch: int) -> bool:
        checked = check(Source(request.file, text(batch)))
        return needed(checked.trainable(), batch) <= room(find("auto")) // MEMORY

    batch = settings.batch(seen.learned)
    while batch > settings.BATCHES[0] and not fits(batch):
        batch //= 2
    return text(batch)


def _zoo_spec(seen: Seen, request: Request) -> str:
    """A spec that begins with the trained weights of a spec of the zoo, which gives resize, view and normalize.

    Raises SpeccError E475 for arrays, whose shape a spec has to give: networks of the zoo take that of their view.
    """
    assert request.like is not None
    if seen.shape is not None:
        what = "holds packed images" if isinstance(seen.raw.train.images, Packed) else "is an npz file"
        message = f"--like needs image files, but {request.data} {what}"
        raise SpeccError("E475", clean(message), help="leave out --like, or save the images as files in class folders")
    name = model_of(request.like)
    _refuse_misfit(name, seen)
    sample, more = settings.balance(seen)
    changes = settings.augment(seen, Fit((), VIEW))
    size, weights = settings.batch(seen.learned), _weights(name)
    data = [*_source(seen), *_range(seen), *_normalize(name, weights), *changes, *sample, settings.validation(seen)]
    train = [
        Line(f"start = pretrained({quoted(weights.name)})", f"{weights.license}; `specc zoo {name}` lists others"),
        Line("freeze = freeze(backbone, until=3)", "at first only the new head learns, then everything"),
        Line("epochs = 12"),
        Line(f"batch = {min(size, 32)}"),
        Line("optimizer = adamw(lr=3e-4, weight_decay=1e-2)", "small steps: most of it is learned already"),
        Line("schedule = warmup(5%) -> cosine", "shares of the training"),
        *more,
    ]
    knobs = _section("network", [Line(f"classes = {len(seen.outputs)}")])
    return f"extends {quoted(f'zoo:{name}')}\n\n{knobs}\n\n{_section('data', data)}\n\n{_section('train', train)}"


def _refuse_misfit(model: str, seen: Seen) -> None:
    """Raise SpeccError E475 where a model of the zoo classifies images and the data have masks, or the reverse."""
    has_map = len(compiled(model)[0].output_shape) > 1
    if has_map == (seen.task == SEGMENTATION):
        return
    what = "pixels" if has_map else "images"
    fitting = [name for name in sorted({one.model for one in published().values()}) if _has_map(name) != has_map]
    message = f"--like {model}: it classifies {what}, but the data are {_summary(seen)}"
    raise SpeccError("E475", clean(message), help=f"such as --like {few(fitting, LISTED)}; or leave out --like")


def _has_map(model: str) -> bool:
    """Whether a model of the zoo classifies pixels: its weights are of Pascal VOC's classes."""
    return any(one.model == model and one.classes == "voc" for one in published().values())


def _weights(model: str) -> Published:
    """The published weights of a spec of the zoo: if possible such that allow any use and see images of its size; of
    these the most accurate ones where that is known.

    Raises SpeccError E475 where there are none.
    """
    fitting = [one for one in published().values() if one.model == model]
    if not fitting:
        known = sorted({one.model for one in published().values()})
        help = nearest(model, known) or f"weights are published for {few(known, LISTED)}"
        raise SpeccError("E475", f"--like {model}: no weights are published for it", help=help)
    view = str(compiled(model)[1].view)

    def rank(one: Published) -> tuple[bool, bool, float, bool]:
        is_permissive = one.license.lower().startswith(PERMISSIVE)
        return is_permissive, one.view == view, one.accuracy or 0, one.library == "torchvision"

    return max(fitting, key=rank)


def _normalize(model: str, weights: Published) -> list[Line]:
    """How the weights see pixels, where that is not how the spec of the zoo normalizes them."""
    normalize = compiled(model)[1].normalize
    constants = component(Normalization, normalize).constants
    if constants is not None:
        known = [value for row in constants(normalize.args) for value in ((*row,) * 3 if len(row) == 1 else row)]
        if all(isclose(a, b, rel_tol=5e-3) for a, b in zip(known, (*weights.mean, *weights.std), strict=True)):
            return []
    mean, std = ("[" + ", ".join(f"{value:g}" for value in row) + "]" for row in (weights.mean, weights.std))
    return [Line(f"normalize = fixed(mean={mean}, std={std})", "as these weights were trained")]


def _section(name: str, lines: Iterable[Line]) -> str:
    """A section of a spec: reasons that are short stand behind their setting, others above it."""
    body = []
    for line in lines:
        setting, *comments = [line.text, *([line.why] if line.why else [])]
        if comments and len(setting) + len(comments[0]) < WIDE - 16:
            body.append(f"  {setting}  # {comments[0]}")
        else:
            body += [f"  {part}" for why in comments for part in _comment(why)] + [f"  {setting}"]
    return "\n".join([f"{name} {{", *body, "}"])


def _comment(text: str) -> list[str]:
    """A text as lines of comment; no name in it begins another line."""
    lines = textwrap.wrap(clean(text), WIDE - 6, break_long_words=False, break_on_hyphens=False)
    return [f"# {line}" for line in lines]


def _head(seen: Seen, request: Request) -> str:
    file = clean(request.file)
    lines = _comment(f"{request.name}: {_summary(seen)}")
    lines += _comment(f"`specc check {file}` reports problems, `specc train {file}` trains, exports and verifies.")
    return "\n".join(lines) + "\n\n"


def _source(seen: Seen) -> list[Line]:
    """The source, below what is said of it."""
    comments = [line for note in _about(seen) for line in _comment(note)]
    return [Line("\n  ".join([*comments, f"source = {seen.call}"]))]


def _reading(seen: Seen) -> list[Line]:
    """How image files are read: gray, where all of them are."""
    if not isinstance(seen.raw.train.images, Files):
        return []
    gray = [Line("channels = gray", "as all images are, or show")] if seen.pictures.is_gray else []
    return [*gray, *_range(seen)]


def _range(seen: Seen) -> list[Line]:
    """The values of 16-bit files that are black and white, where they use only the lower ones."""
    if seen.pictures.deep is None:
        return []
    high = 2 ** max(8, seen.pictures.deep[1].bit_length()) - 1
    if high > 1 << 15:
        return []
    why = f"16-bit files use values from {seen.pictures.deep[0]:,} to {seen.pictures.deep[1]:,}"
    return [Line(f"range = (0, {high})", why)]


def _summary(seen: Seen) -> str:
    """What the data are, in a sentence."""
    total = sum(seen.images.values())
    what = _what(seen)
    parts = ", ".join(f"{count:,} to {_use(name)}" for name, count in seen.images.items())
    color = "gray" if seen.pictures.is_gray else "RGB"
    depth = " of 16 bits" if seen.pictures.deep else ""
    divided = f"; {parts}" if len(seen.images) > 1 else ""
    return f"{counted(total, 'image')} {what}, {_sizes(seen)}, {color}{depth}{divided}"


def _use(part: str) -> str:
    return {"train": "train on", "validation": "validate on", "test": "test on"}[part]


def _what(seen: Seen) -> str:
    """What there is to learn of the images, in words."""
    number = len(seen.outputs)
    if seen.task == REGRESSION:
        return f"with {'a number' if number == 1 else counted(number, 'number')} to predict ({few(seen.outputs)})"
    if seen.task == SEGMENTATION:
        return f"with masks of {counted(number, 'class')}"
    return (
        f"in {counted(number, 'class')}{_each(seen)}"
        if seen.task == CLASSIFICATION
        else f"with {counted(number, 'tag')}{_each(seen)}"
    )


def _each(seen: Seen) -> str:
    low, high = min(seen.counts), max(seen.counts)
    return f" ({low:,} each)" if low == high else f" ({low:,} to {high:,} each)"


def _sizes(seen: Seen) -> str:
    sizes = sorted(seen.pictures.sizes, key=lambda size: size.height * size.width)
    one, other = sizes[0], sizes[-1]
    if one == other:
        return f"{one.height} x {one.width}"
    return f"{one.height} x {one.width} to {other.height} x {other.width}"


def _about(seen: Seen) -> list[str]:
    """What else there is to say: the classes, what is not used, what looks wrong, what was not looked at."""
    lines = []
    if seen.counts and len(seen.outputs) <= LISTED:
        unit = "pixels of the masks" if seen.task == SEGMENTATION else "images to train on"
        each = ", ".join(f"{name} {count:,}" for name, count in zip(seen.outputs, seen.counts, strict=True))
        lines.append(f"{unit}: {each}")
    if seen.task == REGRESSION and isinstance(seen.raw.train.labels, Tensor):
        for name, numbers in zip(seen.outputs, seen.raw.train.labels.T, strict=True):
            lines.append(f"{name}: {numbers.min():.6g} to {numbers.max():.6g}, mean {numbers.mean():.4g}")
    single = [name for name, count in zip(seen.outputs, seen.counts, strict=False) if count == 1]
    if single and seen.task != SEGMENTATION:
        lines.append(f"a single image to train on, and none to validate: {few(single, LISTED)}")
    lines += [*seen.notes, *_unusable(seen.raw), *_copies(seen)]
    if seen.pictures.is_sampled:
        lines.append(
            f"{seen.pictures.decoded:,} of {counted(seen.pictures.total, 'image')} were decoded, the rest is not known"
        )
    return list(map(clean, lines))


def _unusable(raw: Raw) -> list[str]:
    """The parts that are there and do not serve."""
    lines = []
    for name, given in (("validation", raw.validation), ("test", raw.test)):
        if isinstance(given, Unlabeled):
            lines.append(f"not used: the {name} part, {given.about}")
        elif isinstance(given, SpeccError):
            lines.append(f"not used: the {name} part; {given.message.splitlines()[0]}")
    return lines


def _copies(seen: Seen) -> list[str]:
    """Identical pictures, and those of them that have different labels."""
    files, copies = seen.raw.train.images, seen.pictures.copies
    if not copies or not isinstance(files, Files) or seen.pictures.broken:
        return []
    groups = [" = ".join(files.names[number] for number in group[:3]) for group in copies]
    lines = [f"identical pictures, {counted(len(copies), 'group')}: {few(groups, 3)}"]
    if seen.task == CLASSIFICATION and isinstance(seen.raw.train.labels, Tensor):
        labels = seen.raw.train.labels.tolist()
        torn = [text for text, group in zip(groups, copies, strict=True) if len({labels[n] for n in group}) > 1]
        lines += [f"identical pictures in different classes: {few(torn, 3)}"] if torn else []
    return lines


def _facts(seen: Seen) -> dict[str, Any]:
    """What was seen, as JSON."""
    sizes: Sequence[Sequence[int]] = sorted({tuple(size) for size in seen.pictures.sizes})
    areas = sorted(sizes, key=lambda size: size[0] * size[1])
    return {
        "source": seen.call,
        "task": seen.task.name,
        "images": seen.images,
        "outputs": list(seen.outputs),
        "counts": list(seen.counts),
        "smallest": list(areas[0]),
        "largest": list(areas[-1]),
        "channels": 1 if seen.pictures.is_gray else 3,
        "decoded": seen.pictures.decoded,
        "notes": [*_about(seen), *map(clean, seen.raw.notes)],
    }
