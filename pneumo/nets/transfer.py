"""Settings of transfer learning, readable without Keras."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TransferSettings:
    dense: int = 256
    dropout: float = 0.3
    trainable_from: str = "conv3"  # first fine-tuned stage: conv1 ... conv5
