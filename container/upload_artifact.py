"""Send an artifact to an S3-compatible object store."""

import sys

from upload.command import main

sys.exit(main())
