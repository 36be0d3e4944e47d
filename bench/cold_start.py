"""Time from start to the first answer, against a naive Keras app. Medians of one run, the contenders in turn.

PYTHONPATH=.:tests python bench/cold_start.py FILE [--rounds 5] [--browser]      FILE: one X-ray, JPEG or PNG

shell       `python -m pneumo predict FILE --heatmap DIR` against `python bench/naive.py FILE --heatmap DIR`
--browser   from `streamlit run` until the answer is on the page, the file dropped as soon as possible: app.py against
            bench/naive_app.py; and the memory of the app's processes then. Chromium must be installed.

On a shared machine processor time is more reliable than wall time.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
from process_cost import ROOT, cost_of, resident

ANSWER = "text=/NORMAL|PNEUMONIA/"


def shell(file: Path, rounds: int) -> None:
    commands = {
        "pneumo": [sys.executable, "-m", "pneumo", "predict", str(file)],
        "naive": [sys.executable, "bench/naive.py", str(file)],
    }
    measured: dict[str, list] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, command in commands.items():
                measured[name].append(cost_of([*command, "--heatmap", folder]))
    _table(
        "shell, one file",
        {
            name: (
                statistics.median(c.wall for c in costs),
                statistics.median(c.processor for c in costs),
                max(c.peak for c in costs),
            )
            for name, costs in measured.items()
        },
    )


def browser(file: Path, rounds: int) -> None:
    measured: dict[str, list] = {"pneumo": [], "naive": []}
    for _ in range(rounds):
        for name, script in (("pneumo", "app.py"), ("naive", "bench/naive_app.py")):
            measured[name].append(_first_answer(script, file))
    _table(
        "browser, first answer",
        {name: tuple(statistics.median(row[k] for row in rows) for k in range(3)) for name, rows in measured.items()},
    )


def _first_answer(script: str, file: Path) -> tuple[float, float, float]:
    """(seconds until the answer is shown, processor seconds, bytes resident) of the app's processes."""
    from browser.running import browser_page, running_chromium

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_chromium() as chromium, browser_page(chromium) as page:
        began = time.perf_counter()
        command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port), "--server.headless", "true"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).read()
                    break
                except OSError:
                    time.sleep(0.05)
            page.goto(f"http://127.0.0.1:{port}", wait_until="commit")
            page.locator("input[type=file]").first.set_input_files(str(file))
            page.locator('[data-testid="stMain"] img').first.wait_for()
            page.locator(f'[data-testid="stMain"] >> {ANSWER}').first.wait_for()
            wall = time.perf_counter() - began
            app = psutil.Process(process.pid)
            times = [member.cpu_times() for member in [app, *app.children(recursive=True)]]
            return wall, sum(t.user + t.system for t in times), resident(app)
        finally:
            process.terminate()
            process.wait()


def _table(title: str, rows: dict[str, tuple[float, ...]]) -> None:
    print(f"\n| {title} | seconds | processor | memory, MB |\n|---|---:|---:|---:|")
    for name, (wall, processor, peak) in rows.items():
        print(f"| {name} | {wall:.2f} | {processor:.2f} | {peak / 2**20:.0f} |")
    ours, theirs = rows["pneumo"], rows["naive"]
    print("| naive / pneumo | " + " | ".join(f"{b / a:.1f}" for a, b in zip(ours, theirs, strict=True)) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--browser", action="store_true")
    options = parser.parse_args()
    (browser if options.browser else shell)(options.file.resolve(), options.rounds)
