"""Whatever is written: an answer in good time, each problem in its place, and never an exception.

Specs are mutated word by word, put together from pieces of the language, and made of noise. `SPECC_FUZZ=20000` runs so
many of each kind.
"""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from specc.check import check
from specc.source import Source
from tests.helpers.mutated_specs import files, mutated, pool, shuffled
from tests.helpers.surviving import in_time, survives
from tests.helpers.thorough import times

RUNS = times(50, thorough=150)
BOUNDED = settings(
    max_examples=RUNS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=set(Phase) - {Phase.explain},  # it traces every line, so that nothing is done in good time
)


@BOUNDED
@given(mutated(files()))
def test_mutated_specs(text):
    survives(text)


@BOUNDED
@given(shuffled(files()))
def test_specs_with_their_lines_moved(text):
    survives(text)


@BOUNDED
@given(st.lists(st.sampled_from([*pool(), "\n", "\n", " ", "{", "}"]), max_size=60).map(" ".join))
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
    .flatmap(lambda path: st.sampled_from(pool()).map(lambda value: f"{path}={value}"))
    | st.text(max_size=40)
)
def test_any_set(setting):
    source = Source("net.cnn", files()[0])
    checked = in_time(lambda: check(source, sets=[setting]))
    assert checked.errors or checked.graph is not None
