"""Workers need nothing of the script that asked for them, and end with it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mer_core.workers import at_most, cores, distribute

# None of them says `if __name__ == "__main__":`, as the first script of an outsider does not.
ASKS = """
print("once")
from mer_core import View, open_corpus
view = View(frames=2, size=32, landmarks=False)
print(len(open_corpus("synth-mini").clipset(view, limit=8, workers=2)))
"""
TRAINS = """
from mer_core.training import RunSettings, run
settings = RunSettings(method="majority", corpus="synth-mini", groups=2, limit=8)
print(len(run(settings, "run", workers=2).predictions))
"""
DEFINES = """
from mer_core.workers import distribute
class Own:
    def __init__(self, n): self.n = n
def double(n): return Own(2 * n)
print(sorted(made.n for _, made in distribute(double, [1, 2, 3], 2)))
"""


def python(script, folder, *, piped):
    """What a script prints, given by name or through a pipe, in a folder that is empty."""
    (folder / "script.py").write_text(script)
    words = [sys.executable, *([] if piped else ["script.py"])]
    cache = {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    made = subprocess.run(
        words, input=script, capture_output=True, text=True, cwd=folder, env={**os.environ, **cache}
    )
    assert (made.returncode, made.stderr) == (0, "")
    return made.stdout.splitlines()


def test_a_script_that_is_not_guarded_gets_its_clips(tmp_path):
    assert python(ASKS, tmp_path, piped=False) == ["once", "8"]


def test_a_script_from_a_pipe_trains_with_workers(tmp_path):
    assert python(TRAINS, tmp_path, piped=True) == ["6"]


@pytest.mark.parametrize("piped", [False, True])
def test_what_a_script_defines_is_known_to_its_workers_or_computed_by_itself(tmp_path, piped):
    assert python(DEFINES, tmp_path, piped=piped) == ["[2, 4, 6]"]


# Ends

SLOW = """
import sys, time
from pathlib import Path
from mer_core.workers import distribute
def wait(file):
    Path(file).touch()
    time.sleep(600)
if __name__ == "__main__":
    try:
        list(distribute(wait, sys.argv[1:], 2))
    except KeyboardInterrupt:
        print("stopped")
"""


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to it alone", "to its workers as well"])
def test_ctrl_c_ends_all_at_once_without_a_stack(tmp_path, send):
    (tmp_path / "slow.py").write_text(SLOW)
    files = [tmp_path / "one", tmp_path / "two"]
    pipe = subprocess.PIPE
    words = [sys.executable, tmp_path / "slow.py", *files]
    parent = subprocess.Popen(
        words, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=hears_ctrl_c
    )
    while not all(file.exists() for file in files):
        assert parent.poll() is None, parent.communicate()
        time.sleep(0.01)
    send(parent.pid, signal.SIGINT)
    assert parent.communicate(timeout=60) == ("stopped\n", "")
    while running(session=parent.pid):  # else the test's own time limit ends it
        time.sleep(0.01)


def hears_ctrl_c():
    """What a shell starts in the background, these tests perhaps, ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def running(session):
    """Its processes that have not ended: one that was killed may take a moment on a busy machine."""
    states = subprocess.run(["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True)
    return [state for state in states.stdout.split() if not state.startswith("Z")]


# How many


def test_whatever_asks_for_no_number_takes_what_was_allowed():
    assert cores() == os.cpu_count()
    with at_most(1):
        assert cores() == 1
        with at_most(None):
            assert cores() == os.cpu_count()
    assert cores() == os.cpu_count()


def test_one_worker_or_one_item_is_this_very_process():
    assert list(distribute(lambda n: (n, os.getpid()), [1, 2], 1)) == [(n, (n, os.getpid())) for n in (1, 2)]
    assert list(distribute(lambda n: os.getpid(), [1], 8)) == [(1, os.getpid())]
