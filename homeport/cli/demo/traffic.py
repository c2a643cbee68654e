"""The traffic of a demonstration's second half: visitors of two domains, most of whom only read what is public."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from homeport.cli.demo.rows import Batch
from homeport.composition import Homeport
from homeport.repositories.social import POST
from homeport.repositories.users import USER

SOCIAL, EXPENSES = "social", "expenses"
WORKERS = 12
_CATEGORIES = ("fuel", "food", "camping")
Call = Callable[[], Awaitable[object]]


class Visitors:
    """Calls one after the other from each of the workers. An error is counted as its caller's, and changes nothing.

    Attributes:
        money: the share of the calls that are of expenses, to be changed at any time.
        calls, errors: by domain, so far.
    """

    def __init__(self, db: Homeport, rows: Sequence[Batch], seed: int) -> None:
        self.money = 0.08
        self.calls, self.errors = Counter[str](), Counter[str]()
        tables = dict(rows)
        self._db = db
        self._rng = random.Random(seed)  # noqa: S311 - made-up traffic, nothing to guess
        self._users = [each.id for each in _live(tables[USER])]
        self._posts = [each.id for each in _live(tables[POST])]

    @asynccontextmanager
    async def coming(self) -> AsyncIterator[None]:
        """Traffic while the body runs."""
        tasks = [asyncio.create_task(self._visit()) for _ in range(WORKERS)]
        try:
            yield
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _visit(self) -> None:
        while True:
            domain = EXPENSES if self._rng.random() < self.money else SOCIAL
            call = self._rng.choice(self._of_expenses() if domain == EXPENSES else self._of_social())
            self.calls[domain] += 1
            try:
                await call()
            except Exception:  # noqa: BLE001 - whatever it is, the visitor has met it
                self.errors[domain] += 1

    def _of_social(self) -> Sequence[Call]:
        social, user, post = self._db.social, self._rng.choice(self._users), self._rng.choice(self._posts)
        public: tuple[Call, ...] = (lambda: social.get_post_by_id(post), lambda: social.get_post_likes(post))
        return (
            *public * 4,
            lambda: social.get_user_posts(user),
            lambda: social.toggle_like(post, user),
            lambda: social.create_comment(post, user, {"content": "On my way"}),
        )

    def _of_expenses(self) -> Sequence[Call]:
        expenses, user = self._db.expenses, self._rng.choice(self._users)
        row = {"amount": "12.50", "category": self._rng.choice(_CATEGORIES), "date": "2026-05-01"}
        return (
            lambda: expenses.get_expenses_by_category(user, "ferry"),
            lambda: expenses.get_expenses_by_date_range(user, "2026-04-01", "2026-04-30"),
            lambda: expenses.create_expense(user, row),
        )


def _live(rows: Sequence[Any]) -> list[Any]:
    return [each for each in rows if each.deleted_at is None]
