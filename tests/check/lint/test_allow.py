"""Comments that silence a lint, and those that silence nothing."""

import pytest

from specc.check import check
from specc.check.fixes import mend
from specc.source import Source
from tests.helpers.linting import codes, linted, net

LAYER = "conv(8, bias=true) -> batch_norm"


@pytest.mark.parametrize(
    "body",
    [
        f"{LAYER} # allow W504",
        f"{LAYER}   #allow W504",
        f"# allow W504\n{LAYER}",
        f"# allow W504 -- the published weights have one\n{LAYER}",
        f"# allow W504\n# because\n\n{LAYER}",
        f"{LAYER} # allow W504\n{LAYER} # allow W504",
    ],
)
def test_a_comment_silences_a_lint(body):
    assert codes(net(body)) == []


def test_only_its_code_on_its_line():
    assert codes(net(f"# allow W504\n{LAYER}\n{LAYER}")) == ["W504"]
    assert sorted(codes(net(f"{LAYER} # allow W505"))) == ["W500", "W504"]
    assert sorted(codes(net(f"{LAYER} # allow\n"))) == ["W504"]


def test_two_codes_in_one_comment():
    body = "conv(1, bias=true) -> batch_norm -> conv(8)"
    assert sorted(codes(net(body))) == ["W504", "W511"]
    assert codes(net(f"{body} # allow W504, W511")) == []
    assert codes(net(f"{body} # allow W504 W511")) == []
    [found] = linted(net(f"{body} # allow W504, W511, W512"))
    assert (found.code, found.span.text, found.fix) == ("W500", "W512", None)


def test_a_comment_for_a_variant_is_needed():
    text = net("conv(8) -> act\nconv(8)").replace("Net", "Net(act=relu)")
    assert codes(text + "variant v { network.act = drop_path(50%) } # allow W513") == []
    assert codes(text + "variant v { network.act = dropout(50%) } # allow W513") == ["W500"]


def test_errors_and_unknown_codes_cannot_be_allowed():
    [found] = linted(net("conv(8) # allow E301"))
    assert found.code == "W500" and "only lints" in found.message
    [found] = linted(net("conv(8) # allow W999"))
    assert found.code == "W500" and "no lint W999" in found.message


def test_where_there_are_errors_nothing_is_said_of_comments():
    found = check(Source("net.cnn", net("conv(0) # allow W504")), everything=True).diagnostics
    assert [d.code for d in found] == ["E207"]


def test_a_comment_in_a_base_counts_there():
    base = net(f"{LAYER} # allow W504\nconv(8) # allow W505")
    files = {"base.cnn": Source("base.cnn", base)}
    assert codes('extends "base.cnn"\n', load=lambda path, source: files[path]) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("conv(8)   # allow W504", "conv(8)"),
        ("# allow W504\nconv(8)", "conv(8)"),
        ("conv(8) # allow W504 though", "conv(8) # allow W504 though"),
        ("conv(8) # allow W504, W505", "conv(8) # allow W504, W505"),
    ],
)
def test_a_useless_comment_goes(before, after):
    source = Source("net.cnn", net(before))
    mended = mend(source, lambda source: check(source, everything=True).diagnostics)
    assert mended.source.text == net(after)
