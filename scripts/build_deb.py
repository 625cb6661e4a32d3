"""Build a package for Debian 12 out of .venv: what the tests have run with is what is installed.

`make deb` does it. Everything is in /usr/lib/tamis, an environment of its own for Debian's Python; /usr/bin/tamis leads
there. The units are those of systemd/, with that path.
"""

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scripts.dependencies import closure, files
from tamis import __version__

ROOT = Path(__file__).resolve().parents[1]
PIECES = ROOT / "scripts" / "deb"
HOME = Path("usr/lib/tamis")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = HOME / "lib" / PYTHON / "site-packages"
_INSTALLED_AS = {
    "systemd/tamis.service": "usr/lib/systemd/system/tamis.service",
    "systemd/tamis.socket": "usr/lib/systemd/system/tamis.socket",
    "systemd/tamis-web.service": "usr/lib/systemd/system/tamis-web.service",
    "systemd/tamis-mailboxes.service": "usr/lib/systemd/system/tamis-mailboxes.service",
    "systemd/tamis-mailboxes.timer": "usr/lib/systemd/system/tamis-mailboxes.timer",
    "systemd/tamis.sysusers.conf": "usr/lib/sysusers.d/tamis.conf",
    "systemd/tamis.tmpfiles.conf": "usr/lib/tmpfiles.d/tamis.conf",
    "scripts/deb/tamis.toml": "etc/tamis/tamis.toml",
    "scripts/deb/copyright": "usr/share/doc/tamis/copyright",
    "CHANGELOG.md": "usr/share/doc/tamis/CHANGELOG.md",
    "README.md": "usr/share/doc/tamis/README.md",
    "README.fr.md": "usr/share/doc/tamis/README.fr.md",
}


def stage(tree: Path, compiled: bool = True) -> None:
    """Lay out what the package installs below `tree`; without `compiled`, Python compiles at each start."""
    site = tree / SITE
    (tree / HOME / "bin").mkdir(parents=True)
    (tree / HOME / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    for name in ("python3", PYTHON):
        (tree / HOME / "bin" / name).symlink_to(f"/usr/bin/{PYTHON}")
    for name, one in closure().items():
        if name != "tamis":
            for source, place in files(one):
                (site / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, site / place)
    _unpack_wheel(site)
    command = tree / HOME / "bin" / "tamis"
    command.write_text(f"#!/{HOME}/bin/python3 -I\nimport sys\n\nfrom tamis.cli import main\n\nsys.exit(main())\n")
    command.chmod(0o755)
    (tree / "usr" / "bin").mkdir()
    (tree / "usr" / "bin" / "tamis").symlink_to(f"/{HOME}/bin/tamis")
    for name, path in _INSTALLED_AS.items():
        _install(ROOT / name, tree / path)
    for source in (*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.example")):
        _install(source, tree / "usr/share/doc/tamis/docs" / source.name)
    for source in (ROOT / "postfix").glob("*.tamis"):
        _install(source, tree / "usr/share/doc/tamis/postfix" / source.name)
    if compiled:
        where = ["-s", str(tree), "-p", "/", "--invalidation-mode", "unchecked-hash", "-j", "0"]
        # Some packages bring files for other versions of Python, which do not compile and are never imported.
        subprocess.run([sys.executable, "-m", "compileall", "-qq", *where, str(site)], check=False)


def _install(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source.read_text("utf-8").replace("/usr/local/bin/tamis", "/usr/bin/tamis"), "utf-8")
    target.chmod(0o644)


def _unpack_wheel(site: Path) -> None:
    """A clean copy is built, since setuptools leaves folders in the tree that it builds from."""
    with tempfile.TemporaryDirectory(prefix="tamis-wheel-") as name:
        copy = Path(name) / "tree"
        unwanted = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "tests", "build", "dist", "benchmarks")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=unwanted)
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", name, str(copy)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=name)
        (wheel,) = Path(name).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)


def pack(tree: Path, folder: Path, revision: str = "1", compression: str = "xz") -> Path:
    """Make the package out of a staged tree and return it."""
    control = tree / "DEBIAN"
    control.mkdir(exist_ok=True)
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    size = sum(path.lstat().st_size for path in tree.rglob("*") if not path.is_dir() or path.is_symlink()) // 1024
    version = f"{__version__}-{revision}"
    text = (PIECES / "control").read_text("utf-8")
    for word, value in {"VERSION": version, "ARCHITECTURE": architecture, "SIZE": size}.items():
        text = text.replace(f"@{word}@", str(value))
    (control / "control").write_text(text, "utf-8")
    (control / "conffiles").write_text("/etc/tamis/tamis.toml\n")
    for name in ("postinst", "prerm", "postrm"):
        (control / name).write_bytes((PIECES / name).read_bytes())
        (control / name).chmod(0o755)
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / f"tamis_{version}_{architecture}.deb"
    command = ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", str(tree), str(package)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return package


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="the folder for the package (default: dist)")
    parser.add_argument("--revision", default="1", help="Debian's part of the version (default: 1)")
    parser.add_argument("--compression", default="xz", choices=("xz", "gzip", "none"))
    arguments = parser.parse_args()
    if sys.prefix == sys.base_prefix or Path(sys.base_prefix) != Path("/usr"):
        parser.error("the package is for Debian's Python: make .venv with it (make setup)")
    if platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm":
        print("warning: built elsewhere than on Debian 12, for which its dependencies are", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="tamis-deb-") as name:
        tree = Path(name) / "tree"
        tree.mkdir(mode=0o755)
        stage(tree)
        print(pack(tree, arguments.to, arguments.revision, arguments.compression))


if __name__ == "__main__":
    main()
