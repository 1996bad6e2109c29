from __future__ import annotations

import pytest

from reconciler.errors import SettingsError
from reconciler.git.remote import remote_for
from reconciler.git.urls import Role, parse_address, role_url
from reconciler.settings import RemoteUrls


@pytest.mark.parametrize(
    ("url", "scheme", "base"),
    [
        ("/srv/fleet.git", "file", ""),
        ("./fleet", "file", ""),
        ("a/b:c", "file", ""),
        ("file:///srv/fleet.git", "file", ""),
        ("https://git.example.com/a/b.git", "https", "https://git.example.com"),
        ("HTTPS://git.example.com:8443/a", "https", "https://git.example.com:8443"),
        ("http://[::1]:80/a", "http", "http://[::1]:80"),
        ("ssh://git@git.example.com:22/a.git", "ssh", ""),
        ("git@git.example.com:a/b.git", "ssh", ""),
        ("git.example.com:a", "ssh", ""),
    ],
)
def test_an_address_is_known_by_its_form(url, scheme, base):
    address = parse_address(url)
    assert (address.scheme, address.base, str(address)) == (scheme, base, url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://user:hunter2@git.example.com/a", "carries a user or password"),
        ("https://hunter2@git.example.com/a", "carries a user or password"),
        ("http://u:hunter2@127.0.0.1/a", "carries a user or password"),
        ("ssh://git:hunter2@git.example.com/a", "carries a user or password"),
        ("ext::sh -c hunter2", "remote helpers"),
        ("ext::sh", "remote helpers"),
        ("git://git.example.com/a", "only https"),
        ("ftp://git.example.com/a", "only https"),
        ("-upload-pack=touch", "not the address"),
        ("ssh://-oProxyCommand=x/a", "names no host"),
        ("-oProxyCommand=x:a", "not the address"),
        ("git@-oProxyCommand=x:a", "not the address"),
        ("https://git.example.com/a?token=hunter2", "query"),
        ("https:///a", "names no host"),
        ("https://git.example.com:port/a", "not the address"),
        ("", "not the address"),
        (" https://x/a", "not the address"),
        ("https://x/a\nb", "not the address"),
    ],
)
def test_an_address_that_leaks_or_runs_something_is_refused(url, words):
    with pytest.raises(SettingsError, match=words) as caught:
        parse_address(url)
    if "@" in url:
        assert "hunter2" not in str(caught.value)


def test_a_role_without_an_address_has_the_sources():
    urls = RemoteUrls(source="https://h/src", report="https://h/{cluster}/report")
    assert role_url(urls, Role.RENDERED) == "https://h/src"
    assert role_url(urls, Role.REPORT, "edge-1") == "https://h/edge-1/report"


@pytest.mark.parametrize("cluster", ["", "../x", "a/b", "A", "a..b", "-a", "a b", "a%2fb"])
def test_a_cluster_name_cannot_lead_elsewhere(cluster):
    with pytest.raises(SettingsError, match="cannot be put"):
        role_url(RemoteUrls(cluster="https://h/{cluster}"), Role.CLUSTER, cluster)


def test_a_placeholder_where_it_means_nothing_is_refused():
    for urls, role in (
        (RemoteUrls(source="https://h/{cluster}"), Role.SOURCE),
        (RemoteUrls(source="x", status="https://h/{cluster}"), Role.STATUS),
    ):
        with pytest.raises(SettingsError, match="means nothing"):
            role_url(urls, role, "a")
    with pytest.raises(SettingsError, match="placeholder"):
        role_url(RemoteUrls(report="https://h/{name}"), Role.REPORT, "a")


def test_a_role_has_the_sources_credential_only_on_the_sources_address(tmp_path):
    urls = RemoteUrls(source="https://h/src", status="https://h/status", rendered="https://h/src")
    given = {Role.SOURCE: tmp_path / "source", Role.REPORT: tmp_path / "report"}
    assert remote_for(urls, Role.RENDERED, credentials=given).credentials == tmp_path / "source"
    assert remote_for(urls, Role.REPORT, credentials=given).credentials == tmp_path / "report"
    assert remote_for(urls, Role.STATUS, credentials=given).credentials is None
    report = remote_for(urls, Role.REPORT)
    assert report.strict
    assert report.largest_pack
    with pytest.raises(SettingsError):
        remote_for(RemoteUrls(source="ext::x"), Role.SOURCE)
