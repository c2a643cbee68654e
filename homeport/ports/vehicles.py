"""Vehicles port: document 000's VehicleRepository."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from homeport.domain.ids import Id
from homeport.domain.vehicles import FuelLog, MaintenanceRecord, Vehicle


class VehicleRepository(Protocol):
    """Every method sees one user's rows only; another's are as absent.

    The methods that are asked for a vehicle and no user see anybody's, unless `user_id` says whose it has to be.

    Raises everywhere:
        RepositoryValidationError: a malformed id, an unknown field, a value that does not fit.
    """

    async def create_vehicle(self, user_id: Id, data: Mapping[str, object]) -> Vehicle:
        """Not the primary one, unless the data says so.

        Raises:
            NotNullViolation: no name.
            UniqueViolation: the user has a primary vehicle already, or some vehicle has this VIN.
            CheckViolation: a year outside of 1900 to 2100.
            ForeignKeyViolation: no such user.
        """

    async def get_user_vehicles(self, user_id: Id) -> list[Vehicle]:
        """The primary one first, then by name, then by id; empty if there are none."""

    async def get_vehicle_by_id(self, vehicle_id: Id, user_id: Id) -> Vehicle | None:
        """None if it is absent or another's."""

    async def update_vehicle(self, vehicle_id: Id, user_id: Id, data: Mapping[str, object]) -> Vehicle:
        """Another one becomes primary only after the present one ceased to be.

        Raises:
            RepositoryNotFoundError: it is absent or another's.
            RepositoryConstraintError: as `create_vehicle`.
        """

    async def delete_vehicle(self, vehicle_id: Id, user_id: Id) -> bool:
        """Removes it and all of its records and logs for good; False if it is absent or another's."""

    async def add_maintenance_record(
        self, vehicle_id: Id, data: Mapping[str, object], *, user_id: Id | None = None
    ) -> MaintenanceRecord:
        """Its user is the vehicle's, and can't be given another.

        Raises:
            RepositoryNotFoundError: the vehicle is absent, or not of the user who is named.
            NotNullViolation: no task or date.
            CheckViolation: a negative mileage.
        """

    async def get_maintenance_records(self, vehicle_id: Id, *, user_id: Id | None = None) -> list[MaintenanceRecord]:
        """The latest first, then by id; empty if the vehicle is absent, has none, or is not of the user named."""

    async def add_fuel_log(self, vehicle_id: Id, data: Mapping[str, object], *, user_id: Id | None = None) -> FuelLog:
        """Its user is the vehicle's, and can't be given another. What is given is kept; what is not is derived.

        The total is volume times price, to the cent. The mileage, of a filling to the top with its odometer, is the
        way since the last such filling below it, over all that was filled since; None where there is none.

        Raises:
            RepositoryNotFoundError: the vehicle is absent, or not of the user who is named.
            NotNullViolation: no date or volume.
            CheckViolation: a volume of 0 or less.
        """

    async def get_fuel_logs(
        self,
        vehicle_id: Id,
        start_date: dt.date | str | None = None,
        end_date: dt.date | str | None = None,
        *,
        user_id: Id | None = None,
    ) -> list[FuelLog]:
        """From the first day to the last, both included; a side left out is open. The latest first, then by id.

        Empty if the vehicle is absent, has none, or is not of the user who is named.

        Raises:
            InvalidValue: no ISO date, or the range ends before it starts.
        """
