"""Compact model.keras: kernels stored as float16, which Keras loads into float32 variables."""

import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

_WEIGHTS = "model.weights.h5"


def round_kernels(model: keras.Model) -> None:
    """Round every kernel (two or more dimensions) in place to float16 precision; vectors (biases, batch norms) stay exact."""
    for variable in model.variables:
        if _is_kernel(variable.shape):
            variable.assign(np.array(variable).astype(np.float16).astype(np.float32))


def save_compact(model: keras.Model, path: Path) -> None:
    """Save a model after `round_kernels`, so without loss. Members are stored uncompressed."""
    full = path.with_name("full-" + path.name)
    model.save(full)
    with zipfile.ZipFile(full) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, _halved(data) if name == _WEIGHTS else data)
    full.unlink()


def _halved(data: bytes) -> bytes:
    """The same HDF5 tree with kernels as contiguous float16."""
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as source, h5py.File(buffer, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                copied = target.create_dataset(name, data=item[()].astype(np.float16) if _is_kernel(item.shape) else item[()])
            else:
                copied = target.require_group(name)
            copied.attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    return buffer.getvalue()


def _is_kernel(shape: tuple[int, ...]) -> bool:
    return len(shape) >= 2


def stored_arrays(path: Path) -> list[tuple[np.ndarray, int, int]]:
    """(array, byte offset in the file, byte length) of each weight in a compact model.keras."""
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        member = archive.getinfo(_WEIGHTS)
        with archive.open(member) as stream:
            data = stream.read()
        # A zip member's bytes begin behind its local header: 30 bytes, its name, its extra field.
        file.seek(member.header_offset + 26)
        name_length, extra_length = (int.from_bytes(file.read(2), "little") for _ in range(2))
        start = member.header_offset + 30 + name_length + extra_length
    arrays = []
    with h5py.File(io.BytesIO(data)) as weights:

        def note(_: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
                arrays.append((item[()], start + item.id.get_offset(), item.id.get_storage_size()))

        weights.visititems(note)
    return arrays
