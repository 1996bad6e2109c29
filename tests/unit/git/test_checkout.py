"""Reading commits and work trees, from real repositories; hostile trees are written object by object."""

import os
import subprocess
from datetime import UTC, datetime

import pygit2
import pytest

from reconciler.errors import FleetError, GitError, Severity
from reconciler.git import checkout, entries
from reconciler.git.checkout import FileChange, ReadCache, changed_files, read_commit, read_work_tree, resolve
from reconciler.manifests.load import LARGEST_FILE

WHEN = 1_790_000_000


@pytest.fixture
def repository(tmp_path):
    return pygit2.init_repository(tmp_path / "source.git", bare=True)


def tree(repository, lines):
    """A tree object of exactly these lines: name (bytes), mode, id. No check is made."""
    data = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(str(oid)) for name, mode, oid in lines)
    return repository.odb.write(pygit2.enums.ObjectType.TREE, data)


def blob(repository, data):
    return repository.create_blob(data if isinstance(data, bytes) else data.encode())


def nested(repository, files):
    """A tree from paths: bytes are files, a (mode, bytes or id) pair is anything else."""
    here, below = [], {}
    for path, content in files.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = content
        else:
            mode, held = content if isinstance(content, tuple) else (b"100644", content)
            here.append((name.encode(), mode, blob(repository, held) if isinstance(held, bytes) else held))
    here += [(name.encode(), b"40000", nested(repository, inner)) for name, inner in below.items()]
    return tree(repository, sorted(here, key=lambda line: line[0] + (b"/" if line[1] == b"40000" else b"")))


def commit(repository, root, parents=(), ref="refs/heads/main"):
    """A commit, written as an object: libgit2 would look into the tree first."""
    lines = [f"tree {root}", *(f"parent {parent}" for parent in parents)]
    lines += [
        f"author A Person <a@example.org> {WHEN - 50} +0200",
        f"committer A Person <a@example.org> {WHEN} +0200",
    ]
    data = "\n".join([*lines, "", "a change\n"]).encode()
    found = str(repository.odb.write(pygit2.enums.ObjectType.COMMIT, data))
    if ref:
        repository.references.create(ref, found, force=True)
    return found


def codes(source):
    return [(p.code, p.severity.value, p.location.path) for p in source.problems]


def paths(source):
    return [file.path for file in source.files]


# ---- Commits


def test_a_commit_gives_candidate_files_sorted_with_mode_and_blob_id(repository):
    files = {
        "b/z.yaml": b"kind: Z\n",
        "b.yaml": b"kind: B\n",
        "a/README.md": b"# no\n",
        "a/x.yml": (b"100755", b"kind: X\n"),
        "a/y.json": b"{}",
        "a/Chart.yaml": b"name: c\n",
        "a/Kustomization": b"resources: []\n",
        "a/script.sh": b"exit\n",
        ".reconcilerignore": b"drafts/\n",
        "reconciler.yaml": b"kind: FleetConfig\n",
        ".github/workflows/ci.yaml": b"on: push\n",
        "x.YAML": b"no\n",
    }
    source = read_commit(repository, commit(repository, nested(repository, files)))
    wanted = sorted(set(files) - {"a/README.md", "a/script.sh", "x.YAML"})
    assert paths(source) == wanted
    assert {file.path: file.data for file in source.files} == {
        path: files[path][1] if isinstance(files[path], tuple) else files[path] for path in wanted
    }
    assert {file.mode for file in source.files if file.path != "a/x.yml"} == {0o100644}
    assert next(file.mode for file in source.files if file.path == "a/x.yml") == 0o100755
    assert all(file.oid == str(pygit2.hash(file.data)) for file in source.files)
    assert source.problems == ()


def test_the_time_is_the_committers_in_utc(repository):
    found = commit(repository, nested(repository, {"a.yaml": b"a: 1\n"}))
    source = read_commit(repository, found)
    assert source.commit == found
    assert source.time == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert source.time.timestamp() == WHEN


