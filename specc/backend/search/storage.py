"""Where Optuna keeps a search: in memory, made of the journal; or in a database that several machines share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from specc.backend.search.engine import need_optuna, without_warnings
from specc.errors import SpeccError

BEAT = 30  # seconds between heartbeats of trials in a shared storage
GRACE = 120  # seconds without a heartbeat after which another machine takes a trial over
RETRIES = 5  # how often a trial is taken over


def open_storage(url: str | None) -> Any:
    """The storage at a URL; one in memory where there is none.

    Raises SpeccError: E512 no Optuna, E515 a storage that does not serve several machines, or does not answer.
    """
    optuna = need_optuna()
    if url is None:
        return optuna.storages.InMemoryStorage()
    refuse_storage(url)
    with _answers(url), without_warnings():
        retry = optuna.storages.RetryFailedTrialCallback(max_retry=RETRIES)
        # psycopg is the driver that comes with specc's extra; SQLAlchemy would look for its predecessor
        address = url.replace("postgresql://", "postgresql+psycopg://", 1)
        return optuna.storages.RDBStorage(
            address,
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=BEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=retry,
        )


def refuse_storage(url: str) -> None:
    """Raise SpeccError E515 for a URL that names no storage for several machines."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        raise SpeccError(
            "E515",
            "--storage cannot be SQLite: it locks its whole file for each write, which network file systems do not "
            "honor, so that several machines damage it or wait for each other",
            help="leave --storage out on one machine, whose search is in its own folder; else give postgresql://…",
        )
    if scheme != "postgresql" or "://" not in url:
        help = "for example postgresql://user@host/database"
        raise SpeccError("E515", f"--storage must be the URL of a PostgreSQL database, not `{hidden(url)}`", help=help)


@contextmanager
def _answers(url: str) -> Iterator[None]:
    """Raise SpeccError E515 where a database does not do what it is asked for."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ImportError as error:
        help = 'pip install "specc-cnn[search]"'
        raise SpeccError("E512", f"PostgreSQL needs psycopg, which cannot be loaded: {error}", help=help) from None
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = str(getattr(error, "orig", None) or error.__cause__ or error).strip().splitlines() or [
            "no reason given"
        ]
        help = "check the address, and whether the server runs; nothing is lost: run the same command again"
        raise SpeccError("E515", f"the storage {hidden(url)} does not answer: {cause[0]}", help=help) from error


def answers(url: str | None) -> Any:
    """While it is entered, what a shared storage raises becomes SpeccError E515."""
    from contextlib import nullcontext

    return nullcontext() if url is None else _answers(url)


def hidden(url: str) -> str:
    """A URL without its password, before the host or in the query."""
    url = re.sub(r"(?<=[?&])password=[^&]*&?", "", url).rstrip("?&")
    head, at, tail = url.rpartition("@")
    scheme, slashes, who = head.partition("://")
    return f"{scheme}{slashes}{who.partition(':')[0]}{at}{tail}" if at else url
