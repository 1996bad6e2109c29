"""Rules at their borders: the first value that is refused, and the last that is taken."""

import copy

import pytest

from reconciler.fleet import schema
from reconciler.fleet.finding import field_text
from reconciler.fleet.validate.rules import RULES
from tests.unit.fleet.examples import EXAMPLES, SETTINGS

BY_KIND = {body["kind"]: body for body in [*EXAMPLES, SETTINGS]}
DELETE = object()


def findings(kind, *edits):
    """`code field` of every finding for the kind's example after the edits, each a path of the document and a value."""
    body = copy.deepcopy(BY_KIND[kind])
    for path, value in edits:
        *above, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place = body
        for step in above:
            place = place[step]
        if value is DELETE:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    found = list(schema.check(body))
    if not found:
        group = body["apiVersion"].rpartition("/")[0]
        found = [each for rule in RULES.get((group, kind), ()) for each in rule(body)]
    return [f"{each.code} {field_text(each.path)}" for each in found]


# What the examples say on purpose: warnings about fields beside one another.
USUAL = {
    "PropagationPolicy": ["R224 spec.placement.replicaScheduling.weightPreference.staticWeightList"],
}

REFUSED = [
    # scheduling 2.3
    ("PropagationPolicy", [("spec/placement/clusterTolerations/0/operator", "Lt")], "R223 spec.placement.clusterTolerations[0].operator"),
    ("PropagationPolicy", [("spec/placement/clusterAffinities/0/affinityName", "a" * 33)], "R204 spec.placement.clusterAffinities[0].affinityName"),
    ("PropagationPolicy", [("spec/placement/workloadAffinity/affinity/groupByLabelKey", "a b")], "R222 spec.placement.workloadAffinity.affinity.groupByLabelKey"),
    ("PropagationPolicy", [("spec/placement/clusterAffinities/0/fieldSelector/matchExpressions/0/values", [])], "R212 spec.placement.clusterAffinities[0].fieldSelector.matchExpressions[0]"),
    ("PropagationPolicy", [("spec/placement/clusterAffinities/0/labelSelector/matchExpressions/0/values", ["a b"])], "R213 spec.placement.clusterAffinities[0].labelSelector.matchExpressions[0].values[0]"),
    ("PropagationPolicy", [("spec/placement/clusterAffinities/0/labelSelector/matchExpressions/0/key", "a b")], "R213 spec.placement.clusterAffinities[0].labelSelector.matchExpressions[0].key"),
    ("PropagationPolicy", [("spec/placement/clusterAffinities/0/labelSelector/matchExpressions/0/operator", "Gt")], "R204 spec.placement.clusterAffinities[0].labelSelector.matchExpressions[0].operator"),
    ("PropagationPolicy", [("spec/failover/application/gracePeriodSeconds", 0)], "R229 spec.failover.application.gracePeriodSeconds"),
    ("PropagationPolicy", [("spec/propagateDeps", False)], "R228 spec.failover.application"),
    ("PropagationPolicy", [("spec/suspension/dispatching", True)], "R227 spec.suspension.dispatchingOnClusters"),
    ("PropagationPolicy", [("spec/schedulePriority/priorityClassSource", "Pod")], "R204 spec.schedulePriority.priorityClassSource"),
    ("PropagationPolicy", [("spec/schedulePriority/priorityClassName", DELETE)], "R203 spec.schedulePriority"),
    # rendering-and-status 1.2
    ("OverridePolicy", [("spec/overrideRules/0/overriders/labelsOverrider/0/value", {"a b": "c"})], "R251 spec.overrideRules[0].overriders.labelsOverrider[0].value['a b']"),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/annotationsOverrider/0/value", {"a": "x" * 262144})], "R251 spec.overrideRules[0].overriders.annotationsOverrider[0].value"),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/fieldOverrider/0/fieldPath", "")], "R252 spec.overrideRules[0].overriders.fieldOverrider[0].fieldPath"),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/fieldOverrider/0/json/0/value", None)], "R254 spec.overrideRules[0].overriders.fieldOverrider[0].json[0]"),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/imageOverrider/1/value", DELETE)], "R255 spec.overrideRules[0].overriders.imageOverrider[1].operator"),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/commandOverrider/0/operator", "replace")], "R204 spec.overrideRules[0].overriders.commandOverrider[0].operator"),
    ("ClusterOverridePolicy", [("spec/overriders/labelsOverrider/0/value", {"a": "b c"})], "R251 spec.overriders.labelsOverrider[0].value.a"),
    # scheduling 1
    ("Cluster", [("metadata/name", "a" * 49)], "R240 metadata.name"),
    ("Cluster", [("spec/id", "x" * 128001)], "R204 spec.id"),
    ("Cluster", [("spec/secretRef", {"name": "x"})], "R203 spec.secretRef"),
    ("Cluster", [("spec/apiEndpoint", "10.0.0.1:6443")], "R241 spec.apiEndpoint"),
    ("Cluster", [("spec/apiEndpoint", "https://")], "R241 spec.apiEndpoint"),
    ("Cluster", [("spec/apiEndpoint", "https://[::1")], "R241 spec.apiEndpoint"),
    ("Cluster", [("spec/apiEndpoint", "https://10.0.0.1:6443#x")], "R241 spec.apiEndpoint"),
    ("Cluster", [("spec/proxyURL", "ftp://proxy")], "R241 spec.proxyURL"),
    ("Cluster", [("spec/taints/1/value", "a b")], "R245 spec.taints[1].value"),
    ("Cluster", [("spec/taints/0/timeAdded", "2026-01-01")], "R204 spec.taints[0].timeAdded"),
    ("Cluster", [("status/nodeSummary/totalNum", -1)], "R204 status.nodeSummary.totalNum"),
    ("Cluster", [("status/resourceSummary/allocatable/cpu", "much")], "R204 status.resourceSummary.allocatable.cpu"),
    ("Cluster", [("status/conditions/0/status", "Yes")], "R204 status.conditions[0].status"),
    ("Cluster", [("status/conditions/0/lastTransitionTime", "now")], "R204 status.conditions[0].lastTransitionTime"),
    # 5.2 and 6
    ("ClusterTaintPolicy", [("spec/taints/0/key", "a/b/c")], "R262 spec.taints[0].key"),
    ("ClusterTaintPolicy", [("spec/taints/0/value", "a b")], "R262 spec.taints[0].value"),
    ("ClusterTaintPolicy", [("spec/taints", [])], "R204 spec.taints"),
    ("FederatedResourceQuota", [("metadata/name", "a" * 64)], "R263 metadata.name"),
    ("FederatedResourceQuota", [("spec/staticAssignments/0/hard/cpu", "10001m")], "R263 spec.overall.cpu"),
    ("FederatedResourceQuota", [("spec/overall/count~jobs", "1")], "R263 spec.overall['count~jobs']"),
    ("WorkloadRebalancer", [("spec/workloads", [])], "R204 spec.workloads"),
    ("FederatedHPA", [("spec/maxReplicas", 0)], "R264 spec.maxReplicas"),
    ("FederatedHPA", [("spec/metrics/0/resource/target/type", "Value")], "R264 spec.metrics[0].resource.target.type"),
    ("FederatedHPA", [("spec/metrics/0/resource/target/averageUtilization", 0)], "R264 spec.metrics[0].resource.target.averageUtilization"),
    ("FederatedHPA", [("spec/metrics/0/resource/target/value", "1")], "R264 spec.metrics[0].resource.target.value"),
    ("FederatedHPA", [("spec/metrics/3/object/target/value", "-1")], "R264 spec.metrics[3].object.target.value"),
    ("FederatedHPA", [("spec/behavior/scaleUp/policies/0/type", "Nodes")], "R264 spec.behavior.scaleUp.policies[0].type"),
    ("FederatedHPA", [("spec/behavior/scaleUp/policies/0/periodSeconds", 0)], "R264 spec.behavior.scaleUp.policies[0].periodSeconds"),
    ("CronFederatedHPA", [("spec/scaleTargetRef/kind", "CronFederatedHPA")], "R265 spec.scaleTargetRef.kind"),
    ("CronFederatedHPA", [("spec/rules/0/schedule", "@daily")], "R265 spec.rules[0].schedule"),
    ("CronFederatedHPA", [("spec/rules/0/schedule", "0 0 0 1 *")], "R265 spec.rules[0].schedule"),
    ("CronFederatedHPA", [("spec/rules/0/schedule", "*/0 * * * *")], "R265 spec.rules[0].schedule"),
    ("CronFederatedHPA", [("spec/rules/0/schedule", "5-1 * * * *")], "R265 spec.rules[0].schedule"),
    ("CronFederatedHPA", [("spec/rules/0/schedule", "* * * * 7")], "R265 spec.rules[0].schedule"),
    ("CronFederatedHPA", [("spec/rules/0/name", "a" * 33)], "R204 spec.rules[0].name"),
    ("CronFederatedHPA", [("spec/rules/0/failedHistoryLimit", 33)], "R204 spec.rules[0].failedHistoryLimit"),
    ("CronFederatedHPA", [("spec/scaleTargetRef/apiVersion", "apps/v1"), ("spec/rules/0/targetReplicas", -1)], "R265 spec.rules[0].targetReplicas"),
    ("MultiClusterService", [("metadata/name", "1web")], "R266 metadata.name"),
    ("MultiClusterService", [("spec/types/0", "NodePort")], "R266 spec.types[0]"),
    ("MultiClusterService", [("spec/types", [])], "R266 spec.types"),
    ("MultiClusterService", [("spec/ports/0/name", "HTTP")], "R266 spec.ports[0].name"),
    ("MultiClusterService", [("spec/ports/0/port", 65536)], "R266 spec.ports[0].port"),
    ("MultiClusterIngress", [("spec", {})], "R267 spec"),
    ("MultiClusterIngress", [("spec/ingressClassName", "A")], "R267 spec.ingressClassName"),
    ("MultiClusterIngress", [("spec/tls/0/hosts/0", "*.*.example.com")], "R267 spec.tls[0].hosts[0]"),
    ("MultiClusterIngress", [("spec/rules/0/http/paths", [])], "R267 spec.rules[0].http.paths"),
    ("MultiClusterIngress", [("spec/rules/0/http/paths/0/backend", {"service": {"name": "A", "port": {"number": 1}}})], "R267 spec.rules[0].http.paths[0].backend.service.name"),
    ("MultiClusterIngress", [("spec/rules/0/http/paths/0/backend", {"service": {"name": "a", "port": {"number": 65536}}})], "R267 spec.rules[0].http.paths[0].backend.service.port.number"),
    ("MultiClusterIngress", [("spec/rules/0/http/paths/0/backend", {"service": {"name": "a", "port": {"name": "a--b"}}})], "R267 spec.rules[0].http.paths[0].backend.service.port.name"),
    ("MultiClusterIngress", [("spec/rules/0/http/paths/0/path", DELETE)], "R267 spec.rules[0].http.paths[0]"),
    ("MultiClusterIngress", [("spec/rules/0/http/paths/0/path", "/a/..")], "R267 spec.rules[0].http.paths[0].path"),
    ("ServiceImport", [("spec/ports/0/port", 0)], "R204 spec.ports[0].port"),
    ("ServiceImport", [("spec/ips", ["a", "b"])], "R204 spec.ips"),
    ("Remedy", [("spec/actions", ["Reboot"])], "R204 spec.actions[0]"),
    # rendering-and-status 3
    ("ResourceInterpreterCustomization", [("spec/customizations/retention/luaScript", "")], "R204 spec.customizations.retention.luaScript"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/timeoutSeconds", 31)], "R204 webhooks[0].timeoutSeconds"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig", {"url": "https://a:b@hook"})], "R261 webhooks[0].clientConfig.url"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig", {"url": "https://[x"})], "R261 webhooks[0].clientConfig.url"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig/caBundle", "Zm9v")], "R261 webhooks[0].clientConfig.caBundle"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig/caBundle", "%")], "R261 webhooks[0].clientConfig.caBundle"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig/service/name", "a.b")], "R261 webhooks[0].clientConfig.service.name"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig/service/namespace", "x@y")], "R261 webhooks[0].clientConfig.service.namespace"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/clientConfig/service/path", "/x?y")], "R261 webhooks[0].clientConfig.service.path"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/rules/0/kinds", ["Pod", "Secret"])], "R261 webhooks[0].rules[0].kinds[1]"),
    ("ResourceInterpreterWebhookConfiguration", [("webhooks/0/rules/0/operations", ["Retain", "InterpretComponent"])], "R208 webhooks[0].rules[0].operations[1]"),
    # ours
    ("Approval", [("spec/objects", [])], "R204 spec.objects"),
    ("Approval", [("spec/objects/0/group", "A.b")], "R273 spec.objects[0].group"),
    ("Approval", [("spec/expires", "2026-12-31")], "R204 spec.expires"),
    ("Approval", [("spec/clusters", [])], "R204 spec.clusters"),
    ("FleetConfig", [("spec/include/0", "# comment")], "R133 spec.include[0]"),
    ("FleetConfig", [("spec/scopes/1", {"group": "example.com", "kind": "Widget", "namespaced": True})], "R271 spec.scopes[1]"),
    ("FleetConfig", [("spec/skippedNamespaces/0", "a{1,9}")], "R272 spec.skippedNamespaces[0]"),
    ("FleetConfig", [("spec/skippedNamespaces/0", "(a|b)*")], "R272 spec.skippedNamespaces[0]"),
    ("FleetConfig", [("spec/statusInterval", "5")], "R204 spec.statusInterval"),
    ("FleetConfig", [("spec/guards/maxDeletionPercent", 101)], "R204 spec.guards.maxDeletionPercent"),
    ("FleetConfig", [("spec/guards/protectedKinds", ["namespace/x"])], "R204 spec.guards.protectedKinds[0]"),
    ("FleetConfig", [("spec/secretRules/1/name", "token")], "R204 spec.secretRules[1].name"),
]  # fmt: skip

