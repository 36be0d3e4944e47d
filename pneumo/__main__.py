import sys

from pneumo.cli.main import main

sys.exit(main())
