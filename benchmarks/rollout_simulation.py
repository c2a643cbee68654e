"""Simulated canaries before the judge: how often the healthy are rolled back, and how soon the others.

`python -m benchmarks.rollout_simulation` takes some five minutes on one core and writes the tables in
`benchmarks/results/rollout_simulation.{json,md}`. Draws are seeded; the figures are those of the package as it stands.
"""

import argparse
import json
import math
import platform
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from homeport.rollout.judge import LiteralRule, Policy, SequentialRule, State
from homeport.rollout.statistics import Limits
from tests.support.canaries import (
    DECIDED,
    NEVER,
    ROLLED_BACK,
    Crowd,
    Lognormal,
    Traffic,
    detection,
    rollbacks,
    run,
    watch,
)

RESULTS = Path(__file__).parent / "results"
SEED = 20_261
REQUESTS = 20_000
RULE, LITERAL = SequentialRule(), LiteralRule()
STEPS = (0.05, 0.25, 0.5)
PLAN = tuple(SequentialRule(limits=Limits().at(step, len(STEPS))) for step in range(len(STEPS)))


@attrs.frozen
class Row:
    """One line of a table. The target is None where none is set, `met` then is True."""

    what: str
    runs: int
    measured: str
    target: str | None = None
    met: bool = True


@attrs.frozen
class Table:
    title: str
    about: str
    rows: list[Row]


# -- healthy canaries


def false_rollbacks(scale: float) -> Iterator[Row]:
    runs = round(1_000 * scale)
    for share in (0.05, 0.1, 0.5):
        both = Traffic(share=share, times=Lognormal(), requests=REQUESTS)
        found = rollbacks(RULE, [both] * runs, SEED)
        yield Row(f"sequential, {share:.0%} canary", runs, _rate(found, runs), "at most 1.8 %", found <= 0.018 * runs)
    found = sum(_plan_rolled_back(random.Random(SEED + each)) for each in range(runs))
    yield Row("sequential, a whole plan 5, 25, 50 %", runs, _rate(found, runs), "at most 1.8 %", found <= 0.018 * runs)
    for share in (0.05, 0.1, 0.5):
        literal = round(400 * scale)
        for name, times in (("errors alone", None), ("errors and p95", Lognormal())):
            found = rollbacks(LITERAL, [Traffic(share=share, times=times, requests=REQUESTS)] * literal, SEED)
            yield Row(f"literal, {share:.0%} canary, {name}", literal, _rate(found, literal))


def _plan_rolled_back(rng: random.Random) -> bool:
    steps = (Traffic(share=share, times=Lognormal(), requests=REQUESTS, batch=200) for share in STEPS)
    return any(
        run(policy, step, rng, ROLLED_BACK).state is State.FAILING for policy, step in zip(PLAN, steps, strict=True)
    )


# -- the others


def fault_detection(scale: float) -> Iterator[Row]:
    twice = Traffic(share=0.5, more=2, batch=50, requests=100_000)
    five = Traffic(share=0.1, more=5, batch=5, requests=100_000)
    twenty = Traffic(share=0.1, more=20, batch=1, requests=100_000)
    yield _detected("x2, half and half", twice, 2_000 * scale, (6_500, 13_500))
    yield _detected("x5, 10 % canary", five, 2_500 * scale, (1_400, 3_400))
    yield _detected("x20, 10 % canary", twenty, 4_000 * scale, (170, 390))
    first, second, third = PLAN
    yield _detected("x5, 10 % canary, first step of three", five, 2_500 * scale, (1_400, 3_400), policy=first)
    yield _detected("x20, 10 % canary, first step of three", twenty, 4_000 * scale, (170, 390), policy=first)
    for policy, share in ((second, 0.25), (third, 0.5)):
        name = f"{share:.0%} canary, a later step of three"
        yield _detected(f"x5, {name}", attrs.evolve(five, share=share), 1_000 * scale, (1_400, 3_400), policy=policy)
        yield _detected(f"x20, {name}", attrs.evolve(twenty, share=share), 1_000 * scale, (170, 390), policy=policy)
    yield _detected("x2, half and half, first step of three", twice, 500 * scale, (6_500, 13_500), policy=first)
    yield _detected("x2, half and half, a later step of three", twice, 500 * scale, policy=third)
    yield _detected("x2, 10 % canary", attrs.evolve(twice, share=0.1, batch=100), 150 * scale)
    yield _detected("x5, 5 % canary", attrs.evolve(five, share=0.05, batch=20), 400 * scale)
    yield _detected("x20, 5 % canary", attrs.evolve(twenty, share=0.05, batch=2), 1_000 * scale)
    yield _detected("x1.5, half and half", attrs.evolve(twice, more=1.5, batch=100), 200 * scale)


