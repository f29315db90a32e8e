"""A farm that is made up: what a coordinator's HTTP pages would say of thousands of slots that this
machine does not have. Seeded, and a function of the time it is told."""

import heapq
import itertools
import random

POINTS_KEPT, EVENTS_KEPT = 600, 200
FILES = ("lapi lauxlib lbaselib lcode lcorolib lctype ldblib ldebug ldo ldump lfunc lgc linit "
         "liolib llex lmathlib lmem loadlib lobject lopcodes loslib lparser lstate lstring "
         "lstrlib ltable ltablib ltm lundump lutf8lib lvm lzio").split()
FOLDERS = ("src", "lib/codec", "lib/net", "core", "tools", "tests")
PEOPLE = ("ann@ci-4", "ben@desk-12", "cho@laptop", "ci@runner-7", "dia@desk-3", "eli@ci-1")
NAMES = ("nightly", "release-2.4", "feature/arena", "main", "bisect 41", "asan", "lto", "docs")
POOLS = (("default", "spawn"), ("cc", "forkserver"), ("clang-17", "fork"), ("sick", "spawn"))
GIB = 1 << 30


class Build:
    def __init__(self, number, begun, width, jobs, chance):
        self.id, self.begun, self.width, self.left = number, begun, width, jobs
        self.name = NAMES[number % len(NAMES)]
        self.client = PEOPLE[number % len(PEOPLE)]
        self.pool = chance.choice(("default", "cc", "cc", "clang-17"))
        self.weight = chance.uniform(0.6, 1.8)
        self.running, self.done, self.last, self.jobs = 0, 0, begun, []

    def view(self):
        return {"id": self.id, "name": self.name, "client": self.client, "running": self.running,
                "queued": min(self.left, 4) if self.running else 0, "done": self.done,
                "begun": self.begun, "last": self.last}


class Node:
    def __init__(self, name, slots, staged):
        self.name, self.slots, self.staged, self.state = name, slots, staged, "ready"
        self.tasks = {}  # by slot
        self.warm, self.completed, self.failed, self.silent_since = 0.0, 0, 0, None

    def ready(self):
        return min(int(self.warm * self.slots), self.slots - len(self.tasks))

    def heat(self):
        if len(self.tasks) == self.slots:
            return "busy"
        return "ready" if self.ready() else "staged" if self.staged else "cold"

    def view(self):
        running = len(self.tasks)
        return {"name": self.name, "state": self.state, "slots": self.slots, "running": running,
                "ready": self.ready() if self.state == "ready" else 0, "queued": 0,
                "leased": min(self.slots, running + 1), "staged": self.staged,
                "load": round(running * 0.93 + 0.2, 2), "memory": 64 * GIB,
                "memory_available": 64 * GIB - running * 3 * GIB, "completed": self.completed,
                "failed": self.failed, "heat": self.heat(),
                **({"heard": self.silent_since} if self.state == "lost" else {}),
                "busy": sorted([slot, job["build"]] for slot, job in self.tasks.items())}


