"""Random numbers without a history: each is a function of the seed, the epoch, the image and the use it is put to.

So an image's draws are the same whatever batch it stands in, whoever loads it, and after a resume. The numbers come
from a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a hash of where
they are wanted. The hash is `lowbias32` of Wellons ("Prospecting for hash functions", 2018), a 32-bit mix, done here
on int64 tensors, which every device multiplies alike.
"""

from functools import lru_cache
from math import prod

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9  # 2**32 divided by the golden ratio: keeps neighboring counters far apart

# Streams that no augmentation of a pipeline has.
ORDER, POOL, SPLIT, SUBSET, SHARDS = 0xFFFF0000, 0xFFFF0001, 0xFFFF0002, 0xFFFF0003, 0xFFFF0004
PLACE = 1 << 24  # added to the stream whose stretch of the pool is drawn


def mix(x: int) -> int:
    """`lowbias32`: a bijection of 32-bit integers in which every input bit moves every output bit."""
    x &= _MASK
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def _mix(x: Tensor) -> Tensor:
    """`mix` on int64 tensors that hold 32-bit values. A product that overflows keeps its low 32 bits right."""
    x = (x >> 16).bitwise_xor_(x).mul_(0x7FEB352D).bitwise_and_(_MASK)
    x = (x >> 15).bitwise_xor_(x).mul_(0x846CA68B).bitwise_and_(_MASK)
    return (x >> 16).bitwise_xor_(x)


def key(seed: int, epoch: int, stream: int) -> tuple[int, int]:
    """Two independent 32-bit keys, for what is drawn once, or as the start of what is drawn for each image."""
    first = mix(mix(mix(mix(seed) ^ (seed >> 32)) + epoch) + stream)
    return first, mix(first + _GOLDEN)


def generator(seed: int, epoch: int, stream: int) -> torch.Generator:
    """A generator on the CPU, for what is drawn once: an order, a pool of noise."""
    first, second = key(seed, epoch, stream)
    return torch.Generator().manual_seed(first << 31 | second >> 1)


def uniform(seed: int, epoch: int, images: Tensor, stream: int, count: int) -> Tensor:
    """N x count float32 numbers in [0, 1), multiples of 2**-24, on the device of `images`.

    images: int64 N, the images' numbers in the training set. stream: which use; every use has its own.
    """
    first, second = key(seed, epoch, stream)
    counter = torch.arange(second, second + count * _GOLDEN, _GOLDEN, device=images.device)
    own = _mix((images ^ first).bitwise_and_(_MASK))
    numbers = _mix((own[:, None] + counter).bitwise_and_(_MASK))
    return (numbers >> 8).float().mul_(2.0**-24)


class Tables:
    """`uniform` for the images of one training set: a batch's numbers are rows of those of all images in the epoch.

    The hash is two dozen small operations, which cost more than the pixels of a small batch. count: of the images.
    """

    MOST = 1 << 22  # numbers that are held, 16 MiB; for sets too large each batch has its own made

    def __init__(self, count: int) -> None:
        self.count = count
        self._made: dict[tuple[int, int, int, torch.device], tuple[int, Tensor]] = {}

    def uniform(self, seed: int, epoch: int, images: Tensor, stream: int, count: int) -> Tensor:
        """The same numbers as those of the function of this name."""
        place = (seed, stream, count, images.device)
        made_in, table = self._made.get(place, (-1, None))
        if table is None or made_in != epoch:
            others = sum(other.numel() for key, (_, other) in self._made.items() if key != place)
            if others + self.count * count > self.MOST:
                return uniform(seed, epoch, images, stream, count)
            table = uniform(seed, epoch, torch.arange(self.count, device=images.device), stream, count)
            self._made[place] = epoch, table
        return table.index_select(0, images)


@lru_cache(maxsize=4)
def pool(seed: int, epoch: int, length: int, kind: str, device: torch.device) -> Tensor:
    """`length` numbers drawn for this epoch, "normal" (standard) or "uniform" (in [0, 1)); the same on every device."""
    draw = torch.randn if kind == "normal" else torch.rand
    return draw(length, generator=generator(seed, epoch, POOL)).to(device)


def dense(seed: int, epoch: int, place: Tensor, shape: tuple[int, ...], kind: str = "normal") -> Tensor:
    """N x shape numbers, "normal" or "uniform": each image gets a stretch of the epoch's pool, at a place of its own.

    place: N numbers in [0, 1), where in the pool.

    Fresh numbers for every pixel would cost more than the training step of a small network. The pool holds at least a
    million numbers and sixteen images; a new one is drawn in each epoch. Two images whose stretches overlap share
    numbers, at other pixels.
    """
    size = prod(shape)
    numbers = pool(seed, epoch, max(1 << 20, 16 * size), kind, place.device)
    places = len(numbers) - size + 1
    start = (place * places).long()
    return numbers.as_strided((places, size), (1, 1)).index_select(0, start).view(len(place), *shape)
