"""The record of cases: search, the clinician's agreement, export, deletion."""

from pneumo.ui.history.cases import show_history
from pneumo.ui.shell.frame import require_frame

require_frame()
show_history()
