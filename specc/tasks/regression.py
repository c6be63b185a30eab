"""One number for each image, or several."""

from specc.tasks.task import Figure, Task

REGRESSION = Task(
    "regression",
    outputs="numbers",
    figures=(
        Figure("mae", "mean absolute error", is_error=True, unit="data"),
        Figure("rmse", "root mean square error", is_error=True, unit="data"),
        Figure("r2", "R²", unit=""),
    ),
    loss="mse",
    activation="",
    exports=("numbers",),
    mixes=False,
    per_pixel=False,
    at_least=1,
    agreement="",
    places="images",
    target="specc.backend.tasks.regression.Regression",
)
