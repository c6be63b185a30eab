"""Words of the language as text: names, texts, and what names of classes and columns tell."""

import re

from specc.vocabulary.registry import KEYWORDS

BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# What a mirrored or turned image would no longer be.
DIRECTIONS = {
    "left", "right", "up", "down", "upward", "downward", "north", "south", "east", "west", "clockwise",
    "counterclockwise", "links", "rechts", "oben", "unten", "gauche", "droite", "forward", "backward", "arrow",
}  # fmt: skip
POSITIONS = {
    "x", "y", "left", "top", "right", "bottom", "row", "column", "col", "cx", "cy", "xmin", "xmax", "ymin", "ymax",
    "angle", "rotation", "heading", "steering", "azimuth", "yaw", "pitch", "roll", "position", "offset",
}  # fmt: skip


def quoted(text: str) -> str:
    """A text as the language writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def word(name: str) -> str:
    """The name of a column or a class: bare where it can be, else as a text."""
    return name if BARE.fullmatch(name) and name not in KEYWORDS and name != "none" else quoted(name)


def pieces(name: str) -> list[str]:
    """The words that a name is made of, in lower case: `TurnLeft_2` is turn, left, 2."""
    return [piece.lower() for piece in PIECE.findall(name)]


def is_directed(name: str) -> bool:
    """Whether a class is called by a direction, so that its mirror image may be another one's."""
    return not DIRECTIONS.isdisjoint(pieces(name))


def is_position(name: str) -> bool:
    """Whether a number is called like a place or an angle in the image, which changes when the image is moved."""
    return not POSITIONS.isdisjoint(pieces(name))


def are_characters(names: tuple[str, ...]) -> bool:
    """Whether classes are called by single letters or digits, at least two thirds of them."""
    single = sum(len(name) == 1 and name.isalnum() for name in names)
    return 3 * single >= 2 * len(names)


def are_numbers(names: tuple[str, ...]) -> bool:
    """Whether classes have numbers instead of names, which say nothing about what is on the images."""
    return all(name.isdecimal() for name in names)
