"""What a plan needs: money, contracts to end, equipment, changes to the vehicle, income. Knows nothing of storage."""

import datetime as dt
import enum
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs

from homeport.domain.transition_plan.plan import Priority, percentage
from homeport.kernel.entity import Entity


class BucketType(enum.StrEnum):
    TRANSITION = "transition"
    EMERGENCY = "emergency"
    TRAVEL = "travel"


class ServiceType(enum.StrEnum):
    CANCELLATION = "cancellation"
    CONSOLIDATION = "consolidation"
    DIGITIZATION = "digitization"


class ServiceStatus(enum.StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class AcquisitionStatus(enum.StrEnum):
    RESEARCHING = "researching"
    BUDGETED = "budgeted"
    ORDERED = "ordered"
    ACQUIRED = "acquired"
    INSTALLED = "installed"
    NOT_NEEDED = "not_needed"


class ModCategory(enum.StrEnum):
    POWER = "power"
    WATER = "water"
    COMFORT = "comfort"
    SAFETY = "safety"
    STORAGE = "storage"
    EXTERIOR = "exterior"
    OTHER = "other"


class ModPriority(enum.StrEnum):
    ESSENTIAL = "essential"
    IMPORTANT = "important"
    NICE_TO_HAVE = "nice-to-have"


class ModStatus(enum.StrEnum):
    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"


class IncomeType(enum.StrEnum):
    REMOTE_WORK = "remote_work"
    FREELANCE = "freelance"
    PASSIVE = "passive"
    SEASONAL = "seasonal"


class IncomeStatus(enum.StrEnum):
    PLANNING = "planning"
    SETTING_UP = "setting_up"
    ACTIVE = "active"
    PAUSED = "paused"
    DISCONTINUED = "discontinued"


@attrs.frozen(kw_only=True)
class FinancialItem(Entity):
    """Money to be put aside. The percentage is whole and at most 100, which it is as soon as the item is funded."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    bucket_type: BucketType
    category: str
    subcategory: str | None = None
    estimated_amount: Decimal
    current_amount: Decimal = Decimal(0)
    is_funded: bool
    funding_percentage: int
    priority: Priority = Priority.MEDIUM
    notes: str | None = None
    due_date: dt.date | None = None
    last_contribution_date: dt.date | None = None
    last_contribution_amount: Decimal | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class TransitionService(Entity):
    """A contract to end, accounts to join, or papers to scan. Accounts stay out of its printed form."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    service_type: ServiceType
    service_name: str
    category: str
    provider: str | None = None
    account_number: str | None = attrs.field(default=None, repr=False)
    cancellation_target_date: dt.date | None = None
    cancellation_completed: bool = False
    cancellation_completed_date: dt.date | None = None
    old_account_info: str | None = attrs.field(default=None, repr=False)
    new_account_info: str | None = attrs.field(default=None, repr=False)
    consolidation_status: str | None = None
    documents_total: int | None = None
    documents_scanned: int | None = None
    storage_location: str | None = None
    status: ServiceStatus = ServiceStatus.PENDING
    priority: Priority = Priority.MEDIUM
    notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class EquipmentItem(Entity):
    """Something to be taken along, from the idea to its place in the vehicle."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    equipment_name: str
    category: str
    is_needed: bool = True
    priority: Priority = Priority.MEDIUM
    estimated_cost: Decimal | None = None
    actual_cost: Decimal | None = None
    weight_lbs: Decimal | None = None
    budget_bucket: BucketType = BucketType.TRANSITION
    acquisition_status: AcquisitionStatus = AcquisitionStatus.RESEARCHING
    is_purchased: bool = False
    purchased_date: dt.date | None = None
    purchase_location: str | None = None
    product_links: list[object] = attrs.field(factory=list)
    research_notes: str | None = None
    installation_notes: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class VehicleMod(Entity):
    """A change to be made to the vehicle."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    name: str
    category: ModCategory
    priority: ModPriority | None = None
    status: ModStatus = ModStatus.PLANNED
    estimated_cost: Decimal | None = None
    actual_cost: Decimal | None = None
    time_required_hours: int | None = None
    diy_feasible: bool = True
    dependencies: tuple[str, ...] | None = None
    vendor_links: list[object] = attrs.field(factory=list)
    photo_urls: tuple[str, ...] | None = None
    description: str | None = None
    notes: str | None = None
    completion_date: dt.date | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class IncomeStream(Entity):
    """Where money comes from on the road."""

    id: uuid.UUID
    user_id: uuid.UUID
    profile_id: uuid.UUID
    stream_name: str
    income_type: IncomeType
    monthly_estimate: Decimal = Decimal(0)
    actual_monthly: Decimal | None = None
    status: IncomeStatus = IncomeStatus.PLANNING
    setup_checklist: list[object] = attrs.field(factory=list)
    setup_completed: bool = False
    resources: list[object] = attrs.field(factory=list)
    priority: Priority = Priority.MEDIUM
    notes: str | None = None
    started_at: dt.datetime | None = None
    discontinued_at: dt.datetime | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


@attrs.frozen(kw_only=True)
class EquipmentStats:
    """The needed equipment in figures. `spent` is what was paid; where that is unknown, the estimate stands for it."""

    needed_count: int
    purchased_count: int
    purchased_percentage: int
    estimated_total: Decimal
    spent: Decimal
    still_to_spend: Decimal
    weight_lbs: Decimal


@attrs.frozen(kw_only=True)
class VehicleModStats:
    """The changes in figures. `spent` is what the complete ones cost; where that is unknown, their estimate."""

    planned_count: int
    in_progress_count: int
    complete_count: int
    complete_percentage: int
    estimated_total: Decimal
    spent: Decimal
    still_to_spend: Decimal
    hours_left: int


def equipment_stats(items: Sequence[EquipmentItem]) -> EquipmentStats:
    """Of the items that are needed; none of the others counts."""
    needed = [each for each in items if each.is_needed and each.acquisition_status != AcquisitionStatus.NOT_NEEDED]
    purchased = [each for each in needed if each.is_purchased]
    return EquipmentStats(
        needed_count=len(needed),
        purchased_count=len(purchased),
        purchased_percentage=percentage(len(purchased), len(needed)),
        estimated_total=_sum(each.estimated_cost for each in needed),
        spent=_sum(_paid(each) for each in purchased),
        still_to_spend=_sum(each.estimated_cost for each in needed if not each.is_purchased),
        weight_lbs=_sum(each.weight_lbs for each in needed),
    )


def vehicle_mod_stats(mods: Sequence[VehicleMod]) -> VehicleModStats:
    """Of all the changes."""
    complete = [each for each in mods if each.status is ModStatus.COMPLETE]
    ahead = [each for each in mods if each.status is not ModStatus.COMPLETE]
    return VehicleModStats(
        planned_count=sum(each.status is ModStatus.PLANNED for each in mods),
        in_progress_count=sum(each.status is ModStatus.IN_PROGRESS for each in mods),
        complete_count=len(complete),
        complete_percentage=percentage(len(complete), len(mods)),
        estimated_total=_sum(each.estimated_cost for each in mods),
        spent=_sum(_paid(each) for each in complete),
        still_to_spend=_sum(each.estimated_cost for each in ahead),
        hours_left=sum(each.time_required_hours or 0 for each in ahead),
    )


def _paid(thing: EquipmentItem | VehicleMod) -> Decimal | None:
    return thing.estimated_cost if thing.actual_cost is None else thing.actual_cost


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((each for each in amounts if each is not None), Decimal(0))
