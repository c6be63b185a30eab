"""Shared layers as source: one module, built where it is used first, called or handed on at each later use."""

import pytest

NETWORKS = {
    "twice in a block": (
        "u -> u",
        """block u {
             shared m = conv(4, 1x1) -> relu -> conv(8, 1x1)
             multiply { | identity | add { | global_avg_pool -> m | global_max_pool -> m } -> sigmoid }
           }""",
    ),
    "recurrent": ("repeat(6) { m }", "shared m = conv(in.channels) -> batch_norm -> relu"),
    "siamese": ("concat { | m | max_pool -> m -> upsample }", "shared m = conv(6) -> batch_norm"),
    "of blocks": ("m -> dropout -> m", "shared m = b -> b -> dropout\nblock b { conv(8) -> batch_norm -> relu }"),
    "inside of others": ("a -> b -> b", "shared a = conv(8)\nshared b = a -> relu"),
    "first used inside": ("b -> a -> b", "shared a = conv(8)\nshared b = a -> relu"),
    "in blocks of their own": ("f -> f", "block f { shared m = conv(8) -> batch_norm\nm -> relu -> m }"),
    "handed on": (
        "u(3) -> u(4) -> m -> v(3) -> v(5) -> v(6) -> v(7) -> v(8)",
        "shared m = conv(8) -> relu\nblock u(k) { conv(k) -> conv(8) -> m -> relu }\nblock v(k) { u(k) -> relu }",
    ),
    "two handed on": ("u -> u", "shared m = conv(8)\nshared n = m -> relu\nblock u { m -> n -> tanh }"),
    "two of one name": (
        "f -> f",
        """block f { shared m = conv(8); g(m) }
           block g(l) { shared m = l -> conv(8); m -> h(l) -> h(m) }
           block h(l) { l -> relu -> l }""",
    ),
    "from a head": ("conv(4) -> head(h) { global_avg_pool -> m } -> global_avg_pool -> m", "shared m = conv(5, 1x1)"),
    "to a head": ("m -> head(shared_m) { m -> global_avg_pool -> dense(3) } -> m", "shared m = conv(8)"),
    "left out at times": (
        "u(8, true) -> u(8) -> u(8, true)",
        "shared m = conv(8) -> relu\nblock u(c, deep=false) { conv(c) -> m\nif deep { conv(c) -> m } -> relu }",
    ),
    "without weights": ("m -> conv(4) -> m", "shared m = relu -> max_pool"),
    "frozen": ("m -> m", "shared m = conv(8, trainable=false) -> batch_norm"),
    "odd names": ("forward -> forward", "shared forward = conv(8)"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_shared_layers_as_source(emitted, name):
    body, before = NETWORKS[name]
    found = emitted(f"{before}\nnetwork Net {{\ninput(8, 16x16)\n{body}\n}}\n")
    found.has_the_same_keys()
    found.computes_the_same()
    assert max(map(len, found.text.splitlines())) <= 120


def test_one_module_called_twice(emitted):
    found = emitted("network Net { input(8, 8x8); shared mlp = conv(4, 1x1) -> relu -> conv(8, 1x1); mlp -> mlp }")
    assert found.classes == ["Mlp", "Net"]
    assert found.text.count("Mlp()") == 1
    assert found.text.count("self.mlp1(") == 2
    assert '"""Layers `mlp`, whose weights all uses share: 8 x 8 x 8 -> 8 x 8 x 8."""' in found.text


def test_a_module_that_is_handed_on(emitted):
    body, before = NETWORKS["handed on"]
    found = emitted(f"{before}\nnetwork Net {{\ninput(8, 16x16)\n{body}\n}}\n")
    assert found.text.count("= M()") == 1
    assert "def forward(self, x: Tensor, shared_m: nn.Module) -> Tensor:" in found.text
    assert "x = self.v1(x, self.u1.m1)" in found.text
    assert "x = self.u1.m1(x)" in found.text
