"""Asking a daemon's HTTP address, from whichever host."""

import http.client
import re


class _Connection(http.client.HTTPConnection):
    def __init__(self, host, address, port, seconds):
        super().__init__(address, port, timeout=seconds)
        self._from = host

    def connect(self):
        self.sock = self._from.connect(self.host, self.port, self.timeout)


def get(host, address, port, path, seconds=5.0):
    """(status, body) of a GET sent from `host`; (0, reason) when nobody answers."""
    connection = _Connection(host, address, port, seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
    except http.client.HTTPException as error:
        return 0, repr(error)
    finally:
        connection.close()


def sample(metrics, name, **labels):
    """The sum of all samples of `name` in Prometheus text whose labels include `labels`."""
    total = None
    for line in metrics.splitlines():
        match = re.fullmatch(rf"{re.escape(name)}(\{{[^}}]*\}})? (\S+)", line)
        if match and all(f'{key}="{value}"' in (match.group(1) or "")
                         for key, value in labels.items()):
            total = (total or 0.0) + float(match.group(2))
    return total
