"""Vehicles: what one person drives, what was done to it, and what it was filled with. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import attrs

from homeport.kernel.entity import Entity


class VehicleType(enum.StrEnum):
    RV = "rv"
    MOTORHOME = "motorhome"
    TRAVEL_TRAILER = "travel_trailer"
    FIFTH_WHEEL = "fifth_wheel"
    TRUCK = "truck"
    VAN = "van"
    CAR = "car"
    MOTORCYCLE = "motorcycle"
    BOAT = "boat"


class FuelType(enum.StrEnum):
    GASOLINE = "gasoline"
    DIESEL = "diesel"
    ELECTRIC = "electric"
    HYBRID = "hybrid"
    PROPANE = "propane"


class MaintenanceStatus(enum.StrEnum):
    SCHEDULED = "scheduled"
    DONE = "done"
    OVERDUE = "overdue"


class FuelUnit(enum.StrEnum):
    GALLON = "gal"
    LITER = "l"


@attrs.frozen(kw_only=True)
class Vehicle(Entity):
    """Something to drive or to tow. One of a user's vehicles may be the primary one."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    make: str | None = None
    model: str | None = None
    year: int | None = None
    vin: str | None = None
    license_plate: str | None = None
    vehicle_type: VehicleType = VehicleType.RV
    fuel_type: FuelType = FuelType.GASOLINE
    fuel_capacity_gallons: Decimal | None = None
    mileage_current: int | None = None
    purchase_date: dt.date | None = None
    purchase_price: Decimal | None = None
    insurance_company: str | None = None
    insurance_policy: str | None = None
    insurance_expires: dt.date | None = None
    registration_expires: dt.date | None = None
    is_primary: bool = False
    notes: str | None = None
    image_urls: tuple[str, ...] | None = None
    specifications: dict[str, object] = attrs.Factory(dict)
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class MaintenanceRecord(Entity):
    """Work on a vehicle, done or to be done. Its user is the vehicle's."""

    id: uuid.UUID
    vehicle_id: uuid.UUID
    user_id: uuid.UUID
    task: str
    description: str | None = None
    date: dt.date
    mileage: int | None = None
    cost: Decimal | None = None
    service_provider: str | None = None
    location: str | None = None
    next_due_date: dt.date | None = None
    next_due_mileage: int | None = None
    status: MaintenanceStatus = MaintenanceStatus.DONE
    receipt_url: str | None = None
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class FuelLog(Entity):
    """One filling of a vehicle, to the top or not. Its user is the vehicle's; `mpg` is in miles per US gallon."""

    id: uuid.UUID
    vehicle_id: uuid.UUID
    user_id: uuid.UUID
    date: dt.date
    volume: Decimal
    unit: FuelUnit = FuelUnit.GALLON
    price_per_unit: Decimal | None = None
    total_cost: Decimal | None = None
    odometer: int | None = None
    filled_to_top: bool = True
    mpg: Decimal | None = None
    location: str | None = None
    station_name: str | None = None
    receipt_url: str | None = None
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


_GALLONS = {FuelUnit.GALLON: Decimal(1), FuelUnit.LITER: 1 / Decimal("3.785411784")}


def gallons(volume: Decimal, unit: FuelUnit) -> Decimal:
    """The volume in US gallons."""
    return volume * _GALLONS[unit]
