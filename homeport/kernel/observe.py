"""What is told of every store call: names, counts and times, never a value."""

from collections.abc import Callable
from typing import TypeAlias

import attrs


@attrs.frozen(weakref_slot=False)
class Observation:
    """One store call that has ended.

    Attributes:
        name: the statement's name, `calendar.get_user_events`.
        table: the table's or the function's name.
        adapter: which adapter answered: postgres, memory or supabase_legacy.
        rows: rows answered or written; 0 after an error.
        milliseconds: from call to answer.
        error: the class name of the error; None if it went well.
    """

    name: str
    table: str
    adapter: str
    rows: int
    milliseconds: float
    error: str | None


Observer: TypeAlias = Callable[[Observation], None]
