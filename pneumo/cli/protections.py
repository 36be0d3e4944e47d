"""`pneumo protections`: what a decoding process can still do on this machine."""

import argparse

from pneumo.cli.commands import Commands, add_command


def add(commands: Commands) -> None:
    add_command(commands, "protections", run, "try what a hostile image could do here; exit 1 if something works")


def run(options: argparse.Namespace) -> int:
    """Returns 0 if every attempt was refused, else 1."""
    from pneumo.imaging.decoding.protections import probe_protections

    protections = probe_protections()
    print("locks\t" + (", ".join(protections.locks) or "none of this system's is used: limits on memory, time and file size alone"))
    for attempt, refused in protections.refused.items():
        print(f"{attempt}\t{'refused' if refused else 'POSSIBLE'}")
    return 0 if all(protections.refused.values()) else 1
