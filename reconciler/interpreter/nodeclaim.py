"""Node claims as the API decodes them: only the fields that it knows, without those that are empty.

Pure. A field of another type is an InterpretationError.
"""

from __future__ import annotations

from typing import Any

from reconciler.interpreter.reading import typed_at, value_at
from reconciler.model.manifest import Body


def claim_fields(body: Body, *affinity: str) -> dict[str, Any]:
    """What a claim may hold, by name; None where it is absent. `affinity`: where the terms that a node must meet are, if anywhere."""
    has_terms = bool(affinity) and value_at(body, *affinity) is not None
    return {
        "hardNodeAffinity": typed_at(body, "NodeSelector", *affinity) if has_terms else None,
        "nodeSelector": typed_at(body, "{str}", "nodeSelector"),
        "tolerations": typed_at(body, "[Toleration]", "tolerations"),
    }
