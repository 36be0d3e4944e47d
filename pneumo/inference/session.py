"""An ONNX graph -> a session that computes. The only place where serving hands a file to onnxruntime."""

import os
from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from pneumo.errors import ModelError

# Where onnxruntime would look for weights that lie in a file of their own: nowhere.
_NOWHERE = ("session.model_external_initializers_file_folder_path", os.devnull)


def load_session(
    graph: Path | bytes, whose: str, name: str, beside: Mapping[str, bytes] | None = None, threads: int = 0
) -> onnxruntime.InferenceSession:
    """Of a graph as bytes, nothing is read from the disk: weights that it does not hold itself are in the files `beside`.

    A path is for a graph that was just made here. `whose` and `name` are for the ModelError, raised for what is no graph that
    this version can run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if isinstance(graph, bytes):
        options.add_session_config_entry(*_NOWHERE)
        names, contents = list(beside or {}), list((beside or {}).values())
        options.add_external_initializers_from_files_in_memory(names, contents, [len(each) for each in contents])
    try:
        given = graph if isinstance(graph, bytes) else str(graph)
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen kinds, all bare Exception subclasses
        raise ModelError(f"{whose} does not load: {name} is no graph this version can run. Restore it, or make it anew.") from error
