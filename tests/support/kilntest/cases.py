"""Tests that stand on farms: each farm ends with its test, or class, and shows its logs when one
failed."""

import unittest

from kilntest.farm import Farm


class FarmCase(unittest.TestCase):
    farm = None  # the class's own, if it has one

    @classmethod
    def start_class_farm(cls, **options):
        """For setUpClass: the farm of all tests of the class, as cls.farm."""
        farm = Farm(**options)
        farm.__enter__()
        cls.addClassCleanup(farm.__exit__, None, None, None)
        cls.farm = farm

    def start_farm(self, **options):
        """A farm for this test alone."""
        farm = Farm(**options)
        farm.__enter__()
        self.addCleanup(self._end_farm, farm)
        return farm

    def _end_farm(self, farm):
        if self._failures() > self._failures_before:
            farm.report()
        farm.__exit__(None, None, None)

    def _failures(self):
        return len(self._result.failures) + len(self._result.errors)

    def run(self, result=None):
        self._result = self.defaultTestResult() if result is None else result
        self._failures_before = self._failures()
        super().run(self._result)
        if self.farm and self._failures() > self._failures_before:
            self.farm.report()
        return self._result