def time_detection(scale: float) -> Iterator[Row]:
    half = Traffic(share=0.5, slower=1.5, times=Lognormal(), before=5_000, batch=10, requests=40_000)
    tenth = attrs.evolve(half, share=0.1, batch=50)
    for name, traffic in (("half and half", half), ("10 % canary", tenth)):
        twice = attrs.evolve(traffic, slower=2, batch=traffic.batch // 10)
        yield _detected(f"p95 x1.5, {name}", traffic, 800 * scale, (475, 1_090), on_canary=True)
        yield _detected(f"p95 x2, {name}", twice, 800 * scale, (38, 91), on_canary=True)
        yield _within(f"p95 x1.3, {name}", attrs.evolve(traffic, slower=1.3, batch=200), round(60 * scale), 10_000)
    for sigma in (0.6, 0.7):
        for slower, batch in ((1.5, 20), (2, 4)):
            traffic = attrs.evolve(half, slower=slower, batch=batch, times=Lognormal(sigma=sigma))
            yield _detected(f"p95 x{slower}, half and half, sigma {sigma}", traffic, 300 * scale, on_canary=True)
    for name, traffic in (("half and half", half), ("10 % canary", tenth)):
        for slower, batch, target in ((1.5, traffic.batch, (475, 1_090)), (2, traffic.batch // 10, (38, 91))):
            slow = attrs.evolve(traffic, slower=slower, batch=batch)
            case = f"p95 x{slower}, {name}, first step of three"
            yield _detected(case, slow, 400 * scale, target, policy=PLAN[0], on_canary=True)
    cold = attrs.evolve(half, slower=2, before=0, share=0.1, batch=50)
    yield _detected("p95 x2, 10 % canary, nothing known from before", cold, 100 * scale, on_canary=True)


def _detected(
    name: str,
    traffic: Traffic,
    wanted: float,
    target: tuple[int, int] | None = None,
    *,
    policy: Policy = RULE,
    on_canary: bool = False,
) -> Row:
    runs = max(round(wanted), 20)
    found = detection(policy, traffic, runs, SEED, on_canary=on_canary)
    if target is None:
        return Row(name, runs, _after(found))
    return Row(name, runs, _after(found), _after(target), found[0] <= target[0] and found[1] <= target[1])


def _within(name: str, traffic: Traffic, runs: int, most: int) -> Row:
    rng, runs = random.Random(SEED), max(runs, 20)
    limited = attrs.evolve(traffic, requests=round(most / traffic.share))
    found = sum(run(RULE, limited, rng, ROLLED_BACK).state is State.FAILING for _ in range(runs))
    return Row(f"{name}, within {most:,} on the canary", runs, _rate(found, runs))


# -- what is no fault of the candidate's


def robustness(scale: float) -> Iterator[Row]:
    runs = max(round(200 * scale), 20)
    for name, weather in (
        ("a burst in both arms, faults x30 and times x4", _burst),
        ("a day: faults x0.1 to 1.9, times x0.5 to 2", _day),
    ):
        for share in (0.1, 0.5):
            traffic = Traffic(share=share, weather=weather, times=Lognormal(), before=5_000, batch=200)
            found = rollbacks(RULE, [traffic] * runs, SEED)
            yield Row(f"{name}, {share:.0%} canary", runs, _rate(found, runs), "at most 2 %", found <= 0.02 * runs)
    for faults in (0.0, 0.0001):
        found = rollbacks(RULE, [Traffic(share=0.05, faults=faults, batch=200)] * runs * 5, SEED)
        yield Row(
            f"{faults:.2%} faults, 5 % canary", runs * 5, _rate(found, runs * 5), "at most 2 %", found <= 0.1 * runs
        )
    for share in (0.0, 1.0):
        found = rollbacks(RULE, [Traffic(share=share, faults=0.5, batch=200)] * 20, SEED)
        yield Row(f"an empty arm, {share:.0%} canary, half of all fails", 20, _rate(found, 20), "0", found == 0)


def _burst(part: float) -> tuple[float, float]:
    return (30.0, 4.0) if 0.3 < part < 0.35 else (1.0, 1.0)


def _day(part: float) -> tuple[float, float]:
    wave = math.sin(2 * math.pi * part)
    return 1 + 0.9 * wave, 2**wave


# -- users


def crowds(scale: float) -> Iterator[Row]:
    runs = max(round(400 * scale), 20)
    quiet = Crowd(users=2_000, share=0.05, active=0.05, minutes=200)
    cases = [
        (f"{users} of the 5 % fail for {minutes} minutes", attrs.evolve(quiet, troubled=(users, minutes)))
        for users, minutes in ((1, 5), (1, 20), (1, 60), (1, 170), (2, 60))
    ]
    cases.append(("0.5 % of all users fail at every call, on either arm", attrs.evolve(quiet, misfits=0.005)))
    cases.append(("nobody does", quiet))
    for name, crowd in cases:
        for told_apart, counted in ((False, "every minute counted"), (True, "every user counted")):
            found = sum(_backs(crowd, runs, told_apart=told_apart))
            target, met = ("at most 1.8 %", found <= 0.018 * runs) if told_apart else (None, True)
            yield Row(f"{name}, {counted}", runs, _rate(found, runs), target, met)
    few = Crowd(users=200, share=0.25, active=0.5, minutes=48 * 60, broken=24 * 60)
    for more, what in ((100, "every call"), (20, "a fifth")):
        minutes = sorted(_minutes(attrs.evolve(few, more=more), max(round(20 * scale), 5)))
        yield Row(
            f"{what} fails after a day, 50 of 200 users on the candidate, who all had a fault before",
            len(minutes),
            f"found after {minutes[len(minutes) // 2]:,} minutes, at most {minutes[-1]:,}",
        )


def _backs(crowd: Crowd, runs: int, *, told_apart: bool) -> Iterator[bool]:
    rng = random.Random(SEED)
    for _ in range(runs):
        yield watch(RULE, crowd, rng, told_apart=told_apart) is not None


def _minutes(crowd: Crowd, runs: int) -> Iterator[int]:
    rng = random.Random(SEED)
    for _ in range(runs):
        found = watch(RULE, crowd, rng)
        yield NEVER if found is None else found - crowd.broken


# -- steps that are passed


def passing(scale: float) -> Iterator[Row]:
    for share in STEPS:
        for name, more, slower in (
            ("healthy", 1, 1),
            ("faults x1.5", 1.5, 1),
            ("faults x2", 2, 1),
            ("p95 x1.5", 1, 1.5),
        ):
            traffic = Traffic(
                share=share, more=more, slower=slower, times=Lognormal(), before=5_000, batch=500, requests=200_000
            )
            yield _decided(f"{name}, {share:.0%} canary", traffic, round(40 * scale))


def _decided(name: str, traffic: Traffic, runs: int) -> Row:
    rng, runs = random.Random(SEED), max(runs, 10)
    endings = [run(RULE, traffic, rng, DECIDED) for _ in range(runs)]
    passed = sorted(each.requests for each in endings if each.state is State.HEALTHY)
    back = sum(each.state is State.FAILING for each in endings)
    after = f", half of them after {passed[len(passed) // 2]:,} requests" if passed else ""
    open_ = runs - len(passed) - back
    return Row(name, runs, f"{len(passed)} passed{after}; {back} rolled back; {open_} undecided")


# -- the report

TABLES: tuple[tuple[str, str, Callable[[float], Iterator[Row]]], ...] = (
    (
        "Healthy canaries that are rolled back",
        (
            "20,000 requests, 1 % faults, lognormal times (sigma 0.5), a look after every 100 (a plan: 200). "
            "The sequential rule's alpha is 1 %. The literal rule is the documents': more than 10 % more errors or a "
            "p95 more than 20 % longer, from 50 outcomes on."
        ),
        false_rollbacks,
    ),
    (
        "More faults: requests of both arms until the rollback",
        "1 % faults on the primary. Median / 90 %.",
        fault_detection,
    ),
    (
        "Longer times: calls on the candidate until the rollback",
        (
            "Lognormal times, sigma 0.5 unless said; 5,000 times of the primary are known when the step begins. "
            "Median / 90 %. The wider the times are spread, the longer it takes."
        ),
        time_detection,
    ),
    (
        "What is no fault of the candidate's: rollbacks",
        ("20,000 requests, each an outcome of its own."),
        robustness,
    ),
    (
        "Faults of the same users, over and over: rollbacks",
        (
            "2,000 users, 20,000 outcomes in 200 minutes, a look every minute. Counted is one outcome a user and "
            "minute; as evidence, a user's first fault alone, of the step and of each later part of it."
        ),
        crowds,
    ),
    (
        "Steps: passed, rolled back or undecided",
        "Up to 200,000 requests, a look after every 500, 1 % faults on the primary.",
        passing,
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the runs; below 1 nothing is written")
    scale = parser.parse_args().scale
    began = time.process_time()
    tables = [Table(title, about, list(_told(rows(scale)))) for title, about, rows in TABLES]
    seconds = round(time.process_time() - began)
    if scale < 1:
        return
    RESULTS.mkdir(exist_ok=True)
    report = {
        "seed": SEED,
        "python": platform.python_version(),
        "cpu_seconds": seconds,
        "limits": attrs.asdict(Limits()),
        "tables": [attrs.asdict(table) for table in tables],
    }
    (RESULTS / "rollout_simulation.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "rollout_simulation.md").write_text(_markdown(tables, seconds))


def _told(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        print(f"{row.what}: {row.measured}{f' (target: {row.target})' if row.target else ''}", flush=True)
        yield row


def _markdown(tables: list[Table], seconds: int) -> str:
    lines = [
        "# Simulated canaries",
        "",
        f"`python -m benchmarks.rollout_simulation`: seed {SEED}, Python {platform.python_version()}, CPU {seconds} s.",
    ]
    for table in tables:
        lines += [
            "",
            f"## {table.title}",
            "",
            table.about,
            "",
            "| case | runs | measured | target | |",
            "|---|---|---|---|---|",
        ]
        for row in table.rows:
            met = "" if row.target is None else "met" if row.met else "**missed**"
            lines.append(f"| {row.what} | {row.runs:,} | {row.measured} | {row.target or ''} | {met} |")
    return "\n".join(lines) + "\n"


def _rate(found: int, runs: int) -> str:
    return f"{found} of {runs:,} = {found / runs:.1%}"


def _after(figures: tuple[int, int]) -> str:
    return " / ".join(f"{figure:,}" if figure < 10**9 else "not in all" for figure in figures)


if __name__ == "__main__":
    main()
