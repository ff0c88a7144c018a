"""The specification's own name for the multi-tenant test: runs `npm run test:multi-tenant` and ends with its exit code."""
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
sys.exit(subprocess.run(["npm", "run", "--silent", "test:multi-tenant"], cwd=root).returncode)
