"""Load a .keras file in Keras' safe mode, which runs no code from the file. Not used in serving."""

from pathlib import Path

import keras

from pneumo.errors import ModelError


def load_network(path: Path) -> keras.Model:
    """Raises ModelError for a file that is missing, damaged, of another version, or contains code."""
    try:
        return keras.models.load_model(path, safe_mode=True)
    except MemoryError:
        raise
    except Exception as error:  # Keras passes on any error of layers, zip or HDF5
        raise ModelError(
            f"{path.name} in {path.parent.name} cannot be loaded as a network: it is damaged, of another version, or holds code "
            "(a Lambda layer), which Keras' safe mode does not run. Restore it, or train anew."
        ) from error
