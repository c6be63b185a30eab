"""Each kind of name at each place where it may be used: found from all of them, and changed at all of them."""

import re

import pytest

from specc.ir.weights import selects, weights_of
from specc.reading import check_spec
from specc.source import Source
from tests.helpers.editor import Failed
from tests.helpers.thorough import some

# Each name is unique, so that its occurrences are those of the word; a path of weights has a number behind it.
FILE = """\
let flet = 2
shared fshr = conv(flet * 8) -> batch_norm
let flayers = blk(8)
let fpath = blk2
default conv(bias=in.channels > flet)
block blk(prm, dflt=flet, bact=relu) {
  let llet = prm if dflt > 1 else 2 * prm
  shared lshr = conv(llet, 1x1) -> bact
  conv(prm) -> lshr -> conv(prm)
  if llet > 4 and prm > 0 { lshr -> conv(llet) -> conv(prm) } else { conv(prm) }
  as(tns)
  add { | from(tns) -> conv(prm) | conv(prm, stride=1 if llet > 0 else 2) }
}
block othr(prm2) { blk(prm2) -> blk(dflt=2, prm=prm2) }
network Netw(knob=8, deep=flet, nact=silu) {
  input(3, 16x16)
  conv(knob) -> blk(knob, bact=nact)
  for (lop, other) in [(knob, 1), (2 * knob, flet)] { blk(lop) -> as(lvl[other]) -> conv(lop + other) }
  let inner = blk(knob) -> relu
  inner -> conv(16) -> repeat(flet) { fshr } -> flayers
  repeat(deep) { othr(in.channels) } -> as(skp)
  if knob > flet { relu } else { nact }
  head(hd, weight=0.2) { global_avg_pool -> dense(10) }
  concat { | from(skp) | from(lvl[1]) -> resize_to(like=skp) | from(lvl[flet]) -> resize_to(like=skp) }
  global_avg_pool -> dense(10)
}
train {
  epochs = flet
  freeze = freeze(blk1, "blk2.conv1", othr1.blk1.lshr1.conv1.weight, until=flet)
  groups = [
    group(othr, scale=0.1),
    group(blk.conv, "hd", hd.dense1, "fshr1.conv1", lr=0.1 / flet),
    group(kernels, norms.bias, lr=0.1)
  ]
}
variant vr { network.knob = 8 * flet; train.freeze = [fpath, blk3] }
variant vr2 extends vr { train.freeze = othr1.blk2; train.groups = none }
variant vr3 extends vr {
  train.freeze = "othr1"
  network.deep = 1
  train.groups = [group(blk, hd.dense1.weight, lr=0.1)]
}
search { network.knob = choice(8, 8 * flet); train.groups = choice([group(blk1, lr=0.1)], none) }
"""
TOP = """\
extends "matrix_base.cnn"
block more(c) { blk(c, dflt=flet) -> conv(16) -> fshr -> othr(prm2=c) }
network { knob = 16 * flet }
variant own extends vr3 {
  network.deep = flet
  network.nact = more(8) -> relu
  train.freeze = [blk2, blk3]
  train.groups = [group(othr, lr=0.1)]
}
"""

FILES = {"matrix_base.cnn": FILE, "matrix_top.cnn": TOP}
# Each name, at the end of the text that defines it.
DEFINED = [
    "let flet", "shared fshr", "let flayers", "let fpath", "block blk", "blk(prm", "prm, dflt", "flet, bact",
    "let llet", "shared lshr", "as(tns", "block othr", "othr(prm2", "network Netw", "Netw(knob", "8, deep",
    "flet, nact", "for (lop", "as(lvl", "let inner", "as(skp", "head(hd", "variant vr", "variant vr3",
]  # fmt: skip
NAMES = {re.findall(r"\w+", text)[-1]: text for text in DEFINED}


def occurrences(name, text):
    """Where a name stands, alone or, in a path of weights, with a number behind it."""
    others = "|".join(rf"{other}\b" for other in (*NAMES, "vr2") if other.startswith(name) and other != name) or "-"
    return [match.start() for match in re.finditer(rf"(?<!\w)(?!{others}){name}(?=[0-9]*(?!\w))", text)]


