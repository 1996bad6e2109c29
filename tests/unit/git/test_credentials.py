from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.git.credentials import connect
from reconciler.git.errors import scrub
from reconciler.git.urls import parse_address

HTTPS = "https://git.example.com/fleet.git"
SSH = "ssh://git@git.example.com/fleet.git"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def opened(url: str, directory: Path | None, inherited: dict[str, str] | None = None, **options):
    chosen = {"laptop": False, "interactive": False, "plain_http": False, **options}
    return connect(
        parse_address(url), directory, stall=5, inherited=inherited or {"PATH": "/usr/bin:/bin"}, **chosen
    )


def settings_of(environment) -> list[tuple[str, str]]:
    count = int(environment["GIT_CONFIG_COUNT"])
    return [(environment[f"GIT_CONFIG_KEY_{n}"], environment[f"GIT_CONFIG_VALUE_{n}"]) for n in range(count)]


@pytest.fixture
def secret(tmp_path):
    def write(**keys: str) -> Path:
        directory = tmp_path / "secret"
        directory.mkdir(exist_ok=True)
        for name, value in keys.items():
            path = directory / name.replace("ca_crt", "ca.crt")
            path.write_text(value)
            path.chmod(0o600)
        return directory

    return write


REFUSED = [
    ({}, HTTPS, {}, "holds none of username/password"),
    ({"username": "git"}, HTTPS, {}, "without password"),
    ({"bearerToken": "t", "username": "u", "password": "p"}, HTTPS, {}, "keep one"),
    ({"bearerToken": "one\ntwo"}, HTTPS, {}, "control characters"),
    ({"username": "u", "password": "p\nurl=x"}, HTTPS, {}, "control characters"),
    ({"username": "u", "password": "p", "ca_crt": "no"}, HTTPS, {}, "not a certificate"),
    ({"username": "u", "password": "p"}, "http://git.example.com/a", {}, "use https"),
    ({"username": "u", "password": "p"}, "/srv/fleet.git", {}, "takes no credential"),
    ({"username": "u", "password": "p"}, HTTPS, {"GIT_SSL_NO_VERIFY": "1"}, "anybody answer"),
    ({"known_hosts": "h k"}, SSH, {}, "holds no identity"),
    ({"identity": "key\n"}, SSH, {}, "holds no known_hosts"),
    ({"identity": "key\n", "known_hosts": " \n"}, SSH, {}, "holds no known_hosts"),
    ({"identity": "key\n", "known_hosts": "h k"}, HTTPS, {}, "holds none of"),
    ({"githubAppID": "1"}, HTTPS, {}, "without githubAppInstallationID, githubAppPrivateKey"),
]


@pytest.mark.parametrize(("keys", "url", "inherited", "words"), REFUSED)
def test_a_credential_that_is_half_or_unsafe_is_refused(secret, keys, url, inherited, words):
    with pytest.raises(SettingsError, match=words), opened(url, secret(**keys), inherited):
        pass


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"absent is not there"), opened(HTTPS, tmp_path / "absent"):
        pass
    with pytest.raises(SettingsError, match="needs a directory"), opened(SSH, None):
        pass


def test_git_itself_gets_the_password_for_this_host_alone(secret):
    with opened(HTTPS, secret(username="robot", password="hunter2\n")) as connection:
        assert _filled(connection.environment, "https", "git.example.com") == {
            "protocol": "https", "host": "git.example.com", "username": "robot", "password": "hunter2",
        }  # fmt: skip
        for scheme, host in (
            ("https", "evil.example.com"),
            ("http", "git.example.com"),
            ("https", "git.example.com:444"),
        ):
            assert "password" not in _filled(connection.environment, scheme, host)
        assert "hunter2" in connection.secrets


def test_a_bearer_token_is_a_header_for_this_host_alone(secret):
    with opened(HTTPS, secret(bearerToken="hunter2", ca_crt=PEM)) as connection:
        settings = dict(settings_of(connection.environment))
    assert settings["http.https://git.example.com.extraHeader"] == "Authorization: Bearer hunter2"
    assert settings["http.https://git.example.com.followRedirects"] == "false"
    assert settings["http.https://git.example.com.sslVerify"] == "true"
    assert settings["http.https://git.example.com.sslCAInfo"].endswith("/ca.crt")
    assert "http.extraHeader" not in settings
    for url, matched in (
        ("https://git.example.com/x", "hunter2"),
        ("https://git.example.com.evil.org/x", ""),
    ):
        done = _git(connection.environment, "config", "--get-urlmatch", "http.extraHeader", url)
        assert (matched in done) if matched else not done


def test_the_secret_is_read_anew_for_each_connection(secret):
    directory = secret(username="u", password="old")
    with opened(HTTPS, directory) as connection:
        assert _filled(connection.environment, "https", "git.example.com")["password"] == "old"
    (directory / "password").write_text("new")
    with opened(HTTPS, directory) as connection:
        assert _filled(connection.environment, "https", "git.example.com")["password"] == "new"


