"""What Kubernetes takes for a name, a namespace, a kind, a label: the rules, and words for what breaks them.

Names become paths of the render tree, so that these rules are also what keeps every path inside it.
"""

from __future__ import annotations

import re
from typing import Final

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SUBDOMAIN_PART: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]", re.ASCII)
_KIND: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,62}", re.ASCII)
_VERSION: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)

DNS_LABEL: Final = "at most 63 lower-case letters, digits and '-', with a letter or digit at both ends"
DNS_SUBDOMAIN: Final = (
    "at most 253 lower-case letters, digits, '-' and '.', with a letter or digit at both ends of every part"
)
PATH_SEGMENT: Final = "at most 253 printable characters without '/' and '%', and neither '.' nor '..'"
LABEL_KEY: Final = (
    "a name of at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends, "
    "and before it, if anything, a DNS name and '/'"
)
LABEL_VALUE: Final = "at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"

_LONGEST_NAME: Final = 253

# Kinds whose names are not DNS subdomains. Group and kind, then the rule's words.
_NAME_RULES: Final[dict[tuple[str, str], str]] = {
    ("", "Namespace"): DNS_LABEL,
    ("", "Service"): DNS_LABEL,
    ("rbac.authorization.k8s.io", "ClusterRole"): PATH_SEGMENT,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): PATH_SEGMENT,
    ("rbac.authorization.k8s.io", "Role"): PATH_SEGMENT,
    ("rbac.authorization.k8s.io", "RoleBinding"): PATH_SEGMENT,
    ("certificates.k8s.io", "ClusterTrustBundle"): PATH_SEGMENT,
    ("networking.k8s.io", "IPAddress"): PATH_SEGMENT,
    ("apiregistration.k8s.io", "APIService"): PATH_SEGMENT,
}


def name_rule(group: str, kind: str) -> str:
    """The words of the rule that this kind's names follow."""
    return _NAME_RULES.get((group, kind), DNS_SUBDOMAIN)


def is_object_name(group: str, kind: str, name: str) -> bool:
    """Whether Kubernetes takes `name` for an object of this kind."""
    rule = name_rule(group, kind)
    if rule is DNS_LABEL:
        return is_dns_label(name)
    return is_path_segment(name) if rule is PATH_SEGMENT else is_dns_subdomain(name)


def is_dns_label(text: str) -> bool:
    """RFC 1123 label."""
    return _LABEL.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """RFC 1123 subdomain: labels joined by dots, without the limit of 63 a label, as in Kubernetes."""
    return len(text) <= _LONGEST_NAME and all(map(_SUBDOMAIN_PART.fullmatch, text.split(".")))


def is_path_segment(text: str) -> bool:
    """What RBAC kinds take, kept to printable characters."""
    return (
        0 < len(text) <= _LONGEST_NAME
        and text not in (".", "..")
        and text.isprintable()
        and not any(char in "/%" for char in text)
    )


def is_label_key(text: str) -> bool:
    """A qualified name: `name` or `prefix/name`."""
    prefix, slash, name = text.rpartition("/")
    return _QUALIFIED.fullmatch(name) is not None and (not slash or is_dns_subdomain(prefix))


def is_label_value(text: str) -> bool:
    """A label's value, or empty."""
    return not text or _QUALIFIED.fullmatch(text) is not None


def is_kind(text: str) -> bool:
    """A kind's name."""
    return _KIND.fullmatch(text) is not None


def is_api_version(text: str) -> bool:
    """`version`, or `group/version`."""
    group, slash, version = text.rpartition("/")
    return _VERSION.fullmatch(version) is not None and (not slash or is_dns_subdomain(group))