def renamed(name, new, text):
    for at in reversed(occurrences(name, text)):
        text = text[:at] + new + text[at + len(name) :]
    return text


@pytest.fixture(scope="module")
def matrix(editor):
    for name, text in FILES.items():
        (editor.root / name).write_text(text)
        editor.open(name, text)
    yield editor
    for name in FILES:
        editor.close(name)


def places(matrix, locations):
    return sorted((one["uri"].rpartition("/")[2], matrix.offset(one["uri"].rpartition("/")[2], one["range"]["start"]))
                  for one in locations)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_from_each_of_its_places(matrix, name):
    expected = sorted((file, at) for file, text in FILES.items() for at in occurrences(name, text))
    definition = FILE.index(NAMES[name]) + len(NAMES[name]) - len(name)
    assert ("matrix_base.cnn", definition) in expected
    for file, at in expected:
        asked = {"textDocument": {"uri": matrix.uri(file)}, "position": matrix.at(file, at)}
        assert places(matrix, matrix.request("textDocument/definition", asked)) == [("matrix_base.cnn", definition)]
        marks = matrix.request("textDocument/documentHighlight", asked)
        here = [matrix.offset(file, mark["range"]["start"]) for mark in marks]
        assert here == [at for other, at in expected if other == file]
    asked["context"] = {"includeDeclaration": True}
    assert places(matrix, matrix.request("textDocument/references", asked)) == expected


def meaning(file, texts):
    """The network of a spec and of its variants, and the weights that its settings pick, all without names."""
    source = Source(file, texts[file])
    variants = check_spec(source, load=lambda path, _: Source(path, texts[path])).variants
    result = []
    for variant in (None, *variants):
        checked = check_spec(source, load=lambda path, _: Source(path, texts[path]), variant=variant)
        assert checked.graph is not None and checked.train is not None and not checked.errors
        weights = weights_of(checked.graph)
        lists = [checked.train.frozen, checked.train.frozen_at_first]
        lists += [group.args.weights for group in checked.train.groups or ()]
        picked = [[[selects(one, weight) for weight in weights] for one in some] for some in lists]
        result.append(([(node.op.name, node.inputs, node.shape) for node in checked.graph.nodes], picked))
    return result


@pytest.mark.parametrize("name", some(list(NAMES), 4))
def test_a_name_is_changed_from_each_kind_of_place(matrix, name):
    texts = {file: renamed(name, "brandnew", text) for file, text in FILES.items()}
    assert meaning("matrix_top.cnn", texts) == meaning("matrix_top.cnn", FILES)
    ends = {(file, at) for file, text in FILES.items() for at in occurrences(name, text)[-1:]}
    for file, at in {*ends, ("matrix_base.cnn", occurrences(name, FILE)[0])}:
        asked = {"textDocument": {"uri": matrix.uri(file)}, "position": matrix.at(file, at)}
        changed = matrix.changed(matrix.request("textDocument/rename", {**asked, "newName": "brandnew"}))
        assert {**FILES, **changed} == texts


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("blk", "norms"),  # `freeze = blk1` picks a block; `norms` picks norms
        ("blk", "othr"),
        ("hd", "blk"),
        ("hd", "dense1"),  # a layer of the network has that name
        ("othr", "head"),  # a block called `head` takes the name of the part over
        ("lshr", "tns2 "),
        ("knob", "deep"),
        ("vr", "vr3"),
        ("tns", "in"),
    ],
)
def test_a_name_that_would_pick_other_weights_is_refused(matrix, name, new):
    asked = {"textDocument": {"uri": matrix.uri("matrix_base.cnn")}}
    asked["position"] = matrix.at("matrix_base.cnn", occurrences(name, FILE)[0])
    with pytest.raises(Failed, match=r"is taken|is not a name"):
        matrix.request("textDocument/rename", {**asked, "newName": new})
