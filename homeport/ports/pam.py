"""PAM ports: document 000's PamRepository, and what its administration tools need besides."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from homeport.domain.ids import Id
from homeport.domain.pam import AdminKnowledge, PamContext, PamInteraction, PamMemory

When: TypeAlias = dt.datetime | str
"""An aware datetime, or its ISO text."""


class PamRepository(Protocol):
    """Every method sees one user's rows only; another's are as absent.

    `now` decides what has expired: the application's time in UTC where it is not given.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
        ForeignKeyViolation: a write for an unknown user.
    """

    async def save_interaction(self, user_id: Id, data: Mapping[str, object]) -> PamInteraction:
        """Successful, unless the data says otherwise."""

    async def get_user_interactions(self, user_id: Id, limit: int = 50) -> list[PamInteraction]:
        """Newest first, then by id, at most `limit`; empty if there are none."""

    async def save_memory(self, user_id: Id, data: Mapping[str, object]) -> PamMemory:
        """Active, half important and without an end, unless the data says otherwise.

        Raises:
            NotNullViolation: no memory_type, content or content_text.
            CheckViolation: an importance outside of 0 to 1.
        """

    async def search_memories(self, user_id: Id, query: str, *, now: When | None = None) -> list[PamMemory]:
        """Active, unexpired ones with every word of the query in a tag or in `content_text`.

        The best first: a word in a tag weighs 2, in the text 1. Then the most important, then by id. Words are what
        stands between white space, and match inside of others too, A-Z and a-z being the same; no character has a
        meaning of its own. Empty for a query without words.

        Raises:
            InvalidValue: the query is longer than 1000 characters or has more than 32 words.
        """

    async def save_context(self, user_id: Id, data: Mapping[str, object]) -> PamContext:
        """The user's one context, replaced as a whole: what the data does not name is as in a new one.

        Raises:
            NotNullViolation: a field is None that has to have a value.
            ForeignKeyViolation: no such trip of the user, where trips are installed.
        """

    async def get_user_context(self, user_id: Id, *, now: When | None = None) -> PamContext | None:
        """None if there is none, or if it has expired."""


class KnowledgeRepository(Protocol):
    """What administrators teach the assistant. Every signed-in user may read what is active.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def add_knowledge(self, admin_user_id: Id, data: Mapping[str, object]) -> AdminKnowledge:
        """A piece of knowledge by this administrator, who can't be deleted while it is there.

        Raises:
            NotNullViolation: no title, content, category or knowledge_type.
            ForeignKeyViolation: no such user.
        """

    async def search_knowledge(self, query: str, category: str | None = None) -> list[AdminKnowledge]:
        """Active ones with every word of the query in title, tags or content.

        The best first: a word in the title weighs 3, in a tag 2, in the content 1. Then the highest priority, then by
        id. Words, no words and too many are as in `search_memories`.
        """


class PamAndKnowledgeRepository(PamRepository, KnowledgeRepository, Protocol):
    """Both at once."""
