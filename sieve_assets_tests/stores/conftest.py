"""What the tests of the stores share: a warehouse, and real second processes."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from sieve_assets.stores.connections import DuckDBFile
from sieve_assets.stores.warehouse import Warehouse

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "warehouse.duckdb"


@pytest.fixture
def in_file(path):
    """A warehouse in a file."""
    return Warehouse(DuckDBFile(path, 30))


@pytest.fixture(params=["in_file", pytest.param("in_lake", marks=pytest.mark.cluster)])
def warehouse(request):
    """A warehouse of either kind."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def in_lake(lake):
    """A warehouse in a DuckLake, its files in a folder."""
    return Warehouse(lake)


@pytest.fixture
def start_process():
    """Starts `python -c code arguments…`; what still runs at the end of the test is ended."""
    with contextlib.ExitStack() as running:

        def start(code, *arguments):
            process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("BEGIN")
connection.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
print("free", flush=True)
"""


@pytest.fixture
def hold(start_process):
    """A process that is in the middle of writing a file until it is sent a line."""

    def start(path, statement="SELECT 1"):
        process = start_process(HOLD, path, statement)
        answer = process.stdout.readline()
        assert answer == "held\n", process.stderr.read()
        return process

    return start


@pytest.fixture
def is_free(start_process):
    """Whether another process can open the file to write at once."""

    def ask(path):
        process = start_process("import duckdb, sys; duckdb.connect(sys.argv[1]).close()", path)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0 or "lock" in errors, errors
        return process.returncode == 0

    return ask
