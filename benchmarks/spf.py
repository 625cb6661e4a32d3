"""What one check of SPF costs, the DNS answering from the memory of the worker: `python -m benchmarks.spf`.

CPU of one process, medians. The questions are remembered, so what is measured is pyspf and our way around it; what
a fresh question costs is in `benchmarks.dns`.
"""

import argparse
import statistics
import sys
import time

from tamis.dns.lookups import Lookups
from tamis.dns.resolver import Resolver
from tamis.mail import parse_ip
from tamis.spf import check_spf
from tests.dns_server import DnsServer

NETWORKS = " ".join(f"ip4:198.51.{number}.0/24" for number in range(40))
ZONE = {
    "short.example TXT": ["v=spf1 ip4:192.0.2.0/24 -all"],
    "usual.example TXT": ["v=spf1 mx include:one.example include:two.example ~all"],
    "usual.example MX": ["10 mx1.usual.example.", "20 mx2.usual.example."],
    "mx1.usual.example": ["198.51.100.1"],
    "mx2.usual.example": ["198.51.100.2"],
    "one.example TXT": [f"v=spf1 {NETWORKS} ~all"],
    "two.example TXT": ["v=spf1 include:three.example include:four.example ~all"],
    "three.example TXT": [f"v=spf1 {NETWORKS} ~all"],
    "four.example TXT": [f"v=spf1 {NETWORKS} ~all"],
    "ten.example TXT": ["v=spf1 " + " ".join(f"a:h{number}.example" for number in range(10)) + " -all"],
    **{f"h{number}.example": ["198.51.100.1"] for number in range(10)},
}
CASES = {
    "no record": "none.example",
    "one term, fail": "short.example",
    "mx, four includes, 120 networks, softfail": "usual.example",
    "ten lookups, fail": "ten.example",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spf", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500, help="checks for each line (default: %(default)s)")
    rounds = parser.parse_args().rounds
    peer = parse_ip("203.0.113.7")
    assert peer is not None
    with DnsServer(ZONE) as server:
        resolver = Resolver([server.address])
        for text, domain in CASES.items():
            cpu = []
            for _ in range(rounds + 1):  # The first fills the memory.
                began = time.process_time()
                check_spf(Lookups(resolver), peer, f"ann@{domain}", "mx.example")
                cpu.append(time.process_time() - began)
            print(f"{text:45}{1000 * statistics.median(cpu[1:]):8.3f} ms CPU")
        resolver.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
