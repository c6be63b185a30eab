"""Bodies: branches, skips, loops, conditions, lets, defaults, names of tensors, heads, recursion."""

import pytest

from specc.ir.graph import Node
from specc.ops import OPS
from tests.helpers.checking import codes, fine, layers, net, only, shape, spec, underlined


def nodes(checked, op: str) -> list[Node]:
    return [node for node in fine(checked).graph.nodes if node.op.name == op]


# ---- branches and skips


def test_residual_adds_its_input():
    graph = fine(net("conv(8) -> residual { conv(8) -> relu }")).graph
    assert [node.op.name for node in graph.nodes] == ["input", "conv", "conv", "relu", "add"]
    assert graph.nodes[4].inputs == (1, 3)


def test_branches_begin_where_the_layer_stands():
    graph = fine(net("conv(4) -> concat { | conv(2) -> relu | identity | max_pool(3, stride=1, padding=1) }")).graph
    concat = graph.nodes[-1]
    assert concat.shape == (10, 16, 16)
    assert [graph.nodes[i].op.name for i in concat.inputs] == ["relu", "conv", "max_pool"]
    assert graph.nodes[2].inputs == (1,)


@pytest.mark.parametrize(
    "body",
    [
        "add { | relu | tanh }",
        "add {| relu | tanh}",
        "add {\n| relu\n| tanh\n}",
        "add {\n\n  |\n relu\n\n  | tanh\n\n}",
        "add { | relu; | tanh }",
        "add {\n  | relu  # first\n  # second\n  | tanh\n}",
    ],
)
def test_branches_however_they_are_laid_out(body):
    assert layers(net(body)) == ["relu", "tanh", "add"]


def test_a_branch_may_have_several_lines():
    body = "add {\n| relu\n  tanh\n  -> gelu\n| let a = silu\n  a -> identity\n}"
    assert layers(net(body)) == ["relu", "tanh", "gelu", "silu", "add"]


