"""Settings of transfer learning, apart from backbone.py so that the app reads them without loading Keras."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TransferSettings:
    dense: int = 256
    dropout: float = 0.3
    trainable_from: str = "conv3"  # first stage that fine-tuning changes: conv1 ... conv5
