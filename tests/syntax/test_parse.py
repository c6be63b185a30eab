"""Text to tree: every construct of the language, what new lines mean, and what is said about text that is no spec."""

from typing import Any

import pytest

from specc.diagnostics import Diagnostic
from specc.source import Source
from specc.syntax import tree as t
from specc.syntax.parse import parse, parse_expression
from specc.values import Percent, Size


def items(text: str) -> tuple[Any, ...]:
    parsed = parse(Source("net.cnn", text))
    assert [(d.code, d.message, d.span.place) for d in parsed.diagnostics] == []
    assert parsed.tree is not None
    return parsed.tree.items


def expression(text: str):
    [let] = items(f"let a = {text}")
    return let.value


def statements(text: str) -> tuple[Any, ...]:
    """The statements of a body."""
    [network] = items(f"network N {{{text}}}")
    assert not network.body.is_branched
    return network.body.statements


def plain(node):  # noqa: C901 - a kind of node a line
    """A tree without its spans, as nested tuples: what two texts must have alike to mean the same."""
    match node:
        case t.Literal(value=value):
            return (type(value).__name__, value)
        case t.Name(name=name):
            return name
        case t.Flowing(field=field):
            return f"in.{field}"
        case t.Prefix(operator=operator, operand=operand):
            return (operator, plain(operand))
        case t.Operators(operands=operands, operators=operators):
            worth = plain(operands[0])
            for operator, operand in zip(operators, operands[1:], strict=True):
                worth = (worth, operator, plain(operand))
            return worth
        case t.Conditional(then=then, test=test, otherwise=otherwise):
            return ("if", plain(test), plain(then), plain(otherwise))
        case t.Group(value=value):
            return plain(value)
        case t.Sequence(items=parts, is_list=is_list):
            return ["list" if is_list else "tuple", *map(plain, parts)]
        case t.Index(value=value, index=index):
            return ("index", plain(value), plain(index))
        case t.Argument(name=name, value=value):
            return (name, plain(value)) if name else plain(value)
        case t.Call(name=name, arguments=arguments, body=body):
            return ("call", name, [*map(plain, arguments)], plain(body))
        case t.Pipe(stages=stages):
            return ("pipe", *map(plain, stages))
        case t.Body(branches=branches, is_branched=is_branched):
            return ("|" if is_branched else "body", *([*map(plain, branch)] for branch in branches))
        case t.Let(name=name, value=value):
            return ("let", name, plain(value))
        case t.Default(call=call):
            return ("default", plain(call))
        case t.If(test=test, body=body, otherwise=otherwise):
            return ("if", plain(test), plain(body), plain(otherwise))
        case t.For(target=target, iterable=iterable, body=body):
            return ("for", plain(target), plain(iterable), plain(body))
        case t.Parameter(name=name, default=default):
            return (name, plain(default))
        case t.Block(name=name, parameters=parameters, body=body, is_network=is_network):
            return ("network" if is_network else "block", name, [*map(plain, parameters)], plain(body))
        case t.Setting(path=path, value=value):
            return (".".join(path), plain(value))
        case t.Section(name=name, settings=settings):
            return (name, *map(plain, settings))
        case t.Variant(name=name, base=base, settings=settings):
            return ("variant", name, base, *map(plain, settings))
        case t.Extends(path=path):
            return ("extends", path)
        case None:
            return None
    raise AssertionError(node)


# ---- literals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("64", 64),
        ("007", 7),
        ("999999999999999999", 999999999999999999),
        ("1.5", 1.5),
        ("0.0", 0.0),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("1e+3", 1000.0),
        ("1e-4", 1e-4),
        ("2.5e-10", 2.5e-10),
        ("50%", Percent(0.5)),
        ("0.1%", Percent(0.001)),
        ("3x3", Size(3, 3)),
        ("1x7", Size(1, 7)),
        ("224x224", Size(224, 224)),
        ("true", True),
        ("false", False),
        ('""', ""),
        ('"data/flowers"', "data/flowers"),
        (r'"a \"b\" \\ c"', 'a "b" \\ c'),
        (r'"tab\tline\n"', "tab\tline\n"),
        (r'"C:\data\new"', "C:\\data\new"),
        ('"# no comment -> { ( [ ; |"', "# no comment -> { ( [ ; |"),
        ('"Größe 日本"', "Größe 日本"),
        (r'"\\"', "\\"),
    ],
)
def test_literals(text, value):
    literal = expression(text)
    assert isinstance(literal, t.Literal)
    assert (literal.value, type(literal.value)) == (value, type(value))
    assert literal.span.text == text


