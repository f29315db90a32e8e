"""The images as docker-compose.yml makes them of the sources, in a system that has nothing but a
base: what to build with is fetched in the build, as this machine itself fetches its packages."""

import pathlib
import tempfile
import unittest

from kilntest import dockerd, releases, roots, trees
from kilntest.compose import BASE
from kilntest.hosts import Host

# Of the image beyond its base, in bytes: Kiln and the libraries that it needs.
LARGEST = 64 << 20


class ImagesTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ki", dir="/var/tmp"))
        self.addCleanup(trees.remove, self.folder)
        self.addCleanup(dockerd.remove_groups)
        # On the machine's own network, and with nothing of a daemon's that would change that.
        host = Host(setup=dockerd.SETUP, own_network=False)
        self.addCleanup(host.close)
        self.docker = dockerd.Dockerd(host, self.folder / "docker", self.folder / "dockerd.log",
                                      ["--bridge=none", "--iptables=false", "--ip6tables=false",
                                       "--ip-forward=false"])
        self.addCleanup(self.docker.close)
        self.docker.import_system(roots.fetch("base", roots.codename(), ["adduser"]), BASE,
                                  'CMD ["bash"]')

    def test_each_is_small_and_runs(self):
        base = self.size(BASE)
        for target, program in (("client", "kiln"), ("coordinator", "kiln-coordinator"),
                                ("worker", "kiln-worker")):
            image = f"kiln-{target}"
            self.docker.run(["docker", "build", "--network", "host", "--file", "deploy/Dockerfile",
                             "--target", target, "--tag", image, "."],
                            environment={"DOCKER_BUILDKIT": "0"}, cwd=releases.ROOT)
            told = self.docker.call("run", "--rm", "--network", "none", "--entrypoint", program,
                                    image, "--version").stdout
            self.assertIn("kiln", told)
            self.assertLess(self.size(image) - base, LARGEST, image)

    def size(self, image):
        return int(self.docker.call("image", "inspect", "--format", "{{.Size}}", image).stdout)


if __name__ == "__main__":
    unittest.main()
