"""Memory's form of the users' operations."""

from collections.abc import Mapping

from homeport.adapters.memory.step import Answer, Step
from homeport.domain.users import FailedAttempts
from homeport.kernel.predicates import all_of, eq, exists
from homeport.repositories.users import CREDENTIALS, RECORD_FAILED_ATTEMPT, USER, RecordFailedAttempt


def record_failed_attempt(step: Step, wanted: RecordFailedAttempt) -> list[FailedAttempts]:
    """Counts one more; no row where there is no such live user, or one without a password."""
    this = all_of(eq("user_id", wanted.user_id), exists(USER, {"id": "user_id"}))
    for there in step.find(CREDENTIALS, this):
        counted = there.failed_attempts + 1
        locked = wanted.locked_until if counted >= wanted.allowed else there.locked_until
        step.update(CREDENTIALS, this, {"failed_attempts": counted, "locked_until": locked})
        return [FailedAttempts(failed_attempts=counted, locked_until=locked)]
    return []


ANSWERS: Mapping[str, Answer] = {RECORD_FAILED_ATTEMPT.name: record_failed_attempt}
"""By the operation's name."""
