"""`pneumo report`: a one-page PDF about one X-ray."""

import argparse
import contextlib
from datetime import UTC, datetime
from pathlib import Path

from pneumo.cli.commands import Commands, add_command, add_terms, answered, predictor_and_terms
from pneumo.cli.second_opinion import opinion_on
from pneumo.errors import ConfigError, DataError
from pneumo.inference.finding import judge
from pneumo.outgoing import printable
from pneumo.site.profile import metrics_beside


def add(commands: Commands) -> None:
    report = add_command(commands, "report", run, "one page about one X-ray, as PDF")
    report.add_argument("file", type=Path, metavar="FILE")
    report.add_argument("--output", type=Path, required=True, metavar="OUT.pdf")
    add_terms(report)
    report.add_argument("--note", default="", help="the clinician's note, printed as typed")
    report.add_argument("--agreement", choices=("agree", "disagree"), help="the clinician's, with the answer; default: not stated")
    report.add_argument("--reference", default="", help="printed as typed; the only identification on the page")
    without = "leave out the second opinion, which takes most of the time"
    report.add_argument("--no-second-opinion", dest="second_opinion", action="store_false", help=without)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 if the page was written; 1, and no page, if there is no answer."""
    from pneumo.reporting import second_opinion_words as words
    from pneumo.reporting.evaluated import read_cautions
    from pneumo.reporting.finding_pdf import report_pdf
    from pneumo.reporting.finding_report import NOT_STATED, Remarks, ReportContent
    from pneumo.reporting.weaknesses import heatmap_doubt

    if options.output.resolve() == options.file.resolve():
        raise ConfigError(f"The report would overwrite the X-ray {options.file}. Give another --output.")
    predictor, terms = predictor_and_terms(options)
    card, metrics = predictor.card, metrics_beside(predictor)
    finding = answered(options.file, predictor, "report")
    if finding is None:
        return 1
    assert finding.answer is not None, "expected a finding that is an answer"
    assert finding.radiograph is not None, "expected a finding that is an answer"
    reading = judge(finding.answer.log_ratio, card, terms)
    remarks = Remarks(options.note, options.agreement or NOT_STATED, options.reference, reading.verdict)
    extra: tuple[tuple[str, str], ...] = ()
    if options.second_opinion:
        opinion, votes, _ = opinion_on(finding, predictor, terms)
        cautions = words.caution_text(words.cautions(opinion, votes, reading, read_cautions(card.id)))
        extra = ((words.SECOND_OPINION, cautions or words.CALM),)
    made = datetime.now(UTC).astimezone()
    content = ReportContent(finding, finding.radiograph, card, metrics, terms, remarks, made, extra, heatmap_doubt(card.id))
    _write(options.output, report_pdf(content))
    print(printable(str(options.output)))
    return 0


def _write(path: Path, pdf: bytes) -> None:
    """Write the whole file or nothing. Raises DataError."""
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_bytes(pdf)
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise DataError(f"The report cannot be written to {path}: {error.strerror or error}. Give another --output.") from error
