"""What is counted of calls: whose error it was, times in buckets, and one outcome a subject and window."""

import asyncio
import math
import random
import re
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from homeport.kernel import errors
from homeport.kernel.errors import RepositoryError, RepositoryUnavailableError, UniqueViolation
from homeport.kernel.observe import Observation
from homeport.kernel.query import Select
from homeport.middleware.observe import ObservedStore
from homeport.middleware.retry import RetriedStore, Retries
from homeport.repositories.users import USER
from homeport.rollout.blame import CALLERS_OWN, FAULTS, is_fault
from homeport.rollout.counts import ArmCounts, CallCounts, Counts
from homeport.rollout.prometheus import prometheus
from homeport.rollout.subjects import DRAWN, Draw
from homeport.rollout.times import LAST_BUCKET, bound_of, bucket_of, quantile
from tests.support.flaky import Flaky

_QUANTILES = {"0.5": 0.002, "0.95": 0.04, "0.99": 0.04}
QUERY: Select[Any] = Select("users.find_many", USER)
FAULT, OWN, GONE = "RepositoryUnavailableError", "UniqueViolation", "CancelledError"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts(clock: Clock) -> Counts:
    return Counts(clock=clock)


@pytest.fixture(autouse=True)
def _not_drawn() -> Iterator[None]:
    token = DRAWN.set(None)
    yield
    DRAWN.reset(token)


def told(
    counts: Counts,
    *,
    statement: str = "users.find_many",
    adapter: str = "postgres",
    milliseconds: float = 1.0,
    error: str | None = None,
    draw: Draw | None = None,
) -> None:
    token = DRAWN.set(draw)
    counts.observer("users")(Observation(statement, "users", adapter, 0, milliseconds, error))
    DRAWN.reset(token)


def arm(counts: Counts) -> ArmCounts:
    (found,) = counts.drain().arms
    return found


# -- whose error


TREE = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RepositoryError)}


def test_every_error_is_somebodys_for_a_reason() -> None:
    assert TREE | {asyncio.CancelledError} == CALLERS_OWN.keys() | FAULTS.keys()
    assert CALLERS_OWN.keys() & FAULTS.keys() == set()
    assert all({**CALLERS_OWN, **FAULTS}.values())


@pytest.mark.parametrize("kind", sorted(TREE, key=str))
def test_an_error_is_known_by_its_name(kind: type[RepositoryError]) -> None:
    assert is_fault(kind.__name__) == (kind in FAULTS)


def test_an_error_that_nobody_knows_is_a_fault() -> None:
    assert is_fault("ZeroDivisionError")


# -- times


def test_quantiles_are_within_five_percent() -> None:
    rng = random.Random(4)
    times = sorted(rng.lognormvariate(1, 1.5) for _ in range(5000))
    buckets: dict[int, int] = {}
    for each in times:
        buckets[bucket_of(each)] = buckets.get(bucket_of(each), 0) + 1
    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        assert quantile(buckets, share) == pytest.approx(times[math.ceil(share * 5000) - 1], rel=0.05)


def test_buckets_are_in_order_and_have_their_upper_bound() -> None:
    for bucket in range(1, LAST_BUCKET):
        inside = math.sqrt(bound_of(bucket - 1) * bound_of(bucket))
        assert bucket_of(inside) == bucket
        assert bound_of(bucket) / bound_of(bucket - 1) < 1.1
    assert [bucket_of(each) for each in (-1.0, 0.0, 0.001, 1.0, 1e5, 1e5 + 1, 1e9)] == [0, 0, 0, 75, 200, 201, 201]


def test_there_is_no_quantile_of_nothing_and_a_bound_for_what_is_off_the_scale() -> None:
    assert quantile({}, 0.95) is None
    assert quantile({LAST_BUCKET: 3}, 0.95) == 100_000
    assert quantile({0: 3}, 0.95) == 0.001


# -- calls


