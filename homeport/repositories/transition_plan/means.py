"""Money, services, equipment, changes to the vehicle and income over any store."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from homeport.domain.ids import Id
from homeport.domain.transition_plan import (
    AcquisitionStatus,
    BucketType,
    EquipmentItem,
    EquipmentStats,
    FinancialItem,
    IncomeStream,
    ModCategory,
    ModStatus,
    ServiceStatus,
    ServiceType,
    TransitionService,
    VehicleMod,
    VehicleModStats,
    equipment_stats,
    vehicle_mod_stats,
)
from homeport.kernel.table import Row, Rule, at_least, column, index, table
from homeport.kernel.types import NumericType
from homeport.ports.store import Store
from homeport.repositories.collection import Collection
from homeport.repositories.moments import Day, day
from homeport.repositories.money import MONEY
from homeport.repositories.transition_plan.profile import OF_PLAN, UNDER_PLAN, PlanRows


def _is_funded(row: Row) -> bool | None:
    current, estimated = _amounts(row)
    return None if current is None or estimated is None else current >= estimated


def _funding_percentage(row: Row) -> int | None:
    current, estimated = _amounts(row)
    if current is not None and estimated is not None and current >= estimated:
        return 100
    if current is not None and current <= 0:
        return 0
    return None if current is None or estimated is None else int(current * 100 // estimated)


def _amounts(row: Row) -> tuple[Decimal | None, Decimal | None]:
    return cast("Decimal | None", row["current_amount"]), cast("Decimal | None", row["estimated_amount"])


FINANCIAL_ITEM = table(
    FinancialItem,
    "transition_financial",
    owner="user_id",
    columns={
        **OF_PLAN,
        "estimated_amount": MONEY,
        "current_amount": MONEY,
        "is_funded": column(generated=Rule("{current_amount} >= {estimated_amount}", _is_funded)),
        # div is exact where a division would round
        "funding_percentage": column(
            generated=Rule(
                "CASE WHEN {current_amount} >= {estimated_amount} THEN 100 WHEN {current_amount} <= 0 THEN 0"
                " ELSE div({current_amount} * 100, {estimated_amount})::integer END",
                _funding_percentage,
            )
        ),
        "last_contribution_amount": MONEY,
    },
    checks=[at_least("estimated_amount", 0)],
    indexes=[index("profile_id", "bucket_type")],
    policies=UNDER_PLAN,
    order=["bucket_type", "category"],
)

SERVICE = table(
    TransitionService,
    "transition_services",
    owner="user_id",
    columns=OF_PLAN,
    checks=[at_least("documents_total", 0), at_least("documents_scanned", 0)],
    indexes=[index("profile_id", "service_type")],
    policies=UNDER_PLAN,
    order=["service_name"],
)

EQUIPMENT = table(
    EquipmentItem,
    "transition_equipment",
    owner="user_id",
    columns={**OF_PLAN, "estimated_cost": MONEY, "actual_cost": MONEY, "weight_lbs": column(NumericType(8, 2))},
    checks=[at_least("estimated_cost", 0), at_least("actual_cost", 0), at_least("weight_lbs", 0)],
    indexes=[index("profile_id", "category")],
    policies=UNDER_PLAN,
    order=["category", "equipment_name"],
)

VEHICLE_MOD = table(
    VehicleMod,
    "transition_vehicle_mods",
    owner="user_id",
    columns={**OF_PLAN, "estimated_cost": MONEY, "actual_cost": MONEY},
    checks=[at_least("estimated_cost", 0), at_least("actual_cost", 0), at_least("time_required_hours", 0)],
    indexes=[index("profile_id", "status")],
    policies=UNDER_PLAN,
    order=["name"],
)

INCOME_STREAM = table(
    IncomeStream,
    "income_streams",
    owner="user_id",
    columns={**OF_PLAN, "monthly_estimate": MONEY, "actual_monthly": MONEY},
    indexes=[index("profile_id", "status")],
    policies=UNDER_PLAN,
    order=["stream_name"],
)


class StoredMeans:
    """The methods for what a plan needs. `income` has none besides its base repository's.

    Statistics are counted here over one list, not by the database: it is what one user means to buy and to build, some
    dozens of rows, and one rule in the domain then serves every adapter.
    """

    def __init__(self, store: Store) -> None:
        self.financial: Collection[FinancialItem, uuid.UUID] = Collection(store, FINANCIAL_ITEM)
        self.services: Collection[TransitionService, uuid.UUID] = Collection(store, SERVICE)
        self.equipment: Collection[EquipmentItem, uuid.UUID] = Collection(store, EQUIPMENT)
        self.mods: Collection[VehicleMod, uuid.UUID] = Collection(store, VEHICLE_MOD)
        self.income: Collection[IncomeStream, uuid.UUID] = Collection(store, INCOME_STREAM)
        self._financial, self._services = PlanRows(store, FINANCIAL_ITEM), PlanRows(store, SERVICE)
        self._equipment, self._mods = PlanRows(store, EQUIPMENT), PlanRows(store, VEHICLE_MOD)

    # -- money

    async def create_financial_item(self, user_id: Id, data: Mapping[str, object]) -> FinancialItem:
        return await self._financial.create(user_id, data)

    async def get_financial_items(
        self, user_id: Id, bucket_type: BucketType | str | None = None
    ) -> list[FinancialItem]:
        return await self._financial.find(user_id, name="get_financial_items", bucket_type=bucket_type)

    async def update_financial_item(self, item_id: Id, user_id: Id, data: Mapping[str, object]) -> FinancialItem:
        return await self._financial.update(item_id, user_id, data)

    async def delete_financial_item(self, item_id: Id, user_id: Id) -> bool:
        return await self._financial.delete(item_id, user_id)

    # -- services

    async def create_service(self, user_id: Id, data: Mapping[str, object]) -> TransitionService:
        return await self._services.create(user_id, data)

    async def get_services(
        self, user_id: Id, service_type: ServiceType | str | None = None, status: ServiceStatus | str | None = None
    ) -> list[TransitionService]:
        return await self._services.find(user_id, name="get_services", service_type=service_type, status=status)

    async def update_service(self, service_id: Id, user_id: Id, data: Mapping[str, object]) -> TransitionService:
        return await self._services.update(service_id, user_id, data)

    async def delete_service(self, service_id: Id, user_id: Id) -> bool:
        return await self._services.delete(service_id, user_id)

    # -- equipment

    async def add_equipment_item(self, user_id: Id, data: Mapping[str, object]) -> EquipmentItem:
        return await self._equipment.create(user_id, data)

    async def get_equipment_list(
        self,
        user_id: Id,
        category: str | None = None,
        status: AcquisitionStatus | str | None = None,
        is_purchased: bool | None = None,
    ) -> list[EquipmentItem]:
        return await self._equipment.find(
            user_id, name="get_equipment_list", category=category, acquisition_status=status, is_purchased=is_purchased
        )

    async def update_equipment_item(self, item_id: Id, user_id: Id, data: Mapping[str, object]) -> EquipmentItem:
        return await self._equipment.update(item_id, user_id, data)

    async def mark_equipment_purchased(
        self,
        item_id: Id,
        user_id: Id,
        actual_cost: Decimal | int | str | None = None,
        purchase_location: str | None = None,
        *,
        purchased_date: Day | None = None,
    ) -> EquipmentItem:
        said = {"actual_cost": actual_cost, "purchase_location": purchase_location}
        changes: dict[str, object] = {name: value for name, value in said.items() if value is not None}
        changes |= {"is_purchased": True, "purchased_date": day(purchased_date, "purchased_date")}
        return await self._equipment.update(
            item_id, user_id, {**changes, "acquisition_status": AcquisitionStatus.ACQUIRED}
        )

    async def delete_equipment_item(self, item_id: Id, user_id: Id) -> bool:
        return await self._equipment.delete(item_id, user_id)

    async def get_equipment_stats(self, user_id: Id) -> EquipmentStats:
        return equipment_stats(await self._equipment.find(user_id, name="get_equipment_stats"))

    # -- changes to the vehicle

    async def create_vehicle_mod(self, user_id: Id, data: Mapping[str, object]) -> VehicleMod:
        return await self._mods.create(user_id, data)

    async def get_vehicle_mods(
        self, user_id: Id, category: ModCategory | str | None = None, status: ModStatus | str | None = None
    ) -> list[VehicleMod]:
        return await self._mods.find(user_id, name="get_vehicle_mods", category=category, status=status)

    async def update_vehicle_mod(self, mod_id: Id, user_id: Id, data: Mapping[str, object]) -> VehicleMod:
        return await self._mods.update(mod_id, user_id, data)

    async def delete_vehicle_mod(self, mod_id: Id, user_id: Id) -> bool:
        return await self._mods.delete(mod_id, user_id)

    async def get_vehicle_mod_stats(self, user_id: Id) -> VehicleModStats:
        return vehicle_mod_stats(await self._mods.find(user_id, name="get_vehicle_mod_stats"))
