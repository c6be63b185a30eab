"""What expressions are worth, and what is said about those that are worth nothing."""

import math

import pytest

from tests.helpers.checking import codes, fine, holds, layers, net, number, numbers, only, shape, spec, underlined


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("2 * 3 / 4", 1.5),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 / 2", 3.5),
        ("2 ** 3", 8),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("(-2) ** 2", 4),
        ("2 ** -1", 0.5),
        ("0 ** 0", 1),
        ("4 ** 0.5", 2),
        ("- - 3", 3),
        ("--3", 3),
        ("2 - -3", 5),
        ("2 * -3", -6),
        ("1e3", 1000),
        ("1e-4", 0.0001),
        ("1.5E+2", 150),
        ("50%", 0.5),
        ("12.5%", 0.125),
        ("0%", 0),
        ("2 * 50%", 1),
        ("1 if true else 2", 1),
        ("1 if false else 2", 2),
        ("1 if false else 2 if false else 3", 3),
        ("1 if false else (2 if true else 3)", 2),
        ("(1 if true else 2) + 3", 4),
        ("1 if 2 > 1 and 1 > 2 else 5", 5),
        ("[1, 2, 3][1]", 2),
        ("[1, 2, 3][-1]", 3),
        ("(1, 2)[0]", 1),
        ("[1, 2][2 / 2]", 2),
        ("[[1, 2], [3, 4]][1][0]", 3),
        ("[1, 2, 3][[0, 2][1]]", 3),
        ("min(3, 1, 2)", 1),
        ("max(3, 1, 2)", 3),
        ("min([3, 1, 2])", 1),
        ("max((3, 1))", 3),
        ("min(1, 2.5)", 1),
        ("abs(-3)", 3),
        ("round(2.6)", 3),
        ("round(-2.6)", -3),
        ("floor(2.6)", 2),
        ("floor(-2.5)", -3),
        ("ceil(2.1)", 3),
        ("sqrt(9)", 3),
        ("log(1)", 0),
        ("log(8, 2)", 3),
        ("cos(0)", 1),
        ("len([1, 2, 3])", 3),
        ("len([])", 0),
        ("len((1,))", 1),
        ("sum([1, 2, 3])", 6),
        ("sum([])", 0),
        ("mod(7, 3)", 1),
        ("mod(-7, 3)", 2),
        ("mod(7.5, 2)", 1.5),
        ("round_to(33, 8)", 32),
        ("round_to(36, 8)", 40),
        ("round_to(11, 8)", 16),  # 8 would be below 90% of 11
        ("round_to(3, 8)", 8),
        ("round_to(24 * 0.75, 8)", 24),
        ("round_to(32 * 0.35, 8)", 16),
        ("round_to(1280 * 1.4, 8)", 1792),
        ("len(range(10)) + sum(range(4))", 16),
    ],
)
def test_numbers(expression, value):
    assert number(expression) == pytest.approx(value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[]", []),
        ("[1,]", [1]),
        ("[1, 2,]", [1, 2]),
        ("(1,)", [1]),
        ("(1, 2)", [1, 2]),
        ("range(3)", [0, 1, 2]),
        ("range(1, 4)", [1, 2, 3]),
        ("range(1, 8, 3)", [1, 4, 7]),
        ("range(3, 0, -1)", [3, 2, 1]),
        ("range(0)", []),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("range(2) + [9]", [0, 1, 9]),
        ("[1, 2] if true else []", [1, 2]),
        ("[1 + 1, 2 * 3]", [2, 6]),
        ("[\n1,\n2\n]", [1, 2]),
    ],
)
def test_lists(expression, value):
    assert numbers(expression) == value


def test_enumerate_and_zip_give_tuples():
    assert numbers("range(4)") == [0, 1, 2, 3]
    checked = net("for (i, (a, b)) in enumerate(zip([1, 2], [10, 20]), 5) { scale(100 * i + a + b) }")
    assert [node.args.value for node in fine(checked).graph.nodes[1:]] == [511, 622]


@pytest.mark.parametrize(
    "expression",
    [
        "1 < 2",
        "2 <= 2",
        "3 > 2",
        "3 >= 3",
        "1 == 1.0",
        "1 != 2",
        "not 1 == 2",
        "not not true",
        "true and true",
        "false or true",
        "true or false and false",
        "not false and true",
        "1 + 1 == 2 and 2 * 2 > 3",
        '"a" == "a"',
        '"a" != "b"',
        "[1, 2] == [1, 2]",
        "(1, 2) == (1, 2)",
        "3x3 == 3x3",
        "3x3 != 3x1",
        "3 == 3x3",
        "3x1 != 3",
        "size(1 + 2, 4 // 2) == 3x2",
        "in.size == 16x16",
        "in.channels == 8",
        "in.height == in.width",
        "relu == relu",
        "relu != tanh",
        "same == same",
        "50% == 0.5",
        "true == true",
        "true != 1",
        "none == none",
        "1 if true else false == 1",
    ],
)
def test_conditions(expression):
    assert holds(f"({expression})") if "if" not in expression else number(expression) == 1


