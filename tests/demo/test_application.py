"""The example application: it knows ports alone, keeps to the mix of a real backend, and asks the same every time."""

import ast
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from examples.backend import app
from homeport.cli.demo import application
from homeport.cli.demo.answers import neutral
from homeport.cli.demo.rows import LATEST, Size, batches
from homeport.composition import Homeport, in_memory
from homeport.kernel.errors import RepositoryError

SMALL = Size(users=20, expenses=40, events=20, posts=20, comments=20, likes=20, follows=20, messages=20)


async def filled(seed: int = 1) -> Homeport:
    db = in_memory()
    for table, rows in batches(seed, SMALL):
        await db.collection(table).add_many(rows)
    return db


async def answers(db: Homeport, seed: int, operations: int) -> list[app.Answer]:
    return [each async for each in app.run(db, seed=seed, operations=operations)]


def test_the_application_imports_ports_entities_and_errors_alone() -> None:
    tree = ast.parse(Path(app.__file__).read_text())
    modules = [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    modules += [name.name for each in ast.walk(tree) if isinstance(each, ast.Import) for name in each.names]
    ours = {each for each in modules if each.startswith("homeport")}
    assert ours
    assert {each for each in ours if not each.startswith(("homeport.ports.", "homeport.domain."))} == {
        "homeport.kernel.errors"
    }


@pytest.mark.parametrize("operations", [150, 1000, 3000])
def test_the_mix_is_that_of_a_real_backend(operations: int) -> None:
    shares = Counter(app.share_out(operations, Random(1)))
    assert shares.total() == operations
    wanted = {"select": 60, "insert": 14, "update": 12, "function": 7, "delete": 5, "upsert": 3}
    assert {kind: abs(100 * shares[kind] / operations - share) <= 2 for kind, share in wanted.items()} == dict.fromkeys(
        wanted, True
    )


async def test_as_many_operations_are_answered_as_were_asked_for_and_in_that_mix() -> None:
    done = await answers(await filled(), 1, 200)
    assert Counter(each.kind for each in done) == Counter(app.share_out(200, Random("any")))


async def test_the_same_seed_asks_the_same_and_another_asks_something_else() -> None:
    first, again, other = [
        [(each.name, neutral(each.value)) for each in await answers(await filled(), seed, 150)] for seed in (1, 1, 2)
    ]
    assert first == again
    assert first != other


async def test_refusals_are_answers_and_the_run_goes_on() -> None:
    done = await answers(await filled(), 3, 600)
    refused = {type(each.value).__name__ for each in done if isinstance(each.value, RepositoryError)}
    assert {"RepositoryNotFoundError", "UniqueViolation", "CheckViolation"} <= refused
    assert len(done) == 600


async def test_every_step_of_the_application_is_taken() -> None:
    day = app.Day(in_memory(), Random(1))
    steps = {each.__name__ for several in day.steps.values() for each in several}
    taken = {each.name for each in await answers(await filled(), 1, 1000)}
    assert steps - taken == set()


def test_the_demo_finds_the_application_of_this_repository() -> None:
    assert application.load().__module__ != app.run.__module__
    assert application.load().__doc__ == app.run.__doc__


def test_rows_are_made_from_the_seed_alone_and_before_any_clock() -> None:
    assert batches(5, SMALL) == batches(5, SMALL)
    assert batches(5, SMALL) != batches(6, SMALL)
    assert all(getattr(row, "created_at", LATEST) < LATEST for _, rows in batches(5, SMALL)[1:] for row in rows)


def test_a_demonstration_begins_with_a_few_thousand_rows() -> None:
    assert 3000 <= sum(len(rows) for _, rows in batches(7)) <= 10_000
