"""A forked Python is like one that was started: its words, folder, environment, streams and end."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from python_process import PIPE, run, start

TELLS = """
import os, sys
print(sys.argv[1:], os.getcwd(), dict(os.environ), sys.stdin.read(), __name__)
print("to the log", file=sys.stderr)
raise SystemExit(3)
"""


def test_it_has_what_it_was_given_and_nothing_else(tmp_path):
    environment = {"LC_ALL": "C.UTF-8", "PYTHONPATH": "", "A": "ö"}
    options = {"folder": tmp_path, "environment": environment, "given": "in"}
    forked = run("-c", TELLS, "one", "--two", **options)
    command = [sys.executable, "-c", TELLS, "one", "--two"]
    new = subprocess.run(
        command, cwd=tmp_path, env=environment, input="in", capture_output=True, encoding="utf-8"
    )
    told = [(one.returncode, one.stdout, one.stderr) for one in (forked, new)]
    assert told[0] == told[1]
    assert told[0][0] == 3 and "['one', '--two']" in told[0][1] and "'A': 'ö'" in told[0][1]


def test_a_module_finds_its_words_and_an_error_is_written_to_its_errors(tmp_path):
    (tmp_path / "here.py").write_text(
        "import sys; print(sys.argv[1:]); sys.exit('not ' + __name__)"
    )
    done = run("-m", "here", "a", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "['a']\n", "not __main__\n")
    done = run("-c", "1 / 0")
    assert done.returncode == 1 and done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_its_streams_can_be_told_what_to_do_with_a_character_that_they_have_no_sign_for():
    code = (
        "import sys; [s.reconfigure(errors='replace') for s in (sys.stdout, sys.stderr)]; print(1)"
    )
    process = start("-c", code, stdout=PIPE, stderr=PIPE)
    assert process.communicate() == ("1\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_it_obeys_signals_and_tells_how_it_ended():
    waits = "import sys; print('here', flush=True); sys.stdin.read()"
    for number in (signal.SIGTERM, signal.SIGKILL):
        process = start("-c", waits, stdin=PIPE, stdout=PIPE)
        assert process.stdout.readline() == "here\n" and process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        process.send_signal(number)
        assert process.wait(30) == process.poll() == -number
    process = start("-c", waits, stdin=PIPE, stdout=PIPE)
    assert process.communicate() == ("here\n", "") and process.returncode == 0
