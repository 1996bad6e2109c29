"""Edits of the fleet repository's own files: comments and layout kept, the result checked before it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from reconciler.errors import FleetError, SettingsError
from reconciler.manifests.emit import emit
from reconciler.manifests.load import load
from reconciler.manifests.rewrite import REMOVE, Edit, remove_document, rewrite

SETTINGS_FILE: Final = "reconciler.yaml"
_EMPTY: Final = {
    "apiVersion": "fleet-reconciler/v1alpha1",
    "kind": "FleetConfig",
    "metadata": {"name": "fleet"},
}


def edit_settings(path: Path, *, suspend: bool | None, clusters: tuple[str, ...], stop: bool) -> bool:
    """Set `suspend` (None leaves it) and add or take away suspended clusters; whether the file changed."""
    file = path / SETTINGS_FILE
    if file.is_symlink():
        raise SettingsError(f"{file} is a symbolic link: what it leads to is not edited")
    text = file.read_bytes() if file.exists() else b""
    text = text if text.strip() else emit(_EMPTY)
    loaded = load(text, SETTINGS_FILE)
    documents = loaded.documents
    index = next((i for i, d in enumerate(documents) if d.body.get("kind") == "FleetConfig"), None)
    if index is None:
        if loaded.problems:
            raise FleetError(f"{file} cannot be read: nothing was changed", loaded.problems)
        raise SettingsError(f"{file} holds no FleetConfig")
    spec = documents[index].body.get("spec") or {}
    if not isinstance(spec, dict):
        raise SettingsError(f"{file} holds a FleetConfig whose spec is no mapping: mend it first")
    edits = []
    if suspend is not None:
        edits.append(Edit(path=("spec", "suspend"), value=True if suspend else REMOVE))
        if not suspend:
            edits.append(Edit(path=("spec", "suspendedClusters"), value=REMOVE))
    if clusters:
        before = list(spec.get("suspendedClusters") or ())
        after = sorted({*before, *clusters}) if stop else [name for name in before if name not in clusters]
        edits.append(Edit(path=("spec", "suspendedClusters"), value=after or REMOVE))
    written = rewrite(text, documents[index].origin.document, edits, path=SETTINGS_FILE)
    if file.exists() and written == text:
        return False
    file.write_bytes(written)
    return True


def find_cluster(path: Path, name: str) -> tuple[Path, int, int] | None:
    """The file of a Cluster, the document's index in it, and how many documents it holds."""
    for file in sorted(path.rglob("*.yaml")) + sorted(path.rglob("*.yml")):
        relative = file.relative_to(path)
        if any(part.startswith(".") for part in relative.parts) or file.is_symlink() or not file.is_file():
            continue
        documents = load(file.read_bytes(), str(relative)).documents
        for document in documents:
            body = document.body
            is_cluster = (
                str(body.get("apiVersion", "")).startswith("cluster.karmada.io/")
                and body.get("kind") == "Cluster"
            )
            if is_cluster and (body.get("metadata") or {}).get("name") == name:
                return file, document.origin.document, len({d.origin.document for d in documents})
    return None


def remove_cluster(path: Path, name: str) -> Path:
    """Take the Cluster document away; the file goes when nothing else is in it. Raises SettingsError."""
    found = find_cluster(path, name)
    if found is None:
        raise SettingsError(f"no file below {path} holds a Cluster {name}")
    file, document, count = found
    if count == 1:
        file.unlink()
    else:
        file.write_bytes(remove_document(file.read_bytes(), document, path=str(file)))
    return file
