"""A commit becomes one value: what is accepted, what is held, what is incomplete, and why."""

import copy
import random

import pytest

from reconciler.errors import Location, Problem, Severity
from reconciler.fleet import assemble, check
from reconciler.fleet.assemble import settings_of
from reconciler.model.cluster import DeliveryMode
from reconciler.model.config import SecretsMode
from reconciler.model.identity import ObjectId
from tests.outside import outside_data
from tests.unit.fleet.sources import SETTINGS, cluster, codes, manifest, policy, source, source_of

WHOLE = {
    "reconciler.yaml": SETTINGS
    + "  defaultNamespaces:\n    - {path: apps/shop, namespace: shop}\n    - {path: apps, namespace: rest}\n"
    + "  suspendedClusters: [par*]\n  observeClusters: [rome]\n",
    "apps/shop/web.yaml": manifest("Deployment", "web", api="apps/v1", more="spec:\n  replicas: 3\n"),
    "apps/other/job.yaml": manifest("Job", "job", api="batch/v1"),
    "apps/shopping/job.yaml": manifest("Job", "job2", api="batch/v1"),
    "top.yaml": manifest("ConfigMap", "top"),
    "role.yaml": manifest("ClusterRole", "system:reader", api="rbac.authorization.k8s.io/v1"),
    "policies/web.yaml": policy("web")
    + "---\n"
    + policy("all", namespace="", kind="ClusterPropagationPolicy"),
    "clusters/all.yaml": "---\n".join(cluster(name) for name in ("rome", "paris", "berlin")),
    "widgets/crd.yaml": manifest(
        "CustomResourceDefinition",
        "widgets.example.com",
        api="apiextensions.k8s.io/v1",
        more="spec:\n  group: example.com\n  scope: Cluster\n  names:\n    kind: Widget\n    plural: widgets\n"
        "  versions:\n    - name: v1\n",
    ),
    "widgets/one.yaml": manifest("Widget", "one", api="example.com/v1"),
    "README.md": "# nothing",
    "values.yaml": "replicas: 3\n---\nother: thing\n",
}


def test_every_document_finds_its_role():
    fleet = assemble(source(WHOLE))
    assert fleet.problems == ()
    assert fleet.is_complete
    assert [str(template.id) for template in fleet.templates] == [
        "ConfigMap default/top",
        "CustomResourceDefinition.apiextensions.k8s.io widgets.example.com",
        "Deployment.apps shop/web",
        "Job.batch rest/job",
        "Job.batch rest/job2",
        "Widget.example.com one",
        "ClusterRole.rbac.authorization.k8s.io system:reader",
    ]
    assert [each.kind + "/" + each.name for each in fleet.propagation_policies] == [
        "ClusterPropagationPolicy/all",
        "PropagationPolicy/web",
    ]
    assert [each.name for each in fleet.clusters] == ["berlin", "paris", "rome"]
    assert [(each.path, each.reason) for each in fleet.skipped] == [
        ("values.yaml", "2 documents: neither apiVersion nor kind")
    ]
    assert fleet.namespaced_kinds["example.com", "Widget"] is False
    assert fleet.namespaced_kinds["apps", "Deployment"] is True
    assert fleet.namespaced_kinds["policy.karmada.io", "OverridePolicy"] is True


def test_the_namespace_of_the_longest_directory_is_written_into_the_body():
    fleet = assemble(source(WHOLE))
    web = fleet.template(ObjectId(group="apps", kind="Deployment", namespace="shop", name="web"))
    assert web.body["metadata"] == {"name": "web", "namespace": "shop"}
    assert web.origin.path == "apps/shop/web.yaml"


def test_settings_reach_the_clusters():
    by_name = {each.name: each for each in assemble(source(WHOLE)).clusters}
    assert [name for name, each in by_name.items() if each.suspended] == ["paris"]
    assert [name for name, each in by_name.items() if each.observe_only] == ["rome"]
    assert by_name["rome"].sync_mode is DeliveryMode.PUSH
    everywhere = {**WHOLE, "reconciler.yaml": SETTINGS + "  suspend: true\n"}
    assert all(each.suspended for each in assemble(source(everywhere)).clusters)


def test_the_order_of_files_changes_nothing():
    expected = assemble(source(WHOLE))
    names = list(WHOLE)
    for seed in range(5):
        random.Random(seed).shuffle(names)
        assert assemble(source({name: WHOLE[name] for name in names})) == expected


