"""What an adapter can do beyond the contract that all share. A closed capability refuses before anything is written."""

import enum

from homeport.kernel.errors import Unsupported


class Capability(enum.Flag):
    """Declared gaps of adapters. What is not listed here, every adapter does."""

    RAW_SQL = enum.auto()
    """`execute_query` with the caller's own SQL."""
    BULK_UPDATE = enum.auto()
    """Different changes to different rows in one atomic call."""
    EXISTS_IN_WRITES = enum.auto()
    """`exists` in the filter of an update or delete."""
    SNAPSHOT_READS = enum.auto()
    """A long list or stream shows one moment, however many rows it has."""


def require(have: Capability, wanted: Capability, adapter: str) -> None:
    """Raises Unsupported unless the adapter has the capability."""
    if wanted not in have:
        raise Unsupported(f"{adapter} does not offer {wanted.name}")
