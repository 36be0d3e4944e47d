"""The type of `add`'s argument. Each command adds a parser whose default `run` takes the options and returns the exit code."""

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
