"""The command line: `python -m benchmarks run`, `gate`, `scale`, `report`."""

import argparse
import asyncio
import sys
from pathlib import Path

import attrs

from benchmarks import gate, implementations, results, scale
from benchmarks.cases import cases
from benchmarks.harness import Effort
from benchmarks.session import ROWS, Order, run

QUICK = Effort(slice=0.01, seconds=25, turns=1, least=3, others=6)
FULL = Effort(slice=0.03, seconds=1200, turns=4, least=20, others=3)
FAR = Effort(slice=0.03, seconds=400, turns=2, least=10, others=3)


def main(words: list[str]) -> int:
    told = _parser().parse_args(words)
    match told.command:
        case "run":
            return _run(told)
        case "gate":
            return asyncio.run(gate.main())
        case "scale":
            results.write(asyncio.run(scale.measured(full=told.full)), told.out)
        case "report":
            from benchmarks import report

            report.write_all()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="all implementations, all cases")
    one.add_argument("--quick", action="store_true", help="under 90 seconds: without the long cases and the delay")
    one.add_argument("--cases", help="comma separated")
    one.add_argument("--only", help="implementations, comma separated")
    one.add_argument("--rows", type=int, default=ROWS)
    one.add_argument("--seconds", type=float, help="of measuring")
    one.add_argument("--delay", type=float, help="milliseconds of an extra round trip for a second pass")
    one.add_argument("--out", type=Path, default=None)
    commands.add_parser("gate", help="fails where a ratio is beyond its gate")
    grown = commands.add_parser("scale", help="how cost grows with rows, tasks and connections")
    grown.add_argument("--full", action="store_true", help="up to a million rows")
    grown.add_argument("--out", type=Path, default=results.SCALE)
    commands.add_parser("report", help="writes tables and plots from the committed results")
    return parser


def _run(told: argparse.Namespace) -> int:
    effort = QUICK if told.quick else FULL
    if told.seconds is not None:
        effort = attrs.evolve(effort, seconds=told.seconds)
    delay = told.delay if told.delay is not None or told.quick else 1.0
    order = Order(
        kind="quick" if told.quick else "full",
        names=implementations.known(told.only.split(",") if told.only else implementations.KNOWN),
        cases=cases(told.cases.split(",") if told.cases else None, long=not told.quick),
        effort=effort,
        rows=told.rows,
        delay=delay or None,
        delay_effort=None if told.quick else FAR,
        blocks=3 if told.quick else 9,
    )
    found = asyncio.run(run(order))
    results.write(found, told.out or (results.QUICK if told.quick else results.COMMITTED))
    _print(found)
    return 0


def _print(found: results.Results) -> None:
    from benchmarks import tables

    print(tables.ratios(found, list(found.titles)))
    print()
    print(tables.goals(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
