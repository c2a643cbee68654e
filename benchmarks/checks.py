"""Before anything is timed: every implementation gives the same answers and leaves the same rows."""

import random
from collections.abc import Callable
from typing import Any

from benchmarks import data
from benchmarks.cases import Case
from benchmarks.data import Sampler
from benchmarks.harness import Admin, Opened
from benchmarks.implementations import RAW
from benchmarks.rows import neutral, without_times

_STORED = "SELECT * FROM public.expenses WHERE user_id = $1 OR id = ANY($2) ORDER BY id"


class Different(Exception):
    """An implementation answers something else, or leaves other rows."""


async def check(case: Case, opened: Opened, admin: Admin, rows: int, taking: Callable[[Case], list[str]]) -> None:
    """Raises Different. A case whose base is not opened, or that nobody takes, is not compared."""
    names = taking(case)
    if RAW not in names:
        return
    expected = await _seen(case, opened[RAW], admin, rows)
    for name in names:
        seen = await _seen(case, opened[name], admin, rows)
        for what in ("answer", "rows"):
            if seen[what] != expected[what]:
                raise Different(f"{case.name}: {name} has another {what}: {_first(seen[what], expected[what])}")


async def _seen(case: Case, implementation: Any, admin: Admin, rows: int) -> dict[str, Any]:
    """One call's answer and the rows it left, in a form that all share. The clock's work is left out of writes."""
    arguments = case.draw(Sampler(rows, random.Random(case.name)))
    changed = [arguments[0]] if case.method == "update" else []
    try:
        if case.prepare is not None:
            arguments = await case.prepare(implementation, arguments)
        answer = _comparable(case, await getattr(implementation, case.method)(*arguments))
        stored = neutral(await admin.fetch(_STORED, data.WRITER, changed))
    finally:
        if case.writes:
            await admin.execute(data.CLEAN)
    return {"answer": answer, "rows": without_times(stored)}


def _comparable(case: Case, answer: Any) -> Any:
    match case.method:
        case "after":
            return [neutral(answer[0]), answer[1] is not None]
        case "page":
            return [neutral(answer[0]), answer[1]]
        case "insert" | "update" | "insert_as_user":
            return without_times(neutral(answer))
        case "insert_many_returning" | "upsert_many":
            return without_times(neutral(answer))
        case _:
            return neutral(answer)


def _first(one: Any, other: Any) -> str:
    """The first place where two answers differ, short enough for a line."""
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{len(one)} instead of {len(other)}"
        return next(_first(a, b) for a, b in zip(one, other, strict=True) if a != b)
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
        return ", ".join(f"{name}: {one.get(name)!r} instead of {other.get(name)!r}" for name in names[:3])
    return f"{one!r} instead of {other!r}"
