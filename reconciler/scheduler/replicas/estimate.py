"""How many replicas a cluster can still take: Karmada's general estimator (spec scheduling §4.8), for all clusters at once.

Works on columns of integers, one per resource, so that thousands of clusters cost one pass over a list. Node selectors,
affinity and tolerations are not considered: the estimator knows no nodes beyond their grades.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from reconciler.model.binding import ReplicaRequirements
from reconciler.model.cluster import Cluster, ResourceModel, ResourceSummary
from reconciler.model.quantity import Quantity, parse_quantity
from reconciler.selectors.labels import is_label_key

UNKNOWN: Final = 2**31 - 1
"""Karmada's MaxInt32: nobody has an estimate for the cluster."""

_PODS_OF_A_NODE: Final = 110
_NANO: Final = 10**9
_CORE: Final = frozenset({"cpu", "memory", "ephemeral-storage"})

Request = tuple[tuple[str, int], ...]
"""What one replica asks for: (resource, billionths), positive amounts alone, sorted by name."""


def request_of(requirements: ReplicaRequirements | None) -> Request | None:
    """The request in comparable form; None where nothing is known of a replica but that it is a pod."""
    return None if requirements is None else _parsed(tuple(sorted(requirements.resource_request.items())))


@lru_cache(maxsize=4096)
def _parsed(request: tuple[tuple[str, str], ...]) -> Request:
    amounts = ((name, _nano(text)) for name, text in request)
    return tuple((name, amount) for name, amount in amounts if amount > 0)


