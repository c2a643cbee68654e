"""Whom a call is made for, and the lot that fell for it. Subjects are compared and hashed here, and shown to nobody."""

import uuid
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any

import attrs

from homeport.kernel.operation import Operation

USER_FIELDS = frozenset(
    {
        "acting_user_id",
        "actor_id",
        "admin_id",
        "author_id",
        "created_by",
        "follower_id",
        "member_id",
        "owner_id",
        "requester_id",
        "sender_id",
        "user_id",
    }
)
"""What an operation's parameter calls the user who acts; the first such field counts."""

_FIELDS: dict[type[Any], str | None] = {}


def named_in(operation: Operation[Any, Any], parameter: object) -> object:
    """The user whom an operation's parameter names as acting; None if it names nobody."""
    try:
        field = _FIELDS[operation.takes]
    except KeyError:
        names = (each.name for each in attrs.fields(operation.takes))
        field = _FIELDS[operation.takes] = next((name for name in names if name in USER_FIELDS), None)
    return None if field is None else getattr(parameter, field)


def canonical(subject: object) -> str:
    """One text a user, however the id was spelt: a UUID and its text in any case are the same subject."""
    if isinstance(subject, str):
        try:
            return str(uuid.UUID(subject))
        except ValueError:
            return subject
    return str(subject)


def hashed(subject: str, key: bytes) -> int:
    """32 bits, the same in all processes of that key of up to 64 bytes; two subjects may have the same."""
    return int.from_bytes(blake2b(subject.encode(errors="surrogatepass"), digest_size=4, key=key).digest(), "big")


@attrs.define(eq=False)
class Draw:
    """One call that a bucket sent to its adapter, so that it may be compared with those of the other adapter.

    Attributes:
        who: a hash of the subject and the percentage, so that each step begins with nobody seen; None for a call by
            nobody in particular, which stands for itself. Another one in each process.
        subject: whose call it is; shown to nobody.
        timed: whether its time is the adapter's own; a stream's is its reader's too.
        told, failed, refused: what the counts have noted of it.
    """

    who: int | None
    subject: str | None = attrs.field(default=None, repr=False)
    timed: bool = True
    told: bool = False
    failed: bool = False
    refused: bool = False


DRAWN: ContextVar[Draw | None] = ContextVar("homeport_drawn", default=None)
"""Set while a drawn call runs: `Observation` knows no subject, and a subject is a value that no log should have."""
