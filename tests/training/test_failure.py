import errno

import pytest

from pneumo.errors import DataError
from pneumo.training.failure import explain, is_shortage


class ResourceExhaustedError(Exception):
    """Has the name of TensorFlow's class."""


@pytest.mark.parametrize(
    ("error", "said", "shortage"),
    [
        (MemoryError(), "smaller batch", True),
        (ResourceExhaustedError("OOM when allocating tensor"), "smaller batch", True),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), "smaller batch", True),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full", True),
        (ResourceExhaustedError("events.out.tfevents; No space left on device"), "disk is full", True),
        (OSError("Can't write data (file write failed: error message = 'No space left on device')"), "disk is full", True),
        (OSError(errno.EFBIG, "File too large"), "disk is full", True),
        (FileNotFoundError(errno.ENOENT, "No such file", "images.u8"), "could not be read", True),
        (KeyboardInterrupt(), "Cancelled", False),
        (DataError("The train part needs both classes."), "The train part needs both classes.", False),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero", False),
    ],
)
def test_every_failure_is_explained(error, said, shortage):
    assert said in explain(error)
    assert is_shortage(error) == shortage