def test_an_empty_commit_holds_nothing(repository):
    source = read_commit(repository, commit(repository, tree(repository, [])))
    assert (source.files, source.problems) == ((), ())


@pytest.mark.parametrize("wrong", ["0" * 40, "main", "nonsense"])
def test_a_commit_that_is_not_there_is_a_git_error(repository, wrong):
    with pytest.raises(GitError, match="cannot read commit"):
        read_commit(repository, wrong)


def test_the_id_of_a_tree_is_no_commit(repository):
    with pytest.raises(GitError, match="is not a commit"):
        read_commit(repository, str(tree(repository, [])))


def test_a_missing_blob_is_a_git_error_and_no_absence(repository):
    root = tree(repository, [(b"a.yaml", b"100644", "1" * 40)])
    with pytest.raises(GitError, match="cannot read blob 1111"):
        read_commit(repository, commit(repository, root))


def test_a_submodule_is_a_problem_at_its_path(repository):
    root = nested(
        repository, {"a.yaml": b"a: 1\n", "lib/base": (b"160000", "2" * 40), ".gitmodules": b"[submodule]\n"}
    )
    source = read_commit(repository, commit(repository, root))
    assert codes(source) == [("R117", "error", "lib/base")]
    assert paths(source) == ["a.yaml"]


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        # Out of the repository, or nowhere: what was behind it is unknown.
        ("apps/x.yaml", "/etc/passwd", ("R118", "error")),
        ("apps/x.yaml", "../../etc/passwd", ("R118", "error")),
        ("apps/x.yaml", "..", ("R119", "warning")),
        ("x.yaml", "..", ("R118", "error")),
        ("apps/x.yaml", "missing.yaml", ("R118", "error")),
        ("apps/x.yaml", "../apps/deep/a.yaml/b", ("R118", "error")),
        ("apps/x.yaml", "a\0b", ("R118", "error")),
        ("apps/x.yaml", "x" * 5000, ("R118", "error")),
        ("apps/latest", "/var/log", ("R118", "warning")),
        ("apps/latest", "../../..", ("R118", "warning")),
        # Inside: its target is read where it is.
        ("apps/x.yaml", "deep/a.yaml", ("R119", "warning")),
        ("apps/x.yaml", "./deep/../deep/a.yaml", ("R119", "warning")),
        ("apps/current", "deep", ("R119", "warning")),
        ("apps/current", ".", ("R119", "warning")),
        ("apps/READ", "deep/README", None),
        # Behind another link, which is not followed either.
        ("apps/x.yaml", "../hop/a.yaml", ("R118", "error")),
    ],
)
def test_symbolic_links_are_named_and_never_followed(repository, path, target, expected):
    files = {
        "apps/deep/a.yaml": b"a: 1\n",
        "apps/deep/README": b"x\n",
        "hop": (b"120000", b"apps/deep"),
        path: (b"120000", target.encode()),
    }
    source = read_commit(repository, commit(repository, nested(repository, files)))
    found = [one for one in codes(source) if one[2] != "hop"]
    assert found == ([] if expected is None else [(*expected, path)])
    assert paths(source) == ["apps/deep/a.yaml"]


@pytest.mark.parametrize(
    "name", [b"..", b".", b"", b"a/b", b"../a", b".git", b".GIT", b"git~1", b"GIT~2", b".git. ", ".g\u200cit".encode(), b".git::$INDEX_ALLOCATION"]
)  # fmt: skip
def test_directories_with_names_that_lead_elsewhere_are_not_entered(repository, name):
    inner = tree(repository, [(b"a.yaml", b"100644", blob(repository, b"a: 1\n"))])
    root = tree(repository, [(name, b"40000", inner), (b"ok.yaml", b"100644", blob(repository, b"a: 1\n"))])
    source = read_commit(repository, commit(repository, root))
    assert codes(source) == [("R120", "error", name.decode())]
    assert paths(source) == ["ok.yaml"]


