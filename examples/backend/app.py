"""The backend of a small travel application, and a day's traffic on it. It knows ports, and no adapter.

`homeport demo` runs it on each adapter, and compares what it answered.
"""

import bisect
import datetime as dt
import itertools
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Protocol

import attrs

from homeport.domain.calendar import CalendarEvent
from homeport.domain.expenses import Expense
from homeport.domain.profiles import Profile
from homeport.domain.public_profile import PublicProfile
from homeport.domain.social import Comment, CommentWithAuthor, DirectMessage, Follow, Like, LikeState, Post
from homeport.domain.users import User
from homeport.kernel.errors import RepositoryError
from homeport.ports.calendar import CalendarRepository
from homeport.ports.expenses import ExpenseRepository
from homeport.ports.profiles import ProfileRepository
from homeport.ports.social import SocialRepository
from homeport.ports.users import UserRepository

MIX = {"select": 60, "insert": 14, "update": 12, "function": 7, "delete": 5, "upsert": 3}
"""How a real backend's operations are shared out; rounded shares, so they need not add up to 100."""

TODAY = dt.datetime(2025, 11, 30, 12, tzinfo=dt.UTC)
CATEGORIES = ("fuel", "food", "camping", "repairs", "ferry", "Food")


class Ports(Protocol):
    """What the application is given; an opened Homeport has it all."""

    @property
    def users(self) -> UserRepository: ...
    @property
    def profiles(self) -> ProfileRepository: ...
    @property
    def expenses(self) -> ExpenseRepository: ...
    @property
    def social(self) -> SocialRepository: ...
    @property
    def calendar(self) -> CalendarRepository: ...


# -- services: what the application does for its users


async def sign_in(users: UserRepository, email: str) -> User | None:
    return await users.find_by_email(email.strip())


async def members(users: UserRepository) -> list[User]:
    return await users.find_active_users(order_by="email")


async def newest_members(users: UserRepository, page: int) -> list[str | None]:
    found = await users.find_active_users({"email_verified": True}, limit=20, offset=20 * page)
    return [each.display_name for each in found]


async def find_people(profiles: ProfileRepository, text: str) -> list[PublicProfile]:
    return await profiles.search_profiles(text, limit=15)