def test_a_branch_may_be_a_condition_or_a_loop():
    assert layers(net("add { | relu | if in.channels == 9 { tanh } }")) == ["relu", "add"]
    assert layers(net("add { | for a in [relu, tanh] { a } | repeat(2) { gelu } }")) == [
        "relu", "tanh", "gelu", "gelu", "add",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "branches"),
    [
        ("concat { | identity | for k in [3, 5, 7] { | conv(2, k) } }", "input conv1 conv2 conv3"),
        ("concat { for k in [3, 5, 7] { | conv(2, k) } }", "conv1 conv2 conv3"),
        ("concat { | for k in [3, 5] { | conv(2, k) -> relu | tanh } | gelu }", "relu1 tanh1 relu2 tanh2 gelu1"),
        ("concat { for a in [1, 2] { for b in [1, 2] { | conv(a * b) } } }", "conv1 conv2 conv3 conv4"),
        ("concat { for a in [1, 2] { if a == 2 { | relu | tanh } } }", "relu1 tanh1"),
        ("concat { | relu | if in.channels == 8 { | tanh | gelu } }", "relu1 tanh1 gelu1"),
        ("concat { | relu | if in.channels == 9 { | tanh | gelu } }", "relu1"),
        ("concat { for k in [1, 2, 3] { | if k == 1 { | relu } else if k == 2 { | tanh } else { | silu | elu } } }",
         "relu1 tanh1 silu1 elu1"),
        ("concat { for (f, c) in [(relu, 1), (tanh, 2)] {\n| f\nconv(c)\n} }", "conv1 conv2"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("merge", ["concat", "add", "multiply"])
def test_a_branch_that_is_only_a_loop_or_a_condition_stands_for_its_branches(merge, body, branches):
    if merge != "concat":
        body = body.replace("concat", merge).replace("conv(2", "conv(8").replace("conv(a * b)", "conv(8, a * b)")
        body = body.replace("conv(c)", "conv(8, c)")
    graph = fine(net(body)).graph
    assert [graph.nodes[i].name for i in graph.nodes[-1].inputs] == branches.split()


def test_each_layer_that_takes_branches_takes_spliced_ones():
    for op in OPS.values():
        if op.body == "branches":
            body = f"{op.name} {{ | identity | for f in [relu, tanh] {{ | f }} }}"
            assert len(fine(net(body)).graph.nodes[-1].inputs) == 3
            assert op.name in only(net("residual { | relu | tanh }")).help


def test_names_in_spliced_branches():
    assert shape("concat { for k in [3, 5] { | as(x[k]) -> conv(k) } }\nfrom(x[5])") == (8, 16, 16)
    problem = only(net("add { for k in [1, 2] { | let c = 9 * k; conv(c) } }"))
    assert problem.code == "E301"
    assert [(label.span.text, label.text) for label in problem.labels] == [
        ("let c = 9 * k; conv(c)", "9 x 16 x 16, 18 x 16 x 16")
    ]


@pytest.mark.parametrize(
    ("body", "code", "at"),
    [
        ("concat { for k in [] { | relu } }", "E229", "concat"),
        ("concat { if false { | relu } }", "E229", "concat"),
        ("concat { | relu | if true { | tanh } else { gelu } }", "E208", "{ gelu }"),
        ("concat { | relu | if true { | tanh } else { } }", "E208", "{ }"),
        ("concat { | relu | for k in [1] { | tanh } -> gelu }", "E208", "{ | tanh }"),
        ("for k in [1] { | tanh }", "E208", "{ | tanh }"),
        ("concat { for k in [1] { tanh } }", "E208", "concat"),
        ("concat { for k in 3 { | tanh } }", "E211", "3"),
        ("concat { | relu | for k in [1, 2] { | relu(k) } }", "E205", "k"),
    ],
)
def test_mistakes_in_spliced_branches(body, code, at):
    problem = only(net(body))
    assert (problem.code, problem.span.text) == (code, at)


def test_one_branch_and_many():
    assert layers(net("add { for f in [relu] { | f } }")) == ["relu", "add"]
    assert layers(net("add { | relu }")) == ["relu", "add"]
    assert shape("concat { " + "| identity " * 20 + "}") == (160, 16, 16)


def test_nested_bodies():
    body = "residual { repeat(2) { add { | residual { relu } | tanh } } }"
    assert layers(net(body)) == 2 * ["relu", "add", "tanh", "add"] + ["add"]


def test_multiply_spreads_one_pixel():
    assert shape("multiply { | identity | global_avg_pool -> conv(2, 1x1) -> relu -> conv(8, 1x1) -> sigmoid }") == (
        8,
        16,
        16,
    )
    assert codes(net("add { | identity | global_avg_pool }")) == ["E301"]


def test_empty_bodies_pass_their_input_on():
    body = (
        "residual { } -> repeat(3) { } -> residual {\n} -> repeat(0) { tanh } -> f -> if true { } else { relu } -> relu"
    )
    assert layers(net(body, "block f { }")) == ["add", "add", "relu"]
    assert layers(net("for x in [1, 2] { }\nfor x in [] { relu }\nif false { relu }")) == []
    assert layers(net("repeat(2) { # only a comment\n }")) == []


def test_an_empty_network():
    checked = fine(spec("network N { input(3, 8x8) }"))
    assert checked.graph.shape == (3, 8, 8)
    assert checked.graph.parameters == 0


def test_a_network_has_no_branches():
    checked = spec("network N { | input(3, 8x8) | relu }")
    assert "E208" in codes(checked)
    assert checked.graph is None


# ---- loops


def test_repeat():
    assert layers(net("repeat(3) { conv(4) -> relu }")) == ["conv", "relu"] * 3
    assert shape("repeat(3) { conv(2 * in.channels) }") == (64, 16, 16)
    assert layers(net("repeat(in.channels // 4) { relu }")) == ["relu", "relu"]
    assert layers(net("repeat(n=2) { relu }")) == ["relu", "relu"]


@pytest.mark.parametrize(
    ("loop", "filters"),
    [
        ("for c in [1, 2, 3] { conv(c) }", [1, 2, 3]),
        ("for c in (1, 2) { conv(c) }", [1, 2]),
        ("for c in range(1, 4) { conv(c) }", [1, 2, 3]),
        ("for (c) in [1, 2] { conv(c) }", [1, 2]),
        ("for (c,) in [(1,), (2,)] { conv(c) }", [1, 2]),
        ("for ((c), d) in [(1, 2)] { conv(c * d) }", [2]),
        ("for (c, d) in [(1, 2), (3, 4)] { conv(c * d) }", [2, 12]),
        ("for (c, d) in [[1, 2], [3, 4]] { conv(c * d) }", [2, 12]),
        ("for (c, d,) in [(1, 2)] { conv(c) }", [1]),
        ("for (i, (c, d)) in enumerate([(1, 2), (3, 4)]) { conv(i + c * d) }", [2, 13]),
        ("for (a, b) in zip([1, 2], (3, 4)) { conv(a + b) }", [4, 6]),
        ("for c in [1, 2] + [3] { conv(c) }", [1, 2, 3]),
        ("for c in [4, 5] { for d in [1, 2] { conv(c * d) } }", [4, 8, 5, 10]),
        ("for c in [1, 2] { let c = 10 * c; conv(c) }", [10, 20]),
        ("for c in [1, 2] if in.channels == 8 else [3] { conv(c) }", [1, 2]),
        ("for c in ([1, 2]) { conv(c) }", [1, 2]),
        ("for c in [\n  1,\n  2,\n] { conv(c) }", [1, 2]),
        ("for c in [[1, 2], [3]][0] { conv(c) }", [1, 2]),
    ],
)
def test_for(loop, filters):
    assert [node.args.filters for node in nodes(net(loop), "conv")] == filters


@pytest.mark.parametrize(
    ("loop", "code"),
    [
        ("for c in 3 { conv(c) }", "E211"),
        ("for c in 3x3 { conv(c) }", "E211"),
        ('for c in "abc" { relu }', "E211"),
        ("for c in relu { c }", "E201"),
        ("for c in widhts { conv(c) }", "E201"),
        ("for (a, b) in [1, 2] { conv(a) }", "E211"),
        ("for (a, b) in [(1, 2, 3)] { conv(a) }", "E211"),
        ("for (a, b) in [3x3] { conv(a) }", "E211"),
        ("for c in [1, 2] { conv(c // 0) }", "E211"),
        ("for c in [0, 1] { conv(c) }", "E207"),
    ],
)
def test_for_that_goes_wrong(loop, code):
    assert codes(net(f"{loop}\nconv(4) -> expect(4, 16x16)")) == [code]


def test_the_turn_is_named():
    problem = only(net("for c in [1, 2, 0] {\nconv(c)\n}"))
    assert problem.notes == ("in iteration 3 of `for` on line 4",)
    problem = only(net("repeat(3) {\nmax_pool(4)\n}", input="input(8, 16x16)"))
    assert problem.code == "E303"
    assert problem.notes == ("in iteration 3 of `repeat` on line 4",)


def test_the_chain_of_calls_is_named():
    before = "block f(c) { g(2 * c) }\nblock g(c) { conv(c, groups=3) }"
    problem = only(net("f(3)", before))
    assert [note.split(",")[0] for note in problem.notes] == ["in g(6)", "in f(3)"]
    assert "net.cnn:1" in problem.notes[0] and "net.cnn:5" in problem.notes[1]


def test_the_chain_is_that_of_the_layer_at_fault():
    before = "block f(c) { add { | g(c) | identity } }\nblock g(c) { conv(c) }"
    problem = only(net("f(3)", before))
    assert problem.code == "E301"
    assert [note.split(",")[0] for note in problem.notes] == ["in f(3)"]


# ---- conditions


@pytest.mark.parametrize(("c", "op"), [(1, "relu"), (2, "tanh"), (3, "gelu"), (4, "silu")])
def test_else_if(c, op):
    before = """block f(c) {
      if c == 1 { relu }
      else if c == 2 { tanh } else if c == 3 { gelu } else {
        silu
      }
    }"""
    assert layers(net(f"f({c})", before)) == [op]


def test_if_is_a_stage():
    assert layers(net("relu -> if in.channels == 8 { tanh } -> gelu")) == ["relu", "tanh", "gelu"]
    assert layers(net("relu -> if in.channels != 8 { tanh } else { silu } -> gelu")) == ["relu", "silu", "gelu"]
    assert layers(net("for a in [relu] { a } -> tanh")) == ["relu", "tanh"]


def test_in_of_an_if_is_what_flows_there():
    assert layers(net("conv(4) -> if in.channels == 4 { relu }\nif in.channels == 8 { tanh }")) == ["conv", "relu"]


def test_conditions_may_hold_calls_in_parentheses():
    before = "block f(a) { if a == (residual { relu }) { tanh } else { gelu } }"
    assert layers(net("f(residual { relu }) -> f(relu)", before)) == ["tanh", "gelu"]
    assert layers(net("if min(1, 2) == 1 { relu }")) == ["relu"]
    assert layers(net("if len([1, 2]) == 2 { relu }")) == ["relu"]


def test_a_branch_that_is_not_taken_is_not_worked_out():
    assert layers(net("if false { conv(0) -> expect(1, 1x1) } else { relu }")) == ["relu"]


def test_what_follows_an_unknown_condition_is_not_held_against_anyone():
    assert codes(net("if deepp { conv(4) }\nexpect(4, 1x1)\nflatten -> dense(3) -> conv(2)")) == ["E201"]


# ---- in


def test_in_is_the_shape_at_the_very_call():
    assert shape("conv(16) -> conv(in.channels)") == (16, 16, 16)
    assert shape("conv(16)\nconv(2 * in.channels)") == (32, 16, 16)
    assert shape("max_pool -> expect(8, size(in.height, in.width)) -> conv(in.height)") == (8, 8, 8)
    assert shape("let c = in.channels\nconv(16) -> conv(c)") == (8, 16, 16)
    assert shape("conv(16) -> f(in.channels)", "block f(c) { conv(4) -> conv(c) }") == (16, 16, 16)
    assert shape("concat { | conv(in.channels // 2) | conv(3) -> conv(in.channels) }") == (7, 16, 16)
    assert shape("max_pool(in.size)") == (8, 1, 1)


# ---- let


def test_lets_end_with_their_body():
    assert codes(net("repeat(1) { let c = 3; relu }\nconv(c)")) == ["E201"]
    assert codes(net("if true { let c = 3 }\nconv(c)")) == ["E201"]
    assert codes(net("f\nconv(c)", "block f { let c = 3 }")) == ["E201"]
    assert shape("let c = 3\nrepeat(1) { let c = 4; conv(c) }\nconv(c)") == (3, 16, 16)
    assert shape("let c = 3\nif true { let c = 4\nconv(c) }\nconv(c + 1)") == (4, 16, 16)


def test_lets_of_the_file_are_seen_everywhere_and_those_of_the_caller_nowhere():
    assert shape("f", "let c = 3\nblock f { conv(c) }") == (3, 16, 16)
    assert codes(net("let c = 3\nf", "block f { conv(c) }")) == ["E201"]


def test_a_let_may_stand_before_input():
    assert fine(spec("network N { let c = 3\ninput(c, 8x8)\nconv(2 * c) }")).graph.shape == (6, 8, 8)
    assert fine(spec("network N(c=3) { default conv(bias=false); input(c, 8x8) -> conv(4) }")).graph.parameters == 108


def test_lets_of_lists_and_tuples():
    assert shape("let widths = [3, 4]\nconv(widths[1])") == (4, 16, 16)


# ---- default


def biases(checked) -> list[bool]:
    return [node.args.bias for node in nodes(checked, "conv")]


def test_default_holds_for_later_calls():
    assert biases(net("conv(1) -> relu\ndefault conv(bias=false)\nconv(2) -> relu -> conv(3)")) == [True, False, False]
    assert biases(net("default conv(bias=false)\nconv(1, bias=true) -> relu")) == [True]
    assert biases(net("default conv(bias=false)\ndefault conv(bias=true)\nconv(1) -> relu")) == [True]


def test_default_ends_with_its_body():
    assert biases(net("repeat(1) { default conv(bias=false)\nconv(1) -> relu }\nconv(2) -> relu")) == [False, True]
    assert biases(net("f -> conv(2) -> relu", "block f { default conv(bias=false); conv(1) -> relu }")) == [False, True]


def test_default_reaches_into_blocks_that_are_called():
    before = "block f { conv(1) -> relu }\nblock g { f }"
    assert biases(net("default conv(bias=false)\nf -> g", before)) == [False, False]
    assert biases(net("f\ndefault conv(bias=false)\nf", before)) == [True, False]


def test_default_of_the_file():
    assert biases(net("conv(1) -> relu -> f", "default conv(bias=false)\nblock f { conv(2) -> relu }")) == [
        False,
        False,
    ]
    assert biases(net("default conv(bias=true)\nconv(1) -> relu", "default conv(bias=false)")) == [True]


def test_the_innermost_default_wins_argument_by_argument():
    body = "default conv(bias=false, kernel=5x5)\nrepeat(1) { default conv(kernel=1x1)\nconv(2) -> relu }"
    node = nodes(net(body), "conv")[0]
    assert (node.args.bias, node.args.kernel) == (False, (1, 1))


def test_default_of_blocks_and_of_required_arguments():
    assert shape("default f(c=5)\nf", "block f(c) { conv(c) }") == (5, 16, 16)
    assert shape("default conv(filters=2 * in.channels)\nconv -> conv(kernel=1x1)") == (32, 16, 16)
    assert layers(net("default f(act=tanh)\nf -> f(gelu)", "block f(act=relu) { act }")) == ["tanh", "gelu"]


def test_a_default_keeps_the_names_that_it_was_written_with():
    body = "let c = 3\ndefault conv(filters=c)\nlet c = 5\nconv -> f"
    assert [node.args.filters for node in nodes(net(body, "block f { conv }"), "conv")] == [3, 3]


@pytest.mark.parametrize(
    ("default", "code"),
    [
        ("default conv(64)", "E220"),
        ("default con(bias=false)", "E201"),
        ("default conv(bais=false)", "E203"),
        ("default f(d=3)", "E203"),
        ("default conv(bias=false) { relu }", "E208"),
    ],
)
def test_defaults_that_go_wrong(default, code):
    assert codes(net(f"{default}\nconv(4) -> relu", "block f(c) { relu }")) == [code]


def test_a_wrong_value_of_a_default_is_told_once_and_where_it_stands():
    checked = net("default conv(bias=3)\nconv(1) -> conv(2) -> conv(3)")
    assert only(checked).code == "E207"
    assert underlined(checked) == "3"


# ---- as, from, crop_to, expect


def test_as_and_from():
    graph = fine(net("conv(4) -> as(early) -> conv(5) -> relu -> from(early) -> tanh")).graph
    assert [node.op.name for node in graph.nodes] == ["input", "conv", "tanh"]  # nothing needs the rest
    graph = fine(net("conv(4) -> as(a)\nconv(5)\nconcat { | identity | from(a) -> tanh }")).graph
    assert graph.shape == (9, 16, 16)


def test_names_of_tensors_flow_out_of_bodies_but_not_of_blocks():
    assert shape("if true { conv(4) -> as(a) }\nconv(5) -> from(a)") == (4, 16, 16)
    assert shape("repeat(2) { conv(in.channels // 2) -> as(a) }\nconv(5) -> from(a)") == (2, 16, 16)
    assert codes(net("f -> from(a)", "block f { conv(4) -> as(a) }")) == ["E219"]
    assert shape("conv(4) -> as(a) -> conv(3) -> f", "block f { from(a) }") == (4, 16, 16)
    assert shape("conv(4) -> as(a) -> conv(3) -> f(a)", "block f(where) { from(where) }") == (4, 16, 16)


def test_a_later_as_of_the_same_name_wins():
    assert shape("conv(4) -> as(a) -> conv(5) -> as(a) -> conv(6) -> from(a)") == (5, 16, 16)


def test_from_a_name_that_is_not_there():
    problem = only(net("conv(4) -> as(early) -> from(erly) -> expect(1, 1x1)"))
    assert problem.code == "E219"
    assert "`early`" in problem.help
    assert codes(net("from(x)")) == ["E219"]
    assert codes(net("from(x) -> as(x)")) == ["E219"]


def test_a_name_that_is_given_only_later():
    body = "conv(4) -> as(res2a)\nfrom(res3a) -> relu\nconv(4) -> as(res3a)"
    problem = only(net(body))
    assert (problem.code, problem.span.text) == ("E219", "res3a")
    assert problem.help == "`res3a` is not named until line 6: use it after that layer"
    assert [label.span.text for label in problem.labels] == ["as(res3a)"]


def test_a_name_that_another_block_gives():
    problem = only(net("f -> from(a)", "block f { conv(4) -> as(a) }"))
    assert problem.help == "`a` is visible only in block `f` and the blocks called there"


@pytest.mark.parametrize("body", ["head(h) { as(a) -> relu } -> from(a)", "if false { as(a) }\nfrom(a)"])
def test_a_name_that_does_not_reach_here(body):
    problem = only(net(body))
    assert problem.help == "the name from line 4 is not visible here: it is inside a head, or that line does not run"


@pytest.mark.parametrize(
    ("body", "before", "expected"),
    [
        ("for i in range(3) { conv(i + 1) -> as(x[i]) }\nfrom(x[1])", "", 2),
        ("for i in range(3) { conv(i + 1) -> as(x[i]) }\nconcat { for i in range(3) { | from(x[2 - i]) } }", "", 6),
        ("let x = 4\nconv(3) -> as(x[0]) -> conv(5) -> from(x[0])", "", 3),
        ("let x = [4, 5]\nconv(3) -> as(x[7]) -> conv(5) -> from(x[7])", "", 3),
        ("conv(3) -> as(x[0]) -> conv(4) -> as(x[-1]) -> conv(5) -> from(x[0])", "", 3),
        ("conv(3) -> as(x[1][2]) -> conv(4) -> as(x[2][1]) -> conv(5) -> from(x[1][2])", "", 3),
        ("conv(3) -> as(x) -> conv(4) -> as(x[0]) -> conv(5) -> from(x)", "", 3),
        ("conv(3) -> as(x[in.channels]) -> conv(5) -> from(x[3])", "", 3),
        ("conv(3) -> as(x[4 / 2]) -> conv(5) -> from(x[2])", "", 3),
        ("conv(3) -> as(x[0]) -> f", "block f { conv(4) -> from(x[0]) }", 3),
        ("conv(3) -> as(x[0]) -> f(x)", "block f(where) { conv(4) -> from(where[0]) }", 3),
        ("conv(3) -> as(a) -> f([a])", "block f(where) { conv(4) -> from(where[0]) }", 3),
        ("conv(3) -> as(x[0]) -> f(from(x[0]))", "block f(w) { conv(4) -> as(x[0]) -> w }", 3),
        ("for i in [0, 1] { conv(i + 1) -> as(x[i]) -> f(from(x[i])) }", "block f(w, i=0) { conv(4) -> w }", 2),
        ("conv(3) -> as(x[0])\ndefault crop_to(name=x[0])\nconv(4) -> crop_to()", "", 4),
    ],
)  # fmt: skip
def test_a_name_with_an_index(body, before, expected):
    assert shape(body, before) == (expected, 16, 16)


@pytest.mark.parametrize(
    ("body", "code", "at", "words"),
    [
        ("as(x[1.5])", "E211", "1.5", "an index must be an integer, found 1.5"),
        ("as(x[relu])", "E201", "relu", "there is no value called `relu`"),
        ("as(x[true])", "E211", "true", "an index must be an integer, found `true`"),
        ("as(x[1]) -> as(x[2]) -> from(x[3])", "E219", "x[3]", "named so far: x[1], x[2]"),
        ("as(x[1]) -> from(x)", "E219", "x", "write x with an index: x[1]"),
        ("as(x) -> from(x[1])", "E219", "x[1]", "`x` has no index here: write `x`"),
        ("as(skip[1]) -> from(skp[1])", "E219", "skp[1]", "did you mean `skip[1]`?"),
        ("from(x[1]) -> as(x[1])", "E219", "x[1]", "`x` is not named until line 4: use it after that layer"),
        ("crop_to(x[1])", "E219", "x[1]", "name it with as(…)"),
        ("as(x[0]) -> conv(4, padding=0) -> crop_to(x[0])", "E303", "x[0]", "`x[0]` is 8 x 16 x 16"),
        ("as(3[0])", "E211", "3", "only a list can be indexed, found 3"),
        ("head(x[1]) { relu }", "E201", "x", "there is no value called `x`"),
    ],
)  # fmt: skip
def test_mistakes_in_a_name_with_an_index(body, code, at, words):
    problem = only(net(body))
    assert (problem.code, problem.span.text) == (code, at)
    assert words in f"{problem.message} {problem.help}"


def test_crop_to():
    body = "as(wide) -> conv(4, padding=0) -> as(narrow) -> from(wide) -> crop_to(narrow)"
    assert shape(body) == (8, 14, 14)
    assert codes(net("as(a) -> conv(4, padding=0) -> crop_to(a)")) == ["E303"]
    assert codes(net("crop_to(b)")) == ["E219"]


def test_crop_to_another_corner():
    body = "as(wide) -> conv(4, padding=0) -> as(narrow) -> from(wide) -> crop_to(narrow, offset={})"
    assert shape(body.format("0x2")) == (8, 14, 14)
    error = only(net(body.format("3")))
    assert (error.code, error.span.text, error.help) == ("E303", "3", "use an offset of at most 2x2")


def test_resize_to():
    assert shape("resize_to(5x40)") == (8, 5, 40)
    assert shape("as(all) -> max_pool -> conv(4) -> resize_to(like=all)") == (4, 16, 16)
    assert shape("as(all) -> max_pool(4) -> resize_to(mode=nearest, like=all)") == (8, 16, 16)
    graph = fine(net("as(all) -> max_pool -> resize_to(like=all) -> resize_to(7)")).graph
    assert [node.inputs for node in graph.nodes[1:]] == [(0,), (1, 0), (2,)]


@pytest.mark.parametrize(
    ("call", "code", "where", "help"),
    [
        ("resize_to", "E206", "resize_to", "resize_to(like=name)"),
        ("resize_to(7, like=all)", "E216", "all", "resize_to(65x65), or"),
        ("resize_to(7, like=al)", "E219", "al", "did you mean `all`?"),
        ("resize_to(mode=linear, like=all)", "E207", "linear", ""),
    ],
)
def test_what_resize_to_needs(call, code, where, help):
    error = only(net(f"as(all) -> conv(4) -> {call}"))
    assert (error.code, error.span.text) == (code, where) and help in error.help


def test_expect():
    assert layers(net("expect(8, 16x16) -> relu -> expect(8, 16)")) == ["relu"]
    assert shape("flatten -> expect(2048)") == (2048,)
    for wrong in ("expect(8, 16x15)", "expect(7, 16x16)", "expect(8)", "flatten -> expect(8, 16x16)"):
        problem = only(net(f"{wrong} -> relu"))
        assert problem.code == "E305"
        assert ", found " in problem.message
    assert underlined(net("expect(7, 16x16)")) == "7"
    assert underlined(net("expect(8, 16x15)")) == "16x15"


# ---- heads

HEAD = "head(aux, weight=0.4) { global_avg_pool -> dense(10) }"


def test_a_head_passes_its_input_on():
    graph = fine(net(f"conv(4) -> {HEAD} -> relu")).graph
    assert graph.shape == (4, 16, 16)
    [head] = graph.heads
    assert (head.name, head.weight) == ("aux", 0.4)
    assert graph.nodes[head.output].op.name == "dense"
    assert [node.head for node in graph.nodes] == ["", "", "aux", "aux", ""]
    assert graph.parameters - graph.parameters_exported == 4 * 10 + 10


def test_heads_have_names_of_their_own():
    assert codes(net(f"{HEAD}\n{HEAD}")) == ["E209"]
    assert codes(net("repeat(2) { " + HEAD + " }")) == ["E209"]
    assert codes(net("head(a) { head(b) { relu } }")) == ["E223"]
    assert codes(net("conv(4) -> head(conv1) { relu }")) == ["E209"]
    assert codes(net("head(input) { relu }")) == ["E209"]


def test_a_head_sees_names_of_tensors_but_gives_none():
    assert codes(net("as(a) -> head(x) { from(a) -> flatten -> dense(10) }")) == []
    assert codes(net("head(x) { as(a) -> relu } -> from(a)")) == ["E219"]


def test_names_are_unique_whatever_blocks_are_called():
    before = "block conv1(c) { conv(c) }\nblock unit { conv1(3) }"
    graph = fine(net("repeat(12) { conv(4) } -> conv1(5) -> unit -> head(conv) { relu }", before)).graph
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    folders = {".".join(name.split(".")[:i]) for name in names for i in range(1, name.count(".") + 1)}
    assert not folders & set(names)


def test_names_are_paths():
    before = "block unit(c) { conv(c) -> relu }\nblock basic(c) { residual { unit(c) -> unit(c) } }"
    names = [node.name for node in fine(net("unit(8) -> basic(8) -> repeat(2) { basic(8) }", before)).graph.nodes]
    assert names == [
        "input",
        "unit1.conv1", "unit1.relu1",
        "basic1.unit1.conv1", "basic1.unit1.relu1", "basic1.unit2.conv1", "basic1.unit2.relu1", "basic1.add1",
        "basic2.unit1.conv1", "basic2.unit1.relu1", "basic2.unit2.conv1", "basic2.unit2.relu1", "basic2.add1",
        "basic3.unit1.conv1", "basic3.unit1.relu1", "basic3.unit2.conv1", "basic3.unit2.relu1", "basic3.add1",
    ]  # fmt: skip


def test_nodes_know_where_they_were_written():
    graph = fine(net("conv(4)\nrelu -> tanh")).graph
    assert [node.span.text for node in graph.nodes] == ["input(8, 16x16)", "conv(4)", "relu", "tanh"]
    assert [node.span.line for node in graph.nodes] == [3, 4, 5, 5]


# ---- input


def test_input():
    assert fine(spec("network N { input(3, 32x48) -> relu }")).graph.input == (3, 32, 48)
    assert fine(spec("network N { input(3, 32) }")).graph.input == (3, 32, 32)
    assert fine(spec("network N { input(784) -> dense(10) }")).graph.input == (784,)
    assert fine(spec("network N(c=3) { input(c, size(8, 2 * c)) }")).graph.input == (3, 8, 6)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("relu", "E308"),
        ("", "E308"),
        ("input", "E206"),
        ("input()", "E206"),
        ("input(0, 8x8)", "E207"),
        ("input(3, 8x8, 4)", "E205"),
        ("input(in.channels, 8x8)", "E212"),
        ("input(999999999999999999, 999999x999999)", "E310"),
        ("input(3, 8x8) -> relu -> input(3, 8x8)", "E312"),
        ("input(3, 8x8)\nrepeat(2) { input(3, 8x8) }", "E312"),
    ],
)
def test_input_that_goes_wrong(body, code):
    assert codes(spec(f"network N {{ {body} }}")) == [code]


