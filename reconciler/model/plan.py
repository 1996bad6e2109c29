"""What one target must do, and what came of it. The words are Flux's: created, configured, unchanged, deleted, skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.errors import Problem
from reconciler.model.identity import ObjectId, object_id_of_path
from reconciler.model.manifest import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredObject:
    """One object of a cluster's tree. `digest` is its content's (the blob id): equal digests mean equal bytes.

    `data` is YAML or JSON as in the tree; `body` is the same, parsed, where somebody already did.
    """

    id: ObjectId
    digest: str
    data: bytes = field(default=b"", repr=False)
    body: Body | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One cluster's tree at one commit. Not `complete`: nothing may be deleted on its word.

    `held` says why nothing may be deleted although the tree is complete (a guard at release); empty: nothing does.
    `tree` is the subtree's id where it is known. `suspended` objects are not written.
    `preserved` objects stay in the cluster when they are no longer desired (`preserveResourcesOnDeletion`).
    """

    cluster: str
    commit: str
    complete: bool = True
    held: str = ""
    objects: Mapping[ObjectId, DesiredObject] = field(default_factory=dict, repr=False)
    tree: str = ""
    suspended: frozenset[ObjectId] = frozenset()
    preserved: frozenset[ObjectId] = frozenset()


def desired_objects(files: Iterable[tuple[str, str, bytes]]) -> dict[ObjectId, DesiredObject]:
    """The objects of `(tree path, digest, data)` rows. Files that are no objects (`.fleet-reconciler/`) are left out."""
    found = {}
    for path, digest, data in files:
        id_ = object_id_of_path(path)
        if id_ is not None:
            found[id_] = DesiredObject(id=id_, digest=digest, data=data)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveObject:
    """What is known of one object in a cluster.

    `owned`: it carries our label. `applied`: our field manager has applied it. `controlled`: another object's
    controller made it (it may carry a copy of our label). `body` is None where only its metadata was read.
    """

    id: ObjectId
    api_version: str
    uid: str
    resource_version: str
    generation: int = 0
    owned: bool = False
    applied: bool = False
    controlled: bool = False
    deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A server's no to one object. `message` holds no value of the object, only names of fields.

    `code` is a row of the catalogue. `transient`: asking again may help.
    """

    code: str
    message: str
    status: int = 0
    fields: tuple[str, ...] = ()
    transient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One object's server dry-run: what would be sent, what was there, what the server would make of it.

    `deferred` says why the dry-run could not tell (an object of the same plan must come first); then `after` is None.
    """

    payload: Body = field(repr=False)
    before: LiveObject | None = None
    after: Body | None = field(default=None, repr=False)
    refusal: Refusal | None = None
    deferred: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedCommit:
    """A commit whose tree was (at least partly) applied, and when that began."""

    commit: str
    started: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The ApplySet's parent object in the member: the applied commits since the last complete prune, newest last.

    An empty `resource_version` means that it does not exist yet. `overflowed`: there were too many commits to
    record; the inventory is then every object that carries our label. `kinds` are those that we ever applied.
    """

    resource_version: str = ""
    uid: str = ""
    commits: tuple[AppliedCommit, ...] = ()
    tree: str = ""
    kinds: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    overflowed: bool = False

    @property
    def commit(self) -> str:
        """The commit applied last, or an empty text."""
        return self.commits[-1].commit if self.commits else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What `inspect` found: everything that `plan.changes` needs, and nothing else.

    `known` objects are desired, ours and proven unchanged without a dry-run (`rest_known`: all that are not in `trials`
    are); `trials` holds the other desired ones. `owned` is the size of the inventory where only a part of it is given.
    `inventory` is what is ours and still there. `unreadable` kinds (`Kind.group`) could not be listed: whatever
    of them is not desired stays, and is not forgotten. `partial`: only the objects in `trials` were looked at, so nothing
    may be concluded from what is missing here, and nothing is pruned or recorded. `stood` objects have been what is desired
    now before: if they differ, others changed them.
    """

    cluster: str
    trials: Mapping[ObjectId, Trial] = field(default_factory=dict, repr=False)
    known: frozenset[ObjectId] = frozenset()
    inventory: Mapping[ObjectId, LiveObject] = field(default_factory=dict, repr=False)
    unreadable: frozenset[str] = frozenset()
    parent: Parent = field(default_factory=Parent)
    problems: tuple[Problem, ...] = ()
    partial: bool = False
    rest_known: bool = False
    stood: frozenset[ObjectId] = frozenset()
    owned: int | None = None


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    CONFIGURE = "configure"
    UNCHANGED = "unchanged"
    DELETE = "delete"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object's part of a plan. `before` and `after` are masked where they are shown, never here.

    `reason` is one sentence: why this action. `desired` is what is sent (with retained fields), None for deletions.
    """

    id: ObjectId
    action: Action
    reason: str = ""
    api_version: str = ""
    before: Body | None = field(default=None, repr=False)
    after: Body | None = field(default=None, repr=False)
    desired: Body | None = field(default=None, repr=False)
    deferred: bool = False
    """The dry-run failed on something that an object of the same plan will cure."""
    recreate: bool = False
    """Deleted first, then made anew: a field that cannot change must, and the object says that it may."""
    correction: bool = False
    """Nothing new is desired: what others changed is put back. Waits for no other object."""
    digest: str = ""
    """The desired content's digest (`DesiredObject.digest`)."""
    uid: str = ""
    """The live object's uid: the precondition of a deletion."""
    refusal: Refusal | None = None
    """Why the server refused it; then `action` is SKIP and the object counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A guard that stopped deletions: which, the limit, and the objects it names."""

    name: str
    message: str
    objects: tuple[ObjectId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes of one cluster, in the order in which they are carried out (stages, then deletions).

    `unchanged` counts desired objects that are known not to have drifted and are not listed. `inventory` is how many
    objects were ours when the plan was made. `parent` is the record that must stand before the first write
    (`parent_stands`: it already does), `parent_done` the one after the last deletion. `resumed`: an earlier pass began
    this commit and did not finish it. `prunes` is false while something of an earlier commit must not be deleted yet.
    """

    cluster: str
    commit: str
    stages: tuple[tuple[Change, ...], ...] = ()
    deletions: tuple[Change, ...] = ()
    guards: tuple[Guard, ...] = ()
    problems: tuple[Problem, ...] = ()
    unchanged: int = 0
    inventory: int = 0
    parent: Parent = field(default_factory=Parent, repr=False)
    parent_done: Parent = field(default_factory=Parent, repr=False)
    parent_stands: bool = False
    resumed: bool = False
    prunes: bool = True

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change, stages first, deletions last."""
        return tuple(change for stage in self.stages for change in stage) + self.deletions

    @property
    def is_empty(self) -> bool:
        """Whether carrying it out would change no object of the fleet."""
        return all(change.action in (Action.UNCHANGED, Action.SKIP) for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a plan. `failed` maps an object to the server's words."""

    cluster: str
    commit: str
    counts: Mapping[Action, int] = field(default_factory=dict)
    failed: Mapping[ObjectId, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    guards: tuple[Guard, ...] = ()
    started: datetime | None = None
    finished: datetime | None = None
    complete: bool = True
    """Everything the plan asked for was done, prune included."""
    stopped: str = ""
    """Why writing stopped before the end (suspension, the end of the program); empty where it did not."""
    written: tuple[ObjectId, ...] = ()
    """The objects that were created or configured, in the order in which that was done."""
