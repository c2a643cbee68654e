"""Memory's form of PAM's operations."""

from collections.abc import Mapping

from homeport.adapters.memory.step import Answer, Step
from homeport.domain.pam import AdminKnowledge, PamMemory
from homeport.kernel.predicates import TRUE, all_of, any_of, eq, gt, is_null
from homeport.repositories.pam import (
    KNOWLEDGE,
    KNOWLEDGE_TEXTS,
    MEMORY,
    MEMORY_TEXTS,
    SEARCH_KNOWLEDGE,
    SEARCH_MEMORIES,
    SearchKnowledge,
    SearchMemories,
)


def search_memories(step: Step, wanted: SearchMemories) -> list[PamMemory]:
    """The user's active, unexpired memories that have every word, by rank, then importance, then id."""
    unexpired = any_of(is_null("expires_at"), gt("expires_at", wanted.now))
    remembered = all_of(eq("user_id", wanted.user_id), eq("is_active", True), unexpired)
    return MEMORY_TEXTS.best_first(step.find(MEMORY, remembered, "-importance_score"), wanted.words)


def search_knowledge(step: Step, wanted: SearchKnowledge) -> list[AdminKnowledge]:
    """The active knowledge that has every word, by rank, then priority, then id."""
    of_category = TRUE if wanted.category is None else eq("category", wanted.category)
    active = step.find(KNOWLEDGE, all_of(eq("is_active", True), of_category), "-priority")
    return KNOWLEDGE_TEXTS.best_first(active, wanted.words)


ANSWERS: Mapping[str, Answer] = {SEARCH_MEMORIES.name: search_memories, SEARCH_KNOWLEDGE.name: search_knowledge}
