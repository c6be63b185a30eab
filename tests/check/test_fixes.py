"""Certain repairs: misspelled names, and mending a text until nothing certain is left."""

import pytest

from specc.check import check
from specc.check.fixes import apply, mend
from specc.diagnostics import Diagnostic, Fix, correction, slips
from specc.source import Source, Span
from tests.helpers.checking import net, only, spec


def mended(text: str):
    return mend(Source("net.cnn", text), lambda source: check(source, everything=True).diagnostics)


@pytest.mark.parametrize(
    ("name", "other", "count"),
    [
        ("conv", "conv", 0),
        ("conw", "conv", 1),
        ("con", "conv", 1),
        ("convv", "conv", 1),
        ("cnov", "conv", 1),
        ("strid", "stride", 1),
        ("normalise", "normalize", 1),
        ("epcohs", "epochs", 1),
        ("opimizr", "optimizer", 2),
        ("relu", "gelu6", 2),
        ("dense", "depthwise", 3),
        ("", "abc", 3),
    ],
)
def test_slips(name, other, count):
    assert slips(name, other) == slips(other, name) == count


@pytest.mark.parametrize(
    ("name", "known", "fix"),
    [
        ("strde", ["filters", "kernel", "stride"], "stride"),
        ("BatchNorm", ["batch_norm", "instance_norm"], "batch_norm"),
        ("opimiser", ["optimizer", "epochs"], "optimizer"),
        ("optmzer", ["optimizer", "epochs"], None),  # two slips in seven letters
        ("relu7", ["relu", "relu6"], None),  # either may have been meant
        ("adm", ["adam", "adamw"], None),
        ("lr", ["l1", "l2"], None),
        ("pad", ["padding"], None),
        ("sgf", ["sgd"], "sgd"),
        ("seg", ["sgd"], None),  # two slips in three letters
        ("anything", [], None),
    ],
)
def test_a_misspelled_name_has_one_certain_meaning_or_none(name, known, fix):
    span = Span(Source("net.cnn", name), 0, len(name))
    assert correction(span, known) == (Fix(span, fix) if fix else None)


@pytest.mark.parametrize(
    ("body", "code", "fix"),
    [
        ("conw(8)", "E201", "conv"),
        ("conv(8, strde=2)", "E203", "stride"),
        ("conv(8, init=he_norml)", "E202", "he_normal"),
        ("conv(8, padding=sane)", "E207", "same"),
        ("upsample(2, mode=bilnear)", "E207", "bilinear"),
        ("swish", "E201", None),
        ("adam", "E201", None),
        ("conv(8, xyz=2)", "E203", None),
        ("conv(8, strid=2, stride=1)", "E203", None),  # there is a stride already
        ("conv(8, filter=9)", "E203", None),
    ],
)
def test_errors_that_carry_a_fix(body, code, fix):
    error = only(net(body))
    assert error.code == code
    assert (error.fix.text if error.fix else None) == fix


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ("data { source = digits; normalise = unit }", "normalize"),
        ("train { epoch = 3 }", "epochs"),
        ("train { epoch = 3; epochs = 4 }", None),
        ("train { learning_rate = 3 }", None),
        ("train { optimizer = rmspropp(1e-3) }", "rmsprop"),
    ],
)
def test_settings_that_carry_a_fix(settings, fix):
    error = only(spec(f"{settings}\nnetwork N {{ input(1, 8x8)\nflatten -> dense(10) }}"))
    assert (error.fix.text if error.fix else None) == fix


def test_all_fixes_of_a_text_at_once():
    text = "train { epoch = 3; optimiser = adam }\nnetwork N { input(1, 8x8)\nconw(8, strde=2) -> flaten -> dense(10) }"
    result = mended(text)
    assert [found.fix.text for found in result.fixed] == ["epochs", "optimizer", "conv", "flatten", "stride"]
    assert result.left == []
    assert result.source.text == (
        "train { epochs = 3; optimizer = adam }\nnetwork N { input(1, 8x8)\nconv(8, stride=2) -> flatten -> dense(10) }"
    )


def test_what_is_not_certain_is_left():
    text = "network N { input(1, 8x8)\nconv(8, strde=2) -> relu7\nflatten -> dense(10) }"
    result = mended(text)
    assert [found.code for found in result.fixed] == ["E203"]
    assert [found.code for found in result.left] == ["E201"]


def test_nothing_to_mend():
    text = "network N { input(1, 8x8)\nflatten -> dense(10) }"
    result = mended(text)
    assert (result.source.text, result.fixed, result.left) == (text, [], [])


def test_a_base_is_not_changed():
    base = Source("base.cnn", "network N { input(1, 8x8)\nconw(8)\nflatten -> dense(10) }")
    source = Source("net.cnn", 'extends "base.cnn"\ntrain { epoch = 3 }')

    def all_of(source: Source):
        return check(source, load=lambda path, source: base, everything=True).diagnostics

    result = mend(source, all_of)
    assert result.source.text == 'extends "base.cnn"\ntrain { epochs = 3 }'
    assert [found.code for found in result.left] == ["E201"]


def test_fixes_are_applied_from_the_end():
    source = Source("net.cnn", "abc def ghi")
    fixes = [Fix(Span(source, 0, 3), "long words"), Fix(Span(source, 8, 11), ""), Fix(Span(source, 4, 4), "un")]
    assert apply(source.text, fixes) == "long words undef "


def test_fixes_that_touch_wait_for_each_other():
    """What the first one changes may be what the second one was about."""

    def two_or_none(source: Source) -> list[Diagnostic]:
        if source.text != "abcdef":
            return []
        spans = (Span(source, 0, 3), Span(source, 3, 6))
        return [Diagnostic("W504", "", span, fix=Fix(span, text)) for span, text in zip(spans, "xy", strict=True)]

    result = mend(Source("net.cnn", "abcdef"), two_or_none)
    assert (result.source.text, len(result.fixed)) == ("xdef", 1)


def test_fixes_one_character_apart_are_made_together():
    def both(source: Source) -> list[Diagnostic]:
        if source.text != "abcdefg":
            return []
        spans = (Span(source, 0, 3), Span(source, 4, 7))
        return [Diagnostic("W504", "", span, fix=Fix(span, text)) for span, text in zip(spans, "xy", strict=True)]

    assert mend(Source("net.cnn", "abcdefg"), both).source.text == "xdy"
