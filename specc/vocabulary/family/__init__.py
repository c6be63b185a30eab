"""The families of the vocabulary of data and training: what a word of each says of itself.

`target` is the dotted path of what implements a word: data, not an import. The back end imports it when it is needed
(`specc.backend.resolve`). A word that needs no torch brings its function along instead.
"""

from specc.vocabulary.component import Component
from specc.vocabulary.family.data import Augmentation as Augmentation
from specc.vocabulary.family.data import Normalization as Normalization
from specc.vocabulary.family.data import Progressive as Progressive
from specc.vocabulary.family.data import Resizing as Resizing
from specc.vocabulary.family.data import Source as Source
from specc.vocabulary.family.data import Validation as Validation
from specc.vocabulary.family.initializer import Initializer as Initializer
from specc.vocabulary.family.initializer import Site as Site
from specc.vocabulary.family.optimizer import Division as Division
from specc.vocabulary.family.optimizer import Optimizer as Optimizer
from specc.vocabulary.family.optimizer import ScheduleFree as ScheduleFree
from specc.vocabulary.family.optimizer import Wrapper as Wrapper
from specc.vocabulary.family.schedule import Clock as Clock
from specc.vocabulary.family.schedule import Moment as Moment
from specc.vocabulary.family.schedule import Piece as Piece
from specc.vocabulary.family.schedule import Schedule as Schedule
from specc.vocabulary.family.training import Averaging as Averaging
from specc.vocabulary.family.training import EarlyStop as EarlyStop
from specc.vocabulary.family.training import Evaluation as Evaluation
from specc.vocabulary.family.training import Freeze as Freeze
from specc.vocabulary.family.training import Group as Group
from specc.vocabulary.family.training import Lookahead as Lookahead
from specc.vocabulary.family.training import Loss as Loss
from specc.vocabulary.family.training import PlanOptions as PlanOptions
from specc.vocabulary.family.training import Regularizer as Regularizer
from specc.vocabulary.family.training import Search as Search
from specc.vocabulary.family.training import Start as Start

FAMILIES: tuple[type[Component], ...] = (
    Source,
    Resizing,
    Normalization,
    Augmentation,
    Validation,
    Progressive,
    Initializer,
    Optimizer,
    Wrapper,
    Group,
    Freeze,
    Lookahead,
    Averaging,
    Schedule,
    Loss,
    Regularizer,
    EarlyStop,
    Evaluation,
    PlanOptions,
    Start,
    Search,
)
