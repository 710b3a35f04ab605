"""Send an artifact to an S3-compatible object store."""

import sys

from upload.command import main

if __name__ == "__main__":
    sys.exit(main())
