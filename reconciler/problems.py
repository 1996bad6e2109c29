"""The catalogue of problem codes: permanent, never reused, one documentation page and one test case each.

R1 files, R2 policies and other fleet documents, R3 scheduling, R4 overrides and interpretation, R5 delivery,
R6 Git and status. A code says who must act through its hundred: R1-R4 the author, R5 the cluster's owner,
R6 the operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.errors import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One row: `title` names the mistake, `meaning` explains it on the code's page, `remedy` is the default help."""

    code: str
    title: str
    meaning: str
    remedy: str
    severity: Severity = Severity.ERROR


def _row(
    code: str, title: str, meaning: str, remedy: str, severity: Severity = Severity.ERROR
) -> tuple[str, Code]:
    return code, Code(code=code, title=title, meaning=meaning, remedy=remedy, severity=severity)


_FILES: Final = (
    # R1xx: rows are appended by number. R101-R129: reading a file (manifests, git.checkout).
    _row(
        "R101",
        "file is not UTF-8",
        "Kubernetes reads UTF-8. A file in another encoding cannot be read, so its objects stay at their last good state.",
        "save the file as UTF-8",
    ),
    _row(
        "R102",
        "character is not allowed in YAML",
        "NUL and most other control characters may not stand in a YAML file, not even inside quotes.",
        'remove the character, or write it as an escape (`"\\x00"`) inside double quotes',
    ),
    _row(
        "R103",
        "file is not YAML",
        "The file breaks YAML's syntax here. The parser cannot find the next document behind a broken one, so the whole "
        "file counts as unreadable and its objects stay at their last good state.",
        "correct the syntax at this place; `kubectl create --dry-run=client -f FILE` reads the same way",
    ),
    _row(
        "R104",
        "file is not JSON",
        "The file's name ends in .json and its content breaks JSON's syntax.",
        "correct the syntax at this place, or exclude the file in .reconcilerignore",
    ),
    _row(
        "R105",
        "file is too large",
        "Files above 3 MiB are not read: an API server takes requests of about 1.5 MiB.",
        "split the file, or exclude it in .reconcilerignore",
    ),
    _row(
        "R106",
        "nested too deep",
        "No Kubernetes object needs more than 200 levels of nesting; deeper input is refused to keep reading bounded.",
        "flatten the structure, or exclude the file in .reconcilerignore",
    ),
    _row(
        "R107",
        "duplicate key",
        'The same key stands twice in one mapping (after conversion to text, so that `1` and `"1"` are the same). Tools '
        "silently keep the last, API servers with strict validation refuse; so do we.",
        "remove one of the two",
    ),
    _row(
        "R108",
        "YAML tag is not allowed",
        "Kubernetes' YAML knows the core scalar tags (!!str !!int !!float !!bool !!null !!binary !!timestamp) and !!map and "
        "!!seq. Any other tag would be dropped silently by kubectl.",
        "remove the tag",
    ),
    _row(
        "R109",
        "value does not fit its tag",
        "An explicit tag says what the value is, and it is not that.",
        "correct the value, or remove the tag",
    ),
    _row(
        "R110",
        "number is not JSON",
        "Kubernetes objects are JSON, which has no NaN and no infinity.",
        "quote the value if a text is meant",
    ),
    _row(
        "R111",
        "key is not a string",
        "Keys become JSON strings. Null, lists, mappings and numbers above int64 cannot.",
        "quote the key",
    ),
    _row(
        "R112",
        "merge key is unclear",
        "`<<` merges a mapping, or a list of mappings. A key written above `<<` that the merge also sets is refused: YAML "
        "says the written one counts, kubectl takes the merged one.",
        "put `<<` first in its mapping; merge several with `<<: [*first, *second]`",
    ),
    _row(
        "R113",
        "aliases expand too far",
        "Aliases may multiply a document by ten at most and add 1 MiB at most (a 'billion laughs' file explodes), and an "
        "anchor may not contain itself.",
        "write the values out, or split the document",
    ),
    _row(
        "R114",
        "alias without an anchor",
        "`*name` refers to `&name`, which must stand before it in the same document.",
        "define the anchor first, or quote the value if a text is meant",
    ),
    _row(
        "R115",
        "list cannot be expanded",
        "A document whose kind ends in `List` stands for the objects in its `items`; here they are not a list of objects.",
        "make `items` a list of objects; write an empty list as `items: []`",
    ),
    _row(
        "R116",
        "Git LFS pointer",
        "The file is stored in Git LFS, so the commit holds a pointer and not the manifest.",
        "store manifests in Git itself (`git lfs untrack`), or exclude the file in .reconcilerignore",
    ),
    _row(
        "R117",
        "submodule",
        "A submodule's content is not in this repository's commits; nothing in it is read.",
        "copy the manifests into this repository, or exclude the path in .reconcilerignore",
    ),
    _row(
        "R118",
        "symbolic link leads out of the repository",
        "A symbolic link that leaves the repository, or leads nowhere, is never followed. What it stands for is unknown.",
        "replace the link by the file, or exclude it in .reconcilerignore",
    ),
    _row(
        "R119",
        "symbolic link is not followed",
        "The link's target is in the repository and is read where it is; reading it here again would define the same "
        "objects twice.",
        "nothing needs to be done; exclude the link in .reconcilerignore to silence this",
        Severity.WARNING,
    ),
    _row(
        "R120",
        "path is not allowed",
        "A name in the commit's tree is one that a file system or Git itself would misread (`..`, `.git` and its disguises, "
        "control characters, no UTF-8). Nothing under it is read.",
        "rename it",
    ),
    _row(
        "R121",
        "value means something else in other tools",
        "kubectl reads YAML 1.1 words (`yes`, `on`, `y`) and octal numbers (`0755`); tools with YAML 1.2 read text or "
        "another number. The value counts as kubectl reads it.",
        "quote the value if a text is meant, else write true, false or a decimal number",
        Severity.WARNING,
    ),
    _row(
        "R122",
        "file cannot be read",
        "The operating system refused to open the file, or it is no regular file.",
        "check the file's permissions, or exclude it in .reconcilerignore",
    ),
    _row(
        "R123",
        "tree is too large",
        "The commit's tree has more entries or more levels than any real repository; it may be built to exhaust its reader.",
        "split the repository, or limit what is read",
    ),
    _row(
        "R124",
        "file cannot be edited in place",
        "The change could not be made so that only the lines it concerns differ and the file reads as intended; nothing "
        "was written.",
        "make the change by hand",
    ),
    # R130-R159: what a document is, and what every object must have (fleet).
    _row(
        "R130",
        "Only one of apiVersion and kind",
        "A Kubernetes object needs both. A document with neither is taken for something else and skipped; one with a "
        "single of the two is most likely an object with a slip in it, so nothing of it is guessed.",
        "write both, or exclude the file in .reconcilerignore if it is no Kubernetes object",
    ),
    _row(
        "R131",
        "Nothing to read where an object was",
        "This path held an object when the fleet was rendered last, and now holds none that can be read. Its objects "
        "stay as they are: deleting is said by deleting the file or its documents, not by making them unrecognisable.",
        "restore the object, or delete the file",
    ),
    _row(
        "R132",
        "Another tool's configuration",
        "Only plain manifests and policies are read. What another tool would build from this file is not built here.",
        "commit the tool's output as manifests, and exclude this file in .reconcilerignore to silence the warning",
        Severity.WARNING,
    ),
    _row(
        "R133",
        "Unusable path pattern",
        "A line of .reconcilerignore, or a path pattern in reconciler.yaml, is no gitignore pattern. With it unknown which "
        "files count, nothing is deleted.",
        "correct the pattern (gitignore syntax)",
    ),
    _row(
        "R134",
        "Malformed apiVersion or kind",
        "`apiVersion` is `version` or `group/version`, the group a DNS name; `kind` is a word of letters and digits that "
        "begins with a capital letter.",
        "write them as the kind's documentation does",
    ),
    _row(
        "R135",
        "Malformed metadata",
        "`metadata` has a fixed shape: labels and annotations are texts by text, `name` and `namespace` are texts, and "
        "there are no fields that Kubernetes does not know.",
        "put numbers and true/false in labels and annotations into quotes, and correct misspelled fields",
    ),
    _row(
        "R136",
        "Object without a name",
        "Without `metadata.name` an object cannot be told from another.",
        "write metadata.name",
    ),
    _row(
        "R137",
        "generateName",
        "A generated name would be another one at every apply.",
        "write metadata.name in place of metadata.generateName",
    ),
    _row(
        "R138",
        "Invalid object name",
        "Kubernetes takes DNS names for most kinds: lower-case letters, digits, `-` and `.`, at most 253 characters. Names "
        "become paths of the render tree, so that nothing else is let through.",
        "choose a name that Kubernetes takes for this kind",
    ),
    _row(
        "R139",
        "Invalid namespace",
        "A namespace is a DNS label: lower-case letters, digits and `-`, at most 63 characters.",
        "write the name of a namespace",
    ),
    _row(
        "R140",
        "Invalid label or annotation",
        "Keys are `name` or `prefix/name`, the name at most 63 letters, digits, `-`, `_` and `.`; label values follow the "
        "same rule or are empty; all annotations of an object together hold at most 256 KiB.",
        "correct the key or the value",
    ),
    _row(
        "R141",
        "Namespace on a cluster-scoped object",
        "Objects of this kind live outside namespaces. The field is left out, as an API server does.",
        "remove metadata.namespace",
        Severity.WARNING,
    ),
    _row(
        "R142",
        "Unknown kind",
        "Nothing says whether objects of this kind live in a namespace: it is not built in, its CustomResourceDefinition is "
        "not in the repository, no cluster has reported it, and reconciler.yaml does not say.",
        "add its CustomResourceDefinition to the repository, or an entry to spec.scopes in reconciler.yaml",
    ),
    _row(
        "R143",
        "The same object twice",
        "Two documents describe one object. Neither is taken, and what is there stays.",
        "delete one of them, or rename it",
    ),
    _row(
        "R144",
        "Secret in plain text",
        "A Secret with data would be copied to every cluster's branch, readable for whoever reads the repository.",
        "commit a SealedSecret or an ExternalSecret in its place, or allow it by path or name with spec.secretRules in "
        "reconciler.yaml",
    ),
    _row(
        "R145",
        "Reserved label or annotation",
        "These keys are how the reconciler knows its own objects and their history. Written by people they would make "
        "objects look like somebody else's.",
        "remove the key",
    ),
    _row(
        "R146",
        "Built-in object of another shape",
        "A field of a kind that is Kubernetes' own has another type than Kubernetes gives it, so that every API server would "
        "refuse the object. In YAML, quotes make text.",
        "write a value of the expected type",
    ),
)

