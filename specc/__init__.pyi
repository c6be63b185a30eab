from specc.api.run import Run as Run
from specc.api.run import open_run as open_run
from specc.api.spec import Problem as Problem
from specc.api.spec import Spec as Spec
from specc.api.spec import SpecError as SpecError
from specc.api.spec import load as load
from specc.api.study import Study as Study
from specc.api.study import open_study as open_study
from specc.api.table import Table as Table
from specc.api.training import Callback as Callback
from specc.api.training import resume as resume
from specc.api.training import train as train
from specc.errors import SpeccError as SpeccError

__version__: str
