"""The counts in Prometheus' text format. Knows nothing of how they are fetched."""

from collections.abc import Iterator

from homeport.rollout.blame import is_fault
from homeport.rollout.counts import CallCounts, Counts
from homeport.rollout.times import LAST_BUCKET, ONE_MILLISECOND, PER_DECADE, bound_of

_QUANTILES = (0.5, 0.95, 0.99)
_LE = range(ONE_MILLISECOND - 2 * PER_DECADE, LAST_BUCKET, PER_DECADE // 5)
"""From 10 microseconds to 100 seconds, five bounds a decade: the same buckets, summed up."""


def prometheus(counts: Counts) -> str:
    """All since the start in Prometheus' text format: a histogram a domain, adapter and statement, and errors by class.

    p50, p95 and p99 are given apart, within 5 %: from the histogram's wider buckets they can only be guessed.
    """
    totals = counts.totals()
    lines = [
        "# HELP homeport_call_seconds How long store calls took.",
        "# TYPE homeport_call_seconds histogram",
        *(line for each in totals for line in _histogram(each)),
        "# HELP homeport_call_quantile_seconds What this share of the store calls since the start did not exceed.",
        "# TYPE homeport_call_quantile_seconds gauge",
        *(line for each in totals for line in _quantiles(each)),
        "# HELP homeport_call_errors_total Store calls that raised; fault=false are the callers' own.",
        "# TYPE homeport_call_errors_total counter",
        *(line for each in totals for line in _errors(each)),
    ]
    return "\n".join(lines) + "\n"


def _histogram(counts: CallCounts) -> Iterator[str]:
    labels, below, buckets = _labels(counts), 0, sorted(counts.buckets.items())
    for bound in _LE:
        while buckets and buckets[0][0] <= bound:
            below += buckets.pop(0)[1]
        yield f'homeport_call_seconds_bucket{{{labels},le="{bound_of(bound) / 1000:.6g}"}} {below}'
    yield f'homeport_call_seconds_bucket{{{labels},le="+Inf"}} {counts.calls}'
    yield f"homeport_call_seconds_sum{{{labels}}} {counts.milliseconds / 1000:.9g}"
    yield f"homeport_call_seconds_count{{{labels}}} {counts.calls}"


def _quantiles(counts: CallCounts) -> Iterator[str]:
    for share in _QUANTILES:
        milliseconds = counts.quantile(share)
        if milliseconds is not None:
            yield f'homeport_call_quantile_seconds{{{_labels(counts)},quantile="{share}"}} {milliseconds / 1000:.6g}'


def _errors(counts: CallCounts) -> Iterator[str]:
    for error, count in sorted(counts.errors.items()):
        said = f'{_labels(counts)},error="{_escaped(error)}",fault="{str(is_fault(error)).lower()}"'
        yield f"homeport_call_errors_total{{{said}}} {count}"


def _labels(counts: CallCounts) -> str:
    named = {"domain": counts.domain, "adapter": counts.adapter, "statement": counts.statement}
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in named.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