# ---- recursion


def test_blocks_may_call_themselves():
    before = "block level(c, n) { conv(c)\nif n > 0 { residual { level(2 * c, n - 1) -> conv(c) } } }"
    assert layers(net("level(4, 2)", before)) == ["conv", "conv", "conv", "conv", "add", "conv", "add"]
    tree = "block tree(n) { if n > 0 { add { | tree(n - 1) | tree(n - 1) } } else { relu } }"
    assert layers(net("tree(4)", tree)).count("relu") == 16


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("block f { f }", "f"),
        ("block f { relu -> g }\nblock g { tanh -> f }", "f"),
        ("block f { add { | f | f } }", "f"),
        ("block f(n) { add { | f(n + 1) | f(n + 1) } }", "f(0)"),
        ("block f(n) { if n > 0 { add { | f(n - 1) | f(n - 1) } } }", "f(60)"),
        ("block f(n) { f(f) }", "f(1)"),
        ("block f(g) { g(g) }", "f(f)"),
        ("block f(g) { f(g -> relu) }", "f(relu)"),
        ("block relu { relu }", "relu"),
    ],
)
def test_recursion_without_end(before, call):
    problem = only(net(call, before))
    assert problem.code == "E214"
    assert problem.notes
    assert all(note.startswith("in ") for note in problem.notes)


