"""Vehicles: what one person drives, with its records and logs, on every adapter."""

import datetime as dt
import uuid
from decimal import Decimal

import attrs
import pytest

from homeport.composition import Homeport
from homeport.domain.vehicles import FuelLog, FuelType, FuelUnit, MaintenanceRecord, Vehicle, VehicleType
from homeport.kernel.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidField,
    InvalidValue,
    NotNullViolation,
    RepositoryNotFoundError,
    UniqueViolation,
)
from homeport.testing import a_user, a_vehicle, an_event
from tests.support.refusals import refused, violated

ABSENT = uuid.UUID(int=7)
MAY = [dt.date(2026, 5, day) for day in range(1, 10)]
OIL = {"task": "oil", "date": MAY[0]}
FILLING = {"date": MAY[0], "volume": "10"}


async def filled(db: Homeport, vehicle: Vehicle, **data: object) -> FuelLog:
    return await db.vehicles.add_fuel_log(vehicle.id, {**FILLING, **data})


# -- create_vehicle


async def test_a_created_vehicle_has_its_defaults_and_can_be_read_back(db: Homeport) -> None:
    user = await a_user(db)
    made = await db.vehicles.create_vehicle(user.id, {"name": "Van"})
    assert made == Vehicle(
        id=made.id, user_id=user.id, name="Van", created_at=made.created_at, updated_at=made.created_at
    )
    assert (made.vehicle_type, made.fuel_type) == (VehicleType.RV, FuelType.GASOLINE)
    assert await db.vehicles.get_vehicle_by_id(made.id, user.id) == made


async def test_a_vehicle_keeps_every_field_that_was_given(db: Homeport) -> None:
    user = await a_user(db)
    given = {
        "name": "",
        "make": 'O\'Hara "& sons"',
        "year": 1900,
        "vin": "1HGCM82633A004352",
        "vehicle_type": VehicleType.FIFTH_WHEEL,
        "fuel_type": FuelType.DIESEL,
        "fuel_capacity_gallons": Decimal("9999.99"),
        "purchase_date": MAY[0],
        "purchase_price": Decimal("0.01"),
        "is_primary": True,
        "image_urls": ("a,b", ""),
        "specifications": {"axles": 2, "slides": [1, None]},
    }
    made = await db.vehicles.create_vehicle(user.id, given)
    assert {name: getattr(made, name) for name in given} == given


@pytest.mark.parametrize("year", [1899, 2101])
async def test_a_year_is_of_our_time(db: Homeport, year: int) -> None:
    user = await a_user(db)
    odd = db.vehicles.create_vehicle(user.id, {"name": "Van", "year": year})
    assert await violated(CheckViolation, odd) == ("vehicles_year_check", ("year",))


