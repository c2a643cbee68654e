"""The gate of CI: fails where Homeport is slower than allowed, if the machine was quiet enough to say so."""

from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from benchmarks import layer
from benchmarks.cases import cases
from benchmarks.goals import routed
from benchmarks.harness import Effort
from benchmarks.implementations import AGAIN, HOMEPORT, LEAN, RAW
from benchmarks.results import Results
from benchmarks.session import Order, run

TRIES = 3
CERTAIN = 2
"""In how many quiet tries one limit has to be passed."""
NAMES = (RAW, AGAIN, LEAN, HOMEPORT)
EFFORT = Effort(slice=0.02, seconds=20, turns=3, least=9)


@attrs.frozen
class Limit:
    """The most that one case may cost. `to` is the implementation that it is compared with."""

    case: str
    to: str
    most: float


# To `raw` they are the gates of docs/performance.md. To the pool alone they guard what is reached: lower them with it.
LIMITS: Sequence[Limit] = (
    Limit("get", RAW, 0.70),
    Limit("list 100", RAW, 0.90),
    Limit("insert", RAW, 0.70),
    Limit("gather", RAW, 0.60),
    Limit("get", LEAN, 1.30),
    Limit("list 100", LEAN, 1.20),
    Limit("insert", LEAN, 1.30),
    Limit("gather", LEAN, 1.35),
)


ROUTED, ROUTED_MOST = "routed get", 5.0
"""Microseconds that the router may add to a call that is not canaried."""
BLOCKS = 5


@attrs.frozen
class Verdict:
    """What one try says: each limit that was passed, and whether the machine was quiet in its case."""

    beyond: Sequence[tuple[Limit, float, bool]]

    @property
    def certain(self) -> list[Limit]:
        return [limit for limit, _, quiet in self.beyond if quiet]


def judged(results: Results, limits: Sequence[Limit]) -> Verdict:
    beyond = []
    for limit in limits:
        found = results.cases[limit.case]
        ratio = found.ratio(HOMEPORT, limit.to)
        if ratio is not None and ratio > limit.most:
            beyond.append((limit, ratio, found.quiet))
    return Verdict(beyond)


async def main(tell: Callable[[str], None] = print) -> int:
    """0 where a try is within the limits, or where it could not be found out; 1 where two say the same of one limit."""
    certain: Counter[Limit | str] = Counter()
    for number in range(1, TRIES + 1):
        results = attrs.evolve(await run(_order(tell)), layer=await layer.measured(BLOCKS))
        verdict, routing = judged(results, LIMITS), _routing(results, tell)
        _say(results, verdict, tell)
        if not verdict.beyond and routing <= ROUTED_MOST:
            tell("within the gate")
            return 0
        certain.update([*verdict.certain, *([ROUTED] if routing > ROUTED_MOST else ())])
        if any(times >= CERTAIN for times in certain.values()):
            tell("beyond the gate")
            return 1
        tell(f"try {number} of {TRIES}: not certain")
    tell("inconclusive: the machine is too busy")
    return 0


def _routing(results: Results, tell: Callable[[str], None]) -> float:
    added = routed(results)
    assert added is not None
    tell(f"{ROUTED} adds {added:.2f} us, at most {ROUTED_MOST:.2f}")
    return added


def _order(tell: Callable[[str], None]) -> Order:
    wanted = list(dict.fromkeys(limit.case for limit in LIMITS))
    return Order(kind="gate", names=NAMES, cases=cases(wanted), effort=EFFORT, blocks=0, tell=tell)


def _say(results: Results, verdict: Verdict, tell: Callable[[str], None]) -> None:
    passed = {(each.case, each.to): quiet for each, _, quiet in verdict.beyond}
    for limit in LIMITS:
        found = results.cases[limit.case]
        ratio, state = found.ratio(HOMEPORT, limit.to), passed.get((limit.case, limit.to))
        said = "ok" if state is None else "BEYOND" if state else "beyond, but noisy"
        tell(f"{limit.case:10} to {limit.to:5} {ratio:.2f}, at most {limit.most:.2f} (A/A {found.noise:.2f}): {said}")