def test_a_memo_changes_nothing_and_is_used():
    memo: dict = {}
    plain = assemble(source(WHOLE))
    assert assemble(source(WHOLE), memo=memo) == plain
    assert assemble(source(WHOLE), memo=memo) == plain
    first = assemble(source(WHOLE), memo=memo).templates[0]
    assert assemble(source(WHOLE), memo=memo).templates[0] is first
    moved = {**WHOLE, "reconciler.yaml": SETTINGS + "  secrets: allow\n"}
    assert assemble(source(moved), memo=memo) == assemble(source(moved))


def test_a_memo_does_not_mix_two_files_with_the_same_bytes():
    files = {"a.yaml": manifest("ConfigMap", "one"), "b.yaml": manifest("ConfigMap", "one")}
    fleet = assemble(source(files), memo={})
    assert codes(fleet) == ["R143 b.yaml:4:3"]


def test_inputs_are_not_changed():
    given = source(WHOLE)
    before = copy.deepcopy(given)
    scopes = {("x", "Y"): True}
    assemble(given, observed_scopes=scopes)
    assert given == before
    assert scopes == {("x", "Y"): True}


def test_equal_digests_mean_equal_bodies():
    fleet = assemble(source({"a.yaml": manifest("ConfigMap", "x"), "b/b.yaml": manifest("ConfigMap", "z")}))
    same = assemble(source({"c.yaml": manifest("ConfigMap", "x", namespace="default")}))
    first, second = fleet.templates
    assert first.digest != second.digest
    assert same.templates[0].digest == first.digest
    assert first.body == same.templates[0].body


# ---- What is held


def test_an_unreadable_file_holds_itself_and_no_other_file():
    fleet = assemble(source({"bad.yaml": "a: [", "good.yaml": manifest("ConfigMap", "x")}))
    assert fleet.unreadable == ("bad.yaml",)
    assert [each.id.name for each in fleet.templates] == ["x"]
    assert not fleet.is_complete


def test_an_object_whose_identity_is_unknown_makes_its_file_unreadable():
    two = manifest("ConfigMap", "x") + "---\n" + manifest("ConfigMap", "../x")
    fleet = assemble(source({"two.yaml": two}))
    assert fleet.unreadable == ("two.yaml",)
    assert [each.id.name for each in fleet.templates] == ["x"]
    assert fleet.refused == ()


def test_a_refused_document_is_known_by_its_identity():
    fleet = assemble(source({"policy.yaml": policy("web", "  priority: high\n")}))
    assert [str(each.id) for each in fleet.refused] == ["PropagationPolicy.policy.karmada.io shop/web"]
    assert fleet.unreadable == ()
    assert not fleet.is_complete
    assert fleet.propagation_policies == ()


def test_both_of_two_equal_objects_are_held():
    files = {"a.yaml": manifest("ConfigMap", "x"), "b.yaml": manifest("ConfigMap", "x")}
    fleet = assemble(source(files))
    assert fleet.templates == ()
    assert [each.origin.path for each in fleet.refused] == ["a.yaml", "b.yaml"]


def test_a_kind_that_governs_nothing_leaves_the_fleet_complete():
    remedy = manifest("Remedy", "x", api="remedy.karmada.io/v1alpha1", more="spec: {}\n")
    fleet = assemble(source({"a.yaml": remedy}))
    assert codes(fleet) == ["R206 a.yaml:2:1"]
    assert fleet.is_complete
    quota = manifest(
        "FederatedResourceQuota", "x", api="policy.karmada.io/v1alpha1", more="spec: {overall: {}}\n"
    )
    fleet = assemble(source({"a.yaml": quota}))
    assert [each.id.kind for each in fleet.refused] == ["FederatedResourceQuota"]
    assert not fleet.is_complete


def test_settings_that_cannot_be_read_hold_everything_and_still_tell_every_problem():
    files = {
        "reconciler.yaml": SETTINGS + "  secret: allow\n",
        "web.yaml": manifest("ConfigMap", "x"),
        "policy.yaml": policy("web", "  priority: high\n"),
    }
    fleet = assemble(source(files))
    assert fleet.templates == ()
    assert fleet.refused == ()
    assert fleet.unreadable == ("policy.yaml", "reconciler.yaml", "web.yaml")
    assert codes(fleet) == ["R202 policy.yaml:10:3", "R201 reconciler.yaml:4:3"]


@pytest.mark.parametrize("text", ["a: [", "---\n", "\n", "a: b\n"])
def test_settings_that_say_nothing_hold_everything(text):
    fleet = assemble(source({"reconciler.yaml": text, "web.yaml": manifest("ConfigMap", "x")}))
    assert fleet.templates == ()
    assert fleet.unreadable == ("reconciler.yaml", "web.yaml")
    assert any(problem.severity is Severity.ERROR for problem in fleet.problems)


