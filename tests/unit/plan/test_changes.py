"""The plan: from a tree and what was found to what must be done."""

from datetime import UTC, datetime

from reconciler.model.identity import ObjectId, id_of_body
from reconciler.model.marks import CONTENT, DRIFT, PART_OF, RECREATE
from reconciler.model.plan import (
    Action,
    AppliedCommit,
    Desired,
    DesiredObject,
    Live,
    Parent,
    Refusal,
    Trial,
)
from reconciler.plan.changes import Rules, changes, drift
from reconciler.plan.inventory import live_object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(now=NOW)
MANAGER = "fleet-reconciler"


def a_body(
    name="a", kind="ConfigMap", api_version="v1", namespace="shop", *, ours=True, fields=None, **content
):
    metadata = {"name": name, "namespace": namespace, "uid": f"u-{name}", "resourceVersion": "1"}
    if ours:
        metadata["labels"] = {PART_OF: "set"}
        metadata["managedFields"] = [
            {"manager": MANAGER, "operation": "Apply", "time": "t", "fieldsV1": fields or {"f:data": {}}}
        ]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def live(body):
    return live_object(body, part_of="set", manager=MANAGER)


def a_trial(before, after, **fields):
    return Trial(payload=after, before=None if before is None else live(before), after=after, **fields)


def planned(*trials: Trial, desired=(), rules=RULES, inventory=(), parent=None, stood=(), **fields):
    ids = [id_of_body(trial.payload) for trial in trials]
    objects = {id_: DesiredObject(id=id_, digest="d") for id_ in (*ids, *desired)}
    found = Live(
        cluster="c",
        trials=dict(zip(ids, trials, strict=True)),
        known=frozenset(desired),
        stood=frozenset(stood),
        inventory={object_.id: object_ for object_ in inventory},
        parent=parent or Parent(),
    )
    return changes(Desired(cluster="c", commit="x", objects=objects, **fields), found, rules)


def test_what_is_not_there_is_created():
    (change,) = planned(a_trial(None, a_body(data={"k": "v"}))).changes
    assert (change.action, change.reason, change.digest) == (Action.CREATE, "is not in the cluster", "d")


def test_what_the_server_would_change_is_configured_and_the_places_are_named():
    (change,) = planned(a_trial(a_body(data={"k": "1", "l": "x"}), a_body(data={"k": "2", "m": "x"}))).changes
    assert (change.action, change.reason) == (Action.CONFIGURE, "differs in data.k, data.l, data.m")


def test_status_and_versions_are_no_drift():
    before = a_body(status={"x": 1})
    after = a_body(status={"x": 2})
    after["metadata"] |= {"resourceVersion": "9", "generation": 4}
    assert planned(a_trial(before, after)).is_empty


def test_labels_annotations_and_types_are_drift():
    assert drift({"metadata": {"labels": {"a": "1"}}}, {"metadata": {"labels": {"a": "2"}}}, MANAGER) == (
        "metadata.labels.a",
    )
    assert drift({"metadata": {}}, {"metadata": {"annotations": {"a": "2"}}}, MANAGER) == (
        "metadata.annotations",
    )
    assert drift({"spec": {"x": 1}}, {"spec": {"x": True}}, MANAGER) == ("spec.x",)
    assert drift({"spec": {"x": [1, {"y": 2}]}}, {"spec": {"x": [1, {"y": 3}]}}, MANAGER) == ("spec.x[1].y",)
    assert drift({"metadata": {"labels": {}}}, {"metadata": {}}, MANAGER) == ()


def test_ownership_that_would_change_is_drift_although_no_value_does():
    before, after = a_body(fields={"f:data": {"f:k": {}}}), a_body(fields={"f:data": {}})
    assert drift(before, after, MANAGER) == ("metadata.managedFields",)
    before["metadata"]["managedFields"][0] |= {"fieldsV1": {"f:data": {}}, "time": "later"}
    assert drift(before, after, MANAGER) == ()


def test_an_unlabelled_object_is_a_conflict_whatever_its_values():
    plan = planned(a_trial(a_body(ours=False), a_body()))
    (change,) = plan.changes
    assert change.action is Action.SKIP
    assert change.refusal.code == "R501"
    assert [problem.code for problem in plan.problems] == ["R501"]


def test_overwrite_adopts_in_any_letter_case_and_abort_does_not():
    for word, action in (
        ("overwrite", Action.CONFIGURE),
        ("Overwrite", Action.CONFIGURE),
        ("abort", Action.SKIP),
    ):
        after = a_body()
        after["metadata"]["annotations"] = {"work.karmada.io/conflict-resolution": word}
        (change,) = planned(a_trial(a_body(ours=False), after)).changes
        assert change.action is action


