"""A .keras file -> the network in it, in Keras' safe mode: nothing in the file is run as code. Serving never comes here."""

from pathlib import Path

import keras

from pneumo.errors import ModelError


def load_network(path: Path) -> keras.Model:
    """Raises ModelError for a file that is missing, damaged, no network of this version, or that brings code of its own."""
    try:
        return keras.models.load_model(path, safe_mode=True)
    except MemoryError:
        raise
    except Exception as error:  # Keras raises whatever the layer, zip or HDF5 reader at fault does
        raise ModelError(
            f"{path.name} in {path.parent.name} cannot be loaded as a network: it is damaged, of another version, or holds code "
            "(a Lambda layer), which Keras' safe mode does not run. Restore it, or train anew."
        ) from error
