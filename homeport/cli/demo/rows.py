"""The rows that a demonstration starts from: made up from a seed, the same for every adapter, timestamps included."""

import datetime as dt
import itertools
import random
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from homeport.domain.calendar import CalendarEvent, EventType
from homeport.domain.expenses import Expense
from homeport.domain.profiles import Profile, Units
from homeport.domain.social import Comment, DirectMessage, Follow, Like, Post
from homeport.domain.users import User, UserRole
from homeport.kernel.entity import Entity
from homeport.kernel.table import Table
from homeport.repositories.calendar import EVENT
from homeport.repositories.expenses import EXPENSE
from homeport.repositories.profiles import PROFILE
from homeport.repositories.social import COMMENT, FOLLOW, LIKE, MESSAGE, POST
from homeport.repositories.users import USER

LATEST = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
"""Every row was made before it, so what a database's own clock wrote is told apart."""

T = TypeVar("T")
L = TypeVar("L")
R = TypeVar("R")
Batch = tuple[Table[Any], Sequence[Entity]]

_FIRST = ("Ada", "Mona", "Jörg", "Noé", "Ming", "Sean", "Aino", "Ivan", "Zoë", "Paul", "Rosa", "Ömer", "Jo", "Lena")
_LAST = ("Nordmann", "O'Hara", "García", "Wanderer", "Kovač", "Smith", "van Dam", "Ito", "Møller", "Bakr", "Silva")
_PLACES = ("Lofoten", "Zürich", "Malmö", "Reykjavík", "Ærø", "Cork", "Bled", "Oulu")
_CATEGORIES = ("fuel", "food", "camping", "repairs", "ferry", "Food")
_TEXTS = (
    "Sunrise over the fjord",
    "Flat tyre, new friends",
    "100% rain, 0% regret",
    "Coffee \N{HOT BEVERAGE} and maps",
    "It's a 'long' road",
    "line one\nline two",
    "a_b%c*d\\e",
)


@attrs.frozen
class Size:
    """How many rows of each kind."""

    users: int = 240
    expenses: int = 1200
    events: int = 500
    posts: int = 400
    comments: int = 600
    likes: int = 500
    follows: int = 400
    messages: int = 400


def batches(seed: int, size: Size | None = None) -> list[Batch]:
    """All rows by table, parents before children."""
    count = size or Size()
    made = _Maker(random.Random(seed))  # noqa: S311 - made-up data, nothing to guess
    # in this order the application sees them: who made most rows is then also who asks most
    users = sorted((made.user(number) for number in range(count.users)), key=lambda each: each.email)
    posts = [made.post(users) for _ in range(count.posts)]
    neighbours = list(itertools.pairwise(users))
    return [
        (USER, users),
        (PROFILE, [made.profile(each) for each in users if made.often()]),
        (EXPENSE, [made.expense(users) for _ in range(count.expenses)]),
        (EVENT, [made.event(users) for _ in range(count.events)]),
        (POST, posts),
        (COMMENT, [made.comment(users, posts) for _ in range(count.comments)]),
        (LIKE, [made.like(post, user) for post, user in made.pairs(posts, users, count.likes)]),
        (FOLLOW, [made.follow(*pair) for pair in made.pairs(users, users, count.follows)]),
        (MESSAGE, [made.message(neighbours) for _ in range(count.messages)]),
    ]


