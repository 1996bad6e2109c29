"""Side by side: several requests at once, and none left running behind a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def all_or_first_error(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in order. The first exception ends the others: a dead cluster is not asked a thousand times."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
