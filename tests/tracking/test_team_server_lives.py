"""The team server on a real Postgres: what it refuses, and 12 trials while it is killed."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import postgres
import pytest
import yaml
from forked import COMMAND, Program
from team import ADMIN, MEMBER, SECRETS, Server

from ablab.errors import InputError, StoreError
from ablab.tracking.completion import read_completion
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import Ledger
from ablab.tracking.plan import read_plan
from ablab.tracking.server_settings import Database
from ablab.tracking.store import Store
from ablab.tracking.team_server import check_database

pytestmark = pytest.mark.slow
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=5"
CREATE = "/api/2.0/mlflow/experiments/create"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
FORBIDDEN, UNAUTHORIZED, OK = 403, 401, 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="needs ablab[server]", exc_type=ImportError)
    pytest.importorskip("flask_wtf", reason="needs ablab[server]", exc_type=ImportError)
    programs = postgres.binaries()
    if programs is None:
        pytest.skip("needs Postgres (Debian: postgresql)")
    with postgres.running(programs) as uri:
        server = Server(tmp_path_factory.mktemp("team"), uri)
        server.start()
        try:
            member = dict(zip(("username", "password"), MEMBER, strict=True))
            created = server.request("POST", "/api/2.0/mlflow/users/create", json=member)
            assert created.status_code == OK, created.text
            yield server
        finally:
            server.stop()


def test_a_member_may_read_and_write(server: Server) -> None:
    assert server.request("GET", SEARCH, auth=MEMBER).status_code == OK
    made = server.request("POST", CREATE, auth=MEMBER, json={"name": "of ann"})
    assert made.status_code == OK


@pytest.mark.parametrize("path", [SEARCH, "/", FILES, f"{FILES}/0/x", "/graphql", "/signup"])
@pytest.mark.parametrize("who", [None, ("admin", "password1234"), ("nobody", ADMIN[1])])
def test_no_or_wrong_credentials_are_refused(
    server: Server, path: str, who: tuple[str, str] | None
) -> None:
    assert server.request("GET", path, auth=who).status_code == UNAUTHORIZED


@pytest.mark.parametrize(("method", "path"), [("POST", CREATE), ("PUT", f"{FILES}/0/x")])
def test_nothing_is_written_without_credentials(server: Server, method: str, path: str) -> None:
    refused = server.request(method, path, auth=None, json={"name": "of nobody"})
    assert refused.status_code == UNAUTHORIZED
    assert not list((server.folder / "artifacts").rglob("x"))


def test_a_member_makes_no_users(server: Server) -> None:
    other = {"username": "bob", "password": "Xw2e3-r4t5z6u7"}
    made = server.request("POST", "/api/2.0/mlflow/users/create", auth=MEMBER, json=other)
    assert made.status_code == FORBIDDEN


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "10.0.0.1"])
@pytest.mark.parametrize("path", [SEARCH, "/", FILES])
def test_a_forged_host_is_refused(server: Server, host: str, path: str) -> None:
    assert server.request("GET", path, headers={"Host": host}).status_code == FORBIDDEN


def test_a_foreign_origin_changes_nothing_and_reads_nothing(server: Server) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    body = {"name": "from elsewhere"}
    assert server.request("POST", CREATE, headers=foreign, json=body).status_code == FORBIDDEN
    assert "from elsewhere" not in server.request("GET", SEARCH).text
    read = server.request("GET", SEARCH, headers=foreign)
    assert "Access-Control-Allow-Origin" not in read.headers  # so a browser withholds the answer
    own = {"Origin": server.address}
    assert server.request("POST", CREATE, headers=own, json={"name": "own"}).status_code == OK


@pytest.mark.parametrize("path", ["/../outside", "/..%2Foutside", "/0/../../outside"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_path_out_of_the_artifacts_is_refused(server: Server, method: str, path: str) -> None:
    outside = server.folder / "outside"
    outside.write_text("not an artifact")
    answer = server.request(method, FILES + path, data=b"x")
    assert 400 <= answer.status_code < 500
    assert outside.read_text() == "not an artifact"
    assert b"not an artifact" not in answer.content


def test_an_absolute_path_and_the_list_above_the_artifacts_are_refused(server: Server) -> None:
    outside = server.folder / "outside"
    outside.write_text("not an artifact")
    path = f"{FILES}/{quote(str(outside), safe='')}"
    for method in ("GET", "PUT"):
        assert 400 <= server.request(method, path, data=b"x").status_code < 500
    assert outside.read_text() == "not an artifact"
    assert server.request("GET", f"{FILES}?path=..").status_code == 400


def test_the_database_is_checked_before_the_start(server: Server) -> None:
    import psycopg

    with psycopg.connect(server.database, password=postgres.PASSWORD, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE guest LOGIN PASSWORD '{postgres.PASSWORD}'")
        owner.execute("CREATE DATABASE fresh")
    used = Database(server.database, postgres.PASSWORD)
    check_database(used, "admin", None)  # exists: its password is no longer needed
    with pytest.raises(InputError, match="must be set until user other exists, got none"):
        check_database(used, "other", None)
    fresh = used.uri.replace("//runs@", "//guest@").replace("/runs", "/fresh")
    with pytest.raises(StoreError, match="in which its user may create tables, got"):
        check_database(Database(fresh, postgres.PASSWORD), "admin", ADMIN[1])
    with pytest.raises(StoreError, match=r"must answer as .*authentication failed") as error:
        check_database(Database(used.uri, "wrong-6Tz7u"), "admin", ADMIN[1])
    assert "wrong-6Tz7u" not in str(error.value)


def test_its_telemetry_is_off(server: Server) -> None:
    answer = server.request("GET", "/ajax-api/3.0/mlflow/ui-telemetry").json()
    assert answer["disable_ui_telemetry"] is True


def test_no_secret_is_in_a_command_line_a_log_or_a_file(server: Server) -> None:
    lines = server.command_lines()
    assert any("uvicorn" in line for line in lines)
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    seen = "\n".join([*lines, *(path.read_text() for path in [server.log, *files])])
    assert [secret for secret in SECRETS if secret in seen] == []
    log = server.log.read_text()
    assert "not passed on to the server: MLFLOW_GUNICORN_OPTS, MLFLOW_SERVER_DISABLE" in log


def test_of_two_labs_one_gets_the_lease_of_a_trial(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(("USERNAME", "PASSWORD"), MEMBER, strict=True):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    ledgers = []
    for name in ("ann", "ben"):
        ledger = Ledger(Store.open(Lab.open(tmp_path / name), server.address))
        ledger.holder = {"id": name, "host": name, "boot": name, "space": name, "pid": "1"}
        ledgers.append(ledger)
    ann, ben = ledgers
    assert ann.claim("a1b2", 1)
    assert ann.claim("a1b2", 1)
    assert not ben.claim("a1b2", 1)
    first = {"run_id": "of ann", "experiment": "demo"}
    assert ann.count("a1b2", 1, first) == first
    assert ben.count("a1b2", 1, {"run_id": "of ben", "experiment": "demo"}) == first


SWEEP: dict[str, Any] = {
    "defaults": [
        {"override /architecture": "mlp"},
        {"override /dataset": "digits"},
        {"override /activation": "waiting"},
    ],
    "architecture": {"widths": [8]},
    "trainer": {"max_epochs": 1},
    "sweep": {
        "question": "Does it survive?",
        "kind": "best",
        "seeds": 3,
        "grid": {"batch_size": [16, 32, 64, 128]},
    },
}
WAITING = '''
"""A ReLU that waits while as many trials are finished as the file LIMIT says."""

import os
import time
from pathlib import Path

from torch import Tensor, nn


class Waiting(nn.Module):
    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        lab, limit = Path(os.environ["ABLAB_HOME"]), Path(os.environ["LIMIT"])
        while len(list(lab.glob("trials/*/*/completion.json"))) >= int(limit.read_text()):
            time.sleep(0.05)
        return nn.functional.relu(x)
'''


class Team:
    """A member's working folder, with a lab and a sweep of 12 trials."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.lab, self._limit = Lab(folder / "lab"), folder / "limit"
        self._folder, self._server, self._output = folder, server, folder / "output.txt"
        for name in ("conf/activation", "sweeps"):
            (folder / name).mkdir(parents=True)
        (folder / "waiting.py").write_text(WAITING)
        (folder / "conf/activation/waiting.yaml").write_text("# ours\n_target_: waiting.Waiting\n")
        text = "# @package _global_\n" + yaml.safe_dump(SWEEP, sort_keys=False)
        (folder / "sweeps/team.yaml").write_text(text)

    def limit(self, count: int) -> None:
        """Let no trial begin to train once so many are finished."""
        partial = self._limit.with_name("partial")
        partial.write_text(str(count))
        partial.replace(self._limit)

    def start(self, *arguments: str) -> Program:
        environ = os.environ | {
            "ABLAB_HOME": str(self.lab.root),
            "ABLAB_ALLOW": "waiting",
            "LIMIT": str(self._limit),
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": self._server.address,
            "MLFLOW_TRACKING_USERNAME": MEMBER[0],
            "MLFLOW_TRACKING_PASSWORD": MEMBER[1],
            "PYTHONWARNINGS": "",
        }
        where = {"folder": self._folder, "environment": environ, "output": self._output}
        return Program(COMMAND, arguments, **where)

    def output(self) -> str:
        """Return what the last command has printed."""
        return self._output.read_text()

    def run(self, *arguments: str) -> tuple[int, str]:
        return self.start(*arguments).wait(), self.output()

    def finished(self) -> int:
        return sum(run is not None for run in map(self.lab.finished, self.lab.keys()))