class MadeUpFarm:
    """`begin` and all times: milliseconds. `busy` is the share of slots that builds want."""

    def __init__(self, nodes=24, slots=16, begin=0, busy=0.8, task_ms=2600, seed=7):
        self.chance = random.Random(seed)
        self.now, self.started, self.task_ms = begin, begin - 7_260_000, task_ms
        self.wanted = nodes * slots * busy
        self.nodes, self.builds, self.pools = {}, {}, dict(POOLS)
        self.events, self.points, self._told = [], [], {}
        self._ends, self._free = [], []
        self._numbers, self._attempts, self._event_ids = (itertools.count(1) for _ in range(3))
        self._next_point, self._ended_now, self.completed = begin + 1000, [], 48_211
        self.event("coordinator_started", "info", "coordinator", "the coordinator started")
        digits = len(str(nodes))
        for number in range(nodes):
            self.join(f"w{number + 1:0{digits}}", slots, self.chance.choice((1, 2, 2, 3)))

    def event(self, kind, severity, subject, text):
        self.events.append({"id": next(self._event_ids), "at": self.now, "kind": kind,
                            "severity": severity, "subject": subject, "text": text})

    # ---- nodes ----------------------------------------------------------------------------------

    def join(self, name, slots, staged, warm=1.0):
        node = self.nodes[name] = Node(name, slots, staged)
        node.warm = warm
        self._free += [(name, slot) for slot in range(slots)]
        self.chance.shuffle(self._free)
        self.event("node_joined", "good", name, f"{name} joined with {slots} slots")

    def lose(self, name):
        node = self.nodes[name]
        node.state, node.silent_since = "lost", self.now
        leases = len(node.tasks)
        for job in node.tasks.values():
            job["ended"], job["lost"] = self.now, True
            self.builds[job["build"]].running -= 1
        node.tasks = {}
        self._free = [place for place in self._free if place[0] != name]
        self.event("node_lost", "bad", name, f"{name} was lost: silent; {leases} leases were on it")

    def drain(self, name):
        self.nodes[name].state = "draining"
        self._free = [place for place in self._free if place[0] != name]
        self.event("node_draining", "warning", name, f"{name} takes no new tasks: it is draining")

    # ---- time -----------------------------------------------------------------------------------

    def advance(self, until):
        """Lets everything happen that is due until then."""
        while self.now < until:
            step = min(until, self._next_point)
            while self._ends and self._ends[0][0] <= step:
                self._end(*heapq.heappop(self._ends))
            self.now = step
            self._begin_builds()
            self._fill()
            if self.now >= self._next_point:
                self._add_point()

    def _end(self, at, _, name, slot, job):
        node = self.nodes[name]
        if node.tasks.get(slot) is not job:
            return  # lost with its node
        self.now = max(self.now, at)
        del node.tasks[slot]
        node.completed += 1
        self.completed += 1
        if node.state == "ready":
            self._free.append((name, slot))
        build = self.builds[job["build"]]
        build.running -= 1
        build.done += 1
        build.last = job["ended"] = at
        self._ended_now.append(at - job["accepted"])
        if build.left and node.state == "ready" and self.chance.random() < 0.9:
            self._start(build, at)

    def _begin_builds(self):
        active = [build for build in self.builds.values() if build.left]
        if sum(build.width for build in active) >= self.wanted:
            return
        if active and self.chance.random() > 0.25:
            return
        room = self.wanted - sum(build.width for build in active)
        width = max(2, min(int(self.wanted * self.chance.uniform(0.12, 0.5)), int(room) + 4))
        jobs = int(width * self.chance.uniform(8, 40))
        build = Build(next(self._numbers), self.now, width, jobs, self.chance)
        self.builds[build.id] = build

    def _fill(self):
        for build in self.builds.values():
            while build.left and build.running < build.width and self._free:
                self._start(build, self.now)

    def _start(self, build, at):
        place = self.chance.randrange(len(self._free))
        self._free[place], self._free[-1] = self._free[-1], self._free[place]
        name, slot = self._free.pop()
        wait = int(self.chance.expovariate(1 / 25))
        lasts = int(self.task_ms * build.weight * self.chance.lognormvariate(-0.2, 0.7)) + 40
        number = next(self._attempts)
        job = {"id": len(build.jobs) + 1, "label": self._label(number), "node": name, "slot": slot,
               "pool": build.pool, "build": build.id, "accepted": at, "started": at + wait,
               "ended": None, "ends": at + wait + lasts, "attempt": f"5f{build.id}-{number}",
               "pid": 4000 + number % 28000}
        build.left -= 1
        build.running += 1
        build.jobs.append(job)
        self.nodes[name].tasks[slot] = job
        heapq.heappush(self._ends, (job["ends"], number, name, slot, job))

    def _label(self, number):
        return f"{FOLDERS[number // len(FILES) % len(FOLDERS)]}/{FILES[number % len(FILES)]}.c"

    def _add_point(self):
        ended = sorted(self._ended_now)
        half = ended[len(ended) // 2] if ended else None
        most = ended[int(len(ended) * 0.95)] if ended else None
        running = sum(build.running for build in self.builds.values())
        self.points.append([self.now, running, self.waiting(), len(ended), half, most])
        del self.points[:-POINTS_KEPT]
        self._ended_now, self._next_point = [], self.now + 1000

    # ---- what is asked --------------------------------------------------------------------------

    def waiting(self):
        return sum(min(build.left, max(0, build.width - build.running))
                   for build in self.builds.values())

    def farm(self):
        nodes = self.nodes.values()
        states = [node.state for node in nodes]
        alive = [node for node in nodes if node.state != "lost"]
        running = sum(len(node.tasks) for node in nodes)
        return {"slots": sum(node.slots for node in alive), "running": running,
                "ready": sum(node.ready() for node in alive if node.state == "ready"),
                "queued": running // 40, "leased": running + len(alive) // 4,
                "waiting": self.waiting(), "clients": len(PEOPLE), "completed": self.completed,
                **{f"nodes_{state}": states.count(state)
                   for state in ("ready", "draining", "lost")}}

    def pool_views(self):
        running = {}
        for node in self.nodes.values():
            for job in node.tasks.values():
                running[job["pool"]] = running.get(job["pool"], 0) + 1
        ready = sum(node.state == "ready" for node in self.nodes.values())
        views = []
        for place, (name, context) in enumerate(self.pools.items()):
            nodes = {"ready": ready - place, "warming": place} if place < 3 else {"broken": ready}
            views.append({
                "name": name, "context": context, "version": place + 1,
                "nodes": {state: count for state, count in nodes.items() if count > 0},
                "executors_ready": ready * 5 - place * 4 if place < 3 else 0,
                "executors_wanted": ready * 5, "waiting": 3 if place == 1 else 0,
                "executors_busy": running.get(name, 0),
                "trouble": "" if place < 3 else "initializer ended with 3: no such licence"})
        return views

    def live(self, since=0):
        """A full answer, or with `since` (a time, which serves as seq) what is new."""
        full = since == 0
        nodes = [node.view() for node in self.nodes.values()]
        for view in nodes:
            if self._told.get(view["name"], (None,))[0] != view:
                self._told[view["name"]] = (view, self.now)
        points = [point for point in self.points if point[0] > since]
        return {"epoch": "8d1f", "seq": self.now, "full": full, "now": self.now,
                "started": self.started, "version": "0.4.0", "farm": self.farm(),
                "nodes": [view for view in nodes if self._told[view["name"]][1] > since],
                **({} if full else {"gone": []}), "pools": self.pool_views(),
                "builds": [build.view() for build in list(self.builds.values())[:-65:-1]],
                "events": [event for event in self.events[-EVENTS_KEPT:] if event["at"] > since
                           or full],
                "series": {"step": 1000, "points": points}}

    def whole_node(self, name):
        node = self.nodes.get(name)
        return {"nodes": [{"name": name, "task_address": f"tcp://10.0.3.{len(name)}:10652",
                           "version": "0.4.0"}] if node else []}

    def whole_pool(self, name):
        if name not in self.pools:
            return {"pools": []}
        sick = name == "sick"
        rows = [{"node": node.name, "state": node.state, "wanted": 5, "pool": {
            "state": "broken" if sick else "ready", "ready": 0 if sick else node.ready(),
            "busy": sum(job["pool"] == name for job in node.tasks.values()), "starting": 0,
            "tasks": node.completed, "warm_hits": node.completed, "warm_misses": 3 + sick,
            "reason": "initializer ended with 3: no such licence" if sick else ""}}
                for node in self.nodes.values()]
        return {"pools": [{"definition": {"spec": {"name": name}}, "nodes": rows}]}

    def tasks(self, node=None, pool=None, build=None, limit=200):
        found = []
        for one in self.nodes.values():
            for slot, job in one.tasks.items():
                wanted = {"node": node, "pool": pool, "build": build}
                if all(value in (None, str(job[key])) for key, value in wanted.items()):
                    found.append((job["accepted"], one.name, slot, job))
        found.sort(key=lambda row: row[:3])
        return {"now": self.now, "total": len(found),
                "tasks": [self._task(job) for _, _, _, job in found[:limit]]}

    def _task(self, job):
        phase = "running" if self.now >= job["started"] else "staging"
        since = job["started"] if phase == "running" else job["accepted"]
        build = self.builds[job["build"]]
        return {**{key: job[key] for key in ("attempt", "label", "node", "slot", "pool", "build",
                                             "pid")},
                "build_name": build.name, "client": build.client, "phase": phase,
                "phase_ms": self.now - since, "age_ms": self.now - job["accepted"]}

    def timeline(self, number, since=0):
        """None for a build that is not known. `since` is a time."""
        build = self.builds.get(number)
        if build is None:
            return None
        jobs = []
        for job in build.jobs[-4000:]:
            if since and (job["ended"] or self.now) <= since:
                continue
            started = job["started"] if job["started"] <= self.now else None
            phase = "ended" if job["ended"] else "running" if started else "staging"
            jobs.append({key: job[key] for key in ("id", "label", "node", "slot", "pool",
                                                   "accepted", "ended")} |
                        {"started": started, "phase": phase, "lost": job.get("lost", False)})
        return {"now": self.now, "build": build.view(),
                "dropped": max(0, len(build.jobs) - 4000), "next": self.now, "jobs": jobs}