@pytest.mark.parametrize("name", [b"\xff.yaml", b"a\nb.yaml", b"a\x1b[31m.yaml", "a\u2028.yaml".encode()])
def test_manifests_whose_names_cannot_be_shown_are_not_read(repository, name):
    root = tree(repository, [(name, b"100644", blob(repository, b"a: 1\n"))])
    source = read_commit(repository, commit(repository, root))
    ((code, severity, path),) = codes(source)
    assert (code, severity) == ("R120", "error")
    assert path.isprintable()
    assert source.files == ()


def test_files_that_nobody_reads_may_have_any_name_but_gits(repository):
    lines = [
        (name, b"100644", blob(repository, b"x"))
        for name in (b"\xff.png", b"a\\x2db.service", b"a\nb", b".gitignore")
    ]
    source = read_commit(
        repository,
        commit(repository, tree(repository, [*lines, (b".Git", b"100644", blob(repository, b"x"))])),
    )
    assert codes(source) == [("R120", "error", ".Git")]


def test_ordinary_names_in_any_language_are_read(repository):
    files = {
        "größe/名前.yaml": b"a: 1\n",
        "a b/c+d@e,f=g~h.yml": b"b: 1\n",
        ".gitlab/ci.yaml": b"c: 1\n",
        "git.yaml": b"d: 1\n",
    }
    source = read_commit(repository, commit(repository, nested(repository, files)))
    assert paths(source) == sorted(files)
    assert source.problems == ()


def test_a_mode_that_git_does_not_have_is_a_problem(repository):
    root = tree(repository, [(b"a.yaml", b"100000", blob(repository, b"a: 1\n"))])
    assert codes(read_commit(repository, commit(repository, root))) == [("R120", "error", "a.yaml")]


def test_a_blob_above_the_limit_is_not_read(repository):
    large, full = b"#" * (LARGEST_FILE + 1), b"#" * LARGEST_FILE
    root = nested(repository, {"large.yaml": large, "full.yaml": full, "large.bin": large})
    source = read_commit(repository, commit(repository, root))
    assert codes(source) == [("R105", "error", "large.yaml")]
    assert source.problems[0].message == "3,145,729 bytes, and 3,145,728 is the limit"
    assert paths(source) == ["full.yaml"]


def test_the_limit_is_the_loaders():
    assert entries.LARGEST_FILE == LARGEST_FILE


def bomb(repository, levels, width=10):
    oid = tree(repository, [(b"a.yaml", b"100644", blob(repository, b"a: 1\n"))])
    for _ in range(levels):
        oid = tree(repository, [(b"d%02d" % index, b"40000", oid) for index in range(width)])
    return oid


def test_a_tree_that_multiplies_itself_ends_in_a_problem(repository):
    # Ten trees of ten entries: ten thousand million files.
    cache = ReadCache()
    with pytest.raises(FleetError) as caught:
        read_commit(repository, commit(repository, bomb(repository, 10)), cache)
    (problem,) = caught.value.problems
    assert problem.code == "R123"
    assert cache.listings == {}


def test_a_tree_that_is_too_deep_ends_in_a_problem(repository):
    with pytest.raises(FleetError) as caught:
        read_commit(repository, commit(repository, bomb(repository, 5_000, width=1)))
    assert [problem.code for problem in caught.value.problems] == ["R123"]


def test_manifests_that_would_fill_the_memory_end_in_a_problem(repository, monkeypatch):
    monkeypatch.setattr(checkout, "MOST_BYTES", 1_000)
    same = nested(repository, {f"{index}.yaml": b"#" * 900 for index in range(5)})
    # Five names of one blob are read once.
    assert len(read_commit(repository, commit(repository, same)).files) == 5
    other = nested(repository, {f"{index}.yaml": b"#" * 900 + b"%d" % index for index in range(2)})
    with pytest.raises(FleetError):
        read_commit(repository, commit(repository, other, ref=None))


# ---- Cache


