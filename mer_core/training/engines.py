"""Where the parts of a run are computed: in processes here, or on a Ray cluster. The results are the same."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from types import ModuleType

from mer_core.faces.corpus import CARDS
from mer_core.methods import METHODS, find_method
from mer_core.numerics import handed_on, take_over
from mer_core.protocols import CLASS_MAPS
from mer_core.training.parts import Part, Result, RunError, RunSettings, compute
from mer_core.workers import WorkerDied, distribute

Results = Iterator[tuple[Part, Result]]
Compute = Callable[[str, Part], Result]


def local(plain: str, todo: list[Part], workers: int, log: Path | None = None) -> Results:
    """One process a worker, one thread each: two such are faster than one with two threads."""
    try:
        task = _Task(_logged(log), handed_on(), plain, _known(plain))
        yield from distribute(task, todo, workers)
    except WorkerDied:
        raise RunError(
            "A worker died. What is finished is kept: `mer resume`. If it dies again, memory may be short: fewer "
            "--workers."
        ) from None


Known = tuple[dict, ...]


def _known(plain: str) -> Known:
    """What the caller may have added to the book; what is named `module:Class` is imported wherever it is used."""
    name = RunSettings.model_validate_json(plain).method
    return {name: METHODS[name]} if name in METHODS else {}, CLASS_MAPS, CARDS


def _learn(known: Known) -> None:
    methods, class_maps, cards = known
    METHODS.update(methods)  # one by one: `zip` over them would name all methods of the registry
    CLASS_MAPS.update(class_maps)
    CARDS.update(cards)


@dataclass(frozen=True)
class _Task:
    """A part's computation, with what the caller may have added to the book: a worker knows no more than the book.

    It computes with the kernels of its parent, so that the number of workers changes no prediction.
    """

    compute: Compute
    kernels: dict[str, str]
    plain: str
    known: Known

    def __call__(self, part: Part) -> Result:
        if parent_process():
            take_over(self.kernels)
            _learn(self.known)
        return self.compute(self.plain, part)


def _logged(log: Path | None) -> Compute:
    return partial(compute, log=log) if log else compute


def on_ray(plain: str, todo: list[Part], workers: int, log: Path | None = None) -> Results:
    """As many parts at once as the cluster has room for, `workers` of them on each GPU.

    The parts of a lost node are computed again elsewhere. RAY_ADDRESS, or `ray start` on this machine, names the
    cluster; without either, one is started here and ends with the run.
    """
    settings = RunSettings.model_validate_json(plain)
    if find_method(settings.method).__module__ == "__main__":
        raise RunError(
            f"{settings.method} is typed into a script or notebook, where no other machine finds it: write it into a "
            "module, and name it module:Class."
        )
    with _cluster() as ray:
        on_gpu = settings.device == "cuda"
        room = {"num_cpus": 1, "num_gpus": 1 / workers if on_gpu else 0}
        task = ray.remote(_compute_elsewhere).options(**room, max_retries=5)
        known = ray.put(_known(plain))
        waiting = {task.remote(_logged(log), handed_on(), known, plain, part): part for part in todo}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done), _fetch(ray, done)


def _compute_elsewhere(
    compute: Compute, kernels: dict[str, str], known: Known, plain: str, part: Part
) -> Result:
    """A node has an environment of its own."""
    take_over(kernels)
    _learn(known)
    return compute(plain, part)


@contextmanager
def _cluster() -> Iterator[ModuleType]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ImportError:
        raise RunError("The engine `ray` needs Ray: pip install mer-core[ray]") from None
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
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


ENGINES: dict[str, Callable[..., Results]] = {"local": local, "ray": on_ray}