def test_settings_behind_a_problem_of_the_source_hold_everything():
    problem = Problem(code="R105", message="too large", location=Location(path="reconciler.yaml"))
    fleet = assemble(source({"web.yaml": manifest("ConfigMap", "x")}, problems=[problem]))
    assert fleet.templates == ()
    assert fleet.unreadable == ("reconciler.yaml", "web.yaml")


def test_a_misplaced_fleetconfig_is_refused_and_the_rest_goes_on_without_it():
    files = {"x/settings.yaml": SETTINGS + "  secrets: allow\n", "web.yaml": manifest("ConfigMap", "x")}
    fleet = assemble(source(files))
    assert fleet.config.secrets is SecretsMode.REFUSE
    assert [each.id.kind for each in fleet.refused] == ["FleetConfig"]
    assert [each.id.name for each in fleet.templates] == ["x"]


# ---- Scope


def test_scope_is_asked_of_built_ins_then_definitions_then_discovery_then_settings():
    widget = {"w.yaml": manifest("Widget", "one", api="example.com/v1", namespace="shop")}
    unknown = assemble(source(widget))
    assert codes(unknown) == ["R142 w.yaml:2:1"]
    assert unknown.unreadable == ("w.yaml",)

    observed = assemble(source(widget), observed_scopes={("example.com", "Widget"): True})
    assert observed.problems == ()
    assert observed.templates[0].id.namespace == "shop"

    configured = {
        "reconciler.yaml": SETTINGS
        + "  scopes:\n    - {group: example.com, kind: Widget, namespaced: false}\n"
    }
    by_settings = assemble(source(widget | configured))
    assert codes(by_settings) == ["R141 w.yaml:5:3"]
    assert by_settings.templates[0].id.namespace == ""
    assert "namespace" not in by_settings.templates[0].body["metadata"]

    both = assemble(source(widget | configured), observed_scopes={("example.com", "Widget"): True})
    assert both.templates[0].id.namespace == "shop"

    definition = {"crd.yaml": WHOLE["widgets/crd.yaml"]}
    all_three = assemble(
        source(widget | configured | definition), observed_scopes={("example.com", "Widget"): True}
    )
    assert [each.id.namespace for each in all_three.templates if each.id.kind == "Widget"] == [""]


def test_discovery_cannot_change_a_built_in_kind():
    fleet = assemble(
        source({"a.yaml": manifest("ConfigMap", "x")}), observed_scopes={("", "ConfigMap"): False}
    )
    assert fleet.templates[0].id.namespace == "default"


# ---- Secrets


def secret(name: str, more: str = "stringData: {a: b}\n") -> str:
    return manifest("Secret", name, namespace="shop", more=more)


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ("  secrets: refuse\n", "error"),
        ("  secrets: warn\n", "warning"),
        ("  secrets: allow\n", ""),
        ("  secretRules: [{path: secrets/, mode: allow}]\n", ""),
        ("  secretRules: [{path: /other/, mode: allow}]\n", "error"),
        ("  secretRules: [{name: shop/to*, mode: warn}]\n", "warning"),
        ("  secretRules: [{name: '*/token', mode: allow}]\n", ""),
        ("  secretRules: [{name: other/token, mode: allow}]\n", "error"),
        ("  secretRules: [{name: '*/*', mode: allow}, {path: '*.yaml', mode: refuse}]\n", "error"),
    ],
)
def test_a_plaintext_secret_goes_as_far_as_the_settings_let_it(settings, verdict):
    files = {"reconciler.yaml": SETTINGS + settings, "secrets/a.yaml": secret("token")}
    fleet = assemble(source(files))
    assert [problem.severity.value for problem in fleet.problems] == ([verdict] if verdict else [])
    assert (len(fleet.templates), len(fleet.refused)) == ((0, 1) if verdict == "error" else (1, 0))


@pytest.mark.parametrize("more", ["", "type: Opaque\n", "data: {}\n", "data:\nstringData: {}\n"])
def test_a_secret_without_data_is_no_secret(more):
    assert check(source({"a.yaml": secret("empty", more)})) == ()


def test_no_value_and_no_key_of_a_secret_is_ever_said():
    fleet = assemble(source({"a.yaml": secret("token", "stringData: {hunter2key: hunter2value}\n")}))
    assert fleet.problems
    assert "hunter2" not in "".join(map(str, fleet.problems))


