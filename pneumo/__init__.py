"""Pneumo: pneumonia on paediatric chest radiographs, with a calibrated probability and an honest account of it."""

import os

__version__ = "0.1.0"

# onnxruntime's official builds report each session to Microsoft unless this is set before they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
