"""PAM: interactions, memories, context and knowledge, on every adapter."""

import asyncio
import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.pam import MemoryType, PamContext, PamInteraction, PamMemory
from homeport.domain.users import User
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    RepositoryValidationError,
)
from homeport.kernel.predicates import ge, lt
from homeport.repositories.pam import INTERACTION, MEMORY
from homeport.testing import a_campground, a_memory, a_pam_context, a_piece_of_knowledge, a_trip, a_user, an_interaction
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
REMEMBERED = {"memory_type": "semantic", "content": {"likes": "lakes"}, "content_text": "Likes lakes"}


@pytest.fixture
async def user(db: Homeport) -> User:
    return await a_user(db)


@pytest.fixture
async def other(db: Homeport) -> User:
    return await a_user(db)


# -- save_interaction, get_user_interactions


async def test_an_interaction_has_its_defaults(db: Homeport, user: User) -> None:
    made = await db.pam.save_interaction(user.id, {})
    assert made == PamInteraction(id=made.id, user_id=user.id, created_at=made.created_at)
    assert (made.success, made.metadata) == (True, {})
    assert await db.pam.get_user_interactions(user.id) == [made]


async def test_an_interaction_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    given = {
        "session_id": "s,1",
        "user_message": "what's the cheapest (way)?",
        "pam_response": "",
        "intent": "route",
        "tool_name": "plan_trip",
        "tool_args": {"to": "中文", "stops": [1, None]},
        "success": False,
        "error": "timeout",
        "response_time_ms": 1200,
        "tokens_used": 0,
        "metadata": {"model": "x"},
    }
    made = await db.pam.save_interaction(str(user.id), given)
    assert {name: getattr(made, name) for name in given} == given


async def test_an_interaction_that_makes_no_sense_is_refused(db: Homeport, user: User, other: User) -> None:
    save = db.pam.save_interaction
    said = await violated(ForeignKeyViolation, save(ABSENT, {}))
    assert said == ("pam_interactions_user_id_fkey", ("user_id",))
    assert await violated(NotNullViolation, save(user.id, {"metadata": None})) == (None, ("metadata",))
    assert await refused(InvalidValue, save("me", {})) == "user_id"
    assert await refused(InvalidValue, save(user.id, {"tokens_used": "many"})) == "tokens_used"
    assert await refused(InvalidField, save(user.id, {"user_id": other.id})) == "user_id"
    for field in ("created_at", "nonsense"):
        assert await refused(InvalidField, save(user.id, {field: NOON})) == field
    assert await db.pam.get_user_interactions(user.id) == []


async def test_interactions_are_newest_first_then_by_id_and_nobody_elses(db: Homeport, user: User, other: User) -> None:
    ages = (2, 1, 3, 2)
    made = [await an_interaction(db, user_id=user.id, created_at=NOON - age * SECOND) for age in ages]
    await an_interaction(db, user_id=other.id)
    in_order = sorted(sorted(made, key=lambda each: each.id), key=lambda each: each.created_at, reverse=True)
    assert await db.pam.get_user_interactions(str(user.id)) == in_order
    assert await db.pam.get_user_interactions(user.id, 2) == in_order[:2]
    assert await db.pam.get_user_interactions(user.id, limit=0) == []
    assert await db.pam.get_user_interactions(ABSENT) == []
    assert await refused(InvalidValue, db.pam.get_user_interactions(user.id, -1)) == "limit"


async def test_interactions_are_fifty_where_no_limit_is_given(db: Homeport, user: User) -> None:
    await db.collection(INTERACTION).bulk_create([{"user_id": user.id} for _ in range(51)])
    assert len(await db.pam.get_user_interactions(user.id)) == 50
    assert len(await db.pam.get_user_interactions(user.id, 1000)) == 51


# -- save_memory


