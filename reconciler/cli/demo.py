"""`reconciler demo`: the main job on a throw-away copy of the example fleet; no cluster, no network."""

from __future__ import annotations

import shutil
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import click

from reconciler.cli.diff import exit_code_of
from reconciler.cli.fleetpath import decide_at, facts_of, repository_at, source_at
from reconciler.cli.output import paint, print_problems, wants_colour
from reconciler.cli.render import placement_table, write_branches
from reconciler.diff.text import COLOURED, PLAIN, difference_text
from reconciler.errors import SettingsError
from reconciler.loop.compare import Question, compare
from reconciler.loop.decide import Memory, moment
from reconciler.settings import BranchNames, GuardLimits

CHANGED_FILE = "apps/shop/web.yaml"


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="Make the repository here, and leave it for you to try things in.",
)
def command(keep: Path | None) -> int:
    """Show the whole line on a throw-away copy of the example fleet: commit, render, placement, and a pull request's diff.

    \b
    Example:
      reconciler demo
      reconciler demo --keep my-fleet
    """
    started = time.monotonic()
    if keep is not None:
        if keep.exists() and any(keep.iterdir()):
            raise SettingsError(f"{keep} is not empty")
        show(keep)
        click.echo(f"\nthe repository is yours: cd {keep} && git log --oneline --all")
    else:
        with tempfile.TemporaryDirectory(prefix="fleet-demo-") as directory:
            show(Path(directory) / "fleet")
    click.echo(f"\n{time.monotonic() - started:.1f} s")
    return 0


def show(directory: Path) -> None:
    """Copy the example to `directory`, commit and render it, change one file on a branch, print the difference."""
    step("1. A fleet repository: manifests, policies and clusters, as files")
    shutil.copytree(example(), directory, dirs_exist_ok=True)
    first = commit(directory, "main", "The shop on four clusters")
    click.echo(f"   {sum(1 for path in directory.rglob('*.yaml'))} files, committed as {first[:12]}")

    step("2. Rendered: one commit is the truth, a branch a cluster shows its part")
    branches = BranchNames()
    decision = decide_at(directory, "main", branches)
    published = write_branches(directory, decision, branches)
    print_problems([problem for problem in decision.problems if problem.severity.value == "error"])
    click.echo(f"   {branches.rendered} {published.commit[:12]}")
    for update in published.updates[1:]:
        click.echo(f"   {update.name.removeprefix('refs/heads/')} {update.new[:12]}")

    step("3. What runs where, and how many of it")
    click.echo(placement_table(decision))

    step("4. Somebody edits one file in a pull request: more web replicas, a newer image")
    edit(directory / CHANGED_FILE)
    commit(directory, "more-web", "web: scale up for the sale")
    click.echo("   reconciler diff main...more-web")

    step("5. What the review sees, before anything is merged")
    memory = Memory()
    observation, previous = facts_of(repository_at(directory), branches, memory)
    base, head = source_at(directory, "main"), source_at(directory, "more-web")
    comparison = compare(
        repository_at(directory),
        Question(
            base=base,
            head=head,
            observation=observation,
            previous=previous,
            now=moment(head, observation, previous, None),
            limits=GuardLimits(),
            command="reconciler diff main...more-web",
        ),
        memory,
    )
    click.echo(difference_text(comparison.difference, COLOURED if wants_colour() else PLAIN), nl=False)
    click.echo(
        f"   exit code {exit_code_of(comparison)}: 0 nothing, 1 changes, 2 error, 3 a guard, 4 incomplete"
    )


def step(text: str) -> None:
    """A heading of the demo."""
    click.echo(f"\n{paint(text, colour='cyan', on=wants_colour(), bold=True)}")


def example() -> Path:
    """The example fleet: in the installed package, or at the top of a checkout."""
    installed = Path(str(files("reconciler.cli"))) / "example"
    checkout = Path(__file__).resolve().parents[2] / "fleet-repo-example"
    for place in (installed, checkout):
        if (place / "reconciler.yaml").is_file():
            return place
    raise SettingsError("the example fleet is not installed: reinstall the package")


def commit(directory: Path, branch: str, message: str) -> str:
    """Commit everything below `directory` to `branch`, made from where HEAD is; the commit id."""
    import pygit2  # noqa: PLC0415

    made = not (directory / ".git").exists()
    handle = (
        pygit2.init_repository(str(directory), initial_head="main")
        if made
        else pygit2.Repository(str(directory))
    )
    # A fixed person and moment: the demo prints the same commit ids for everybody.
    person = pygit2.Signature("Demo", "demo@example.com", 1_780_000_000 if made else 1_780_000_600, 0)
    handle.index.add_all()
    handle.index.write()
    tree = handle.index.write_tree()
    parents = [] if made else [handle.head.target]
    oid = handle.create_commit(f"refs/heads/{branch}", person, person, message, tree, parents)
    handle.set_head(f"refs/heads/{branch}")
    return str(oid)


def edit(path: Path) -> None:
    """The change of the demo: twice the replicas and a newer image, in the file's own words."""
    text = path.read_text()
    lines = []
    for line in text.splitlines(keepends=True):
        key, separator, value = line.partition("replicas: ")
        if separator and not key.strip() and value.split()[0].isdigit():
            lines.append(f"{key}replicas: {int(value.split()[0]) * 2}\n")
        else:
            lines.append(line.replace("web:2.4.1", "web:2.5.0"))
    path.write_text("".join(lines))
