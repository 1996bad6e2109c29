"""All bundled kinds in one literal table (spec rendering-and-status §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from reconciler.interpreter.bundled.argo import workflow
from reconciler.interpreter.bundled.flink import flinkdeployment
from reconciler.interpreter.bundled.flux import (
    bucket,
    gitrepository,
    helmchart,
    helmrelease,
    helmrepository,
    kustomization,
    ocirepository,
)
from reconciler.interpreter.bundled.kruise import (
    advancedcronjob,
    broadcastjob,
    cloneset,
    daemonset,
    sidecarset,
    statefulset,
    uniteddeployment,
)
from reconciler.interpreter.bundled.kubeflow import mpijob, notebook, pytorchjob, tfjob
from reconciler.interpreter.bundled.kyverno import policy
from reconciler.interpreter.bundled.members import settled, without_nulls
from reconciler.interpreter.bundled.ray import raycluster, rayjob, rayservice
from reconciler.interpreter.bundled.spark import sparkapplication
from reconciler.interpreter.bundled.volcano import job
from reconciler.interpreter.rules import GroupVersionKind, KindRules, Layer
from reconciler.model.manifest import Body

_RULES: Final[Mapping[GroupVersionKind, KindRules]] = MappingProxyType(
    {
        ("apps.kruise.io/v1alpha1", "AdvancedCronJob"): advancedcronjob.RULES,
        ("apps.kruise.io/v1alpha1", "BroadcastJob"): broadcastjob.RULES,
        ("apps.kruise.io/v1alpha1", "CloneSet"): cloneset.RULES,
        ("apps.kruise.io/v1alpha1", "DaemonSet"): daemonset.RULES,
        ("apps.kruise.io/v1alpha1", "SidecarSet"): sidecarset.RULES,
        ("apps.kruise.io/v1alpha1", "UnitedDeployment"): uniteddeployment.RULES,
        ("apps.kruise.io/v1beta1", "StatefulSet"): statefulset.RULES,
        ("argoproj.io/v1alpha1", "Workflow"): workflow.RULES,
        ("batch.volcano.sh/v1alpha1", "Job"): job.RULES,
        ("flink.apache.org/v1beta1", "FlinkDeployment"): flinkdeployment.RULES,
        ("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease"): helmrelease.RULES,
        ("kubeflow.org/v1", "Notebook"): notebook.RULES,
        ("kubeflow.org/v1", "PyTorchJob"): pytorchjob.RULES,
        ("kubeflow.org/v1", "TFJob"): tfjob.RULES,
        ("kubeflow.org/v2beta1", "MPIJob"): mpijob.RULES,
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): kustomization.RULES,
        ("kyverno.io/v1", "ClusterPolicy"): policy.RULES,
        ("kyverno.io/v1", "Policy"): policy.RULES,
        ("ray.io/v1", "RayCluster"): raycluster.RULES,
        ("ray.io/v1", "RayJob"): rayjob.RULES,
        ("ray.io/v1", "RayService"): rayservice.RULES,
        ("source.toolkit.fluxcd.io/v1", "GitRepository"): gitrepository.RULES,
        ("source.toolkit.fluxcd.io/v1beta2", "Bucket"): bucket.RULES,
        ("source.toolkit.fluxcd.io/v1beta2", "HelmChart"): helmchart.RULES,
        ("source.toolkit.fluxcd.io/v1beta2", "HelmRepository"): helmrepository.RULES,
        ("source.toolkit.fluxcd.io/v1beta2", "OCIRepository"): ocirepository.RULES,
        ("sparkoperator.k8s.io/v1beta2", "SparkApplication"): sparkapplication.RULES,
    }
)

Rule = Callable[..., Any]


def _without_nulls(rule: Rule | None, *, gives_objects: bool = False) -> Rule | None:
    """The rule asked as a script would be: null is nothing, and an object comes back without the fields that held only that."""
    if rule is None:
        return None

    def asked(*given: Any) -> Any:
        result = rule(*map(without_nulls, given))
        return settled(result, given[:2]) if gives_objects else result

    return asked


def _as_declared(rules: KindRules) -> KindRules:
    return KindRules(
        replicas=_without_nulls(rules.replicas),
        components=_without_nulls(rules.components),
        revise=_without_nulls(rules.revise, gives_objects=True),
        health=_without_nulls(rules.health),
        reflect=_without_nulls(rules.reflect),
        aggregate=_without_nulls(rules.aggregate),
        retain=_without_nulls(rules.retain, gives_objects=True),
        dependencies=_without_nulls(rules.dependencies),
    )


def _without_empty_lists(rules: KindRules) -> KindRules:
    """Where no member reports there is nothing to aggregate: that is what Karmada reads back from its storage."""
    aggregate: Rule | None = rules.aggregate
    if aggregate is None:
        return rules

    def aggregated(body: Body, items: Sequence[Body], now: datetime | None) -> Body:
        merged: Body = aggregate(body, items or None, now)
        return merged

    return replace(rules, aggregate=aggregated)


RULES_BY_KIND: Final[Mapping[GroupVersionKind, KindRules]] = MappingProxyType(
    {kind: _as_declared(rules) for kind, rules in _RULES.items()}
)
"""Every bundled kind. Their `aggregate` tells None from an empty list, as recorded documents do."""

BUNDLED_RULES: Final[Layer] = MappingProxyType(
    {kind: _without_empty_lists(rules) for kind, rules in RULES_BY_KIND.items()}
)
"""The layer that stands behind what the fleet declares and before the native kinds."""
