"""W515 to W518: names that nothing looks up."""

import pytest

from specc.check import check
from specc.check.fixes import mend
from specc.source import Source
from tests.helpers.linting import codes, linted, net


def mended(text: str) -> str:
    return mend(Source("net.cnn", text), lambda source: check(source, everything=True).diagnostics).source.text


def test_lets_of_file_and_body():
    text = "let a = 1\n" + net("let b = 2\nconv(8)\nrepeat(2) {\n  let c = in.channels  # said twice\n  conv(8)\n}")
    assert [d.span.text for d in linted(text)] == ["a", "b", "c"]
    assert mended(text) == net("conv(8)\nrepeat(2) {\n  conv(8)\n}")


def test_a_let_that_only_an_unused_one_looks_up_goes_with_it():
    text = "let a = 1\nlet b = a\n" + net("conv(8)")
    assert codes(text) == ["W515"]
    assert mended(text) == net("conv(8)")


def test_a_let_among_other_statements_of_a_line():
    text = net("conv(8); let a = 1; relu")
    assert codes(text) == ["W515"]
    assert codes(mended(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "let a = 8\n" + net("conv(a)"),
        "let a = relu\n" + net("conv(8) -> a"),
        "let a = 8\nlet b = a\n" + net("conv(b)"),
        "let a = 8\n" + net("conv(8)") + "variant v { train.epochs = a }",
        "let a = 8\n" + net("conv(8)") + "search { train.epochs = choice(a, 9) }",
        "let a = 3\ndata { source = digits }\n" + net("conv(8)", input="") + "train { epochs = a }",
        "let a = he_normal\ndefault conv(init=a)\n" + net("conv(8)"),
        "let a = [1, 2]\n" + net("for i in a { conv(8) }"),
    ],
)
def test_lets_that_are_used(text):
    assert codes(text) == []


def test_blocks():
    unused = "block other(c) { conv(c) -> other2(c) }\nblock other2(c) { relu }\n"
    assert [d.span.text for d in linted(unused + net("conv(8)"))][:2] == ["other", "c"]
    recursive = "block down(n) { if n > 0 { conv(8); down(n - 1) } }\n"
    assert codes(recursive + net("conv(8)")) == ["W516"]
    assert codes(recursive + net("down(2)")) == []
    assert codes("block unit { conv(8) }\n" + net("body").replace("Net", "Net(body=unit)")) == []


def test_parameters():
    text = "block unit(c, stride=1, act=relu) { conv(c) -> act }\n" + net("unit(8, stride=2)")
    [found] = linted(text)
    assert (found.code, found.span.text) == ("W517", "stride")
    assert codes("block unit(c, d=2 * c) { conv(d) }\n" + net("unit(8)")) == []


def test_a_knob_that_turns_nothing():
    text = net("conv(8)").replace("Net", "Net(width=8)") + "variant big { network.width = 32 }"
    assert codes(text) == ["W517"]


def test_what_a_variant_no_longer_uses_is_used_by_the_file():
    text = "let small = 8\nblock unit(c) { conv(c) }\n" + net("unit(width)").replace("Net", "Net(width=small)")
    assert codes(text + "variant big { network.width = 32 }") == []


def test_what_a_base_offers_need_not_be_used():
    base = "let a = 1\nblock unit(c) { conv(8) }\n" + net("conv(8)")
    files = {"base.cnn": Source("base.cnn", base)}
    text = 'extends "base.cnn"\ntrain { epochs = 3 }\n'
    assert codes(text, load=lambda path, source: files[path]) == []
    assert codes(text + "let b = 1\n", load=lambda path, source: files[path]) == ["W515"]


@pytest.mark.parametrize(
    "body",
    [
        "conv(8) -> as(b)\nconv(8) -> as(b)\nadd { | relu | from(b) }",
        "repeat(2) { conv(8) -> as(b) -> conv(8) -> as(b) -> add { | relu | from(b) } }",
        "conv(8) -> as(b)\nrepeat(2) { conv(8) }\nconv(8) -> as(b) -> crop_to(b)",
    ],
)
def test_a_name_that_is_given_twice_in_a_row(body):
    [found] = linted(net(body))
    assert (found.code, found.span.text) == ("W518", "as(b)")
    assert found.labels[0].span.start < found.span.start


@pytest.mark.parametrize(
    "body",
    [
        "conv(8) -> as(b)\nadd { | relu | from(b) }\nconv(8) -> as(b)\nadd { | relu | from(b) }",
        "repeat(3) { conv(8) -> as(b) }\nadd { | relu | from(b) }",
        "conv(8)\nif in.channels == 8 { as(b) } else { conv(8) -> as(b) }\nadd { | relu | from(b) }",
        "as(b) -> f\nconv(3) -> as(b)\nadd { | relu | from(b) }",
        "as(b) -> g\nadd { | relu | from(b) }",
    ],
)
def test_a_name_that_is_used_in_between_or_belongs_to_another_body(body):
    before = "block f { conv(3); add { | relu | from(b) } }\nblock g { conv(3) -> as(b) -> relu }\n"
    assert "W518" not in codes(before + net(body))
