"""The transition plan's means and its downsizing, on every adapter."""

import asyncio
import datetime as dt
import logging
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.transition_plan import (
    AcquisitionStatus,
    BucketType,
    Decision,
    DecisionTotal,
    DownsizingStats,
    EquipmentItem,
    EquipmentStats,
    FinancialItem,
    ModCategory,
    ModPriority,
    ModStatus,
    Priority,
    RoomStatus,
    ServiceStatus,
    TransitionItem,
    TransitionProfile,
    TransitionRoom,
    VehicleMod,
    VehicleModStats,
)
from homeport.kernel.errors import (
    CheckViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
)
from homeport.testing import a_transition_item, a_transition_profile, a_transition_room, a_user
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
TODAY = dt.date(2026, 5, 1)
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
CALLERS = 200


async def a_plan(db: Homeport) -> TransitionProfile:
    """The live plan of a new user."""
    return await a_transition_profile(db)


async def a_room(db: Homeport, plan: TransitionProfile, name: str = "Attic") -> TransitionRoom:
    return await db.transition_plan.create_room(plan.user_id, {"name": name})


# -- what all of these lists share


@pytest.mark.parametrize(
    ("methods", "data", "odd"),
    [
        (
            ("create_financial_item", "get_financial_items", "update_financial_item", "delete_financial_item"),
            {"bucket_type": "travel", "category": "fuel", "estimated_amount": "5"},
            "estimated_amount",
        ),
        (
            ("create_service", "get_services", "update_service", "delete_service"),
            {"service_type": "cancellation", "service_name": "Gas", "category": "utilities"},
            "documents_total",
        ),
        (
            ("add_equipment_item", "get_equipment_list", "update_equipment_item", "delete_equipment_item"),
            {"equipment_name": "Jack", "category": "tools"},
            "actual_cost",
        ),
        (
            ("create_vehicle_mod", "get_vehicle_mods", "update_vehicle_mod", "delete_vehicle_mod"),
            {"name": "Solar", "category": "power"},
            "time_required_hours",
        ),
        (("create_room", "get_rooms", "update_room", "delete_room"), {"name": "Attic"}, None),
    ],
)
async def test_a_row_is_its_users_alone_and_under_a_live_plan(
    db: Homeport, methods: tuple[str, ...], data: dict[str, object], odd: str | None
) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    adding, asking, changing, removing = (getattr(db.transition_plan, name) for name in methods)
    assert await asking(plan.user_id) == []
    made = await adding(plan.user_id, data)
    assert (made.user_id, made.profile_id) == (plan.user_id, plan.id)
    assert {name: str(getattr(made, name)) for name in data} == {
        name: "5.00" if name == "estimated_amount" else value for name, value in data.items()
    }
    with pytest.raises(RepositoryNotFoundError):
        await adding((await a_user(db)).id, data)
    with pytest.raises(RepositoryNotFoundError):
        await changing(made.id, other.user_id, data)
    with pytest.raises(RepositoryNotFoundError):
        await changing(ABSENT, plan.user_id, data)
    again = await changing(made.id, str(plan.user_id), data)
    assert again == attrs.evolve(made, updated_at=again.updated_at)
    assert await violated(NotNullViolation, changing(made.id, plan.user_id, {_first_required(data): None})) == (
        None,
        (_first_required(data),),
    )
    if odd is not None:
        negative = changing(made.id, plan.user_id, {odd: -1})
        assert (await violated(CheckViolation, negative))[1] == (odd,)
    assert (await asking(plan.user_id), await asking(other.user_id)) == ([again], [])
    assert await refused(InvalidField, adding(plan.user_id, {**data, "color": "red"})) == "color"
    assert await refused(InvalidField, adding(plan.user_id, {**data, "user_id": other.user_id})) == "user_id"
    assert await violated(NotNullViolation, adding(plan.user_id, {})) == (None, (_first_required(data),))
    assert await removing(made.id, other.user_id) is False
    await db.transition_plan.archive_profile(plan.user_id)
    assert await removing(made.id, plan.user_id) is False
    with pytest.raises(RepositoryNotFoundError):
        await changing(made.id, plan.user_id, data)
    await db.transition_plan.restore_profile(plan.user_id)
    assert await removing(made.id, plan.user_id) is True
    assert await removing(made.id, plan.user_id) is False


