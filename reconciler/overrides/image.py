"""imageOverrider: edits registry, repository or tag of image references (spec §1.5).

The grammar is that of container image references, without Docker Hub's normalisation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from reconciler.manifests.builtin_types import WrongType, check_type
from reconciler.model.manifest import Body
from reconciler.model.override import ImageOverrider, PatchOperation
from reconciler.overrides.containers import CONTAINER_PATH, containers_of_type, with_containers
from reconciler.overrides.outcome import Ineffective, OverriderError, Place
from reconciler.overrides.patch import apply_operation, parse_index

_DOMAIN_LABEL: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST: Final = rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])"
_PATH_COMPONENT: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH: Final = rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*"
_TAG: Final = r"\w[\w.-]{0,127}"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}(?::[0-9]+)?/)?(?P<path>{_PATH}))(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?",
    re.ASCII,
)
_TAG_ONLY = re.compile(_TAG, re.ASCII)
_DIGEST_ONLY = re.compile(_DIGEST, re.ASCII)
_DIGEST_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_LOWER_HEX = re.compile(r"[a-f0-9]+")
_LONGEST_PATH: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image reference in its parts; each may be empty. `str()` gives the reference."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        name = f"{self.registry}/{self.repository}" if self.registry else self.repository
        if self.tag:
            return f"{name}:{self.tag}"
        return f"{name}@{self.digest}" if self.digest else name


@lru_cache(maxsize=4096)
def parse_image(reference: str) -> Image:
    """The parts of an image reference. Raises OverriderError where it breaks the grammar."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise OverriderError(f"{reference!r} is not an image reference")
    if len(match["path"]) > _LONGEST_PATH:
        raise OverriderError(f"the repository of {reference!r} is longer than {_LONGEST_PATH} characters")
    digest = match["digest"] or ""
    if digest:
        algorithm, _, digits = digest.partition(":")
        if _DIGEST_LENGTHS.get(algorithm) != len(digits) or not _LOWER_HEX.fullmatch(digits):
            raise OverriderError(f"the digest of {reference!r} is not valid")
    first, slash, rest = match["name"].partition("/")
    has_registry = slash and ("." in first or ":" in first or first == "localhost")
    registry, repository = (first, rest) if has_registry else ("", match["name"])
    tag = match["tag"] or ""
    # Karmada: beside a tag, the digest is dropped.
    return Image(registry=registry, repository=repository, tag=tag, digest="" if tag else digest)


def edited_image(reference: str, overrider: ImageOverrider) -> str:
    """The reference after one edit. Raises OverriderError where the reference breaks the grammar."""
    image = parse_image(reference)
    adds = overrider.operator == "add"
    value = "" if overrider.operator == "remove" else overrider.value
    match overrider.component:
        case "Registry":
            return str(replace(image, registry=image.registry + value if adds else value))
        case "Repository":
            return str(replace(image, repository=image.repository + value if adds else value))
        case "Tag" if overrider.operator == "remove":
            return str(replace(image, tag="") if image.tag else replace(image, digest=""))
        case "Tag":
            return str(_with_tag_or_digest(image, (image.tag or image.digest) + value if adds else value))
        case other:
            raise OverriderError(f"unknown image component {other!r}")


def override_image(body: Body, overriders: Sequence[ImageOverrider], notes: list[Ineffective]) -> Body:
    """The body with its images edited: at the predicate's path, or in every container of the kinds that have some."""
    for index, overrider in enumerate(overriders):
        place: Place = ("imageOverrider", index)
        try:
            changed = (
                _by_predicate(body, overrider)
                if overrider.predicate_path is not None
                else _by_kind(body, overrider)
            )
        except OverriderError as error:
            raise OverriderError(str(error), place + error.place) from None
        if changed is body:
            notes.append(Ineffective(place=place, reason=_why_unchanged(body, overrider)))
        body = changed
    return body


def _by_kind(body: Body, overrider: ImageOverrider) -> Body:
    path = CONTAINER_PATH.get(str(body.get("kind")))
    if path is None:
        return body
    try:
        check_type(body, str(body["kind"]))
    except WrongType as wrong:
        raise OverriderError(str(wrong)) from None
    containers = containers_of_type(body, path)
    edited = []
    changed = False
    for container in containers:
        # Karmada: null among the containers is one without an image, which no image can be made of.
        reference = (container or {}).get("image") or ""
        result = edited_image(reference, overrider)
        changed = changed or result != reference
        edited.append({**container, "image": result})
    return with_containers(body, path, edited) if changed else body


def _by_predicate(body: Body, overrider: ImageOverrider) -> Body:
    path = overrider.predicate_path or ""
    node: Any = body
    for token in path.strip("/").split("/"):
        match node:
            case dict() if token in node:
                node = node[token]
            case list() if (index := parse_index(token)) is not None and 0 <= index < len(node):
                node = node[index]
            case _:
                raise OverriderError(f"the path {path} is missing at {token!r}", ("predicate", "path"))
    if not isinstance(node, str):
        raise OverriderError(f"the value at {path} is not a string", ("predicate", "path"))
    result = edited_image(node, overrider)
    # Karmada: the slashes around the path are trimmed for reading alone, and a patch that begins with `//` edits nothing.
    if path.startswith("//"):
        return body
    edit = PatchOperation(path=path, operator="replace", value=result, has_value=True)
    edited: Body = apply_operation(body, edit)
    return body if result == node else edited


def _with_tag_or_digest(image: Image, value: str) -> Image:
    # Karmada: what is neither a tag nor a digest changes nothing (`@sha256:…` with its leading @ neither).
    if _TAG_ONLY.fullmatch(value):
        return replace(image, tag=value, digest="")
    if _DIGEST_ONLY.fullmatch(value):
        return replace(image, tag="", digest=value)
    return image


def _why_unchanged(body: Body, overrider: ImageOverrider) -> str:
    if overrider.predicate_path is None and str(body.get("kind")) not in CONTAINER_PATH:
        return f"kind {body.get('kind')} has no containers: give predicate.path"
    if overrider.component == "Tag" and overrider.operator != "remove":
        return f"{overrider.operator} {overrider.value!r} leaves the tag as it is"
    return f"{overrider.operator} {overrider.component} changes no image"
