"""Settings of the team server: what is refused, without showing a secret."""

from pathlib import Path

import pytest

from ablab.errors import InputError
from ablab.tracking.server_settings import (
    check_secret,
    check_secrets,
    read_database,
    read_hosts,
    read_origins,
)

STRONG = "Zq8w7-e6r5t4z3"
KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def test_a_name_without_a_port_counts_with_the_servers_port_too() -> None:
    assert read_hosts("Lab.example.org, 10.0.0.5:80,[fe80::1]", "0.0.0.0", 5000) == (
        *("lab.example.org", "lab.example.org:5000", "10.0.0.5:80"),
        *("[fe80::1]", "[fe80::1]:5000"),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_server_of_this_machine_needs_no_names(host: str) -> None:
    hosts = read_hosts(None, host, 5000)
    assert {"localhost:5000", "127.0.0.1:5000"} <= set(hosts)
    assert ("[::1]:5000" in hosts) == (host == "::1")


def test_a_server_that_others_reach_needs_names() -> None:
    with pytest.raises(InputError, match=r"allowed-hosts must be given .*, got none"):
        read_hosts(None, "0.0.0.0", 5000)


@pytest.mark.parametrize("text", ["*", "*.example.org", "https://lab", "a b", "", "lab,", "lab:x"])
def test_patterns_and_addresses_of_pages_are_no_host_names(text: str) -> None:
    with pytest.raises(InputError, match="allowed-hosts must be names or addresses"):
        read_hosts(text, "0.0.0.0", 5000)


def test_origins_are_those_of_the_hosts_unless_they_are_given() -> None:
    assert read_origins(None, ["lab", "lab:5000"], "https") == ("https://lab", "https://lab:5000")
    given = read_origins("https://Lab.example.org,http://lab:5000", ["lab"], "http")
    assert given == ("https://lab.example.org", "http://lab:5000")


@pytest.mark.parametrize("text", ["*", "lab", "ftp://lab", "https://lab/", "https://", "null", ""])
def test_other_origins_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="cors-allowed-origins must be such as https://"):
        read_origins(text, ["lab"], "http")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize("password", ["p@ss/w%rd:#1?&", STRONG])
def test_the_password_leaves_the_uri(scheme: str, password: str) -> None:
    from urllib.parse import quote

    escaped = quote(password, safe="")
    uri = f"{scheme}://ann:{escaped}@db.example.org:5433/runs?sslmode=require"
    database = read_database({"MLFLOW_BACKEND_STORE_URI": uri})
    assert database.uri == "postgresql+psycopg://ann@db.example.org:5433/runs?sslmode=require"
    assert database.libpq_uri == "postgresql://ann@db.example.org:5433/runs?sslmode=require"
    assert database.password == password


def test_the_password_may_come_from_libpqs_variable_or_be_absent() -> None:
    uri = {"MLFLOW_BACKEND_STORE_URI": "postgresql://ann@db/runs"}
    assert read_database(uri).password is None
    assert read_database(uri | {"PGPASSWORD": STRONG}).password == STRONG


@pytest.mark.parametrize(
    ("uri", "got"),
    [
        ("", "none"),
        ("sqlite:///mlflow.db", "sqlite"),
        ("mysql://ann:Zq8w7-e6r5t4z3@db/runs", "mysql"),
        ("postgresql+psycopg2://ann:Zq8w7-e6r5t4z3@db/runs", "psycopg2"),
        ("postgresql://ann:Zq8w7-e6r5t4z3@db", "starts with postgresql:"),
        (
            "postgresql://ann@db/runs?password=Zq8w7-e6r5t4z3",
            "starts with postgresql:",
        ),
        ("postgresql://ann:Zq8w7-e6r5t4z3@db:port/runs", "one that cannot be read"),
        ("ann:Zq8w7-e6r5t4z3@db", "one that cannot be read"),
    ],
)
def test_another_database_is_refused_without_its_password(uri: str, got: str) -> None:
    with pytest.raises(InputError, match="MLFLOW_BACKEND_STORE_URI must be postgresql://") as error:
        read_database({"MLFLOW_BACKEND_STORE_URI": uri})
    assert got in str(error.value)
    assert "Zq8w7" not in str(error.value)


def test_two_passwords_of_the_database_are_refused() -> None:
    environ = {"MLFLOW_BACKEND_STORE_URI": f"postgresql://ann:{STRONG}@db/runs"}
    with pytest.raises(InputError, match="PGPASSWORD must be the password in") as error:
        read_database(environ | {"PGPASSWORD": "another-3Ft6z"})
    assert STRONG not in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "short", "password1234", "Password1234", "passw0rd-1234", "admin-password"),
        *("changemechangeme", "change-me-change-me", "mlflow-secret-123", "aaaaaaaaaaaaaaaa"),
        *("postgrespostgres", "example-password", "ablab-ablab-ablab"),
    ],
)
def test_usual_and_short_passwords_are_refused_and_not_shown(value: str) -> None:
    with pytest.raises(InputError, match="that nobody guesses, got") as error:
        check_secret("X", value)
    assert not value or value not in str(error.value)


@pytest.mark.parametrize("value", [STRONG, KEY, "correct horse battery", "mlflow-8f3a9c1d7e2b"])
def test_other_passwords_are_accepted(value: str) -> None:
    check_secret("X", value)


def test_the_secret_key_is_needed_at_each_start_and_a_given_password_is_checked() -> None:
    with pytest.raises(InputError, match="MLFLOW_FLASK_SERVER_SECRET_KEY must be at least 32"):
        check_secrets({})
    check_secrets({"MLFLOW_FLASK_SERVER_SECRET_KEY": KEY})
    with pytest.raises(InputError, match="MLFLOW_AUTH_ADMIN_PASSWORD must be at least 12"):
        check_secrets(
            {
                "MLFLOW_FLASK_SERVER_SECRET_KEY": KEY,
                "MLFLOW_AUTH_ADMIN_PASSWORD": "password1234",
            }
        )


def test_the_example_of_the_environment_holds_no_secret() -> None:
    example = Path(__file__).parents[2] / "deploy" / ".env.example"
    lines = [line for line in example.read_text().splitlines() if line and line[0] != "#"]
    values = dict(line.split("=", 1) for line in lines)
    assert {name for name, value in values.items() if not value} == {
        *("POSTGRES_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY", "MLFLOW_AUTH_ADMIN_PASSWORD"),
    }
