"""Answers to the scheduling kinds, from the functions that a render calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from reconciler.model.cluster_document import decode_cluster
from reconciler.model.identity import id_of_body
from reconciler.model.manifest import Manifest, Origin
from reconciler.model.policy import DivisionStrategy
from reconciler.policy.claim import claim_template
from reconciler.policy.decode import decode_propagation_policy
from reconciler.policy.precedence import index_policies
from reconciler.render.bindings import decode_binding, encode_binding
from reconciler.scheduler.due import is_reschedule_required
from reconciler.scheduler.explain import refusals
from reconciler.scheduler.outcome import Attempt, Failure, FailureKind, Mode, Trigger
from reconciler.scheduler.plugin import Context
from reconciler.scheduler.registry import Profile
from reconciler.scheduler.replicas.divide import strategy_of
from reconciler.scheduler.replicas.estimate import UNKNOWN
from reconciler.scheduler.replicas.webster import is_descending, webster
from reconciler.scheduler.schedule import contexts, schedule, schedule_binding
from reconciler.scheduler.state import Options, State, new_state
from tests.parity.cases import Check, Difference

NOW = datetime(2025, 3, 2, tzinfo=UTC)
PROFILE = Profile()
_LIST_BY_KIND = {
    "PropagationPolicy": "propagationPolicies",
    "ClusterPropagationPolicy": "clusterPropagationPolicies",
}
_TYPES = {
    FailureKind.FIT: "FitError",
    FailureKind.UNSCHEDULABLE: "UnschedulableError",
    FailureKind.ERROR: "Error",
}


def _state(clusters: list[Any], options: dict[str, Any] | None = None) -> State:
    empty = bool((options or {}).get("enableEmptyWorkloadPropagation"))
    decoded = [decode_cluster(body, stored=True) for body in clusters]
    return new_state(decoded, Options(empty_workload_propagation=empty))


def _named(clusters: Any) -> dict[str, int]:
    return {item["name"]: item.get("replicas") or 0 for item in clusters or ()}


def _targets(clusters: Any) -> list[dict[str, Any]]:
    return [{"name": target.name, "replicas": target.replicas} for target in clusters]


def _error(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else {"type": _TYPES[failure.kind], "message": failure.message}


def _error_type(error: Any) -> str | None:
    return error.get("type") if error else None


def select_and_assign(given: Any) -> Any:
    binding = decode_binding({"spec": given["spec"], "status": given.get("status")})
    state = _state(given["clusters"], given.get("options"))
    context = Context(
        binding=binding,
        placement=binding.placement,
        affinity_name=binding.observed_affinity,
        previous={target.name: target.replicas for target in binding.clusters},
        is_fresh=is_reschedule_required(binding),
    )
    attempt = schedule(context, PROFILE, state)
    refused = refusals(context, PROFILE, state)
    return {
        "suggestedClusters": _targets(attempt.clusters),
        "error": _error(attempt.failure),
        "isBeyond32Bits": _is_beyond_32_bits(context, attempt, state),
        "filtered": {name: [refusal.reason for refusal in found] for name, found in refused.items()},
        "estimates": dict(
            zip(state.table.names, state.capacity.available(binding.requirements), strict=True)
        ),
    }


def _agree_on_selection(ours: Any, theirs: Any) -> bool:
    results = [_named(theirs.get("suggestedClusters"))]
    if theirs.get("stableTieClusters"):
        results.append(_named(theirs["stableTieClusters"]))
    filtered = {name: sorted(reasons) for name, reasons in (theirs.get("filtered") or {}).items()}
    return (
        _named(ours["suggestedClusters"]) in results
        and _error_type(ours["error"]) == _error_type(theirs.get("error"))
        and {name: sorted(reasons) for name, reasons in ours["filtered"].items()} == filtered
        and ("estimates" not in theirs or ours["estimates"] == theirs["estimates"])
    )


def schedule_one(given: Any) -> Any:
    binding = decode_binding(given["binding"])
    state = _state(given["clusters"])
    decision = schedule_binding(binding, PROFILE, state, NOW)
    context_by_group = {context.affinity_name: context for context in contexts(binding)}
    after = encode_binding(decision.binding)
    status = after["status"]
    applied = (after["metadata"].get("annotations") or {}).get("policy.karmada.io/applied-placement")
    conditions = status.get("conditions") or [None]
    return {
        "scheduled": decision.trigger is not None,
        "trigger": decision.trigger,
        "attempts": [
            {
                "affinityName": attempt.affinity_name,
                "clusters": _targets(attempt.clusters),
                "error": _error(attempt.failure),
                "mode": attempt.shares[0].mode if attempt.shares else "",
                "isBeyond32Bits": _is_beyond_32_bits(context_by_group[attempt.affinity_name], attempt, state),
            }
            for attempt in decision.attempts
        ],
        "clusters": after["spec"].get("clusters") or [],
        "schedulerObservedAffinityName": status.get("schedulerObservingAffinityName", ""),
        "schedulerObservedGeneration": status.get("schedulerObservedGeneration", 0),
        "appliedPlacement": None if applied is None else json.loads(applied),
        "lastScheduledTimeChanged": decision.is_renewed,
        "condition": conditions[0],
        "error": None
        if decision.failure is None or decision.failure.kind is FailureKind.FIT
        else decision.failure.message,
    }


def _agree_on_binding(ours: Any, theirs: Any) -> bool:
    same = all(
        ours[name] == theirs.get(name, default)
        for name, default in (
            ("scheduled", False),
            ("schedulerObservedAffinityName", ""),
            ("schedulerObservedGeneration", 0),
            ("appliedPlacement", None),
            ("lastScheduledTimeChanged", False),
        )
    )
    # Without a run, Karmada says nothing of the condition.
    condition = (ours["condition"] or {}) if theirs.get("condition") else {}
    return (
        same
        and _named(ours["clusters"]) == _named(theirs.get("clusters"))
        and bool(ours["error"]) == bool(theirs.get("error"))
        and [_attempt(attempt) for attempt in ours["attempts"]]
        == [_attempt(attempt) for attempt in theirs.get("attempts") or ()]
        and all(
            condition.get(key) == (theirs.get("condition") or {}).get(key) for key in ("status", "reason")
        )
    )


def _attempt(attempt: Any) -> tuple[Any, ...]:
    return (
        attempt.get("affinityName") or "",
        _named(attempt.get("clusters")),
        _error_type(attempt.get("error")),
    )


def _cluster_vanished(given: Any, ours: Any, theirs: Any) -> bool:
    """A cluster of the previous result is not in the fleet: Karmada waits, we schedule (spec scheduling §4.2)."""
    present = {cluster["metadata"]["name"] for cluster in given["clusters"]}
    previous = set(_named(given["binding"]["spec"].get("clusters")))
    return (
        not theirs["scheduled"]
        and ours["scheduled"]
        and ours["trigger"] is Trigger.CLUSTER_GONE
        and bool(previous - present)
    )


def _tie_of_capacity(given: Any, ours: Any, theirs: Any) -> bool:
    """Aggregated over more than 12 candidates: Karmada's sort by capacity is unstable, ours is stable (spec scheduling §4.6).

    The results may then differ in which of equally large clusters are used, and in nothing else.
    """
    binding = decode_binding(given["binding"])
    scheduling = binding.placement.replica_scheduling if binding.placement is not None else None
    if scheduling is None or scheduling.division_preference != "Aggregated" or len(given["clusters"]) <= 12:
        return False
    state = _state(given["clusters"])
    capacity = dict(zip(state.table.names, state.capacity.available(binding.requirements), strict=True))
    previous = {target.name: target.replicas for target in binding.clusters}

    def seats(mode: str, name: str, replicas: int) -> tuple[int, int]:
        """(votes, seats given): what is held are the votes on the way down, counts as room afresh, and is kept on the way up."""
        held = previous.get(name, 0)
        match mode:
            case Mode.SCALE_DOWN:
                return held, replicas
            case Mode.FRESH:
                return capacity[name] + held, replicas
        return capacity[name], replicas - held

    def alike(attempts: Any) -> list[Any]:
        return [
            (
                attempt.get("affinityName") or "",
                sorted(seats(mode, *target) for target in _named(attempt["clusters"]).items()),
            )
            for attempt, mode in zip(attempts, modes, strict=True)
        ]

    modes = [attempt["mode"] for attempt in ours["attempts"]]
    if len(modes) != len(theirs["attempts"]) or alike(ours["attempts"]) != alike(theirs["attempts"]):
        return False
    # All else must agree as it stands.
    is_result_last = _named(theirs["clusters"]) == _named(theirs["attempts"][-1]["clusters"])
    results = {name: ours[name] for name in ("clusters", "attempts")}
    return is_result_last and _agree_on_binding(ours, {**theirs, **results})


def _is_beyond_32_bits(context: Context, attempt: Attempt, state: State) -> bool:
    """Whether Karmada's sum of what the selected clusters can take wraps around below zero.

    No replicas, by capacity, afresh: every cluster counts as 2^31 - 1 and what it holds, and the sum has 32 bits. With
    overflow groups it is that of the first one that has a cluster.
    """
    binding, overflow = context.binding, state.overflow(context)
    scheduling = binding.placement.replica_scheduling if binding.placement is not None else None
    is_asked = strategy_of(scheduling) in (DivisionStrategy.AGGREGATED, DivisionStrategy.DYNAMIC_WEIGHT)
    if binding.replicas or not is_asked or not is_reschedule_required(binding):
        return False
    held = {target.name: target.replicas for target in binding.clusters}
    orders = [overflow.get(position, 0) for position in attempt.selected]
    total = sum(
        UNKNOWN + held.get(state.table.names[position], 0)
        for position, order in zip(attempt.selected, orders, strict=True)
        if order == min(orders)
    )
    return (total + 2**31) % 2**32 - 2**31 < 0


def _nothing_to_place(_given: Any, ours: Any, theirs: Any) -> bool:
    """No replicas and a sum beyond 32 bits: Karmada says that there is no room for them, we place none (spec scheduling §4.6)."""
    error = {"type": "UnschedulableError"}
    return (
        ours["isBeyond32Bits"]
        and not ours["error"]
        and _error_type(theirs.get("error")) == error["type"]
        and _agree_on_selection({**ours, "error": error, "suggestedClusters": []}, theirs)
    )


def _nothing_to_place_in_a_group(_given: Any, ours: Any, theirs: Any) -> bool:
    """The same in a whole pass: Karmada goes on to the next group, or fails; what it did before that must agree."""
    tried = len(ours["attempts"])
    last, answered = ours["attempts"][-1:], (theirs.get("attempts") or [])[tried - 1 : tried]
    return (
        bool(last and answered)
        and last[0]["isBeyond32Bits"]
        and not last[0]["error"]
        and _error_type(answered[0].get("error")) == "UnschedulableError"
        and [_attempt(attempt) for attempt in ours["attempts"][:-1]]
        == [_attempt(attempt) for attempt in theirs["attempts"][: tried - 1]]
    )


def match_policies(given: Any) -> Any:
    def manifest(body: Any) -> Manifest:
        return Manifest(id=id_of_body(body), body=body, origin=Origin(path="case.json"))

    # The list says what a policy is: items of a list need no kind of their own.
    documents = [
        {**body, "kind": kind} for kind, key in _LIST_BY_KIND.items() for body in given.get(key) or ()
    ]
    index = index_policies(decode_propagation_policy(manifest(body)) for body in documents)
    claimed = claim_template(manifest(given["object"]), index)
    best = [candidate.policy for candidate in claimed.candidates]
    namespaced = next((policy for policy in best if policy.namespace), None)
    cluster_scoped = next((policy for policy in best if not policy.namespace), None)
    claim = claimed.claim
    return {
        "propagationPolicy": namespaced and f"{namespaced.namespace}/{namespaced.name}",
        "clusterPropagationPolicy": cluster_scoped and cluster_scoped.name,
        "winner": claim and {"kind": claim.kind, "namespace": claim.namespace, "name": claim.name},
    }


def _agree_on_policies(ours: Any, theirs: Any) -> bool:
    winner = theirs.get("winner")
    if winner:
        winner = {key: winner.get(key) or "" for key in ("kind", "namespace", "name")}
    return (
        ours["propagationPolicy"] == theirs.get("propagationPolicy")
        and ours["clusterPropagationPolicy"] == theirs.get("clusterPropagationPolicy")
        and ours["winner"] == winner
    )


def estimate(given: Any) -> Any:
    binding = decode_binding({"spec": {"replicaRequirements": given.get("replicaRequirements")}})
    state = _state(given["clusters"])
    available = state.capacity.available(binding.requirements)
    return {"maxAvailableReplicas": dict(zip(state.table.names, available, strict=True))}


def dispense(given: Any) -> Any:
    result = webster(
        given.get("replicas") or 0,
        _named(given.get("weights")),
        _named(given.get("initial")),
        descending=is_descending(given.get("uid") or ""),
    )
    return {"result": [{"name": name, "replicas": replicas} for name, replicas in result.items()]}


def _agree_on_seats(ours: Any, theirs: Any) -> bool:
    # A party without seats may be listed or not.
    seats = {name: replicas for name, replicas in _named(theirs.get("result")).items() if replicas}
    return _named(ours["result"]) == seats


CHECKS = {
    "select-and-assign": Check(
        answer=select_and_assign,
        agrees=_agree_on_selection,
        differences=(Difference(name="sum-beyond-32-bits", explains=_nothing_to_place),),
    ),
    "schedule-binding": Check(
        answer=schedule_one,
        agrees=_agree_on_binding,
        differences=(
            Difference(name="vanished-cluster", explains=_cluster_vanished),
            Difference(name="tie-of-capacity", explains=_tie_of_capacity),
            Difference(name="sum-beyond-32-bits", explains=_nothing_to_place_in_a_group),
        ),
    ),
    "policy-match": Check(answer=match_policies, agrees=_agree_on_policies),
    "estimate": Check(
        answer=estimate,
        agrees=lambda ours, theirs: ours["maxAvailableReplicas"] == theirs["maxAvailableReplicas"],
    ),
    "dispense": Check(answer=dispense, agrees=_agree_on_seats),
}