def test_names_and_what_flows():
    assert plain(expression("conv_2")) == "conv_2"
    assert plain(expression("_a")) == "_a"
    assert plain(expression("in.channels")) == "in.channels"
    assert plain(expression("in . size")) == "in.size"


@pytest.mark.parametrize(
    "name",
    ["letter", "iffy", "format", "inner", "order", "android", "notes", "trueish", "elsewhere", "defaults", "fort", "e5",
     "x3", "data", "train", "export", "network", "block", "variant", "search", "extends", "as", "from", "none"],
)  # fmt: skip
def test_names_that_begin_with_or_are_words_of_the_language(name):
    assert plain(expression(name)) == name
    assert plain(expression(f"f({name}=1, 2 * {name})")) == (
        "call", "f", [(name, ("int", 1)), (("int", 2), "*", name)], None,
    )  # fmt: skip
    assert plain(items(f"block {name}({name}={name}) {{ {name}; {name}(1) -> {name} }}")[0])[1] == name
    assert plain(items(f"let {name} = 1")[0]) == ("let", name, ("int", 1))
    assert plain(items(f"train {{ {name} = 1; a.{name} = 2 }}")[0])[1] == (name, ("int", 1))
    assert items(f"variant {name} extends {name} {{ }}")[0].base == name
    assert plain(items(f"default {name}({name}=2)")[0])[1][1] == name
    assert [plain(s) for s in statements(f"\n{name}\n{name} -> relu\n")] == [name, ("pipe", name, "relu")]


@pytest.mark.parametrize("word", ["let", "default", "if", "else", "for", "in", "and", "or", "not", "true", "false"])
def test_words_that_are_no_names(word):
    assert parse(Source("net.cnn", f"let {word} = 1")).diagnostics
    assert parse(Source("net.cnn", f"block {word} {{ }}")).diagnostics


# ---- precedence, from loosest to tightest


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a if b else c", "(a) if (b) else (c)"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("a -> b if c else d -> e", "(a -> b) if c else (d -> e)"),
        ("a if b or c else d", "a if (b or c) else d"),
        ("a if b -> c else d", "a if (b -> c) else d"),
        ("a or b -> c", "(a or b) -> c"),
        ("a -> b or c", "a -> (b or c)"),
        ("a or b and c", "a or (b and c)"),
        ("a and b or c", "(a and b) or c"),
        ("not a and b", "(not a) and b"),
        ("a and not b", "a and (not b)"),
        ("not a == b", "not (a == b)"),
        ("not not a", "not (not a)"),
        ("a + b == c * d", "(a + b) == (c * d)"),
        ("a < b + c", "a < (b + c)"),
        ("a - b - c", "(a - b) - c"),
        ("a - b + c", "(a - b) + c"),
        ("a + b * c", "a + (b * c)"),
        ("a / b // c * d", "((a / b) // c) * d"),
        ("-a * b", "(-a) * b"),
        ("a * -b", "a * (-b)"),
        ("- - a", "-(-a)"),
        ("a - -b", "a - (-b)"),
        ("-a ** b", "-(a ** b)"),
        ("a ** -b", "a ** (-b)"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("a ** -b ** c", "a ** (-(b ** c))"),
        ("a[0] ** b[1]", "(a[0]) ** (b[1])"),
        ("-a[0]", "-(a[0])"),
        ("a[0][1]", "(a[0])[1]"),
        ("f(1)[0]", "(f(1))[0]"),
        ("[a, b][0]", "([a, b])[0]"),
        ("(a, b)[0]", "((a, b))[0]"),
        ("in.channels // 4", "(in.channels) // 4"),
        ("2 * in.channels ** 2", "2 * ((in.channels) ** 2)"),
        ("a == b and c != d or e >= f", "((a == b) and (c != d)) or (e >= f)"),
    ],
)
def test_precedence(text, grouped):
    assert plain(expression(text)) == plain(expression(grouped))


def test_comparisons_do_not_chain():
    [problem] = parse(Source("net.cnn", "let a = 1 < b < 3")).diagnostics
    assert (problem.code, problem.span.text) == ("E101", "<")


