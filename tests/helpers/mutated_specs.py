"""Specs with random mistakes, for tests of what must hold of every text."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from specc.check.lint import LINTS

TESTS = Path(__file__).parents[1]
FILES = [
    *sorted((TESTS.parent / "examples").glob("*.cnn")),
    *sorted((TESTS / "check" / "architectures").glob("*.cnn")),
]
PAGES = TESTS.parent / "specc" / "pages"
WORD = re.compile(r'#[^\n]*|"[^"\n]*"|[A-Za-z_]\w*|\d+x\d+|\d+(?:\.\d+)?%?|->|\*\*|//|[=!<>]=|\n|[^\s]|[ \t]+')
OTHERS = """
let default as from head expect crop_to multiply choose maybe search variant extends choice uniform in.channels in.size
1e300 0 -1 9**9 { } ( ) [ ] | ; none true not @ " ' 2.5 50% 3x3 0x0 -> = == ** // range zip enumerate len 1e999 network
repeat(1000000000) 99999999999999999999 block data train export add residual identity else if for \\ # , .
"""
NUMBERS = """
0 1 2 3 5 7 8 12 17 33 64 255 1000 4096 65537 -1 -3 0.0 0.3 1.5 1e-9 1e9 100% 0% 1x1 2x3 7x1 0x4
""".split()  # noqa: SIM905 - as one writes them
ODD = [
    *("\0", "\r", "\r\n", "\t", "\v", "\x1b", "\x85", "\u2028", "\ufeff"),
    *("é", "ﬁ", "𝟛", "٣", "×", "—", "“", "\ud800", "½"),
]


def words_of(text: str) -> list[str]:
    """A text cut into words, with the space between them."""
    return WORD.findall(text)


@cache
def files() -> list[str]:
    """The examples and published architectures."""
    return [path.read_text(encoding="utf-8") for path in FILES]


@cache
def small_specs() -> list[str]:
    """Small specs in which each diagnostic occurs: those of its page, and a lint's examples."""
    shown = [
        text
        for page in sorted(PAGES.glob("*.md"))
        for text in re.findall(r"```cnn.*\n([^`]*)```", page.read_text(encoding="utf-8"))
    ]
    return sorted({*shown, *(text for lint in LINTS for text in (lint.bad, lint.good))})


@cache
def pool() -> list[str]:
    """Words to put into a text."""
    known = {word for text in files() for word in words_of(text) if word.strip()}
    return sorted(known | set(OTHERS.split()))


@st.composite
def mutated(draw: st.DrawFn, texts: Sequence[str]) -> str:
    """A spec with words taken out, doubled, swapped, replaced, renamed, other numbers, and stretches moved."""
    words = words_of(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(words) - 1, 0)))
        if draw(st.booleans()):
            _move(draw, words, at, draw(st.integers(0, max(len(words) - 1, 0))))
        else:
            _rewrite(draw, words, at)
    return "".join(words)


def _move(draw: st.DrawFn, words: list[str], at: int, other: int) -> None:
    match draw(st.sampled_from(["out", "twice", "swap", "cut", "copy"])):
        case "out":
            del words[at : at + 1]
        case "twice":
            words[at:at] = words[at : at + 1]
        case "swap" if words:
            words[at], words[other] = words[other], words[at]
        case "cut":
            del words[at : at + draw(st.integers(1, 40))]
        case "copy":
            words[other:other] = words[at : at + draw(st.integers(1, 40))]


def _rewrite(draw: st.DrawFn, words: list[str], at: int) -> None:
    match draw(st.sampled_from(["put", "replace", "number", "rename", "odd"])):
        case "put":
            words.insert(at, f" {draw(st.sampled_from(pool()))} ")
        case "replace":
            words[at : at + 1] = [f" {draw(st.sampled_from(pool()))} "]
        case "number":
            numbers = [place for place, word in enumerate(words) if word[:1].isdigit()]
            if numbers:
                words[draw(st.sampled_from(numbers))] = draw(st.sampled_from(NUMBERS))
        case "rename":
            names = [place for place, word in enumerate(words) if word[:1].isalpha() and len(word) > 1]
            if names:
                place = draw(st.sampled_from(names))
                words[place] = draw(st.sampled_from(_slips(words[place])))
        case "odd":
            words.insert(at, draw(st.sampled_from(ODD)))


def _slips(name: str) -> list[str]:
    """How a name is misspelled: a letter too few, too many, in another's place, in capitals."""
    half = len(name) // 2
    swapped = name[: half - 1] + name[half] + name[half - 1] + name[half + 1 :]
    return [name[:half] + name[half + 1 :], name[:half] + "x" + name[half:], swapped, name.title(), name + "2"]


@st.composite
def shuffled(draw: st.DrawFn, texts: Sequence[str]) -> str:
    """A spec with whole lines taken out, doubled and moved."""
    lines = draw(st.sampled_from(texts)).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(lines))) for _ in range(2))
        line = lines[at : at + 1]
        if draw(st.booleans()):
            del lines[at : at + 1]
        lines[other:other] = line
    return "\n".join(lines)
