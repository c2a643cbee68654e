"""What a step came to, in a form that must be equal on every adapter: names for identities, marks for times."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from homeport.composition import Homeport
from homeport.kernel.entity import Entity
from homeport.kernel.errors import RepositoryConstraintError, RepositoryError, RepositoryValidationError
from tests.support.specimens import Crate

ABSENT = 10**12
NEW = "made on the way"
KNOWN = 5
"""The version of UUIDs that histories make up. Others are new in each world."""
_TIMES = ("created_at", "updated_at", "deleted_at", "clicked_at", "occurred_at", "archived_at")
_NUMBERED = ("SecurityEvent", "AuditLog")


@attrs.frozen
class Ref:
    """The n-th last crate that a history made, from 0; an id that is nowhere if there are fewer."""

    number: int


@attrs.define
class World:
    """One adapter's copy of the history: its Homeport, and the identities that its database has given out."""

    adapter: str
    db: Homeport
    crates: list[int] = attrs.field(factory=list)

    def resolve(self, value: object) -> Any:
        """Arguments with this world's own identities in place of Refs."""
        match value:
            case Ref(number):
                return self.crates[-1 - number] if number < len(self.crates) else ABSENT + number
            case Mapping():
                return {key: self.resolve(each) for key, each in value.items()}
            case list():
                return [self.resolve(each) for each in value]
            case tuple():
                return tuple(self.resolve(each) for each in value)
            case _:
                return value

    def neutral(self, value: object) -> object:
        """A result that can be compared with another world's."""
        if isinstance(value, Entity):
            return self._entity(value)
        if attrs.has(type(value)):
            return {field.name: self.neutral(getattr(value, field.name)) for field in attrs.fields(type(value))}  # type: ignore[arg-type]
        if isinstance(value, dict):
            return {name: self.neutral(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            answered = [self.neutral(each) for each in value]
            # new ids are other ones in each world, and so is the order of what they alone tell apart
            return sorted(answered, key=repr) if NEW in repr(answered) else answered
        return value

    def _entity(self, entity: Entity) -> dict[str, object]:
        if isinstance(entity, Crate) and entity.id not in self.crates:
            self.crates.append(entity.id)
        values = {field.name: getattr(entity, field.name) for field in attrs.fields(type(entity))}  # type: ignore[arg-type]
        changed = values.get("updated_at") != values.get("created_at")
        for name, value in values.items():
            if name in _TIMES:
                values[name] = None if value is None else "at"
            elif isinstance(value, Entity):
                values[name] = self._entity(value)
            elif isinstance(value, int) and value in self.crates and name.endswith("id"):
                values[name] = f"crate {self.crates.index(value)}"
            elif isinstance(value, dt.datetime):
                values[name] = value.isoformat()
            elif isinstance(value, uuid.UUID) and value.version != KNOWN:
                values[name] = NEW
        if type(entity).__name__ in _NUMBERED:
            values["id"] = "made by the database"
        return {"": type(entity).__name__, **values, "changed": changed}


@attrs.frozen
class Step:
    """One call: the path from a Homeport to the method, and its arguments."""

    path: str
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = attrs.field(factory=dict)

    async def take(self, world: World) -> object:
        """The outcome: the neutral result, or the error's class and what it names."""
        target: Any = world.db
        for name in self.path.split("."):
            target = _walk(target, name)
        method: Callable[..., Awaitable[object]] = target
        args, kwargs = world.resolve(self.args), world.resolve(self.kwargs)
        try:
            return world.neutral(await method(*args, **kwargs))
        except RepositoryConstraintError as error:
            return (type(error).__name__, error.constraint, error.table, error.columns)
        except RepositoryValidationError as error:
            return (type(error).__name__, error.field)
        except RepositoryError as error:
            return (type(error).__name__,)


def _walk(target: Any, name: str) -> Any:
    from tests.support.specimens import SPECIMENS

    if name.startswith("table:"):
        return target.collection(target.catalog.named(name.removeprefix("table:")))
    return target.repository(SPECIMENS) if name == "test" else getattr(target, name)
