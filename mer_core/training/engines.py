"""Where the parts of a run are computed: in processes here, or on a Ray cluster. The results are the same."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from mer_core.training.parts import Part, RunError, RunSettings, compute


def local(settings_json: str, todo: list[Part], workers: int) -> Iterator[tuple[Part, tuple]]:
    """One process a worker, one thread each: two such are faster than one with two threads."""
    if workers == 1 or len(todo) < 2:
        yield from ((part, compute(settings_json, part)) for part in todo)
        return
    with ProcessPoolExecutor(min(workers, len(todo)), get_context("spawn")) as pool:
        started = {pool.submit(compute, settings_json, part): part for part in todo}
        try:
            for future in as_completed(started):
                yield started[future], future.result()
        except BrokenProcessPool:
            raise RunError(
                "A worker died, perhaps for lack of memory. What is finished is kept: "
                "`mer resume`, with fewer --workers if it happens again."
            ) from None


def on_ray(settings_json: str, todo: list[Part], workers: int) -> Iterator[tuple[Part, tuple]]:
    """As many parts at once as the cluster has room for; Ray runs the part of a lost node again elsewhere.

    `workers` is the number of parts that share one GPU.
    """
    try:
        import ray
    except ImportError:
        raise RunError("The engine `ray` needs Ray: pip install -r requirements-ray.txt") from None
    if not ray.is_initialized():
        ray.init(
            log_to_driver=False, logging_level="error"
        )  # RAY_ADDRESS names a cluster; else one is started here
    on_gpu = RunSettings.model_validate_json(settings_json).device != "cpu"
    task = ray.remote(compute).options(num_cpus=1, num_gpus=1 / workers if on_gpu else 0, max_retries=-1)
    waiting = {task.remote(settings_json, part): part for part in todo}
    while waiting:
        done, _ = ray.wait(list(waiting), num_returns=1)
        yield waiting.pop(done[0]), ray.get(done[0])
