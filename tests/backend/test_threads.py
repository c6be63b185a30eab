"""Threads of the back end give way where something else runs on the processor."""

import os
import subprocess
import sys

CODE = "import specc.backend.device, os; print(os.environ['GOMP_SPINCOUNT'])"


def policy(**given: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"} | given
    answer = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def test_threads_sleep_while_they_wait_unless_the_user_says_else() -> None:
    assert policy() == "1000"
    assert policy(GOMP_SPINCOUNT="5") == "5"
