"""Evidence that more coins fall on one side than its share explains: what is looked for, and where it alarms.

A prior says what is looked for, since evidence for one alternative is little for another. Knows plain counts alone.
"""

import math

import attrs


@attrs.frozen
class Prior:
    """What is looked for: each point goes a part of the way from the share that is expected to 1, with a weight.

    Attributes:
        points: (part, log(1 - part), log weight), in order.
    """

    points: tuple[tuple[float, float, float], ...]

    @classmethod
    def of(cls, *humps: tuple[float, float, float], size: int = 24) -> "Prior":
        """A mixture of beta densities (weight, a, b) on that many points."""
        parts = [(index + 0.5) / size for index in range(size)]
        weights = [0.0] * size
        for weight, a, b in humps:
            heights = [part ** (a - 1) * (1 - part) ** (b - 1) for part in parts]
            weights = [sum_ + weight * height / sum(heights) for sum_, height in zip(weights, heights, strict=True)]
        return cls(tuple((p, math.log1p(-p), math.log(w)) for p, w in zip(parts, weights, strict=True)))


FAULTS = Prior.of((0.6, 6, 13), (0.4, 6, 3))
"""A third of the way is twice the faults at half the traffic, and five times at 10 %; two thirds is a disaster."""
TIMES = Prior.of((0.4, 2, 20), (0.6, 5, 16))
"""Times half as long again put twice as many beyond the limit as may be; times twice as long, five times as many."""
PASSING = Prior.of((1, 1, 2))


def log_evidence(hits: float, misses: float, share: float, prior: Prior) -> float:
    """How much likelier the hits are where more than that share is expected, as a logarithm; 0 for nothing seen.

    While at most the share is true, it ever reaches log(1 / alpha) with a probability of at most alpha.
    """
    if not 0 < share < 1 or hits + misses == 0:
        return 0.0
    odds = (1 - share) / share
    terms = [weight + hits * math.log1p(part * odds) + misses * rest for part, rest, weight in prior.points]
    most = max(terms)
    return most + math.log(sum(math.exp(term - most) for term in terms))


def fault_boundary(share: float, alpha: float) -> float:
    """Where the evidence of FAULTS alarms with a probability of at most alpha, for alphas of up to 0.9 %.

    1 / alpha would be on the safe side of it: the evidence jumps over a boundary rather than meet it, the farther the
    smaller the share. The test of this function computes the exact probabilities.
    """
    return math.log((1 - 0.4 * (1 - share) ** 3) / alpha)


def time_boundary(alpha: float) -> float:
    """The same for the evidence of TIMES at a share of SLOW, for alphas of up to 0.2 %."""
    return math.log(0.66 / alpha)