def until(condition: Callable[[], object], seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    """Ask Postgres itself."""
    import psycopg

    with psycopg.connect(server.database, password=postgres.PASSWORD) as connection:
        return connection.execute(query).fetchall()


# The MLflow runs that count: those of the experiment, without deleted ones and duplicates.
RUNS = """
SELECT key.value, r.run_uuid, r.status, r.artifact_uri, completion.value
FROM runs r JOIN experiments e USING (experiment_id)
JOIN tags key ON key.run_uuid = r.run_uuid AND key.key = 'key'
LEFT JOIN params completion ON completion.run_uuid = r.run_uuid AND completion.key = 'completion'
WHERE e.name = 'team' AND r.lifecycle_stage = 'active'
AND NOT EXISTS (SELECT FROM tags d WHERE d.run_uuid = r.run_uuid AND d.key = 'ablab.duplicate_of')
"""
METRICS = """
SELECT key.value, m.key, m.value FROM latest_metrics m
JOIN tags key ON key.run_uuid = m.run_uuid AND key.key = 'key'
WHERE NOT EXISTS (
    SELECT 1 FROM tags d WHERE d.run_uuid = m.run_uuid AND d.key = 'ablab.duplicate_of'
)
"""
ACCURACY = "SELECT run_uuid, value FROM latest_metrics WHERE key = 'test/accuracy'"


def test_12_trials_are_counted_once_though_the_server_was_killed_twice(
    server: Server, tmp_path: Path
) -> None:
    team = Team(tmp_path, server)
    team.limit(3)
    sweep = team.start("sweep", "team")
    until(lambda: len(rows(server, RUNS)) >= 2)
    server.kill()
    team.limit(6)
    until(lambda: team.finished() >= 6)
    server.start()
    assert sweep.poll() is None
    team.limit(9)
    until(lambda: len(rows(server, RUNS)) >= 8)
    server.kill()
    team.limit(13)
    sweep.wait()
    output = team.output()
    assert team.finished() == 12, output
    assert "ablab sync" in output
    server.start()
    code, told = team.run("sync")
    assert (code, "12 finished and 0 unfinished runs are in" in told) == (0, True), told
    assert [secret for secret in SECRETS if secret in output + told] == []
    _check_everything_arrived(team.lab, server)
    before = rows(server, RUNS)
    assert team.run("sync")[0] == 0
    assert sorted(rows(server, RUNS)) == sorted(before)
    _check_copy(team, server, tmp_path / "copy.db")


def _check_copy(team: Team, server: Server, path: Path) -> None:
    """Copy all of the server into a SQLite store, and compare it with Postgres."""
    code, told = team.run("sync", "--to", f"sqlite:///{path}")
    assert (code, "copied to" in told) == (0, True), told
    code, told = team.run("sync", "--to", f"sqlite:///{path}")
    assert (code, "nothing was copied" in told) == (0, True), told
    with closing(sqlite3.connect(path)) as copy:
        copied = set(copy.execute(METRICS))
    assert len({key for key, _, _ in copied}) == 12
    assert copied == set(rows(server, METRICS))


def _check_everything_arrived(lab: Lab, server: Server) -> None:
    plan = read_plan(lab.sweep_folder("team"))
    assert plan is not None
    found = rows(server, RUNS)
    assert sorted(row[0] for row in found) == sorted(cell.key for cell in plan.cells)
    accuracies = dict(rows(server, ACCURACY))
    for key, run_id, status, uri, sha in found:
        run = lab.finished(key)
        assert run is not None
        record = read_completion(run.folder)
        assert record is not None
        assert (status, sha is not None) == ("FINISHED", True)
        assert accuracies[run_id] == record.metrics["test/accuracy"]
        folder = server.folder / "artifacts" / uri.removeprefix("mlflow-artifacts:/")
        for name in record.artifacts:
            if not name.endswith(".ckpt"):
                assert (folder / name).read_bytes() == (run.folder / name).read_bytes()