def test_logic_stops_at_the_operand_that_decides():
    assert holds("true or 1 // 0 == 1")
    assert not holds("false and 1 // 0 == 1")


def test_names_come_from_lets_and_parameters():
    assert number("a + b", "let a = 2\nlet b = a * 10") == 22
    before = "let c = 4\nblock f(c=5, d=c + 1) { scale(c) -> scale(d) }"
    checked = net("f -> f(1) -> f(d=1) -> scale(c)", before)
    assert [node.args.value for node in fine(checked).graph.nodes[1:]] == [5, 6, 1, 2, 5, 1, 4]


def test_whole_floats_are_integers_where_one_is_expected():
    assert shape("conv(64 / 2)") == (32, 16, 16)
    assert shape("conv(16 * 1.5)") == (24, 16, 16)
    problem = only(net("conv(5 / 2)"))
    assert problem.code == "E207"
    assert "integer" in problem.message and "2.5" in problem.message


def test_sizes():
    assert shape("max_pool(size(in.height // 4, 2))") == (8, 4, 8)
    assert shape("conv(4, 3, padding=0)") == (4, 14, 14)
    assert shape("conv(4, size(3, 1), padding=0)") == (4, 14, 16)
    assert codes(net("conv(4, size(0, 3))")) == ["E207"]
    assert codes(net("conv(4, 0x3)")) == ["E207"]


@pytest.mark.parametrize(
    ("expression", "code", "where"),
    [
        ("1 // 0", "E211", "1 // 0"),
        ("1 / 0", "E211", "1 / 0"),
        ("mod(1, 0)", "E211", "mod(1, 0)"),
        ("0 ** -1", "E211", "0 ** -1"),
        ("(-8) ** (1 / 3)", "E211", "(-8) ** (1 / 3)"),
        ("sqrt(-1)", "E211", "sqrt(-1)"),
        ("log(0)", "E211", "log(0)"),
        ("log(2, 1)", "E211", "log(2, 1)"),
        ("min([])", "E211", "min([])"),
        ("min(3)", "E211", "min(3)"),
        ("1 + true", "E211", "1 + true"),
        ('1 + "a"', "E211", '1 + "a"'),
        ("1 + 3x3", "E211", "1 + 3x3"),
        ("-true", "E211", "true"),
        ("-[1]", "E211", "[1]"),
        ("[1] * 2", "E211", "[1] * 2"),
        ("[1] < [2]", "E211", "[1] < [2]"),
        ("conv(3) + 1", "E211", "conv(3) + 1"),
        ("[1, 2][2]", "E211", "2"),
        ("[1, 2][-3]", "E211", "-3"),
        ("[1, 2][0.5]", "E211", "0.5"),
        ("[1][true]", "E211", "true"),
        ("3[0]", "E211", "3"),
        ("len(3)", "E211", "len(3)"),
        ("sum([1, true])", "E211", "sum([1, true])"),
        ("range(1.5)", "E211", "range(1.5)"),
        ("range(1, 5, 0)", "E211", "range(1, 5, 0)"),
        ("len(zip([1], [1, 2]))", "E211", "zip([1], [1, 2])"),
        ("round_to(8, 0)", "E211", "round_to(8, 0)"),
        ("1 if 3 else 2", "E211", "3"),
        ("1 if 3x3 else 2", "E211", "3x3"),
        ("not 3", "E211", "3"),
        ("true and 1", "E211", "1"),
        ("widht", "E201", "widht"),
        ("2 * widht", "E201", "widht"),
        ("widht + 1", "E201", "widht"),
        ("min(widht, 1)", "E201", "widht"),
        ("-widht", "E201", "widht"),
        ("widht[0]", "E201", "widht"),
        ("1 if widht else 2", "E201", "widht"),
        ("in.depth", "E212", "in.depth"),
        ("min(a=1)", "E203", "a=1"),
        ("sqrt()", "E206", "sqrt()"),
        ("sqrt(1, 2)", "E205", "sqrt(1, 2)"),
        ("round_to(8)", "E206", "round_to(8)"),
    ],
)
def test_what_is_worth_nothing(expression, code, where):
    checked = net(f"scale({expression})", "let width = 3")
    assert only(checked).code == code
    assert underlined(checked) == where