async def test_a_user_has_one_primary_vehicle(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    first = await db.vehicles.create_vehicle(user.id, {"name": "Van", "is_primary": True})
    second = await db.vehicles.create_vehicle(user.id, {"name": "Car"})
    await db.vehicles.create_vehicle(user.id, {"name": "Boat"})
    await db.vehicles.create_vehicle(other.id, {"name": "Van", "is_primary": True})
    said = ("vehicles_user_id_key", ("user_id",))
    third = db.vehicles.create_vehicle(user.id, {"name": "Bike", "is_primary": True})
    assert await violated(UniqueViolation, third) == said
    promoted = db.vehicles.update_vehicle(second.id, user.id, {"is_primary": True})
    assert await violated(UniqueViolation, promoted) == said
    await db.vehicles.update_vehicle(first.id, user.id, {"is_primary": False})
    assert (await db.vehicles.update_vehicle(second.id, user.id, {"is_primary": True})).is_primary


async def test_a_vehicle_that_breaks_a_rule_is_refused(db: Homeport) -> None:
    user, other = await a_user(db), await a_user(db)
    await db.vehicles.create_vehicle(user.id, {"name": "Van", "vin": "1"})
    twin = db.vehicles.create_vehicle(other.id, {"name": "Van", "vin": "1"})
    assert await violated(UniqueViolation, twin) == ("vehicles_vin_key", ("vin",))
    assert await violated(NotNullViolation, db.vehicles.create_vehicle(user.id, {"vin": "2"})) == (None, ("name",))
    unknown = db.vehicles.create_vehicle(ABSENT, {"name": "Van"})
    assert await violated(ForeignKeyViolation, unknown) == ("vehicles_user_id_fkey", ("user_id",))
    mine = db.vehicles.create_vehicle(user.id, {"name": "Van", "user_id": other.id})
    assert await refused(InvalidField, mine) == "user_id"
    plane = db.vehicles.create_vehicle(user.id, {"name": "Van", "vehicle_type": "plane"})
    assert await refused(InvalidValue, plane) == "vehicle_type"


# -- get_user_vehicles, get_vehicle_by_id


async def test_vehicles_are_the_primary_one_first_and_then_by_name_and_id(db: Homeport) -> None:
    user = await a_user(db)
    last = await a_vehicle(db, user_id=user.id, name="b")
    twins = sorted([await a_vehicle(db, user_id=user.id, name="a") for _ in range(3)], key=lambda one: one.id)
    primary = await a_vehicle(db, user_id=user.id, name="z", is_primary=True)
    await a_vehicle(db)
    assert await db.vehicles.get_user_vehicles(str(user.id)) == [primary, *twins, last]
    assert await db.vehicles.get_user_vehicles(ABSENT) == []


async def test_a_vehicle_of_another_is_as_absent(db: Homeport) -> None:
    vehicle, user = await a_vehicle(db), await a_user(db)
    for id in (vehicle.id, ABSENT):
        assert await db.vehicles.get_vehicle_by_id(id, user.id) is None
        assert await db.vehicles.delete_vehicle(id, user.id) is False
        with pytest.raises(RepositoryNotFoundError):
            await db.vehicles.update_vehicle(id, user.id, {"name": "x"})
    assert await db.vehicles.get_vehicle_by_id(str(vehicle.id), str(vehicle.user_id)) == vehicle


async def test_a_malformed_id_is_an_error(db: Homeport) -> None:
    user = await a_user(db)
    assert await refused(InvalidValue, db.vehicles.get_vehicle_by_id("1", user.id)) == "id"
    assert await refused(InvalidValue, db.vehicles.add_fuel_log("1", FILLING)) == "id"
    assert await refused(InvalidValue, db.vehicles.get_fuel_logs("1")) == "vehicle_id"
    assert await refused(InvalidValue, db.vehicles.get_maintenance_records(ABSENT, user_id="me")) == "user_id"


# -- update_vehicle, delete_vehicle


async def test_an_update_changes_what_is_given(db: Homeport) -> None:
    vehicle = await a_vehicle(db, make="A")
    changed = await db.vehicles.update_vehicle(vehicle.id, vehicle.user_id, {"make": None, "mileage_current": 5})
    assert changed == attrs.evolve(vehicle, make=None, mileage_current=5, updated_at=changed.updated_at)
    odd = db.vehicles.update_vehicle(vehicle.id, vehicle.user_id, {"name": "x", "year": 1})
    assert await violated(CheckViolation, odd) == ("vehicles_year_check", ("year",))
    assert await db.vehicles.get_vehicle_by_id(vehicle.id, vehicle.user_id) == changed


async def test_a_deleted_vehicle_takes_its_records_and_leaves_the_calendar(db: Homeport) -> None:
    vehicle = await a_vehicle(db)
    event = await an_event(db, user_id=vehicle.user_id, vehicle_id=vehicle.id)
    unknown = db.calendar.update_event(event.id, vehicle.user_id, {"vehicle_id": ABSENT})
    broken = ("calendar_events_vehicle_id_fkey", ("user_id", "vehicle_id"))
    assert await violated(ForeignKeyViolation, unknown) == broken
    await db.vehicles.add_maintenance_record(vehicle.id, OIL)
    await filled(db, vehicle)
    assert await db.vehicles.delete_vehicle(vehicle.id, vehicle.user_id) is True
    assert await db.vehicles.delete_vehicle(vehicle.id, vehicle.user_id) is False
    assert await db.vehicles.maintenance.count() == await db.vehicles.fuel.count() == 0
    left = await db.calendar.get_event_by_id(event.id, vehicle.user_id)
    assert left == attrs.evolve(event, vehicle_id=None)


# -- add_maintenance_record, get_maintenance_records


async def test_a_maintenance_record_belongs_to_the_vehicles_user(db: Homeport) -> None:
    vehicle, other = await a_vehicle(db), await a_vehicle(db)
    made = await db.vehicles.add_maintenance_record(vehicle.id, OIL, user_id=str(vehicle.user_id))
    assert made == MaintenanceRecord(
        id=made.id,
        vehicle_id=vehicle.id,
        user_id=vehicle.user_id,
        task="oil",
        date=MAY[0],
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    for name, value in (("user_id", other.user_id), ("vehicle_id", other.id)):
        assert await refused(InvalidField, db.vehicles.add_maintenance_record(vehicle.id, {**OIL, name: value})) == name
    negative = db.vehicles.add_maintenance_record(vehicle.id, {**OIL, "mileage": -1})
    assert await violated(CheckViolation, negative) == ("maintenance_records_mileage_check", ("mileage",))
    undated = db.vehicles.add_maintenance_record(vehicle.id, {"task": "oil"})
    assert await violated(NotNullViolation, undated) == (None, ("date",))


async def test_maintenance_records_are_the_latest_first(db: Homeport) -> None:
    vehicle = await a_vehicle(db)
    add = db.vehicles.add_maintenance_record
    old = await add(vehicle.id, OIL)
    twins = sorted([await add(vehicle.id, {**OIL, "date": MAY[2]}) for _ in range(3)], key=lambda one: one.id)
    await add((await a_vehicle(db, user_id=vehicle.user_id)).id, OIL)
    assert await db.vehicles.get_maintenance_records(vehicle.id) == [*twins, old]
    assert await db.vehicles.get_maintenance_records(str(vehicle.id), user_id=vehicle.user_id) == [*twins, old]


async def test_records_and_logs_need_a_vehicle_that_is_there_and_of_the_user_who_is_named(db: Homeport) -> None:
    vehicle, user = await a_vehicle(db), await a_user(db)
    for id, named in ((ABSENT, None), (ABSENT, user.id), (vehicle.id, user.id)):
        with pytest.raises(RepositoryNotFoundError):
            await db.vehicles.add_maintenance_record(id, OIL, user_id=named)
        with pytest.raises(RepositoryNotFoundError):
            await db.vehicles.add_fuel_log(id, FILLING, user_id=named)
    await db.vehicles.add_maintenance_record(vehicle.id, OIL)
    await filled(db, vehicle)
    for id, named in ((ABSENT, None), (ABSENT, user.id), (vehicle.id, user.id)):
        assert await db.vehicles.get_maintenance_records(id, user_id=named) == []
        assert await db.vehicles.get_fuel_logs(id, user_id=named) == []


async def test_what_another_put_under_a_vehicle_is_neithers_own(db: Homeport) -> None:
    vehicle, intruder = await a_vehicle(db), await a_user(db)
    planted = {"vehicle_id": vehicle.id, "user_id": intruder.id}
    await db.vehicles.maintenance.create({**OIL, **planted})
    await db.vehicles.fuel.create({**FILLING, **planted})
    for named in (vehicle.user_id, intruder.id):
        assert await db.vehicles.get_maintenance_records(vehicle.id, user_id=named) == []
        assert await db.vehicles.get_fuel_logs(vehicle.id, user_id=named) == []


# -- add_fuel_log


async def test_a_fuel_log_belongs_to_the_vehicles_user(db: Homeport) -> None:
    vehicle, other = await a_vehicle(db), await a_vehicle(db)
    made = await db.vehicles.add_fuel_log(str(vehicle.id), FILLING, user_id=vehicle.user_id)
    assert made == FuelLog(
        id=made.id,
        vehicle_id=vehicle.id,
        user_id=vehicle.user_id,
        date=MAY[0],
        volume=Decimal("10.000"),
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert await refused(InvalidField, filled(db, vehicle, user_id=other.user_id)) == "user_id"
    assert await refused(InvalidField, filled(db, vehicle, colour="red")) == "colour"
    assert await refused(InvalidValue, filled(db, vehicle, volume=1.5)) == "volume"
    for volume in (0, "-1"):
        said = await violated(CheckViolation, filled(db, vehicle, volume=volume, odometer=5))
        assert said == ("fuel_logs_volume_check", ("volume",))
    for name in ("unit", "volume", "date"):
        assert await violated(NotNullViolation, filled(db, vehicle, **{name: None})) == (None, (name,))


@pytest.mark.parametrize(
    ("volume", "price", "total"), [("10", "4.199", "41.99"), ("0.5", "0.01", "0.01"), ("12.345", "3.339", "41.22")]
)
async def test_a_total_is_volume_times_price_to_the_cent(db: Homeport, volume: str, price: str, total: str) -> None:
    vehicle = await a_vehicle(db)
    assert (await filled(db, vehicle, volume=volume, price_per_unit=price)).total_cost == Decimal(total)
    given = await filled(db, vehicle, volume=volume, price_per_unit=price, total_cost="1")
    assert given.total_cost == Decimal("1.00")
    assert (await filled(db, vehicle, volume=volume)).total_cost is None


async def test_a_mileage_is_the_way_since_the_last_filling_to_the_top_over_all_that_was_filled(db: Homeport) -> None:
    vehicle = await a_vehicle(db)
    assert (await filled(db, vehicle, odometer=1000)).mpg is None
    assert (await filled(db, vehicle, odometer=1200, volume="10")).mpg == Decimal("20.00")
    assert (await filled(db, vehicle, odometer=1250, volume="5", filled_to_top=False)).mpg is None
    assert (await filled(db, vehicle, odometer=1300, volume="2.5")).mpg == Decimal("13.33")
    liters = await filled(db, vehicle, odometer=1400, volume="37.854", unit=FuelUnit.LITER)
    assert liters.mpg == Decimal("10.00")
    assert (await filled(db, vehicle, odometer=1500, mpg="7")).mpg == Decimal("7.00")


async def test_there_is_no_mileage_where_it_can_not_be_had(db: Homeport) -> None:
    vehicle = await a_vehicle(db)
    await filled(db, await a_vehicle(db, user_id=vehicle.user_id), odometer=900)
    await filled(db, vehicle, odometer=950, filled_to_top=False)
    await filled(db, vehicle)
    assert (await filled(db, vehicle, odometer=1000)).mpg is None
    assert (await filled(db, vehicle)).mpg is None
    assert (await filled(db, vehicle, odometer=1000)).mpg is None
    assert (await filled(db, vehicle, odometer=10)).mpg is None
    assert (await filled(db, vehicle, odometer=2_000_000_000, volume="0.001")).mpg is None


# -- get_fuel_logs


async def test_logs_are_the_latest_first_between_two_days_that_may_be_left_out(db: Homeport) -> None:
    vehicle = await a_vehicle(db)
    first, second, third = [await filled(db, vehicle, date=day) for day in MAY[:3]]
    twin = await filled(db, vehicle, date=MAY[2])
    latest = sorted([third, twin], key=lambda one: one.id)
    await filled(db, await a_vehicle(db, user_id=vehicle.user_id))
    logs = db.vehicles.get_fuel_logs
    assert await logs(vehicle.id) == [*latest, second, first]
    assert await logs(vehicle.id, MAY[1]) == [*latest, second]
    assert await logs(vehicle.id, None, "2026-05-02") == [second, first]
    assert await logs(str(vehicle.id), "2026-05-02", MAY[1], user_id=str(vehicle.user_id)) == [second]
    assert await logs(vehicle.id, MAY[5]) == []


async def test_a_range_that_makes_no_sense_is_refused(db: Homeport) -> None:
    vehicle = await a_vehicle(db)
    assert await refused(InvalidValue, db.vehicles.get_fuel_logs(vehicle.id, MAY[1], MAY[0])) == "end_date"
    for day in ("", "May", "2026-05-01T00:00:00"):
        assert await refused(InvalidValue, db.vehicles.get_fuel_logs(vehicle.id, day)) == "date"
