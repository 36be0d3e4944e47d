"""What the `add` of a command gets: the place for its parser, whose default `run` takes the options and returns the exit code."""

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
