"""The database's time: one moment a statement, later ones never earlier. Knows nothing of statements."""

import datetime as dt
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], dt.datetime]

_TICK = dt.timedelta(microseconds=1)


class SystemClock:
    """Real UTC time, at least a microsecond later at every reading, also when the machine's clock steps back."""

    def __init__(self, read: Clock | None = None) -> None:
        self._read = read or (lambda: dt.datetime.now(dt.UTC))
        self._last: dt.datetime | None = None

    def __call__(self) -> dt.datetime:
        moment = self._read()
        if self._last is not None and moment <= self._last:
            moment = self._last + _TICK
        self._last = moment
        return moment
