"""Memory of a process that reads a whole table: row by row from a stream, or all rows in one list."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import homeport
from benchmarks.place import Place
from benchmarks.results import Curve
from homeport.repositories.expenses import EXPENSE
from homeport.settings import Settings

KINDS: Sequence[str] = ("stream", "find_many")
POINTS = 40


def measured(at: Place, kind: str) -> Curve:
    """MiB that the process has grown by, by how many rows it has read. In a process of its own; empty without /proc."""
    if not Path("/proc/self/statm").exists():
        return []
    given = json.dumps([at.service.url, kind, at.rows])
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.streaming"], input=given, capture_output=True, text=True, check=True
    )
    return [(rows, mib) for rows, mib in json.loads(done.stdout)]


async def _main(url: str, kind: str, rows: int) -> Curve:
    async with homeport.open(Settings(adapter="postgres", database_url=url), contexts=("expenses",)) as db:
        expenses = db.collection(EXPENSE)
        await expenses.find_many(limit=1000)  # all that is loaded and compiled once
        start, every = _resident(), max(1, rows // POINTS)
        curve: Curve = [(0, 0.0)]
        if kind == "stream":
            count = 0
            async for _ in expenses.stream():
                count += 1
                if count % every == 0:
                    curve.append((count, round(_resident() - start, 2)))
        else:
            found = await expenses.find_many()
            curve.append((len(found), round(_resident() - start, 2)))
    return curve


def _resident() -> float:
    """MiB in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(*json.loads(sys.stdin.read())))))
