"""`pneumo node`: receive studies with C-STORE, read them and send the results to an archive, until SIGTERM."""

import argparse
import dataclasses
import logging
import os
import signal
import threading

from pneumo.cli.commands import Commands, add_command, add_objects, add_terms, predictor_and_terms, selection_of
from pneumo.errors import ConfigError, ExchangeError
from pneumo.log import known

log = logging.getLogger(__name__)


def add(commands: Commands) -> None:
    parser = add_command(commands, "node", run, "a DICOM node: receives X-rays, sends reports to the archive")
    parser.add_argument("--archive", metavar="HOST:PORT:AET", help="where results go; default: PNEUMO_PACS")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0: all of this machine")
    parser.add_argument("--port", type=int, default=11112)
    parser.add_argument("--ae-title", help="of the node; default: PNEUMO_AE_TITLE or PNEUMO")
    parser.add_argument("--allow", action="append", default=[], metavar="AET", help="accept only this caller; may be repeated")
    parser.add_argument("--grace", type=float, default=8.0, metavar="SECONDS", help="for queued images at shutdown; default: 8")
    add_terms(parser)
    add_objects(parser)


def run(options: argparse.Namespace) -> int:
    from pneumo.exchange import dimse  # loads the DICOM libraries
    from pneumo.exchange.node import Node, NodeSettings
    from pneumo.exchange.reader import Reader
    from pneumo.exchange.settings import Archive, SendSettings, checked_ae_title
    from pneumo.exchange.tls import server_tls

    settings = SendSettings.from_environment()
    archive = Archive.parse(options.archive) if options.archive else settings.archive
    if archive is None:
        raise ConfigError("The node needs an archive to return results to: --archive HOST:PORT:AET or PNEUMO_PACS.")
    if not 0 <= options.port < 65536:
        raise ConfigError(f"--port: expected 1 to 65535; received {options.port}.")
    if not 0 <= options.grace <= 600:
        raise ConfigError(f"--grace: expected 0 to 600 seconds; received {options.grace}.")
    settings = dataclasses.replace(settings, ae_title=checked_ae_title(options.ae_title or settings.ae_title))
    predictor, terms = predictor_and_terms(options)
    selection = selection_of(options, predictor)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    reader = Reader(predictor, terms, lambda objects: dimse.store(objects, archive, settings), selection=selection)
    tls = server_tls(os.environ)
    callers = tuple(checked_ae_title(title) for title in options.allow)
    if tls and tls.callers and (strangers := sorted(set(callers) - set(tls.callers))):
        raise ConfigError(f"--allow {', '.join(strangers)}: PNEUMO_TLS_CALLERS has no certificate of that name.")
    node = Node(NodeSettings(options.host, options.port, settings.ae_title, callers, tls=tls), reader)
    facts = known(model=predictor.card.id, host=options.host)
    log.info("%s listens on %s:%d, model %s", settings.ae_title, options.host, node.port, predictor.card.id, extra=facts)
    log.info("made of an image: %s", ", ".join(sorted(selection.objects)))
    log.info("senders %s, archive %s", *("over TLS" if used else "not encrypted" for used in (tls, settings.tls)))
    try:
        dimse.echo(archive, settings)
        log.info("the archive %s answers", archive.ae_title, extra=known(archive=archive.ae_title))
    except ExchangeError as error:
        log.warning("%s Images are refused until it does.", error)
    ended.wait()
    left = node.stop(options.grace)
    log.info("ended: %s, %d left unread", reader.tally, left, extra=known(tally=str(reader.tally)))
    return 1 if left else 0
