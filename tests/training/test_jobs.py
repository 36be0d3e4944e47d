"""The queue, with a stand-in for the trainer."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from job_runs import ENDED, STAND_IN, TINY, state, wait

from pneumo.errors import DataError, RunError
from pneumo.training import runfolder
from pneumo.training.config import make_config
from pneumo.training.jobs import folder as jobs_folder
from pneumo.training.jobs import queue, worker
from pneumo.training.jobs.process import environment, python
from pneumo.training.runfolder import RunStatus, lock, read_status, write_status

pytestmark = pytest.mark.long

CONFIG = make_config("cnn", TINY)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """An empty runs folder whose worker is a real process that starts the stand-in."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    (tmp_path / "worker.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom pneumo.training.jobs import worker\nworker.GRACE = 1.0\n"
        f"worker.work(Path(sys.argv[1]), lambda run: [sys.executable, {str(tmp_path / 'stand_in.py')!r}, str(run)])\n"
    )
    monkeypatch.setattr(queue, "worker_command", lambda root: [sys.executable, str(tmp_path / "worker.py"), str(root)])
    folder = tmp_path / "runs"
    yield folder
    for run, _ in jobs_folder.statuses(folder):
        queue.cancel(run)
    wait(lambda: not runfolder.is_held(jobs_folder.worker_lock(folder)))


@pytest.fixture
def no_worker(monkeypatch):
    monkeypatch.setattr(queue, "ensure_worker", lambda runs: None)


def order(runs, name, text):
    (runs.parent / f"{name}.orders").write_text(text)


def test_runs_are_trained_one_after_the_other(runs, small_data):
    names = ["b", "a", "c"]
    folders = [queue.submit(CONFIG, small_data, runs, name) for name in names]
    for folder in folders:
        assert state(folder, *ENDED).state == "finished"
    lines = (runs / "order.txt").read_text().splitlines()
    assert lines == [f"{name} {word}" for name in names for word in ("begins", "ends")]


def test_a_live_run_and_a_queued_one_are_cancelled(runs, small_data):
    order(runs, "live", "slow end")
    live = queue.submit(CONFIG, small_data, runs, "live")
    waiting = queue.submit(CONFIG, small_data, runs, "waiting")
    state(live, "running")
    assert queue.queued(runs) == [waiting]
    with pytest.raises(RunError, match="Cancel it before"):
        queue.delete(waiting)
    queue.cancel(waiting)
    assert read_status(waiting).state == "cancelled"
    with pytest.raises(RunError, match="is running"):
        queue.resume(live)
    queue.cancel(live)
    queue.cancel(live)  # a second click must not interrupt the trainer while it ends
    assert state(live, *ENDED) == RunStatus("cancelled", "as asked", epoch=1, epochs=3, updated=read_status(live).updated)
    assert "waiting" not in (runs / "order.txt").read_text()

    order(runs, "live", "")
    wait(lambda: not runfolder.is_alive(live))
    queue.resume(live)  # while the process is still ending
    assert state(live, *ENDED).state == "finished"
    assert (runs / "order.txt").read_text().splitlines() == ["live begins", "live begins", "live ends"]
    queue.delete(live)
    assert not live.exists()
    with pytest.raises(RunError, match="no training run"):
        queue.delete(live)


def test_a_trainer_that_ignores_sigterm_is_killed(runs, small_data):
    order(runs, "deaf", "deaf")
    run = queue.submit(CONFIG, small_data, runs, "deaf")
    pid = state(run, "running").pid
    queue.cancel(run)
    assert state(run, "cancelled", seconds=5).pid is None
    assert not os.path.exists(f"/proc/{pid}")


def test_a_trainer_that_is_still_loading_is_cancelled(runs, small_data):
    order(runs, "slow", "slow start")
    run = queue.submit(CONFIG, small_data, runs, "slow")
    wait((run / "begun").exists)
    queue.cancel(run)
    assert read_status(run).state == "cancelled"
    wait(lambda: not (run / "cancel").exists(), seconds=5)  # the child is gone, long before its 30 s
    assert (run / "asked").exists()
    assert read_status(run).state == "cancelled"


