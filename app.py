"""Pneumo's entry: declares the pages and the frame they stand in; nothing else."""

from pneumo.ui.frame import run

run()
