from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import ForeignCommit, SettingsError
from reconciler.git.commits import read_commit
from reconciler.git.objects import Kind
from reconciler.git.references import RefUpdate, resolve, update_references
from reconciler.git.repository import Batch, raw
from reconciler.git.signatures import SshSigner, require_signature
from reconciler.git.writer import write_render
from tests.gitservers.repository import run_git
from tests.unit.git.conftest import render_tree

ONE = {"a": {"n/K/x.yaml": b"x\n"}}


def test_a_signed_commit_is_good_to_git_and_the_same_each_time(bare, repository, facts, tmp_path):
    key = _key(tmp_path, "ed25519")
    signed = replace(facts(), signer=SshSigner(key=key))
    one = write_render(repository, render_tree(ONE), previous="", facts=signed)
    two = write_render(repository, render_tree(ONE), previous="", facts=signed)
    assert (
        one.commit
        == two.commit
        != write_render(repository, render_tree(ONE), previous="", facts=facts()).commit
    )
    assert read_commit(repository, one.commit).trailers["Complete"] == "true"
    allowed = tmp_path / "allowed"
    allowed.write_text(f"fleet-reconciler@localhost {key.with_suffix('.pub').read_text()}")
    run_git("-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", one.commit, directory=bare.path)
    update_references(repository, [RefUpdate(name="refs/heads/s", old="", new=one.commit)])
    bare.check()
    assert resolve(repository, "s") == one.commit


def test_a_key_whose_signatures_differ_each_time_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="not an Ed25519 key"):
        SshSigner(key=_key(tmp_path, "ecdsa"))
    with pytest.raises(SettingsError, match="cannot be used"):
        SshSigner(key=tmp_path / "absent")


def test_only_an_allowed_key_is_accepted(repository, facts, tmp_path):
    key, other = _key(tmp_path, "ed25519"), _key(tmp_path / "other", "ed25519")
    allowed = tmp_path / "allowed"
    allowed.write_text(f'fleet namespaces="git" {key.with_suffix(".pub").read_text()}')
    tree = render_tree(ONE)
    commits = {
        name: write_render(repository, tree, previous="", facts=replace(facts(), signer=signer)).commit
        for name, signer in (("good", SshSigner(key=key)), ("other", SshSigner(key=other)), ("none", None))
    }
    require_signature(repository, commits["good"], allowed)
    for name in ("other", "none"):
        with pytest.raises(ForeignCommit, match=f"{commits[name]} is not signed by an allowed key"):
            require_signature(repository, commits[name], allowed)
    data = repository.read(raw(commits["good"]), Kind.COMMIT)
    batch = Batch()
    forged = batch.add(Kind.COMMIT, data.replace(b"Complete: true", b"Complete: nope")).hex()
    repository.write(batch.objects)
    with pytest.raises(ForeignCommit):
        require_signature(repository, forged, allowed)
    with pytest.raises(SettingsError, match="is not there"):
        require_signature(repository, commits["good"], tmp_path / "absent")


def test_a_key_as_a_cluster_mounts_it_signs(repository, facts, tmp_path):
    key = _key(tmp_path, "ed25519")
    expected = write_render(
        repository, render_tree(ONE), previous="", facts=replace(facts(), signer=SshSigner(key=key))
    )
    key.chmod(0o644)
    key.write_text(key.read_text().rstrip("\n"))
    again = write_render(
        repository, render_tree(ONE), previous="", facts=replace(facts(), signer=SshSigner(key=key))
    )
    assert again.commit == expected.commit


def _key(directory: Path, kind: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / f"id_{kind}"
    program = shutil.which("ssh-keygen")
    subprocess.run([program, "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)], check=True)
    return path
