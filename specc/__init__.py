"""specc: a compiler for convolutional networks, from a `.cnn` file to a verified ONNX model.

    spec = specc.load("net.cnn", set={"train.epochs": 3})
    run = specc.train(spec)
    run.predict("photo.jpg")

See docs/python.md. Each name is imported when it is first used: `import specc` and `specc.load` need no torch.
"""

__version__ = "0.1.0"

# Where each public name is defined; `__init__.pyi` says the same to type checkers.
_PLACES = {
    "Spec": "specc.api.spec",
    "Problem": "specc.api.spec",
    "SpecError": "specc.api.spec",
    "load": "specc.api.spec",
    "Callback": "specc.api.training",
    "train": "specc.api.training",
    "resume": "specc.api.training",
    "Run": "specc.api.run",
    "open_run": "specc.api.run",
    "Study": "specc.api.study",
    "open_study": "specc.api.study",
    "Table": "specc.api.table",
    "SpeccError": "specc.errors",
}
__all__ = [
    "Callback",
    "Problem",
    "Run",
    "Spec",
    "SpecError",
    "SpeccError",
    "Study",
    "Table",
    "load",
    "open_run",
    "open_study",
    "resume",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module `specc` has no attribute `{name}`")
    from importlib import import_module

    value: object = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]
