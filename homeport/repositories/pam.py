"""PAM over any store. The moment that decides what has expired is the application's, unless it is given."""

import datetime as dt
import uuid
from collections.abc import Mapping

import attrs

from homeport.domain.ids import Id
from homeport.domain.pam import AdminKnowledge, Campground, PamContext, PamInteraction, PamMemory, UserSettings
from homeport.kernel.errors import RepositoryValidationError
from homeport.kernel.operation import many_rows
from homeport.kernel.policies import catalogue, owned
from homeport.kernel.predicates import any_of, eq, gt, is_null
from homeport.kernel.search import Searched, words_of
from homeport.kernel.table import CREATED, ID, OWNER, UPDATED, OnDelete, between, column, index, table
from homeport.kernel.types import NumericType, RealType
from homeport.ports.context import Context
from homeport.ports.pam import PamAndKnowledgeRepository, When
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.money import MONEY

INTERACTION = table(
    PamInteraction,
    "pam_interactions",
    owner="user_id",
    columns={"id": ID, "user_id": OWNER, "created_at": CREATED},
    indexes=[index("user_id", "-created_at"), index("session_id")],
    policies=owned(),
    order=["-created_at"],
)

_MEMORY_COLUMNS = {
    "id": ID,
    "user_id": OWNER,
    "importance_score": column(RealType()),
    "created_at": CREATED,
    "updated_at": UPDATED,
}

MEMORY = table(
    PamMemory,
    "pam_memories",
    owner="user_id",
    columns=_MEMORY_COLUMNS,
    checks=[between("importance_score", 0, 1)],
    # none for the search: it matches inside of words, which no index of words serves
    indexes=[
        index("user_id", "-importance_score", where=eq("is_active", True)),
        index("user_id"),
        index("expires_at"),
    ],
    policies=owned(),
    order=["-importance_score"],
)

