"""Tables whose policies are odder than any shipped one's, and what PostgreSQL makes of each write under them.

`CASES` was measured there; the memory adapter and PostgreSQL itself are held against it.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from homeport.kernel.binding import bind
from homeport.kernel.catalog import Catalog
from homeport.kernel.entity import Entity
from homeport.kernel.errors import RepositoryError
from homeport.kernel.identity import Identity, identity
from homeport.kernel.policies import owned
from homeport.kernel.predicates import CURRENT_USER, TRUE, Predicate, all_of, eq, exists, gt, not_, one_of
from homeport.kernel.query import Delete, Insert, OnConflict, Order, Select, Update, UpdateEach, Written
from homeport.kernel.table import Policy, Row, Table, Verb, check, column, table, unique
from homeport.ports.store import Session

ME, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
_MINE = eq("owner", CURRENT_USER)


def user(who: uuid.UUID) -> Identity:
    return identity({"role": "authenticated", "sub": str(who)})


@attrs.frozen(kw_only=True)
class Note(Entity):
    """Its owner writes it, and reads it unless it is hidden."""

    id: int
    owner: uuid.UUID
    slug: str | None = None
    body: str
    hidden: bool = False


def _good(row: Row) -> bool | None:
    return None if row["body"] is None else row["body"] != "bad"


_OWNED = {each.verb: each for each in owned("owner")}

NOTE = table(
    Note,
    "notes",
    uniques=[unique("slug")],
    checks=[check("body", "{body} <> 'bad'", _good)],
    policies=[
        Policy(Verb.SELECT, using=all_of(_MINE, eq("hidden", False))),
        _OWNED[Verb.INSERT],
        Policy(Verb.UPDATE, using=_MINE),
        _OWNED[Verb.DELETE],
    ],
    order=["id"],
)


@attrs.frozen(kw_only=True)
class Drop(Entity):
    """Anybody drops a note of their own; nobody reads one."""

    id: int
    owner: uuid.UUID


DROP = table(Drop, "drops", policies=[_OWNED[Verb.INSERT]])


@attrs.frozen(kw_only=True)
class Form(Entity):
    """Of which only one column may be changed."""

    id: int
    owner: uuid.UUID
    answer: int = 0
    mark: int = 0


FORM = table(
    Form,
    "forms",
    policies=[
        _OWNED[Verb.SELECT],
        _OWNED[Verb.INSERT],
        attrs.evolve(_OWNED[Verb.UPDATE], columns=("answer",)),
        Policy(Verb.DELETE),
    ],
)


@attrs.frozen(kw_only=True)
class Vault(Entity):
    """The service's."""

    id: int


VAULT = table(Vault, "vaults")


@attrs.frozen(kw_only=True)
class Leaf(Entity):
    """Read with its note, and written under one that can be read; two policies allow reading."""

    id: int
    note_id: int
    open: bool = False


LEAF = table(
    Leaf,
    "leaves",
    columns={"note_id": column(references="notes")},
    policies=[
        Policy(Verb.SELECT, using=exists(NOTE, {"id": "note_id"}, _MINE)),
        Policy(Verb.SELECT, using=eq("open", True)),
        Policy(Verb.INSERT, check=exists(NOTE, {"id": "note_id"})),
    ],
)

CATALOG = Catalog.of([NOTE, DROP, FORM, VAULT, LEAF])

MINE, THEIRS, MY_HIDDEN = 1, 2, 3


async def fill(service: Session) -> None:
    """Three notes, two forms, three leaves and a vault."""
    notes: tuple[Row, ...] = (
        {"id": MINE, "owner": ME, "slug": "a", "body": "mine"},
        {"id": THEIRS, "owner": OTHER, "slug": "b", "body": "theirs"},
        {"id": MY_HIDDEN, "owner": ME, "slug": "c", "body": "hidden", "hidden": True},
    )
    await service.insert(Insert("fill", NOTE, notes))
    await service.insert(Insert("fill", FORM, ({"id": 1, "owner": ME}, {"id": 2, "owner": OTHER})))
    leaves: tuple[Row, ...] = tuple({"id": each, "note_id": each, "open": each == MY_HIDDEN} for each in (1, 2, 3))
    await service.insert(Insert("fill", LEAF, leaves))
    await service.insert(Insert("fill", VAULT, ({"id": 1},)))


Call = Callable[[Session], Awaitable[object]]


def new(of: Table[Any], *rows: Row, conflict: OnConflict | None = None, returning: bool = True) -> Call:
    return lambda store: store.insert(Insert("new", of, rows, conflict, returning))


def note(key: int = 9, owner: uuid.UUID = ME, **more: object) -> Row:
    return {"id": key, "owner": owner, "body": "x", **more}


def change(of: Table[Any], meant: Predicate, *, returning: bool = True, **changes: object) -> Call:
    where = bind(meant, of, CATALOG)
    return lambda store: store.update(Update("change", of, where, changes, returning))


def each(of: Table[Any], *changes: tuple[int, Row]) -> Call:
    return lambda store: store.update_each(UpdateEach("each", of, changes))


