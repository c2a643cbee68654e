"""Memory's form of the social operations."""

from collections.abc import Mapping

from homeport.adapters.memory.step import Answer, Step
from homeport.domain.social import LikeState
from homeport.kernel.predicates import all_of, eq, is_null
from homeport.repositories.social import LIKE, POST, TOGGLE_LIKE, ToggleLike


def toggle_like(step: Step, wanted: ToggleLike) -> list[LikeState]:
    """Takes the like back, or likes where there was none to take; no row where there is no live post."""
    post = all_of(eq("id", wanted.post_id), is_null("deleted_at"))
    if not step.find(POST, post):
        return []
    liked = not step.delete(LIKE, all_of(eq("post_id", wanted.post_id), eq("user_id", wanted.user_id)))
    if liked:
        step.insert(LIKE, {"post_id": wanted.post_id, "user_id": wanted.user_id})
    return [LikeState(liked=liked, likes_count=each.likes_count) for each in step.find(POST, post)]


ANSWERS: Mapping[str, Answer] = {TOGGLE_LIKE.name: toggle_like}
