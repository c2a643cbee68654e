"""What a caller may give as an id. Entities carry the exact type of their column."""

import uuid
from typing import TypeAlias

Id: TypeAlias = uuid.UUID | str
