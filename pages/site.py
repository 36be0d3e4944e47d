"""The site's own tests, its profile, and which model answers here."""

from pneumo.ui.shell.frame import require_frame
from pneumo.ui.site.local import show_site

require_frame()
show_site()
