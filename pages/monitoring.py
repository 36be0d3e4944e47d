"""The model in use, as the record shows it: alarms, weeks, agreement and final diagnoses."""

from pneumo.ui.monitoring.watching import show_monitoring
from pneumo.ui.shell.frame import require_frame

require_frame()
show_monitoring()
