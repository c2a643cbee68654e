"""Profiles: one a user, keyed by the user's own id, on every adapter."""

import uuid
from typing import cast

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.profiles import Profile, Units
from homeport.domain.public_profile import PublicProfile
from homeport.kernel.errors import (
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.testing import a_profile, a_user
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)


def shown(profile: Profile) -> PublicProfile:
    return PublicProfile(
        id=profile.id,
        username=profile.username,
        nickname=profile.nickname,
        full_name=profile.full_name,
        profile_image_url=profile.profile_image_url,
    )


# -- create_profile and get_profile


async def test_a_created_profile_has_the_users_id_and_its_defaults(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.profiles.create_profile(user.id, {"username": "ada"})
    assert made == Profile(
        id=user.id,
        username="ada",
        content_preferences={},
        role="user",
        status="active",
        preferred_units=Units.METRIC,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await db.profiles.get_profile(user.id) == made
    assert await db.profiles.get_profile(str(user.id)) == made


async def test_a_profile_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        "email": "ada@example.org",
        "full_name": "Ada Lovelace",
        "travel_style": ("slow", "a,b", "", "NULL", "{}", '"'),
        "interests": (),
        "content_preferences": {"nsfw": False, "nested": {"list": [1, 2.5, None]}},
        "preferred_units": Units.IMPERIAL,
        "language": "en-GB",
    }
    made = await db.profiles.create_profile(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


@pytest.mark.parametrize("field", ["id", "user_id"])
async def test_a_profile_may_name_its_own_user_and_no_other(db: Homeport, field: str) -> None:
    user, other = await a_user(db), await a_user(db)
    assert await refused(InvalidField, db.profiles.create_profile(user.id, {field: other.id})) == field
    assert await refused(InvalidField, db.profiles.create_profile(user.id, {field: str(ABSENT)})) == field
    made = await db.profiles.create_profile(user.id, {field: str(user.id), "username": "ada"})
    assert (made.id, made.username) == (user.id, "ada")
    assert await db.profiles.get_profile(other.id) is None


async def test_a_user_has_one_profile(db: Homeport) -> None:
    profile = await a_profile(db)
    said = await violated(UniqueViolation, db.profiles.create_profile(profile.id, {"username": "again"}))
    assert said == ("profiles_pkey", ("id",))
    assert await db.profiles.get_profile(profile.id) == profile


async def test_a_profile_needs_its_user(db: Homeport) -> None:
    said = await violated(ForeignKeyViolation, db.profiles.create_profile(ABSENT, {}))
    assert said == ("profiles_id_fkey", ("id",))


async def test_a_username_is_taken_whatever_its_case_and_an_address_as_it_is_written(db: Homeport) -> None:
    await a_profile(db, username="Ada", email="ada@example.org")
    user = await a_user(db)
    taken = db.profiles.create_profile(user.id, {"username": "aDA"})
    assert await violated(UniqueViolation, taken) == ("profiles_username_key", ("username",))
    taken = db.profiles.create_profile(user.id, {"email": "ada@example.org"})
    assert await violated(UniqueViolation, taken) == ("profiles_email_key", ("email",))
    assert (await a_profile(db, email="Ada@example.org")).email == "Ada@example.org"


async def test_any_number_of_profiles_may_have_no_username(db: Homeport) -> None:
    one, two = await a_profile(db), await a_profile(db)
    assert (one.username, two.username) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", 5),
        ("preferred_units", "miles"),
        ("interests", "cats"),
        ("content_preferences", {"n": float("nan")}),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_by_name(db: Homeport, field: str, value: object) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.profiles.create_profile(user.id, {field: value})) == field


@pytest.mark.parametrize("field", ["nick", "created_at", "updated_at"])
async def test_an_unknown_or_read_only_field_is_refused_by_name(db: Homeport, field: str) -> None:
    user = await a_user(db)
    assert await refused(InvalidField, db.profiles.create_profile(user.id, {field: "x"})) == field


async def test_an_absent_profile_is_none_and_a_malformed_id_an_error(db: Homeport) -> None:
    user = await a_user(db)
    assert await db.profiles.get_profile(user.id) is None
    assert await refused(InvalidValue, db.profiles.get_profile("ada")) == "id"


# -- update_profile


async def test_an_update_changes_what_is_given_and_touches_the_profile(db: Homeport) -> None:
    profile = await a_profile(db, username="ada", pets="cat")
    changed = await db.profiles.update_profile(profile.id, {"pets": None, "interests": ["maths"]})
    assert changed == attrs.evolve(profile, pets=None, interests=("maths",), updated_at=changed.updated_at)
    assert await db.profiles.get_profile(profile.id) == changed


@pytest.mark.parametrize("field", ["id", "user_id"])
async def test_the_id_of_a_profile_can_not_be_changed(db: Homeport, field: str) -> None:
    profile = await a_profile(db, username="ada")
    assert await refused(InvalidField, db.profiles.update_profile(profile.id, {field: ABSENT})) == field
    assert await db.profiles.update_profile(profile.id, {field: str(profile.id)}) == profile
    changed = await db.profiles.update_profile(profile.id, {field: profile.id, "nickname": "Countess"})
    assert (changed.id, changed.nickname) == (profile.id, "Countess")


async def test_a_profile_that_is_not_there_can_not_be_updated(db: Homeport) -> None:
    user, bystander = await a_user(db), await a_profile(db, nickname="b")
    with pytest.raises(RepositoryNotFoundError):
        await db.profiles.update_profile(user.id, {"nickname": "x"})
    assert await db.profiles.get_profile(bystander.id) == bystander


async def test_an_update_to_a_username_that_is_taken_leaves_the_profile_as_it_was(db: Homeport) -> None:
    await a_profile(db, username="ada")
    profile = await a_profile(db, username="bob")
    taken = db.profiles.update_profile(profile.id, {"username": "ADA", "nickname": "x"})
    assert await violated(UniqueViolation, taken) == ("profiles_username_key", ("username",))
    assert await db.profiles.get_profile(profile.id) == profile


# -- delete_profile


async def test_a_deleted_profile_is_gone_and_its_user_stays(db: Homeport) -> None:
    user = await a_user(db)
    await db.profiles.create_profile(user.id, {})
    assert await db.profiles.delete_profile(user.id) is True
    assert await db.profiles.get_profile(user.id) is None
    assert await db.profiles.delete_profile(user.id) is False
    assert await db.users.find_by_email(user.email) == user


async def test_a_malformed_id_is_refused_by_update_and_delete(db: Homeport) -> None:
    assert await refused(InvalidValue, db.profiles.update_profile("x", {})) == "id"
    assert await refused(InvalidValue, db.profiles.delete_profile("")) == "id"


# -- get_profile_by_username


@pytest.mark.parametrize("asked", ["Ada", "ada", "ADA"])
async def test_a_profile_is_found_by_its_username_in_any_case_and_shows_its_public_part(
    db: Homeport, asked: str
) -> None:
    profile = await a_profile(db, username="Ada", nickname="Countess", email="ada@example.org")
    await a_profile(db, username="Adam")
    found = await db.profiles.get_profile_by_username(asked)
    assert found == PublicProfile(id=profile.id, username="Ada", nickname="Countess")


@pytest.mark.parametrize("asked", ["", "ad", "a_a", "%", "*", "Ada ", "Countess"])
async def test_only_the_whole_username_finds_a_profile(db: Homeport, asked: str) -> None:
    await a_profile(db, username="Ada", nickname="Countess")
    assert await db.profiles.get_profile_by_username(asked) is None


async def test_a_username_that_is_no_text_is_refused(db: Homeport) -> None:
    assert await refused(InvalidValue, db.profiles.get_profile_by_username(cast("str", 5))) == "username"


# -- search_profiles


async def test_a_search_has_names_that_start_with_the_text_first_each_part_by_username(db: Homeport) -> None:
    inside_2 = await a_profile(db, username="zoran")
    inside_1 = await a_profile(db, username="bjoran", nickname="x")
    nameless = await a_profile(db, full_name="Miss Oran")
    start_3 = await a_profile(db, nickname="ORANGE")
    start_2 = await a_profile(db, username="oranta")
    start_1 = await a_profile(db, username="amy", full_name="Oran Smith")
    await a_profile(db, username="somebody", email="oran@example.org", region="oran")
    wanted = [start_1, start_2, start_3, inside_1, inside_2, nameless]
    assert await db.profiles.search_profiles("oRan") == [shown(each) for each in wanted]


async def test_profiles_without_a_username_follow_by_id(db: Homeport) -> None:
    nameless = sorted([await a_profile(db, nickname="ada") for _ in range(3)], key=lambda profile: profile.id)
    named = await a_profile(db, username="zada", nickname="ada")
    assert await db.profiles.search_profiles("ada") == [shown(each) for each in (named, *nameless)]


async def test_a_search_answers_at_most_ten_or_as_many_as_were_asked_for(db: Homeport) -> None:
    start = [await a_profile(db, username=f"ada{number}") for number in range(6)]
    inside = [await a_profile(db, username=f"x-ada{number}") for number in range(6)]
    everybody = [shown(each) for each in start + inside]
    assert await db.profiles.search_profiles("ada") == everybody[:10]
    for limit in (0, 1, 6, 7, 12, 100):
        assert await db.profiles.search_profiles("ada", limit=limit) == everybody[:limit]


@pytest.mark.parametrize("text", ["%", "_", "*", "\\", "a%c", "'", '"', ",", "(", ")", "a.b", "{x}", "?", "[a]"])
async def test_wildcards_and_quotes_are_plain_characters_in_a_search(db: Homeport, text: str) -> None:
    await a_profile(db, username="abc", full_name="Abc")
    start = await a_profile(db, username=f"{text}z")
    inside = await a_profile(db, username=f"z{text}")
    assert await db.profiles.search_profiles(text) == [shown(start), shown(inside)]


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
async def test_a_blank_search_finds_nobody(db: Homeport, text: str) -> None:
    await a_profile(db, username="a b", nickname="\t\n")
    assert await db.profiles.search_profiles(text) == []


async def test_a_search_that_nothing_fits_is_empty(db: Homeport) -> None:
    await a_profile(db, username="ada")
    assert await db.profiles.search_profiles("bob") == []


@pytest.mark.parametrize("limit", [-1, True, "5", None, 2.0])
async def test_a_limit_that_is_no_count_is_refused(db: Homeport, limit: object) -> None:
    assert await refused(InvalidValue, db.profiles.search_profiles("ada", cast("int", limit))) == "limit"


async def test_a_search_for_something_that_is_no_text_is_refused(db: Homeport) -> None:
    with pytest.raises(InvalidValue):
        await db.profiles.search_profiles(cast("str", None))
    with pytest.raises(InvalidValue):
        await db.profiles.search_profiles("a\x00")
