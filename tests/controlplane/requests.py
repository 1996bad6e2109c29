"""What an API server says was asked of it: its own request counter, and its audit log of writes.

Promises: read from the server, never from the client under test. Pure: parses text, opens nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

WRITE_VERBS: Final = frozenset({"APPLY", "DELETE", "DELETECOLLECTION", "PATCH", "POST", "PUT"})

_SAMPLE: Final = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<value>\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One row of `apiserver_request_total`. `verb` is the metric's: APPLY is server-side apply, POST a create."""

    verb: str
    group: str
    resource: str
    subresource: str
    dry_run: bool
    code: int


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How often each request was made; two of them subtract to what happened in between."""

    counts: Mapping[Request, int] = field(default_factory=dict)

    def __sub__(self, earlier: RequestCounts) -> RequestCounts:
        differences = {
            request: count - earlier.counts.get(request, 0) for request, count in self.counts.items()
        }
        return RequestCounts({request: count for request, count in differences.items() if count})

    def total(
        self,
        *,
        verb: str | Collection[str] | None = None,
        resource: str | None = None,
        subresource: str | None = None,
        dry_run: bool | None = None,
    ) -> int:
        """The sum over all rows that match; what is not given matches everything."""
        verbs = {verb} if isinstance(verb, str) else verb
        return sum(
            count
            for request, count in self.counts.items()
            if (verbs is None or request.verb in verbs)
            and (resource is None or request.resource == resource)
            and (subresource is None or request.subresource == subresource)
            and (dry_run is None or request.dry_run == dry_run)
        )

    @property
    def applied(self) -> int:
        """Server-side applies that were meant (not dry runs). Of the cluster's own, ClusterRoles that aggregate are applied."""
        return self.total(verb="APPLY", dry_run=False)

    def writes(self, resource: str | None = None) -> int:
        """Writes that were meant, by anybody: controllers write too, so name a resource they leave alone."""
        return self.total(verb=WRITE_VERBS, resource=resource, dry_run=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write in the audit log: who did what to which object, and the server's answer.

    `verb` is the audit log's: create, update, patch (server-side apply too), delete, deletecollection.
    """

    user: str
    user_agent: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    dry_run: bool
    code: int
    uri: str


def request_counts(metrics: str) -> RequestCounts:
    """The counter's rows in the text of `/metrics`."""
    counts: dict[Request, int] = {}
    for sample in _SAMPLE.finditer(metrics):
        labels = dict(_LABEL.findall(sample["labels"]))
        request = Request(
            verb=labels["verb"],
            group=labels["group"],
            resource=labels["resource"],
            subresource=labels["subresource"],
            dry_run=bool(labels["dry_run"]),
            code=int(labels["code"] or 0),
        )
        # Rows that differ in version or scope alone are one row here.
        counts[request] = counts.get(request, 0) + int(float(sample["value"]))
    return RequestCounts(counts)


def writes(lines: Iterable[str]) -> Iterator[Write]:
    """The writes in an audit log, in the order in which they ended."""
    for line in lines:
        event = json.loads(line)
        if event["stage"] != "ResponseComplete" or "objectRef" not in event:
            continue
        target = event["objectRef"]
        yield Write(
            user=event["user"]["username"],
            user_agent=event.get("userAgent", ""),
            verb=event["verb"],
            group=target.get("apiGroup", ""),
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            dry_run="dryRun=All" in event["requestURI"],
            code=event.get("responseStatus", {}).get("code", 0),
            uri=event["requestURI"],
        )
