"""Buckets: the same subject in the same one, everywhere and for as long as a rollout lasts."""

import math
import random
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.rollout.buckets import bucket, chosen
from homeport.rollout.flags import Flag, FlagError, Mode

ROOT = Path(__file__).parents[2]
USERS = [uuid.UUID(int=number) for number in range(100_000)]
RNG = random.Random(4)
PERCENTAGES = st.decimals(min_value=0, max_value=100, places=2)


def canary(percent: Decimal | str, domain: str = "expenses") -> Flag:
    return Flag.parse(f"canary:{percent}", domain)


@pytest.mark.parametrize(
    ("salt", "subject", "expected"),
    [
        ("expenses", "a", 8940),
        ("expenses", "", 4652),
        ("checkout", "a", 6230),
        ("expenses", "user-1", 7325),
        ("expenses", "user-2", 9253),
        ("expenses", "Zoë ✈", 2152),
        ("expenses", uuid.UUID("0b6f5a3e-9a54-4c1e-8f1d-2a0f5d1c7b90"), 6114),
        ("expenses", "0b6f5a3e-9a54-4c1e-8f1d-2a0f5d1c7b90", 6114),
    ],
)
def test_golden_vectors(salt: str, subject: str | uuid.UUID, expected: int) -> None:
    assert bucket(salt, subject) == expected


@given(st.text(), st.text())
def test_any_text_has_a_bucket(salt: str, subject: str) -> None:
    assert 0 <= bucket(salt, subject) < 10_000


def test_half_a_surrogate_pair_has_a_bucket_too() -> None:
    assert 0 <= bucket("expenses", "\ud800") < 10_000


@given(PERCENTAGES, PERCENTAGES, st.text())
def test_raising_the_percentage_never_takes_a_user_off_the_candidate(one: Decimal, other: Decimal, user: str) -> None:
    less, more = sorted((one, other))

    assert chosen(canary(less), user, False, RNG) <= chosen(canary(more), user, False, RNG)


@pytest.mark.parametrize("percent", ["0.01", "0.1", "1", "5", "25", "50", "75", "99", "99.99"])
def test_of_100_000_users_the_percentage_is_chosen_within_3_sigma(percent: str) -> None:
    flag, share = canary(percent), float(percent) / 100

    there = sum(chosen(flag, user, False, RNG) for user in USERS)

    assert abs(there - len(USERS) * share) <= 3 * math.sqrt(len(USERS) * share * (1 - share))


def test_another_process_chooses_the_same_users() -> None:
    program = (
        "import uuid\nfrom homeport.rollout.buckets import bucket\n"
        "print(*(bucket('expenses', uuid.UUID(int=number)) for number in range(1000)))"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]

    here = " ".join(str(bucket("expenses", user)) for user in USERS[:1000])
    assert [answer.strip() for answer in answers] == [here, here]


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize("subject", ["user-1", uuid.UUID(int=7), None])
def test_at_100_percent_every_call_is_on_the_candidate_and_at_0_none(subject: str | None, writes: bool) -> None:
    assert chosen(canary("100"), subject, writes, RNG)
    assert not chosen(canary("0"), subject, writes, RNG)


def test_without_a_subject_reads_are_shared_out_at_random() -> None:
    there = sum(chosen(canary("25"), None, False, RNG) for _ in range(10_000))

    assert abs(there - 2500) <= 3 * math.sqrt(10_000 * 0.25 * 0.75)


def test_without_a_subject_writes_stay_on_the_primary_below_100_percent() -> None:
    assert not any(chosen(canary("99.99"), None, True, RNG) for _ in range(10_000))


def test_reads_and_writes_of_a_user_are_on_one_adapter() -> None:
    flag = canary("50")

    assert all(chosen(flag, user, True, RNG) == chosen(flag, user, False, RNG) for user in USERS[:1000])


def test_domains_of_one_rollout_group_move_the_same_users_and_others_do_not() -> None:
    expenses, trips = (Flag.parse("canary:50:checkout", domain) for domain in ("expenses", "trips"))
    alone = Flag.parse("canary:50", "trips")
    users = USERS[:1000]

    moved = [chosen(expenses, user, False, RNG) for user in users]

    assert moved == [chosen(trips, user, False, RNG) for user in users]
    assert moved != [chosen(alone, user, False, RNG) for user in users]


def test_a_canary_without_domain_and_group_is_refused_rather_than_moved_with_all_others() -> None:
    with pytest.raises(FlagError, match="needs its domain or a rollout group"):
        chosen(Flag.parse("canary:5"), "user-1", False, RNG)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.CANARY])
def test_only_a_canary_has_anything_to_choose(mode: Mode) -> None:
    assert not chosen(Flag(mode=mode, percent=Decimal(100), domain="expenses"), "user-1", False, RNG)