def test_reading_with_a_cache_gives_the_same_answer_and_shares_what_did_not_change(repository):
    cache = ReadCache()
    files = {
        "a/x.yaml": b"x: 1\n",
        "a/deep/y.yaml": b"y: 1\n",
        "b/z.yaml": b"z: 1\n",
        "link.yaml": (b"120000", b"a/x.yaml"),
    }
    first = read_commit(repository, commit(repository, nested(repository, files)), cache)
    for change in (
        {"a/x.yaml": b"x: 2\n"},
        {"b/new.yaml": b"n: 1\n"},
        {"link.yaml": (b"120000", b"gone")},
        {"a/deep/y.yaml": b"x: 1\n"},
    ):
        files |= change
        found = commit(repository, nested(repository, files), ref=None)
        cached = read_commit(repository, found, cache)
        assert cached == read_commit(repository, found)
    before = {file.path: file for file in first.files}
    after = {file.path: file for file in cached.files}
    assert after["b/z.yaml"].data is before["b/z.yaml"].data


class Counting:
    """A repository that counts the objects which are read from it."""

    def __init__(self, repository):
        self._repository = repository
        self.read = []

    def __getitem__(self, key):
        return self._repository[key]

    @property
    def odb(self):
        outer = self

        class Odb:
            def read(self, oid):
                outer.read.append(oid)
                return outer._repository.odb.read(oid)

            def read_header(self, oid):
                return outer._repository.odb.read_header(oid)

        return Odb()


def test_an_unchanged_directory_is_not_opened_again(repository):
    files = {f"d{d}/f{f}.yaml": b"a: %d\n" % (10 * d + f) for d in range(10) for f in range(10)}
    cache = ReadCache()
    counting = Counting(repository)
    read_commit(counting, commit(repository, nested(repository, files)), cache)
    assert len(counting.read) == 1 + 10 + 100
    counting.read.clear()
    files["d3/f3.yaml"] = b"changed: true\n"
    read_commit(counting, commit(repository, nested(repository, files), ref=None), cache)
    # The root, one directory, one file.
    assert len(counting.read) == 3
    counting.read.clear()
    read_commit(counting, commit(repository, nested(repository, files), ref=None), cache)
    assert counting.read == []


def test_a_cache_does_not_keep_directories_that_are_long_gone(repository):
    cache = ReadCache()
    for turn in range(6):
        files = {f"{turn}-{index}/a.yaml": b"a: 1\n" for index in range(500)}
        read_commit(repository, commit(repository, nested(repository, files), ref=None), cache)
        assert len(cache.listings) <= 2 * 501 + 1_000


# ---- Revisions


def test_revisions_resolve_to_commits(repository):
    first = commit(repository, nested(repository, {"a.yaml": b"1\n"}))
    second = commit(repository, nested(repository, {"a.yaml": b"2\n"}), [first])
    repository.create_tag(
        "v1",
        first,
        pygit2.enums.ObjectType.COMMIT,
        pygit2.Signature("A Person", "a@example.org", WHEN, 120),
        "a tag",
    )
    assert resolve(repository, "main") == second
    assert resolve(repository, "refs/heads/main") == second
    assert resolve(repository, "main~1") == first
    assert resolve(repository, "v1") == first
    assert resolve(repository, second[:10]) == second


@pytest.mark.parametrize(
    "revision", ["nowhere", "main~9", "0" * 40, "", "a..b", "-x", "main:a.yaml", "main^{tree}"]
)
def test_what_names_no_commit_is_a_git_error(repository, revision):
    commit(repository, nested(repository, {"a.yaml": b"1\n"}))
    with pytest.raises(GitError, match="is no commit in this repository"):
        resolve(repository, revision)