class _Maker:
    """One row at a time. Nothing here reads the clock or asks for a random id."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def user(self, number: int) -> User:
        round_, place = divmod(number, len(_FIRST) * len(_LAST))
        first, last = _FIRST[place % len(_FIRST)], _LAST[place // len(_FIRST)]
        made = self._moment()
        name = f"{first} {last}" if round_ == 0 else f"{first} {last} {round_ + 1}"
        return User(
            id=self._id(),
            email=f"{first}.{number}@Example.com",
            email_verified=self.often(),
            first_name=first,
            last_name=last,
            display_name=name,
            role=self.pick(list(UserRole)),
            deleted_at=self._deleted(),
            created_at=made,
            updated_at=made,
        )

    def profile(self, user: User) -> Profile:
        made = self._moment()
        return Profile(
            id=user.id,
            email=user.email,
            username=(user.display_name or "").replace(" ", "."),
            full_name=user.display_name,
            nickname=self.pick((None, "wanderer", "100%", user.first_name)),
            region=self.pick((None, *_PLACES)),
            interests=self.pick((None, (), ("hiking", "ferries"), ("a,b", 'c"d'))),
            content_preferences={"maps": {"dark": self.often()}, "places": [self.pick(_PLACES), 1.5, None]},
            preferred_units=self.pick(list(Units)),
            language=self.pick(("en", "de", None)),
            created_at=made,
            updated_at=made,
        )

    def expense(self, users: Sequence[User]) -> Expense:
        made = self._moment()
        return Expense(
            id=self._id(),
            user_id=self._active(users).id,
            amount=Decimal(self._draw.randrange(50, 90_000)) / 100,
            currency=self.pick(("EUR", "USD", "CHF")),
            category=self.pick(_CATEGORIES),
            description=self.pick((None, *_TEXTS)),
            date=self._moment().date(),
            location=self.pick((None, *_PLACES)),
            tags=self.pick((None, (), ("trip",), ("trip", "shared"))),
            created_at=made,
            updated_at=made,
        )

    def event(self, users: Sequence[User]) -> CalendarEvent:
        made, start = self._moment(), self._moment()
        return CalendarEvent(
            id=self._id(),
            user_id=self._active(users).id,
            title=self.pick(_TEXTS),
            start_date=start,
            end_date=start + dt.timedelta(minutes=self._draw.randrange(0, 3000)),
            event_type=self.pick(list(EventType)),
            location_name=self.pick(_PLACES),
            reminder_minutes=self.pick((None, (), (15,), (10, 60))),
            created_at=made,
            updated_at=made,
        )

    def post(self, users: Sequence[User]) -> Post:
        made = self._moment()
        return Post(
            id=self._id(),
            user_id=self._active(users).id,
            content=self.pick(_TEXTS),
            location_name=self.pick((None, *_PLACES)),
            latitude=Decimal(self._draw.randrange(-90_000_000, 90_000_000)) / 1_000_000,
            tags=self.pick((None, (self.pick(_CATEGORIES), "road"))),
            deleted_at=self._deleted(),
            created_at=made,
            updated_at=made,
        )

    def comment(self, users: Sequence[User], posts: Sequence[Post]) -> Comment:
        made = self._moment()
        return Comment(
            id=self._id(),
            post_id=self.pick(posts).id,
            user_id=self._active(users).id,
            content=self.pick(_TEXTS),
            deleted_at=self._deleted(),
            created_at=made,
            updated_at=made,
        )

    def like(self, post: Post, user: User) -> Like:
        return Like(id=self._id(), post_id=post.id, user_id=user.id, created_at=self._moment())

    def follow(self, follower: User, followed: User) -> Follow:
        return Follow(id=self._id(), follower_id=follower.id, following_id=followed.id, created_at=self._moment())

    def message(self, neighbours: Sequence[tuple[User, User]]) -> DirectMessage:
        sender, recipient = self.pick(neighbours)
        return DirectMessage(
            id=self._id(),
            sender_id=sender.id,
            recipient_id=recipient.id,
            content=self.pick(_TEXTS),
            metadata={"client": "web", "n": [1, 2.5, None]} if self.often() else None,
            created_at=self._moment(),
        )

    def pairs(self, left: Sequence[L], right: Sequence[R], count: int) -> list[tuple[L, R]]:
        """Different pairs, none of a thing with itself."""
        found: dict[tuple[int, int], tuple[L, R]] = {}
        while len(found) < count:
            one, other = self._draw.randrange(len(left)), self._draw.randrange(len(right))
            if left[one] is not right[other]:
                found[one, other] = left[one], right[other]
        return list(found.values())

    def often(self) -> bool:
        return self._draw.random() < 0.9

    def pick(self, choices: Sequence[T]) -> T:
        return self._draw.choice(choices)

    def _active(self, users: Sequence[User]) -> User:
        """A few users make most of the rows."""
        return users[min(int(self._draw.expovariate(8 / len(users))), len(users) - 1)]

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self._draw.getrandbits(128), version=4)

    def _moment(self) -> dt.datetime:
        return LATEST - dt.timedelta(seconds=self._draw.randrange(1, 300 * 24 * 3600))

    def _deleted(self) -> dt.datetime | None:
        return self._moment() if self._draw.random() < 0.04 else None
