"""The machine: who runs on which CPU, and the facts that belong beside a figure. Neither names nor paths are told."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

PACKAGES = (
    "asyncpg", "attrs", "orjson", "psycopg", "sqlalchemy", "advanced-alchemy", "tortoise-orm", "piccolo", "postgrest",
    "httpx",
)  # fmt: skip


@attrs.frozen
class Pinning:
    """The client's CPU and the servers'; both empty where the system can't keep a process on a CPU."""

    client: frozenset[int]
    others: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> "Pinning":
        """One CPU for the client, all others for the servers."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(frozenset(), frozenset())
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            return cls(frozenset(), frozenset())
        return cls(frozenset(allowed[:1]), frozenset(allowed[1:]))

    @property
    def pinned(self) -> bool:
        return bool(self.client)

    @contextmanager
    def servers(self) -> Iterator[None]:
        """What is started inside stays on the servers' CPUs; afterwards this process is on the client's."""
        self._move(self.others)
        try:
            yield
        finally:
            self._move(self.client)

    def _move(self, cpus: Iterable[int]) -> None:
        if self.pinned:
            os.sched_setaffinity(0, cpus)


def facts(pinning: Pinning) -> dict[str, object]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "pinned": pinning.pinned,
        "load before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Python's, and those of the packages that are installed."""
    found = {"Python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        named = []
    return named[0] if named else platform.processor()