def gone(of: Table[Any], meant: Predicate) -> Call:
    where = bind(meant, of, CATALOG)
    return lambda store: store.delete(Delete("gone", of, where))


def found(of: Table[Any], meant: Predicate = TRUE) -> Call:
    query = Select("found", of, bind(meant, of, CATALOG), (Order("id"),))

    async def keys(store: Session) -> object:
        rows = await store.fetch(query)
        assert await store.count(query) == len(rows)
        return [row.id for row in rows]

    return keys


MERGE = OnConflict(("id",), ("body",))
IGNORE = OnConflict(("id",), ())
NOT_NULL, UNIQUE, CHECK, FOREIGN = "NotNullViolation", "UniqueViolation", "CheckViolation", "ForeignKeyViolation"
ROW, DENIED = "RowSecurity", "RepositoryPermissionError"

CASES: dict[str, tuple[Call, object]] = {
    # reading
    "notes": (found(NOTE), [MINE]),
    "notes of a key": (found(NOTE, one_of("id", [MINE, THEIRS, MY_HIDDEN])), [MINE]),
    "nobody's notes": (found(NOTE, eq("owner", OTHER)), []),
    "no grant": (found(VAULT), DENIED),
    "no grant in a sub-query": (found(NOTE, exists(VAULT, {"id": "id"})), DENIED),
    "no grant in a sub-query that is denied": (found(NOTE, not_(exists(DROP, {"id": "id"}))), DENIED),
    "either of two policies": (found(LEAF), [1, MY_HIDDEN]),
    "a sub-query sees what its user sees": (found(LEAF, exists(NOTE, {"id": "note_id"})), [1]),
    "and denied, the rest": (found(LEAF, not_(exists(NOTE, {"id": "note_id"}))), [MY_HIDDEN]),
    "a sub-query of a sub-query": (
        found(NOTE, exists(LEAF, {"note_id": "id"}, exists(NOTE, {"id": "note_id"}, gt("id", 0)))),
        [MINE],
    ),
    # inserting: policies are asked before constraints, row by row
    "own": (new(NOTE, note()), 1),
    "another's": (new(NOTE, note(owner=OTHER)), ROW),
    "another's without a body": (new(NOTE, {"id": 9, "owner": OTHER}), ROW),
    "another's with a bad body": (new(NOTE, note(owner=OTHER, body="bad")), ROW),
    "another's with a key that is there": (new(NOTE, note(MINE, OTHER)), ROW),
    "nobody's": (new(NOTE, {"id": 9, "body": "x"}), ROW),
    "own without a body": (new(NOTE, {"id": 9, "owner": ME}), NOT_NULL),
    "own with a bad body": (new(NOTE, note(body="bad")), CHECK),
    "own hidden": (new(NOTE, note(hidden=True), returning=False), 1),
    "own hidden, answered": (new(NOTE, note(hidden=True)), ROW),
    "own with another's slug": (new(NOTE, note(slug="b")), UNIQUE),
    "own with another's key": (new(NOTE, note(THEIRS)), UNIQUE),
    "first a unique, then a policy": (new(NOTE, note(MINE), note(9, OTHER)), UNIQUE),
    "first a policy, then a required value": (new(NOTE, note(8, OTHER), {"id": 9, "owner": ME}), ROW),
    "nothing at all": (new(VAULT), 0),
    "without a grant": (new(VAULT, {"id": 9}, returning=False), DENIED),
    "written, never read": (new(DROP, {"id": 9, "owner": ME}, returning=False), 1),
    "written and answered, never read": (new(DROP, {"id": 9, "owner": ME}), DENIED),
    "written unless there, never read": (
        new(DROP, {"id": 9, "owner": ME}, conflict=IGNORE, returning=False),
        DENIED,
    ),
    "another's, never read": (new(DROP, {"id": 9, "owner": OTHER}, returning=False), ROW),
    "under a note that is seen": (new(LEAF, {"id": 9, "note_id": MINE}), 1),
    "under another's note": (new(LEAF, {"id": 9, "note_id": THEIRS}), ROW),
    "under one's own hidden note": (new(LEAF, {"id": 9, "note_id": MY_HIDDEN}), ROW),
    "under no note": (new(LEAF, {"id": 9, "note_id": 77}), ROW),
    # changing: rows that are not seen are as absent
    "change own": (change(NOTE, eq("id", MINE), body="y"), 1),
    "change another's": (change(NOTE, eq("id", THEIRS), body="y"), 0),
    "change one's own hidden": (change(NOTE, eq("id", MY_HIDDEN), body="y"), 0),
    "change all": (change(NOTE, gt("id", 0), body="y", returning=False), 1),
    "change to another's, without a check": (change(NOTE, eq("id", MINE), owner=OTHER, returning=False), ROW),
    "change to another's without a body": (change(NOTE, eq("id", MINE), owner=OTHER, body=None), ROW),
    "change to another's with their slug": (change(NOTE, eq("id", MINE), owner=OTHER, slug="b"), ROW),
    "change to hidden": (change(NOTE, eq("id", MINE), hidden=True, returning=False), ROW),
    "change to no body": (change(NOTE, eq("id", MINE), body=None), NOT_NULL),
    "change to another's slug": (change(NOTE, eq("id", MINE), slug="b"), UNIQUE),
    "change to another's key": (change(NOTE, eq("id", MINE), id=THEIRS), UNIQUE),
    "change what a leaf hangs on": (change(NOTE, eq("id", MINE), id=9), FOREIGN),
    "change without a grant": (change(VAULT, eq("id", 77), id=9), DENIED),
    "change a column without a grant": (change(FORM, eq("id", 77), mark=1), DENIED),
    "change a column with and one without": (change(FORM, eq("id", 1), answer=1, mark=1), DENIED),
    "change a column with a grant": (change(FORM, eq("id", 1), answer=1), 1),
    "change it in another's row": (change(FORM, eq("id", 2), answer=1), 0),
    "each its own": (each(NOTE, (MINE, {"body": "y"}), (THEIRS, {"body": "z"}), (MY_HIDDEN, {"body": "z"})), 1),
    "each, and one to another's": (each(NOTE, (MINE, {"owner": OTHER}), (THEIRS, {"owner": ME})), ROW),
    "each without a grant": (each(FORM, (1, {"answer": 1}), (2, {"mark": 1})), DENIED),
    # removing
    "remove own": (gone(NOTE, eq("slug", "zz")), 0),
    "remove another's": (gone(NOTE, eq("id", THEIRS)), 0),
    "remove one's own hidden": (gone(NOTE, eq("id", MY_HIDDEN)), 0),
    "remove what a leaf hangs on": (gone(NOTE, eq("id", MINE)), FOREIGN),
    "remove without a grant": (gone(VAULT, eq("id", 77)), DENIED),
    "remove what no policy means": (gone(FORM, eq("id", 1)), 0),
    # upserting: what is proposed is judged whatever is there, and what is there is not passed over
    "merge a new one": (new(NOTE, note(), conflict=MERGE), 1),
    "merge another's new one": (new(NOTE, note(owner=OTHER), conflict=MERGE), ROW),
    "merge own": (new(NOTE, note(MINE), conflict=MERGE), 1),
    "merge with another's": (new(NOTE, note(THEIRS), conflict=MERGE), ROW),
    "merge with one's own hidden": (new(NOTE, note(MY_HIDDEN), conflict=MERGE, returning=False), ROW),
    "merge own without a body": (new(NOTE, {"id": MINE, "owner": ME}, conflict=MERGE), NOT_NULL),
    "merge with another's without a body": (new(NOTE, {"id": THEIRS, "owner": ME}, conflict=MERGE), NOT_NULL),
    "merge own, then hidden": (
        new(NOTE, note(MINE, hidden=True), conflict=OnConflict(("id",), ("hidden",)), returning=False),
        ROW,
    ),
    "merge a new hidden one": (new(NOTE, note(hidden=True), conflict=MERGE, returning=False), ROW),
    "merge with another's slug elsewhere": (new(NOTE, note(slug="b"), conflict=MERGE), UNIQUE),
    "merge with another's, then without a body": (
        new(NOTE, note(THEIRS), {"id": 9, "owner": ME, "body": None}, conflict=MERGE, returning=False),
        ROW,
    ),
    "merge a column with a grant": (
        new(FORM, {"id": 1, "owner": ME, "answer": 7}, conflict=OnConflict(("id",), ("answer",))),
        1,
    ),
    "merge a column without": (
        new(FORM, {"id": 9, "owner": ME, "mark": 7}, conflict=OnConflict(("id",), ("mark",))),
        DENIED,
    ),
    # inserting what is not there: a row left alone was judged all the same, the one in its way was not
    "ignore: a new one": (new(NOTE, note(), conflict=IGNORE, returning=False), 1),
    "ignore: another's in the way": (new(NOTE, note(THEIRS), conflict=IGNORE), 0),
    "ignore: one's own hidden in the way": (new(NOTE, note(MY_HIDDEN), conflict=IGNORE), 0),
    "ignore: another's proposed": (new(NOTE, note(THEIRS, OTHER), conflict=IGNORE, returning=False), ROW),
    "ignore: another's proposed, own in the way": (new(NOTE, note(MINE, OTHER), conflict=IGNORE), ROW),
    "ignore: a hidden one proposed": (new(NOTE, note(hidden=True), conflict=IGNORE, returning=False), ROW),
    "ignore: a hidden one proposed, own in the way": (
        new(NOTE, note(MINE, hidden=True), conflict=IGNORE, returning=False),
        ROW,
    ),
    "ignore: no body, own in the way": (new(NOTE, {"id": MINE, "owner": ME}, conflict=IGNORE), NOT_NULL),
}


async def became(store: Session, call: Call) -> object:
    """What the call answers, a write its count, or the class of the error that it raises."""
    try:
        answer = await call(store)
    except RepositoryError as error:
        return type(error).__name__
    return answer.count if isinstance(answer, Written) else answer


async def state(service: Session) -> list[list[Entity]]:
    """Every row of every table."""
    return [await service.fetch(Select("state", of, order=(Order("id"),))) for of in CATALOG.tables]
