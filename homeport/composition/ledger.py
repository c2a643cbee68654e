"""Contexts opened on a store that sends nothing: for the list of all SQL in docs/sql."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homeport.composition.opened import Homeport, Wiring
from homeport.composition.sessions import Contexts
from homeport.contexts import resolve
from homeport.kernel.catalog import Catalog
from homeport.kernel.pages import CursorSigner
from homeport.kernel.table import Column
from homeport.middleware.retry import Retries, UnitRetry
from homeport.ports.context import Context

if TYPE_CHECKING:
    from homeport.adapters.postgres.ledger import LedgerStore

_ONCE = Retries(attempts=1, delay=1, deadline=1, budget=0)


def open_ledger(contexts: Contexts, make: Callable[[Column], object]) -> "tuple[Homeport, LedgerStore]":
    """A Homeport whose calls are kept as PostgreSQL's statements, and what keeps them. `make` makes up values."""
    from homeport.adapters.postgres.ledger import LedgerStore

    wanted = resolve(contexts)
    catalog = Catalog.of(table for each in wanted for table in each.tables)
    operations = [operation for each in wanted for operation in each.operations]
    store = LedgerStore(catalog, CursorSigner(b"a ledger's cursors go nowhere..."), operations, make)
    wiring = Wiring(
        sessions=dict.fromkeys(wanted, store),
        catalog=catalog,
        units=store,
        retry=UnitRetry(_ONCE),
        opened=(store,),
    )
    return Homeport(wiring), store


def functions(context: Context[Any]) -> dict[str, str]:
    """The SQL that makes each operation's function, by the operation's name. Raises SchemaMismatch if there is none."""
    from homeport.adapters.postgres import ledger

    return ledger.functions(context)
