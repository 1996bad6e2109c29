"""Data beside the repository: real manifests, published schemas, recorded answers. Never part of it.

RECONCILER_TEST_DATA names the folder; its default is `../shared/data` next to the repository.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent


def outside_data(*parts: str) -> Path | None:
    """A folder or file of the data, or None with one line that says what was not judged."""
    root = Path(os.environ.get("RECONCILER_TEST_DATA") or _REPOSITORY.parent / "shared" / "data")
    path = root.joinpath(*parts)
    if path.exists():
        return path
    warnings.warn(f"RECONCILER_TEST_DATA has no {'/'.join(parts)}: not judged by it", stacklevel=2)
    return None
