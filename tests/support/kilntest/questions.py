"""What dashboards, alert rules and the document's examples ask, put to a real Prometheus: each
question must have an answer there."""

import itertools

from kilntest import dashboards, exposition
from kilntest.waiting import DeadlinePassed, wait_until

ANSWER_SECONDS = 60


class Questions:
    """`api` is a kilntest.prometheus.Api; `rates` is the span of rates that Grafana would choose,
    four times that of scrapes; `pool` is one that works."""

    def __init__(self, api, rates, pool):
        self._api, self._rates, self._pool = api, rates, pool

    def assert_panels(self):
        self._wait_all(self._wrong_of_panel, [
            (query.where, dashboards.filled(query.text, values), query.legend_labels)
            for name, dashboard in dashboards.load().items()
            for query in dashboards.queries(name, dashboard)
            for values in self._settings(dashboard)])

    def assert_examples(self):
        self._wait_all(lambda example: self._answer(example)[0],
                       [row.example for row in exposition.documented()])

    def assert_alerts(self):
        """Alerts are silent where all is well: what they look at must be there."""
        for name, rule in self.rules().items():
            if rule["health"] != "ok" or rule.get("lastError"):
                raise AssertionError(f"{name}: {rule}")
            asked = dashboards.selectors(rule["query"])
            missing = [selector for _, selector in asked if not self._api.query(selector)]
            if missing or not asked:
                raise AssertionError(f"{name} looks at nothing: {missing}")

    def rules(self):
        """Alert rules by name, each after an evaluation."""
        def look():
            groups = self._api.ask("rules")["groups"]
            found = {rule["name"]: rule for group in groups for rule in group["rules"]}
            return found if all(rule["health"] != "unknown" for rule in found.values()) else None

        return wait_until(look, "every rule to be evaluated", ANSWER_SECONDS)

    def workers(self):
        """The label `instance` of each."""
        return sorted(labels["instance"] for labels, _ in
                      self._api.query('up{job="kiln-worker"}'))

    def _settings(self, dashboard):
        """Ways to fill in a dashboard's variables, each of which must have answers."""
        built_in = {name: self._rates for name in dashboards.BUILT_IN}
        chosen = {"instance": self.workers(), "pool": [".+", self._pool]}
        variables = dashboards.variables(dashboard)
        return [{**built_in, **dict(zip(variables, values))}
                for values in itertools.product(*(chosen[name] for name in variables))]

    def _answer(self, expression):
        """Why it is none, or nothing; and the answer."""
        try:
            found = self._api.query(expression)
        except ValueError as error:
            return str(error), []
        missing = [selector for _, selector in dashboards.selectors(expression)
                   if not self._api.query(selector)]
        if missing:
            return f"nothing has {missing}", found
        return (None if found else "no answer"), found

    def _wrong_of_panel(self, question):
        _, expression, legend = question
        why, found = self._answer(expression)
        # What a legend names must be a label, or the legend is blank.
        if found and not all(legend <= set(labels) for labels, _ in found):
            why = "a series lacks a label of its legend"
        return why

    @staticmethod
    def _wait_all(wrong_of, questions):
        """Until nothing is wrong with any of the questions, each of which is right once: on a busy
        machine a rate may have too few tasks for a moment."""
        left = list(questions)
        if not left:
            raise AssertionError("nothing is asked")

        def ask():
            left[:] = [question for question in left if wrong_of(question)]
            return not left

        try:
            wait_until(ask, "every question to have its answer", ANSWER_SECONDS)
        except DeadlinePassed:
            wrong = [(question, wrong_of(question)) for question in left]
            raise AssertionError("\n".join(f"{why}: {question}" for question, why in wrong)) \
                from None