def test_ssh_knows_its_hosts_and_its_key_and_nothing_else(secret):
    directory = secret(identity="key\n", known_hosts="host key\n")
    with opened(SSH, directory) as connection:
        command = connection.environment["GIT_SSH_COMMAND"]
        for part in (
            "StrictHostKeyChecking=yes",
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "-F none",
        ):
            assert part in command
        assert f"-i {directory}/identity" in command
        assert _ssh_settings(command)["stricthostkeychecking"] in {"true", "yes"}
        hosts = Path(_ssh_settings(command)["userknownhostsfile"])
        assert hosts.read_text() == "host key\n"
    assert not hosts.exists()


@pytest.mark.parametrize("how", ["mode", "no line break", "windows"])
def test_a_key_that_ssh_would_not_take_is_copied_privately_and_removed(secret, how):
    directory = secret(
        identity={"no line break": "key", "windows": "key\r\n"}.get(how, "key\n"), known_hosts="h k\n"
    )
    if how == "mode":
        (directory / "identity").chmod(0o644)
    with opened(SSH, directory) as connection:
        key = Path(_ssh_settings(connection.environment["GIT_SSH_COMMAND"])["identityfile"])
        assert key.read_text() == "key\n"
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.parent != directory
    assert not key.exists()


def test_nothing_of_the_user_or_the_machine_reaches_an_operators_git(secret, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[http]\n  sslVerify = false\n[user]\n  name = me\n")
    inherited = {
        "PATH": "/usr/bin:/bin", "HOME": str(home), "GIT_DIR": "/elsewhere", "GIT_TRACE_CURL": "1", "SSH_AUTH_SOCK": "/agent",
        "GIT_ASKPASS": "/bin/evil", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c",
        "GIT_SSH_COMMAND": "ssh -o StrictHostKeyChecking=no", "https_proxy": "http://proxy:3128",
    }  # fmt: skip
    with opened(HTTPS, secret(bearerToken="t"), inherited) as connection:
        environment = connection.environment
        assert not _git(environment, "config", "--get", "user.name")
        assert not _git(environment, "config", "--get", "a.b")
        assert _git(environment, "config", "--get-urlmatch", "http.sslVerify", HTTPS) == "true"
    assert environment["https_proxy"] == "http://proxy:3128"
    assert not {"GIT_DIR", "GIT_TRACE_CURL", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND"} & environment.keys()
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert environment["GIT_ASKPASS"] == ""


def test_a_laptop_keeps_its_own_helpers_and_never_prompts_without_a_person(tmp_path):
    config = tmp_path / "config"
    config.write_text('[credential]\n  helper = "!f() { echo username=me; echo password=mine; }; f"\n')
    inherited = {
        "PATH": "/usr/bin:/bin",
        "GIT_CONFIG_GLOBAL": str(config),
        "SSH_AUTH_SOCK": "/agent",
        "GIT_DIR": "/else",
    }
    with opened(HTTPS, None, inherited, laptop=True) as connection:
        assert _filled(connection.environment, "https", "anywhere")["password"] == "mine"
        assert connection.environment["SSH_AUTH_SOCK"] == "/agent"
        assert connection.environment["GIT_TERMINAL_PROMPT"] == "0"
        assert "GIT_DIR" not in connection.environment
        assert not connection.interactive
    with opened(HTTPS, None, inherited, laptop=True, interactive=True) as connection:
        assert "GIT_TERMINAL_PROMPT" not in connection.environment


@pytest.mark.parametrize(
    ("url", "inherited", "config"),
    [
        (HTTPS, {"GIT_SSL_NO_VERIFY": "true"}, ""),
        (HTTPS, {}, "[http]\n  sslVerify = false\n"),
        (HTTPS, {}, '[http "https://git.example.com/"]\n  sslVerify = no\n'),
        (SSH, {"GIT_SSH_COMMAND": "ssh -o StrictHostKeyChecking=no"}, ""),
        (SSH, {"GIT_SSH_COMMAND": "ssh -oUserKnownHostsFile=/dev/null"}, ""),
        (SSH, {}, "[core]\n  sshCommand = ssh -o StrictHostKeyChecking=accept-new\n"),
    ],
)
def test_a_laptop_may_not_switch_verification_off_either(tmp_path, url, inherited, config):
    (tmp_path / "config").write_text(config)
    environment = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": str(tmp_path / "config"), **inherited}
    with pytest.raises(SettingsError, match=r"any(body|\shost)"), opened(url, None, environment, laptop=True):
        pass


def test_messages_are_scrubbed():
    assert scrub("fatal: https://u:p4ss@h/x and tok", ["tok", ""]) == "fatal: https://***@h/x and ***"
    assert scrub("> Authorization: Bearer abc.def") == "> Authorization: Bearer ***"


def _git(environment, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", *arguments],
        env=dict(environment),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    return done.stdout.strip()


def _filled(environment, scheme: str, host: str) -> dict[str, str]:
    out = _git(environment, "credential", "fill", stdin=f"protocol={scheme}\nhost={host}\n\n")
    return dict(line.split("=", 1) for line in out.splitlines())


def _ssh_settings(command: str) -> dict[str, str]:
    """What ssh itself makes of the command (`ssh -G`)."""
    import shlex

    done = subprocess.run([*shlex.split(command), "-G", "host"], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