_POLICIES: Final = (
    # R2xx
    _row(
        "R201",
        "Unknown field",
        "The kind has no field of this name here. It is refused, because a misspelled field would otherwise do nothing, "
        "silently.",
        "correct the name or remove the field",
    ),
    _row(
        "R202",
        "Value of the wrong type",
        "The field takes another type of value. In YAML, quotes make text; a key without a value is null.",
        "write a value of the expected type",
    ),
    _row(
        "R203",
        "Missing field",
        "The kind cannot be read without this field.",
        "add the field",
    ),
    _row(
        "R204",
        "Value not allowed",
        "The value has the right type, and is outside what the field takes.",
        "write one of the allowed values",
    ),
    _row(
        "R205",
        "Unknown kind or version of an API group that is read here",
        "The groups of Karmada's policies and of our own settings are never templates; a kind or version in them that is not "
        "known is a misspelling, or newer than this program.",
        "correct apiVersion or kind",
    ),
    _row(
        "R206",
        "Kind not supported yet",
        "Objects of this kind are understood and not acted on yet. They are refused rather than ignored; what they govern "
        "stays as it is.",
        "remove the document until the kind is supported",
    ),
    _row(
        "R207",
        "Field not supported yet",
        "This field is understood and not acted on yet. The document is refused rather than half obeyed; what it governs "
        "stays as it is.",
        "remove the field until it is supported",
    ),
    _row(
        "R208",
        "Field without effect",
        "The field exists in Karmada's schema and changes nothing here, nor there with the default feature gates.",
        "remove the field",
        Severity.WARNING,
    ),
    _row(
        "R210",
        "clusterAffinity together with clusterAffinities",
        "One names a single set of clusters, the other ordered groups; with both it is unclear which counts.",
        "keep one of the two",
    ),
    _row(
        "R211",
        "Overflow groups with a division that has no overflow",
        "Overflow groups take what does not fit, so that they need a division that looks at free room: Divided with "
        "Aggregated, or with Weighted and dynamicWeight.",
        "set replicaScheduling to such a division, or remove overflowAffinities",
    ),
    _row(
        "R212",
        "Invalid cluster field selector",
        "A field selector knows the keys provider, region and zone, and the operators In and NotIn.",
        "use a label selector for anything else",
    ),
    _row(
        "R213",
        "Invalid label selector",
        "`In` and `NotIn` need values, `Exists` and `DoesNotExist` take none, and keys and values follow the rules of labels. "
        "Karmada takes such a selector and never matches anything with it.",
        "correct the selector",
    ),
    _row(
        "R214",
        "Invalid or repeated affinity name",
        "Names of cluster groups are what a binding remembers: each is a label key, and none occurs twice.",
        "give every group a name of its own",
    ),
    _row(
        "R215",
        "Overflow group without clusters",
        "An overflow group that selects by nothing would take every cluster.",
        "name its clusters by clusterNames, labelSelector or fieldSelector",
    ),
    _row(
        "R216",
        "spreadByField together with spreadByLabel",
        "A constraint counts one thing.",
        "write two constraints",
    ),
    _row(
        "R217",
        "Impossible numbers of groups",
        "minGroups and maxGroups are not negative, and maxGroups is not below minGroups.",
        "correct the numbers",
    ),
    _row(
        "R218",
        "Field spread over twice",
        "Two constraints on one field contradict each other.",
        "keep one of them",
    ),
    _row(
        "R219",
        "Spread without a constraint on clusters",
        "A spread over regions, zones or providers needs to know how many clusters to take in all.",
        "add a spread constraint with spreadByField: cluster",
    ),
    _row(
        "R220",
        "maxGroups selects nothing",
        "maxGroups has no default: left out or 0 it selects no cluster or region, and scheduling fails, as in Karmada.",
        "set maxGroups",
        Severity.WARNING,
    ),
    _row(
        "R221",
        "Spread that scheduling does not do",
        "Scheduling spreads over clusters and regions. Zones and providers only filter, and labels alone make scheduling fail.",
        "spread by cluster or region",
        Severity.WARNING,
    ),
    _row(
        "R222",
        "Invalid workload affinity",
        "Groups are formed by a label key, and affinity and anti-affinity cannot use the same one.",
        "correct groupByLabelKey",
    ),
    _row(
        "R223",
        "Invalid toleration",
        "Cluster tolerations know the operators Equal and Exists.",
        "use Equal, Exists, or leave the operator out",
    ),
    _row(
        "R224",
        "Division that contradicts itself",
        "Part of replicaScheduling has no effect beside the rest: weights count for Weighted alone, and a dynamic weight "
        "replaces the static list.",
        "remove what does not count",
        Severity.WARNING,
    ),
    _row(
        "R225",
        "Selector of another namespace",
        "A namespaced policy selects objects of its own namespace alone.",
        "remove the namespace, or use the Cluster- form of the policy",
    ),
    _row(
        "R226",
        "Preemption without a name",
        "A policy that may take objects from another names them one by one.",
        "give every resource selector a name, or set preemption to Never",
    ),
    _row(
        "R227",
        "Suspension of everything and of some",
        "Dispatching is suspended for every cluster, so that a list of clusters has no meaning beside it.",
        "keep one of the two",
    ),
    _row(
        "R228",
        "Application failover without dependencies",
        "A workload that moves to another cluster needs what it refers to there.",
        "set propagateDeps: true",
    ),
    _row(
        "R229",
        "Invalid failover",
        "Times are not negative, a grace period is positive and belongs to purgeMode Gracefully, and the label that hands "
        "over state has a valid name.",
        "correct the value",
    ),
    _row(
        "R230",
        "Cluster that is not in the fleet",
        "A policy names a cluster for which there is no Cluster document in the repository.",
        "correct the name, or add the Cluster",
        Severity.WARNING,
    ),
    _row(
        "R231",
        "Group or weight without a cluster",
        "The selector of a group, or of a fixed weight, matches no cluster that it could: nothing is placed by it. A list of "
        "weights of which none matches gives every cluster the same.",
        "correct the selector, or label the clusters that it is meant for",
        Severity.WARNING,
    ),
    _row(
        "R232",
        "Policy that never wins",
        "Whatever this policy selects, another one selects as well and comes first: it is in the object's own namespace, has "
        "the higher priority, selects more specifically, or has the smaller name. What this one claimed in the past stays with it.",
        "raise spec.priority, select something else, or delete the policy",
        Severity.WARNING,
    ),
    _row(
        "R233",
        "Spread that the fleet cannot meet",
        "A spread constraint asks for more clusters or regions than the policy's clusters have, or for a property that none "
        "of them has. Whatever the capacity, scheduling fails.",
        "lower minGroups, mean more clusters, or write the property into the Cluster files",
        Severity.WARNING,
    ),
    _row(
        "R234",
        "Resource that the models leave out",
        "Where nodes are counted by grade (spec.resourceModels; by default cpu and memory alone), a request for a resource that "
        "the grades do not name fits on no node, as in Karmada. Every cluster that this object may go to is such a cluster, so "
        "there will never be room for it.",
        "name the resource in spec.resourceModels of the clusters, or write resourceModels: [] there to estimate by sums",
        Severity.WARNING,
    ),
    _row(
        "R240",
        "Invalid cluster name",
        "A cluster's name becomes part of branch names and namespaces: a DNS label of at most 48 characters.",
        "shorten or correct the name",
    ),
    _row(
        "R241",
        "Invalid address",
        "Addresses of API servers and proxies are URLs with a host and nothing secret in them: no user, no query, no "
        "fragment.",
        "write the bare address; credentials belong into the cluster's Secret",
    ),
    _row(
        "R242",
        "TLS verification switched off",
        "A file in Git never decides to trust an unverified server: whoever can change the file could then read the "
        "cluster's credential.",
        "remove the field and put the server's certificate authority into the cluster's Secret",
    ),
    _row(
        "R243",
        "Invalid provider, region or zone",
        "They are compared as label values are: at most 63 letters, digits, `-`, `_` and `.`.",
        "correct the value",
    ),
    _row(
        "R244",
        "zone together with zones",
        "`zone` is the old form of `zones`; with both it is unclear which counts.",
        "keep zones",
    ),
    _row(
        "R245",
        "Invalid taint",
        "A taint has a label key, a label value and the effect NoSchedule or NoExecute, and no two of a cluster share key and "
        "effect.",
        "correct the taint",
    ),
    _row(
        "R246",
        "NoExecute taint evicts nothing",
        "A NoExecute taint keeps newcomers out, as NoSchedule does. What is there stays: eviction by taint is not supported yet, and "
        "in Karmada it is behind a gate that is off by default (Failover).",
        "write NoSchedule, or let the policies exclude the cluster that is to be left",
        Severity.WARNING,
    ),
    _row(
        "R247",
        "Invalid resource models",
        "Grades are numbered once each, name the same resources in the same order, begin at 0, follow one another without a "
        "gap and end without a limit.",
        "correct the ranges",
    ),
    _row(
        "R250",
        "Old and new form in one override policy",
        "`targetCluster` and `overriders` are the old form of a single rule; beside `overrideRules` they would be ignored.",
        "move them into overrideRules",
    ),
    _row(
        "R251",
        "Invalid label or annotation in an override",
        "What an override writes into an object must be a label or annotation that Kubernetes takes.",
        "correct the key or the value",
    ),
    _row(
        "R252",
        "Invalid path in an override",
        "Paths are JSON pointers: empty or beginning with `/`, with `~0` for `~` and `~1` for `/`.",
        "write the path as /spec/template/spec",
    ),
    _row(
        "R253",
        "Field overrider without exactly one format",
        "The text is JSON or YAML: one of `json` and `yaml` says which.",
        "keep one of the two",
    ),
    _row(
        "R254",
        "Value missing, or not wanted",
        "`add` and `replace` need a value, `remove` takes none.",
        "add or remove the value",
    ),
    _row(
        "R255",
        "Image override that changes nothing",
        "A Tag override sets what is a tag (v1.2) or a digest (sha256:…, without @); anything else leaves the image as it "
        "is, silently, as in Karmada.",
        "write a tag, or a digest without @",
        Severity.WARNING,
    ),
    _row(
        "R260",
        "Two customizations for one operation",
        "Two customizations give a script for the same operation of the same kind; which one counts would depend on their "
        "names.",
        "keep one script an operation",
    ),
    _row(
        "R261",
        "Invalid interpreter webhook",
        "Names are DNS names of at least two labels and occur once; each webhook has one address, https, and complete rules.",
        "correct the webhook",
    ),
    _row(
        "R262",
        "Invalid taint policy",
        "Taints have a label key, the effect NoSchedule, and no two share key and effect. Conditions are compared with In or "
        "NotIn.",
        "correct the policy",
    ),
    _row(
        "R263",
        "Invalid resource quota",
        "Resource names are Kubernetes' own or have a domain, amounts are not negative and whole for what is counted, and the "
        "parts of the clusters are within the whole.",
        "correct the quota",
    ),
    _row(
        "R264",
        "Invalid autoscaler",
        "Limits are positive and in order, the target is named, and each metric has exactly the source that its type says.",
        "correct the autoscaler",
    ),
    _row(
        "R265",
        "Invalid schedule",
        "A schedule is cron with five fields; the zone is one of the IANA database; the rule sets what its target has.",
        "correct the rule",
    ),
    _row(
        "R266",
        "Invalid multi-cluster service",
        "Exactly one type, ports with valid numbers and different names, and the name of a Service.",
        "correct the service",
    ),
    _row(
        "R267",
        "Invalid multi-cluster ingress",
        "As for a Kubernetes Ingress: hosts are DNS names, paths begin with `/`, and each backend is one Service or one "
        "object.",
        "correct the ingress",
    ),
    _row(
        "R270",
        "Settings in the wrong place",
        "The repository's settings are one FleetConfig, in reconciler.yaml at the root.",
        "move it there, and keep one",
    ),
    _row(
        "R271",
        "Invalid settings",
        "A rule of reconciler.yaml contradicts itself, or cannot be used as it is written.",
        "correct the rule",
    ),
    _row(
        "R272",
        "Regular expression beyond what is allowed",
        "Regular expressions in reconciler.yaml are kept to a form that cannot take long to match: letters, digits, `-`, `.`, "
        "brackets, alternatives, and at most three of `*`, `+`, `?`, none of them on a group.",
        "write it simpler, or as several expressions",
    ),
    _row(
        "R273",
        "Invalid approval",
        "An approval names objects as a plan does, and ends at a moment that exists.",
        "let `reconciler approve` write it",
    ),
)

