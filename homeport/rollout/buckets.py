"""Buckets: a subject is on the candidate or not, the same in every process and on every call. Knows no adapter."""

import random
import uuid
from hashlib import blake2b

from homeport.rollout.flags import BUCKETS, Flag, FlagError, Mode


def bucket(salt: str, subject: str | uuid.UUID) -> int:
    """0 to 9,999. A UUID and its text in lower case are the same subject.

    Part of what is promised: another function would move every user of a running rollout.
    """
    digest = blake2b(f"{salt}|{subject}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def chosen(flag: Flag, subject: str | uuid.UUID | None, writes: bool, rng: random.Random) -> bool:
    """Whether the candidate serves the call; never for a flag that is no canary.

    Raising the percentage never takes a subject off the candidate. Without a subject a read falls into a random bucket
    and a write stays on the primary; at 100 % both are on the candidate.

    Raises:
        FlagError: the flag says neither its domain nor a rollout group, so that all domains would move together.
    """
    if flag.mode is not Mode.CANARY or flag.served == 0:
        return False
    if flag.served == BUCKETS:
        return True
    if subject is None:
        return not writes and rng.random() * BUCKETS < flag.served
    if not flag.salt:
        raise FlagError("a canary needs its domain or a rollout group")
    return bucket(flag.salt, subject) < flag.served
