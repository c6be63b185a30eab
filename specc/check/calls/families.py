"""What messages call the families of the vocabulary of data and training."""

# Those that are not called as the setting that takes them.
FAMILIES = {
    "source": "data source",
    "resize": "resizing method",
    "normalize": "normalization",
    "augment": "augmentation",
    "validation": "validation split",
    "init": "initializer",
    "regularizer": "regularizer",
    "evaluate": "evaluation method",
}


def article(family: str) -> str:
    """`an optimizer`, `a schedule`."""
    words = FAMILIES.get(family, family)
    return f"an {words}" if words[:1] in "aeiou" else f"a {words}"