_SCHEDULING: Final = (
    # R3xx
    _row(
        "R301",
        "no cluster fits",
        "Every cluster was refused by some filter, so the object runs nowhere. The evidence counts the refusals.",
        "widen spec.placement.clusterAffinity, tolerate the taint, or install the API that is missing",
    ),
    _row(
        "R302",
        "not enough capacity",
        "The clusters that fit cannot take all replicas. What was scheduled before stays as it is.",
        "lower the replicas or their requests, add clusters to the affinity, or add nodes",
    ),
    _row(
        "R303",
        "clusters cannot be selected",
        "The spread constraints cannot be met by the clusters that fit, or the replica scheduling is contradictory. "
        "What was scheduled before stays as it is.",
        "change spec.placement.spreadConstraints or spec.placement.replicaScheduling",
    ),
    _row(
        "R304",
        "no such scheduler",
        "The policy names a scheduler that this reconciler has no profile for, so nobody schedules the object.",
        "use default-scheduler, or install the plugin that provides the scheduler",
    ),
    _row(
        "R305",
        "a scheduler plugin fails",
        "A filter, a score or a scheduler of an installed package raised an error, or gave an answer that is none. The evidence names "
        "the package and what happened. Nothing is decided without the plugin: a new object is placed nowhere, what was scheduled before "
        "stays as it is, and nothing is deleted meanwhile.",
        "mend the plugin or install a version that works; or leave it out, if the fleet can do without: --plugins '*,-NAME'",
    ),
    _row(
        "R310",
        "an override policy is awaited",
        "The policy lists an override policy in spec.dependentOverrides that does not exist. Until it does, the policy is "
        "not applied: a new object is not propagated, a propagated one stays as it was.",
        "add the override policy, or take its name out of spec.dependentOverrides",
    ),
    _row(
        "R311",
        "the priority class is missing",
        "The policy's spec.schedulePriority names a PriorityClass that is not in the fleet. Until it is, the policy is not "
        "applied: a new object is not propagated, a propagated one stays as it was.",
        "add the scheduling.k8s.io/v1 PriorityClass, or take spec.schedulePriority out",
    ),
    # R320-R349: what no policy moves, and what a fault elsewhere holds.
    _row(
        "R312",
        "owners of a dependency disagree",
        "Several templates require the same object, and their policies say different things about conflicts or deletion. One "
        "Overwrite makes it Overwrite; one that preserves resources on deletion preserves it.",
        "give the policies of the owners the same conflictResolution and preserveResourcesOnDeletion",
        Severity.WARNING,
    ),
    _row(
        "R320",
        "no policy claims the object",
        "No PropagationPolicy of its namespace and no ClusterPropagationPolicy selects the object, so it goes to no cluster.",
        "add a selector for it to a policy, or delete the file",
        Severity.WARNING,
    ),
    _row(
        "R321",
        "the object's policy is gone",
        "The policy that had placed the object no longer selects it, or is deleted, and no other one claims it. As in "
        "Karmada, the object stays where it is, follows its file, and is not scheduled any more.",
        "claim it with another policy, or delete its file to take it out of the clusters",
        Severity.WARNING,
    ),
    _row(
        "R322",
        "the object is never propagated",
        "Some objects belong to one cluster or to the fleet itself: those in reserved or skipped namespaces, events, leases, "
        "requests to one API server, and the policy-side API groups. No policy moves them.",
        "delete the file, or move the object to a namespace that is not skipped",
        Severity.WARNING,
    ),
    _row(
        "R330",
        "the object is held",
        "A document that governs the object cannot be acted on: its own, its policy, an override, a cluster that it is on. "
        "Until that is mended the object stays exactly as it was; one that was nowhere stays nowhere.",
        "correct the document that the evidence names",
        Severity.WARNING,
    ),
    _row(
        "R331",
        "objects are kept although no file has them",
        "While a file cannot be read, nobody can tell what was moved into it from what was deleted. Objects that no file "
        "has any more are therefore kept until everything can be read again.",
        "correct the files that cannot be read",
        Severity.WARNING,
    ),
    _row(
        "R332",
        "everything is held",
        "The repository's own settings cannot be read, so which files count and what namespaces they mean is unknown. "
        "Nothing changes until they can.",
        "correct reconciler.yaml",
        Severity.WARNING,
    ),
    _row(
        "R333",
        "a cluster is held",
        "The Cluster document is refused, or is gone while a file cannot be read. Everything on the cluster stays as it was.",
        "correct the document that the evidence names",
        Severity.WARNING,
    ),
    _row(
        "R340",
        "the cluster has never reported",
        "Nothing is known of the cluster: neither an observation nor a status in its file. Nothing new is placed there until "
        "it reports for the first time.",
        "check the reconciler's credential for it, or its agent",
        Severity.WARNING,
    ),
)

