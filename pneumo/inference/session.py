"""Load an ONNX graph. The only place where serving passes a file to onnxruntime."""

import os
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from pneumo.errors import ModelError

# Keeps onnxruntime from reading external weights from disk.
_NOWHERE = ("session.model_external_initializers_file_folder_path", os.devnull)


def load_session(
    graph: Path | bytes, whose: str, name: str, beside: Mapping[str, bytes] | None = None, threads: int = 0
) -> onnxruntime.InferenceSession:
    """A graph given as bytes reads nothing from disk: `beside` holds its external weights.

    A path is for a new graph. `whose` and `name` are for the message of the ModelError for a graph that this version cannot run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if isinstance(graph, bytes):
        options.add_session_config_entry(*_NOWHERE)
        names, contents = list(beside or {}), list((beside or {}).values())
        options.add_external_initializers_from_files_in_memory(names, contents, [len(content) for content in contents])
    try:
        source = graph if isinstance(graph, bytes) else str(graph)
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen kinds, all bare Exception subclasses
        raise ModelError(f"{whose} does not load: {name} is no graph this version can run. Restore it, or make it anew.") from error