CONTEXT = table(
    PamContext,
    "pam_context",
    key="user_id",
    owner="user_id",
    columns={
        "user_id": OWNER,
        "active_trip_id": column(references="trips", on_delete=OnDelete.SET_NULL, sharing={"user_id": "user_id"}),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    policies=owned(),
)

_KNOWLEDGE_COLUMNS = {
    "id": ID,
    "admin_user_id": column(references="public.users", on_delete=OnDelete.RESTRICT),
    "created_at": CREATED,
    "updated_at": UPDATED,
}

KNOWLEDGE = table(
    AdminKnowledge,
    "pam_admin_knowledge",
    columns=_KNOWLEDGE_COLUMNS,
    indexes=[index("admin_user_id"), index("category", "-priority", where=eq("is_active", True))],
    policies=catalogue(eq("is_active", True)),
    order=["-priority"],
)

SETTINGS = table(
    UserSettings,
    "user_settings",
    key="user_id",
    owner="user_id",
    columns={"user_id": OWNER, "created_at": CREATED, "updated_at": UPDATED},
    policies=owned(),
)

CAMPGROUND = table(
    Campground,
    "campgrounds",
    columns={
        "id": ID,
        "latitude": column(NumericType(9, 6)),
        "longitude": column(NumericType(9, 6)),
        "max_rv_length": column(NumericType()),
        "price_per_night": MONEY,
        "rating": column(NumericType(3, 2)),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    policies=catalogue(),
    order=["name"],
)


@attrs.frozen(kw_only=True)
class SearchMemories:
    """Whose memories, which words, and what time it is."""

    user_id: uuid.UUID
    words: tuple[str, ...]
    now: dt.datetime


@attrs.frozen(kw_only=True)
class SearchKnowledge:
    """Which words, in which category; any for None."""

    words: tuple[str, ...]
    category: str | None = None


MEMORY_TEXTS = Searched(MEMORY, {"tags": 2, "content_text": 1})
KNOWLEDGE_TEXTS = Searched(KNOWLEDGE, {"title": 3, "tags": 2, "content": 1})

SEARCH_MEMORIES = many_rows("pam.search_pam_memories", SearchMemories, PamMemory, writes=False, results=_MEMORY_COLUMNS)
"""The user's active, unexpired memories that have every word, by rank, then importance, then id."""

SEARCH_KNOWLEDGE = many_rows(
    "pam.search_pam_knowledge", SearchKnowledge, AdminKnowledge, writes=False, results=_KNOWLEDGE_COLUMNS
)
"""The active knowledge that has every word, by rank, then priority, then id."""


class StoredPam:
    """Both ports over a store; each of the tables is a base repository. `settings` and `campgrounds` have no more."""

    def __init__(self, store: Store) -> None:
        self.interactions: Collection[PamInteraction, uuid.UUID] = Collection(store, INTERACTION)
        self.memories: Collection[PamMemory, uuid.UUID] = Collection(store, MEMORY)
        self.contexts: Collection[PamContext, uuid.UUID] = Collection(store, CONTEXT)
        self.knowledge: Collection[AdminKnowledge, uuid.UUID] = Collection(store, KNOWLEDGE)
        self.settings: Collection[UserSettings, uuid.UUID] = Collection(store, SETTINGS)
        self.campgrounds: Collection[Campground, uuid.UUID] = Collection(store, CAMPGROUND)
        self._store = store

    # -- interactions

    async def save_interaction(self, user_id: Id, data: Mapping[str, object]) -> PamInteraction:
        return await self.interactions.of(user_id).create(data)

    async def get_user_interactions(self, user_id: Id, limit: int = 50) -> list[PamInteraction]:
        return await self.interactions.of(user_id).find_many(limit=limit, name="get_user_interactions")

    # -- memories

    async def save_memory(self, user_id: Id, data: Mapping[str, object]) -> PamMemory:
        return await self.memories.of(user_id).create(data)

    async def search_memories(self, user_id: Id, query: str, *, now: When | None = None) -> list[PamMemory]:
        wanted = SEARCH_MEMORIES.parameter(user_id=user_id, words=words_of(query), now=_moment(now))
        return await self._store.run(SEARCH_MEMORIES, wanted) if wanted.words else []

    # -- context

    async def save_context(self, user_id: Id, data: Mapping[str, object]) -> PamContext:
        return await self.contexts.of(user_id).upsert(_whole(data))

    async def get_user_context(self, user_id: Id, *, now: When | None = None) -> PamContext | None:
        unexpired = any_of(is_null("expires_at"), gt("expires_at", _moment(now)))
        return await self.contexts.of(user_id).find_first(unexpired, name="get_user_context")

    # -- knowledge

    async def add_knowledge(self, admin_user_id: Id, data: Mapping[str, object]) -> AdminKnowledge:
        return await self.knowledge.within("admin_user_id", admin_user_id).create(data)

    async def search_knowledge(self, query: str, category: str | None = None) -> list[AdminKnowledge]:
        wanted = SEARCH_KNOWLEDGE.parameter(words=words_of(query), category=category)
        return await self._store.run(SEARCH_KNOWLEDGE, wanted) if wanted.words else []


def _whole(data: Mapping[str, object]) -> Mapping[str, object]:
    """The data with the default of every column that it does not name: what makes an upsert a replacement."""
    if not isinstance(data, Mapping):
        raise RepositoryValidationError(f"data is a mapping, not {type(data).__name__}", field="data")
    free = (each for each in CONTEXT.columns if not each.read_only and each.name != CONTEXT.key)
    moment = dt.datetime.now(dt.UTC)
    return {**{each.name: None if each.default is None else each.default.make(moment) for each in free}, **data}


def _moment(now: When | None) -> When:
    return dt.datetime.now(dt.UTC) if now is None else now


PAM: Context[PamAndKnowledgeRepository] = Context(
    "pam",
    StoredPam,
    tables=(INTERACTION, MEMORY, CONTEXT, KNOWLEDGE, SETTINGS, CAMPGROUND),
    operations=(SEARCH_MEMORIES, SEARCH_KNOWLEDGE),
    migrations=shipped("pam"),
    requires=("users",),
    memory_answers="homeport.adapters.memory.pam",
)
