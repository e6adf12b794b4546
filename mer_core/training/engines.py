"""Where the parts of a run are computed: in processes here, or on a Ray cluster. The results are the same."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from types import ModuleType

from mer_core.clips import end_with_parent
from mer_core.numerics import handed_on, take_over
from mer_core.training.parts import Part, Result, RunError, RunSettings, compute

Results = Iterator[tuple[Part, Result]]
Compute = Callable[[str, Part], Result]


def local(plain: str, todo: list[Part], workers: int) -> Results:
    """One process a worker, one thread each: two such are faster than one with two threads."""
    if workers == 1 or len(todo) < 2:
        yield from ((part, compute(plain, part)) for part in todo)
        return
    pool = ProcessPoolExecutor(min(workers, len(todo)), get_context("spawn"), _start_worker, (handed_on(),))
    try:
        started = {pool.submit(compute, plain, part): part for part in todo}
        for future in as_completed(started):
            yield started[future], future.result()
    except BrokenProcessPool:
        raise RunError(
            "A worker died. What is finished is kept: `mer resume`. If it dies again, memory may be short (fewer "
            "--workers), or your script starts work while it is imported: put that under `if __name__ == '__main__':`."
        ) from None
    finally:  # after an error nobody waits for parts that have not begun
        pool.shutdown(cancel_futures=True)


def _start_worker(kernels: dict[str, str]) -> None:
    """A worker ends with its parent, even if that is killed, and without a stack when Ctrl-C stops both.

    It computes with the kernels of its parent, so that the number of workers changes no prediction.
    """
    take_over(kernels)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()


def on_ray(plain: str, todo: list[Part], workers: int) -> Results:
    """As many parts at once as the cluster has room for, `workers` of them on each GPU.

    The parts of a lost node are computed again elsewhere. RAY_ADDRESS, or `ray start` on this machine, names the
    cluster; without either, one is started here and ends with the run.
    """
    with _cluster() as ray:
        on_gpu = RunSettings.model_validate_json(plain).device == "cuda"
        room = {"num_cpus": 1, "num_gpus": 1 / workers if on_gpu else 0}
        task = ray.remote(_compute_elsewhere).options(**room, max_retries=5)
        waiting = {task.remote(compute, handed_on(), plain, part): part for part in todo}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done), _fetch(ray, done)


def _compute_elsewhere(compute: Compute, kernels: dict[str, str], plain: str, part: Part) -> Result:
    """A node has an environment of its own."""
    take_over(kernels)
    return compute(plain, part)


@contextmanager
def _cluster() -> Iterator[ModuleType]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ImportError:
        raise RunError("The engine `ray` needs Ray: pip install -r requirements-ray.txt") from None
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(log_to_driver=False, logging_level="error", include_dashboard=False)
    try:
        yield ray
    finally:
        if is_ours:
            ray.shutdown()


def _fetch(ray: ModuleType, done: object) -> Result:
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:  # the part's own error, as it would be here
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise RunError(
            f"The cluster lost a part for good ({type(error).__name__}): a node without memory, or none left? "
            "What is finished is kept: `mer resume`."
        ) from None


ENGINES: dict[str, Callable[[str, list[Part], int], Results]] = {"local": local, "ray": on_ray}