_OVERRIDES: Final = (
    # R4xx: rows are appended by number. R401-R409: override policies; R410-R419: native interpretation; R420-R429: declared
    # interpretation; R430-R439: interpreter webhooks.
    _row(
        "R401",
        "override cannot be applied",
        "An overrider of this rule fails on the object: a path that does not exist, an image that breaks the grammar, a "
        "value of the wrong type. The object keeps what it had on the clusters named; other clusters and objects go on.",
        "correct the rule, or narrow its resourceSelectors and targetCluster to the objects and clusters it is meant for",
    ),
    _row(
        "R402",
        "override changes the object's identity",
        "apiVersion, kind, metadata.name and metadata.namespace say which object this is. An override that changes one of "
        "them would make a second object and leave the first behind, so the object keeps what it had on these clusters.",
        "write a second template under the other name, and give each its own policy",
    ),
    _row(
        "R403",
        "override changes nothing",
        "This item of an override rule had no effect on any object that the rule was applied to: there was nothing to "
        "replace or remove, or no container of that name. Karmada passes over it in silence.",
        "correct the key, the name or the path, or remove the item",
        Severity.WARNING,
    ),
    _row(
        "R410",
        "object cannot be interpreted",
        "A field that says how many replicas the object has, what they need or what they refer to has the wrong type. The "
        "object keeps what it had.",
        "correct the field: `kubectl apply --dry-run=server` says what the API expects",
    ),
    _row(
        "R420",
        "script is not Lua",
        "The script of this customization breaks the syntax of Lua 5.1 (with `goto`, as GopherLua reads it). The whole "
        "customization is refused, and objects of its kind stay as they are.",
        "correct the script at this line",
    ),
    _row(
        "R421",
        "script fails",
        "The script raised an error, used something that scripts do not have, or does not define its function. What was asked "
        "of it has no answer, and no other rule is asked instead: the object keeps what it had, or its health is unknown.",
        "correct the script; `reconciler interpret` runs it on a file",
    ),
    _row(
        "R422",
        "script exceeds its limits",
        "One call may take ten million instructions and 64 MiB of memory. These limits are the same on every machine, so the "
        "script fails everywhere for this object, which keeps what it had.",
        "look for a loop that does not end, or for text and tables that grow with every turn",
    ),
    _row(
        "R423",
        "script ran out of time",
        "The call did not end within a second of the clock, or the process that ran it was lost. That says nothing about the "
        "script on another day: the object keeps what it had, the answer is not remembered, and the next render tries again.",
        "if it happens again: look for patterns and sorts over long text, or give the reconciler more CPU",
    ),
    _row(
        "R424",
        "script returns something else",
        "What the script returned is not what its operation asks for: another type, a list with holes, a table with both "
        "numbers and names as keys, a table that is reached twice, or a reference that names no object.",
        "return what the operation asks for; `reconciler interpret` shows it",
    ),
    _row(
        "R430",
        "object waits for an interpreter webhook",
        "A ResourceInterpreterWebhookConfiguration says that this webhook answers for objects of this kind, and it has not been "
        "asked about the object as it is now. Only `reconciler run` asks, after the change is merged: never a check of a pull request and never "
        "a laptop. Until there is an answer the object stays as it was, or absent if it never was, and nothing is pruned.",
        "nothing: `run` asks after the merge; where it is said for long, R432 says why the webhook cannot be asked",
        Severity.WARNING,
    ),
    _row(
        "R431",
        "interpreter webhook gives no usable answer",
        "The webhook was asked and said that it failed, or its answer is not what Karmada's exchange asks for: another shape, another request's "
        "uid, a patch that does not fit the object or makes another object of it, more than 256 KiB. No other rule is asked instead: "
        "the object keeps what it had, or its health is unknown.",
        "correct the webhook; it is asked again after a minute, and when the object or the webhook's configuration changes",
    ),
    _row(
        "R432",
        "interpreter webhook cannot be asked",
        "No answer came back: no connection, a certificate that `caBundle` does not vouch for, no answer in time, a redirect (never followed), "
        "a status other than 200, or more than a mebibyte. It is tried again, with growing pauses. What was answered before still "
        "counts; objects that wait stay as they were.",
        "make the webhook reachable for the reconciler at the address in the evidence, over HTTPS with a certificate by `caBundle`",
    ),
    _row(
        "R433",
        "interpreter webhook is not asked here",
        "This process asks no interpreter webhook: `agent`, `apply` and `interpret` do only with `--ask-webhooks`. What the webhook would "
        "retain cannot be told, so existing objects of its kinds are not written; their health is unknown and their status is not collected.",
        "add --ask-webhooks where the webhook can be reached from here; or say the same in a ResourceInterpreterCustomization, "
        "which needs no network",
    ),
)

