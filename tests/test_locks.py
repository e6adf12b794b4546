import errno
import fcntl
import os

import pytest
from filelock import Timeout

from mer_core.locks import LockError, locked


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_no_lock_can_be_made_it_ends_with_a_message(code, tmp_path, monkeypatch):
    def refuse(*asked):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    told = rf"lock can't be made and locked \({os.strerror(code)}\)"
    with pytest.raises(LockError, match=told), locked(tmp_path / "lock"):
        pass


def test_a_folder_that_can_not_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    told = "choose a folder on a disk that can be written"
    with pytest.raises(LockError, match=told), locked(tmp_path / "file" / "lock"):
        pass


def test_a_lock_that_is_held_is_waited_for(tmp_path):
    with locked(tmp_path / "lock"), pytest.raises(Timeout), locked(tmp_path / "lock", timeout=0.1):
        pass
    with locked(tmp_path / "lock", timeout=0):
        pass
