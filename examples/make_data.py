"""Make the data of four examples from scikit-learn's handwritten digits; nothing is downloaded.

    python examples/make_data.py [FOLDER]     (examples/data, where the specs look)

masks/     three digits from 0 to 4 on a canvas of 64 x 64, and for each pixel which it belongs to  unet.cnn
tags/      two digits on a canvas of 32 x 32, and which they are                               tags.cnn
angles/    a digit of 28 x 28 pixels, turned by up to 45 degrees, and the angle                angle.cnn
defects/   digits of 24 x 24 pixels; 3% have a scratch                                         defects.cnn

Each has three parts. No digit of one part is in another, however it is drawn. The same seed gives the same pixels.
"""

import argparse
import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

Levels = NDArray[np.float64]  # gray levels from 0 to 255
HERE = Path(__file__).parent
PARTS = {"train": 0.6, "val": 0.2, "test": 0.2}  # shares of the digits
TURNED = 45  # degrees, at most
ALL = 1_000_000
RARE = 0.03  # of the images have a scratch
CONTRAST = 44  # gray levels by which it is brighter


class Digits:
    """The digits of one part, up to `highest`: draws them, enlarged."""

    def __init__(self, part: str, seed: int, highest: int = 9) -> None:
        digits = load_digits()
        order = np.random.default_rng(seed).permutation(len(digits.images))
        ends = np.round(np.cumsum([0, *PARTS.values()]) * len(order)).astype(int)
        number = list(PARTS).index(part)
        mine = order[ends[number] : ends[number + 1]]
        mine = mine[digits.target[mine] <= highest]
        self.images, self.classes = digits.images[mine] * (255 / 16), digits.target[mine]

    def draw(self, random: Generator, size: int, angle: float = 0) -> tuple[Levels, int]:
        """One of them, size x size, turned counterclockwise, and which digit it is."""
        number = random.integers(len(self.images))
        image = Image.fromarray(self.images[number].astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
        if angle:
            image = image.rotate(angle, Image.Resampling.BICUBIC)
        return np.asarray(image, dtype=np.float64).clip(0, 255), int(self.classes[number])


def canvas(random: Generator, size: int, brightest: float = 60) -> Levels:
    """A background of size x size that gets brighter and darker slowly."""
    coarse = Image.fromarray(random.uniform(0, brightest, (4, 4)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float64)


def noisy(random: Generator, image: Levels, deviation: float) -> NDArray[np.uint8]:
    return (image + random.normal(0, deviation, image.shape)).clip(0, 255).astype(np.uint8)


def places(random: Generator, size: int, sides: list[int]) -> list[tuple[int, int]]:
    """Where boxes with these sides come to lie on a canvas of size x size without touching each other."""
    while True:
        corners = [tuple(random.integers(0, size - side + 1, 2)) for side in sides]
        boxes = list(zip(corners, sides, strict=True))
        if all(
            max(abs(2 * a[axis] + s - 2 * b[axis] - t) for axis in (0, 1)) >= s + t
            for number, (a, s) in enumerate(boxes)
            for b, t in boxes[:number]
        ):
            return [(int(row), int(column)) for row, column in corners]


def masks(folder: Path, seed: int, most: int) -> None:
    """The numbers in a mask: 0 is background, 1 to 5 are the digits 0 to 4."""
    for part, count in {"train": 1000, "val": 200, "test": 200}.items():
        random, digits = generator(seed, part), Digits(part, seed, highest=4)
        for name in ("images", "masks"):
            (folder / name / part).mkdir(parents=True)
        for number in range(min(count, most)):
            image, mask = canvas(random, 64), np.zeros((64, 64), np.uint8)
            sides = [int(side) for side in random.integers(22, 29, 3)]
            for side, (row, column) in zip(sides, places(random, 64, sides), strict=True):
                digit, which = digits.draw(random, side)
                box = np.s_[row : row + side, column : column + side]
                image[box] = np.maximum(image[box], digit * random.uniform(0.85, 1))
                mask[box][digit > 100] = which + 1
            save(folder / "images" / part / f"{number:04}.png", noisy(random, image, 8))
            save(folder / "masks" / part / f"{number:04}.png", mask)


def tags(folder: Path, seed: int, most: int) -> None:
    """One column of tags, such as `3;7`."""

    def draw(random: Generator, digits: Digits) -> tuple[NDArray[np.uint8], list[object]]:
        image, present = canvas(random, 32), set()
        sides = [int(side) for side in random.integers(13, 17, 2)]
        for side, (row, column) in zip(sides, places(random, 32, sides), strict=True):
            digit, which = digits.draw(random, side)
            box = np.s_[row : row + side, column : column + side]
            image[box] = np.maximum(image[box], digit * random.uniform(0.7, 1))
            present.add(which)
        return noisy(random, image, 12), [";".join(map(str, sorted(present)))]

    table(folder, seed, most, {"train": 3000, "val": 500, "test": 500}, ["tags"], draw)


def angles(folder: Path, seed: int, most: int) -> None:
    """Degrees, counterclockwise."""

    def draw(random: Generator, digits: Digits) -> tuple[NDArray[np.uint8], list[object]]:
        angle = round(random.uniform(-TURNED, TURNED), 1)
        return noisy(random, np.maximum(canvas(random, 28), digits.draw(random, 28, angle)[0]), 12), [angle]

    table(folder, seed, most, {"train": 2000, "val": 500, "test": 500}, ["angle"], draw)


def defects(folder: Path, seed: int, most: int) -> None:
    """`good` or `defect`: whether there is a scratch, hardly brighter than what it crosses."""

    def draw(random: Generator, digits: Digits) -> tuple[NDArray[np.uint8], list[object]]:
        image = np.maximum(canvas(random, 24), digits.draw(random, 24)[0] * random.uniform(0.7, 1))
        is_defect = random.random() < RARE
        if is_defect:
            scratch(random, image)
        return noisy(random, image, 12), ["defect" if is_defect else "good"]

    table(folder, seed, most, {"train": 3000, "val": 1500, "test": 1500}, ["label"], draw)


def scratch(random: Generator, image: Levels) -> None:
    """A straight line through the middle, 12 pixels long and one wide."""
    angle, (row, column) = random.uniform(0, np.pi), random.uniform(8, 16, 2)
    along = np.linspace(-6, 6, 25)
    image[(row + along * np.sin(angle)).astype(int), (column + along * np.cos(angle)).astype(int)] += CONTRAST


def table(
    folder: Path,
    seed: int,
    most: int,
    counts: dict[str, int],
    columns: list[str],
    draw: Callable[[Generator, Digits], tuple[NDArray[np.uint8], list[object]]],
) -> None:
    """Images, and a table `labels.csv` that says of each what there is to learn, and its part."""
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *columns, "part"])
        for part, count in counts.items():
            random, digits = generator(seed, part), Digits(part, seed)
            (folder / part).mkdir()
            for number in range(min(count, most)):
                image, values = draw(random, digits)
                save(folder / part / f"{number:04}.png", image)
                rows.writerow([f"{part}/{number:04}.png", *values, part])


def generator(seed: int, part: str) -> Generator:
    return np.random.default_rng([seed, list(PARTS).index(part)])


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    Image.fromarray(pixels).save(path)


SETS = {"masks": masks, "tags": tags, "angles": angles, "defects": defects}


def make(folder: Path, names: list[str], seed: int = 0, most: int = ALL) -> None:
    """Make the sets of these names in a folder, with at most `most` images in a part.

    Each is whole or not there: it gets its name when it is done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (folder / name).exists():
            print(f"{folder / name} is there already; remove it to make it again")
            continue
        unfinished = folder / f"{name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        SETS[name](unfinished, seed, most)
        unfinished.replace(folder / name)
        print(folder / name)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=HERE / "data", help="default: examples/data")
    parser.add_argument("--only", choices=SETS, help="make only this one")
    parser.add_argument("--most", type=int, default=ALL, metavar="N", help="images in each part; default: all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    make(given.folder, [given.only] if given.only else list(SETS), given.seed, given.most)


if __name__ == "__main__":
    main(sys.argv[1:])
