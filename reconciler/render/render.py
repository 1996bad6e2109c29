"""The decision, on one screen: template, claim, schedule, dependencies, works, tree.

Pure: reads no clock, network, disk, environment or random source, and never changes its input. Adds no rule of its own to
those of the packages that it composes, except what is held when something cannot be read (DESIGN §5, promise 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.errors import Problem
from reconciler.interpreter.registry import NATIVE, Interpreters
from reconciler.model.fleet import Fleet
from reconciler.model.observation import Observation
from reconciler.model.tree import PreviousRender, Rendered
from reconciler.render import messages
from reconciler.render.begin import begin, known_faults
from reconciler.render.committing import committed, follow
from reconciler.render.contents import Absent, contents
from reconciler.render.facts import Facts
from reconciler.render.hold import CONFIG_FILE, Faults, refusal_of
from reconciler.render.memo import Memo
from reconciler.render.output import output_tree
from reconciler.render.placing import place
from reconciler.render.tree import tree_of_directories
from reconciler.scheduler.batch import PROFILES
from reconciler.scheduler.registry import Profile


def render(
    fleet: Fleet,
    observation: Observation,
    previous: PreviousRender,
    now: datetime,
    *,
    interpreters: Interpreters = NATIVE,
    plugins: Mapping[str, Profile] = PROFILES,
    assume_unreported: bool = False,
    memo: Memo | None = None,
) -> Rendered:
    """What every cluster is to hold, and why (DESIGN §3).

    `problems` are this function's own; those of the files are in `fleet`. Rendering again with one's own bindings as
    `previous` changes nothing. `assume_unreported`: clusters of which nothing is known count as ready (offline verbs).
    """
    memo = memo if memo is not None else Memo()
    memo.begin()
    faults = known_faults(fleet, previous, memo)
    if faults.everything:
        return _all_held(previous, faults.everything)
    begun = begin(
        fleet,
        observation,
        previous,
        faults,
        interpreters=interpreters,
        plugins=plugins,
        assume_unreported=assume_unreported,
        memo=memo,
    )
    facts, tracks, gone = begun.facts, begun.tracks, begun.gone
    placing = place(tracks, facts.clusters, begun.scheduling, now, memo)
    following = follow(tracks, gone.bindings, previous, interpreters)
    made = contents(fleet, facts, tracks, gone, previous, interpreters, memo)
    bindings = committed(tracks, previous)
    # What nobody claims and something needs goes where it is needed, and there is nothing to say.
    speaking = [track for track in tracks if not (track.standing.is_unclaimed and track.binding is not None)]
    found = [problem for track in speaking for problem in track.standing.problems]
    found += (*placing.problems, *following.problems, *made.problems)
    found += _problems_of_faults(fleet, facts, faults, gone)
    asked = sorted({*(question for track in tracks for question in track.standing.asked), *made.asked})
    return Rendered(
        tree=output_tree(fleet, facts, faults, made, gone, bindings, previous, memo),
        bindings={id_: each.binding for id_, each in bindings.items()} | dict(gone.bindings),
        problems=_in_order(found),
        complete=fleet.is_complete
        and not following.unknown
        and not made.failed
        and not any(track.is_kept or track.standing.held for track in tracks),
        assumed_clusters=tuple(sorted(facts.assumed)),
        unclaimed=tuple(track.id for track in speaking if track.standing.is_unclaimed),
        asked=tuple(asked),
        unanswered=tuple(
            each
            for each in asked
            if all(answer.digest != each.digest for answer in begun.answers.get(each.subject, ()))
        ),
    )


def _problems_of_faults(fleet: Fleet, facts: Facts, faults: Faults, gone: Absent) -> list[Problem]:
    found = [messages.unreported(each) for each in facts.clusters if each.name in facts.unreported]
    found += (
        messages.cluster_held(name, reason, faults.places.get(name))
        for name, reason in sorted(faults.clusters.items())
    )
    refused = [faults.templates[id_] for id_ in gone.ids if id_ in faults.templates]
    found += (messages.held(each, refusal_of(each), is_new=False) for each in refused)
    nowhere = [id_ for id_ in gone.ids if id_ not in faults.templates]
    if nowhere:
        found.append(messages.absent_kept(nowhere, fleet.unreadable))
    return found


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """By place; the same words about several objects are said once."""
    said = {(problem.location, str(problem)): problem for problem in reversed(problems)}
    return tuple(sorted(said.values(), key=lambda problem: (problem.sort_key(), problem.subject)))


def _all_held(previous: PreviousRender, reason: str) -> Rendered:
    return Rendered(
        tree=tree_of_directories(previous.trees, previous.binding_files),
        bindings=dict(previous.bindings),
        problems=(messages.everything_held(reason, CONFIG_FILE),),
        complete=False,
    )
