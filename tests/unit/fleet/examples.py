"""One valid document of every policy-side kind, with nearly every field that its schema knows."""

import json

AFFINITY = {
    "labelSelector": {
        "matchLabels": {"tier": "prod"},
        "matchExpressions": [
            {"key": "gpu", "operator": "NotIn", "values": ["none"]},
            {"key": "edge", "operator": "DoesNotExist"},
        ],
    },
    "fieldSelector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["eu", "us"]}]},
    "clusterNames": ["berlin", "paris"],
    "exclude": ["rome"],
}
SELECTOR = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "name": "web",
    "labelSelector": {"matchLabels": {"a": "b"}},
}
PROPAGATION = {
    "resourceSelectors": [SELECTOR],
    "association": False,
    "propagateDeps": True,
    "placement": {
        "clusterAffinities": [
            {
                "affinityName": "first",
                **AFFINITY,
                "overflowAffinities": [{"affinityName": "cloud", "clusterNames": ["cloud"]}],
            },
            {"affinityName": "second"},
        ],
        "clusterTolerations": [
            {
                "key": "gpu",
                "operator": "Equal",
                "value": "yes",
                "effect": "NoExecute",
                "tolerationSeconds": 60,
            }
        ],
        "spreadConstraints": [
            {"spreadByField": "cluster", "minGroups": 1, "maxGroups": 3},
            {"spreadByField": "region", "minGroups": 1, "maxGroups": 2},
        ],
        "replicaScheduling": {
            "replicaSchedulingType": "Divided",
            "replicaDivisionPreference": "Weighted",
            "weightPreference": {
                "staticWeightList": [{"targetCluster": AFFINITY, "weight": 2}],
                "dynamicWeight": "AvailableReplicas",
            },
        },
        "workloadAffinity": {
            "affinity": {"groupByLabelKey": "group"},
            "antiAffinity": {"groupByLabelKey": "rival"},
        },
    },
    "priority": 5,
    "preemption": "Always",
    "dependentOverrides": ["mirror"],
    "schedulerName": "default-scheduler",
    "failover": {
        "application": {
            "decisionConditions": {"tolerationSeconds": 0},
            "purgeMode": "Gracefully",
            "gracePeriodSeconds": 60,
            "statePreservation": {"rules": [{"aliasLabelName": "state", "jsonPath": "{.job}"}]},
        },
        "cluster": {
            "purgeMode": "Directly",
            "statePreservation": {"rules": [{"aliasLabelName": "state", "jsonPath": "{.job}"}]},
        },
    },
    "conflictResolution": "Overwrite",
    "activationPreference": "Lazy",
    "suspension": {"dispatching": False, "dispatchingOnClusters": {"clusterNames": ["berlin"]}},
    "preserveResourcesOnDeletion": True,
    "schedulePriority": {"priorityClassSource": "KubePriorityClass", "priorityClassName": "high"},
}
OVERRIDERS = {
    "imageOverrider": [
        {"component": "Registry", "operator": "replace", "value": "eu.example.com"},
        {
            "predicate": {"path": "/spec/template/spec/initContainers/0/image"},
            "component": "Tag",
            "operator": "replace",
            "value": "v2",
        },
    ],
    "commandOverrider": [{"containerName": "web", "operator": "add", "value": ["--x"]}],
    "argsOverrider": [{"containerName": "web", "operator": "remove", "value": ["--y"]}],
    "labelsOverrider": [{"operator": "add", "value": {"region": "eu"}}],
    "annotationsOverrider": [{"operator": "replace", "value": {"Example.com/note": "any text, really"}}],
    "fieldOverrider": [
        {
            "fieldPath": "/data/a.json",
            "json": [{"subPath": "/a~1b", "operator": "replace", "value": [1, {"x": None}]}],
        },
        {"fieldPath": "/data/a.yaml", "yaml": [{"subPath": "/a", "operator": "remove"}]},
    ],
    "plaintext": [
        {"path": "/spec/replicas", "operator": "replace", "value": 3},
        {"path": "/x", "operator": "remove"},
    ],
}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
METRIC = {"name": "queue", "selector": {"matchLabels": {"a": "b"}}}
SCALING = {
    "stabilizationWindowSeconds": 60,
    "selectPolicy": "Max",
    "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}],
    "tolerance": "0.1",
}
CERTIFICATE = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJKekNCenFBREFnRUNBZ0VCTUFvR0NDcUdTTTQ5QkFNQ01CSXhFREFP"
    "QmdOVkJBTU1CMlY0WVcxd2JHVXcKSUJjTk1qWXdNVEF4TURBd01EQXdXaGdQTWpFeU5qQXhNREV3TURBd01EQmFNQkl4RURB"
    "T0JnTlZCQU1NQjJWNApZVzF3YkdVd1dUQVRCZ2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DQUFSQlR0M0lNRlMvY0hkSnJw"
    "VmdPTFdkCmhzUXE1WXlSNnhMbE9nMnRNV2IzaWsxakFicjNlMHMwZEtIaXdBbGI3eUxJSUp1NCt3cDR5WGw5RUtpeHhyakQK"
    "b3hNd0VUQVBCZ05WSFJNQkFmOEVCVEFEQVFIL01Bb0dDQ3FHU000OUJBTUNBMGdBTUVVQ0lRQ2poWkl6M1lQZAp1RlQxZnVL"
    "ZEduNkJIbjB0c0hSSUtQM3FCT1NGVHVrbDBnSWdKcUZvWWE5VVJmdUxaVnJQK2NsUXBqSmxCRlA4Ck0zWWpmZWQzWm9jeXhR"
    "QT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
)
"""A certificate authority's, in PEM and base64: nobody has its key."""