def test_calls_are_counted_by_domain_adapter_and_statement(counts: Counts) -> None:
    told(counts, milliseconds=1)
    told(counts, milliseconds=3, error=FAULT)
    told(counts, error=OWN)
    told(counts, adapter="memory")
    first, second = counts.drain().calls
    assert first == CallCounts(
        domain="users",
        adapter="postgres",
        statement="users.find_many",
        calls=3,
        milliseconds=5.0,
        errors={FAULT: 1, OWN: 1},
        buckets={bucket_of(1): 2, bucket_of(3): 1},
    )
    assert first.faults == 1
    assert first.quantile(0.99) == pytest.approx(3, rel=0.05)
    assert (second.adapter, second.calls) == ("memory", 1)


def test_what_is_drained_is_not_counted_again_and_what_is_given_back_is(counts: Counts) -> None:
    told(counts, draw=Draw(1, "ann"), error=FAULT)
    drained = counts.drain()
    assert (counts.drain().calls, counts.drain().arms) == ((), ())
    counts.give_back(drained)
    told(counts, draw=Draw(2), milliseconds=7, error=OWN)
    told(counts, draw=Draw(2), milliseconds=7)
    again = counts.drain()
    assert [(each.calls, each.errors) for each in again.calls] == [(3, {FAULT: 1, OWN: 1})]
    assert [(each.outcomes, each.faults, each.refusals, each.buckets) for each in again.arms] == [
        (2, 1, 1, {bucket_of(7): 1})
    ]
    assert again.arms[0].faulty == drained.arms[0].faulty


def test_totals_are_all_since_the_start(counts: Counts) -> None:
    told(counts)
    counts.give_back(counts.drain())
    told(counts)
    assert [each.calls for each in counts.totals()] == [2]
    counts.drain()
    told(counts, adapter="memory")
    assert [(each.adapter, each.calls) for each in counts.totals()] == [("memory", 1), ("postgres", 2)]


def test_what_was_drained_stays_as_it_was(counts: Counts) -> None:
    told(counts, draw=Draw(1))
    drained = counts.drain()
    before = attrs.asdict(drained)
    told(counts, draw=Draw(2))
    counts.drain()
    assert attrs.asdict(drained) == before


# -- outcomes


def test_calls_that_no_bucket_decided_are_no_outcomes(counts: Counts) -> None:
    told(counts, error=FAULT)
    assert counts.drain().arms == ()


def test_a_subject_is_one_outcome_a_window_however_often_it_fails(counts: Counts, clock: Clock) -> None:
    for _ in range(5):
        told(counts, draw=Draw(1))
        told(counts, draw=Draw(1), error=FAULT)
        told(counts, draw=Draw(1), error=OWN)
    told(counts, draw=Draw(2))
    found = arm(counts)
    assert (found.outcomes, found.faults, found.refusals) == (2, 1, 1)
    told(counts, draw=Draw(2), error=FAULT)
    later = arm(counts)
    assert (later.outcomes, later.faults) == (0, 1)
    clock.now += 60
    told(counts, draw=Draw(2), error=FAULT)
    found = arm(counts)
    assert (found.outcomes, found.faults) == (1, 1)


def test_whose_faults_they_are_is_known_by_a_hash_that_all_processes_share(clock: Clock) -> None:
    one, other, foreign = (Counts(clock=clock, key=key) for key in (b"k", b"k", b"another"))
    for each in (one, other, foreign):
        told(each, draw=Draw(1, "ann"), error=FAULT)
        told(each, draw=Draw(1, "ann"), error=FAULT)
        told(each, draw=Draw(2, "bob"), error=FAULT)
        told(each, draw=Draw(3, "cid"), error=OWN)
        told(each, draw=Draw(None), error=FAULT)
    mine, theirs, others = (arm(each) for each in (one, other, foreign))
    assert (mine.faults, sorted(mine.faulty.values())) == (3, [1, 1])
    assert mine.faulty == theirs.faulty
    assert mine.faulty.keys() & others.faulty.keys() == set()
    assert "ann" not in repr(Draw(1, "ann"))
    clock.now += 60
    told(one, draw=Draw(1, "ann"), error=FAULT)
    assert arm(one).faulty.keys() < mine.faulty.keys()


