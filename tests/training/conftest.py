from tests.training.tools import _cache, cache  # noqa: F401 (fixtures)
