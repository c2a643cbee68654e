"""The base of all entities, and how rows become entities without paying for frozen construction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import attrs


class Entity:
    """Base of every entity: `@attrs.frozen(kw_only=True) class Expense(Entity)`.

    It only carries the weak-reference slot, so that an entity's own slots are its fields alone: CPython 3.11 needs
    that to hydrate a frozen class at the cost of a mutable one (see `hydrator`).
    """

    __slots__ = ("__weakref__",)


E = TypeVar("E", bound=Entity)

Converter = Callable[[Any], Any]


def hydrator(entity: type[E], convert: Mapping[str, Converter]) -> Callable[[Iterable[Sequence[Any]]], list[E]]:
    """A function from rows, whose values stand in field order, to frozen entities.

    Validators, converters, defaults and `__attrs_post_init__` do not run: rows come from a database that has checked
    them. `convert` holds one function a field for the values the driver does not give as the entity wants them.
    Rows are filled in a mutable twin class with the same slots, which then becomes the frozen one.

    Raises:
        TypeError: the class is not a frozen, slotted attrs class of plain fields, or caches its hash.
    """
    own = _own_slots(entity)
    fields = [field.name for field in attrs.fields(cast("type[attrs.AttrsInstance]", entity))]
    twin = type(
        f"_{entity.__name__}Row",
        (entity.__base__,) if entity.__base__ is not None else (),
        {
            "__slots__": own,
            "__init__": object.__init__,
            "__setattr__": object.__setattr__,
            "__delattr__": object.__delattr__,
        },
    )
    body = "; ".join(f"o.{name} = c_{name}({name})" if name in convert else f"o.{name} = {name}" for name in fields)
    source = (
        "def hydrate(rows):\n"
        "    rows = rows if isinstance(rows, list) else list(rows)\n"
        "    out = [twin() for _ in rows]\n"
        f"    for o, ({', '.join(fields)},) in zip(out, rows):\n"
        f"        {body}; o.__class__ = cls\n"
        "    return out\n"
    )
    names: dict[str, Any] = {"twin": twin, "cls": entity, **{f"c_{name}": made for name, made in convert.items()}}
    exec(source, names)  # the text holds field names of a class only
    _try_layout(entity, twin)
    return cast("Callable[[Iterable[Sequence[Any]]], list[E]]", names["hydrate"])


def _own_slots(entity: type[Entity]) -> tuple[str, ...]:
    slots = entity.__dict__.get("__slots__")
    if slots is None or not attrs.has(entity):
        raise TypeError(f"{entity.__name__} must be a slotted attrs class: use @attrs.frozen(kw_only=True)")
    if "_attrs_cached_hash" in slots:
        raise TypeError(f"{entity.__name__} caches its hash, which a row can't fill: drop cache_hash=True")
    return tuple(slot for slot in slots if slot != "__weakref__")


def _try_layout(entity: type[Entity], twin: type) -> None:
    """One row tried at once, so that a class which can't be hydrated fails before the first read."""
    try:
        twin().__class__ = entity
    except TypeError as error:
        raise TypeError(f"{entity.__name__} can't be hydrated: derive it from Entity ({error})") from error
