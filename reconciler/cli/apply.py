"""`reconciler apply`: one pass of the rendered commit against the push clusters; the plan first, then the question."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.fleetpath import (
    fetch_hint,
    machine_tip,
    output_option,
    path_argument,
    prefix_option,
    require_repository,
)
from reconciler.cli.output import (
    CHANGES,
    ERROR,
    GUARD,
    INCOMPLETE,
    NOTHING,
    document,
    note,
    print_problems,
    wants_colour,
    worst,
)
from reconciler.cli.runoptions import access_of, cluster_options, guard_options, webhooks_option
from reconciler.diff.machine import problem_json
from reconciler.diff.text import COLOURED, PLAIN, plan_text
from reconciler.errors import ClusterError, Problem, SettingsError
from reconciler.settings import BranchNames, Settings

if TYPE_CHECKING:
    from reconciler.interpreter.registry import Interpreters
    from reconciler.kube.client import Client
    from reconciler.loop.asking import Asker
    from reconciler.loop.island import Island
    from reconciler.model.fleet import Fleet
    from reconciler.model.plan import Desired, Outcome, Plan
    from reconciler.plan.release import ReleaseVerdict


@click.command("apply")
@path_argument
@click.option(
    "--cluster", "clusters", multiple=True, metavar="GLOB", help="Only these clusters; may be repeated."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Ask the servers and print the plan; write nothing.")
@click.option("--names", is_flag=True, help="Name the objects; leave out what changes inside them.")
@click.option(
    "--exit-code/--no-exit-code",
    default=True,
    show_default=True,
    help="With --dry-run: exit 1 when something would change.",
)
@cluster_options
@guard_options
@webhooks_option(default=False)
@prefix_option
@output_option("text", "json")
def command(path: Path, **options: Any) -> None:
    """Carry out one pass of the rendered commit against the push clusters.

    Shows the plan of each cluster, asks, and applies. Refuses while a running reconciler holds the lease (where --own-context says
    in which cluster that is). Exit code: 0 done, 2 error, 3 a guard stopped deletions, 4 something was not finished; with
    --dry-run 1 when something would change.

    \b
    Example:
      reconciler apply --kubeconfig ~/.kube/config --dry-run
      reconciler apply --kubeconfig ~/.kube/config --cluster 'eu-*' -y
    """
    sys.exit(asyncio.run(_apply(path, options)))


@dataclass(slots=True)
class Result:
    """One cluster's plan, and what came of it."""

    cluster: str
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: str = ""
    problems: tuple[Problem, ...] = field(default=())
    held: bool = False
    """The guards of the render hold its deletions: what is left to do is theirs, and their exit code says so."""
    observed: bool = False
    """The cluster is only observed: its plan is shown, and nothing was to be done."""

    def codes(self, *, dry_run: bool) -> list[int]:
        """The exit codes that this cluster asks for."""
        if self.error:
            return [ERROR]
        codes = [NOTHING]
        if self.plan is not None:
            codes += [GUARD] if self.plan.guards else []
            if dry_run and not self.plan.is_empty:
                codes.append(CHANGES)
        if self.outcome is not None:
            codes += [ERROR] if self.outcome.failed else []
            guarded = self.held or self.outcome.guards
            kept = guarded or self.observed
            codes += [INCOMPLETE] if not self.outcome.complete and not kept else []
        return codes


async def _apply(path: Path, options: dict[str, Any]) -> int:
    from reconciler import wiring  # noqa: PLC0415 - the heavy half, only when it is asked for
    from reconciler.loop.asking import Asker  # noqa: PLC0415
    from reconciler.loop.publish import guard_problems  # noqa: PLC0415
    from reconciler.loop.stopswitch import StopSwitch  # noqa: PLC0415

    settings = wiring.with_guards(
        Settings(
            namespace=options["namespace"],
            request_timeout=options["timeout"],
            ready_timeout=options["ready_timeout"],
        ),
        options["max_deletions"],
        options["max_deletion_percent"],
    )
    branches = BranchNames(prefix=options["branch_prefix"])
    access = access_of(options, interactive=True)
    own = wiring.own_client(access)
    standing = _standing(path, branches, settings)
    asker = Asker() if options["ask_webhooks"] else None
    try:
        if own is not None and not options["dry_run"]:
            await _refuse_while_running(own, access.namespace)
        switch = StopSwitch(client=own, namespace=access.namespace)
        await switch.look()
        islands = _islands(standing, settings, access, own, options["clusters"], switch.stopped, asker)
        if not islands:
            raise SettingsError(
                "no push cluster to deliver to" + (": --cluster matches none" if options["clusters"] else "")
            )
        results = [
            Result(cluster=island.name, held=bool(standing.desired[island.name].held)) for island in islands
        ]
        await asyncio.gather(*(_plan(one, each) for one, each in zip(islands, results, strict=True)))
        held = guard_problems(standing.verdict)
        _show(results, held, options)
        wanted = any(each.plan is not None and not each.plan.is_empty for each in results)
        if not options["dry_run"] and wanted and (options["yes"] or _asked(options)):
            await asyncio.gather(*(_carry_out(one, each) for one, each in zip(islands, results, strict=True)))
        elif not options["dry_run"] and not wanted:
            # The record of what was applied may still have to move.
            await asyncio.gather(*(_carry_out(one, each) for one, each in zip(islands, results, strict=True)))
        _report(results, options, standing.commit)
    finally:
        for island in locals().get("islands", []):
            await island.target.close()
            await island.observer.close()
        if asker is not None:
            await asker.close()
        if own is not None:
            await own.close()
    codes = [code for each in results for code in each.codes(dry_run=options["dry_run"])]
    codes += [GUARD] if held else []
    codes += [INCOMPLETE] if not standing.complete else []
    code = worst(codes)
    return NOTHING if code == CHANGES and not options["exit_code"] else code


