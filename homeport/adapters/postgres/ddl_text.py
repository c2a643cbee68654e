"""How generated DDL is spelt: for people to review, so a name is quoted only where it has to be."""

import re

_RESERVED = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric system_user table tablesample then to trailing true
union unique user using variadic verbose when where window with
"""
RESERVED = frozenset(_RESERVED.split())
"""PostgreSQL's words that can't name a table or a column without quotes."""

_LONGEST = 63
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"([a-z_][a-z0-9_]*)"(?!")|"(?:[^"]|"")*\"""")


def plain(statement: str) -> str:
    """The statement without the quotes that its identifiers don't need; texts stay as they are."""
    return _TOKEN.sub(_unquoted, statement)


def literal(text: str) -> str:
    """The text as an SQL constant."""
    return "'" + text.replace("'", "''") + "'"


def shortened(name: str) -> str:
    """The name within PostgreSQL's 63 bytes."""
    return name.encode()[:_LONGEST].decode(errors="ignore")


def _unquoted(found: re.Match[str]) -> str:
    name = found.group(1)
    return found.group(0) if name is None or name in RESERVED else name