_DELIVERY: Final = (
    # R5xx: rows are appended by number. R501-R529: one object or one cluster's plan (plan, targets).
    _row(
        "R501",
        "object exists and is not ours",
        "An object of this name is in the cluster and does not carry our label, so somebody else made it (or took the label "
        "off). Nothing of it was touched, whatever its fields hold.",
        "set `conflictResolution: Overwrite` in the policy (or the annotation work.karmada.io/conflict-resolution: overwrite) "
        "to adopt it, or remove one of the two",
    ),
    _row(
        "R502",
        "server refuses the object",
        "The API server or an admission check of this cluster said no. Nothing of the object's namespace was written in this "
        "stage, so that no application is left half changed; other namespaces went on.",
        "correct what the server names; an override can make it differ on this cluster alone",
    ),
    _row(
        "R503",
        "field cannot be changed",
        "Kubernetes does not allow this field to change once the object exists.",
        'give the object another name, or annotate it fleet-reconciler/recreate: "true" to have it deleted and made anew',
    ),
    _row(
        "R504",
        "too many deletions",
        "The plan would delete more objects than may go at once without an approval: by default the larger of 10 and 20 % of "
        "what is ours. Nothing is deleted.",
        "put the objects back, or add an Approval that lists them (`reconciler approve` writes it from the plan)",
    ),
    _row(
        "R505",
        "deletion of a protected kind",
        "Removing a Namespace, a CustomResourceDefinition, a PersistentVolumeClaim or a Cluster takes more with it than "
        "itself. Nothing is deleted.",
        "put the objects back, or add an Approval that lists them (`reconciler approve` writes it from the plan)",
    ),
    _row(
        "R506",
        "objects are not deleted yet",
        "Objects that left the tree are still in the cluster. They are not forgotten: they go as soon as the reason is gone.",
        "read the reason beside each object",
        Severity.WARNING,
    ),
    _row(
        "R507",
        "kind cannot be listed",
        "The cluster does not say what it holds of this kind, mostly because an aggregated API has no server behind it. "
        "Nothing of it is deleted, because absence by error is not absence.",
        "repair or remove the APIService that discovery calls stale",
        Severity.WARNING,
    ),
    _row(
        "R508",
        "kind is not served",
        "The cluster has no such API, and no object of the same plan brings it.",
        "deliver the CustomResourceDefinition to this cluster too, or keep the object away from it",
    ),
    _row(
        "R509",
        "not allowed",
        "The credential of this cluster lacks the right (RBAC) to do this.",
        "grant the right to the identity that the message names",
    ),
    _row(
        "R510",
        "another field manager holds on",
        "The server reported a field conflict although the write was forced, or the object changed under our hands every time.",
        "find the other writer in `metadata.managedFields`",
    ),
    _row(
        "R511",
        "cluster does not answer",
        "No answer, or none in time. Its objects stay as they are; other clusters are not affected.",
        "check the cluster's API server and the network between",
    ),
    _row(
        "R512",
        "cluster throttles",
        "The API server asked us to come back later more often than the retry budget allows.",
        "raise the cluster's priority level for this identity, or lower the load",
        Severity.WARNING,
    ),
    _row(
        "R513",
        "object is not ready",
        "It did not become ready before the deadline. What it replaces was deleted nevertheless, as the deadline says.",
        "see the object's conditions in the cluster",
        Severity.WARNING,
    ),
    _row(
        "R514",
        "somebody else keeps writing",
        "An object was put back again and again: another writer changes the same fields. We now wait longer and longer before "
        "we put it back.",
        "find the other writer in `metadata.managedFields`, and take the field out of the manifest or retain it",
    ),
    _row(
        "R515",
        "another writer has moved on",
        "The record of what is applied in this cluster was changed by another writer since we read it, so this pass stopped "
        "before it wrote more.",
        "nothing, if it happens once at a change of leader; otherwise find the second reconciler",
    ),
    _row(
        "R516",
        "delivery is suspended",
        "Nothing is written while the fleet or the cluster is suspended.",
        "`reconciler resume`, or remove the suspension from reconciler.yaml",
        Severity.WARNING,
    ),
    # R530-R549: credentials of clusters (kube.credentials).
    _row(
        "R530",
        "no credential for the cluster",
        "The Secret that the Cluster names is not there, or holds none of the known forms.",
        "make the Secret with `kubeconfig` or `value`, or with `token`, `caBundle` and `server`",
    ),
    _row(
        "R531",
        "Secret outside the own namespace",
        "A Secret is read only in the reconciler's own namespace, or a fleet author could have any Secret of the hub used.",
        "move the Secret into the reconciler's namespace and name that namespace in spec.secretRef",
    ),
    _row(
        "R532",
        "Secret is not this cluster's",
        "The Secret does not carry the label fleet-reconciler/cluster with this cluster's name, so it may be another's.",
        "label the Secret fleet-reconciler/cluster=NAME",
    ),
    _row(
        "R533",
        "endpoint differs from the Secret's",
        "The Secret decides where its credential is sent. Git names another server or proxy; nothing was sent to either.",
        "make apiEndpoint, proxyURL and proxyHeader agree with the Secret, or leave them out",
    ),
    _row(
        "R534",
        "TLS verification switched off in Git",
        "insecureSkipTLSVerification in Git does not count: whoever can change the repository could then read the credential.",
        "remove insecureSkipTLSVerification and put the server's CA into the Secret",
    ),
    _row(
        "R535",
        "Secret's kubeconfig names a file",
        "File paths in a Secret would be read from the reconciler's own file system.",
        "put the content into the kubeconfig (`kubectl config view --raw --flatten`)",
    ),
    _row(
        "R536",
        "credential plugin is not allowed",
        "An exec plugin runs a program inside the reconciler. Only commands that the operator named may run.",
        "allow the command with --allow-exec, or use a token or a client certificate",
    ),
    _row(
        "R537",
        "credential cannot be read",
        "The Secret or kubeconfig is not in the form that its keys promise.",
        "make the Secret anew; `kubectl --kubeconfig FILE version` tries it",
    ),
    _row(
        "R538",
        "credential is not accepted",
        "The API server answered 401, also after the credential was read again. Nothing more is sent until it changes.",
        "renew the credential",
    ),
)

