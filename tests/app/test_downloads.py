"""A file made for a download: how long it is kept after the click."""

import pytest
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pneumo.ui.shell.streamlit_internals import keep_downloads


@pytest.fixture
def clicked(monkeypatch):
    """(Streamlit's manager, the id of a click on a download in the session "reader")."""
    monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: "reader")
    undo = keep_downloads()
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    yield manager, manager.add_deferred(lambda: b"file,label", "text/csv", "1.2", "list.csv")
    undo()


def fetched(manager: MediaFileManager, url: str) -> bytes | None:
    file = manager.read_file(url.rsplit("/", 1)[1].split(".")[0])
    return file and file.content


def test_it_stays_while_pages_of_other_sessions_run(clicked):
    manager, click = clicked
    url = manager.execute_deferred(click)
    for _ in range(3):  # as at the end of each run of any page
        manager.remove_orphaned_files()
    assert fetched(manager, url) == b"file,label"


def test_it_is_deleted_after_its_session(clicked):
    manager, click = clicked
    url = manager.execute_deferred(click)
    manager.clear_session_refs("reader")
    for _ in range(2):
        manager.remove_orphaned_files()
    assert fetched(manager, url) is None
    assert manager._deferred_callables == {}


def test_a_file_made_after_its_session_ended_is_not_kept(clicked):
    manager, click = clicked
    manager.clear_session_refs("reader")
    url = manager.execute_deferred(click)
    for _ in range(2):
        manager.remove_orphaned_files()
    assert fetched(manager, url) is None
