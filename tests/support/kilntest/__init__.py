"""What Kiln's integration and end-to-end tests, benchmarks and the demo stand on: a farm of real
processes, the projects it compiles, and ways to see what really happened."""

from kilntest.cases import FarmCase
from kilntest.compare import Snapshot, differences
from kilntest.farm import Farm
from kilntest.hosts import Host, Machine, Network
from kilntest.http import get, sample
from kilntest.recorder import Recorder
from kilntest.waiting import wait_until

__all__ = ["Farm", "FarmCase", "Host", "Machine", "Network", "Recorder", "Snapshot", "differences",
           "get", "sample", "wait_until"]
