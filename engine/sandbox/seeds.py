"""What a new sandbox holds: an account with its Linodes and disks, the regions, and some fifty images.

The dates are fixed, so that queries over them have fixed answers. Two images are on their way when the sandbox is
new: a capture that is ready ten minutes later, and a container whose upload never comes, gone after a day. Replicas
that are on their way stay so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.sandbox import TOKEN
from engine.sandbox.messages import Row
from engine.sandbox.neighbours import EVENTS, INSTANCES, VOLUMES
from engine.sandbox.rows import private, public

READ_ONLY_TOKEN = "sandbox-readonly"
NO_IMAGES_TOKEN = "sandbox-linodes"
DISK, SWAP, DAMAGED_DISK = 25674130, 25674131, 25674199
FIRST_NUMBER = 28000000  # private images created here are numbered from it


@dataclass(frozen=True)
class User:
    """Whom a token stands for. `scopes` are as the API lists them; `*` is every scope."""

    name: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        """Whether the scopes hold `scope`; `read_write` holds `read_only`."""
        return "*" in self.scopes or scope in self.scopes or scope.replace("_only", "_write") in self.scopes


@dataclass(frozen=True)
class Disk:
    """A disk of a Linode, in MB. `used` is what an image of it needs; None: it is damaged, a capture of it fails."""

    id: int
    linode: int
    region: str
    label: str
    size: int
    used: int | None
    filesystem: str = "ext4"

    def row(self) -> Row:
        """As the API shows it."""
        return {
            "id": self.id,
            "label": self.label,
            "status": "ready",
            "size": self.size,
            "filesystem": self.filesystem,
            "created": "2024-03-01T09:00:00",
            "updated": "2024-03-01T09:00:00",
            "disk_encryption": "enabled",
        }


DISKS = (
    Disk(DISK, 61300101, "us-east", "Debian 12 Disk", 25600, 2210),
    Disk(SWAP, 61300101, "us-east", "512 MB Swap Image", 512, 16, "swap"),
    Disk(25674142, 61300102, "fr-par", "Ubuntu 24.04 LTS Disk", 81920, 5310),
    Disk(25674155, 61300103, "us-iad", "gitlab-runner", 51200, 3875),
    Disk(DAMAGED_DISK, 61300103, "us-iad", "damaged", 20480, None),
    Disk(25674160, 61300104, "us-east", "web-golden", 25600, 2304),
    Disk(25674161, 61300104, "us-east", "512 MB Swap Image", 512, 16, "swap"),
    Disk(25674170, 61300105, "eu-west", "CentOS 7 Disk", 24576, 3120, "ext3"),
)
TYPES: tuple[Row, ...] = (
    {"id": "g6-nanode-1", "label": "Nanode 1GB", "disk": 25600, "memory": 1024, "vcpus": 1, "class": "nanode"},
    {"id": "g6-standard-2", "label": "Linode 4GB", "disk": 81920, "memory": 4096, "vcpus": 2, "class": "standard"},
)
KERNELS: tuple[Row, ...] = (
    {"id": "linode/grub2", "label": "GRUB 2", "version": "2.06", "architecture": "x86_64", "deprecated": False},
    {
        "id": "linode/direct-disk",
        "label": "Direct Disk",
        "version": "",
        "architecture": "x86_64",
        "deprecated": False,
    },
)

# id, name, country; an `o` where object storage keeps images, a `d` for a distributed site
_REGIONS = """
us-east Newark, NJ|us|o
us-southeast Atlanta, GA|us|o
us-ord Chicago, IL|us|o
us-iad Washington, DC|us|o
us-lax Los Angeles, CA|us|o
us-mia Miami, FL|us|o
us-sea Seattle, WA|us|o
us-central Dallas, TX|us|
us-west Fremont, CA|us|
us-den-1 Denver, CO|us|d
ca-central Toronto, CA|ca|
br-gru Sao Paulo, BR|br|o
eu-west London, UK|gb|
gb-lon London 2, UK|gb|o
eu-central Frankfurt, DE|de|o
fr-par Paris, FR|fr|o
nl-ams Amsterdam, NL|nl|o
se-sto Stockholm, SE|se|o
es-mad Madrid, ES|es|o
it-mil Milan, IT|it|o
ap-south Singapore, SG|sg|o
ap-northeast Tokyo 2, JP|jp|
jp-osa Osaka, JP|jp|o
in-maa Chennai, IN|in|o
id-cgk Jakarta, ID|id|o
ap-southeast Sydney, AU|au|
"""

# slug|label|vendor|created|eol|size, then c for cloud-init, d for distributed-sites, x for deprecated
_PUBLIC = """
almalinux8|AlmaLinux 8|AlmaLinux|2021-05-10|2029-03-01|1700|c
almalinux9|AlmaLinux 9|AlmaLinux|2022-06-08|2032-05-31|1700|cd
alpine3.19|Alpine 3.19|Alpine|2024-01-10|2025-11-01|400|c
alpine3.20|Alpine 3.20|Alpine|2024-06-05|2026-04-01|400|c
alpine3.21|Alpine 3.21|Alpine|2025-01-08|2026-11-01|400|c
alpine3.22|Alpine 3.22|Alpine|2025-06-11|2027-05-01|400|cd
arch|Arch Linux|Arch|2016-06-13||1500|c
centos-stream9|CentOS Stream 9|CentOS|2021-12-21|2027-05-31|1200|cd
debian11|Debian 11|Debian|2021-08-14|2026-08-31|1300|c
debian12|Debian 12|Debian|2023-06-15|2028-06-30|1300|cd
debian13|Debian 13|Debian|2025-08-12|2030-06-30|1500|cd
fedora41|Fedora 41|Fedora|2024-11-05|2025-12-15|1300|c
fedora42|Fedora 42|Fedora|2025-04-22|2026-05-13|1300|cd
gentoo|Gentoo|Gentoo|2011-02-27||6000|
kali|Kali Linux|Kali|2021-03-25||1536|
debian11-kube-v1.31.8|Kubernetes 1.31.8 on Debian 11|Debian|2025-05-02|2026-05-02|3500|
opensuse15.6|openSUSE Leap 15.6|openSUSE|2024-07-01|2026-04-30|1550|c
rocky8|Rocky Linux 8|Rocky|2021-07-01|2029-05-01|2300|c
rocky9|Rocky Linux 9|Rocky|2022-07-20|2032-05-01|2300|cd
rocky10|Rocky Linux 10|Rocky|2025-06-24|2035-05-31|2300|cd
slackware15.0|Slackware 15.0|Slackware|2022-02-07||10000|
ubuntu20.04|Ubuntu 20.04 LTS|Ubuntu|2020-04-23|2025-05-29|2000|c
ubuntu22.04|Ubuntu 22.04 LTS|Ubuntu|2022-04-26|2027-04-01|3500|cd
ubuntu24.04|Ubuntu 24.04 LTS|Ubuntu|2024-04-25|2029-04-25|3500|cd
ubuntu25.04|Ubuntu 25.04|Ubuntu|2025-04-17|2026-01-15|3500|c
alpine3.16|Alpine 3.16|Alpine|2022-06-01|2024-05-23|400|x
centos7|CentOS 7|CentOS|2014-07-08|2024-07-01|2800|x
centos8|CentOS 8|CentOS|2019-09-24|2021-12-31|2300|x
debian9|Debian 9|Debian|2017-06-16|2022-06-30|1600|x
debian10|Debian 10|Debian|2019-07-07|2024-06-30|1500|x
fedora39|Fedora 39|Fedora|2023-11-08|2024-11-26|1500|x
opensuse15.4|openSUSE Leap 15.4|openSUSE|2022-06-08|2023-12-07|1550|x
slackware14.1|Slackware 14.1|Slackware|2013-11-25||1000|x
ubuntu16.04lts|Ubuntu 16.04 LTS|Ubuntu|2016-04-22|2021-04-30|2700|x
ubuntu18.04|Ubuntu 18.04 LTS|Ubuntu|2018-04-26|2023-05-31|2700|cx
"""
_CAPABILITIES = {"c": "cloud-init", "d": "distributed-sites"}


def regions() -> tuple[Row, ...]:
    """The regions, as the API shows them."""
    return tuple(_region(*line.split(" ", 1)) for line in _REGIONS.split("\n") if line)


def _region(name: str, rest: str) -> Row:
    label, country, marks = rest.split("|")
    return {
        "id": name,
        "label": label,
        "country": country,
        "capabilities": ["Linodes", "Metadata"] + (["Object Storage", "Machine Images"] if "o" in marks else []),
        "status": "ok",
        "site_type": "distributed" if "d" in marks else "core",
        "resolvers": {"ipv4": "192.0.2.1,192.0.2.2", "ipv6": "2001:db8::1,2001:db8::2"},
        "placement_group_limits": {"maximum_pgs_per_customer": 100, "maximum_linodes_per_pg": 5},
    }


def distributions() -> list[Row]:
    """The public images: the current ones, then those that are deprecated."""
    return [_distribution(*line.split("|")) for line in _PUBLIC.split("\n") if line]


def _distribution(slug: str, label: str, vendor: str, created: str, eol: str, size: str, marks: str) -> Row:
    return public(
        slug,
        label=label,
        vendor=vendor,
        created=f"{created}T13:30:00",
        updated=f"{created}T13:30:00",
        eol=f"{eol}T04:00:00" if eol else None,
        size=int(size),
        deprecated="x" in marks,
        capabilities=[name for mark, name in _CAPABILITIES.items() if mark in marks],
        description=None if slug == "slackware14.1" else "",  # so on the live API too
    )


def _in(*places: str, **others: str) -> list[Row]:
    """Replicas: available in `places`, and in the state named in each of `others` (underscores for - and space)."""
    there = [{"region": place, "status": "available"} for place in places]
    return there + [{"region": p.replace("_", "-"), "status": s.replace("_", " ")} for p, s in others.items()]


def captures() -> list[Row]:
    """The images of the account: repeated labels, every type, status and replica state, quotes and Unicode."""
    automatic = {"type": "automatic", "created_by": None, "updated": None}
    return [
        private(23100417, label="web-golden", description="nginx 1.26, hardened", size=2210, tags=["prod", "web"],
                created="2025-09-02T08:15:30", updated="2025-09-20T11:02:00", capabilities=["distributed-sites"],
                regions=_in("us-east", "fr-par", "us-iad"),
                image_sharing={"shared_by": None, "shared_with": {
                    "sharegroup_count": 0, "sharegroup_list_url": "/images/private%2F23100417/sharegroups"}}),
        private(21875002, label="web-golden", description="", size=2104, tags=["web"], created="2023-11-30T22:40:11",
                updated="2023-11-30T22:40:11", regions=_in("us-east")),
        private(24555310, label="db-primary", description="PostgreSQL 17", size=5310, tags=["db", "prod"],
                created="2025-10-11T06:00:00", updated="2025-10-11T06:00:00", created_by="maria",
                regions=_in("fr-par", se_sto="replicating", us_ord="pending_replication")),
        private(19044871, label="tmp-build-4711", description="left over from a build", size=980, tags=["cicd"],
                created="2022-02-03T04:05:06", updated="2022-02-03T04:05:06", created_by="ci-bot"),
        private(19044872, label="tmp-build-4712", description=None, size=1012, tags=["cicd"],
                created="2022-02-03T04:35:06", updated="2022-02-03T04:35:06", created_by="ci-bot"),
        private(22680119, label="O'Brien's laptop", description='says "do not delete"', size=3875,
                created="2024-05-17T17:17:17", updated="2024-05-18T09:00:00", created_by="maria",
                regions=_in("us-iad", us_east="pending_deletion")),
        private(22991004, label="größe-データ ✓", description="Übung: наука", size=1431, tags=["übung", "ラベル"],
                created="2024-08-01T00:00:00", updated="2024-08-01T00:00:00", regions=_in("jp-osa", "ap-south")),
        private(25000033, label="nightly", description="", size=2890, tags=["cicd", "nightly"],
                created="2025-11-01T02:00:00", updated="2025-11-01T02:00:00", created_by="ci-bot",
                capabilities=["cloud-init", "distributed-sites"], regions=_in("us-ord", us_sea="creating")),
        private(24999871, label="web-1 - Debian 12 Disk", size=2244, created="2025-10-30T19:20:21",
                expiry="2025-11-29T19:20:21", **automatic),
        private(24999872, label="web-2 - Debian 12 Disk", size=2251, created="2025-10-30T19:20:25",
                expiry="2025-11-29T19:20:25", **automatic),
        private(24120007, label="lke-pool - Boot Disk", size=4444, created="2025-08-08T08:08:08",
                expiry="2025-09-07T08:08:08", regions=_in("eu-central"), **automatic),
        private(20318844, label="bare", description="", size=16, created="2023-01-01T00:00:00",
                updated="2023-01-01T00:00:00", regions=_in("us-southeast")),
        private(25112200, label="db-replica", description="capture under way", size=81920, status="creating",
                created="2025-11-20T10:00:00", updated="2025-11-20T10:00:00", regions=[], created_by="maria",
                tags=["db"]),
        private(25112345, label="appliance", description="container without its file", size=0, regions=[],
                status="pending_upload", created="2025-11-20T12:00:00", updated="2025-11-20T12:00:00",
                capabilities=["cloud-init"]),
    ]  # fmt: skip


def starting_images() -> list[Row]:
    """All images of a new sandbox: private ones first, then public ones, deprecated last."""
    return [*captures(), *distributions()]


@dataclass(frozen=True)
class Account:
    """What a sandbox holds beside images. It is not kept in a state file."""

    tokens: Mapping[str, User] = field(
        default_factory=lambda: {
            TOKEN: User("sandbox", ("*",)),
            READ_ONLY_TOKEN: User("auditor", ("images:read_only",)),
            NO_IMAGES_TOKEN: User("operator", ("account:read_only", "linodes:read_write")),
        },
        repr=False,
    )
    linodes: tuple[Row, ...] = INSTANCES
    disks: tuple[Disk, ...] = DISKS
    regions: tuple[Row, ...] = field(default_factory=regions)
    types: tuple[Row, ...] = TYPES
    kernels: tuple[Row, ...] = KERNELS
    volumes: tuple[Row, ...] = VOLUMES
    events: tuple[Row, ...] = EVENTS

    def stores_images(self, region: object) -> bool:
        """Whether an image can live in a region: a core one, with object storage."""
        return any(
            row["id"] == region and row["site_type"] == "core" and "Object Storage" in row["capabilities"]
            for row in self.regions
        )