async def test_a_memory_has_its_defaults(db: Homeport, user: User) -> None:
    made = await db.pam.save_memory(user.id, REMEMBERED)
    assert made == PamMemory(
        id=made.id,
        user_id=user.id,
        memory_type=MemoryType.SEMANTIC,
        content={"likes": "lakes"},
        content_text="Likes lakes",
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert (made.importance_score, made.tags, made.source) == (0.5, (), "user_interaction")
    assert await db.pam.memories.find_by_id(made.id) == made


async def test_a_memory_keeps_every_field_that_was_given(db: Homeport, user: User) -> None:
    given = {
        **REMEMBERED,
        "memory_type": MemoryType.WORKING,
        "importance_score": 0.25,
        "access_count": 3,
        "last_accessed": NOON,
        "context": {"trip": [1]},
        "source": "import",
        "tags": ("a,b", "{c}"),
        "expires_at": NOON,
        "is_active": False,
    }
    made = await db.pam.save_memory(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


async def test_a_memory_that_makes_no_sense_is_refused(db: Homeport, user: User, other: User) -> None:
    save = db.pam.save_memory
    for field in ("memory_type", "content", "content_text"):
        assert await violated(NotNullViolation, save(user.id, {**REMEMBERED, field: None})) == (None, (field,))
    for score in (-0.01, 1.01, -1):
        said = await violated(CheckViolation, save(user.id, {**REMEMBERED, "importance_score": score}))
        assert said == ("pam_memories_importance_score_check", ("importance_score",))
    for odd in ("0.5", float("nan"), 1e39):
        assert await refused(InvalidValue, save(user.id, {**REMEMBERED, "importance_score": odd})) == "importance_score"
    assert await refused(InvalidValue, save(user.id, {**REMEMBERED, "memory_type": "dim"})) == "memory_type"
    assert await refused(InvalidField, save(user.id, {**REMEMBERED, "user_id": other.id})) == "user_id"
    said = await violated(ForeignKeyViolation, save(ABSENT, REMEMBERED))
    assert said == ("pam_memories_user_id_fkey", ("user_id",))
    assert await db.pam.memories.count() == 0


@pytest.mark.parametrize("score", [0, 1, 0.1, 0.8, 1 / 3, 1e-30, 1 + 1e-9])
async def test_an_importance_is_of_single_precision_and_found_as_it_was_given(
    db: Homeport, user: User, score: float
) -> None:
    made = await db.pam.save_memory(user.id, {**REMEMBERED, "importance_score": score})
    assert isinstance(made.importance_score, float)
    assert made.importance_score == MEMORY.require("importance_score").admit(score) == pytest.approx(score, rel=1e-7)
    assert await db.pam.memories.find_many({"importance_score": score}) == [made]
    assert await db.pam.memories.find_many(ge("importance_score", score)) == [made]
    assert await db.pam.memories.find_many(lt("importance_score", score)) == []


# -- search_memories


async def test_only_the_users_active_unexpired_memories_are_found(db: Homeport, user: User, other: User) -> None:
    lake = {"user_id": user.id, "content_text": "lake"}
    forever = await a_memory(db, **lake, importance_score=0.5)
    soon = await a_memory(db, **lake, importance_score=0.25, expires_at=NOON + dt.timedelta(microseconds=1))
    await a_memory(db, **lake, expires_at=NOON)
    await a_memory(db, **lake, expires_at=NOON - SECOND)
    await a_memory(db, **lake, is_active=False)
    await a_memory(db, user_id=other.id, content_text="lake")
    assert await db.pam.search_memories(user.id, "lake", now=NOON) == [forever, soon]
    assert await db.pam.search_memories(str(user.id), "lake", now="2026-05-01T14:00:00.000001+02:00") == [forever]
    assert await db.pam.search_memories(ABSENT, "lake") == []


async def test_the_present_decides_where_no_moment_is_given(db: Homeport, user: User) -> None:
    now = dt.datetime.now(dt.UTC)
    await a_memory(db, user_id=user.id, content_text="lake", expires_at=now - dt.timedelta(hours=1))
    lasting = await a_memory(db, user_id=user.id, content_text="lake", expires_at=now + dt.timedelta(hours=1))
    assert await db.pam.search_memories(user.id, "lake") == [lasting]
    naive = dt.datetime(2026, 5, 1)
    assert await refused(InvalidValue, db.pam.search_memories(user.id, "lake", now=naive)) == "now"


async def test_the_rank_comes_before_the_importance_and_the_id_last(db: Homeport, user: User) -> None:
    kinds: list[dict[str, object]] = [
        {"content_text": "a lake", "importance_score": 1.0},
        {"content_text": "a LAKE", "importance_score": 0.1},
        {"content_text": "x", "tags": ["big Lake"], "importance_score": 0.2},
        {"content_text": "lake", "tags": ["lakes", "lake"], "importance_score": 0.9},
        {"content_text": "lake lake lake", "importance_score": 0.1},
    ]
    made = [await a_memory(db, user_id=user.id, **kind) for kind in kinds]
    last = sorted([made[1], made[4]], key=lambda each: each.id)
    assert await db.pam.search_memories(user.id, "lake") == [made[3], made[2], made[0], *last]


async def test_every_word_counts_and_has_to_be_there(db: Homeport, user: User) -> None:
    texts = ["fish in the lake", "lake", "fish and the sea"]
    both, lake, _ = [await a_memory(db, user_id=user.id, content_text=text) for text in texts]
    tagged = await a_memory(db, user_id=user.id, content_text="a fish", tags=["lake"], importance_score=0)
    assert await db.pam.search_memories(user.id, "lake FISH fish") == [tagged, both]
    assert {each.id for each in await db.pam.search_memories(user.id, "LaKe")} == {both.id, lake.id, tagged.id}


async def test_hostile_texts_are_remembered_as_they_are(db: Homeport, user: User, other: User) -> None:
    texts = [each for each in HOSTILE_TEXTS if each.split()]
    rows = [{**REMEMBERED, "user_id": user.id, "content_text": f"<{text}>"} for text in texts]
    made = await db.pam.memories.create_many(rows)
    await a_memory(db, user_id=other.id, content_text=" ".join(texts))
    for memory, text in zip(made, texts, strict=True):
        found = await db.pam.search_memories(user.id, text)
        assert memory in found, text
        assert all(each.user_id == user.id for each in found)
        if len(text.split()) == 1 and text.isascii():
            assert {each.id for each in found} == {
                each.id for each in made if text.lower() in each.content_text.translate(_FOLD)
            }, text


_FOLD = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


async def test_a_query_without_words_remembers_nothing_and_a_long_one_is_refused(db: Homeport, user: User) -> None:
    await a_memory(db, user_id=user.id)
    assert [await db.pam.search_memories(user.id, query) for query in ("", " \n\u2003")] == [[], []]
    for query in ("x" * 1001, " ".join(map(str, range(33))), "a\x00b", None):
        assert await refused(InvalidValue, db.pam.search_memories(user.id, query)) == "query"  # type: ignore[arg-type]
    assert await refused(InvalidValue, db.pam.search_memories("me", "lake")) == "user_id"
    assert await refused(InvalidValue, db.pam.search_memories("me", "")) == "user_id"


@pytest.mark.row_cap
async def test_memories_are_not_cut_at_a_row_cap(db: Homeport, user: User) -> None:
    rows = [{**REMEMBERED, "user_id": user.id, "importance_score": 1 - number / 100} for number in range(23)]
    made = await db.pam.memories.create_many(rows)
    assert await db.pam.search_memories(user.id, "lakes") == made


# -- save_context, get_user_context


async def test_a_context_has_its_defaults_and_can_be_read_back(db: Homeport, user: User) -> None:
    made = await db.pam.save_context(user.id, {})
    assert made == PamContext(user_id=user.id, created_at=made.created_at, updated_at=made.updated_at)
    assert await db.pam.get_user_context(str(user.id)) == made


async def test_a_saved_context_replaces_the_whole_of_the_last_one(db: Homeport, user: User, other: User) -> None:
    theirs = await a_pam_context(db, user_id=other.id, context_type="theirs")
    full = {
        "context_type": "trip",
        "context_data": {"a": {"b": 1}},
        "current_location": {"lat": 1.5},
        "active_trip_id": None,
        "learned_preferences": {"pace": "slow"},
        "recent_intents": ("route", ""),
        "expires_at": NOON,
    }
    first = await db.pam.save_context(user.id, full)
    assert {name: getattr(first, name) for name in full} == full
    second = await db.pam.save_context(str(user.id), {"context_data": {"c": 2}})
    assert second == PamContext(
        user_id=user.id, context_data={"c": 2}, created_at=first.created_at, updated_at=second.updated_at
    )
    assert second.updated_at >= first.updated_at
    assert await db.pam.get_user_context(user.id) == second
    assert await db.pam.get_user_context(other.id) == theirs


async def test_a_context_that_makes_no_sense_is_refused_and_the_last_one_stays(
    db: Homeport, user: User, other: User
) -> None:
    there = await db.pam.save_context(user.id, {"context_type": "trip"})
    save = db.pam.save_context
    assert await violated(NotNullViolation, save(user.id, {"context_data": None})) == (None, ("context_data",))
    assert await refused(InvalidField, save(user.id, {"user_id": other.id})) == "user_id"
    assert await refused(InvalidField, save(user.id, {"nonsense": 1})) == "nonsense"
    assert await refused(InvalidField, save(user.id, {"created_at": NOON})) == "created_at"
    assert await refused(InvalidValue, save(user.id, {"recent_intents": "route"})) == "recent_intents"
    assert await refused(InvalidValue, save("me", {})) == "user_id"
    assert await refused(RepositoryValidationError, save(user.id, [])) == "data"  # type: ignore[arg-type]
    said = await violated(ForeignKeyViolation, save(ABSENT, {}))
    assert said == ("pam_context_user_id_fkey", ("user_id",))
    assert await db.pam.get_user_context(user.id) == there


async def test_a_contexts_trip_is_the_users_and_goes_with_the_trip(db: Homeport, user: User) -> None:
    trip = await a_trip(db, user_id=user.id)
    made = await db.pam.save_context(user.id, {"active_trip_id": str(trip.id), "context_type": "trip"})
    assert made.active_trip_id == trip.id
    for id in (ABSENT, (await a_trip(db)).id):
        said = await violated(ForeignKeyViolation, db.pam.save_context(user.id, {"active_trip_id": id}))
        assert said == ("pam_context_active_trip_id_fkey", ("user_id", "active_trip_id"))
    await db.trips.trips.delete(trip.id)
    assert await db.pam.get_user_context(user.id) == attrs.evolve(made, active_trip_id=None)


async def test_an_expired_context_is_none_until_it_is_saved_again(db: Homeport, user: User) -> None:
    await db.pam.save_context(user.id, {"expires_at": NOON})
    assert await db.pam.get_user_context(user.id) is None
    assert await db.pam.get_user_context(user.id, now=NOON) is None
    assert await db.pam.get_user_context(user.id, now=NOON - SECOND) is not None
    assert await db.pam.get_user_context(user.id, now="2026-05-01T11:59:59Z") is not None
    lasting = await db.pam.save_context(user.id, {"expires_at": dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)})
    assert await db.pam.get_user_context(user.id) == lasting


async def test_there_is_no_context_of_a_user_without_one(db: Homeport, user: User) -> None:
    assert await db.pam.get_user_context(user.id) is None
    assert await db.pam.get_user_context(ABSENT) is None
    assert await refused(InvalidValue, db.pam.get_user_context("me")) == "user_id"


async def test_contexts_saved_at_once_are_one_row_of_one_of_them(db: Homeport, user: User) -> None:
    saved = await asyncio.gather(
        *(
            db.pam.save_context(user.id, {"context_type": str(number), "context_data": {"n": number}})
            for number in range(200)
        )
    )
    assert all(each.context_data == {"n": int(each.context_type)} for each in saved)
    last = await db.pam.get_user_context(user.id)
    assert last is not None
    assert last.context_data == {"n": int(last.context_type)}
    assert await db.pam.contexts.count() == 1


async def test_all_that_is_kept_of_a_user_goes_with_the_user(db: Homeport, user: User, other: User) -> None:
    for each in (user, other):
        await db.pam.save_interaction(each.id, {})
        await db.pam.save_memory(each.id, REMEMBERED)
        await db.pam.save_context(each.id, {})
        await db.pam.settings.of(each.id).upsert({"pam_preferences": {"voice": True}})
    await db.users.users.delete(user.id)
    kept = (db.pam.interactions, db.pam.memories, db.pam.contexts, db.pam.settings)
    assert [[row.user_id for row in await rows.find_many()] for rows in kept] == [[other.id]] * 4


# -- knowledge


async def test_added_knowledge_has_its_defaults_and_keeps_its_administrator(db: Homeport, user: User) -> None:
    data = {"title": "Tides", "content": "High at noon", "category": "sea", "knowledge_type": "tip"}
    made = await db.pam.add_knowledge(str(user.id), data)
    assert {name: getattr(made, name) for name in data} == data
    assert (made.admin_user_id, made.priority, made.is_active, made.usage_count) == (user.id, 0, True, 0)
    with pytest.raises(ForeignKeyViolation):
        await db.users.users.delete(user.id)
    for field in data:
        assert await violated(NotNullViolation, db.pam.add_knowledge(user.id, {**data, field: None})) == (
            None,
            (field,),
        )
    said = await violated(ForeignKeyViolation, db.pam.add_knowledge(ABSENT, data))
    assert said == ("pam_admin_knowledge_admin_user_id_fkey", ("admin_user_id",))
    assert await refused(InvalidField, db.pam.add_knowledge(user.id, {**data, "admin_user_id": ABSENT})) == (
        "admin_user_id"
    )


async def test_knowledge_is_found_by_title_tags_and_content_in_this_order(db: Homeport) -> None:
    kinds: list[dict[str, object]] = [
        {"title": "x", "content": "the tide"},
        {"title": "Tide", "priority": 1},
        {"title": "x", "tags": ["tide"]},
        {"title": "tides", "priority": 2},
        {"title": "tide", "is_active": False},
        {"title": "tide", "category": "river", "priority": 3},
    ]
    made = [await a_piece_of_knowledge(db, **{"category": "sea", **kind}) for kind in kinds]
    assert await db.pam.search_knowledge("TIDE", "sea") == [made[3], made[1], made[2], made[0]]
    assert await db.pam.search_knowledge("tide") == [made[5], made[3], made[1], made[2], made[0]]
    assert await db.pam.search_knowledge("tide", category="lake") == []
    assert await db.pam.search_knowledge(" ") == []
    assert await refused(InvalidValue, db.pam.search_knowledge("x" * 1001)) == "query"


# -- settings, campgrounds


async def test_settings_are_one_row_a_user_and_change_by_column(db: Homeport, user: User) -> None:
    settings = db.pam.settings.of(user.id)
    first = await settings.upsert({"pam_preferences": {"voice": True}})
    assert first.privacy_preferences == {}
    second = await settings.upsert({"privacy_preferences": {"share": False}})
    assert second == attrs.evolve(first, privacy_preferences={"share": False}, updated_at=second.updated_at)
    with pytest.raises(RepositoryNotFoundError):
        await db.pam.settings.of(ABSENT).update(ABSENT, {"pam_preferences": {}})


async def test_a_campground_keeps_its_numbers(db: Homeport) -> None:
    made = await a_campground(
        db, latitude="71.1724951", longitude="-25.784", max_rv_length="40.125", price_per_night="35", rating="4.755"
    )
    assert (made.latitude, made.longitude) == (Decimal("71.172495"), Decimal("-25.784000"))
    assert (made.max_rv_length, made.price_per_night, made.rating) == (
        Decimal("40.125"),
        Decimal("35.00"),
        Decimal("4.76"),
    )


# -- as a user


async def test_a_user_remembers_and_forgets_for_themselves_alone(db: Homeport, user: User, other: User) -> None:
    theirs = await a_memory(db, user_id=other.id, content_text="lake")
    pam = db.as_user({"sub": str(user.id)}).pam
    mine = await pam.save_memory(user.id, REMEMBERED)
    assert await pam.search_memories(user.id, "lake") == [mine]
    assert await pam.search_memories(other.id, "lake") == []
    assert await db.pam.search_memories(other.id, "lake") == [theirs]
    first = await pam.save_context(user.id, {"context_type": "trip"})
    second = await pam.save_context(user.id, {})
    assert second == attrs.evolve(first, context_type="general", updated_at=second.updated_at)