# ---- calls, lists, bodies as values


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("f()", ("call", "f", [], None)),
        ("f(1, b=2)", ("call", "f", [("int", 1), ("b", ("int", 2))], None)),
        ("f(1, b=2,)", ("call", "f", [("int", 1), ("b", ("int", 2))], None)),
        ("f(a -> b)", ("call", "f", [("pipe", "a", "b")], None)),
        ("f(x=a -> b, y=c)", ("call", "f", [("x", ("pipe", "a", "b")), ("y", "c")], None)),
        ("f(y=c if d else e)", ("call", "f", [("y", ("if", "d", "c", "e"))], None)),
        ("f { }", ("call", "f", [], ("body", []))),
        ("f(1) { a }", ("call", "f", [("int", 1)], ("body", ["a"]))),
        ("f { | a | b }", ("call", "f", [], ("|", ["a"], ["b"]))),
        ("a -> f { b }", ("pipe", "a", ("call", "f", [], ("body", ["b"])))),
        ("(a -> b) -> c", ("pipe", ("pipe", "a", "b"), "c")),
        ("[]", ["list"]),
        ("[1,]", ["list", ("int", 1)]),
        ("[1, [2]]", ["list", ("int", 1), ["list", ("int", 2)]]),
        ("(1,)", ["tuple", ("int", 1)]),
        ("(1, 2,)", ["tuple", ("int", 1), ("int", 2)]),
        ("(1)", ("int", 1)),
        ("[a -> b, f { c }]", ["list", ("pipe", "a", "b"), ("call", "f", [], ("body", ["c"]))]),
    ],
)  # fmt: skip
def test_calls_and_lists(text, shape):
    assert plain(expression(text)) == shape


def test_a_name_with_and_without_parentheses_is_told_apart():
    assert isinstance(expression("f"), t.Name)
    assert expression("f()").parens
    assert not expression("f { }").parens
    assert expression("f() { }").parens


def test_spans():
    [block] = items("block unit(c, k=3x3) {\n  conv(c, kernel=k) -> relu\n}")
    assert block.name_span.text == "unit"
    assert [parameter.span.text for parameter in block.parameters] == ["c", "k=3x3"]
    [pipe] = block.body.statements
    assert pipe.span.text == "conv(c, kernel=k) -> relu"
    assert pipe.stages[0].callee.text == "conv"
    assert [argument.span.text for argument in pipe.stages[0].arguments] == ["c", "kernel=k"]
    [variant] = items("variant a extends b { x.y = 1 + 2 }")
    assert (variant.name_span.text, variant.base_span.text) == ("a", "b")
    assert (variant.settings[0].path_span.text, variant.settings[0].value.span.text) == ("x.y", "1 + 2")
    assert [part.span.text for part in (items("let abc = 1")[0].value,)] == ["1"]
    assert items("let abc = 1")[0].name_span.text in ("abc", "let abc = 1"[4:7])
    [section] = items("search { a.b = choice(1, 2) }")
    assert section.name_span.text == "search"


# ---- new lines


BODY = ("pipe", "a", "b", "c")


@pytest.mark.parametrize(
    "text",
    [
        "a -> b -> c",
        "a->b->c",
        "a ->\nb ->\nc",
        "a\n-> b\n-> c",
        "a\n\n\n  -> b ->\n\n c",
        "a # first\n-> b # second\n# third\n-> c",
        "a -> # first\n\n# second\nb -> c",
        "\r\na ->\r\nb\r\n-> c\r\n",
        ";; a -> b -> c ;;",
        "\n\n\ta\t->\tb -> c\n\n",
        "a ->;b;-> c",
    ],
)
def test_a_line_may_begin_or_end_with_an_arrow(text):
    assert [plain(s) for s in statements(text)] == [BODY]


@pytest.mark.parametrize("text", ["a\nb\nc", "a;b;c", "a; b\n;c;", "\n\na\n\n# why\nb # or\nc\n\n", "a\r\nb\r\nc"])
def test_new_lines_and_semicolons_separate(text):
    assert [plain(s) for s in statements(text)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "f(1, g=[2, 3])",
        "f(\n1,\ng=[\n2,\n3\n]\n)",
        "f(1, g=\n[2, 3])",
        "f(1,\n\n# why\ng=[2, # two\n3])",
        "f(\r\n1,\r\ng=[2, 3]\r\n)",
        "f(1, g\n=\n[2\n,\n3])",
    ],
)
def test_new_lines_mean_nothing_in_brackets(text):
    call = ("call", "f", [("int", 1), ("g", ["list", ("int", 2), ("int", 3)])], None)
    assert [plain(s) for s in statements(text)] == [call]


