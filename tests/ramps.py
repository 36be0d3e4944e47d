"""Pictures with every grey once a row."""

import numpy as np
from makers import (
    ramp,
)

R8 = ramp(width=256)  # every grey of 8 bits once a row


R12 = ramp(width=256, top=4095, dtype=np.uint16)
