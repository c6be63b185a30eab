"""What the columns of a table may be for, by their names and their cells."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from specc.backend.data.cells import NUMBER, TRUTHS
from specc.backend.data.parts import PART_OF, TRAIN
from specc.backend.images import SUFFIXES
from specc.errors import counted

Kind = Literal["images", "part", "classes", "tags", "flags", "whole", "numbers", "other"]

MOSTLY = 0.95  # of the cells of a column
DATE = re.compile(r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ].*)?|\d{1,2}:\d{2}.*")
SEPARATORS = (";", "|", ",")
LONGEST_TAG = 40  # characters
# What is written about an image, but hardly ever what is to be learned of it; names without anything but letters.
BESIDE = {
    "id", "ids", "idx", "index", "unnamed", "", "url", "uri", "link", "md", "sha", "hash", "checksum", "width",
    "height", "filesize", "bytes", "date", "time", "datetime", "timestamp", "comment", "comments", "note", "notes",
    "caption", "description", "license", "licence", "source", "author", "photographer", "latitude", "longitude", "lat",
    "lon", "lng", "fold", "imageid", "fileid", "rowid",
}  # fmt: skip
LEARNED = {
    "label", "labels", "class", "classes", "classname", "category", "categories", "target", "targets", "y", "tag",
    "tags", "species", "breed", "diagnosis", "dx", "groundtruth", "gt", "truth", "annotation", "keywords",
}  # fmt: skip
CLASS_NAMES = LEARNED - {"target", "targets", "y", "gt", "truth", "groundtruth", "annotation"}
AMOUNTS = {
    "age", "count", "number", "quantity", "price", "weight", "mass", "angle", "rotation", "year", "score", "size",
    "length", "area", "depth", "distance", "temperature", "speed", "steering", "percent", "share", "volume", "radius",
    "diameter",
}  # fmt: skip
GROUPS = (
    "patient", "subject", "participant", "person", "individual", "group", "case", "study", "serie", "slide", "session",
    "video", "clip", "sequence", "scene", "animal", "plant", "site", "location", "camera",
)  # fmt: skip

NUMBERED = {"id", "ids", "no", "nr", "number", "name", "code", "key", "index"}  # what stands behind the name of a group


class Column(NamedTuple):
    """A column: what its cells are, and how many different ones there are of so many.

    separator: of tags. lowest, highest: of numbers. is_repeated: some cells are alike.
    """

    name: str
    kind: Kind
    distinct: int
    rows: int
    is_full: bool
    separator: str = ""
    lowest: str = ""
    highest: str = ""

    @property
    def plain(self) -> str:
        """The name in lower case, without anything but letters: `Class_ID2` is `classid`."""
        return "".join(character for character in self.name.lower() if character.isalpha())

    @property
    def about(self) -> str:
        """What the column holds, in words."""
        match self.kind:
            case "images":
                return "names of image files"
            case "part":
                return "parts"
            case "classes":
                return f"{self.distinct} different texts"
            case "tags":
                return f'texts that "{self.separator}" separates'
            case "flags":
                return "0 and 1"
            case "whole":
                return f"whole numbers, {self.lowest} to {self.highest}"
            case "numbers":
                return f"numbers, {self.lowest} to {self.highest}"
            case "other":
                return counted(self.distinct, "different text")

    @property
    def is_amount(self) -> bool:
        """Whether whole numbers are called like an amount rather than classes."""
        words = re.findall(r"[a-z]+", self.name.lower())
        return self.plain in AMOUNTS or any(word in AMOUNTS and len(word) > 1 for word in words)

    @property
    def group_rank(self) -> int:
        """The place of its name among those of groups, such as `patient_id`; -1 where it is none."""
        words = [word for word in re.findall(r"[a-z]+", self.name.lower()) if word not in NUMBERED]
        stem = words[-1].removesuffix("id").removesuffix("s") if words else ""
        return GROUPS.index(stem) if stem in GROUPS else -1


def describe(name: str, cells: Sequence[str]) -> Column:
    """What a column holds. cells: without the spaces around them, empty where nothing is given."""
    filled = [cell for cell in cells if cell]
    different = set(filled)
    facts = name, len(different), len(cells), len(filled) == len(cells)

    def column(kind: Kind, separator: str = "", lowest: str = "", highest: str = "") -> Column:
        return Column(facts[0], kind, *facts[1:], separator, lowest, highest)

    if len(different) < 2:
        return column("images") if filled and _is_image(filled[0]) else column("other")
    if sum(map(_is_image, filled)) >= MOSTLY * len(filled):
        return column("images")
    if all(cell.lower() in PART_OF for cell in different) and TRAIN in {PART_OF[cell.lower()] for cell in different}:
        return column("part" if len(filled) == len(cells) else "classes")
    if all(cell.lower() in TRUTHS or (NUMBER.fullmatch(cell) and float(cell) in (0, 1)) for cell in different):
        return column("flags")
    if all(map(NUMBER.fullmatch, different)):
        values = sorted(different, key=float)
        is_whole = all(float(value).is_integer() for value in values)
        return column("whole" if is_whole else "numbers", lowest=values[0], highest=values[-1])
    if sum(map(bool, map(DATE.fullmatch, filled))) >= MOSTLY * len(filled):
        return column("other")
    separator = next((separator for separator in SEPARATORS if _are_tags(filled, separator)), "")
    if separator:
        return column("tags", separator)
    repeats = 2 * len(different) <= len(filled) or (len(different) < len(filled) and column("other").plain in LEARNED)
    return column("classes" if repeats else "other")


def _is_image(cell: str) -> bool:
    return "." in cell and f".{cell.rpartition('.')[2].lower()}" in SUFFIXES


def _are_tags(cells: Sequence[str], separator: str) -> bool:
    """Whether cells are lists of tags: some hold several, and the tags come again and again."""
    if sum(separator in cell for cell in cells) < max(2, len(cells) // 20):
        return False
    tags = [tag.strip() for cell in cells for tag in cell.split(separator) if tag.strip()]
    return len(set(tags)) * 2 <= len(tags) and max(map(len, tags)) <= LONGEST_TAG