def test_a_name_close_to_one_that_is_there():
    assert "`width`" in only(net("conv(2 * widht)", "let width = 3")).help
    assert "`width`" in only(net("conv(widht)", "let width = 3")).help
    assert "`channels`" in only(net("conv(in.chanels)")).help or "in.channels" in only(net("conv(in.chanels)")).help


def test_in_has_height_and_width_only_on_maps():
    assert shape("flatten -> dense(in.channels // 4)") == (512,)
    checked = net("flatten -> dense(in.height)")
    assert only(checked).code == "E212"
    assert "vector of 2048" in only(checked).message


def test_nothing_flows_outside_of_bodies():
    assert only(spec("let c = in.channels\nnetwork N { input(1, 8x8) }")).code == "E212"
    assert only(spec("network N(c=in.channels) { input(1, 8x8) }")).code == "E212"
    assert only(spec("network N { input(1, 8x8) }\ntrain { epochs = in.channels }")).code == "E212"


@pytest.mark.parametrize(
    "expression",
    [
        "9 ** 9 ** 9",
        "9 ** 99",
        "2 ** 63",
        "-2 ** 64",
        "999999999999999999 * 999999999999999999",
        "10 ** 400 / 7",
        "1e308 * 10",
        "1e308 + 1e308",
        "2.5 ** 1000",
        "1e308 // 1e-308",
        "sum([1e308, 1e308])",
        "len(range(10 ** 18))",
        "len(range(100001))",
        "len(range(50001) + range(50001))",
        "len(range(-10 ** 18, 10 ** 18))",
        "floor(1e300)",
        "round_to(1e300, 8)",
        "sum(range(1e300))",
    ],
)
def test_arithmetic_is_bounded(expression):
    problem = only(net(f"scale({expression})"))
    assert problem.code in ("E211", "E222")
    assert "{" not in problem.message and "Error" not in problem.message


def test_what_lies_just_inside_the_bounds():
    assert number("2 ** 62") == 2.0**62
    assert number("len(range(100000))") == 100_000
    assert number("1 ** 999999999999999999") == 1
    assert number("0 ** 999999999999999999") == 0
    assert number("sum(range(1000))") == 499_500
    assert math.isclose(number("1e308"), 1e308)


def test_literals_beyond_the_bounds():
    assert codes(net("scale(1e999)")) == ["E104"]
    assert codes(net("dropout(1e999)")) == ["E104"] and codes(net(f"dropout({'9' * 400}%)")) == ["E104"]
    assert codes(net(f"scale({'9' * 400}%)")) == ["E104"]
    assert codes(net(f"conv({'9' * 19})")) == ["E104"]
    assert codes(net(f"conv(3, {'9' * 19}x3)")) == ["E104"]


def test_lists_cannot_grow_by_holding_themselves():
    lets = ["let a0 = [1, 1]", *(f"let a{i + 1} = [a{i}, a{i}]" for i in range(60))]
    checked = net("scale(1)", "\n".join(lets))
    assert checked.errors
    assert set(codes(checked)) == {"E222"}


def test_an_error_in_a_part_is_told_once():
    assert codes(net("scale(1 + 2 * (3 // 0) + 4)")) == ["E211"]
    assert codes(net("let a = 1 // 0\nlet b = a + 1\nscale(b) -> conv(a) -> dense(b)")) == ["E211"]
    assert codes(net("repeat(5) { scale(1 // 0) }")) == ["E211"]
    twice = only(net("scale(widht) -> scale(2 * widht)"))
    assert (twice.code, twice.span.text) == ("E201", "widht")
    assert [label.span.text for label in twice.labels] == ["widht"]


def test_texts_are_not_numbers_and_names_are_no_texts():
    assert codes(spec("network N { input(3, 8x8) }\ndata { source = folder(3) }")) == ["E207"]
    problem = only(spec("network N { input(3, 8x8) }\ndata { source = folder(flowers) }"))
    assert problem.code == "E207"
    assert '"flowers"' in problem.help


def test_values_are_conditional_by_parentheses():
    before = "block f(wide) { (conv(32) if wide else conv(16)) -> relu }"
    assert layers(net("f(true) -> f(false)", before)) == ["conv", "relu", "conv", "relu"]
    assert shape("f(true)", before) == (32, 16, 16)
    assert shape("f(false)", before) == (16, 16, 16)