_GIT: Final = (
    # R6xx: rows are appended by number. R601-R619: machine branches and remotes (git).
    _row(
        "R601",
        "directory is too large for a host's pages",
        "A directory of the render tree has more than 2,500 entries. Git does not mind; hosts show only part of such a "
        "directory, and its changes are hard to review.",
        "spread the objects over more namespaces, or read the tree with git instead of the host's pages",
        Severity.WARNING,
    ),
    _row(
        "R602",
        "commit on a machine branch is not ours",
        "Machine branches are written by the reconciler alone. The newest commit of this one has another committer or lacks "
        "the trailers that ours carry, so nothing is written on top of it and nothing is delivered from it.",
        "move the commit elsewhere and reset the branch to the last commit of ours, or delete the branch",
    ),
    _row(
        "R603",
        "branch was not moved",
        "The remote refused to move the branch of one cluster. The render itself is pushed and push-mode delivery goes on; this "
        "cluster's agent, or the tool that takes the branch, stays at the commit before.",
        "read the server's words: a branch protection or a missing right is the usual reason",
    ),
    _row(
        "R604",
        "source commit is dated in the future",
        "The date of the newest source commit is more than ten minutes ahead of this machine's clock. The reconciler decides "
        "for its own time instead, so that approvals and other deadlines run as they should. The offline verbs, which decide from commits alone, take the "
        "commit's word until the reconciler has rendered it.",
        "set the clock of the machine that made the commit, and commit again; `--at` gives an offline verb another moment",
        Severity.WARNING,
    ),
)

CATALOGUE: Final[dict[str, Code]] = dict((*_FILES, *_POLICIES, *_SCHEDULING, *_OVERRIDES, *_DELIVERY, *_GIT))
