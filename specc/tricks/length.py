"""How many steps a training takes: what the engine counts, and what lints may say of it before any data are read."""

from specc.values import Percent


def split_off(images: int, share: float | int) -> int:
    """How many of so many images `split` takes to validate on: a share of them, or a number."""
    return round(images * share) if isinstance(share, float) else share


def in_epochs(length: float, epochs: float) -> float:
    """A length in epochs, which may be written as a share of the training."""
    return length * epochs if isinstance(length, Percent) else length


def batch_size(images: int, batch: int, shards: int = 1) -> int:
    """The images of a batch: those of a set that is smaller, as far as they can be cut into equal shards."""
    return batch if images >= batch else images - images % shards


def batches(images: int, batch: int, shards: int = 1) -> int:
    """The batches of an epoch: full ones only, but a set smaller than a batch is one."""
    return images // max(1, batch_size(images, batch, shards))


def steps(epochs: float, batches: int, accumulate: int) -> tuple[int, int]:
    """The steps of an epoch, and those of a whole training. `accumulate` batches make a step; a rest makes none."""
    per_epoch = max(1, batches // accumulate)
    return per_epoch, max(1, round(epochs * per_epoch))
