"""The desired state of every cluster, as distinct contents with the clusters that get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import Problem
from reconciler.model.binding import Binding
from reconciler.model.identity import ObjectId
from reconciler.model.webhook import WebhookQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One distinct content at one path, and the clusters that get it (sorted).

    The work is proportional to variants, not to templates x clusters (DESIGN §8).
    """

    path: str
    data: bytes
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTree:
    """What `reconciler/rendered` holds: `clusters/<cluster>/<path>` and `bindings/<path>`.

    `clusters` lists every cluster that has a directory, sorted, also those with no object. `variants` is sorted by
    (path, clusters). `bindings` maps a path below `bindings/` to canonical bytes.
    """

    clusters: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    bindings: Mapping[str, bytes] = field(default_factory=dict)

    def of_cluster(self, name: str) -> dict[str, bytes]:
        """Path to bytes for one cluster."""
        return {variant.path: variant.data for variant in self.variants if name in variant.clusters}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousRender:
    """The last rendered commit: its bindings, and its trees for what must be held.

    `commit` is empty when nothing was ever rendered. `trees` maps cluster to path to bytes. `seen` has, for a cluster whose
    report names another rendered commit than this one, the bindings of that commit: what was placed since is not in the
    capacity that it reported (DESIGN §3). A cluster that is missing there is taken to have seen this commit.
    """

    commit: str = ""
    source_commit: str = ""
    status_commit: str = ""
    evaluated_at: datetime | None = None
    engine: str = ""
    complete: bool = True
    bindings: Mapping[ObjectId, Binding] = field(default_factory=dict)
    binding_files: Mapping[str, bytes] = field(default_factory=dict)
    trees: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    seen: Mapping[str, Mapping[ObjectId, Binding]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The whole answer of `render`: tree, bindings, problems, and when it would change by itself."""

    tree: RenderTree
    bindings: Mapping[ObjectId, Binding]
    problems: tuple[Problem, ...] = ()
    next_wake: datetime | None = None
    complete: bool = True
    """False: something is held, and nothing may be pruned on the word of this tree."""
    assumed_clusters: tuple[str, ...] = ()
    unclaimed: tuple[ObjectId, ...] = ()
    asked: tuple[WebhookQuestion, ...] = ()
    """What this answer asked of interpreter webhooks, in order."""
    unanswered: tuple[WebhookQuestion, ...] = ()
    """Those of them that the observation holds no answer to: ask, commit, and render again."""
