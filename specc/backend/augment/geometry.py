"""Augmentations that move pixels. Images are float32 N x C x H x W from 0 to 1; every image has its own draw.

What only moves them takes uint8 as well.
"""

from math import log, pi

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from specc.backend.augment.draw import Draw, by_part, each, pick, whole
from specc.values import Args, Size

TRIES = 10  # boxes that are drawn for each image until one fits
FLIP_AXIS = {"horizontal": 3, "vertical": 2, "alternating": 3}


def flip(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Mirror an image with probability 1/2, or in every other epoch."""
    alternating = a.direction == "alternating"
    flipped = (draw._replace(epoch=0) if alternating else draw).happens(0.5)
    if alternating and draw.epoch % 2:
        flipped = ~flipped
    return pick(each(flipped), x.flip(FLIP_AXIS[a.direction]), x)


def crop(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Pad, and cut a window of `size` at a random place."""
    if a.pad:
        x = reflected(x, a.pad) if a.fill == "reflect" else pad(x, (a.pad,) * 4)
    height, width = x.shape[2:]
    size = Size(*a.size)
    top, left = whole(draw.uniform(2), height - size.height + 1, width - size.width + 1).long().unbind(1)
    return windows(x, top, left, size)


def reflected(x: Tensor, margin: int) -> Tensor:
    """The images with so many pixels more on all four sides, mirrored at the border.

    Of bytes only a CPU can do that; others do it to halves, which hold every byte exactly.
    """
    if x.dtype == torch.uint8 and not by_part(x):
        return pad(x.half(), (margin,) * 4, mode="reflect").to(torch.uint8)
    return pad(x, (margin,) * 4, mode="reflect")


def shift(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Move by up to `pixels` along both axes: a crop of the padded image."""
    return crop(x, Args(size=Size(*x.shape[2:]), pad=a.pixels, fill=a.fill), draw)


def windows(x: Tensor, top: Tensor, left: Tensor, size: Size) -> Tensor:
    """The window of each image whose corner is at (top, left).

    Every row of a window is a stretch of memory, so this is one gather of rows out of all stretches there are.
    """
    count, channels, height, width = x.shape
    x = x.contiguous()
    stretches = x.as_strided((x.numel() - size.width + 1, size.width), (1, 1))
    corner = torch.arange(0, x.numel(), channels * height * width, device=x.device) + top * width + left
    planes = torch.arange(0, channels * height * width, height * width, device=x.device)
    rows = torch.arange(0, size.height * width, width, device=x.device)
    start = corner.view(-1, 1, 1) + (planes[:, None] + rows)
    return stretches.index_select(0, start.view(-1)).view(count, channels, *size)


def crop_and_resize(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Cut a box of random area and shape, and bring it to the size of the image, or to `size`.

    The draw is that of GoogLeNet (Szegedy et al., 2015) as torchvision's RandomResizedCrop has it; the largest centered
    box of a shape that is allowed where no drawn one fits.
    """
    corner, box = _drawn(x, a, draw)
    return enlarge(x, corner, box) if a.size is None else resample(x, corner, box, Size(*a.size))


def crop_and_resize_masks(masks: Tensor, a: Args, draw: Draw) -> Tensor:
    """The same box of masks, each pixel from the nearest one."""
    size = Size(*masks.shape[2:]) if a.size is None else Size(*a.size)
    return enlarge(masks.float(), *_drawn(masks, a, draw), size, "nearest").to(masks.dtype)


def _drawn(x: Tensor, a: Args, draw: Draw) -> tuple[Tensor, Tensor]:
    """Corner and size of each image's box."""
    height, width = x.shape[2:]
    numbers = draw.uniform(2 * TRIES + 2)
    tall, wide, fits = boxes(numbers[:, 2:], a.scale, a.ratio, height, width)
    corner = whole(numbers[:, :2], height - tall + 1, width - wide + 1)
    full_tall, full_wide = centered(a.ratio, height, width)
    box = torch.stack([torch.where(fits, tall, full_tall), torch.where(fits, wide, full_wide)], 1)
    top, left = ((height - full_tall) // 2, (width - full_wide) // 2)
    corner = torch.stack([torch.where(fits, corner[:, 0], top), torch.where(fits, corner[:, 1], left)], 1)
    return corner, box


def boxes(
    numbers: Tensor, scale: tuple[float, float], ratio: tuple[float, float], height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The first drawn box of each image that lies within height x width, and whether there is one.

    numbers: N x 2k in [0, 1), for k tries. scale: range of the box's share of the area. ratio: range of its width over
    its height, drawn on a logarithmic scale.

    Returns heights and widths, whole numbers in float N, and bool N.
    """
    share, shape = numbers.view(len(numbers), -1, 2).unbind(2)
    area = height * width * (scale[0] + (scale[1] - scale[0]) * share)
    aspect = (log(ratio[0]) + (log(ratio[1]) - log(ratio[0])) * shape).exp()
    tall, wide = (area / aspect).sqrt().round(), (area * aspect).sqrt().round()
    fit = (tall >= 1) & (tall <= height) & (wide >= 1) & (wide <= width)
    first = fit.int().argmax(1, keepdim=True)
    return tall.gather(1, first)[:, 0], wide.gather(1, first)[:, 0], fit.any(1)


def centered(ratio: tuple[float, float], height: int, width: int) -> tuple[int, int]:
    """Height and width of the largest box whose shape is in range."""
    low, high = ratio
    if width / height < low:
        return max(round(width / low), 1), width
    return height, min(width, max(round(height * high), 1))


def enlarge(x: Tensor, corner: Tensor, box: Tensor, size: Size | None = None, mode: str = "bilinear") -> Tensor:
    """The box of each image at the size of the image, or at `size`. corner, box: N x 2, whole (row, column) numbers.

    Pixel centers are at half-integers, as in `interpolate(align_corners=False)` of the box alone. Without `size` a box
    is never larger than what comes out, so that nothing is lost without antialiasing.
    """
    grids = []
    for axis, (old, new) in enumerate(zip(x.shape[2:], size or x.shape[2:], strict=True)):
        step = (box[:, axis] / new)[:, None]
        place = (torch.arange(new, device=x.device) + 0.5) * step - 0.5
        place = torch.minimum(place.clamp(min=0), box[:, axis, None] - 1) + corner[:, axis, None]
        grids.append((place + 0.5) * (2 / old) - 1)
    rows, columns = grids
    shape = (len(x), rows.shape[1], columns.shape[1])
    grid = torch.stack([columns[:, None, :].expand(shape), rows[:, :, None].expand(shape)], 3)
    return grid_sample(x, grid, mode=mode, padding_mode="border", align_corners=False)


def resample(x: Tensor, corner: Tensor, box: Tensor, size: Size) -> Tensor:
    """The box of each image at `size`, bilinear and antialiased: `interpolate(antialias=True)` of the box alone.

    corner, box: N x 2, whole (row, column) numbers. A product with one matrix for each image and axis.
    """
    rows, columns = (
        _triangles(corner[:, axis], box[:, axis], x.shape[2 + axis], size[axis]).to(x.dtype) for axis in (0, 1)
    )
    return rows[:, None] @ x @ columns[:, None].transpose(2, 3)


def _triangles(corner: Tensor, length: Tensor, old: int, new: int) -> Tensor:
    """How much each of `old` pixels counts for each of `new` ones that show `length` pixels from `corner` on.

    N x new x old; `specc.backend.resizing.resize_weights`, for a stretch of the axis.
    """
    corner, length = corner.float(), length.float()
    scale = (length / new)[:, None, None]
    place = torch.arange(old, device=corner.device) + 0.5 - corner[:, None]
    center = (torch.arange(new, device=corner.device) + 0.5)[:, None] * scale
    weights = (1 - (place[:, None] - center).abs() / scale.clamp(min=1)).clamp(min=0)
    inside = (place > 0) & (place < length[:, None])
    weights = weights * inside[:, None]
    return weights / weights.sum(2, keepdim=True)


def rotate(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Turn around the center by an angle between -degrees and degrees."""
    return affine(x, turned(draw.between(-a.degrees, a.degrees), *x.shape[2:]), "bilinear")


def rotate_masks(masks: Tensor, a: Args, draw: Draw) -> Tensor:
    """Masks turned by the same angle, each pixel from the nearest one."""
    matrix = turned(draw.between(-a.degrees, a.degrees), *masks.shape[2:])
    return affine(masks.float(), matrix, "nearest").to(masks.dtype)


def turned(degrees: Tensor, height: int, width: int) -> Tensor:
    """The matrices (N x 2 x 3, as `affine` takes them) that turn images counter-clockwise around their center."""
    angle = degrees * (pi / 180)
    cos, sin = angle.cos(), angle.sin()
    row, column = height / 2, width / 2
    first = torch.stack([cos, -sin, column - cos * column + sin * row], 1)
    second = torch.stack([sin, cos, row - sin * column - cos * row], 1)
    return torch.stack([first, second], 1)


def affine(x: Tensor, matrix: Tensor, mode: str) -> Tensor:
    """Each image, seen through a map from output to input positions; black where the map leaves the image.

    matrix: N x 2 x 3; the output pixel whose center is at (column, row), corners of the image being at whole numbers,
    shows the input at `matrix @ (column, row, 1)`. mode: "nearest" or "bilinear".
    """
    height, width = x.shape[2:]
    (a, b, c), (d, e, f) = (line.unbind(1) for line in matrix.unbind(1))
    tall = height / width
    first = torch.stack([a, b * tall, a + b * tall + c * (2 / width) - 1], 1)
    second = torch.stack([d / tall, e, d / tall + e + f * (2 / height) - 1], 1)
    grid = affine_grid(torch.stack([first, second], 1), list(x.shape), align_corners=False)
    return grid_sample(x, grid, mode=mode, padding_mode="zeros", align_corners=False)
