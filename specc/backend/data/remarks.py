"""What is said of image files after the first look: which cannot be used, and which look odd."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from specc.backend.images import WHOLE, Range, is_quick
from specc.errors import SpeccError, clean, counted

NAMED = 20  # broken files that a message names
MANY = 2_000  # JPEG files; with fewer, a faster decoder gains less than a few seconds

Shape = tuple[int, ...]


def about_range(deep: Sequence[Range], window: Range | None) -> list[str]:
    """A note for 16-bit images that use less than a quarter of their range where none is given, or exceed one that is.

    deep: the lowest and highest value of each.
    """
    if not deep:
        return ["no image has 16 bits: `range` changes nothing"] if window else []
    low, high = min(low for low, _ in deep), max(high for _, high in deep)
    if window:
        clipped = sum(one[0] < window[0] or one[1] > window[1] for one in deep)
        what = f"{clipped:,} of {counted(len(deep), 'image')} of 16 bits have values outside of `range`"
        return [f"{what}, which are clipped: they go from {low:,} to {high:,}"] if clipped else []
    if high - low >= WHOLE[1] // 4:
        return []
    levels = round(high / 257) - round(low / 257) + 1
    use = "uses" if len(deep) == 1 else "use"
    what = f"{counted(len(deep), '16-bit image')} only {use} values from {low:,} to {high:,} of 0 to {WHOLE[1]:,}"
    return [
        f"{what}: read as 8 bits they have {counted(levels, 'level')}; `range = ({low}, {high})` in `data` uses all"
    ]


def about_decoder(jpegs: int) -> list[str]:
    """A note where many color JPEG files were decoded by Pillow. jpegs: how many were decoded."""
    if is_quick() or jpegs < MANY:
        return []
    what = f"{counted(jpegs, 'JPEG file')} decoded by Pillow"
    return [f'{what}; pip install "specc-cnn[jpeg]" takes half as long, for the same pixels']


def refused(what: str, broken: list[str]) -> SpeccError:
    """E405: images that cannot be used. what: which, in words. broken: a line for each."""
    named = [f"  {line}" for line in broken[:NAMED]]
    more = [f"  and {len(broken) - NAMED:,} more"] if len(broken) > NAMED else []
    help = "repair or remove these files, or set skip_broken=true in `source` to train without them"
    return SpeccError("E405", [what, *named, *more], help=help, status=1)


def refuse_uneven(root: Path, sizes: Counter[Shape], example: Mapping[Shape, str]) -> None:
    """Raise SpeccError E406 where images differ in size. sizes: how many have each. example: the name of one."""
    if len(sizes) == 1:
        return
    lines = [f"the images in {clean(str(root))} differ in size:"]
    for shape, count in sizes.most_common(NAMED):
        lines.append(f"  {count:,} of {shape[1]}x{shape[2]}, such as {clean(example[shape])}")
    if len(sizes) > NAMED:
        lines.append(f"  and {len(sizes) - NAMED:,} more sizes")
    _, height, width = sizes.most_common(1)[0][0]
    help = f"write `resize = {height}x{width}` in `data`: all images are then resized to it"
    raise SpeccError("E406", lines, help=help, status=1)