def test_new_lines_count_in_a_body_within_brackets():
    [call] = statements("f(inner=g {\na\nb\n},\n1)")
    assert plain(call) == ("call", "f", [("inner", ("call", "g", [], ("body", ["a", "b"]))), ("int", 1)], None)
    [call] = statements("f(inner=g {\n| a\n  b\n| c\n})")
    assert plain(call) == ("call", "f", [("inner", ("call", "g", [], ("|", ["a", "b"], ["c"])))], None)


def test_expressions_in_parentheses_take_several_lines():
    assert plain(expression("(1\n+\n2\n)")) == (("int", 1), "+", ("int", 2))
    assert plain(expression("\n1")) == ("int", 1)
    assert plain(expression("a if b\nelse c")) == ("if", "b", "a", "c")
    assert plain(expression("a ->\n\nb\n-> c")) == BODY
    assert plain(items("let a =\n\n  1")[0]) == ("let", "a", ("int", 1))
    assert plain(items("train { a =\n1\nb = 2 }")[0]) == ("train", ("a", ("int", 1)), ("b", ("int", 2)))


@pytest.mark.parametrize(
    "text",
    [
        "if a { b } else { c }",
        "if a {\nb\n} else {\nc\n}",
        "if a { b }\nelse { c }",
        "if a { b }\n\n# otherwise\nelse { c }",
        "if a { b; } else { ; c }",
        "if (a) { b } else { c }",
    ],
)
def test_else_may_begin_a_line(text):
    assert [plain(s) for s in statements(text)] == [("if", "a", ("body", ["b"]), ("body", ["c"]))]


def test_else_if():
    [stage] = statements("if a { b } else if c { d }\nelse if e { f } else { g }")
    inner = ("if", "e", ("body", ["f"]), ("body", ["g"]))
    assert plain(stage) == ("if", "a", ("body", ["b"]), ("if", "c", ("body", ["d"]), inner))


@pytest.mark.parametrize(
    "text",
    ["add { | a | b }", "add {| a\n| b}", "add {\n\n| a\n\n\n| b\n\n}", "add { | a; | b; }", "add {\n|\na\n|\nb }"],
)
def test_branches(text):
    assert [plain(s) for s in statements(text)] == [("call", "add", [], ("|", ["a"], ["b"]))]


def test_a_branch_goes_on_over_lines():
    [call] = statements("add {\n| a ->\n  b\n  c\n| let d = e\n  d\n}")
    assert plain(call) == ("call", "add", [], ("|", [("pipe", "a", "b"), "c"], [("let", "d", "e"), "d"]))


# ---- the head of an `if` and of a `for`


@pytest.mark.parametrize(
    "text",
    [
        "if a != b { c }",
        "if in.channels != b { c }",
        "if f(1) { c }",
        "if a { c }",
        "if not a { c }",
        "if a[0] { c }",
        "if a if b else d { c }",
        "if (f { x }) { c }",
        "if [f { x }] == d { c }",
        "if g(f { x }) { c }",
        "if a -> b { c }",
        "for a in b { c }",
        "for a in f(1) { c }",
        "for a in [1, 2] { c }",
        "for (a, b) in d { c }",
        "for (a, (b, d)) in e { c }",
        "for a in (f { x }) { c }",
        "for a in [f { x }] { c }",
    ],
)
def test_the_last_braces_are_the_body(text):
    [stage] = statements(text)
    assert isinstance(stage, t.If | t.For)
    assert plain(stage.body) == ("body", ["c"])


def test_if_and_for_are_stages():
    [pipe] = statements("a -> if b { c } else { d } -> for e in f { g } -> h")
    assert [type(stage) for stage in pipe.stages] == [t.Name, t.If, t.For, t.Name]


def test_targets():
    def target(text):
        [stage] = statements(f"for {text} in x {{ }}")
        return plain(stage.target)

    assert target("a") == "a"
    assert target("(a)") == "a"
    assert target("(a,)") == ["tuple", "a"]
    assert target("(a, b,)") == ["tuple", "a", "b"]
    assert target("(a, (b, c))") == ["tuple", "a", ["tuple", "b", "c"]]


# ---- files


