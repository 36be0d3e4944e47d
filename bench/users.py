"""Twenty people drop X-rays at once: are all answers right, how long do they wait, and how much memory does the app use?

PYTHONPATH=.:tests python bench/users.py DIR [--sessions 20] [--rounds 3] [--huge]      DIR: X-rays, JPEG or PNG; Chromium installed

Each session is a browser context of its own. All drop different X-rays at the same moment. Seconds run until verdict, probability
and heatmap of the file are shown; verdict and probability are compared with those of `predict`. Chromium uses the same cores, so
the waiting time is an upper bound. --huge: in the last round one more session drops an image of 49 million pixels.
"""

import argparse
import asyncio
import csv
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from browser.running import CHROMIUM, FLAGS, app
from PIL import Image
from playwright.async_api import async_playwright
from process_cost import ROOT, resident

PATIENCE = 300_000  # ms


def expected(files: list[Path]) -> dict[Path, tuple[str, str]]:
    """(verdict, probability in two digits) by the command line."""
    output = subprocess.run(
        [sys.executable, "-m", "pneumo", "predict", *map(str, files), "--format", "csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = csv.DictReader(output.splitlines())
    return {
        Path(row["file"]): (row["verdict"], f"{min(max(float(row['probability']), 0.01), 0.99):.2f}")  # "below 0.01", "above 0.99"
        for row in rows
        if row["status"] == "ok"
    }


def processor(process: psutil.Process) -> float:
    """Processor seconds used by the app and its decoding processes."""
    times = [member.cpu_times() for member in [process, *process.children(recursive=True)]]
    return sum(each.user + each.system for each in times)


async def drop(page, file: Path) -> tuple[float, str, str]:
    """(seconds, verdict, probability in two digits) once the page shows this file's answer."""
    began = time.perf_counter()
    await page.locator('input[type="file"]').first.set_input_files(str(file))
    await page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
    await page.locator(".verdict").first.wait_for()
    label = re.match("NORMAL|INDETERMINATE|PNEUMONIA", await page.locator(".verdict").first.inner_text())[0]
    text = await page.locator(".probability").first.inner_text()
    return time.perf_counter() - began, label, re.search(r"\d\.\d\d", text)[0]


async def session(browser, url: str):
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(PATIENCE)
    await page.goto(url, wait_until="commit")
    await page.locator('input[type="file"]').first.wait_for(state="attached")
    return page


async def one_round(
    browser, url: str, files: list[Path], right: dict[Path, tuple[str, str]], huge: Path | None
) -> tuple[list, int]:
    """(seconds of each session, number of wrong answers) of one simultaneous drop."""
    pages = [await session(browser, url) for _ in files]
    first = asyncio.create_task(drop(await session(browser, url), huge)) if huge else None
    answers = await asyncio.gather(*(drop(page, file) for page, file in zip(pages, files, strict=True)))
    if first:
        print(f"the huge image: {(await first)[0]:.1f} s")
    for page in pages:
        await page.context.close()
    wrong = 0
    for (_, *shown), file in zip(answers, files, strict=True):
        if tuple(shown) != right[file]:
            wrong += 1
            print(f"{file.name}: expected {right[file]}, the page says {shown}")
    return [seconds for seconds, _, _ in answers], wrong


async def measure(url: str, process: psutil.Process, options: argparse.Namespace, huge: Path) -> None:
    every = sorted(path for path in options.dir.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg", ".png"))
    files = [every[k] for k in np.linspace(0, len(every) - 1, 4 * options.sessions).astype(int)]
    right = expected(sorted(set(files)))
    files = [file for file in dict.fromkeys(files) if file in right][: options.sessions]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        alone, _ = await one_round(browser, url, files[:1], right, None)
        print(f"one session alone, first answer of the app: {alone[0]:.2f} s; memory {resident(process) / 2**20:.0f} MB")
        alone, _ = await one_round(browser, url, files[:1], right, None)
        print("\n| sessions at once | answers | wrong | p50, s | p95, s | p95 / alone | app, processor s | memory, MB |")
        print("|---:|---:|---:|---:|---:|---:|---:|---:|")
        for number in range(options.rounds):
            with_huge = huge if options.huge and number == options.rounds - 1 else None
            before = processor(process)
            took, wrong = await one_round(browser, url, files, right, with_huge)
            spent = (processor(process) - before) / (len(took) + bool(with_huge))
            p50, p95 = np.percentile(took, [50, 95])
            print(
                f"| {len(files)}{' and a huge image' * bool(with_huge)} | {len(took)} | {wrong} | {p50:.2f} | {p95:.2f} | "
                f"{p95 / alone[0]:.1f} | {spent:.2f} | {resident(process) / 2**20:.0f} |",
                flush=True,
            )
        await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--huge", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        huge = Path(home) / "huge.png"
        files = sorted(options.dir.rglob("*.jp*g"))
        Image.open(files[0]).convert("L").resize((7000, 7000)).save(huge, compress_level=1)
        with app(Path(home)) as url:
            process = next(
                candidate
                for candidate in psutil.process_iter(["cmdline"])
                if "app.py" in (candidate.info["cmdline"] or []) and url.rsplit(":")[-1] in candidate.info["cmdline"]
            )
            asyncio.run(measure(url, process, options, huge))


if __name__ == "__main__":
    main()