async def spent_in_month(expenses: ExpenseRepository, user: uuid.UUID, first: dt.date) -> dict[str, Decimal]:
    """Totals by category and currency: rates change, so currencies are never added up."""
    last = (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    totals: dict[str, Decimal] = {}
    for each in await expenses.get_expenses_by_date_range(user, first, last):
        key = f"{each.category} {each.currency}"
        totals[key] = totals.get(key, Decimal(0)) + each.amount
    return totals


async def large_expenses(expenses: ExpenseRepository, user: uuid.UUID, least: Decimal) -> list[Expense]:
    return await expenses.get_user_expenses(user, {"min_amount": least, "currency": ["EUR", "USD"]})


async def agenda(calendar: CalendarRepository, user: uuid.UUID, start: dt.datetime) -> list[CalendarEvent]:
    return await calendar.get_user_events(user, start, start + dt.timedelta(days=60))


async def postpone(calendar: CalendarRepository, user: uuid.UUID, event: uuid.UUID, days: int) -> CalendarEvent | None:
    found = await calendar.get_event_by_id(event, user)
    if found is None:
        return None
    later = dt.timedelta(days=days)
    return await calendar.update_event(
        event, user, {"start_date": found.start_date + later, "end_date": found.end_date + later}
    )


async def follow(social: SocialRepository, user: uuid.UUID, other: uuid.UUID) -> Follow:
    return await social.follow_user(user, other)


# -- a day's traffic: who asks for what, the same on every adapter


@attrs.frozen
class Answer:
    """What one operation answered; where it was refused, the error."""

    kind: str
    name: str
    value: object
    seconds: float


async def run(db: Ports, *, seed: int, operations: int) -> AsyncIterator[Answer]:
    """So many operations, one after another. What they ask depends on the seed, and on earlier answers."""
    day = Day(db, random.Random(f"traffic {seed}"))
    schedule = share_out(operations, day.random)
    first = schedule.index("select")
    schedule[0], schedule[first] = schedule[first], schedule[0]
    for number, kind in enumerate(schedule):
        step = day.choose(kind) if number > 0 else day.open_the_directory
        started = time.perf_counter()
        try:
            value: object = await step()
        except RepositoryError as error:
            value = error
        answer = Answer(kind, step.__name__, value, time.perf_counter() - started)
        day.remember(value)
        yield answer


def share_out(operations: int, draw: random.Random) -> list[str]:
    """Kinds in random order, as near to the mix as so many operations can be."""
    ends = list(itertools.accumulate(MIX.values()))
    points = ((number + 0.5) * ends[-1] / operations for number in range(operations))
    kinds = [list(MIX)[bisect.bisect(ends, point)] for point in points]
    draw.shuffle(kinds)
    return kinds


Step = Callable[[], Awaitable[object]]


class Day:
    """The users and what they do. They know what they were shown, make mistakes, and try what is not theirs."""

    def __init__(self, db: Ports, draw: random.Random) -> None:
        self.db = db
        self.random = draw
        self.people: list[User] = []
        self.expenses: dict[uuid.UUID, uuid.UUID] = {}
        self.events: dict[uuid.UUID, uuid.UUID] = {}
        self.posts: dict[uuid.UUID, uuid.UUID] = {}
        self.comments: dict[uuid.UUID, uuid.UUID] = {}
        self.follows: list[tuple[uuid.UUID, uuid.UUID]] = []
        self.steps: dict[str, Sequence[Step]] = {
            "select": (
                *(self.sign_in, self.newest_members, self.own_profile, self.profile_page, self.find_people),
                *(self.month, self.large_expenses, self.by_category, self.receipt, self.agenda, self.appointment),
                *(self.posts_of, self.posts_of, self.read_post, self.read_comments, self.read_comments),
                *(self.liked_by, self.followers, self.following, self.messages),
            ),
            "insert": (self.spend, self.spend, self.plan, self.publish, self.comment, self.write, self.introduce),
            "update": (self.correct_expense, self.postpone, self.edit_post, self.edit_profile),
            "function": (self.like,),
            "delete": (self.drop_expense, self.cancel_event, self.delete_post, self.unfollow),
            "upsert": (self.follow,),
        }

    def choose(self, kind: str) -> Step:
        return self.random.choice(self.steps[kind])

    def remember(self, value: object) -> None:
        match value:
            case [*several]:
                for each in several:
                    self.remember(each)
            case User():
                self.people.append(value)
            case Expense():
                self.expenses[value.id] = value.user_id
            case CalendarEvent():
                self.events[value.id] = value.user_id
            case Post():
                self.posts[value.id] = value.user_id
            case CommentWithAuthor():
                self.remember(value.comment)
            case Comment():
                self.comments[value.id] = value.user_id
            case Follow():
                self.follows.append((value.follower_id, value.following_id))
            case _:
                pass

    # -- looking

    async def open_the_directory(self) -> list[User]:
        return await members(self.db.users)

    async def sign_in(self) -> dict[str, object] | None:
        email = self.person().email
        found = await sign_in(self.db.users, self.random.choice((email, email.upper(), f" {email} ", f"x{email}")))
        return None if found is None else {"id": found.id, "name": found.display_name, "role": found.role}

    async def newest_members(self) -> list[str | None]:
        return await newest_members(self.db.users, self.random.randrange(12))

    async def own_profile(self) -> Profile | None:
        return await self.db.profiles.get_profile(self.user())

    async def profile_page(self) -> PublicProfile | None:
        name = (self.person().display_name or "nobody").replace(" ", ".")
        return await self.db.profiles.get_profile_by_username(self.random.choice((name, name.lower(), name.upper())))

    async def find_people(self) -> list[PublicProfile]:
        text = self.random.choice(("an", "MO", "jo", "é", "%", "_", "100%", "wander", " ", "o'", "*"))
        return await find_people(self.db.profiles, text)

    async def month(self) -> dict[str, Decimal]:
        return await spent_in_month(self.db.expenses, self.user(), dt.date(2025, self.random.randint(1, 12), 1))

    async def large_expenses(self) -> list[Expense]:
        return await large_expenses(self.db.expenses, self.user(), Decimal(self.random.randint(0, 300)))

    async def by_category(self) -> list[Expense]:
        return await self.db.expenses.get_expenses_by_category(self.user(), self.random.choice(CATEGORIES))

    async def receipt(self) -> Expense | None:
        expense, user = self.thing(self.expenses)
        return await self.db.expenses.get_expense_by_id(expense, user)

    async def agenda(self) -> list[CalendarEvent]:
        return await agenda(self.db.calendar, self.user(), self.moment())

    async def appointment(self) -> CalendarEvent | None:
        event, user = self.thing(self.events)
        return await self.db.calendar.get_event_by_id(event, user)

    async def posts_of(self) -> list[Post]:
        return await self.db.social.get_user_posts(self.user())

    async def read_post(self) -> Post | None:
        return await self.db.social.get_post_by_id(self.thing(self.posts)[0])

    async def read_comments(self) -> list[CommentWithAuthor]:
        return await self.db.social.get_post_comments(self.thing(self.posts)[0])

    async def liked_by(self) -> list[Like]:
        return await self.db.social.get_post_likes(self.thing(self.posts)[0])

    async def followers(self) -> list[PublicProfile]:
        return await self.db.social.get_user_followers(self.user())

    async def following(self) -> list[PublicProfile]:
        return await self.db.social.get_user_following(self.user())

    async def messages(self) -> list[DirectMessage]:
        user = self.random.randrange(len(self.people) - 1)
        return await self.db.social.get_user_messages(self.people[user].id, self.people[user + 1].id)

    # -- writing

    async def spend(self) -> Expense:
        data: dict[str, object] = {
            "id": self.new_id(),
            "amount": Decimal(self.random.randrange(100, 90_000)) / 100,
            "currency": self.random.choice(("EUR", "USD", "CHF")),
            "category": self.random.choice(CATEGORIES),
            "description": self.text(),
            "date": self.moment().date(),
            "tags": self.random.choice((None, [], ["trip"], ["trip", "shared \N{CAMPING}", 'quoted "tag"'])),
        }
        mistakes: list[dict[str, object]] = [
            {"amount": Decimal(-1)},
            {"currency": "eur"},
            {"category": None},
            {"id": next(iter(self.expenses), data["id"])},
            {"ammount": 1},
        ]
        user = self.new_id() if self.now_and_then(0.02) else self.user()
        return await self.db.expenses.create_expense(user, {**data, **self.mistake(mistakes)})

    async def plan(self) -> CalendarEvent:
        start = self.moment()
        data: dict[str, object] = {
            "id": self.new_id(),
            "title": self.text(),
            "start_date": start,
            "end_date": start + dt.timedelta(minutes=self.random.choice((30, 60, 24 * 60, 0))),
            "event_type": self.random.choice(("trip", "maintenance", "personal")),
            "reminder_minutes": self.random.choice((None, [], [10, 60])),
        }
        mistakes: list[dict[str, object]] = [{"end_date": start - dt.timedelta(days=1)}, {"event_type": "party"}]
        return await self.db.calendar.create_event(self.user(), {**data, **self.mistake(mistakes)})

    async def publish(self) -> Post:
        data = {
            "id": self.new_id(),
            "content": self.text(),
            "images": [f"https://example.com/{self.random.randrange(1000)}.jpg"],
            "latitude": Decimal(self.random.randrange(-90_000_000, 90_000_000)) / 1_000_000,
            "tags": [self.random.choice(CATEGORIES)],
        }
        return await self.db.social.create_post(self.user(), {**data, **self.mistake([{"likes": 7}])})

    async def comment(self) -> Comment:
        post, _ = self.thing(self.posts)
        data: dict[str, object] = {"id": self.new_id(), "content": self.text()}
        if self.now_and_then(0.1):
            data["parent_comment_id"] = self.thing(self.comments)[0]
        return await self.db.social.create_comment(post, self.user(), data)

    async def write(self) -> DirectMessage:
        user = self.random.randrange(len(self.people) - 1)
        sender = self.people[user].id
        recipient = sender if self.now_and_then(0.05) else self.people[user + 1].id
        data = {"id": self.new_id(), "content": self.text(), "metadata": {"client": "web", "draft": [1, 2.5, None]}}
        return await self.db.social.send_message(sender, recipient, data)

    async def introduce(self) -> Profile:
        user = self.person()
        name = (user.display_name or "nobody").replace(" ", ".").lower()
        return await self.db.profiles.create_profile(user.id, {"username": name, "interests": ["hiking", "boats"]})

    async def correct_expense(self) -> Expense:
        expense, user = self.thing(self.expenses)
        changes: list[dict[str, object]] = [
            {"amount": Decimal(self.random.randrange(100, 90_000)) / 100},
            {"vendor": self.text(), "tags": ["corrected"]},
            {"description": None},
            {},
        ]
        change = {**self.random.choice(changes), **self.mistake([{"amount": Decimal(-5)}, {"user_id": self.user()}])}
        return await self.db.expenses.update_expense(expense, user, change)

    async def postpone(self) -> CalendarEvent | None:
        event, user = self.thing(self.events)
        return await postpone(self.db.calendar, user, event, self.random.choice((1, 7)))

    async def edit_post(self) -> Post:
        post, user = self.thing(self.posts)
        return await self.db.social.update_post(post, user, {"content": self.text(), "flagged": self.now_and_then(0.5)})

    async def edit_profile(self) -> Profile:
        taken = (self.person().display_name or "nobody").replace(" ", ".").upper()
        changes: list[dict[str, object]] = [
            {"preferred_units": "imperial", "last_active": self.moment()},
            {"travel_style": ["slow", "by train"], "content_preferences": {"maps": {"dark": True}, "n": 3}},
            {"nickname": self.text()},
            {"username": taken},
        ]
        return await self.db.profiles.update_profile(self.user(), self.random.choice(changes))

    async def like(self) -> LikeState:
        return await self.db.social.toggle_like(self.thing(self.posts)[0], self.user())

    async def drop_expense(self) -> bool:
        return await self.db.expenses.delete_expense(*self.thing(self.expenses))

    async def cancel_event(self) -> bool:
        return await self.db.calendar.delete_event(*self.thing(self.events))

    async def delete_post(self) -> bool:
        return await self.db.social.delete_post(*self.thing(self.posts))

    async def unfollow(self) -> bool:
        known = self.random.choice(self.follows) if self.follows else (self.user(), self.user())
        return await self.db.social.unfollow_user(*known)

    async def follow(self) -> Follow:
        return await follow(self.db.social, self.user(), self.user())

    # -- what comes to mind

    def person(self) -> User:
        return self.random.choice(self.people)

    def user(self) -> uuid.UUID:
        """A few are active, most are quiet."""
        return self.people[min(int(self.random.expovariate(8 / len(self.people))), len(self.people) - 1)].id

    def thing(self, seen: dict[uuid.UUID, uuid.UUID]) -> tuple[uuid.UUID, uuid.UUID]:
        """Something that was seen and whose it is; now and then who asks is somebody else."""
        if not seen:
            return self.new_id(), self.user()
        found = self.random.choice(list(seen))
        return found, self.user() if self.now_and_then(0.08) else seen[found]

    def moment(self) -> dt.datetime:
        return TODAY - dt.timedelta(minutes=self.random.randrange(-20_000, 480_000))

    def text(self) -> str:
        return self.random.choice(
            (
                "Fuel for the ferry road",
                "Zürich → Malmö, 1 200 km",
                "It's 100% worth it, isn't it?",
                'A "quiet" place \\ by the lake',
                "Two lines:\nthis is the second",
                "\N{CAMPING} + \N{SNOW CAPPED MOUNTAIN} = \N{SMILING FACE WITH SUNGLASSES}",
                "(a,b){c}",
                "",
            )
        )

    def new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def now_and_then(self, share: float) -> bool:
        return self.random.random() < share

    def mistake(self, mistakes: Sequence[dict[str, object]]) -> dict[str, object]:
        return self.random.choice(mistakes) if self.now_and_then(0.08) else {}