@dataclass(frozen=True, slots=True)
class Standing:
    """The rendered commit that is applied, with what its source says."""

    commit: str
    fleet: Fleet
    desired: dict[str, Desired]
    trees: Mapping[str, Mapping[str, bytes]]
    verdict: ReleaseVerdict
    complete: bool
    now: datetime
    objects_at: Any
    supersedes: Any
    limits: Any


def _standing(path: Path, branches: BranchNames, settings: Settings) -> Standing:
    from reconciler import wiring  # noqa: PLC0415
    from reconciler.fleet.assemble import assemble  # noqa: PLC0415
    from reconciler.git.checkout import read_commit as read_source  # noqa: PLC0415
    from reconciler.git.commits import read_commit  # noqa: PLC0415
    from reconciler.git.reader import read_previous  # noqa: PLC0415
    from reconciler.git.trailers import COMPLETE, SOURCE_COMMIT  # noqa: PLC0415
    from reconciler.loop.publish import limits_of, standing_verdict  # noqa: PLC0415
    from reconciler.loop.record import desired_at, objects_at, supersedes  # noqa: PLC0415

    repository = require_repository(path)
    tip = machine_tip(repository, branches.rendered)
    if not tip:
        raise SettingsError(
            f"nothing is rendered in this clone: run `reconciler render --branches` ({fetch_hint(branches.rendered, repository)})"
        )
    commit = read_commit(repository, tip)
    fleet = assemble(read_source(repository.handle, commit.trailers[SOURCE_COMMIT]))
    now = wiring.now()
    names = [cluster.name for cluster in fleet.clusters if cluster.sync_mode.value == "Push"]
    desired = {name: found for name in names if (found := desired_at(repository, tip, name)) is not None}
    parent = read_previous(repository, commit.parents[0] if commit.parents else "")
    return Standing(
        commit=tip,
        fleet=fleet,
        desired=desired,
        trees=read_previous(repository, tip).trees,
        verdict=standing_verdict(repository, tip, fleet.approvals, settings.guards, now),
        complete=commit.trailers.get(COMPLETE) == "true",
        now=now,
        objects_at=lambda name, at: objects_at(repository, at, name),
        supersedes=lambda new, applied: supersedes(repository, new, applied),
        limits=limits_of(repository, parent, settings.guards, source=commit.trailers.get(SOURCE_COMMIT, "")),
    )


def _islands(
    standing: Standing,
    settings: Settings,
    access: Any,
    own: Client | None,
    globs: tuple[str, ...],
    stopped: Callable[[str], str],
    asker: Asker | None,
) -> list[Island]:
    from reconciler import wiring  # noqa: PLC0415
    from reconciler.loop.asking import Live, Nobody  # noqa: PLC0415
    from reconciler.loop.decide import Memory  # noqa: PLC0415
    from reconciler.plan.changes import Rules  # noqa: PLC0415
    from reconciler.render.cluster_files import CUSTOMIZATIONS, WEBHOOKS, rules_in  # noqa: PLC0415
    from reconciler.targets.registry import source_for  # noqa: PLC0415

    ways = access.ways(own)
    answering = Live(asker) if asker is not None else Nobody()
    memory = Memory()
    islands = []
    for cluster in standing.fleet.clusters:
        wanted = not globs or any(fnmatchcase(cluster.name, glob) for glob in globs)
        if not wanted or cluster.name not in standing.desired:
            continue

        files = standing.trees[cluster.name]
        interpreters = memory.interpreters(
            rules_in(files, CUSTOMIZATIONS), standing.now, rules_in(files, WEBHOOKS)
        ).asking(answering)

        async def tree(commit: str, name: str = cluster.name) -> Any:
            return standing.objects_at(name, commit)

        async def supersedes(new: str, applied: str) -> bool:
            return bool(standing.supersedes(new, applied))

        island = wiring.island_for(
            cluster,
            source_for(cluster, ways),
            settings,
            wiring.Around(
                tree=tree,
                supersedes=supersedes,
                rules=lambda _: Rules(
                    now=wiring.now(),
                    limits=standing.limits,
                    approvals=standing.fleet.approvals,
                    manager=settings.field_manager,
                ),
                stopped=partial(stopped, cluster.name),
                changed=lambda: None,
                interpreters=_always(interpreters),
            ),
        )
        island.suspended = stopped(cluster.name) or (
            "the cluster is suspended in the fleet repository" if cluster.suspended else ""
        )
        island.want(standing.desired[cluster.name])
        islands.append(island)
    return islands