WEBHOOK = {
    "name": "hook.example.com",
    "clientConfig": {
        "service": {"namespace": "tools", "name": "hook", "path": "/x", "port": 443},
        "caBundle": CERTIFICATE,
    },
    "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "kinds": ["Pod"]}],
    "timeoutSeconds": 10,
    "interpreterContextVersions": ["v1alpha1"],
}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def _document(group, version, kind, spec, *, namespace="shop", **more):
    metadata = {"name": "web", **({"namespace": namespace} if namespace else {})}
    body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": metadata, **more}
    # Through JSON, so that no two fields share a value.
    return json.loads(json.dumps(body if spec is None else {**body, "spec": spec}))


EXAMPLES = [
    _document("policy.karmada.io", "v1alpha1", "PropagationPolicy", PROPAGATION),
    _document("policy.karmada.io", "v1alpha1", "ClusterPropagationPolicy", PROPAGATION, namespace=""),
    _document(
        "policy.karmada.io",
        "v1alpha1",
        "OverridePolicy",
        {
            "resourceSelectors": [SELECTOR],
            "overrideRules": [{"targetCluster": AFFINITY, "overriders": OVERRIDERS}],
        },
    ),
    _document(
        "policy.karmada.io",
        "v1alpha1",
        "ClusterOverridePolicy",
        {"targetCluster": AFFINITY, "overriders": OVERRIDERS},
        namespace="",
    ),
    _document(
        "policy.karmada.io",
        "v1alpha1",
        "ClusterTaintPolicy",
        {
            "targetClusters": AFFINITY,
            "addOnConditions": [{"conditionType": "Ready", "operator": "NotIn", "statusValues": ["True"]}],
            "removeOnConditions": [{"conditionType": "Ready", "operator": "In", "statusValues": ["True"]}],
            "taints": [{"key": "dark", "effect": "NoSchedule", "value": "x"}],
        },
        namespace="",
    ),
    _document(
        "policy.karmada.io",
        "v1alpha1",
        "FederatedResourceQuota",
        {
            "overall": {
                "cpu": 10,
                "requests.memory": "10Gi",
                "count/jobs.batch": "5",
                "requests.nvidia.com/gpu": 2,
            },
            "staticAssignments": [{"clusterName": "berlin", "hard": {"cpu": "9500m"}}],
        },
        status={},
    ),
    _document(
        "cluster.karmada.io",
        "v1alpha1",
        "Cluster",
        {
            "id": "abc",
            "syncMode": "Pull",
            "apiEndpoint": "https://[fd00::1]:6443/k8s",
            "secretRef": {"namespace": "fleet-reconciler", "name": "web"},
            "impersonatorSecretRef": {"namespace": "fleet-reconciler", "name": "web"},
            "insecureSkipTLSVerification": False,
            "proxyURL": "socks5://proxy:1080",
            "proxyHeader": {"X-Site": "a"},
            "provider": "metal",
            "region": "eu",
            "zones": ["eu-1"],
            "taints": [
                {"key": "gpu", "value": "x", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"},
                {"key": "slow", "value": "x", "effect": "NoSchedule"},
            ],
            "resourceModels": [
                {"grade": 1, "ranges": [{"name": "cpu", "min": "1000m", "max": "2"}]},
                {"grade": 0, "ranges": [{"name": "cpu", "min": "500m", "max": 1}]},
            ],
        },
        namespace="",
        status={
            "kubernetesVersion": "v1.36.0",
            "apiEnablements": [{"groupVersion": "v1", "resources": [{"name": "pods", "kind": "Pod"}]}],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "ClusterReady",
                    "message": "fine",
                    "lastTransitionTime": "2026-01-01T00:00:00+01:00",
                }
            ],
            "nodeSummary": {"totalNum": 3, "readyNum": 3},
            "resourceSummary": {
                "allocatable": {"cpu": "12", "memory": "1e9"},
                "allocating": {"pods": 1},
                "allocated": {"cpu": "1"},
                "allocatableModelings": [{"grade": 0, "count": 3}],
            },
            "remedyActions": ["TrafficControl"],
        },
    ),
    _document(
        "config.karmada.io",
        "v1alpha1",
        "ResourceInterpreterCustomization",
        {
            "target": {"apiVersion": "apps/v1", "kind": "Deployment"},
            "customizations": {
                operation: {"luaScript": "function f() end"}
                for operation in (
                    "retention",
                    "replicaResource",
                    "componentResource",
                    "replicaRevision",
                    "statusReflection",
                    "statusAggregation",
                    "healthInterpretation",
                    "dependencyInterpretation",
                )
            },
        },
        namespace="",
    ),
    _document(
        "config.karmada.io",
        "v1alpha1",
        "ResourceInterpreterWebhookConfiguration",
        None,
        namespace="",
        webhooks=[WEBHOOK],
    ),
    _document(
        "apps.karmada.io",
        "v1alpha1",
        "WorkloadRebalancer",
        {"workloads": [{**TARGET, "namespace": "shop"}], "ttlSecondsAfterFinished": 60},
        namespace="",
    ),
    _document(
        "autoscaling.karmada.io",
        "v1alpha1",
        "FederatedHPA",
        {
            "scaleTargetRef": TARGET,
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                },
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": "cpu",
                        "container": "web",
                        "target": {"type": "AverageValue", "averageValue": "1"},
                    },
                },
                {
                    "type": "Pods",
                    "pods": {"metric": METRIC, "target": {"type": "AverageValue", "averageValue": 1}},
                },
                {
                    "type": "Object",
                    "object": {
                        "describedObject": TARGET,
                        "metric": METRIC,
                        "target": {"type": "Value", "value": "5"},
                    },
                },
            ],
            "behavior": {"scaleUp": SCALING, "scaleDown": SCALING},
        },
    ),
    _document(
        "autoscaling.karmada.io",
        "v1alpha1",
        "CronFederatedHPA",
        {
            "scaleTargetRef": {
                "apiVersion": "autoscaling.karmada.io/v1alpha1",
                "kind": "FederatedHPA",
                "name": "web",
            },
            "rules": [
                {
                    "name": "day",
                    "schedule": "0,30 6-18/2 */2 JAN-DEC MON",
                    "targetMinReplicas": 1,
                    "targetMaxReplicas": 4,
                    "suspend": True,
                    "timeZone": "Europe/Berlin",
                    "successfulHistoryLimit": 1,
                    "failedHistoryLimit": 0,
                }
            ],
        },
    ),
    _document(
        "networking.karmada.io",
        "v1alpha1",
        "MultiClusterService",
        {
            "types": ["CrossCluster"],
            "ports": [{"name": "http", "port": 80}],
            "providerClusters": [{"name": "berlin"}],
            "consumerClusters": [{"name": "paris"}],
        },
    ),
    _document(
        "networking.karmada.io",
        "v1alpha1",
        "MultiClusterIngress",
        {
            "ingressClassName": "nginx",
            "defaultBackend": {"resource": {"apiGroup": "x.io", "kind": "Bucket", "name": "x"}},
            "tls": [{"hosts": ["*.example.com"], "secretName": "cert"}],
            "rules": [
                {
                    "host": "shop.example.com",
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]},
                }
            ],
        },
    ),
    _document("multicluster.x-k8s.io", "v1alpha1", "ServiceExport", None),
    _document(
        "multicluster.x-k8s.io",
        "v1alpha1",
        "ServiceImport",
        {
            "type": "ClusterSetIP",
            "ports": [{"name": "http", "protocol": "TCP", "appProtocol": "http", "port": 80}],
            "ips": ["10.0.0.1"],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}},
        },
    ),
    _document(
        "remedy.karmada.io",
        "v1alpha1",
        "Remedy",
        {
            "clusterAffinity": {"clusterNames": ["berlin"]},
            "decisionMatches": [
                {
                    "clusterConditionMatch": {
                        "conditionType": "Ready",
                        "operator": "Equal",
                        "conditionStatus": "False",
                    }
                }
            ],
            "actions": ["TrafficControl"],
        },
        namespace="",
    ),
    _document(
        "fleet-reconciler",
        "v1alpha1",
        "Approval",
        {
            "objects": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}],
            "clusters": ["eu-*"],
            "expires": "2026-12-31T23:59:59.5Z",
            "reason": "moving house",
        },
        namespace="",
    ),
]
SETTINGS = {
    "apiVersion": "fleet-reconciler/v1alpha1",
    "kind": "FleetConfig",
    "metadata": {"name": "settings"},
    "spec": {
        "include": ["*"],
        "defaultNamespaces": [
            {"path": "/apps/shop/", "namespace": "shop"},
            {"path": "/", "namespace": "rest"},
        ],
        "skippedNamespaces": ["kube-.*", "(dev|test)-[a-z0-9]+"],
        "secrets": "warn",
        "secretRules": [{"path": "secrets/", "mode": "allow"}, {"name": "shop/*", "mode": "refuse"}],
        "scopes": [{"group": "example.com", "kind": "Widget", "namespaced": False}],
        "guards": {
            "maxDeletions": 5,
            "maxDeletionPercent": 10,
            "protectedKinds": ["Namespace", "Widget.example.com"],
        },
        "suspend": False,
        "suspendedClusters": ["edge-*"],
        "observeClusters": ["new-?"],
        "statusInterval": "1h30m",
        "independentScheduling": True,
    },
}