class Capacity:
    """What is free in each cluster: what its status says, less what `place` was told.

    Clusters are known by their position in the sequence. The only value in the scheduler that changes: one pass owns it.
    """

    def __init__(self, clusters: Sequence[Cluster], *, modelling: bool = True) -> None:
        summaries = [cluster.status.resource_summary or ResourceSummary() for cluster in clusters]
        names = sorted({name for summary in summaries for name in summary.allocatable})
        self._free = {name: [_free(summary, name) for summary in summaries] for name in names}
        self._whole = {
            name: [max(_whole(name, free), 0) for free in column] for name, column in self._free.items()
        }
        self._pods = [_free_pods(summary) for summary in summaries]
        self._room = [max(pods, 0) for pods in self._pods]
        self._unknown = [position for position, cluster in enumerate(clusters) if cluster.assumed]
        self._graded = _by_models(clusters) if modelling else {}
        self._grades_of = {
            position: (models, counts[row])
            for models, (positions, counts) in self._graded.items()
            for row, position in enumerate(positions)
        }
        self._nodes: dict[int, list[_Nodes]] = {}
        self._memo: dict[Request | None, tuple[list[int], int]] = {}
        self._touched: list[int] = []

    def available(self, requirements: ReplicaRequirements | None) -> Sequence[int]:
        """Replicas that each cluster can still take, by position; UNKNOWN where nothing was ever observed."""
        request = request_of(requirements)
        known = self._memo.get(request)
        if known is None or len(self._touched) - known[1] > len(self._pods) // 4:
            estimates = self._all(request)
        else:
            estimates = known[0]
            for position in set(self._touched[known[1] :]):
                estimates[position] = self._one(position, request)
        self._memo[request] = (estimates, len(self._touched))
        return estimates

    def place(self, requirements: ReplicaRequirements | None, replicas: Mapping[int, int]) -> None:
        """Deducts replicas that were placed, by position. What does not fit is deducted from what there is."""
        request = request_of(requirements) or ()
        self._touched.extend(replicas)
        pods, room = self._pods, self._room
        for position, count in replicas.items():
            left = pods[position] = pods[position] - count
            room[position] = left if left > 0 else 0  # noqa: FURB136 - a third of the time of max()
        for name, amount in request:
            free, whole = self._free.get(name), self._whole.get(name)
            if free is None or whole is None:
                continue
            unit = _unit(name)
            for position, count in replicas.items():
                left = free[position] = free[position] - amount * count
                whole[position] = -(-left // unit) if left > 0 else 0
        for position in replicas if self._grades_of else ():
            if position in self._grades_of:
                nodes = self._nodes.get(position) or _nodes(*self._grades_of[position])
                self._nodes[position] = _filled(nodes, _counted(request), replicas[position])

    def _all(self, request: Request | None) -> list[int]:
        estimates = list(self._room)
        nothing = [0] * len(estimates)
        for name, amount in request or ():
            each = _whole(name, amount)
            column = self._whole.get(name, nothing)
            estimates = [
                least if least < (fitting := whole // each) else fitting
                for least, whole in zip(estimates, column, strict=True)
            ]
        if request is not None:
            for models, (positions, counts) in self._graded.items():
                fits = [_fits(model, _counted(request)) for model in models]
                for position, row in zip(positions, counts, strict=True):
                    modelled = sum(count * fit for count, fit in zip(row, fits, strict=True))
                    estimates[position] = min(self._room[position], modelled)
            for position in self._nodes:
                estimates[position] = self._one(position, request)
        for position in self._unknown:
            estimates[position] = UNKNOWN
        return estimates

    def _one(self, position: int, request: Request | None) -> int:
        if position in self._unknown:
            return UNKNOWN
        pods = self._room[position]
        if request is None:
            return pods
        if position in self._grades_of:
            nodes = self._nodes.get(position) or _nodes(*self._grades_of[position])
            counted = _counted(request)
            return min(pods, sum(node.count * node.fits(counted) for node in nodes))
        for name, amount in request:
            column = self._whole.get(name)
            pods = min(pods, column[position] // _whole(name, amount) if column is not None else 0)
        return pods


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nodes:
    """Alike nodes of one cluster: how many, what each has left by resource, and the pods each still takes."""

    count: int
    free: Mapping[str, int]
    pods: int = _PODS_OF_A_NODE

    def fits(self, request: Request) -> int:
        """Replicas that each of these nodes takes. A resource that the models do not name is not there."""
        fitting = (self.free.get(name, 0) // _whole(name, amount) for name, amount in request)
        return max(0, min(self.pods, min(fitting, default=self.pods)))

    def less(self, request: Request, replicas: int, count: int) -> _Nodes:
        """`count` of these nodes with `replicas` more on each."""
        taken = {name: _whole(name, amount) * replicas for name, amount in request}
        free = {name: left - taken.get(name, 0) for name, left in self.free.items()}
        return _Nodes(count=count, free=free, pods=self.pods - replicas)


def _by_models(
    clusters: Iterable[Cluster],
) -> dict[tuple[ResourceModel, ...], tuple[list[int], list[tuple[int, ...]]]]:
    """Models to (positions, node counts in the order of the models) of the clusters that are estimated by grades."""
    result: dict[tuple[ResourceModel, ...], tuple[list[int], list[tuple[int, ...]]]] = {}
    for position, cluster in enumerate(clusters):
        summary = cluster.status.resource_summary
        if summary is None or not summary.modelings or not cluster.resource_models:
            continue
        if any(count < 0 for _, count in summary.modelings):
            continue
        # A grade that is reported twice counts twice; one that is defined twice is what was said last.
        count_by_grade = Counter[int]()
        for grade, count in summary.modelings:
            count_by_grade[grade] += count
        models = tuple({model.grade: model for model in cluster.resource_models}.values())
        positions, counts = result.setdefault(models, ([], []))
        positions.append(position)
        counts.append(tuple(count_by_grade[model.grade] for model in models))
    return result


def _nodes(models: tuple[ResourceModel, ...], counts: tuple[int, ...]) -> list[_Nodes]:
    """The nodes that the grades stand for: each has what its grade has at least."""
    return [
        _Nodes(count=count, free=_least(model))
        for model, count in zip(models, counts, strict=True)
        if count > 0
    ]


def _filled(nodes: list[_Nodes], request: Request, replicas: int) -> list[_Nodes]:
    """The nodes after `replicas` found a place, in the order of the nodes, each filled before the next."""
    result: list[_Nodes] = []
    for node in nodes:
        each = node.fits(request)
        full = min(replicas // each, node.count) if each > 0 else 0
        rest = min(replicas - full * each, each) if full < node.count else 0
        replicas -= full * each + rest
        if full:
            result.append(node.less(request, each, full))
        if rest:
            result.append(node.less(request, rest, 1))
        untouched = node.count - full - bool(rest)
        if untouched:
            result.append(replace(node, count=untouched))
    return result


def _fits(model: ResourceModel, request: Request) -> int:
    return _Nodes(count=1, free=_least(model)).fits(request)


def _least(model: ResourceModel) -> dict[str, int]:
    # Grade 0 begins at nothing, so its nodes never count.
    return {item.name: _whole(item.name, _billionths(item.min)) for item in model.ranges}


def _counted(request: Request) -> Request:
    """The part of a request that grades are asked about: what Kubernetes' scheduler would look at."""
    return tuple((name, amount) for name, amount in request if is_counted_by_grade(name))


def is_counted_by_grade(name: str) -> bool:
    """Whether grades are asked about a resource: a request for it, in a cluster whose models leave it out, fits nowhere there."""
    return name in _CORE or _is_scalar(name)


@lru_cache(maxsize=4096)
def _is_scalar(name: str) -> bool:
    # Extended resources (`nvidia.com/gpu`), huge pages, attachable volumes, and names prefixed by kubernetes.io.
    if "kubernetes.io/" in name or name.startswith(("hugepages-", "attachable-volumes-")):
        return True
    return "/" in name and not name.startswith("requests.") and is_label_key(f"requests.{name}")


def _free(summary: ResourceSummary, name: str) -> int:
    """Billionths free of one resource; nothing where the cluster does not have it."""
    if name not in summary.allocatable:
        return 0
    taken = (amounts[name] for amounts in (summary.allocated, summary.allocating) if name in amounts)
    return _billionths(summary.allocatable[name]) - sum(map(_billionths, taken))


def _free_pods(summary: ResourceSummary) -> int:
    allocatable, allocated, allocating = (
        amounts["pods"].value if "pods" in amounts else 0
        for amounts in (summary.allocatable, summary.allocated, summary.allocating)
    )
    return allocatable - allocated - allocating


def _whole(name: str, nano: int) -> int:
    """Billionths as the integer that Karmada compares: thousandths of a cpu, units of the rest; away from zero."""
    unit = _unit(name)
    return -(-nano // unit) if nano > 0 else nano // unit


def _unit(name: str) -> int:
    return 10**6 if name == "cpu" else _NANO


def _nano(text: str) -> int:
    return _billionths(parse_quantity(text))


def _billionths(quantity: Quantity) -> int:
    # Exact: Kubernetes keeps nothing finer.
    return quantity.amount.numerator * _NANO // quantity.amount.denominator