def test_the_subjects_named_in_a_window_are_bounded_and_their_faults_count_all_the_same(clock: Clock) -> None:
    counts = Counts(clock=clock, most_named=10)
    for who in range(100):
        told(counts, draw=Draw(who, str(who)), error=FAULT)
    found = arm(counts)
    assert (found.faults, len(found.faulty)) == (100, 10)


def test_both_adapters_have_their_own_outcomes(counts: Counts) -> None:
    told(counts, draw=Draw(1))
    told(counts, draw=Draw(1), adapter="supabase_legacy", error=FAULT)
    assert [(each.adapter, each.outcomes, each.faults) for each in counts.drain().arms] == [
        ("postgres", 1, 0),
        ("supabase_legacy", 1, 1),
    ]


def test_each_call_of_nobody_is_an_outcome_and_its_retries_are_not(counts: Counts) -> None:
    for _ in range(3):
        draw = Draw(None)
        told(counts, draw=draw, error=FAULT)
        told(counts, draw=draw, error=FAULT)
        told(counts, draw=draw)
    found = arm(counts)
    assert (found.outcomes, found.faults) == (3, 3)


def test_a_subject_has_one_time_a_statement_and_window(counts: Counts, clock: Clock) -> None:
    for milliseconds in (5, 50):
        told(counts, draw=Draw(1), milliseconds=milliseconds)
        told(counts, draw=Draw(1), milliseconds=milliseconds * 2, statement="users.count")
    assert arm(counts).buckets == {bucket_of(5): 1, bucket_of(10): 1}
    clock.now += 60
    told(counts, draw=Draw(1), milliseconds=7)
    assert arm(counts).buckets == {bucket_of(7): 1}


def test_quick_failures_make_nobody_faster(counts: Counts) -> None:
    told(counts, draw=Draw(1), milliseconds=0.1, error=FAULT)
    told(counts, draw=Draw(1), milliseconds=0.1, error=OWN)
    assert arm(counts).buckets == {}


def test_who_gave_up_has_waited_so_long_and_had_no_outcome(counts: Counts) -> None:
    told(counts, draw=Draw(1), milliseconds=5000, error=GONE)
    found = arm(counts)
    assert (found.outcomes, found.faults, found.refusals, found.buckets) == (0, 0, 0, {bucket_of(5000): 1})


def test_a_streams_time_is_its_readers(counts: Counts) -> None:
    told(counts, draw=Draw(1, timed=False), milliseconds=60_000)
    found = arm(counts)
    assert (found.outcomes, found.buckets) == (1, {})


def test_the_subjects_kept_in_mind_are_bounded(clock: Clock) -> None:
    counts = Counts(clock=clock, most_subjects=10)
    for who in range(1000):
        told(counts, draw=Draw(who), error=FAULT)
        told(counts, draw=Draw(who))
    found = arm(counts)
    assert (found.outcomes, found.faults, sum(found.buckets.values())) == (10, 10, 10)


async def test_the_first_attempt_counts_though_a_retry_went_well(counts: Counts) -> None:
    inner = Flaky(RepositoryUnavailableError("lost"))
    retries = Retries(attempts=3, delay=0.001, deadline=1, budget=1)
    store = RetriedStore(ObservedStore(inner, [counts.observer("users")]), retries)
    token = DRAWN.set(Draw(1))
    await store.fetch(QUERY)
    DRAWN.reset(token)
    drained = counts.drain()
    assert [(each.calls, each.faults) for each in drained.calls] == [(2, 1)]
    assert [(each.outcomes, each.faults) for each in drained.arms] == [(1, 1)]


