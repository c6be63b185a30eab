"""The kinds of value that a parameter or a setting takes: one test and one description for each.

`kind.accept(value, bind)` gives the converted value or raises `Unfit`. `bind(family, value)` turns a written call
into a checked one (`Bound`); only the kinds `One` and `Chain` need it.
"""

from specc.vocabulary.kinds.calls import ArgumentOf as ArgumentOf
from specc.vocabulary.kinds.calls import Calls as Calls
from specc.vocabulary.kinds.calls import Chain as Chain
from specc.vocabulary.kinds.calls import One as One
from specc.vocabulary.kinds.calls import OneOrMore as OneOrMore
from specc.vocabulary.kinds.calls import Shorthand as Shorthand
from specc.vocabulary.kinds.combined import AnyValue as AnyValue
from specc.vocabulary.kinds.combined import Either as Either
from specc.vocabulary.kinds.combined import ListOf as ListOf
from specc.vocabulary.kinds.combined import Maybe as Maybe
from specc.vocabulary.kinds.combined import Pair as Pair
from specc.vocabulary.kinds.kind import Bind as Bind
from specc.vocabulary.kinds.kind import Kind as Kind
from specc.vocabulary.kinds.kind import Unfit as Unfit
from specc.vocabulary.kinds.plain import LARGEST as LARGEST
from specc.vocabulary.kinds.plain import NOT_NEGATIVE as NOT_NEGATIVE
from specc.vocabulary.kinds.plain import POSITIVE as POSITIVE
from specc.vocabulary.kinds.plain import PROBABILITY as PROBABILITY
from specc.vocabulary.kinds.plain import Bool as Bool
from specc.vocabulary.kinds.plain import FilePath as FilePath
from specc.vocabulary.kinds.plain import Float as Float
from specc.vocabulary.kinds.plain import Int as Int
from specc.vocabulary.kinds.plain import NewName as NewName
from specc.vocabulary.kinds.plain import Selector as Selector
from specc.vocabulary.kinds.plain import SizeOf as SizeOf
from specc.vocabulary.kinds.plain import Symbols as Symbols
from specc.vocabulary.kinds.plain import TensorName as TensorName
from specc.vocabulary.kinds.plain import Text as Text
from specc.vocabulary.kinds.plain import Word as Word