def test_every_item():
    text = """
    extends "base.cnn"
    let a = 1
    default conv(bias=false)
    default relu
    block f { }
    block g(a, b=1, c=relu -> f,) { f }
    data { source = digits }
    network Net(x=1) { input(3, 8x8) }
    train { epochs = 3; batch = 4 }
    export {
    }
    variant v { network.x = 2 }
    variant w extends v { train.epochs = 1
      data.augment = choose { | flip | shift(1) -> flip } }
    search { network.x = choice(1, 2) }
    """
    kinds = [type(item).__name__ for item in items(text)]
    assert kinds == ["Extends", "Let", "Default", "Default", "Block", "Block", "Section", "Block", "Section", "Section",
                     "Variant", "Variant", "Section"]  # fmt: skip
    assert [item.is_network for item in items(text) if isinstance(item, t.Block)] == [False, False, True]
    assert plain(items(text)[5])[2] == [("a", None), ("b", ("int", 1)), ("c", ("pipe", "relu", "f"))]
    assert items(text)[11].settings[1].path == ("data", "augment")


@pytest.mark.parametrize("text", ["", " ", "\n\n", "# only a comment", ";;;", "\r\n", "\t\n#\n"])
def test_files_without_items(text):
    assert items(text) == ()


def test_items_on_one_line():
    assert len(items("let a = 1; let b = 2; block f { }; network N { }")) == 4


def test_comments_are_kept_with_their_places():
    text = '# first\nlet a = 1 # second\nlet b = "# none"\n  # third'
    parsed = parse(Source("net.cnn", text))
    assert parsed.tree is not None
    assert [span.text for span in parsed.tree.comments] == ["# first", "# second", "# third"]


def test_line_endings_do_not_matter():
    text = "network N(\n  a=1,\n) {\n  conv(a)\n  -> relu\n  if a == 1 {\n tanh\n }\n  else { gelu }\n}\n"
    assert plain(items(text)[0]) == plain(items(text.replace("\n", "\r\n"))[0])


def test_a_value_of_its_own():
    value, problems = parse_expression(Source("--set", "sgd(lr=0.1)"))
    assert (plain(value), problems) == (("call", "sgd", [("lr", ("float", 0.1))], None), [])
    assert value.span.text == "sgd(lr=0.1)"
    assert value.arguments[0].value.span.text == "0.1"
    for text in ("", "1 2", "1, 2", "a = 1", ")", "(", "1) + (2", "let a = 1", "1\n2", "@"):
        value, problems = parse_expression(Source("--set", text))
        assert value is None
        assert len(problems) == 1


# ---- text that is no spec


def problems(text: str) -> list[Diagnostic]:
    return parse(Source("net.cnn", text)).diagnostics


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("network N { conv(3 }", "(", "never closed"),
        ("network N { conv(3]) }", "]", "unexpected `"),
        ("network N { relu", "{", "never closed"),
        ("network N { relu } }", "}", "unexpected `"),
        ("network N { relu -> }", "}", "unexpected `"),
        ("network N { -> relu }", "->", "unexpected `"),
        ("network N { relu relu }", "relu", "unexpected `"),
        ("network N { relu | tanh }", "|", "unexpected `"),
        ("network N { conv(3,,4) }", ",", "unexpected `"),
        ("network N { conv(,) }", ",", "unexpected `"),
        ("network N { conv(a=) }", ")", "unexpected `"),
        ("network N { 3 relu }", "relu", "unexpected `"),
        ("network { relu }", "}", "unexpected `"),
        ("network N relu", "relu", "unexpected `"),
        ("block f(1) { }", "1", "unexpected `"),
        ("block f(a b) { }", "b", "unexpected `"),
        ("let = 3", "=", "unexpected `"),
        ("let a 3", "3", "unexpected `"),
        ("let a = ", "=", "unexpected end of"),
        ("train { epochs 3 }", "3", "unexpected `"),
        ("train { epochs = }", "}", "unexpected `"),
        ("train { 3 = 4 }", "3", "unexpected `"),
        ("train epochs = 3", "epochs", "unexpected `"),
        ("epochs = 3", "epochs", "unexpected `"),
        ("relu -> relu", "relu", "unexpected `"),
        ("variant { }", "{", "unexpected `"),
        ("extends base.cnn", "base", "unexpected `"),
        ("let a = 1 +", "+", "unexpected end of"),
        ("let a = 1 ? 2", "?", "unexpected character"),
        ("let a = 'x'", "'", "unexpected character"),
        ("let a = b & c", "&", "unexpected character"),
        ("let a = 5 % 2", "%", "unexpected character"),
        ("network N { conv(3) → relu }", "→", "unexpected character"),
        ("let a = “x”", "“", "unexpected character"),
        ("let é = 1", "é", "unexpected character"),
        ('let a = "x', '"x', "no closing quote"),
        ('let a = "x\ny"', '"x', "no closing quote"),
    ],
)
def test_one_syntax_error(text, where, words):
    problem = problems(text)[0]
    assert problem.code.startswith("E10")
    assert words in problem.message
    assert problem.span.text.startswith(where) or problem.span.text.endswith(where)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("let a = 'x'", "double quotes"),
        ("let a = b & c", "`and`"),
        ("let a = !b", "`not`"),
        ("let a = 5 % 2", "mod"),
        ("let a = 5 ^ 2", "`**`"),
        ("network N { conv(3) → relu }", "`->`"),
        ("let a = 3 × 3", "3x3"),
        ("network N: relu", "{"),
        ("tran { epochs = 3 }", "`train`"),
        ("Network N { relu }", "`network`"),
        ("epochs = 3", "expected a section"),
        ("network N { max_pool 2 }", "parentheses"),
        ("network N { repeat 3 { relu } }", "parentheses"),
        ("network N { if a = 3 { relu } }", "`==`"),
        ("network N { x = conv(3) }", "`let name"),
        ("network N { dropout(.5) }", "0.5"),
        ("network N { relu tanh }", "`->`"),
        ("network N { relu if a else tanh }", "parentheses"),
        ("network N { add { relu\n| tanh } }", "the first branch"),
    ],
)
def test_the_help_says_what_is_meant(text, words):
    assert words in problems(text)[0].help


