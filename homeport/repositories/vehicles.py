"""Vehicles over any store."""

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar, cast

from homeport.domain.ids import Id
from homeport.domain.vehicles import FuelLog, FuelUnit, MaintenanceRecord, Vehicle, gallons
from homeport.kernel.entity import Entity
from homeport.kernel.errors import InvalidValue
from homeport.kernel.policies import owned, owned_under
from homeport.kernel.predicates import TRUE, Predicate, all_of, eq, exists, ge, gt, le, lt
from homeport.kernel.table import (
    CREATED,
    ID,
    OWNER,
    UPDATED,
    OnDelete,
    at_least,
    between,
    column,
    index,
    more_than,
    table,
    unique,
)
from homeport.kernel.types import NumericType
from homeport.ports.context import Context
from homeport.ports.store import Store
from homeport.ports.vehicles import VehicleRepository
from homeport.repositories.collection import Collection
from homeport.repositories.migrations import shipped
from homeport.repositories.money import MONEY

C = TypeVar("C", bound=Entity)

_TOO_MUCH = Decimal(9999)
"""Miles per gallon that the column has no room for, nearly: what an odometer said wrongly."""

_OF_VEHICLE = column(references="vehicles", on_delete=OnDelete.CASCADE)


VEHICLE = table(
    Vehicle,
    "vehicles",
    owner="user_id",
    columns={
        "id": ID,
        "user_id": OWNER,
        "fuel_capacity_gallons": column(NumericType(6, 2)),
        "purchase_price": MONEY,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    # the last one is what rows of the same user refer to
    uniques=[unique("vin"), unique("user_id", where=eq("is_primary", True)), unique("user_id", "id")],
    checks=[between("year", 1900, 2100)],
    indexes=[index("user_id")],
    policies=owned(),
    order=["-is_primary", "name"],
)

MAINTENANCE_RECORD = table(
    MaintenanceRecord,
    "maintenance_records",
    owner="user_id",
    columns={
        "id": ID,
        "vehicle_id": _OF_VEHICLE,
        "user_id": OWNER,
        "cost": MONEY,
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    checks=[at_least("mileage", 0)],
    indexes=[index("vehicle_id", "-date"), index("user_id"), index("next_due_date")],
    policies=owned_under(VEHICLE, "vehicle_id"),
    order=["-date"],
)

FUEL_LOG = table(
    FuelLog,
    "fuel_logs",
    owner="user_id",
    columns={
        "id": ID,
        "vehicle_id": _OF_VEHICLE,
        "user_id": OWNER,
        "volume": column(NumericType(8, 3)),
        "price_per_unit": column(NumericType(8, 3)),
        "total_cost": MONEY,
        "mpg": column(NumericType(6, 2)),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    checks=[more_than("volume", 0)],
    indexes=[index("vehicle_id", "-date"), index("user_id")],
    policies=owned_under(VEHICLE, "vehicle_id"),
    order=["-date"],
)


class StoredVehicles:
    """Document 000's VehicleRepository; each of its tables is a base repository."""

    def __init__(self, store: Store) -> None:
        self.vehicles: Collection[Vehicle, uuid.UUID] = Collection(store, VEHICLE)
        self.maintenance: Collection[MaintenanceRecord, uuid.UUID] = Collection(store, MAINTENANCE_RECORD)
        self.fuel: Collection[FuelLog, uuid.UUID] = Collection(store, FUEL_LOG)

    async def create_vehicle(self, user_id: Id, data: Mapping[str, object]) -> Vehicle:
        return await self.vehicles.of(user_id).create(data)

    async def get_user_vehicles(self, user_id: Id) -> list[Vehicle]:
        return await self.vehicles.of(user_id).find_many(name="get_user_vehicles")

    async def get_vehicle_by_id(self, vehicle_id: Id, user_id: Id) -> Vehicle | None:
        return await self.vehicles.of(user_id).find_by_id(vehicle_id)

    async def update_vehicle(self, vehicle_id: Id, user_id: Id, data: Mapping[str, object]) -> Vehicle:
        return await self.vehicles.of(user_id).update(vehicle_id, data)

    async def delete_vehicle(self, vehicle_id: Id, user_id: Id) -> bool:
        return await self.vehicles.of(user_id).delete(vehicle_id)

    async def add_maintenance_record(
        self, vehicle_id: Id, data: Mapping[str, object], *, user_id: Id | None = None
    ) -> MaintenanceRecord:
        return await (await self._under(self.maintenance, vehicle_id, user_id)).create(data)

    async def get_maintenance_records(self, vehicle_id: Id, *, user_id: Id | None = None) -> list[MaintenanceRecord]:
        return await self._listed(self.maintenance, vehicle_id, user_id).find_many(
            _of_vehicle_of(user_id), name="get_maintenance_records"
        )

    async def add_fuel_log(self, vehicle_id: Id, data: Mapping[str, object], *, user_id: Id | None = None) -> FuelLog:
        logs = await self._under(self.fuel, vehicle_id, user_id)
        return await logs.create({**data, **await _derived(logs, data)} if isinstance(data, Mapping) else data)

    async def get_fuel_logs(
        self,
        vehicle_id: Id,
        start_date: dt.date | str | None = None,
        end_date: dt.date | str | None = None,
        *,
        user_id: Id | None = None,
    ) -> list[FuelLog]:
        day = FUEL_LOG.require("date")
        first, last = cast("dt.date | None", day.admit(start_date)), cast("dt.date | None", day.admit(end_date))
        if first is not None and last is not None and last < first:
            raise InvalidValue("end_date: the range ends before it starts", field="end_date")
        after = [] if first is None else [ge("date", first)]
        before = [] if last is None else [le("date", last)]
        return await self._listed(self.fuel, vehicle_id, user_id).find_many(
            all_of(_of_vehicle_of(user_id), *after, *before), name="get_fuel_logs"
        )

    async def _under(
        self, rows: Collection[C, uuid.UUID], vehicle_id: Id, user_id: Id | None
    ) -> "Collection[C, uuid.UUID]":
        """The vehicle's rows, new ones with its user. Raises RepositoryNotFoundError."""
        vehicles = self.vehicles if user_id is None else self.vehicles.of(user_id)
        vehicle = await vehicles.get_or_raise(vehicle_id)
        return rows.within("vehicle_id", vehicle.id).of(vehicle.user_id)

    @staticmethod
    def _listed(rows: Collection[C, uuid.UUID], vehicle_id: Id, user_id: Id | None) -> "Collection[C, uuid.UUID]":
        of_vehicle = rows.within("vehicle_id", vehicle_id)
        return of_vehicle if user_id is None else of_vehicle.of(user_id)


def _of_vehicle_of(user_id: Id | None) -> Predicate:
    """That the vehicle is the user's: a row's own user is no proof of it."""
    return TRUE if user_id is None else exists(VEHICLE, {"id": "vehicle_id"}, eq("user_id", user_id))


async def _derived(logs: Collection[FuelLog, uuid.UUID], data: Mapping[str, object]) -> dict[str, object]:
    """The total and the mileage where they aren't given and can be had.

    Reads and an insert, and no operation: nothing but the new row depends on them, and who adds two logs of a vehicle
    at the same moment gets what each of them saw.
    """
    given = {each.name: each.admit(data[each.name]) for each in FUEL_LOG.columns if each.name in data}
    volume, price = cast("Decimal | None", given.get("volume")), cast("Decimal | None", given.get("price_per_unit"))
    derived: dict[str, object] = {}
    if given.get("total_cost") is None and volume is not None and price is not None:
        derived["total_cost"] = volume * price
    unit, to_top = given.get("unit", FuelUnit.GALLON), given.get("filled_to_top", True)
    if given.get("mpg") is None and to_top is True and isinstance(unit, FuelUnit) and volume is not None and volume > 0:
        derived["mpg"] = await _mileage(logs, cast("int | None", given.get("odometer")), gallons(volume, unit))
    return derived


async def _mileage(logs: Collection[FuelLog, uuid.UUID], odometer: int | None, filled: Decimal) -> Decimal | None:
    """Miles per gallon since the last filling to the top; None where there is none, or no column can hold it."""
    if odometer is None:
        return None
    before = all_of(eq("filled_to_top", True), lt("odometer", odometer))
    last = await logs.find_first(before, order_by="-odometer", name="last_filled_to_top")
    if last is None or last.odometer is None:
        return None
    since = all_of(gt("odometer", last.odometer), lt("odometer", odometer))
    between = await logs.find_many(since, order_by="odometer", name="filled_since")
    burnt = filled + sum((gallons(each.volume, each.unit) for each in between), Decimal(0))
    mileage = (odometer - last.odometer) / burnt
    return mileage if mileage < _TOO_MUCH else None


VEHICLES: Context[VehicleRepository] = Context(
    "vehicles",
    StoredVehicles,
    tables=(VEHICLE, MAINTENANCE_RECORD, FUEL_LOG),
    migrations=shipped("vehicles"),
    requires=("users",),
)
