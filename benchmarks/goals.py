"""The goals, and what beyond which a change is refused: each with how it is read from a run's results."""

from collections.abc import Callable, Sequence
from functools import partial

import attrs

from benchmarks.implementations import ALCHEMY, COALESCED, HELD, HOMEPORT, LEAN, LEGACY, POSTGREST, TUNED
from benchmarks.results import Cases, Results

Measure = Callable[[Results], float | None]


@attrs.frozen(kw_only=True)
class Goal:
    """One of them.

    Attributes:
        to: what it is compared with.
        gate: beyond it CI may fail; None where only the goal is set.
        least: whether it is a minimum: how many times faster.
        unit: of what is no ratio.
        case: the one that is compared, if it is one; `far` where it is that of the longer way.
    """

    what: str
    to: str
    goal: float | None
    gate: float | None
    measure: Measure
    least: bool = False
    unit: str = ""
    case: str | None = None
    far: bool = False

    def believed(self, results: Results) -> bool:
        """Whether the machine was quiet when it was measured, as far as that is known."""
        found = (results.delayed if self.far else results.cases).get(self.case or "")
        return found is None or found.quiet

    def reached(self, value: float) -> bool:
        return self.goal is not None and _within(value, self.goal, least=self.least)

    def allowed(self, value: float) -> bool:
        return self.gate is None or _within(value, self.gate, least=self.least)


def _within(value: float, limit: float, *, least: bool) -> bool:
    return value >= limit if least else value <= limit


def _ratio(case: str, name: str = HOMEPORT, to: str | None = None) -> Measure:
    return lambda results: _of(results.cases, case, name, to)


def _far(case: str, name: str = HOMEPORT) -> Measure:
    return lambda results: _of(results.delayed, case, name, None)


def _of(cases: Cases, case: str, name: str, to: str | None) -> float | None:
    found = cases.get(case)
    return None if found is None else found.ratio(name, to)


def layer(results: Results, call: str) -> float | None:
    """Microseconds that Homeport adds to the same statement on the same pool."""
    ours, by_hand = results.layer.get(call), results.layer.get(f"{call}, pool")
    return None if ours is None or by_hand is None else ours - by_hand


def routed(results: Results) -> float | None:
    """Microseconds that the router adds to a call that is not canaried."""
    by_flag, fixed = results.layer.get("get, routed"), results.layer.get("get")
    return None if by_flag is None or fixed is None else by_flag - fixed


def _memory(name: str, divisor: float = 1) -> Measure:
    def measure(results: Results) -> float | None:
        found = results.memory.get(name)
        return None if found is None else found / divisor

    return measure


_BY_HAND, _POOL, _ONE = "asyncpg by hand", "the lean pool alone", "one connection, no user"
_ALCHEMY, _TUNED, _CLIENT = "Advanced Alchemy, times faster", "the same, tuned", "the bare client"


def _raw(case: str, goal: float | None, gate: float | None, title: str | None = None) -> Goal:
    return Goal(what=title or case, to=_BY_HAND, goal=goal, gate=gate, measure=_ratio(case), case=case)


def _pool(case: str) -> Goal:
    return Goal(what=case, to=_POOL, goal=1.10, gate=None, measure=_ratio(case, to=LEAN), case=case)


def _layer(call: str) -> Goal:
    measure = partial(layer, call=call)
    return Goal(what=f"{call}: added CPU", to=_POOL, goal=4, gate=8, unit=" us", measure=measure)


def _times(case: str, goal: float | None, by: str = HOMEPORT) -> Goal:
    title = f"{case}, coalescing" if by == COALESCED else case
    measure = _ratio(case, ALCHEMY, by)
    return Goal(what=title, to=_ALCHEMY, goal=goal, gate=3, measure=measure, least=True, case=case)


def _times_tuned(case: str) -> Goal:
    measure = _ratio(case, TUNED, HOMEPORT)
    return Goal(what=case, to=_TUNED, goal=None, gate=3, measure=measure, least=True, case=case)


def _coalesced(what: str, case: str, goal: float, gate: float) -> Goal:
    return Goal(what=what, to=_BY_HAND, goal=goal, gate=gate, measure=_ratio(case, COALESCED), case=case)


def _user(what: str, case: str, goal: float) -> Goal:
    return Goal(what=what, to=_ONE, goal=goal, gate=3.2, measure=_ratio(case, to=HELD), case=case)


def _client(case: str) -> Goal:
    return Goal(
        what=f"legacy: {case}", to=_CLIENT, goal=1.0, gate=1.15, measure=_ratio(case, LEGACY, POSTGREST), case=case
    )


GOALS: Sequence[Goal] = (
    _raw("get", 0.50, 0.70),
    _raw("insert", 0.50, 0.70),
    _raw("update", 0.50, 0.70),
    _pool("get"),
    _pool("insert"),
    _pool("update"),
    *(_layer(call) for call in ("get", "insert", "update")),
    Goal(what="routed get: added CPU", to="the same, not routed", goal=5, gate=5, unit=" us", measure=routed),
    _raw("list 100", 0.80, 0.90),
    _raw("list 1000", 0.97, 1.02),
    _raw("bulk 1k", None, 1.05),
    _raw("bulk 10k", None, 1.05),
    _raw("bulk 10k returning", 0.80, 1.05),
    _raw("upsert 1k", 1.00, 1.05),
    _raw("gather", 0.42, 0.60, "100 concurrent gets"),
    _coalesced("100 concurrent gets, coalescing", "gather", 0.20, 0.30),
    Goal(
        what="the same, 1 ms further away",
        to=_BY_HAND,
        goal=0.08,
        gate=0.15,
        measure=_far("gather", COALESCED),
        case="gather",
        far=True,
    ),
    _raw("tasks", 0.42, 0.70, "32 tasks"),
    _coalesced("32 tasks, coalescing", "tasks", 0.35, 0.70),
    _user("get as a user", "read as user", 2.2),
    _user("insert as a user", "insert as user", 2.8),
    _times("get", 6),
    _times("insert", 10),
    _times("update", 10),
    _times("gather", None),
    _times("gather", 20, COALESCED),
    _times("tasks", None),
    _times("upsert 1k", None),
    _times("keyset", None),
    *(_times_tuned(case) for case in ("get", "insert", "update", "gather")),
    _client("get"),
    _client("insert"),
    _client("list 100"),
    Goal(what="memory: look-up", to="", goal=0.4, gate=1, unit=" us", measure=_memory("look-up")),
    Goal(what="memory: scan of 100,000", to="", goal=7, gate=10, unit=" ms", measure=_memory("scan", 1000)),
    Goal(
        what="memory: 100 of 100,000 by index", to="", goal=0.1, gate=None, unit=" ms", measure=_memory("indexed", 1000)
    ),
    Goal(what="memory: snapshot of 100,000", to="", goal=7, gate=20, unit=" us", measure=_memory("snapshot")),
    Goal(what="memory: find_by_id", to="", goal=5, gate=8, unit=" us", measure=_memory("find_by_id")),
)