async def test_a_cancelled_call_is_known_by_its_name(counts: Counts) -> None:
    store = ObservedStore(Flaky(asyncio.CancelledError(), UniqueViolation("x")), [counts.observer("users")])
    for kind in (asyncio.CancelledError, UniqueViolation):
        with pytest.raises(kind):
            await store.count(QUERY)
    assert [each.errors for each in counts.drain().calls] == [{GONE: 1, OWN: 1}]


# -- Prometheus


def test_the_text_for_prometheus(counts: Counts) -> None:
    for milliseconds in (0.5, 2, 2, 300_000):
        told(counts, milliseconds=milliseconds)
    told(counts, milliseconds=2, error=FAULT)
    told(counts, milliseconds=2, error=OWN, statement='a "b"\\\n')
    lines = prometheus(counts).splitlines()
    labels = 'domain="users",adapter="postgres",statement="users.find_many"'
    assert f'homeport_call_seconds_bucket{{{labels},le="0.001"}} 1' in lines
    assert f'homeport_call_seconds_bucket{{{labels},le="0.00251189"}} 4' in lines
    assert f'homeport_call_seconds_bucket{{{labels},le="100"}} 4' in lines
    assert f'homeport_call_seconds_bucket{{{labels},le="+Inf"}} 5' in lines
    assert f"homeport_call_seconds_count{{{labels}}} 5" in lines
    assert f"homeport_call_seconds_sum{{{labels}}} 300.0065" in lines
    assert f'homeport_call_errors_total{{{labels},error="{FAULT}",fault="true"}} 1' in lines
    awkward = labels.replace("users.find_many", r"a \"b\"\\\n")
    assert f'homeport_call_errors_total{{{awkward},error="{OWN}",fault="false"}} 1' in lines
    line = re.compile(r'# (HELP|TYPE) \w+ .+|\w+\{(\w+="([^"\\\n]|\\["\\n])*",?)+\} [0-9.e+-]+')
    assert all(line.fullmatch(each) for each in lines)


def test_prometheus_own_parser_reads_it(counts: Counts) -> None:
    awkward = 'a "b"\\\n{,}= \u00e9'
    for milliseconds in (1, 2, 3, 40):
        told(counts, milliseconds=milliseconds, statement=awkward)
    told(counts, milliseconds=2, statement=awkward, error=FAULT)
    told(counts, milliseconds=2, statement=awkward, error=OWN)
    families = {each.name: each for each in text_string_to_metric_families(prometheus(counts))}
    assert {name: each.type for name, each in families.items()} == {
        "homeport_call_seconds": "histogram",
        "homeport_call_quantile_seconds": "gauge",
        "homeport_call_errors": "counter",
    }
    labels = {"domain": "users", "adapter": "postgres", "statement": awkward}
    errors = {
        (each.labels["error"], each.labels["fault"]): each.value for each in families["homeport_call_errors"].samples
    }
    assert errors == {(FAULT, "true"): 1, (OWN, "false"): 1}
    quantiles = {each.labels["quantile"]: each.value for each in families["homeport_call_quantile_seconds"].samples}
    assert quantiles == {share: pytest.approx(expected, rel=0.05) for share, expected in _QUANTILES.items()}
    samples = families["homeport_call_seconds"].samples
    assert all(labels.items() <= each.labels.items() for family in families.values() for each in family.samples)
    assert [each.value for each in samples if each.name.endswith("_count")] == [6]
    assert [each.value for each in samples if each.labels.get("le") == "+Inf"] == [6]


def test_the_buckets_for_prometheus_only_grow(counts: Counts) -> None:
    rng = random.Random(1)
    for _ in range(200):
        told(counts, milliseconds=rng.lognormvariate(0, 2))
    found = [int(each.rpartition(" ")[2]) for each in prometheus(counts).splitlines() if "_bucket{" in each]
    assert found == sorted(found)
    assert (len(found), found[-1]) == (37, 200)
