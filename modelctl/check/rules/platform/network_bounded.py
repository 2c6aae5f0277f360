"""What pods may reach for names and credentials of the node is bounded.

## What it does
Refuses in the `network` of an environment an address that is none, and a range of all addresses;
and `stores.metadata_service` where there is no metadata address that it could open.

## Why
A range of all addresses opens the whole network to every pod, as an address of a name service, or
takes the stores away, as one of the metadata service. What is no address makes the policy one that
the API server refuses, and with it the sync of every model.

## Bad
```yaml
network: {dns: {addresses: [0.0.0.0/0]}}
```

## Good
```yaml
network: {dns: {addresses: [169.254.20.10/32]}}
```
"""

import ipaddress
from collections.abc import Iterator

from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Environment
from modelctl.repo.repository import Files, Repository

ID = "network-bounded"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_Told = tuple[tuple[str | int, ...], str, str]  # place, message, remedy


def check(files: Files) -> Iterator[Violation]:
    """One finding for each address that is none, or that is every one."""
    if not isinstance(files, Repository):
        return
    for index, environment in enumerate(files.environments.ordered):
        for at, message, remedy in (*_addresses(environment), *_metadata(environment)):
            place = ("environments", index, *at)
            yield in_environments(files, *place, message=message, remedy=remedy)


def _addresses(environment: Environment) -> Iterator[_Told]:
    network = environment.network
    for at, addresses in (
        (("network", "dns", "addresses"), network.dns.addresses),
        (("network", "metadata_addresses"), network.metadata_addresses),
    ):
        for number, text in enumerate(addresses):
            range_of = _range(text)
            if range_of is None:
                message = f"found {text}, which is no address with a prefix"
                yield (*at, number), message, "write one such as 169.254.169.254/32"
            elif range_of.prefixlen == 0:
                message = f"found {text}, which is every address"
                yield (*at, number), message, "write the address of the service"


def _range(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _metadata(environment: Environment) -> Iterator[_Told]:
    if environment.stores.metadata_service and not environment.network.metadata_addresses:
        message = "found metadata_service: true, expected an address in network.metadata_addresses"
        yield ("stores", "metadata_service"), message, "name the address, or write false"