def _always(interpreters: Interpreters) -> Callable[[], Interpreters]:
    return lambda: interpreters


async def _plan(island: Island, result: Result) -> None:
    try:
        result.plan = await island.look()
    except ClusterError as error:
        result.error = str(error)


async def _carry_out(island: Island, result: Result) -> None:
    if result.plan is None:
        return
    if island.suspended:
        result.error = island.suspended
        return
    try:
        result.outcome = await island.carry_out(result.plan, island.clock())
        result.observed = island.observe_only
    except ClusterError as error:
        result.error = str(error)


def _show(results: list[Result], held: tuple[Problem, ...], options: dict[str, Any]) -> None:
    if options["output"] == "json":
        return
    style = COLOURED if wants_colour() else PLAIN
    for each in results:
        click.echo(f"cluster {each.cluster}")
        if each.error:
            click.echo(f"  error: {each.error}")
        elif each.plan is not None:
            text = plan_text(each.plan, style, contents=not options["names"])
            click.echo(text.rstrip() if text else f"  nothing to do ({each.plan.unchanged} unchanged)")
            print_problems(each.plan.problems)
    print_problems(held)


def _asked(options: dict[str, Any]) -> bool:
    if options["output"] == "json" or not sys.stdin.isatty():
        raise SettingsError("not a terminal: say -y to apply, or --dry-run to look")
    return click.confirm("apply this?", err=True)


def _report(results: list[Result], options: dict[str, Any], commit: str) -> None:
    if options["output"] == "json":
        click.echo(
            document("Apply", {"renderedCommit": commit, "clusters": [_json(each) for each in results]})
        )
        return
    for each in results:
        if each.outcome is None:
            if each.error and each.plan is not None:
                # The plan was shown without it: it came when the plan was to be carried out.
                note(f"cluster {each.cluster}: {each.error}")
            continue
        counts = ", ".join(
            f"{count} {action.value}" for action, count in each.outcome.counts.items() if count
        )
        note(
            f"cluster {each.cluster}: {counts or 'nothing to do'}"
            + ("" if each.outcome.complete else "; not finished")
            + (f": {each.outcome.stopped}" if each.outcome.stopped else "")
        )
        for id_, words in sorted(each.outcome.failed.items()):
            note(f"  {id_}: {words}")
        if each.plan is None or each.outcome.problems != each.plan.problems:
            print_problems(each.outcome.problems)


def _json(result: Result) -> dict[str, Any]:
    plan, outcome = result.plan, result.outcome
    return {
        "cluster": result.cluster,
        **({"error": result.error} if result.error else {}),
        **(
            {
                "changes": [
                    {"object": _object(c.id), "action": c.action.value, "reason": c.reason}
                    for c in plan.changes
                    if c.action.value != "unchanged"
                ],
                "unchanged": plan.unchanged,
                "guards": [
                    {"name": g.name, "message": g.message, "objects": [_object(id_) for id_ in g.objects]}
                    for g in plan.guards
                ],
                "problems": [problem_json(problem) for problem in plan.problems],
            }
            if plan
            else {}
        ),
        **(
            {
                "counts": {action.value: count for action, count in outcome.counts.items()},
                "failed": {str(id_): words for id_, words in outcome.failed.items()},
                "complete": outcome.complete,
            }
            if outcome
            else {}
        ),
    }


def _object(id_: Any) -> dict[str, str]:
    return {"group": id_.group, "kind": id_.kind, "namespace": id_.namespace, "name": id_.name}


async def _refuse_while_running(own: Client, namespace: str) -> None:
    from reconciler.loop.leader import lease_holder  # noqa: PLC0415

    holder = await lease_holder(own, namespace, "fleet-reconciler")
    if holder:
        raise SettingsError(f"a running reconciler ({holder}) holds the lease in {namespace}: stop it first")
