"""Readings made by hand: zones from 0.25 to 0.75, threshold 0.5, at even odds unless said otherwise."""

from pneumo.evaluation.operating_point import RULE_IN, RULE_OUT, zone
from pneumo.inference.finding import Reading


def reading_of(
    probability: float, threshold: float = 0.5, low: float = 0.25, high: float = 0.75, prevalence: float = 0.5
) -> Reading:
    where = zone(probability, {RULE_OUT: low, RULE_IN: high})
    ratio = probability / (1 - probability) * (1 - prevalence) / prevalence
    label = "PNEUMONIA" if probability >= threshold else "NORMAL"
    return Reading(where.verdict, where, label, probability, ratio, prevalence, threshold, low, high, "balanced")
