"""Look for known vulnerabilities of what Tamis needs, with pip-audit: `make audit`.

The versions are those of the environment, written to dist/versions.txt. pip-audit asks for advisories over the
network. Where it cannot, nothing has been looked for, and this fails: take that file to a machine that can, and run
there what is printed.
"""

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from scripts.dependencies import closure

ROOT: Final = Path(__file__).resolve().parents[1]
VERSIONS: Final = ROOT / "dist" / "versions.txt"
ENVIRONMENT: Final = ROOT / "build" / "audit"
"""pip-audit brings packages of its own, which have no business beside ours."""


def versions() -> str:
    """Return a line for each package that is needed, with its version."""
    return "".join(f"{name}=={one.version}\n" for name, one in closure().items() if name != "tamis")


def main() -> int:
    VERSIONS.parent.mkdir(exist_ok=True)
    VERSIONS.write_text(versions(), "utf-8")
    print(f"versions: {VERSIONS.relative_to(ROOT)}", flush=True)
    program = ENVIRONMENT / "bin" / "pip-audit"
    if not program.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        command = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-q", "pip-audit>=2.7,<3"]
        if subprocess.run(command, check=False).returncode:
            return 1
    # OSV, since it takes all packages in one question, and answers for those that PyPI does not know.
    arguments = ["--no-deps", "--disable-pip", "--vulnerability-service", "osv", "-r", str(VERSIONS)]
    status = subprocess.run([str(program), "--progress-spinner", "off", *arguments], check=False).returncode
    if status:
        print(f"where no advisories could be had, run elsewhere: pip-audit {' '.join(arguments[:-1])} versions.txt")
    return status


if __name__ == "__main__":
    sys.exit(main())
