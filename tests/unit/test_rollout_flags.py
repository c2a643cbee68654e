"""Flags: what their texts say, and which texts are refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.rollout.flags import Flag, FlagError, Mode, percentage_of, written
from homeport.settings.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("postgres", Flag(mode=Mode.POSTGRES)),
        ("supabase_legacy", Flag(mode=Mode.SUPABASE_LEGACY)),
        ("memory", Flag(mode=Mode.MEMORY)),
        ("canary:0", Flag(mode=Mode.CANARY)),
        ("canary:5", Flag(mode=Mode.CANARY, percent=Decimal(5))),
        ("canary:0.25", Flag(mode=Mode.CANARY, percent=Decimal("0.25"))),
        ("canary:100", Flag(mode=Mode.CANARY, percent=Decimal(100))),
        ("canary:5:checkout", Flag(mode=Mode.CANARY, percent=Decimal(5), group="checkout")),
        ("shadow", Flag(mode=Mode.SHADOW)),
        ("shadow:0.1", Flag(mode=Mode.SHADOW, sample=0.1)),
    ],
)
def test_a_text_is_a_flag_and_the_flag_is_that_text(text: str, flag: Flag) -> None:
    assert Flag.parse(text) == flag
    assert str(flag) == text


@pytest.mark.parametrize(
    ("text", "said"), [("canary:5.00", "canary:5"), ("shadow:1", "shadow"), ("shadow:0.10", "shadow:0.1")]
)
def test_zeros_that_say_nothing_are_left_out(text: str, said: str) -> None:
    assert str(Flag.parse(text)) == said


@given(
    st.decimals(min_value=0, max_value=100, places=2),
    st.text("abcdefghijklmnopqrstuvwxyz_0123456789", max_size=20),
)
def test_every_canary_comes_back_from_its_text(percent: Decimal, group: str) -> None:
    flag = Flag(mode=Mode.CANARY, percent=percent, group=group)

    assert Flag.parse(str(flag)) == flag


@given(st.integers(1, 1_000_000))
def test_every_shadow_comes_back_from_its_text(millionths: int) -> None:
    flag = Flag(mode=Mode.SHADOW, sample=millionths / 1_000_000)

    assert Flag.parse(str(flag)) == flag


@pytest.mark.parametrize("text", ["", "canari:5", "Canary:5", "postgres ", "CANARY", "5"])
def test_an_unknown_mode_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(FlagError) as refused:
        Flag.parse(text)

    assert all(mode.value in str(refused.value) for mode in Mode)


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        "canary:5:",
        "canary:5:a:b",
        "postgres:5",
        "memory:",
        "shadow:0.1:a",
        "shadow:",
        "shadow:x",
        "shadow:-1",
    ],
)
def test_a_mode_that_is_written_otherwise_is_refused_with_the_known_forms(text: str) -> None:
    with pytest.raises(FlagError, match=r"known: postgres, supabase_legacy, memory, canary:PERCENT"):
        Flag.parse(text)


@pytest.mark.parametrize(
    "text", ["-1", "100.01", "101", "0.001", "1e1", "+5", " 5", "5 ", "٥", "nan", "inf", "", "5%", "5,5"]
)
def test_a_percentage_is_0_to_100_in_steps_of_a_hundredth(text: str) -> None:
    with pytest.raises(FlagError, match=r"0 to 100 in steps of 0\.01"):
        percentage_of(text)
    with pytest.raises(FlagError):
        Flag.parse(f"canary:{text}")


@pytest.mark.parametrize("sample", ["0", "0.0", "1.1", "2"])
def test_a_sample_is_above_0_and_at_most_1(sample: str) -> None:
    with pytest.raises(FlagError, match="a sample is"):
        Flag.parse(f"shadow:{sample}")


@pytest.mark.parametrize("group", ["a b", "a|b", "a/b", "é", "x" * 64])
def test_a_rollout_group_is_a_plain_name(group: str) -> None:
    with pytest.raises(FlagError, match="a rollout group is"):
        Flag.parse(f"canary:5:{group}")


def test_an_unknown_adapter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FlagError, match="candidate: no adapter 'postgre'; known: postgres, supabase_legacy, memory"):
        Flag.parse("canary:5", candidate="postgre")


def test_a_broken_flag_is_an_error_of_the_settings() -> None:
    assert issubclass(FlagError, SettingsError)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("memory", "memory"),
        ("shadow:0.5", "supabase_legacy"),
        ("canary:0", "supabase_legacy"),
        ("canary:0.01", None),
        ("canary:99.99", None),
        ("canary:100", "postgres"),
    ],
)
def test_the_adapter_of_every_call_is_known_unless_a_subject_decides(text: str, fixed: str | None) -> None:
    assert Flag.parse(text).fixed == fixed


def test_a_domain_is_its_own_rollout_group_until_one_is_named() -> None:
    assert Flag.parse("canary:5", "expenses").salt == "expenses"
    assert Flag.parse("canary:5:checkout", "expenses").salt == "checkout"
    assert str(Flag.parse("canary:5", "expenses")) == "canary:5"


def test_percentages_are_written_in_their_fewest_digits() -> None:
    assert [written(Decimal(text)) for text in ("0", "0.10", "5.00", "50", "100")] == ["0", "0.1", "5", "50", "100"]
