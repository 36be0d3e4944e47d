"""Pneumo: pneumonia on paediatric chest radiographs, with a calibrated probability and an honest account of it."""

__version__ = "0.1.0"
