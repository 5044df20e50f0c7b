"""`ablab serve`: MLflow's server for a team."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import add
from ablab.errors import InputError
from ablab.tracking.server_settings import PERMISSIONS

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.tracking.server_settings import ServerSettings

_TEXT = "run MLflow's server for a team: Postgres, users with passwords, artifacts through it"
_SECRETS = """\
environment variables, for a command line can be read by every user of the machine:
  MLFLOW_BACKEND_STORE_URI        postgresql://USER@HOST/DATABASE
  PGPASSWORD                      password of USER, if it needs one
  MLFLOW_FLASK_SERVER_SECRET_KEY  32 random characters or more, the same at each start
  MLFLOW_AUTH_ADMIN_PASSWORD      of the first user, only needed until that exists
  MLFLOW_AUTH_ADMIN_USERNAME      its name (default: admin)
"""
_LAST_PORT = 65535


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    serve = add(commands, "serve", _serve, _TEXT)
    serve.epilog, serve.formatter_class = _SECRETS, argparse.RawDescriptionHelpFormatter
    serve.add_argument(
        "folder", type=Path, help="folder of the server, for artifacts; created if missing"
    )
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0: others reach it too"
    )
    serve.add_argument("--port", type=int, default=5000, help="port to listen on")
    serve.add_argument("--workers", type=int, default=2, help="processes that answer requests")
    serve.add_argument(
        "--allowed-hosts",
        metavar="NAMES",
        help="names under which users reach the server, separated by commas",
    )
    serve.add_argument(
        "--cors-allowed-origins",
        metavar="ORIGINS",
        help="web origins that may change something, such as https://lab.example.org, separated "
        "by commas (default: those of the allowed hosts)",
    )
    serve.add_argument(
        "--permission",
        choices=PERMISSIONS,
        default="EDIT",
        help="of every user for the experiments of others",
    )
    serve.add_argument("--certificate", type=Path, metavar="FILE", help="TLS certificate, PEM")
    serve.add_argument("--key", type=Path, metavar="FILE", help="key of the certificate, PEM")


def _serve(options: argparse.Namespace) -> int:
    from ablab.tracking.team_server import serve

    serve(read_settings(options))


def read_settings(options: argparse.Namespace) -> "ServerSettings":
    """Return the settings that the options give.

    Raises:
        InputError: an option cannot be used.
    """
    from ablab.tracking.server_settings import ServerSettings, read_hosts, read_origins

    for name, value, most in (("port", options.port, _LAST_PORT), ("workers", options.workers, 64)):
        if not 1 <= value <= most:
            raise InputError(f"{name} must be from 1 to {most}, got {value}")
    certificate = _certificate(options.certificate, options.key)
    hosts = read_hosts(options.allowed_hosts, options.host, options.port)
    scheme = "http" if certificate is None else "https"
    origins = read_origins(options.cors_allowed_origins, hosts, scheme)
    return ServerSettings(
        options.folder.expanduser().resolve(),
        options.host,
        options.port,
        options.workers,
        hosts,
        origins,
        options.permission,
        certificate,
    )


def _certificate(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Return the files of the TLS certificate and of its key, None for plain HTTP.

    Raises:
        InputError: only one is given, or one is no file.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given = "--certificate" if key is None else "--key"
        raise InputError(f"--certificate and --key must be given together, got only {given}")
    for path in (certificate, key):
        if not path.is_file():
            raise InputError(f"{path} must be a file, got none")
    return certificate.resolve(), key.resolve()
