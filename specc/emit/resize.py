"""How the emitted source brings images to one size: `specc.tricks.resize` as lines of PyTorch."""

from specc.tricks.resize import Resize, center
from specc.values import Size

# Ties go up with a margin, as in `specc.backend.resizing`.
LEVELS = "x = (x + 0.5 + 2**-9).floor().clamp(0, 255)  # whole levels, as in an image file"


def resize_lines(resize: Resize, view: Size) -> list[str]:
    """Lines that bring `x`, levels of images of any size, to `resize.size`, and to the center that the network sees."""
    height, width = resize.size
    inner = [*_scale(resize), *_fit(resize)]
    lines = [f"    if x.shape[2:] != ({height}, {width}):", *(f"        {line}" for line in inner)]
    if view != resize.size:
        top, left = center(height, view.height), center(width, view.width)
        lines.append(f"    x = x[:, :, {top} : {top + view.height}, {left} : {left + view.width}]")
    return lines


def _scale(resize: Resize) -> list[str]:
    """Scale `x` in both directions, to `tall` x `wide` where its proportions are kept."""
    height, width = resize.size
    tall, wide = "tall", "wide"
    sides = f"{height}, {width} * rows // columns", f"{width}, {height} * columns // rows"
    lines = ["rows, columns = x.shape[2:]"]
    match resize.fit:
        case "stretch":
            tall, wide, lines = str(height), str(width), []
        case "cover":
            lines.append(f"tall, wide = max({sides[0]}), max({sides[1]})")
        case "contain":
            lines.append(f"tall, wide = max(min({sides[0]}), 1), max(min({sides[1]}), 1)")
    may_be_narrow = resize.fit == "contain" or width == 1
    match resize.by:
        case "bilinear":
            lines += [*_interpolate("bilinear", tall, wide, may_be_narrow), LEVELS]
        case "bicubic":
            sideways = f'size=(x.shape[2], {wide}), mode="bicubic", antialias=True).clamp(0, 255)'
            lines += [f"x = F.interpolate(x, {sideways}", *_interpolate("bicubic", tall, wide, may_be_narrow), LEVELS]
        case "nearest":
            lines += [
                f"row = (2 * torch.arange({tall}, device=x.device) + 1) * x.shape[2] // (2 * {tall})",
                f"column = (2 * torch.arange({wide}, device=x.device) + 1) * x.shape[3] // (2 * {wide})",
                "x = x[:, :, row][..., column]",
            ]
    return lines


def _interpolate(mode: str, tall: str, wide: str, may_be_narrow: bool) -> list[str]:
    """Scale `x` to `tall` x `wide`. PyTorch 2.13 takes wrong pixels along the height of images one pixel wide."""
    how = f'mode="{mode}", antialias=True'
    if not may_be_narrow:
        return [f"x = F.interpolate(x, size=({tall}, {wide}), {how})"]
    return [
        f"if {wide} > 1:",
        f"    x = F.interpolate(x, size=({tall}, {wide}), {how})",
        "else:  # turned: PyTorch takes wrong pixels along the height of images one pixel wide",
        f"    x = F.interpolate(x.mT, size=({wide}, {tall}), {how}).mT",
    ]


def _fit(resize: Resize) -> list[str]:
    """Cut what stands over of a scaled `x`, or fill what is missing."""
    height, width = resize.size
    match resize.fit:
        case "stretch":
            return []
        case "cover":
            return [
                f"top, left = round((tall - {height}) / 2), round((wide - {width}) / 2)",
                f"x = x[:, :, top : top + {height}, left : left + {width}]",
            ]
        case "contain":
            return [
                f"top, left = round(({height} - tall) / 2), round(({width} - wide) / 2)",
                f"x = F.pad(x, (left, {width} - wide - left, top, {height} - tall - top), value={resize.fill})",
            ]
