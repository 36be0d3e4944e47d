"""Dropped files: kept off the disk on their way in, and taken over from Streamlit, which would hold them until the session ends."""

from collections.abc import Sequence

from starlette.formparsers import MultiPartParser
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


def keep_in_memory() -> None:
    """By itself Starlette writes an upload above 1 MB into a temporary file. server.maxUploadSize limits it in any case."""
    MultiPartParser.spool_max_size = 0  # to tempfile.SpooledTemporaryFile: never to the disk


def take_over(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    """(name, bytes) of each file, which from now on lives as long as the caller holds it.

    As Streamlit's own audio_input does with a recording. Draw the uploader anew, under another key, afterwards.
    """
    taken = [(file.name, file.getvalue()) for file in files]  # no copy: the very bytes that Streamlit held
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return taken