# ---- Previous paths


def test_a_file_that_held_an_object_never_drops_out_silently():
    files = {
        "chart/Chart.yaml": "name: x\n",
        "chart/web.yaml": manifest("ConfigMap", "a"),
        "kustomization.yaml": "resources: []\n",
        "text.yaml": "just: text\n",
        "list.yaml": "- just\n- text\n",
        "empty.yaml": "",
        "fine.yaml": manifest("ConfigMap", "b"),
        "half.yaml": manifest("ConfigMap", "c") + "---\napiVersio: v1\nkin: ConfigMap\n",
    }
    before = frozenset({*files, "gone.yaml"}) - {"chart/Chart.yaml"}
    fleet = assemble(source(files), previous_paths=before)
    held = ["chart/web.yaml", "empty.yaml", "half.yaml", "kustomization.yaml", "list.yaml", "text.yaml"]
    assert [str(problem.location) for problem in fleet.problems if problem.code == "R131"] == held
    assert fleet.unreadable == tuple(held)
    assert [each.id.name for each in fleet.templates] == ["b", "c"]
    assert assemble(source(files)).is_complete


def test_what_is_excluded_in_words_may_go():
    files = {".reconcilerignore": "drafts/\n", "drafts/a.yaml": manifest("ConfigMap", "a")}
    fleet = assemble(source(files), previous_paths=frozenset({"drafts/a.yaml"}))
    assert fleet.problems == ()
    assert fleet.is_complete
    settings = {"reconciler.yaml": SETTINGS + "  include: [apps/]\n", "a.yaml": manifest("ConfigMap", "a")}
    assert assemble(source(settings), previous_paths=frozenset({"a.yaml"})).is_complete


def test_what_was_below_a_new_submodule_is_held():
    problem = Problem(code="R117", message="a submodule", location=Location(path="vendor"))
    fleet = assemble(source({}, problems=[problem]), previous_paths=frozenset({"vendor/a.yaml", "b.yaml"}))
    assert fleet.unreadable == ("vendor", "vendor/a.yaml")


# ---- Real input


def test_real_applications_load_with_nothing_but_their_plaintext_secrets():
    folder = outside_data("real-manifests")
    if folder is None:
        return
    counts = {}
    for application in sorted(folder.iterdir()):
        fleet = assemble(source_of(application))
        counts[application.name] = len(fleet.templates)
        assert {problem.code for problem in fleet.problems} <= {"R144"}, application.name
        assert {each.id.kind for each in fleet.refused} <= {"Secret"}
        assert fleet.unreadable == ()
        assert fleet.skipped == ()
    # 95 files with 131 objects, of which three are Secrets with data; Argo CD's Secret is empty.
    assert counts == {"argo-cd": 70, "kube-prometheus": 128, "online-boutique": 35}


def test_real_policies_load_without_a_problem():
    folder = outside_data("karmada-samples")
    if folder is None:
        return
    fleet = assemble(source_of(folder))
    assert fleet.problems == ()
    assert (len(fleet.propagation_policies), len(fleet.override_policies)) == (3, 2)


def test_a_memo_holds_one_commit_and_forgets_the_rest():
    memo: dict = {}
    for number in range(20):
        files = {**WHOLE, "top.yaml": manifest("ConfigMap", f"top-{number}")}
        assemble(source(files), memo=memo)
    size = len(memo)
    assemble(source({**WHOLE, "top.yaml": manifest("ConfigMap", "top-20")}), memo=memo)
    assert len(memo) == size


def test_the_same_files_in_another_commit_are_the_same_fleet_at_another_time():
    memo: dict = {}
    first = assemble(source(WHOLE, commit="a"), memo=memo)
    second = assemble(source(WHOLE, commit="b"), memo=memo)
    assert (first.commit, second.commit) == ("a", "b")
    assert second.templates is first.templates
    changed = assemble(source(WHOLE, commit="b"), memo=memo, previous_paths=frozenset({"values.yaml"}))
    assert [problem.code for problem in changed.problems] == ["R131"]


def test_settings_are_given_by_themselves_only_where_they_can_be_relied_on():
    def stated(text):
        return settings_of(source({"reconciler.yaml": text}).files[0])

    assert stated(SETTINGS + "  secrets: allow\n").secrets is SecretsMode.ALLOW
    assert stated(SETTINGS + "  secret: allow\n") is None
    assert stated(SETTINGS + "  guards: {maxDeletions: ten}\n") is None
    assert stated("a: [") is None
    assert stated("") is None
