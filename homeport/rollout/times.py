"""Times in fixed buckets, the same in every process, so that they add up: whence quantiles within 5 %."""

import math
from collections.abc import Mapping

PER_DECADE = 25
"""Buckets a decade: each is 9.6 % wider than the one before, so that its middle is within 4.8 % of all in it."""
ONE_MILLISECOND = 3 * PER_DECADE
LAST_BUCKET = 8 * PER_DECADE + 1
"""Bucket 0 is up to a microsecond, the one before the last up to 100 seconds, the last is what takes longer."""


def bucket_of(milliseconds: float) -> int:
    """The bucket of a time; the bounds belong to the lower one."""
    if milliseconds <= 0.001:
        return 0
    return min(math.ceil(PER_DECADE * math.log10(milliseconds)) + ONE_MILLISECOND, LAST_BUCKET)


def bound_of(bucket: int) -> float:
    """The longest time in a bucket, in milliseconds; infinite for the last one."""
    return math.inf if bucket >= LAST_BUCKET else 10 ** ((bucket - ONE_MILLISECOND) / PER_DECADE)


def middle_of(bucket: int) -> float:
    """The time that stands for a bucket, in milliseconds; of the last one, its lower bound."""
    if 0 < bucket < LAST_BUCKET:
        return math.sqrt(bound_of(bucket - 1) * bound_of(bucket))
    return bound_of(min(bucket, LAST_BUCKET - 1))


def quantile(buckets: Mapping[int, int], share: float) -> float | None:
    """The time, in milliseconds, that this share of the calls did not exceed, within 5 %; None for no calls."""
    rank, seen = max(math.ceil(share * sum(buckets.values())), 1), 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= rank:
            return middle_of(bucket)
    return None