TAKEN = [
    ("PropagationPolicy", [("spec/placement/clusterTolerations/0/operator", "")]),
    ("PropagationPolicy", [("spec/placement/clusterAffinities/0/affinityName", "a" * 32)]),
    ("PropagationPolicy", [("spec/placement/spreadConstraints/0/minGroups", 3)]),
    ("PropagationPolicy", [("spec/failover/application/gracePeriodSeconds", 1)]),
    ("PropagationPolicy", [("spec/priority", -2147483648)]),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/imageOverrider/1/value", "sha256:" + "0" * 64)]),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/fieldOverrider/0/json/0/value", False)]),
    ("OverridePolicy", [("spec/overrideRules/0/overriders/fieldOverrider/0/json/0/subPath", "")]),
    ("Cluster", [("metadata/name", "a" * 48)]),
    ("Cluster", [("spec/proxyURL", "http://10.0.0.1:3128")]),
    ("Cluster", [("spec/region", "")]),
    ("Cluster", [("spec/zones", []), ("spec/zone", "eu-1")]),
    ("Cluster", [("spec/resourceModels", [])]),
    ("FederatedResourceQuota", [("spec/staticAssignments/0/hard/cpu", "10000m")]),
    ("FederatedHPA", [("spec/maxReplicas", 1)]),
    ("FederatedHPA", [("spec/metrics", DELETE), ("spec/behavior", DELETE), ("spec/minReplicas", DELETE)]),
    ("CronFederatedHPA", [("spec/rules/0/schedule", "59 23 31 12 6")]),
    ("MultiClusterIngress", [("spec/rules/0/http/paths/0", {"pathType": "ImplementationSpecific", "backend": {"resource": {"kind": "A", "name": "b"}}})]),
    ("FleetConfig", [("spec/skippedNamespaces/0", r"[a-z]+\.x?.*")]),
    ("FleetConfig", [("spec/skippedNamespaces", [])]),
    ("Approval", [("spec/clusters", DELETE), ("spec/reason", DELETE)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "edits", "finding"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_value_beyond_the_border_is_found(kind, edits, finding):
    found = findings(kind, *edits)
    assert finding in found
    assert set(found) <= {finding, *USUAL.get(kind, [])}
    assert len(found) == len(set(found))


@pytest.mark.parametrize(("kind", "edits"), TAKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_value_at_the_border_is_taken(kind, edits):
    assert findings(kind, *edits) == USUAL.get(kind, [])


def test_a_grade_that_is_alone_has_neither_beginning_nor_end():
    """Section 1.4: the first grade's `min` and the last one's `max` are set before anything is checked."""
    alone = [{"grade": 3, "ranges": [{"name": "cpu", "min": "7", "max": "5"}]}]
    assert findings("Cluster", ("spec/resourceModels", alone)) == []


def test_grades_are_compared_in_their_order_and_by_value():
    models = [
        {"grade": 2, "ranges": [{"name": "cpu", "min": "2000m", "max": "9"}]},
        {"grade": 1, "ranges": [{"name": "cpu", "min": "1", "max": 2}]},
        {"grade": 0, "ranges": [{"name": "cpu", "min": "0", "max": "1000m"}]},
    ]
    assert findings("Cluster", ("spec/resourceModels", models)) == []
    models[1]["ranges"].append({"name": "memory", "min": "0", "max": "1"})
    assert findings("Cluster", ("spec/resourceModels", models)) == [
        "R247 spec.resourceModels[1].ranges",
        "R247 spec.resourceModels[0].ranges",
    ]
