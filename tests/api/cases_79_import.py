"""What is imported from other programs is taken by a controller as it is."""

import os
import tempfile

from cli import signed_in, weft
from controller import Controller, expect

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vpnham")


def imported(c, hooks, *names):
    return weft(c, "import", "vpnham", *(os.path.join(HERE, name) for name in names), "--hooks", hooks)


def case_both_sides_of_a_vpnham_bridge(c):
    with tempfile.TemporaryDirectory() as scratch, Controller(c.binary, c.root) as mine:
        done = imported(c, os.path.join(scratch, "hooks"), "left-active.yaml", "right-active.yaml")
        assert done.returncode == 0, done.stderr
        fleet = os.path.join(scratch, "fleet.yaml")
        with open(fleet, "w") as f:
            f.write(done.stdout)
        environment = signed_in(mine)
        plan = weft(c, "plan", "-f", fleet, **environment)
        assert plan.returncode == 3, (plan.returncode, plan.stdout, plan.stderr)
        assert "ha-groups/vpnham-dev-lft" in plan.stdout, plan.stdout
        applied = weft(c, "apply", "-f", fleet, **environment)
        assert applied.returncode == 0, applied.stderr
        link = expect(mine.admin.get("/api/v1/links/vpnham-dev-lft-active-eth2"), 200).json["spec"]
        assert link["target"] == "192.168.255.19" and link["role"] == "standby", link
        assert link["via"] == ["192.168.255.19"] and len(link["routes"]) >= 1, link
        for field in ("secondary_interfaces", "partner_status_timeout", "probe_location"):
            assert f"bridges.vpnham-dev-lft.{field}: " in done.stderr, done.stderr
        with open(os.path.join(scratch, "hooks/vpnham-dev-lft-active/vpnham-dev-lft-link-active.yaml")) as f:
            assert '"${link_interface}"' in f.read()
        again = imported(c, os.path.join(scratch, "hooks"), "left-active.yaml", "right-active.yaml")
        assert again.returncode == 1 and "exists: give another directory" in again.stderr, again.stderr


VPNDNS = """
dns_listeners:
    - [ '192.168.1.3', 53 ]
nameservers:
    192.168.1.0/24: 192.168.100.10
nameserver_default: 192.168.1.254
nameserver_regex:
    '.+site-A.com$': 192.168.2.254
vpn_jail:
    - 192.168.100.48/30
blocklist_dir: '/home/vpndns/dns/blocklists/'
nxdomain_regex:
\t# comments behind tabs, as its sample has them
    - '.+\\.(attlocal|mynetwork|localdomain)$'
static_records: '%s/static.txt'
"""


def case_a_vpndns_configuration(c):
    with tempfile.TemporaryDirectory() as scratch, Controller(c.binary, c.root) as mine:
        path, fleet = (os.path.join(scratch, name) for name in ("vpndns.yml", "fleet.yaml"))
        with open(path, "w") as f:
            f.write(VPNDNS % scratch)
        with open(os.path.join(scratch, "static.txt"), "w") as f:
            f.write("printer.example 10.1.0.9\n")
        done = weft(c, "import", "vpndns", path)
        assert done.returncode == 0 and "/etc/weft/lists/vpndns-blocklist.txt" in done.stderr, done
        with open(fleet, "w") as f:
            f.write(done.stdout)
        environment = signed_in(mine)
        applied = weft(c, "apply", "-f", fleet, **environment)
        assert applied.returncode == 0, applied.stderr
        resolver = expect(mine.admin.get("/api/v1/resolvers/vpndns"), 200).json["spec"]
        assert resolver["upstreams"] == ["192.168.1.254"] and resolver["listen"] == ["192.168.1.3"], resolver
        assert expect(mine.admin.get("/api/v1/dns-forwards/jail-192-168-100-50"), 200).json["spec"]["to"] == ["192.168.100.50"]
        assert expect(mine.admin.get("/api/v1/dns-zones/printer-example"), 200).json["spec"]["zone"] == "printer.example"
        assert expect(mine.admin.get("/api/v1/domain-lists/vpndns-nxdomain"), 200).json["spec"]["names"][0] == "attlocal"
        refused = weft(c, "import", "vpndns", path, "--hooks", scratch)
        assert refused.returncode == 1 and "--hooks goes with vpnham" in refused.stderr, refused


SPLIT = """
interface: eth0
urls:
## Netflix
- netflix.com
- "*.nflxso.net"
- "81.130.98.*"
## Amazon Prime
- "*.media-amazon.com"
- "*-ext.amazon.com"
"""


def case_a_split_file(c):
    with tempfile.TemporaryDirectory() as scratch, Controller(c.binary, c.root) as mine:
        path, fleet = (os.path.join(scratch, name) for name in ("split.yaml", "fleet.yaml"))
        with open(path, "w") as f:
            f.write(SPLIT)
        done = weft(c, "import", "split", path, "--lan", "10.1.0.0/16", "--lan", "fd00:1::/48")
        assert done.returncode == 0 and "*-ext.amazon.com is left out" in done.stderr, done
        with open(fleet, "w") as f:
            f.write(done.stdout)
        environment = signed_in(mine)
        applied = weft(c, "apply", "-f", fleet, **environment)
        assert applied.returncode == 0, applied.stderr
        policy = expect(mine.admin.get("/api/v1/policies/split?effective=true"), 200).json
        assert policy["spec"]["rules"][0]["to"] == ["list/netflix", "81.130.98.0/24", "list/amazon-prime"], policy
        assert policy["effective"]["clients"] == {"split": ["10.1.0.0/16", "fd00:1::/48"]}, policy
        assert expect(mine.admin.get("/api/v1/domain-lists/netflix"), 200).json["spec"]["names"] == ["netflix.com", "*.nflxso.net"]
        refused = weft(c, "import", "split", path, "--lan", "10.1.0.1/16")
        assert refused.returncode == 1 and "10.1.0.0/16" in refused.stderr, refused
        # Without its LAN nobody knows whose traffic it is, and who applies it is told so.
        with open(fleet, "w") as f:
            f.write(weft(c, "import", "split", path).stdout)
        applied = weft(c, "apply", "-f", fleet, **environment)
        assert applied.returncode == 1 and "there are no clients behind it" in applied.stderr, applied


def case_a_broken_vpnham_file_is_named(c):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "broken.yaml")
        with open(os.path.join(HERE, "right-active.yaml")) as f:
            text = f.read().replace("threshold_up: 5", "threshold_upp: 5")
        with open(path, "w") as f:
            f.write(text)
        done = weft(c, "import", "vpnham", path, "--hooks", scratch)
        assert done.returncode == 1 and done.stdout == "", done
        said = "bridges.vpnham-dev-rgt.tunnel_interfaces.eth1.threshold_upp: vpnham has no such field, did you mean threshold_up?"
        assert said in done.stderr, done.stderr
