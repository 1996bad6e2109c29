"""Pull delivery on real parts: the agent of one member, beside push delivery to the others."""

from pathlib import Path

import yaml

from tests.controlplane.polling import eventually
from tests.e2e.program import Program, cluster_file, config_map, everywhere, merged_kubeconfig, namespace
from tests.e2e.test_loop import told


def fleet(planes, modes):
    return {
        **{f"clusters/{p.name}.yaml": cluster_file(p.name, modes[p.name]) for p in planes},
        "policies/all.yaml": everywhere("all", ("v1", "ConfigMap"), ("apps/v1", "Deployment")),
        "apps/ns.yaml": namespace("shop"),
        "apps/one.yaml": config_map("one", "shop", greeting="hello"),
    }


def run_arguments(repository, tmp_path, kubeconfig):
    return (
        "run",
        f"--url={repository.url}",
        f"--data-dir={tmp_path / 'data'}",
        f"--kubeconfig={kubeconfig}",
        "--poll-interval=1",
    )


def agent_arguments(repository, plane, tmp_path, kubeconfig):
    return (
        "agent",
        f"--cluster={plane.name}",
        f"--url={repository.url}",
        f"--data-dir={tmp_path / ('agent-' + plane.name)}",
        f"--kubeconfig={kubeconfig}",
        "--poll-interval=1",
    )


def has_map(plane, name):
    return plane.find("configmap", name, "shop") is not None


def test_the_agent_applies_its_branch_reports_and_heals_while_the_remote_is_away(
    clean_clusters, git_repository, git_clone, tmp_path: Path
):
    one, two, three = clean_clusters
    repository = git_repository("fleet")
    author = git_clone(repository.url)
    modes = {one.name: "Push", two.name: "Push", three.name: "Pull"}
    first = author.commit_and_push("first", fleet(clean_clusters, modes))
    kubeconfig = merged_kubeconfig(clean_clusters, tmp_path / "kubeconfig")
    with (
        Program(tmp_path, *run_arguments(repository, tmp_path, kubeconfig)) as program,
        Program(tmp_path, *agent_arguments(repository, three, tmp_path, kubeconfig)) as agent,
    ):
        try:
            eventually("told", lambda: told(repository, first, clean_clusters), within=60)
            assert all(has_map(plane, "one") for plane in clean_clusters)
            summary = yaml.safe_load(repository.read("reconciler/status", "summary.yaml"))
            assert {row["name"]: row["mode"] for row in summary["clusters"]} == modes

            away = Path(repository.path).with_suffix(".away")
            Path(repository.path).rename(away)
            three.kubectl("delete", "configmap", "one", "-n", "shop")
            three.kubectl("delete", "configmap", "one", "-n", "shop", "--ignore-not-found")
            eventually("put back without the remote", lambda: has_map(three, "one"))
            away.rename(repository.path)

            mark = {plane.name: plane.audit_mark() for plane in clean_clusters}
            modes[three.name] = "Push"
            flipped = author.commit_and_push(
                "flip", {f"clusters/{three.name}.yaml": cluster_file(three.name, "Push")}
            )
            agent.stop()
            eventually("told after the flip", lambda: told(repository, flipped, clean_clusters), within=60)
            # Not delivered to alone: looked after, by push now.
            three.kubectl("delete", "configmap", "one", "-n", "shop")
            eventually("put back by push", lambda: has_map(three, "one"))
            back = author.commit_and_push(
                "back", {f"clusters/{three.name}.yaml": cluster_file(three.name, "Pull")}
            )
            with Program(tmp_path, *agent_arguments(repository, three, tmp_path, kubeconfig)):
                eventually(
                    "told after flipping back", lambda: told(repository, back, clean_clusters), within=60
                )
                three.kubectl("delete", "configmap", "one", "-n", "shop")
                eventually("put back by the agent", lambda: has_map(three, "one"))
            for plane in clean_clusters:
                rows = [row for row in plane.writes(since=mark[plane.name]) if row.verb == "delete"]
                assert rows == [], rows
        except BaseException:
            print(program.text)
            print(agent.text)
            raise
