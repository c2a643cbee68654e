"""Random steps over every port method and base method. Small pools of values, so that rows meet and collide."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from homeport.contexts import SHIPPED
from homeport.kernel.predicates import (
    Predicate,
    all_of,
    any_of,
    eq,
    exists,
    not_,
)
from homeport.kernel.query import Deleted
from homeport.kernel.table import Table
from tests.differential.draws import (
    PEOPLE,
    UTC,
    WORDS,
    Dice,
    day,
    leaf,
    maybe,
    moment,
    order,
    owned,
    person,
    pick,
    some,
    uid,
    without,
)
from tests.differential.outcome import Ref, Step
from tests.differential.ports import Kind, context_step
from tests.differential.tables import ground
from tests.support.specimens import CRATE, LABEL, SPECIMEN, Mood, Size

NAMES = ["a", "A", "É", "é", "a%", ""]


# -- predicates


def predicate(
    dice: Dice, table: Table[Any], values: dict[str, Sequence[object]], depth: int = 2, *, across: bool = True
) -> Predicate:
    """Any predicate; one that looks `across` into another table is for reads: the legacy API has none for writes."""
    roll = dice.random()
    if depth and roll < 0.2:
        parts = [predicate(dice, table, values, depth - 1, across=across) for _ in range(dice.randrange(3))]
        return all_of(*parts) if dice.random() < 0.5 else any_of(*parts)
    if depth and roll < 0.35:
        return not_(predicate(dice, table, values, depth - 1, across=across))
    if across and depth and roll < 0.45 and table is CRATE:
        return exists(LABEL, {"crate_id": "id"}, predicate(dice, LABEL, LABEL_VALUES, 0))
    if across and depth and roll < 0.45 and table is LABEL:
        inner = predicate(dice, CRATE, CRATE_VALUES, depth - 1)
        return exists(CRATE, {"id": dice.choice(["crate_id", "spare_id"])}, inner)
    return leaf(dice, values)


CRATE_VALUES: dict[str, Sequence[object]] = {
    "code": WORDS,
    "shelf": WORDS,
    "position": [0, 1, 2],
    "labels_count": [0, 1, 2],
    "version": [1, 2],
}
LABEL_VALUES: dict[str, Sequence[object]] = {"name": NAMES, "weight": [0, 1, 2], "above_id": [uid("label", 0)]}
SPECIMEN_VALUES: dict[str, Sequence[object]] = {
    "words": WORDS,
    "short": ["", "a", "ab"],
    "flag": [True, False],
    "tiny": [-1, 0, 1],
    "big": [2**60, 0],
    "price": [Decimal("1.5"), Decimal("1.50001"), Decimal(0)],
    "exact": [Decimal("1.5"), Decimal("1E-20")],
    "ratio": [0.1, -2.5],
    "factor": [0.1, 2],
    "day": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)],
    "moment": [dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)],
    "span": [dt.timedelta(1), dt.timedelta(microseconds=-1)],
    "other_id": [uid("other", 0), uid("other", 1)],
    "mood": list(Mood),
    "size": list(Size),
    "doubled": [2, 4],
}


# -- the base methods on the test tables


def specimen(dice: Dice) -> dict[str, object]:
    whole: dict[str, Callable[[], object]] = {
        name: partial(dice.choice, [*values, None]) for name, values in SPECIMEN_VALUES.items() if name != "doubled"
    }
    return maybe(
        dice,
        {
            **whole,
            "whole": lambda: dice.choice([1, 2, None]),
            "facts": lambda: dice.choice([{"b": 1, "a": [None, 1.5]}, [], "x", 0, None]),
            "words_list": lambda: dice.choice([["a", ""], [], None]),
            "size_list": lambda: dice.choice([["large", "small"], None]),
            "raw": lambda: dice.choice([b"", b"\x00\xff", None]),
        },
        0.25,
    ) | {"id": some(dice, "specimen", 6), "words": dice.choice(WORDS), "size": dice.choice([*Size, None])}


def crate(dice: Dice) -> dict[str, object]:
    return {"code": dice.choice(WORDS)} | maybe(
        dice,
        {
            "shelf": lambda: dice.choice([*WORDS[:3], None]),
            "position": lambda: dice.choice([-1, -1, 0, 1, 2, None]),
            "version": lambda: dice.choice([1, 2, None, None]),
        },
    )


def label(dice: Dice) -> dict[str, object]:
    return (
        {"id": some(dice, "label", 4), "crate_id": Ref(dice.randrange(2)), "name": dice.choice(NAMES)}
        | maybe(
            dice,
            {
                "spare_id": lambda: Ref(dice.randrange(4)),
                "above_id": lambda: some(dice, "label", 4),
                "weight": lambda: dice.choice([0, 1, 2, None]),
            },
            0.15,
        )
        | maybe(dice, {"kept_id": lambda: Ref(dice.randrange(3))}, 0.3)
    )


BASE: dict[str, tuple[Callable[[Dice], dict[str, object]], Table[Any], dict[str, Sequence[object]], str]] = {
    "test.specimens": (specimen, SPECIMEN, SPECIMEN_VALUES, "specimen"),
    "test.crates": (crate, CRATE, CRATE_VALUES, "crate"),
    "test.labels": (label, LABEL, LABEL_VALUES, "label"),
}


def key(dice: Dice, kind: str) -> object:
    return Ref(dice.randrange(4)) if kind == "crate" else some(dice, kind, 4)


def specimen_step(dice: Dice) -> Step:
    return base_step(dice, "test.specimens")


def crate_step(dice: Dice) -> Step:
    return base_step(dice, dice.choice(["test.crates", "test.crates", "test.labels", "test.labels", "test.labels"]))


def base_step(dice: Dice, path: str) -> Step:
    make, table, values, kind = BASE[path]
    where, meant = predicate(dice, table, values), predicate(dice, table, values, across=False)
    # of two crates deleted at once, the one that a label keeps may go before or after the one that takes it along
    fewer = eq("code", dice.choice(WORDS)) if kind == "crate" else leaf(dice, values)
    change = without(make(dice), "id")
    window = {"limit": dice.choice([None, 0, 1, 3]), "offset": dice.choice([0, 0, 1, 2])}
    deleted = {"deleted": dice.choice(list(Deleted))}
    sort = {"order_by": order(dice, list(values))}
    target = {"test.crates": ["code"], "test.specimens": ["id"], "test.labels": ["id"]}[path]
    upsert = without(make(dice), "id") if kind == "crate" else make(dice)
    choices: list[tuple[int, Step]] = [
        (8, Step(f"{path}.create", (make(dice),))),
        (3, Step(f"{path}.create_many", ([make(dice) for _ in range(dice.randrange(4))],))),
        (1, Step(f"{path}.bulk_create", ([make(dice) for _ in range(dice.randrange(4))],))),
        (5, Step(f"{path}.upsert", (upsert,), {"target": target})),
        (1, Step(f"{path}.upsert_many", (_alike(dice, make, target),), {"target": target})),
        (1, Step(f"{path}.insert_absent", (upsert,), {"target": target})),
        (3, Step(f"{path}.update", (key(dice, kind), change))),
        (2, Step(f"{path}.update_many", (meant, change))),
        (1, Step(f"{path}.bulk_update", ([(key(dice, kind), change)],))),
        (1, Step(f"{path}.delete", (key(dice, kind),))),
        (1, Step(f"{path}.delete_many", (all_of(meant, leaf(dice, values), fewer),))),
        (1, Step(f"{path}.bulk_delete", ([key(dice, kind)],))),
        (1, Step(f"{path}.discard", (key(dice, kind),))),
        (4, Step(f"{path}.soft_delete", (key(dice, kind),))),
        (2, Step(f"{path}.restore", (key(dice, kind),))),
        (2, Step(f"{path}.find_by_id", (key(dice, kind),))),
        (1, Step(f"{path}.find_by_ids", ([key(dice, kind) for _ in range(3)],))),
        (6, Step(f"{path}.find_many", (where,), {**window, **deleted, **sort})),
        (1, Step(f"{path}.find_first", (where,), sort)),
        (2, Step(f"{path}.count", (where,), deleted)),
        (1, Step(f"{path}.exists", (where,))),
        (1, Step(f"{path}.paginate", (where,), {"page": dice.choice([1, 2]), "page_size": 2, **sort})),
    ]
    return pick(dice, choices)


def _alike(dice: Dice, make: Callable[[Dice], dict[str, object]], target: Sequence[str]) -> list[dict[str, object]]:
    """Rows of an upsert: all with the fields of the first."""
    first = make(dice) if "id" in target else without(make(dice), "id")
    rows = [first]
    for _ in range(dice.randrange(3)):
        other = make(dice)
        rows.append({name: other.get(name, value) for name, value in first.items()})
    return rows


# -- the ports


def people_step(dice: Dice) -> Step:
    user = person(dice)
    email = dice.choice(["a@x.org", "A@X.org", "b@x.org", "c@x.org"])
    profile = maybe(
        dice,
        {
            "email": lambda: email,
            "username": lambda: dice.choice(["ann", "Ann", "bob", "anna_b"]),
            "nickname": lambda: dice.choice(WORDS),
            "full_name": lambda: dice.choice(["Ann Other", "Bob", "%", None]),
            "interests": lambda: ["a", "b"],
            "preferred_units": lambda: dice.choice(["metric", "imperial"]),
            "id": lambda: user,
            "user_id": lambda: person(dice),
        },
    )
    return pick(
        dice,
        [
            (4, Step("users.users.create", ({"id": user, "email": email},))),
            (1, Step("users.users.update", (user, {"first_name": "x", "email_verified": True}))),
            (1, Step("users.users.soft_delete", (user,))),
            (2, Step("users.users.restore", (user,))),
            (1, Step("users.users.delete", (user,))),
            (3, Step("users.users.create", ({"id": user, "email": f"{dice.randrange(9)}@x.org"},))),
            (1, Step("users.find_by_email", (email,))),
            (1, Step("users.find_active_users", ({"email_verified": dice.random() < 0.5},))),
            (4, Step("profiles.create_profile", (user, profile))),
            (2, Step("profiles.update_profile", (user, profile))),
            (1, Step("profiles.delete_profile", (user,))),
            (1, Step("profiles.get_profile", (user,))),
            (1, Step("profiles.get_profile_by_username", (dice.choice(["ANN", "bob", "x"]),))),
            (2, Step("profiles.search_profiles", (dice.choice(["a", "B", "%", "_", "", " "]), dice.randrange(4)))),
        ],
    )


def expense_step(dice: Dice) -> Step:
    it, user = owned(dice, "expense", 4)
    data = maybe(
        dice,
        {
            "currency": lambda: dice.choice(["EUR", "eur", "USD"]),
            "category": lambda: dice.choice(["fuel", "Fuel", "food"]),
            "date": lambda: day(dice),
            "amount": lambda: dice.choice(["-1", "0", "12.345", "9999999999.99", 7]),
            "tags": lambda: ["x", "y"],
        },
        0.3,
    )
    if dice.random() < 0.1:
        data[dice.choice(["user_id", "nothing"])] = person(dice)
    full = {"id": it, "amount": "5.00", "category": "fuel"} | data
    filters = maybe(
        dice,
        {"category": lambda: "fuel", "min_amount": lambda: "3", "max_amount": lambda: 8, "date": lambda: day(dice)},
    )
    start, end = day(dice), day(dice)
    return pick(
        dice,
        [
            (5, Step("expenses.create_expense", (user, full))),
            (2, Step("expenses.get_user_expenses", (user, filters))),
            (1, Step("expenses.get_expense_by_id", (it, user))),
            (3, Step("expenses.update_expense", (it, user, data))),
            (1, Step("expenses.delete_expense", (it, user))),
            (2, Step("expenses.get_expenses_by_date_range", (user, start.isoformat(), end.isoformat()))),
            (1, Step("expenses.get_expenses_by_category", (user, dice.choice(["fuel", "Fuel"])))),
        ],
    )


def calendar_step(dice: Dice) -> Step:
    it, user = owned(dice, "event", 4)
    start, end = moment(dice), moment(dice)
    data: dict[str, object] = {
        "start_date": min(start, end) if dice.random() < 0.8 else start,
        "end_date": max(start, end),
    }
    data |= maybe(dice, {"title": lambda: dice.choice(WORDS), "event_type": lambda: "trip", "all_day": lambda: True})
    return pick(
        dice,
        [
            (4, Step("calendar.create_event", (user, {"id": it, "title": "t", **data}))),
            (
                3,
                Step(
                    "calendar.get_user_events",
                    (user, dice.choice([None, moment(dice)]), dice.choice([None, moment(dice)])),
                ),
            ),
            (1, Step("calendar.get_event_by_id", (it, user))),
            (2, Step("calendar.update_event", (it, user, data))),
            (1, Step("calendar.delete_event", (it, user))),
        ],
    )


def social_step(dice: Dice) -> Step:
    (post, author), comment = owned(dice, "post", 4), some(dice, "comment")
    user, other = person(dice), person(dice)
    about = maybe(dice, {"parent_comment_id": lambda: some(dice, "comment"), "content": lambda: dice.choice(WORDS)})
    return pick(
        dice,
        [
            (4, Step("social.create_post", (author, {"id": post, "content": "p", "tags": ["t"]}))),
            (1, Step("social.get_user_posts", (user,))),
            (2, Step("social.get_post_by_id", (post,))),
            (1, Step("social.update_post", (post, author, {"content": dice.choice(WORDS), "latitude": "1.2345678"}))),
            (1, Step("social.delete_post", (post, author))),
            (4, Step("social.create_comment", (post, user, {"id": comment, "content": "c", **about}))),
            (2, Step("social.get_post_comments", (post,))),
            (1, Step("social.comments.discard", (comment,))),
            (5, Step("social.toggle_like", (post, user))),
            (1, Step("social.get_post_likes", (post,))),
            (2, Step("social.follow_user", (user, other))),
            (1, Step("social.unfollow_user", (user, other))),
            (1, Step("social.get_user_followers", (user,))),
            (1, Step("social.get_user_following", (user,))),
            (2, Step("social.send_message", (user, other, {"id": some(dice, "message", 30), "content": "m"}))),
            (1, Step("social.get_user_messages", (user, other))),
        ],
    )


OWN: list[Kind] = [specimen_step, crate_step, people_step, expense_step, calendar_step, social_step]
OF_CONTEXTS: dict[Kind, str] = {context_step(name): name for name in SHIPPED}
KINDS: list[Kind] = [*OWN, *OWN, *OF_CONTEXTS]
"""Every installed table takes part: what is written by hand here meets the rows of all contexts."""


def steps(dice: Dice, length: int, kinds: Sequence[Kind] | None = None) -> list[Step]:
    """The random part of a history: two or three kinds of step, so that rows of one kind meet often."""
    if kinds is None:
        kinds = dice.sample(KINDS, dice.randrange(2, 4))
    first = [step for each in kinds if each in OF_CONTEXTS for step in ground(OF_CONTEXTS[each])]
    return [*first, *(dice.choice(kinds)(dice) for _ in range(length - len(first)))]


def opening() -> list[Step]:
    """What every history starts with, so that not everything fails for want of it."""
    people = [{"id": uid("user", number), "email": f"{number}@x.org"} for number in range(PEOPLE)]
    crates = [{"code": f"crate {number}"} for number in range(3)]
    posts = [(uid("user", number), {"id": uid("post", number), "content": "p"}) for number in range(3)]
    return [
        Step("users.users.create_many", (people,)),
        Step("test.crates.create_many", (crates,)),
        *(Step("social.create_post", each) for each in posts),
    ]
