"""What a run found, as values and as the JSON that is committed. Ratios are of blocks of the same rounds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import cattrs

from benchmarks.cases import Case
from benchmarks.harness import Sample, Samples, lower_quartile
from benchmarks.implementations import AGAIN, RAW

FOLDER = Path(__file__).parent / "results"
COMMITTED = FOLDER / "run.json"
QUICK = FOLDER / "quick.json"
SCALE = FOLDER / "scale.json"
QUIET = (0.95, 1.05)
"""Where the second copy of the base has to lie for a figure to be believed."""


@attrs.frozen(kw_only=True)
class Figure:
    """One implementation's in one case.

    Attributes:
        microseconds, cpu: of one unit: the lower quartile of the rounds, and what of it our own process computed.
        ratio: to the same of the base in the rounds in which both took part.
    """

    microseconds: float
    cpu: float
    ratio: float


@attrs.frozen(kw_only=True)
class Found:
    """One case. `base` is what the ratios are to, `calls` how many calls a unit has, `rounds` how many the base had."""

    title: str
    base: str
    calls: int
    rounds: int
    figures: dict[str, Figure]

    @property
    def noise(self) -> float | None:
        """The ratio of the second copy of the hand-written code to the first; None where there was none."""
        return self.ratio(AGAIN, RAW)

    @property
    def quiet(self) -> bool:
        return self.noise is not None and QUIET[0] <= self.noise <= QUIET[1]

    def ratio(self, name: str, to: str | None = None) -> float | None:
        """To the base, or to another implementation; None where one of them was not measured."""
        one, other = self.figures.get(name), self.figures.get(to or self.base)
        return None if one is None or other is None else one.ratio / other.ratio


Cases: TypeAlias = dict[str, Found]


@attrs.frozen(kw_only=True)
class Results:
    """A whole run.

    Attributes:
        extra: milliseconds of the extra round trip in `delayed`, as measured.
        layer: microseconds of calls on a connection that answers at once; `, pool` is the hand-written one.
        memory: microseconds by what was done on the memory adapter.
    """

    kind: str
    date: str
    rows: int
    machine: dict[str, Any]
    versions: dict[str, str]
    titles: dict[str, str]
    left_out: dict[str, str]
    cases: Cases
    extra: float | None = None
    delayed: Cases = attrs.field(factory=dict)
    layer: dict[str, float] = attrs.field(factory=dict)
    memory: dict[str, float] = attrs.field(factory=dict)


Curve: TypeAlias = list[tuple[float, float]]


@attrs.frozen(kw_only=True)
class Scale:
    """How cost grows, as curves by what is drawn.

    Attributes:
        rows: microseconds of a call by the rows of the table.
        tasks, pools: gets a second by tasks at once, and by connections.
        memory: MiB by rows read.
    """

    date: str
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: dict[str, Curve]
    tasks: dict[str, Curve]
    pools: dict[str, Curve]
    memory: dict[str, Curve]


def found(case: Case, samples: Mapping[str, Sequence[Sample]]) -> Found:
    base = samples[case.base] if case.base in samples else next(iter(samples.values()))
    figures = {name: _figure(mine, base) for name, mine in samples.items()}
    return Found(title=case.title, base=case.base, calls=case.tasks * case.calls, rounds=len(base), figures=figures)


def all_found(cases: Sequence[Case], samples: Samples) -> Cases:
    return {case.name: found(case, samples[case.name]) for case in cases if case.name in samples}


def _figure(samples: Sequence[Sample], base: Sequence[Sample]) -> Figure:
    rounds = {each.round for each in samples} & {each.round for each in base}
    mine, theirs = (lower_quartile([each.wall for each in of if each.round in rounds]) for of in (samples, base))
    return Figure(
        microseconds=_short(lower_quartile([each.wall for each in samples]) * 1e6),
        cpu=_short(lower_quartile([each.cpu for each in samples]) * 1e6),
        ratio=_short(mine / theirs),
    )


def _short(value: float) -> float:
    """Four digits: more would only be noise."""
    return float(f"{value:.4g}")


def write(results: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(cattrs.unstructure(results), indent=1) + "\n", encoding="utf-8")


def read(path: Path = COMMITTED) -> Results:
    return cattrs.structure(json.loads(path.read_text(encoding="utf-8")), Results)


def read_scale(path: Path = SCALE) -> Scale:
    return cattrs.structure(json.loads(path.read_text(encoding="utf-8")), Scale)
