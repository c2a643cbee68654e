"""The base of all entities, and how rows become entities without paying for frozen construction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from homeport.kernel.frozen import field_names, twin_of


class Entity:
    """Base of every entity: `@attrs.frozen(kw_only=True) class Expense(Entity)`.

    It only carries the weak-reference slot, so that an entity's own slots are its fields alone: CPython 3.11 needs
    that to hydrate a frozen class at the cost of a mutable one (see `hydrator`).
    """

    __slots__ = ("__weakref__",)


E = TypeVar("E", bound=Entity)

Converter: TypeAlias = Callable[[Any], Any]


@attrs.frozen
class Inline:
    """A conversion as an expression, which costs no call: `{value}` is the row's value, other places are the `names`.

    The text is the program's own, and never holds a value.
    """

    text: str
    names: Mapping[str, object] = attrs.field(factory=dict)

    @classmethod
    def of(cls, converter: "Converter | Inline") -> "Inline":
        return converter if isinstance(converter, Inline) else cls("{convert}({value})", {"convert": converter})


_SOURCE = """
def hydrate(rows):
    rows = rows if isinstance(rows, list) else list(rows)
    if len(rows) == 1:
        o = twin()
        {targets} = rows[0]
        {conversions}
        o.__class__ = frozen
        return [o]
    out = [twin() for _ in rows]
    for o, ({targets}) in zip(out, rows):
        {conversions}
        o.__class__ = frozen
    return out
"""


def hydrator(
    entity: type[E], convert: Mapping[str, Converter | Inline]
) -> Callable[[Iterable[Sequence[Any]]], list[E]]:
    """A function from rows, whose values stand in field order, to frozen entities.

    Validators, converters, defaults and `__attrs_post_init__` do not run: rows come from a database that has checked
    them. `convert` has one conversion a field for the values the driver does not give as the entity wants them.

    Raises:
        TypeError: the class is not a frozen, slotted attrs class of plain fields, or caches its hash.
    """
    names: dict[str, Any] = {"twin": twin_of(entity), "frozen": entity}
    targets, conversions = [], []
    for field in field_names(entity):
        if field not in convert:
            targets.append(f"o.{field}")
            continue
        inline = Inline.of(convert[field])
        places = {name: f"{name}_{field}" for name in inline.names}
        names |= {place: inline.names[name] for name, place in places.items()}
        targets.append(f"v_{field}")
        conversions.append(f"o.{field} = {inline.text.format(value=f'v_{field}', **places)}")
    body = "; ".join(conversions) or "pass"
    exec(_SOURCE.format(targets=", ".join(targets) + ",", conversions=body), names)  # field names and Inline.text only
    return cast("Callable[[Iterable[Sequence[Any]]], list[E]]", names["hydrate"])
