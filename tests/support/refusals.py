"""What a refused call says about itself, as one value to assert on."""

from collections.abc import Awaitable

import pytest

from homeport.kernel.errors import RepositoryConstraintError, RepositoryValidationError


async def broken(error: type[RepositoryConstraintError], call: Awaitable[object]) -> tuple[object, ...]:
    """The constraint, its table and the columns that the error names."""
    with pytest.raises(error) as caught:
        await call
    return caught.value.constraint, caught.value.table, caught.value.columns


async def violated(error: type[RepositoryConstraintError], call: Awaitable[object]) -> tuple[object, ...]:
    """The constraint and the columns that the error names."""
    constraint, _, columns = await broken(error, call)
    return constraint, columns


async def refused(error: type[RepositoryValidationError], call: Awaitable[object]) -> str | None:
    """The field that the error names."""
    with pytest.raises(error) as caught:
        await call
    return caught.value.field
