"""The benchmarks' own arithmetic: ratios of pairs, the gate's verdict, answers in one form, plots."""

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from benchmarks import data, gate, layer, results, svg
from benchmarks.cases import CASES, cases
from benchmarks.gate import Limit, judged
from benchmarks.harness import Sample
from benchmarks.implementations import AGAIN, HOMEPORT, KNOWN, LEAN, RAW, known
from benchmarks.implementations.sql import named
from benchmarks.results import Figure, Found, Results, found
from benchmarks.rows import COLUMNS, neutral, without_times
from homeport.repositories.expenses import EXPENSE

GET = next(case for case in CASES if case.name == "get")


def a_figure(ratio: float) -> Figure:
    return Figure(microseconds=100.0, cpu=10.0, ratio=ratio)


def a_run(ours: float, *, noise: float) -> Results:
    figures = {RAW: a_figure(1.0), AGAIN: a_figure(noise), LEAN: a_figure(0.5), HOMEPORT: a_figure(ours)}
    return Results(
        kind="gate",
        date="2026-01-01",
        rows=100,
        machine={},
        versions={},
        titles={},
        left_out={},
        cases={"get": Found(title="get", base=RAW, calls=1, rounds=9, figures=figures)},
    )


def test_a_ratio_is_that_of_blocks_of_the_same_round() -> None:
    base = [Sample(0, 1.0, 0.1), Sample(1, 10.0, 0.1), Sample(2, 1.0, 0.1)]
    ours = [Sample(0, 0.5, 0.1), Sample(1, 5.0, 0.1)]
    figures = found(GET, {RAW: base, HOMEPORT: ours}).figures
    assert figures[HOMEPORT].ratio == 0.5
    assert figures[RAW].ratio == 1.0


def test_what_is_within_the_limits_passes_however_noisy() -> None:
    verdict = judged(a_run(0.6, noise=1.4), [Limit("get", RAW, 0.7), Limit("get", LEAN, 1.3)])
    assert not verdict.beyond


@pytest.mark.parametrize(("noise", "fails"), [(1.0, True), (0.951, True), (1.06, False), (0.94, False)])
def test_what_is_beyond_fails_only_on_a_quiet_machine(noise: float, fails: bool) -> None:
    verdict = judged(a_run(0.9, noise=noise), [Limit("get", RAW, 0.7)])
    assert [limit.case for limit, _, _ in verdict.beyond] == ["get"]
    assert bool(verdict.certain) is fails


def test_the_pool_alone_has_limits_of_its_own() -> None:
    assert judged(a_run(0.66, noise=1.0), [Limit("get", LEAN, 1.3)]).certain


def tried(monkeypatch: pytest.MonkeyPatch, *ours: float, noise: float = 1.0, routed: float = 0.3) -> None:
    """The gate meets these runs, the last again and again, and a router that adds so many microseconds."""
    ahead = list(ours)

    async def run(_: object) -> Results:
        return a_run(ahead.pop(0) if len(ahead) > 1 else ahead[0], noise=noise)

    async def measured(_: int) -> dict[str, float]:
        return {"get": 10.0, "get, routed": 10.0 + routed}

    monkeypatch.setattr(gate, "run", run)
    monkeypatch.setattr(layer, "measured", measured)
    monkeypatch.setattr(gate, "LIMITS", [Limit("get", RAW, 0.7)])


async def test_three_noisy_tries_are_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, 0.9, noise=1.5)
    said: list[str] = []
    assert await gate.main(said.append) == 0
    assert said[-1].startswith("inconclusive")
    assert sum("not certain" in line for line in said) == gate.TRIES


async def test_two_quiet_tries_beyond_the_gate_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, 0.9)
    said: list[str] = []
    assert await gate.main(said.append) == 1
    assert said[-1] == "beyond the gate"
    assert sum("not certain" in line for line in said) == 1


async def test_one_try_within_the_gate_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, 0.9, 0.6)
    assert await gate.main(lambda _: None) == 0


@pytest.mark.parametrize(("added", "code"), [(5.0, 0), (5.1, 1)])
async def test_a_router_that_adds_more_than_5_microseconds_fails(
    monkeypatch: pytest.MonkeyPatch, added: float, code: int
) -> None:
    tried(monkeypatch, 0.6, routed=added)
    assert await gate.main(lambda _: None) == code


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    one = a_run(0.5, noise=1.0)
    results.write(one, tmp_path / "run.json")
    assert results.read(tmp_path / "run.json") == one


def test_rows_of_all_libraries_have_one_form() -> None:
    id, moment = uuid.uuid4(), dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    known_ = {"id": id, "user_id": id, "amount": Decimal("1.50"), "date": moment.date(), "tags": ("a",)}
    ours: dict[str, Any] = {name: known_.get(name) for name in COLUMNS} | {"created_at": moment, "updated_at": moment}
    json = ours | {"id": str(id), "user_id": str(id), "amount": 1.5, "date": "2026-01-01", "tags": ["a"]}
    json |= {"created_at": "2026-01-01T13:00:00+01:00", "updated_at": "2026-01-01T12:00:00+00:00"}
    assert neutral([ours]) == neutral([json])
    assert without_times(neutral([ours])) == without_times(neutral([json]))


def test_a_row_by_hand_has_the_columns_of_the_table() -> None:
    assert tuple(column.name for column in EXPENSE.columns) == COLUMNS


def test_the_same_seed_draws_the_same_calls() -> None:
    import random

    one, other = (data.Sampler(1000, random.Random(1)) for _ in range(2))
    assert [case.unit(one) for case in cases(["get", "insert"])] == [
        case.unit(other) for case in cases(["get", "insert"])
    ]


def test_what_is_not_known_is_refused_by_name() -> None:
    assert known(["homeport", "raw"]) == ["raw", "homeport"]
    with pytest.raises(LookupError, match="no implementation is called oracle"):
        known(["oracle"])
    with pytest.raises(LookupError, match="no case is called drop"):
        cases(["drop"])


def test_every_case_has_a_name_and_a_title_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len({case.title for case in CASES}) == len(CASES)
    assert {case.base for case in CASES} <= set(KNOWN)


def test_places_of_values_are_named_for_psycopg() -> None:
    assert named("a = $1 AND b = $12") == "a = %(p1)s AND b = %(p12)s"


@pytest.mark.parametrize("log", [True, False])
def test_an_axis_has_ticks_within_its_ends(log: bool) -> None:
    axis = svg.Axis(0.4 if log else 0.0, 90.0, 0, 100, log=log)
    assert 2 < len(axis.ticks()) < 12
    assert all(0 <= axis.at(tick) <= 100.5 for tick in axis.ticks())