def test_every_broken_line_is_told():
    text = "network N {\n  conv(3 -> relu\n  conv(4)\n  dense(]\n  relu\n  -> -> tanh\n}\n"
    text += "train {\n  epochs = = 3\n  batch = 4\n}"
    assert [problem.span.line for problem in problems(text)] == [2, 4, 6, 9]


def test_what_is_not_broken_is_read():
    parsed = parse(Source("net.cnn", "block f { relu ) }\ntrain { epochs = ; batch = 4 }\nlet a = 3"))
    assert parsed.diagnostics
    assert parsed.tree is not None
    kinds = [type(item).__name__ for item in parsed.tree.items]
    assert kinds == ["Block", "Section", "Let"]


def test_bounds():
    assert problems("x" * 1_000_001)[0].code == "E103"
    assert problems("a " * 100_000)[0].code == "E103"
    assert problems("let a = " + "(" * 101 + "1" + ")" * 101)[0].code == "E102"
    assert problems("let a = " + "(" * 100 + "1" + ")" * 100) == []
    assert problems("let a = " + "- " * 1000 + "1")[0].code == "E102"
    assert problems("let a = " + "9" * 19)[0].code == "E104"
    assert problems("let a = 1x" + "9" * 19)[0].code == "E104"
    assert problems("let a = 1e999")[0].code == "E104"
    assert problems("let a = " + " + ".join(["1"] * 5000)) == []


def test_a_brace_on_a_line_of_its_own_is_one_mistake():
    """What stands in the body is read, and the rest of the file."""
    text = (
        "data\n{\n  source = digits\n}\nnetwork N(\n  w=8)\n\n# why\n{\n  repeat(3)\n  {\n    relu\n  }\n  dense(w\n}\n"
    )
    parsed = parse(Source("net.cnn", text))
    assert [(d.code, d.span.place) for d in parsed.diagnostics] == [
        ("E101", "net.cnn:2:1"), ("E101", "net.cnn:9:1"), ("E101", "net.cnn:11:3"), ("E108", "net.cnn:14:8"),
    ]  # fmt: skip
    assert [d.help for d in parsed.diagnostics[:3]] == [
        "move it to the end of line 1, after `data`",
        "move it to the end of line 6, after `)`",
        "move it to the end of line 10, after `)`",
    ]
    assert parsed.tree is not None and len(parsed.tree.items) == 2


def test_a_brace_that_nothing_can_have_is_one_mistake():
    for text in "network N {\n  let a = 3\n  {\n    relu\n  }\n}\n", "{\n  relu\n}\n":
        assert [d.code for d in parse(Source("net.cnn", text)).diagnostics] == ["E101"]