def test_a_conflict_comes_before_the_servers_refusal():
    refusal = Refusal(code="R502", message="no")
    (change,) = planned(a_trial(a_body(ours=False), a_body(), refusal=refusal)).changes
    assert change.refusal.code == "R501"


def test_a_deferred_object_is_planned_and_said():
    (change,) = planned(Trial(payload=a_body(), deferred="is tried once Namespace shop is there")).changes
    assert (change.action, change.deferred) == (Action.CREATE, True)
    assert change.reason == "is tried once Namespace shop is there"


def test_an_immutable_field_is_refused_unless_the_object_may_be_made_anew():
    refusal = Refusal(code="R503", message="m", fields=("spec.selector",))
    assert planned(a_trial(a_body(), a_body(), refusal=refusal)).changes[0].action is Action.SKIP
    asking = a_body()
    asking["metadata"]["annotations"] = {RECREATE: "true"}
    (change,) = planned(a_trial(a_body(), asking, refusal=refusal)).changes
    assert (change.action, change.recreate) == (Action.CONFIGURE, True)
    assert "spec.selector" in change.reason


def test_what_asks_to_be_left_is_left_until_something_else_is_desired():
    asking, touched = a_body(data={"k": "v"}), a_body(data={"k": "by hand"})
    asking["metadata"]["annotations"] = {DRIFT: "ignore", CONTENT: "one"}
    touched["metadata"]["annotations"] = {DRIFT: "ignore", CONTENT: "one"}
    (change,) = planned(a_trial(touched, asking)).changes
    assert change.action is Action.UNCHANGED
    refusal = Refusal(code="R503", message="m")
    assert planned(a_trial(touched, asking, refusal=refusal)).changes[0].action is Action.UNCHANGED

    asking["metadata"]["annotations"][CONTENT] = "two"
    (change,) = planned(a_trial(touched, asking)).changes
    assert change.action is Action.CONFIGURE
    assert "data.k" in change.reason
    (change,) = planned(a_trial(None, asking)).changes
    assert change.action is Action.CREATE
    touched["metadata"]["annotations"] = {}
    asking["metadata"]["annotations"] = {CONTENT: "two"}
    assert planned(a_trial(touched, asking)).changes[0].action is Action.CONFIGURE


def test_making_a_protected_object_anew_needs_an_approval():
    claim = a_body("data", "PersistentVolumeClaim")
    claim["metadata"]["annotations"] = {RECREATE: "true"}
    plan = planned(a_trial(claim, claim, refusal=Refusal(code="R503", message="m")))
    assert [guard.name for guard in plan.guards] == ["protected-kind"]
    assert plan.is_empty


def test_a_refused_object_holds_its_namespace_in_its_stage_only():
    bad = a_trial(None, a_body("bad"), refusal=Refusal(code="R502", message="no"))
    beside, elsewhere = a_trial(None, a_body("beside")), a_trial(None, a_body("elsewhere", namespace="other"))
    plan = planned(bad, beside, elsewhere)
    assert {change.id.name: change.action.value for change in plan.changes} == {
        "bad": "skip",
        "beside": "skip",
        "elsewhere": "create",
    }
    assert (
        next(c.reason for c in plan.changes if c.id.name == "beside")
        == "held: ConfigMap shop/bad was refused"
    )


def test_what_only_drifted_is_put_back_beside_a_refused_object():
    refused = a_trial(None, a_body("bad"), refusal=Refusal(code="R502", message="no"))
    drifted, newly = (a_trial(a_body(name, data={"k": "x"}), a_body(name, data={"k": "y"})) for name in "ab")
    unknown = a_trial(None, a_body("c"), deferred="is tried later")
    plan = planned(refused, drifted, newly, unknown, stood={id_of_body(a_body(name)) for name in "ac"})
    actions = {change.id.name: change.action for change in plan.changes}
    assert actions == {"bad": Action.SKIP, "a": Action.CONFIGURE, "b": Action.SKIP, "c": Action.SKIP}


def test_a_conflict_holds_nothing_but_itself():
    plan = planned(a_trial(a_body("theirs", ours=False), a_body("theirs")), a_trial(None, a_body("beside")))
    assert {change.id.name: change.action.value for change in plan.changes} == {
        "theirs": "skip",
        "beside": "create",
    }


