"""Who may do what at all: the privileges that a table's policies call for. Which rows is the policies' business.

The service is granted every verb that the table has, anon none, and a signed-in user what stands here.
"""

from collections.abc import Iterable
from typing import Any

import attrs

from homeport.kernel.errors import SchemaMismatch
from homeport.kernel.predicates import TRUE
from homeport.kernel.table import Table, Verb


@attrs.frozen
class Grant:
    """One verb on a table: on these columns alone, or on all for None."""

    verb: Verb
    columns: tuple[str, ...] | None = None

    def covers(self, names: Iterable[str]) -> bool:
        """Whether all of these columns may be written."""
        return self.columns is None or all(name in self.columns for name in names)


def grants(table: Table[Any]) -> tuple[Grant, ...]:
    """What a signed-in user is granted: the verbs that have a policy. What the database counts is nobody's to write.

    Raises:
        SchemaMismatch: a projection has a policy that is more than that every signed-in user may read all of it.
    """
    if table.view_of is not None and any(each.verb is not Verb.SELECT or each.using != TRUE for each in table.policies):
        raise SchemaMismatch(f"{table.name}: a projection's rows can't be limited by a policy")
    verbs = {each.verb for each in table.policies}
    given = (Grant(verb, _columns(table, verb)) for verb in Verb if verb in verbs)
    return tuple(each for each in given if each.columns != ())


def _columns(table: Table[Any], verb: Verb) -> tuple[str, ...] | None:
    policies = [each for each in table.policies if each.verb is verb]
    counted = {each.column for each in table.counters} if verb in (Verb.INSERT, Verb.UPDATE) else set()
    limited = verb is Verb.UPDATE and all(each.columns for each in policies)
    if not limited and not counted:
        return None
    named = {name for each in policies for name in each.columns}
    written = (each.name for each in table.columns if each.stored and each.name not in counted)
    return tuple(name for name in written if not limited or name in named)
