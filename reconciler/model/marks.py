"""Labels and annotations that delivery reads or writes: one place for their names.

Whatever we add to an object is the same on every cluster, so that equal objects stay equal bytes (DESIGN §2).
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "fleet-reconciler/"

PART_OF: Final = "applyset.kubernetes.io/part-of"
"""Label of every object that we delivered: the ApplySet's id."""

APPLY_SET_ID: Final = "applyset.kubernetes.io/id"
APPLY_SET_TOOLING: Final = "applyset.kubernetes.io/tooling"
APPLY_SET_KINDS: Final = "applyset.kubernetes.io/contains-group-kinds"
APPLY_SET_NAMESPACES: Final = "applyset.kubernetes.io/additional-namespaces"

CONFLICT_RESOLUTION: Final = "work.karmada.io/conflict-resolution"
"""Annotation, `overwrite` or `abort`: what happens to an object that exists and is not ours (spec rendering 2.1)."""

PRUNE: Final = "fleet-reconciler/prune"
"""Annotation; `disabled` on the live object: never deleted by us."""

DRIFT: Final = "fleet-reconciler/drift"
"""Annotation; `ignore` on the desired object: what is changed in a member stays so until what is desired changes."""

CONTENT: Final = "fleet-reconciler/content"
"""Annotation that we add beside `drift: ignore`: what was desired, so that a change of it can be told from a member's."""

RECREATE: Final = "fleet-reconciler/recreate"
"""Annotation; `true` on the desired object: deleted and made anew where a field that cannot change must."""

CLUSTER: Final = "fleet-reconciler/cluster"
"""Label of a credential Secret: the one cluster that it is for (DESIGN §6)."""