def test_the_queue_goes_on_after_its_worker_died(runs, small_data, monkeypatch):
    order(runs, "first", "stay")
    begun = []
    monkeypatch.setattr(queue, "start_detached", lambda command: begun.append(subprocess.Popen(command, env=environment())))
    first = queue.submit(CONFIG, small_data, runs, "first")
    state(first, "running")
    second = queue.submit(CONFIG, small_data, runs, "second")
    assert len(begun) == 1  # there is one already
    begun[0].kill()
    begun[0].wait()
    queue.ensure_worker(runs)
    assert len(begun) == 2
    time.sleep(1)
    assert read_status(first).state == "running"  # its trainer outlived the worker, and the second waits for it
    assert read_status(second).state == "queued"
    os.kill(read_status(first).pid, signal.SIGKILL)
    assert state(first, *ENDED).state == "failed"
    assert state(second, *ENDED).state == "finished"
    assert begun[1].wait(5) == 0


@pytest.mark.parametrize(
    ("word", "why"), [("wrong", r"nothing works \(exit code 1\)"), ("stay", r"killed by the system \(signal 9\).*memory")]
)
def test_the_reason_why_a_run_failed(runs, small_data, word, why):
    order(runs, "run", word)
    run = queue.submit(CONFIG, small_data, runs, "run")
    if word == "stay":
        os.kill(state(run, "running").pid, signal.SIGKILL)
    wait(lambda: read_status(run).pid is None and read_status(run).state == "failed")
    assert re.search(why, read_status(run).why)


def test_of_several_submits_with_one_name_one_succeeds(runs, small_data, no_worker):
    outcomes, door = [], threading.Barrier(4)

    def start():
        door.wait()
        try:
            outcomes.append(queue.submit(CONFIG, small_data, runs, "one"))
        except RunError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each for each in outcomes if isinstance(each, Path)] == [runs / "one"]
    assert sum("exists already" in str(each) for each in outcomes) == 3
    assert json.loads((runs / "one" / "job.json").read_text())["data"] == str(small_data)


@pytest.mark.parametrize("name", ["", "..", "A", "a/b", ".worker.lock", "-a", "a" * 62])
def test_ill_formed_names(tmp_path, small_data, name):
    with pytest.raises(RunError, match="name of a run"):
        queue.submit(CONFIG, small_data, tmp_path / "runs", name)
    assert not (tmp_path / "runs").exists()


def test_data_that_cannot_be_split(tmp_path):
    for place in ("train/NORMAL/IM-0001-0001.png", "train/PNEUMONIA/person1_virus_1.png", "train/PNEUMONIA/person2_virus_2.png"):
        path = tmp_path / "set" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(DataError, match=r"1 NORMAL patients \(3 images in all\); expected at least 3"):
        queue.submit(CONFIG, tmp_path / "set", tmp_path / "runs", "one")
    with pytest.raises(DataError, match="No data folder"):
        queue.submit(CONFIG, tmp_path / "absent", tmp_path / "runs", "one")
    for number in range(2, 9):
        (tmp_path / "set" / "train" / "NORMAL" / f"IM-{number:04}-0001.png").touch()
    (tmp_path / "set" / "train" / "PNEUMONIA" / "person1_bacteria_1.png").touch()  # too few to train on
    with pytest.raises(DataError, match="train part would hold no PNEUMONIA"):
        queue.submit(CONFIG, tmp_path / "set", tmp_path / "runs", "one")
    assert not (tmp_path / "runs").exists()


