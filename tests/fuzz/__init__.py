"""Damaged image files: made, watched and counted. The long run is bench/fuzz_files.py."""
