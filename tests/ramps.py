"""Pictures with every grey once in each row."""

import numpy as np
from makers import (
    ramp,
)

R8 = ramp(width=256)  # every 8-bit grey once in each row


R12 = ramp(width=256, top=4095, dtype=np.uint16)