def test_a_missing_branch_comes_with_the_command_that_fetches_it(repository):
    repository.remotes.create("origin", "https://git.example.org/fleet.git")
    with pytest.raises(GitError) as caught:
        resolve(repository, "origin/reconciler/rendered")
    assert str(caught.value) == (
        "origin/reconciler/rendered is no commit in this repository; to fetch it: "
        "git fetch origin +refs/heads/reconciler/rendered:refs/remotes/origin/reconciler/rendered"
    )
    with pytest.raises(GitError, match=r"git fetch origin \+refs/heads/topic:refs/remotes/origin/topic"):
        resolve(repository, "topic")


def test_a_shallow_clone_says_that_it_is_one(tmp_path):
    origin = pygit2.init_repository(tmp_path / "origin.git", bare=True)
    first = commit(origin, nested(origin, {"a.yaml": b"1\n"}))
    commit(origin, nested(origin, {"a.yaml": b"2\n"}), [first])
    command = [
        "git",
        "clone",
        "-q",
        "--depth=1",
        "-b",
        "main",
        f"file://{tmp_path}/origin.git",
        str(tmp_path / "clone"),
    ]
    subprocess.run(command, check=True)
    with pytest.raises(GitError, match="git fetch --unshallow"):
        resolve(pygit2.Repository(str(tmp_path / "clone")), first)


# ---- Changes


def test_changed_files_agree_with_git(repository, tmp_path):
    before = {
        "a.yaml": b"1\n",
        "d/b.yaml": b"1\n",
        "d/e/c.yaml": b"1\n",
        "gone/x.yaml": b"1\n",
        "turn": b"file\n",
        "dir/f": b"1\n",
        "m.sh": b"1\n",
    }
    after = {
        "a.yaml": b"2\n",
        "d/b.yaml": b"1\n",
        "d/e/c.yaml": b"3\n",
        "d/e/new.yaml": b"4\n",
        "turn/x": b"dir\n",
        "dir": b"now a file\n",
        "m.sh": (b"100755", b"1\n"),
    }
    base = commit(repository, nested(repository, before))
    head = commit(repository, nested(repository, after), [base])
    found = changed_files(repository, base, head)
    command = [
        "git",
        "-C",
        repository.path,
        "diff-tree",
        "-r",
        "--no-renames",
        "-z",
        "--raw",
        "--abbrev=40",
        base,
        head,
    ]
    raw = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]
    expected = []
    for line, path in zip(raw[::2], raw[1::2], strict=True):
        _, _, old, new, _ = line.split(" ")
        expected.append(FileChange(path=path, old=old.strip("0"), new=new.strip("0")))
    assert [(c.path, c.old.strip("0"), c.new.strip("0")) for c in found] == [
        (c.path, c.old, c.new) for c in sorted(expected)
    ]
    assert changed_files(repository, base, base) == ()
    assert changed_files(repository, "", head) == tuple(
        FileChange(path=p, new=str(pygit2.hash(d[1] if isinstance(d, tuple) else d)))
        for p, d in sorted(after.items())
    )
    assert [(c.path, c.new) for c in changed_files(repository, base, "")] == [
        (path, "") for path in sorted(before)
    ]


# ---- Work trees


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    repository = pygit2.init_repository(folder, initial_head="main")
    (folder / "a.yaml").write_bytes(b"a: 1\n")
    commit(repository, nested(repository, {"a.yaml": b"a: 1\n"}))
    return folder


def test_a_work_tree_is_read_as_it_lies_there(work):
    (work / "apps").mkdir()
    (work / "apps" / "new.yaml").write_bytes(b"n: 1\n")
    (work / "apps" / "run.yml").write_bytes(b"r: 1\n")
    (work / "apps" / "run.yml").chmod(0o755)
    (work / ".gitignore").write_text("apps/\n")
    (work / ".reconcilerignore").write_text("x\n")
    (work / ".venv").mkdir()
    (work / ".venv" / "lib.json").write_text("{}")
    (work / "a.yaml").write_bytes(b"a: changed\n")
    (work / "notes.txt").write_text("no")
    source = read_work_tree(work)
    assert source.commit == ""
    assert source.time.timestamp() == WHEN
    assert [(f.path, f.data, f.mode) for f in source.files] == [
        (".reconcilerignore", b"x\n", 0o100644),
        ("a.yaml", b"a: changed\n", 0o100644),
        ("apps/new.yaml", b"n: 1\n", 0o100644),
        ("apps/run.yml", b"r: 1\n", 0o100755),
    ]
    assert all(file.oid == str(pygit2.hash(file.data)) for file in source.files)
    assert source.problems == ()


