"""A workload in a few words: ready replicas, states by cluster, where and why it is not as it should be."""

from reconciler.status.rows import (
    applied_text,
    item_state,
    ready_text,
    replicas_text,
    row_on,
    state_text,
    trouble_text,
)


def item(name, **more):
    values = {"clusterName": name, "applied": True, "health": "Healthy", "readiness": "Current"}
    return values | more


def row(*items, **more):
    clusters = [{"name": each["clusterName"], "replicas": 2} for each in items]
    return {"clusters": clusters, "aggregatedStatus": list(items), **more}


def test_ready_replicas_are_told_of_kinds_that_have_them():
    two = (item("a"), item("b"))
    assert ready_text(row(*two, status={"replicas": 4, "readyReplicas": 3})) == "3/4"
    assert ready_text(row(*two, status={"replicas": 4})) == "0/4"
    assert ready_text(row(*two, status={"desiredNumberScheduled": 6, "numberReady": 5})) == "5/6"
    assert ready_text(row(*two, status={"succeeded": 1})) == ""
    assert ready_text(row(*two)) == ""


def test_where_an_override_sets_the_replicas_it_says_how_many_are_wanted():
    """Two and one by an override: three ready ones are all of them."""
    both = row(item("a"), item("b"), status={"replicas": 3, "readyReplicas": 3})
    both["clusters"][1]["delivered"] = 1
    assert ready_text(both) == "3/3"
    assert [replicas_text(each) for each in (*both["clusters"], {"name": "c"})] == ["2", "1*", ""]


def test_states_are_one_word_where_all_clusters_agree_and_a_list_where_they_differ():
    done, failed = {"status": {"phase": "Completed"}}, {"status": {"phase": "Failed"}}
    assert state_text(row(item("a", **done), item("b", **done))) == "Completed"
    assert state_text(row(item("a", **done), item("b", **failed))) == "Completed: a; Failed: b"
    assert state_text(row(item("a", **done), item("b"))) == "Completed: a"
    assert state_text(row(item("a"))) == ""


def test_a_state_is_a_phase_or_a_state_or_a_standard_condition():
    assert item_state({"status": {"phase": "Running", "state": "x"}}) == "Running"
    assert item_state({"status": {"state": "Active"}}) == "Active"
    assert item_state({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}) == "Ready=False"
    assert item_state({"status": {"conditions": "hostile"}}) == ""
    assert item_state({"status": [1]}) == ""


def test_trouble_names_clusters_with_the_same_words_together():
    slow = {"readiness": "InProgress", "message": "0 of 2 replicas are available"}
    refused = {"applied": False, "readiness": "NotFound", "appliedMessage": "forbidden"}
    text = trouble_text(row(item("a", **slow), item("b", **refused), item("c", **slow), item("d")))
    assert text == "a, c: 0 of 2 replicas are available; b: forbidden"


def test_trouble_of_a_silent_cluster_and_of_no_cluster():
    silent = {"clusters": [{"name": "a"}], "aggregatedStatus": []}
    assert trouble_text(silent) == "a: Unknown"
    unplaced = {"type": "Scheduled", "status": "False", "message": "0/3 clusters are available"}
    assert trouble_text({"clusters": [], "conditions": [unplaced]}) == "0/3 clusters are available"
    assert trouble_text({"clusters": []}) == "placed on no cluster"


def test_an_unhealthy_object_that_is_current_is_in_trouble_for_its_health():
    assert trouble_text(row(item("a", health="Unhealthy"))) == "a: Unhealthy"


def test_applied_counts_the_clusters_that_hold_what_is_rendered_now():
    items = (item("a", appliedCommit="1"), item("b", appliedCommit="0"), item("c", applied=False))
    assert applied_text(row(*items, rendered={"commit": "1"})) == "1/3"


def test_a_workload_on_some_clusters_is_judged_by_those_alone():
    whole = row(item("a"), item("b", health="Unhealthy", readiness="Failed"), health="Unhealthy", status={})
    part = row_on(whole, frozenset({"a"}))
    assert (part["health"], part["readiness"]) == ("Healthy", "Current")
    assert [each["name"] for each in part["clusters"]] == ["a"]
    assert "status" not in part
    silent = row_on({**whole, "aggregatedStatus": []}, frozenset({"a"}))
    assert (silent["health"], silent["readiness"]) == ("Unknown", "Unknown")
