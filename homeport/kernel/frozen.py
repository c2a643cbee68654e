"""Frozen objects at the price of mutable ones.

`@attrs.frozen` sets each field through `object.__setattr__`, which costs several times a plain assignment. So an object
is filled as one of a mutable twin class with the same slots, and then becomes the frozen one.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import attrs

T = TypeVar("T")


def field_names(frozen: type[Any]) -> tuple[str, ...]:
    """The fields of an attrs class, in their order."""
    return tuple(field.name for field in attrs.fields(frozen))


def twin_of(frozen: type[Any]) -> type[Any]:
    """The class to fill an object in before `__class__ = frozen`.

    Raises:
        TypeError: the class is not a slotted attrs class, or caches its hash. On CPython 3.11 also if it has a slot for
            weak references beside its fields, as attrs gives it: that comes from a base like `Entity`, or not at all.
    """
    members = {
        "__slots__": _own_slots(frozen),
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    if "__orig_bases__" in frozen.__dict__:
        members["__orig_bases__"] = frozen.__dict__["__orig_bases__"]  # without it Generic refuses to be a base
    twin = type(f"_{frozen.__name__}Twin", (cast("type", frozen.__base__),), members)
    try:
        twin().__class__ = frozen  # tried at once, so that it does not fail at the first row
    except TypeError as error:
        raise TypeError(f"{frozen.__name__} can't be hydrated: derive it from Entity ({error})") from error
    return twin


def maker(frozen: type[T]) -> Callable[..., T]:
    """A function that makes an object from all its fields, by position and in their order; none has a default.

    Validators and converters do not run. Raises TypeError as `twin_of` does.
    """
    names = field_names(frozen)
    lines = [f"def make({', '.join(names)}):", "o_ = twin_()", *(f"o_.{name} = {name}" for name in names)]
    source = "\n    ".join([*lines, "o_.__class__ = frozen_", "return o_"])
    scope: dict[str, Any] = {"twin_": twin_of(frozen), "frozen_": frozen}
    exec(source, scope)  # the text holds field names of a class only
    return cast("Callable[..., T]", scope["make"])


def _own_slots(frozen: type[Any]) -> tuple[str, ...]:
    slots = frozen.__dict__.get("__slots__")
    if slots is None or not attrs.has(frozen):
        raise TypeError(f"{frozen.__name__} must be a slotted attrs class: use @attrs.frozen(kw_only=True)")
    if "_attrs_cached_hash" in slots:
        raise TypeError(f"{frozen.__name__} caches its hash, which a row can't fill: drop cache_hash=True")
    return tuple(slot for slot in slots if slot != "__weakref__")
