"""The wheel carries what the program needs: schemas, the example fleet, the command; and nothing of the checkout."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what Git knows, as a release would."""
    source = tmp_path_factory.mktemp("source")
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
            *("--wheel-dir", str(folder), str(source)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment with the wheel in it; its dependencies are those of this one, our editable self is not."""
    directory = tmp_path_factory.mktemp("installed")
    venv.create(directory, with_pip=False, symlinks=True)
    site = Path(
        subprocess.run(
            [
                str(directory / "bin" / "python"),
                "-c",
                "import sysconfig; print(sysconfig.get_path('purelib'))",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(directory / "bin" / "python")),
            *("install", "--quiet", "--no-deps", "--no-index", str(wheel)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Paths in such a file are added as they are: what makes our checkout importable there is not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return directory / "bin"


def test_it_holds_the_package_its_data_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"reconciler"}
    for folder, inside in (
        ("schemas", "reconciler/fleet/schemas"),
        ("fleet-repo-example", "reconciler/cli/example"),
    ):
        there = {
            path.relative_to(ROOT / folder).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file()
        }
        packed = {name.removeprefix(f"{inside}/") for name in names if name.startswith(f"{inside}/")}
        assert packed == there


def test_the_demo_runs_from_it_outside_of_any_checkout(installed, tmp_path):
    def run(*words):
        return subprocess.run(
            [str(installed / words[0]), *words[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NO_COLOR": "1", "LANG": "C.UTF-8"},
        )

    where = run("python", "-c", "import reconciler; print(reconciler.__file__)")
    assert where.stdout.startswith(str(installed.parent)), where.stdout + where.stderr
    demo = run("reconciler", "demo")
    assert demo.returncode == 0, demo.stderr
    assert "Deployment.apps shop/web: frankfurt 3→6" in demo.stdout
    made = run("reconciler", "init", "mine", "--cluster", "paris")
    assert made.returncode == 0, made.stderr
    checked = run("reconciler", "validate", "mine")
    assert checked.returncode == 0, checked.stdout + checked.stderr