def test_another_programs_process_gets_no_signal(runs, small_data, no_worker, monkeypatch):
    """A process id left in status.json may belong to another program by now: only the lock's holder is ended."""
    run = queue.submit(CONFIG, small_data, runs, "run")
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        status = RunStatus("running", epochs=3, pid=stranger.pid)
        write_status(run, status)
        monkeypatch.setattr(queue, "read_status", lambda run: status)  # as read in the moment before the trainer died
        queue.cancel(run)
        time.sleep(0.2)
        assert stranger.poll() is None
        with lock(run):
            jobs_folder.withdraw_cancel(run)
            queue.cancel(run)
        assert stranger.wait(5) == -signal.SIGTERM
    finally:
        stranger.kill()


def test_a_run_from_the_command_line_is_left_alone(runs, small_data):
    """It is live but not in the queue: queued runs do not wait for it, and it goes on."""
    other = runs / "other"
    other.mkdir(parents=True)
    with lock(other):
        write_status(other, RunStatus("running", pid=1))
        run = queue.submit(CONFIG, small_data, runs, "run")
        assert state(run, *ENDED).state == "finished"
        assert read_status(other).state == "running"


def test_a_run_that_cannot_be_started_does_not_stop_the_queue(runs, small_data, no_worker):
    runs.mkdir()
    bad, good = (queue.submit(CONFIG, small_data, runs, name) for name in ("bad", "good"))
    (bad / "log.txt").mkdir()
    (runs / "damaged").mkdir()
    (runs / "damaged" / "status.json").write_text("{")
    command = [sys.executable, str(runs.parent / "stand_in.py")]
    worker.work(runs, lambda run: [*command, str(run)])
    assert read_status(good).state == "finished"
    assert read_status(bad).state == "failed"
    assert "could not be started" in read_status(bad).why


def test_a_second_worker_ends_at_once(runs, small_data, no_worker, monkeypatch):
    run = queue.submit(CONFIG, small_data, runs, "run")
    monkeypatch.setattr(jobs_folder, "worker_lock", lambda root: jobs_folder.FileLock(root / ".worker.lock", timeout=0.1))
    with jobs_folder.worker_lock(runs):
        worker.work(runs, lambda run: pytest.fail("two workers"))
    assert read_status(run).state == "queued"


def test_the_reason_is_recorded_even_while_a_page_reads_the_run(runs, small_data, no_worker, monkeypatch):
    """Reading takes the trainer's lock for an instant, and the dead trainer then seems alive."""
    run = queue.submit(CONFIG, small_data, runs, "run")
    write_status(run, RunStatus("running", epochs=3, pid=1))
    monkeypatch.setattr("pneumo.training.runfolder.is_alive", lambda run: True)
    worker._conclude(run, code=-9)
    assert "signal 9" in read_status(run).why
    with lock(run):  # but not while the run is being trained
        write_status(run, RunStatus("running", epochs=3, pid=1))
        worker._conclude(run, code=-9)
        assert read_status(run).state == "running"


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")
def test_a_detached_process_outlives_the_app(tmp_path):
    late = f"import time, pathlib; time.sleep(0.5); pathlib.Path({str(tmp_path / 'late')!r}).touch()"
    app = f"import time; from pneumo.training.jobs.process import *; print(start_detached(python('-c', {late!r}))); "
    process = subprocess.Popen(
        python("-uc", app + "time.sleep(30)"), env=environment(), stdout=subprocess.PIPE, start_new_session=True
    )
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGKILL)  # like closing the terminal, but harder
    process.communicate()
    wait((tmp_path / "late").exists, seconds=10)


def test_a_worker_lets_go_before_anyone_can_queue_another_run(runs, monkeypatch):
    """Else a run queued in its last moment would find a worker that does not see it any more."""
    free, queue_lock = [], jobs_folder.queue_lock

    @contextlib.contextmanager
    def watched(root):
        with queue_lock(root):
            try:
                yield
            finally:  # also on return
                free.append(not runfolder.is_held(jobs_folder.worker_lock(root)))

    runs.mkdir()
    monkeypatch.setattr(jobs_folder, "queue_lock", watched)
    worker.work(runs)
    assert free == [True]
