"""What older code imports works for one version more."""

import pytest

import mer_core.scoring


def test_the_old_name_gives_the_same_function_and_warns():
    with pytest.warns(DeprecationWarning, match=r"mer_core\.scoring\.scores now"):
        from mer_core.evaluation import scores
    assert scores is mer_core.scoring.scores


def test_what_was_never_there_is_an_error():
    with pytest.raises(ImportError, match="nothing"):
        from mer_core.evaluation import nothing  # noqa: F401
