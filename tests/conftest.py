import mer_core.pinned

from hypothesis import settings

settings.register_profile("book", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("book")
