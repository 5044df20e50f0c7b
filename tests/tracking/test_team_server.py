"""`ablab serve` up to the start of MLflow's server, and the compose file that runs it."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablab.cli import main
from ablab.cli.parser import make_parser
from ablab.cli.serve import read_settings
from ablab.errors import InputError
from ablab.tracking import team_server
from ablab.tracking.server_settings import Database, ServerSettings, check_secrets, read_database
from ablab.tracking.team_server import command, describe, environment, write_auth

ROOT = Path(__file__).parents[2]
PASSWORD, ADMIN, KEY = "Zq8w7-e6r5t4z3", "Yr4t5-z6u7i8o9", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ENVIRON = {
    "MLFLOW_BACKEND_STORE_URI": f"postgresql://ann:{PASSWORD}@127.0.0.1:1/runs",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": KEY,
    "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN,
    "PATH": "/usr/bin",
    "PGSSLMODE": "require",
}
DATABASE = Database("postgresql+psycopg://ann@127.0.0.1:1/runs", PASSWORD)


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    hosts, origins = ("lab", "lab:5000"), ("https://lab",)
    return ServerSettings(tmp_path / "server", "0.0.0.0", 5000, 2, hosts, origins)


def test_mlflows_command_has_every_protection_and_no_secret(settings: ServerSettings) -> None:
    words = command(settings)
    options = dict(pairwise(words))
    assert words[1:4] == ["-m", "mlflow", "server"]
    assert options["--app-name"] == "basic-auth"
    assert options["--allowed-hosts"] == "lab,lab:5000"
    assert options["--cors-allowed-origins"] == "https://lab"
    assert options["--artifacts-destination"] == (settings.folder / "artifacts").as_uri()
    assert "--serve-artifacts" in words
    assert not [word for word in words if PASSWORD in word or ADMIN in word or KEY in word]


def test_only_the_named_variables_of_mlflow_reach_the_server(settings: ServerSettings) -> None:
    weak = {
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true",
        "MLFLOW_DISABLE_TELEMETRY": "false",
        "MLFLOW_GUNICORN_OPTS": "",
        "MLFLOW_TRACKING_PASSWORD": "of a client",
        "_MLFLOW_AUTH_ADMIN_BOOTSTRAPPED": "true",
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "9",
    }
    passed = environment(settings, DATABASE, ENVIRON | weak)
    assert {name: passed[name] for name in passed if "MLFLOW" in name} == {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
        "MLFLOW_AUTH_CONFIG_PATH": str(settings.folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": "admin",
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": KEY,
        "MLFLOW_BACKEND_STORE_URI": DATABASE.uri,
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "9",
    }
    assert (passed["PGPASSWORD"], passed["PGSSLMODE"]) == (PASSWORD, "require")
    (told,) = [
        line for line in describe(settings, DATABASE, ENVIRON | weak) if "not passed" in line
    ]
    assert told.endswith(
        "MLFLOW_GUNICORN_OPTS, MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE, "
        "_MLFLOW_AUTH_ADMIN_BOOTSTRAPPED"
    )


def test_what_is_printed_holds_no_secret_and_warns_of_plain_http(settings: ServerSettings) -> None:
    text = "\n".join(describe(settings, DATABASE, ENVIRON))
    assert "passwords are sent unencrypted" in text
    assert not [secret for secret in (PASSWORD, ADMIN, KEY) if secret in text]


def test_a_certificate_reaches_uvicorn(settings: ServerSettings, tmp_path: Path) -> None:
    from dataclasses import replace

    secure = replace(settings, certificate=(tmp_path / "a b.pem", tmp_path / "key.pem"))
    options = environment(secure, DATABASE, ENVIRON)["MLFLOW_UVICORN_OPTS"]
    assert options == f"--ssl-certfile '{tmp_path}/a b.pem' --ssl-keyfile {tmp_path}/key.pem"
    assert "unencrypted" not in "\n".join(describe(secure, DATABASE, ENVIRON))


def test_the_settings_of_users_hold_the_uri_and_no_password(settings: ServerSettings) -> None:
    odd = Database("postgresql+psycopg://a%40b@db/runs", PASSWORD)
    write_auth(settings, odd)
    write_auth(settings, odd)  # our own is written again
    path = settings.folder / "auth.ini"
    assert PASSWORD not in path.read_text()
    read = ConfigParser()  # as MLflow reads it
    read.read(path)
    assert read["mlflow"]["default_permission"] == "EDIT"
    assert read["mlflow"]["database_uri"] == odd.uri
    assert (settings.folder.stat().st_mode & 0o777) == 0o700


def test_a_file_of_another_origin_is_kept(settings: ServerSettings) -> None:
    settings.folder.mkdir()
    (settings.folder / "auth.ini").write_text("[mlflow]\n")
    with pytest.raises(InputError, match=r"auth\.ini must be as ablab wrote it"):
        write_auth(settings, DATABASE)
    assert (settings.folder / "auth.ini").read_text() == "[mlflow]\n"


@pytest.fixture
def with_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team_server, "find_spec", lambda name: ModuleSpec(name, None))


def serve(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the message with which `ablab serve` refuses."""
    assert main(["serve", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "0"], "port must be from 1 to 65535, got 0"),
        (["--workers", "0"], "workers must be from 1 to 64, got 0"),
        (["--host", "0.0.0.0"], "allowed-hosts must be given"),
        (["--certificate", "c.pem"], "must be given together, got only --certificate"),
        (["--certificate", "c.pem", "--key", "k.pem"], "c.pem must be a file, got none"),
        (["--cors-allowed-origins", "*"], "cors-allowed-origins must be such as https://"),
    ],
)
def test_wrong_options_are_refused_before_anything_happens(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert message in serve(capsys, str(tmp_path / "server"), *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("with_packages")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"MLFLOW_FLASK_SERVER_SECRET_KEY": ""}, "at least 32 characters"),
        ({"MLFLOW_AUTH_ADMIN_PASSWORD": "password1234"}, "MLFLOW_AUTH_ADMIN_PASSWORD must be"),
        ({"MLFLOW_BACKEND_STORE_URI": "sqlite:///mlflow.db"}, "must be postgresql://"),
    ],
)
def test_wrong_variables_are_refused_before_anything_happens(
    changed: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in (ENVIRON | changed).items():
        monkeypatch.setenv(name, value)
    told = serve(capsys, str(tmp_path / "server"))
    assert message in told
    assert not [secret for secret in (PASSWORD, ADMIN, KEY) if secret in told]
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("with_packages")
def test_a_taken_port_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"got 127.0.0.1 and {port}" in serve(capsys, str(tmp_path), "--port", port)


def test_a_database_that_does_not_answer_is_named_without_its_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("psycopg", reason="needs ablab[server]", exc_type=ImportError)
    pytest.importorskip("flask_wtf", reason="needs ablab[server]", exc_type=ImportError)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    told = serve(capsys, str(tmp_path / "server"))
    assert "MLFLOW_BACKEND_STORE_URI must answer as postgresql+psycopg://ann@127.0.0.1:1" in told
    assert PASSWORD not in told
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named_with_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(team_server, "find_spec", lambda _: None)
    assert "pip install 'ablab[server]'" in serve(capsys, str(tmp_path))


def compose() -> tuple[dict[str, Any], dict[str, str]]:
    """Return the services of the compose file, filled in from the example, and its variables."""
    text = (ROOT / "deploy/compose.yaml").read_text()
    lines = (ROOT / "deploy/.env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    values = {
        name: value or f"Zq8w7e6r5t4z3u2i1o0p9-{name.lower()}" for name, value in values.items()
    }
    for name, _ in re.findall(r"\$\{(\w+)(:[?-][^}]*)?\}", text):
        assert name in values
    filled = re.sub(r"\$\{(\w+)(:[?-][^}]*)?\}", lambda match: values[match[1]], text)
    return yaml.safe_load(filled)["services"], values


def test_the_compose_file_starts_this_command_with_settings_that_it_accepts() -> None:
    services, values = compose()
    server = services["server"]
    program, *arguments = server["command"]
    assert program == "ablab"
    settings = read_settings(make_parser().parse_args(arguments))
    assert settings.folder == Path(server["volumes"][0].partition(":")[2])
    assert (settings.host, str(settings.port)) == ("0.0.0.0", server["ports"][0].split(":")[-1])
    assert set(values["ABLAB_HOSTS"].split(",")) <= set(settings.allowed_hosts)
    assert settings.origins == tuple(values["ABLAB_ORIGINS"].split(","))
    assert server["ports"][0].startswith("127.0.0.1:")
    environ = server["environment"]
    check_secrets(environ)
    database, served = read_database(environ), services["database"]["environment"]
    user, name = served["POSTGRES_USER"], served["POSTGRES_DB"]
    assert database.uri == f"postgresql+psycopg://{user}@database/{name}"
    assert database.password == served["POSTGRES_PASSWORD"]
    assert "ports" not in services["database"]


@pytest.mark.parametrize(
    "name", ["POSTGRES_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY", "ABLAB_HOSTS", "ABLAB_ORIGINS"]
)
def test_compose_itself_refuses_a_missing_variable(name: str) -> None:
    text = (ROOT / "deploy/compose.yaml").read_text()
    assert f"${{{name}:?" in text
    assert f"${{{name}}}" not in text


def test_the_image_has_the_packages_of_the_extra() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = [re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"]["server"]]
    assert len(extra) == 2
    (line,) = [line for line in text.splitlines() if "-c constraints.txt" in line]
    assert set(extra) <= set(line.replace('"', "").split())
    ignored = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    copied = [
        word for line in text.splitlines() if line.startswith("COPY") for word in line.split()[1:-1]
    ]
    assert {f"!{name}" for name in copied} == {line for line in ignored if line[0] == "!"}
    assert all((ROOT / name).exists() for name in copied)


def test_serving_needs_no_package_that_the_image_lacks(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('torch', 'torchmetrics', 'pytorch_lightning', 'hydra', 'omegaconf', 'rich',"
        " 'safetensors', 'tqdm'):\n"
        "    sys.modules[name] = None\n"
        "from ablab.cli import main\n"
        "from ablab.tracking import team_server\n"
        "team_server.find_spec = lambda name: name\n"
        f"sys.exit(main(['serve', {str(tmp_path)!r}]))\n"
    )
    environ = {n: v for n, v in os.environ.items() if not n.startswith("MLFLOW")} | {
        "MLFLOW_FLASK_SERVER_SECRET_KEY": KEY
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "MLFLOW_BACKEND_STORE_URI must be" in done.stderr) == (2, True)
