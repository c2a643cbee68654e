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
    RETURNING_ALTERNATIVES = enum.auto()
    """An update that answers its rows may be filtered by alternatives over the columns that it changes."""
    EXISTS_WITHOUT_FOREIGN_KEY = enum.auto()
    """`exists` on columns that are not one declared foreign key between two tables of one schema."""
    UPSERT_KEEPS_OWNER = enum.auto()
    """An upsert may give the owner of its new rows outside its target; rows that are there keep theirs."""
    TRANSACTIONS = enum.auto()
    """`transaction`: several calls that happen together or not at all."""
    ROW_LOCKS = enum.auto()
    """Reads of a unit that lock their rows until it ends."""
    ADVISORY_LOCKS = enum.auto()
    """Locks of a unit on a name of the caller's own."""


def require(have: Capability, wanted: Capability, adapter: str) -> None:
    """Raises Unsupported unless the adapter has the capability."""
    if wanted not in have:
        raise Unsupported(f"{adapter} does not offer {wanted.name}")
