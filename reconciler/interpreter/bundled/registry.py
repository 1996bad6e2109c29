"""All bundled kinds in one literal table (spec rendering-and-status §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

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
from reconciler.interpreter.bundled.ray import raycluster, rayjob, rayservice
from reconciler.interpreter.bundled.spark import sparkapplication
from reconciler.interpreter.bundled.volcano import job
from reconciler.interpreter.rules import GroupVersionKind, KindRules, Layer
from reconciler.model.manifest import Body

RULES_BY_KIND: Final[Mapping[GroupVersionKind, KindRules]] = MappingProxyType(
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
"""Their `aggregate` tells None from an empty list, as recorded documents do."""

Aggregate = Callable[[Body, Sequence[Body], datetime | None], Body]


def _without_empty_lists(rules: KindRules) -> KindRules:
    """Where no member reports there is nothing to aggregate: that is what Karmada reads back from its storage."""
    aggregate = rules.aggregate
    if aggregate is None:
        return rules

    def aggregated(body: Body, items: Sequence[Body], now: datetime | None) -> Body:
        return _call(aggregate, body, items or None, now)

    return replace(rules, aggregate=aggregated)


def _call(
    aggregate: Callable[..., Body], body: Body, items: Sequence[Body] | None, now: datetime | None
) -> Body:
    return aggregate(body, items, now)


BUNDLED_RULES: Final[Layer] = MappingProxyType(
    {kind: _without_empty_lists(rules) for kind, rules in RULES_BY_KIND.items()}
)
"""The layer that stands behind what the fleet declares and before the native kinds."""
