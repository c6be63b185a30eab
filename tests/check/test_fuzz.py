"""Whatever is written: an answer in good time, each problem in its place, and never an exception.

Specs are mutated word by word, put together from pieces of the language, and made of noise. `SPECC_FUZZ=20000` runs so
many of each kind.
"""

import os
import re
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from specc.check import check
from specc.source import Source
from tests.helpers.surviving import in_time, survives

HERE = Path(__file__).parent
FILES = [*sorted((HERE.parents[1] / "examples").glob("*.cnn")), *sorted((HERE / "architectures").glob("*.cnn"))]
WORD = re.compile(r'#[^\n]*|"[^"\n]*"|[A-Za-z_]\w*|\d+x\d+|\d+(?:\.\d+)?%?|->|\*\*|//|[=!<>]=|\n|[^\s]|[ \t]+')
WORDS = {path: WORD.findall(path.read_text()) for path in FILES}
OTHERS = """
let default as from head expect crop_to multiply choose maybe search variant extends choice uniform in.channels in.size
1e300 0 -1 9**9 { } ( ) [ ] | ; none true not @ " ' 2.5 50% 3x3 0x0 -> = == ** // range zip enumerate len 1e999 network
repeat(1000000000) 99999999999999999999 block data train export add residual identity else if for \\ # , .
"""
POOL = sorted({word for words in WORDS.values() for word in words if word.strip()} | set(OTHERS.split()))
RUNS = int(os.environ.get("SPECC_FUZZ", "150"))
BOUNDED = settings(
    max_examples=RUNS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=set(Phase) - {Phase.explain},  # it traces every line, so that nothing is done in good time
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A spec with words taken out, doubled, swapped, replaced, and stretches moved."""
    words = list(WORDS[draw(st.sampled_from(FILES))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(words) - 1, 0)))
        other = draw(st.integers(0, max(len(words) - 1, 0)))
        match draw(st.sampled_from(["out", "twice", "swap", "put", "replace", "cut", "copy"])):
            case "out":
                del words[at : at + 1]
            case "twice":
                words[at:at] = words[at : at + 1]
            case "swap" if words:
                words[at], words[other] = words[other], words[at]
            case "put":
                words.insert(at, f" {draw(st.sampled_from(POOL))} ")
            case "replace":
                words[at : at + 1] = [f" {draw(st.sampled_from(POOL))} "]
            case "cut":
                del words[at : at + draw(st.integers(1, 40))]
            case "copy":
                words[other:other] = words[at : at + draw(st.integers(1, 40))]
    return "".join(words)


@st.composite
def shuffled(draw: st.DrawFn) -> str:
    """A spec with whole lines taken out, doubled and moved."""
    lines = "".join(WORDS[draw(st.sampled_from(FILES))]).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(lines))) for _ in range(2))
        line = lines[at : at + 1]
        if draw(st.booleans()):
            del lines[at : at + 1]
        lines[other:other] = line
    return "\n".join(lines)


@BOUNDED
@given(mutated())
def test_mutated_specs(text):
    survives(text)


@BOUNDED
@given(shuffled())
def test_specs_with_their_lines_moved(text):
    survives(text)


@BOUNDED
@given(st.lists(st.sampled_from([*POOL, "\n", "\n", " ", "{", "}"]), max_size=60).map(" ".join))
def test_words_in_any_order(text):
    survives(text)
    survives(f"network N {{ input(8, 16x16)\n{text}\n}}")
    survives(f"data {{ source = digits }}\nnetwork N {{ flatten -> dense(10) }}\ntrain {{ {text} }}")


@BOUNDED
@given(st.text(max_size=300))
def test_any_text(text):
    survives(text)


@BOUNDED
@given(st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_any_bytes(text):
    survives(text)


@BOUNDED
@given(
    st.lists(st.sampled_from(["network", "train", "data", "epochs", "width", "widths", "optimizer", "lr", "act", ""]))
    .map(".".join)
    .flatmap(lambda path: st.sampled_from(POOL).map(lambda value: f"{path}={value}"))
    | st.text(max_size=40)
)
def test_any_set(setting):
    source = Source("net.cnn", (FILES[0]).read_text())
    checked = in_time(lambda: check(source, sets=[setting]))
    assert checked.errors or checked.graph is not None