def test_arguments_may_come_from_defaults_alone():
    assert codes(net("from", "default from(name=a)")) == ["E219"]
    assert codes(net("repeat { relu }", "default repeat(n=100000000)")) == ["E214"]
    assert layers(net("repeat { relu }", "default repeat(n=2)")) == ["relu", "relu"]
    assert shape("as -> conv(3) -> from", "default as(name=a)\ndefault from(name=a)") == (8, 16, 16)


def test_lets_of_the_file_stand_in_any_order():
    assert shape("conv(a)", "let a = b + 1\nlet b = min(c, 9)\nlet c = 3") == (4, 16, 16)
    assert layers(net("f", "let f = g -> tanh\nlet g = relu")) == ["relu", "tanh"]
    assert shape("conv(a)", "let a = b if true else c\nlet b = 3\nlet c = 1 // 1") == (3, 16, 16)
    assert layers(net("relu", "let relu = relu")) == ["relu"]


@pytest.mark.parametrize(
    ("lets", "where"),
    [("let a = b\nlet b = a", "a"), ("let a = 1 + b\nlet b = min(c, 2)\nlet c = a // 2\nlet d = c", "a")],
)
def test_lets_in_a_circle(lets, where):
    checked = net("conv(a)", lets)
    assert only(checked).code == "E221"
    assert underlined(checked) == where


@pytest.mark.parametrize(
    "text",
    [
        "network Net {\ninput(3, 8x8)\nif in.channels == 3 { relu }\nelse\n{ tanh }\n}",
        "network Net {\ninput(3, 8x8)\nadd { | relu | -> }\n}",
        "data { source = digits; augment = choose { | flip |\n} }\nnetwork Net { global_avg_pool -> dense(10) }",
    ],
)
def test_what_cannot_be_read_is_not_called_a_name(text):
    errors = spec(text).errors
    assert errors
    assert {error.code for error in errors} == {"E101"}