def _first_required(data: dict[str, object]) -> str:
    return next(iter(data))


# -- money


@pytest.mark.parametrize(
    ("current", "estimated", "funded", "percentage"),
    [
        ("0", "0", True, 100),
        ("0", "0.01", False, 0),
        ("-5", "10", False, 0),
        ("3.33", "10", False, 33),
        ("9999999999.98", "9999999999.99", False, 99),
        ("10", "10", True, 100),
        ("9999999999.99", "0.01", True, 100),
    ],
)
async def test_how_far_an_item_is_funded_follows_its_amounts(
    db: Homeport, current: str, estimated: str, funded: bool, percentage: int
) -> None:
    plan = await a_plan(db)
    amounts = {"current_amount": current, "estimated_amount": estimated}
    data = {"bucket_type": "emergency", "category": "reserve", **amounts}
    made = await db.transition_plan.create_financial_item(plan.user_id, data)
    assert made == FinancialItem(
        id=made.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        bucket_type=BucketType.EMERGENCY,
        category="reserve",
        estimated_amount=Decimal(estimated),
        current_amount=Decimal(current),
        is_funded=funded,
        funding_percentage=percentage,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    other = await db.transition_plan.create_financial_item(plan.user_id, {**data, "current_amount": 0})
    changed = await db.transition_plan.update_financial_item(other.id, plan.user_id, amounts)
    assert (changed.is_funded, changed.funding_percentage) == (funded, percentage)
    assert await db.transition_plan.financial.count({"is_funded": funded, "id": made.id}) == 1


async def test_funding_can_not_be_given_and_no_estimate_is_negative(db: Homeport) -> None:
    plan = await a_plan(db)
    data = {"bucket_type": "travel", "category": "fuel", "estimated_amount": -1}
    create = db.transition_plan.create_financial_item
    assert await violated(CheckViolation, create(plan.user_id, data)) == (
        "transition_financial_estimated_amount_check",
        ("estimated_amount",),
    )
    for field in ("is_funded", "funding_percentage"):
        assert await refused(InvalidField, create(plan.user_id, {**data, field: 1})) == field


async def test_money_is_listed_by_bucket_and_category(db: Homeport) -> None:
    plan = await a_plan(db)
    create = db.transition_plan.create_financial_item
    travel, deposit, buffer = [
        await create(plan.user_id, {"bucket_type": bucket, "category": category, "estimated_amount": 1})
        for bucket, category in (("travel", "a"), ("transition", "b"), ("transition", "a"))
    ]
    ask = db.transition_plan.get_financial_items
    assert await ask(plan.user_id) == [buffer, deposit, travel]
    assert await ask(plan.user_id, "travel") == [travel]
    assert await ask(ABSENT) == []
    assert await refused(InvalidValue, ask(plan.user_id, "fun")) == "bucket_type"


# -- services


async def test_services_are_filtered_and_keep_their_accounts_to_themselves(
    db: Homeport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    plan = await a_plan(db)
    given = {
        "service_type": "cancellation",
        "service_name": "Gas",
        "category": "utilities",
        "account_number": "KTO-8812-7",
    }
    made = await db.transition_plan.create_service(plan.user_id, given)
    assert {name: getattr(made, name) for name in given} == given
    assert (made.status, made.priority, made.cancellation_completed) == (ServiceStatus.PENDING, Priority.MEDIUM, False)
    other = {"service_type": "digitization", "service_name": "Albums", "category": "photos", "status": "completed"}
    albums = await db.transition_plan.create_service(plan.user_id, other)
    ask = db.transition_plan.get_services
    assert await ask(plan.user_id) == [albums, made]
    assert await ask(plan.user_id, "cancellation", "pending") == [made]
    assert await ask(plan.user_id, status=ServiceStatus.COMPLETED) == [albums]
    with pytest.raises(CheckViolation) as caught:
        await db.transition_plan.update_service(
            made.id, plan.user_id, {"documents_total": -1, "account_number": "KTO-8812-8"}
        )
    assert "KTO" not in f"{made!r} {caught.value} {caplog.text}"


# -- equipment


async def test_equipment_is_added_bought_and_listed(db: Homeport) -> None:
    plan = await a_plan(db)
    jack = await db.transition_plan.add_equipment_item(plan.user_id, {"equipment_name": "Jack", "category": "tools"})
    assert jack == EquipmentItem(
        id=jack.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        equipment_name="Jack",
        category="tools",
        created_at=jack.created_at,
        updated_at=jack.created_at,
    )
    pan = await db.transition_plan.add_equipment_item(plan.user_id, {"equipment_name": "Pan", "category": "kitchen"})
    mark = db.transition_plan.mark_equipment_purchased
    bought = await mark(jack.id, plan.user_id, "39.90", "Market", purchased_date=TODAY)
    assert bought == attrs.evolve(
        jack,
        acquisition_status=AcquisitionStatus.ACQUIRED,
        is_purchased=True,
        purchased_date=TODAY,
        actual_cost=Decimal("39.90"),
        purchase_location="Market",
        updated_at=bought.updated_at,
    )
    later = await mark(jack.id, plan.user_id)
    assert (later.actual_cost, later.purchase_location) == (Decimal("39.90"), "Market")
    ask = db.transition_plan.get_equipment_list
    assert await ask(plan.user_id) == [pan, later]
    assert await ask(plan.user_id, "tools") == [later]
    assert await ask(plan.user_id, status="researching") == [pan]
    assert await ask(plan.user_id, is_purchased=False) == [pan]
    assert await ask(plan.user_id, is_purchased=True) == [later]
    with pytest.raises(RepositoryNotFoundError):
        await mark(pan.id, (await a_plan(db)).user_id)
    assert await refused(InvalidValue, mark(pan.id, plan.user_id, "free")) == "actual_cost"
    assert (await violated(CheckViolation, mark(pan.id, plan.user_id, -1)))[1] == ("actual_cost",)


async def test_equipment_in_figures(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    nothing = EquipmentStats(
        needed_count=0,
        purchased_count=0,
        purchased_percentage=0,
        estimated_total=Decimal(0),
        spent=Decimal(0),
        still_to_spend=Decimal(0),
        weight_lbs=Decimal(0),
    )
    assert await db.transition_plan.get_equipment_stats(plan.user_id) == nothing
    add = db.transition_plan.add_equipment_item
    for name, cost in (("a", "0.10"), ("b", "0.20"), ("c", None)):
        data = {"equipment_name": name, "category": "x", "estimated_cost": cost, "weight_lbs": "1.5"}
        await add(plan.user_id, data)
    await add(plan.user_id, {"equipment_name": "d", "category": "x", "is_needed": False, "estimated_cost": 100})
    await add(other.user_id, {"equipment_name": "e", "category": "x", "estimated_cost": 100})
    (first, *_) = await db.transition_plan.get_equipment_list(plan.user_id)
    await db.transition_plan.mark_equipment_purchased(first.id, plan.user_id, "0.05")
    assert await db.transition_plan.get_equipment_stats(plan.user_id) == EquipmentStats(
        needed_count=3,
        purchased_count=1,
        purchased_percentage=33,
        estimated_total=Decimal("0.30"),
        spent=Decimal("0.05"),
        still_to_spend=Decimal("0.20"),
        weight_lbs=Decimal("4.50"),
    )
    await db.transition_plan.archive_profile(plan.user_id)
    assert await db.transition_plan.get_equipment_stats(plan.user_id) == nothing


# -- changes to the vehicle


async def test_changes_to_the_vehicle_are_listed_and_counted(db: Homeport) -> None:
    plan = await a_plan(db)
    create = db.transition_plan.create_vehicle_mod
    data = {"name": "Solar", "category": "power", "priority": "nice-to-have", "dependencies": ["wiring"]}
    solar = await create(plan.user_id, {**data, "estimated_cost": 900, "time_required_hours": 12})
    assert solar == VehicleMod(
        id=solar.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        name="Solar",
        category=ModCategory.POWER,
        priority=ModPriority.NICE_TO_HAVE,
        estimated_cost=Decimal(900),
        time_required_hours=12,
        dependencies=("wiring",),
        created_at=solar.created_at,
        updated_at=solar.created_at,
    )
    fan = await create(plan.user_id, {"name": "Fan", "category": "comfort", "estimated_cost": 50})
    done = {"status": "complete", "actual_cost": "45.50", "completion_date": TODAY}
    fan = await db.transition_plan.update_vehicle_mod(fan.id, plan.user_id, done)
    ask = db.transition_plan.get_vehicle_mods
    assert await ask(plan.user_id) == [fan, solar]
    assert await ask(plan.user_id, "power") == [solar]
    assert await ask(plan.user_id, status=ModStatus.COMPLETE) == [fan]
    assert await db.transition_plan.get_vehicle_mod_stats(plan.user_id) == VehicleModStats(
        planned_count=1,
        in_progress_count=0,
        complete_count=1,
        complete_percentage=50,
        estimated_total=Decimal(950),
        spent=Decimal("45.50"),
        still_to_spend=Decimal(900),
        hours_left=12,
    )
    assert (await db.transition_plan.get_vehicle_mod_stats(ABSENT)).complete_percentage == 0


# -- income, which has its base repository alone


async def test_an_income_stream_starts_as_a_plan(db: Homeport) -> None:
    plan = await a_plan(db)
    made = await db.transition_plan.income.of(plan.user_id).create(
        {"profile_id": plan.id, "stream_name": "Books", "income_type": "passive"}
    )
    assert (made.monthly_estimate, made.priority, made.setup_checklist) == (Decimal(0), Priority.MEDIUM, [])


# -- rooms and items


async def test_a_room_counts_its_items_and_those_that_are_decided(db: Homeport) -> None:
    plan = await a_plan(db)
    attic, cellar = await a_room(db, plan, "Attic"), await a_room(db, plan, "Cellar")
    assert attic == TransitionRoom(
        id=attic.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        name="Attic",
        completion_percentage=0,
        created_at=attic.created_at,
        updated_at=attic.created_at,
    )
    create = db.transition_plan.create_item
    items = [await create(attic.id, plan.user_id, {"name": f"box {each}"}) for each in range(3)]
    await create(attic.id, plan.user_id, {"name": "piano", "decision": "sell"})
    await db.transition_plan.update_item(items[0].id, plan.user_id, {"decision": "keep"})
    await db.transition_plan.update_item(items[1].id, plan.user_id, {"room_id": cellar.id})
    await db.transition_plan.delete_item(items[2].id, plan.user_id)
    rooms = await db.transition_plan.get_rooms(plan.user_id)
    assert [(each.name, each.total_items, each.decided_items, each.completion_percentage) for each in rooms] == [
        ("Attic", 2, 2, 100),
        ("Cellar", 1, 0, 0),
    ]
    for field in ("total_items", "decided_items", "completion_percentage"):
        assert await refused(InvalidField, db.transition_plan.update_room(attic.id, plan.user_id, {field: 1})) == field
    assert await db.transition_plan.delete_room(attic.id, plan.user_id) is True
    assert [each.name for each in await db.transition_plan.get_items(plan.user_id)] == ["box 1"]


async def test_a_decision_brings_its_time_and_takes_it_away(db: Homeport) -> None:
    plan = await a_plan(db)
    room = await a_room(db, plan)
    given = {"name": "Piano", "estimated_value": "120.00", "emotional_difficulty": 5}
    made = await db.transition_plan.create_item(room.id, plan.user_id, given)
    assert made == TransitionItem(
        id=made.id,
        user_id=plan.user_id,
        profile_id=plan.id,
        room_id=room.id,
        name="Piano",
        estimated_value=Decimal(120),
        emotional_difficulty=5,
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    update = db.transition_plan.update_item
    sold = await update(made.id, plan.user_id, {"decision": "sell"}, now=NOW)
    assert (sold.decision, sold.decision_date) == (Decision.SELL, NOW)
    assert (await update(made.id, plan.user_id, {"notes": "x"})).decision_date == NOW
    undecided = await update(made.id, plan.user_id, {"decision": None})
    assert (undecided.decision, undecided.decision_date) == (None, None)
    too_hard = update(made.id, plan.user_id, {"emotional_difficulty": 6})
    assert await violated(CheckViolation, too_hard) == (
        "transition_items_emotional_difficulty_check",
        ("emotional_difficulty",),
    )
    assert await refused(InvalidValue, update(made.id, plan.user_id, {"decision": "burn"})) == "decision"
    worthless = db.transition_plan.create_item(room.id, plan.user_id, {"name": "x", "estimated_value": -1})
    assert (await violated(CheckViolation, worthless))[1] == ("estimated_value",)
    assert await violated(NotNullViolation, db.transition_plan.create_item(room.id, plan.user_id, {})) == (
        None,
        ("name",),
    )


async def test_an_item_stands_in_a_room_of_the_same_plan(db: Homeport) -> None:
    plan, other = await a_plan(db), await a_plan(db)
    room, theirs = await a_room(db, plan), await a_room(db, other)
    item = await db.transition_plan.create_item(room.id, plan.user_id, {"name": "box"})
    for call in (
        db.transition_plan.create_item(theirs.id, plan.user_id, {"name": "x"}),
        db.transition_plan.create_item(ABSENT, plan.user_id, {"name": "x"}),
        db.transition_plan.update_item(item.id, plan.user_id, {"room_id": theirs.id}),
        db.transition_plan.update_item(item.id, other.user_id, {"name": "x"}),
    ):
        with pytest.raises(RepositoryNotFoundError):
            await call
    nowhere = db.transition_plan.update_item(item.id, plan.user_id, {"room_id": None})
    assert await violated(NotNullViolation, nowhere) == (None, ("room_id",))
    assert await db.transition_plan.delete_item(item.id, other.user_id) is False
    assert await db.transition_plan.get_items(other.user_id) == []
    assert await db.transition_plan.get_items(plan.user_id, theirs.id) == []


async def test_items_are_filtered_by_room_and_decision(db: Homeport) -> None:
    plan = await a_plan(db)
    room, other = await a_room(db, plan, "a"), await a_room(db, plan, "b")
    create = db.transition_plan.create_item
    piano = await create(room.id, plan.user_id, {"name": "piano", "decision": "sell"})
    box = await create(room.id, plan.user_id, {"name": "box"})
    lamp = await create(other.id, plan.user_id, {"name": "lamp", "decision": "sell"})
    ask = db.transition_plan.get_items
    assert await ask(plan.user_id) == [box, lamp, piano]
    assert await ask(plan.user_id, str(room.id)) == [box, piano]
    assert await ask(plan.user_id, decision=Decision.SELL) == [lamp, piano]
    assert await ask(plan.user_id, room.id, "sell") == [piano]
    assert await refused(InvalidValue, ask(plan.user_id, "attic")) == "room_id"


async def test_downsizing_in_figures(db: Homeport) -> None:
    plan = await a_plan(db)
    nothing = DownsizingStats(
        rooms_count=0, completed_rooms_count=0, items_count=0, decided_count=0, decided_percentage=0, totals=()
    )
    assert await db.transition_plan.get_downsizing_stats(plan.user_id) == nothing
    room, other = await a_room(db, plan, "a"), await a_room(db, plan, "b")
    await db.transition_plan.update_room(other.id, plan.user_id, {"status": RoomStatus.COMPLETED})
    for name, decision, value in (
        ("a", "sell", "0.10"),
        ("b", "sell", "0.20"),
        ("c", "donate", None),
        ("d", None, "5"),
    ):
        data = {"name": name, "decision": decision, "estimated_value": value}
        await db.transition_plan.create_item(room.id, plan.user_id, data)
    await a_transition_item(db, room_id=(await a_transition_room(db)).id)
    assert await db.transition_plan.get_downsizing_stats(plan.user_id) == DownsizingStats(
        rooms_count=2,
        completed_rooms_count=1,
        items_count=4,
        decided_count=3,
        decided_percentage=75,
        totals=(
            DecisionTotal(decision=Decision.DONATE, items_count=1, estimated_value=Decimal(0)),
            DecisionTotal(decision=Decision.SELL, items_count=2, estimated_value=Decimal("0.30")),
            DecisionTotal(decision=None, items_count=1, estimated_value=Decimal(5)),
        ),
    )
    await db.transition_plan.archive_profile(plan.user_id)
    assert await db.transition_plan.get_downsizing_stats(plan.user_id) == nothing


async def test_decisions_at_once_are_all_counted(db: Homeport) -> None:
    plan = await a_plan(db)
    room = await a_room(db, plan)
    under = {"user_id": plan.user_id, "profile_id": plan.id, "room_id": room.id}
    items = await db.transition_plan.items.create_many([{**under, "name": str(each)} for each in range(CALLERS)])
    await asyncio.gather(
        *(db.transition_plan.update_item(each.id, plan.user_id, {"decision": "keep"}) for each in items[: CALLERS // 2])
    )
    (found,) = await db.transition_plan.get_rooms(plan.user_id)
    assert (found.total_items, found.decided_items, found.completion_percentage) == (CALLERS, CALLERS // 2, 50)
