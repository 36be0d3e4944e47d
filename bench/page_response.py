"""Does a training job slow the pages? The app in Chromium, with and without `train` running at nice 10.

PYTHONPATH=.:tests python bench/page_response.py DIR [--rounds 20] [--output FILE]

DIR is a data set with train/, val/ and test/; Chromium must be installed. A round opens Dataset, About and Diagnose by their links,
and shows the next picture with its heatmap. Seconds from the click until the content is shown and the script has ended. Half of the
rounds without a job come first, half last.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from browser.running import CHROMIUM, ROOT, app, browser_page, running_chromium

AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PAGES = ("Dataset", "About", "Diagnose")


@contextmanager
def training(data: Path, home: Path) -> Iterator[None]:
    """Run a training job during the block, which starts after its first epoch."""
    run = home / "run"
    command = [sys.executable, "-m", "pneumo", "train", "cnn", "--data", str(data), "--output", str(run), "--epochs", "1000"]
    environment = {**os.environ, "PNEUMO_CACHE_DIR": str(home / "cache")}
    with open(home / "train.log", "w") as log:
        job = subprocess.Popen(["nice", "-n", "10", *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        while not (run / "history.jsonl").exists():
            if job.poll() is not None:
                sys.exit("The training job ended early:\n" + (home / "train.log").read_text()[-2000:])
            time.sleep(0.5)
        yield
        if job.poll() is not None:
            sys.exit("The training job ended before the pages were measured; use a larger set.")
    finally:
        job.terminate()
        job.wait(timeout=60)


def timed(page, act: Callable[[], None], shown) -> float:
    """Seconds from `act` until the locator `shown` is visible and no script runs."""
    begun = time.perf_counter()
    act()
    shown.wait_for()
    page.locator(AT_REST).wait_for()
    return time.perf_counter() - begun


def measured(page, rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in (*PAGES, "next picture")}
    for _ in range(rounds):
        for name in PAGES:
            link, heading = page.get_by_role("link", name=name), page.get_by_role("heading", name=name, exact=True)
            seconds[name].append(timed(page, link.click, heading))
        page.get_by_text("1 of 3").wait_for()
        seconds["next picture"].append(timed(page, page.get_by_role("button", name="Next").click, page.get_by_text("2 of 3")))
        timed(page, page.get_by_role("button", name="Previous").click, page.get_by_text("1 of 3"))
    return seconds


def ready(page, address: str) -> None:
    """Warm the caches: read three phantoms on Diagnose, and open every page once."""
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_role("button", name="Try it with generated phantoms").click()
    page.get_by_text("1 of 3").wait_for()
    measured(page, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--output", type=Path, help="every time as JSON")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("No Chromium found: install Debian's package chromium, or Google Chrome.")
    with tempfile.TemporaryDirectory() as folder:
        home, data = Path(folder), options.dir.resolve()
        with app(home, PNEUMO_DATA_DIR=str(data)) as address, running_chromium() as chromium, browser_page(chromium) as page:
            ready(page, address)
            before = measured(page, options.rounds // 2)
            with training(data, home):
                beside = measured(page, options.rounds)
            after = measured(page, options.rounds - options.rounds // 2)
    alone = {name: before[name] + after[name] for name in before}
    print(f"{os.cpu_count()} cores, {options.rounds} rounds, seconds\n")
    print("| what | alone: p50 | p95 | beside a job: p50 | p95 | ratio of p50 | of p95 |\n|---|---:|---:|---:|---:|---:|---:|")
    for name in (*alone, "all"):
        quiet, busy = (np.ravel(list(times.values()) if name == "all" else times[name]) for times in (alone, beside))
        (a, b), (c, d) = np.percentile(quiet, (50, 95)), np.percentile(busy, (50, 95))
        print(f"| {name} | {a:.2f} | {b:.2f} | {c:.2f} | {d:.2f} | {c / a:.2f} | {d / b:.2f} |")
    if options.output:
        options.output.write_text(json.dumps({"alone": alone, "beside": beside}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