def test_a_clean_work_tree_holds_what_its_commit_holds(work):
    subprocess.run(["git", "-C", str(work), "reset", "-q", "--hard"], check=True)
    repository = pygit2.Repository(str(work))
    assert read_work_tree(work).files == read_commit(repository, resolve(repository, "HEAD")).files


def test_a_folder_outside_git_takes_its_time_from_its_files(tmp_path):
    for name, when in (("a.yaml", 1_000), ("b.yaml", 3_000), ("c.txt", 9_000)):
        (tmp_path / name).write_text("a: 1\n")
        os.utime(tmp_path / name, (when, when))
    assert read_work_tree(tmp_path).time == datetime.fromtimestamp(3_000, UTC)


def test_a_folder_that_is_not_there_is_a_git_error(tmp_path):
    with pytest.raises(GitError, match="is not a directory"):
        read_work_tree(tmp_path / "missing")


def test_links_pipes_and_large_files_of_a_work_tree_are_problems(work, tmp_path):
    (tmp_path / "outside.yaml").write_text("secret: 1\n")
    (work / "out.yaml").symlink_to(tmp_path / "outside.yaml")
    (work / "up.yaml").symlink_to("../outside.yaml")
    (work / "in.yaml").symlink_to("a.yaml")
    (work / "dir").symlink_to(".")
    (work / "READ").symlink_to("notes")
    (work / "notes").write_text("x")
    (work / "hop").symlink_to(tmp_path)
    (work / "two.yaml").symlink_to("hop/outside.yaml")
    os.mkfifo(work / "pipe.yaml")
    (work / "large.json").write_bytes(b" " * (LARGEST_FILE + 1))
    (work / "bad\n.yaml").write_text("a: 1\n")
    with open(os.fsencode(work) + b"/\xff.yaml", "wb") as handle:  # noqa: PTH123 - a name that is no text
        handle.write(b"a: 1\n")
    source = read_work_tree(work)
    assert codes(source) == [
        ("R120", "error", "bad\ufffd.yaml"),
        ("R119", "warning", "dir"),
        ("R118", "warning", "hop"),
        ("R119", "warning", "in.yaml"),
        ("R105", "error", "large.json"),
        ("R118", "error", "out.yaml"),
        ("R122", "error", "pipe.yaml"),
        ("R118", "error", "two.yaml"),
        ("R118", "error", "up.yaml"),
        ("R120", "error", "\ufffd.yaml"),
    ]
    assert paths(source) == ["a.yaml"]


def test_a_repository_inside_a_work_tree_is_what_git_would_make_of_it(work):
    inner = work / "lib" / "base"
    pygit2.init_repository(inner)
    (inner / "x.yaml").write_text("x: 1\n")
    source = read_work_tree(work)
    assert codes(source) == [("R117", "error", "lib/base")]
    assert paths(source) == ["a.yaml"]


def test_a_file_without_permission_is_a_problem(work):
    (work / "closed.yaml").write_text("a: 1\n")
    (work / "closed.yaml").chmod(0)
    if os.geteuid() == 0:
        # The superuser may read it; then it is read.
        assert paths(read_work_tree(work)) == ["a.yaml", "closed.yaml"]
    else:
        assert codes(read_work_tree(work)) == [("R122", "error", "closed.yaml")]


def test_warnings_do_not_hold_anything(repository):
    root = nested(repository, {"a.yaml": b"a: 1\n", "b.yaml": (b"120000", b"a.yaml")})
    source = read_commit(repository, commit(repository, root))
    assert [problem.severity for problem in source.problems] == [Severity.WARNING]