def test_a_refused_namespace_holds_what_is_in_it_and_a_refused_crd_its_resources():
    refusal = Refusal(code="R502", message="no")
    space = a_body("shop", "Namespace", namespace="")
    crd = a_body("widgets.example.com", "CustomResourceDefinition", "apiextensions.k8s.io/v1", "")
    widget = a_body("one", "Widget", "example.com/v1", "other")
    plan = planned(
        a_trial(None, space, refusal=refusal),
        a_trial(None, crd, refusal=refusal),
        Trial(payload=a_body("a"), deferred="later"),
        Trial(payload=widget, deferred="later"),
        a_trial(None, a_body("b", namespace="other")),
    )
    assert {change.id.name for change in plan.changes if change.action is Action.CREATE} == {"b"}


def test_nothing_is_deleted_in_a_namespace_with_a_refused_object_nor_cluster_scoped():
    bad = a_trial(None, a_body("bad"), refusal=Refusal(code="R502", message="no"))
    mine = [
        live(a_body("here")),
        live(a_body("there", namespace="other")),
        live(a_body("scoped", "PriorityClass", "scheduling.k8s.io/v1", "")),
    ]
    plan = planned(bad, inventory=mine)
    assert {change.id.name: change.action.value for change in plan.deletions} == {
        "here": "skip",
        "there": "delete",
        "scoped": "skip",
    }
    assert not plan.prunes


def test_known_objects_are_counted_and_not_listed():
    other = ObjectId(group="", kind="Secret", namespace="shop", name="s")
    plan = planned(a_trial(None, a_body()), desired=(other,))
    assert plan.unchanged == 1
    assert [change.id.name for change in plan.changes] == ["a"]


def test_a_suspended_object_is_skipped_even_when_it_is_known():
    id_ = ObjectId(group="", kind="Secret", namespace="shop", name="s")
    plan = planned(desired=(id_,), suspended=frozenset({id_}))
    assert [(change.id, change.action) for change in plan.changes] == [(id_, Action.SKIP)]


def test_the_record_needs_no_write_when_the_commit_moved_but_the_tree_did_not():
    id_ = ObjectId(group="", kind="ConfigMap", namespace="shop", name="a")
    stands = Parent(
        resource_version="1",
        commits=(AppliedCommit(commit="older", started=NOW),),
        tree="t",
        kinds=("ConfigMap",),
        namespaces=("shop",),
    )
    assert planned(desired=(id_,), parent=stands, tree="t").parent_stands
    assert not planned(desired=(id_,), parent=stands, tree="other").parent_stands
    assert not planned(desired=(id_,), parent=stands).parent_stands


def test_looking_at_a_few_objects_plans_no_deletion_and_no_record():
    ids = {id_of_body(a_body("a")): DesiredObject(id=id_of_body(a_body("a")), digest="d")}
    mine = live(a_body("left"))
    stands = Parent(resource_version="1", commits=(AppliedCommit(commit="old", started=NOW),))
    found = Live(
        cluster="c",
        trials={id_of_body(a_body("a")): a_trial(a_body("a", data={}), a_body("a", data={"k": "v"}))},
        inventory={mine.id: mine},
        parent=stands,
        partial=True,
    )
    plan = changes(Desired(cluster="c", commit="x", objects=ids), found, RULES)
    assert [change.action for change in plan.changes] == [Action.CONFIGURE]
    assert plan.deletions == ()
    assert plan.parent_stands
    assert plan.parent == plan.parent_done == stands


def test_unreadable_kinds_keep_the_record_open():
    parent = Parent(
        resource_version="1", commits=(AppliedCommit(commit="old", started=NOW),), kinds=("Thing.x",)
    )
    found = Live(cluster="c", unreadable=frozenset({"Thing.x"}), parent=parent)
    plan = changes(Desired(cluster="c", commit="x"), found, RULES)
    assert not plan.prunes
    assert [row.commit for row in plan.parent.commits] == ["old", "x"]
    assert [problem.code for problem in plan.problems] == ["R507"]


def test_an_object_that_is_being_deleted_is_waited_for():
    before = a_body()
    before["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    (change,) = planned(Trial(payload=a_body(), before=live(before))).changes
    assert (change.action, change.reason) == (Action.SKIP, "waits: the object is being deleted")


def test_no_problem_and_no_reason_ever_quotes_a_value():
    secret = a_body("s", "Secret", data={"password": "b2xk"})
    newer = a_body("s", "Secret", data={"password": "aHVudGVyMg=="})
    plan = planned(
        a_trial(secret, newer),
        a_trial(
            a_body("t", "Secret", ours=False, data={"k": "aHVudGVyMg=="}),
            newer | {"metadata": a_body("t")["metadata"]},
        ),
    )
    said = " ".join(change.reason for change in plan.changes) + " ".join(map(str, plan.problems)) + repr(plan)
    assert "aHVudGVyMg" not in said
    assert "b2xk" not in said
