"""The same run on a cluster: several nodes on this machine, one of which dies."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from mer_core.training import Part, Run, RunError, engines, run
from mer_core.training.parts import compute
from tests.training.tools import mini, pooled

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before Ray is imported: nothing is sent anywhere
ray = pytest.importorskip("ray", reason="needs Ray: make ray")
SMALL = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
IMPATIENT = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 4,
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A head that computes nothing, and two nodes of one core each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("BEGUN", str(tmp_path))  # nodes inherit it
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": IMPATIENT, **SMALL}
    )
    for _ in "ab":
        cluster.add_node(num_cpus=1, object_store_memory=SMALL["object_store_memory"])
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def compute_after_the_loss(plain, part):
    """Whoever begins first computes at once, all others wait until a node is lost; each notes where it begins."""
    notes = Path(os.environ["BEGUN"])
    with (notes / f"{part}.begun").open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()} {os.getpid()}\n")
    try:
        (notes / "first").touch(exist_ok=False)
    except FileExistsError:
        while not (notes / "lost").exists():
            time.sleep(0.02)
    return compute(plain, part)


def test_a_node_dies_and_the_result_is_the_serial_one(cluster, tmp_path, monkeypatch):
    settings, keep = mini(seeds=(0, 1), every_epoch=True), Run.keep

    def begun(parts):
        notes = [tmp_path / f"{part}.begun" for part in parts]
        lines = [note.read_text().splitlines() for note in notes if note.exists()]
        return [places for places in lines if places]

    def keep_and_kill(made, part, *rest):
        keep(made, part, *rest)
        while not (tmp_path / "lost").exists():
            if waiting := begun(made.missing()):
                node, process = waiting[0][0].split()
                lose(cluster, node, process)
                (tmp_path / "lost").write_text(node)
            time.sleep(0.02)

    with monkeypatch.context() as patches:
        patches.setattr(Run, "keep", keep_and_kill)
        patches.setattr(engines, "compute", compute_after_the_loss)
        on_ray = run(settings, tmp_path / "ray", engine="ray")
    lost = (tmp_path / "lost").read_text()
    again = [places for places in begun(on_ray.parts()) if len(places) > 1]
    assert again  # a part was lost
    assert all(lost in first and lost not in last for first, *_, last in again)  # and found a new home
    serial = run(settings, tmp_path / "serial")
    pd.testing.assert_frame_equal(pooled(on_ray.folder), pooled(serial.folder), check_exact=True)
    assert set(on_ray.notes()["numerics"]) == {serial.record["numerics"]}  # one thread, the same kernels


def lose(cluster, node_id, process):
    """A machine that is gone takes all its processes with it."""
    cluster.remove_node(
        next(node for node in cluster.worker_nodes if node.node_id == node_id), allow_graceful=False
    )
    with suppress(ProcessLookupError):
        os.kill(int(process), signal.SIGKILL)


def test_without_a_cluster_one_is_started_and_ends_with_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a module of one's own lies
    (tmp_path / "rayown.py").write_text(
        "from mer_core.methods.majority import Majority\n\n\nclass Mine(Majority):\n    name = 'mine'\n"
    )
    made = run(mini("rayown:Mine"), tmp_path / "run", engine="ray")
    assert not made.missing()
    assert not ray.is_initialized()
    children = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    )
    assert "raylet" not in children.stdout
    with pytest.raises(KeyError, match="s99"):  # an error of a part is the error of the run
        list(engines.on_ray(made.settings.model_dump_json(), [Part("s99", 0)], 1))


def test_without_ray_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match=r"pip install mer-core\[ray\]"):
        run(mini("majority"), tmp_path / "run", engine="ray")
