#include "tests/simulation/model_farm.h"

#include <algorithm>
#include <ctime>

namespace kiln::simulation {
namespace {

// A client's incarnations have ids of their own: number + incarnation * kIncarnation.
constexpr coordinator::ClientId kIncarnation = 100'000;
constexpr Duration kPatience = seconds(10);

// Of this thread: what others do on the machine does not count.
Duration cpu_time() {
  struct timespec time {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

ModelFarm::ModelFarm(const Scenario& scenario)
    : scenario_(scenario), world_(scenario.seed, scenario.faults) {
  coordinators_.resize(scenario.coordinators);
  for (std::size_t i = 0; i < coordinators_.size(); ++i) start_coordinator(i);
  for (std::uint32_t i = 0; i < scenario.workers; ++i) add_worker(i);
  for (const auto& plan : scenario.clients) add_client(plan);
  plan_faults();
}

// ---- Coordinators ------------------------------------------------------------------------------

void ModelFarm::start_coordinator(std::size_t index) {
  auto& place = coordinators_[index];
  coordinator::SchedulerOptions options;
  options.epoch = place.epoch = world_.random.next();
  options.seed = world_.random.next();
  options.request_patience = kPatience;
  place.core = std::make_unique<coordinator::Core>(options);
  place.alive = true;
  ++place.life;
  place.tick_at = {};
  place.open.clear();
  place.seen.clear();
}

void ModelFarm::feed(std::size_t index, const coordinator::Event& event) {
  auto& place = coordinators_[index];
  if (!place.alive) return;
  note_input(place, event);
  const auto begin = cpu_time();
  const auto outputs = place.core->step(moment(), event);
  outcome_.scheduler_time += cpu_time() - begin;
  ++outcome_.steps;
  take_all(index, outputs);
  const bool rejected = std::any_of(
      outputs.scheduler.begin(), outputs.scheduler.end(), [](const coordinator::Output& output) {
        return std::holds_alternative<coordinator::WorkerRejected>(output);
      });
  const auto* joined = std::get_if<coordinator::WorkerJoined>(&event);
  if (joined != nullptr && !rejected) welcome(index, joined->node.name);
  for (auto at = place.open.begin(); at != place.open.end();) {
    const bool overdue = at->second.first < world_.now();
    if (overdue) ++outcome_.overdue;
    at = overdue ? place.open.erase(at) : std::next(at);
  }
}

void ModelFarm::take_all(std::size_t index, const coordinator::CoreOutputs& outputs) {
  for (const auto& output : outputs.scheduler) take(index, output);
  for (const auto& orders : outputs.orders) send_orders(index, orders);
  plan_tick(index);
}

coordinator::Moment ModelFarm::moment() const {
  const auto passed = std::chrono::duration_cast<seconds>(world_.now().time_since_epoch()).count();
  return {world_.now(), 1'000'000'020 + static_cast<std::uint64_t>(passed), {}};
}

void ModelFarm::close_requests_of(Coordinator& place, coordinator::ClientId client) {
  std::erase_if(place.open, [&](const auto& entry) { return entry.first.client == client; });
}

// Remembers each request until it has ended.
void ModelFarm::note_input(Coordinator& place, const coordinator::Event& event) {
  if (const auto* wanted = std::get_if<coordinator::LeasesWanted>(&event)) {
    if (!place.seen.insert(wanted->key).second) return;  // a repeated message
    place.open.emplace(wanted->key, std::pair(world_.now() + kPatience, wanted->count));
  } else if (const auto* gone = std::get_if<coordinator::ClientGone>(&event)) {
    close_requests_of(place, gone->client);
  }
}

void ModelFarm::take(std::size_t index, const coordinator::Output& output) {
  auto& place = coordinators_[index];
  world_.trace(output.index());
  if (const auto* grant = std::get_if<coordinator::LeasesGranted>(&output)) {
    outcome_.granted += grant->slots.size();
    const auto open = place.open.find(grant->key);
    if (open != place.open.end()) {
      open->second.second -= static_cast<std::uint32_t>(grant->slots.size());
      if (open->second.second == 0) place.open.erase(open);
    }
    for (const auto& slot : grant->slots) {
      check_grant(index, slot);
      world_.trace(slot.lease.id.number ^ coordinator::stable_hash(slot.lease.worker));
    }
    auto* client = client_of(grant->key.client);
    world_.send([client, answer = *grant] { client->granted(answer); });
  } else if (const auto* refusal = std::get_if<coordinator::LeasesRefused>(&output)) {
    place.open.erase(refusal->key);
    auto* client = client_of(refusal->key.client);
    world_.send([client, answer = *refusal] { client->refused(answer); });
  } else if (const auto* unknown = std::get_if<coordinator::WorkerUnknown>(&output)) {
    const auto found = by_name_.find(unknown->worker);
    auto* worker = found->second;
    world_.send([this, index, worker] { say_hello(index, *worker); });
  } else if (const auto* lost = std::get_if<coordinator::ClientLost>(&output)) {
    close_requests_of(place, lost->client);
  }
}

void ModelFarm::plan_tick(std::size_t index) {
  auto& place = coordinators_[index];
  const auto next = place.core->next_deadline();
  if (!next || (place.tick_at != TimePoint{} && place.tick_at <= *next)) return;
  place.tick_at = *next;
  world_.at(*next, [this, index, life = place.life, when = *next] {
    auto& there = coordinators_[index];
    if (there.life != life || there.tick_at != when) return;
    there.tick_at = {};
    feed(index, coordinator::Tick{});
  });
}

// ---- Workers and clients -----------------------------------------------------------------------

void ModelFarm::add_worker(std::uint32_t number) {
  NodeInfo info;
  info.name = "node" + std::to_string(number);
  info.slots = scenario_.slots;
  info.architecture = "x86_64";
  info.labels = {{"zone", number % 2 == 0 ? "a" : "b"}};
  info.task_address = info.bulk_address = "tcp://" + info.name;
  workers_.push_back(
      std::make_unique<ModelWorker>(world_, info, number < scenario_.slow_workers ? 0.5 : 1));
  auto& worker = *workers_.back();
  by_name_[info.name] = &worker;
  worker.changed = [this, &worker] { report(worker); };
  world_.after(milliseconds(1), [this, &worker] {
    for (std::size_t i = 0; i < coordinators_.size(); ++i) say_hello(i, worker);
  });
  heartbeat(worker);
}

void ModelFarm::say_hello(std::size_t index, ModelWorker& worker) {
  if (!worker.alive()) return;
  coordinator::Event event = coordinator::WorkerJoined{worker.info(), worker.occupancy()};
  world_.send([this, index, event] { feed(index, event); });
}

void ModelFarm::heartbeat(ModelWorker& worker) {
  world_.after(seconds(1), [this, &worker] {
    report(worker);
    for (std::size_t i = 0; i < coordinators_.size(); ++i) {
      if (!link(i, worker).welcomed) say_hello(i, worker);
    }
    heartbeat(worker);
  });
}

void ModelFarm::report(ModelWorker& worker) {
  if (!worker.alive()) return;
  for (std::size_t i = 0; i < coordinators_.size(); ++i) {
    coordinator::Event event =
        coordinator::WorkerReported{worker.info().name, worker.info().epoch, worker.occupancy()};
    world_.send([this, i, event] { feed(i, event); });
  }
}

void ModelFarm::add_client(const ClientPlan& plan) {
  const auto number = clients_.size() + 1;
  clients_.push_back(std::make_unique<ModelClient>(world_, number, plan));
  auto& client = *clients_.back();
  const auto home = number % coordinators_.size();
  client.connect({[this, home](const coordinator::Event& event) {
                    world_.send([this, home, event] { feed(home, event); });
                  },
                  [this](const std::string& name, const RunRequest& request) {
                    auto* worker = by_name_.at(name);
                    world_.send([worker, request] { worker->run(request); });
                  }});
  world_.at(std::max(plan.start, TimePoint(milliseconds(20))), [&client] { client.begin(); });
}

ModelClient* ModelFarm::client_of(coordinator::ClientId id) {
  return clients_.at(static_cast<std::size_t>(id % kIncarnation) - 1).get();
}

// ---- Faults ------------------------------------------------------------------------------------

void ModelFarm::plan_faults() {
  repeat_fault(scenario_.worker_crash, &ModelFarm::crash_worker);
  repeat_fault(scenario_.client_crash, &ModelFarm::crash_client);
  repeat_fault(scenario_.coordinator_crash, &ModelFarm::crash_coordinator);
  repeat_fault(scenario_.pool_change, &ModelFarm::change_some_pool);
  if (scenario_.pool_change > Duration::zero()) keep_steady_pool();
}

void ModelFarm::repeat_fault(Duration mean, void (ModelFarm::*fault)()) {
  if (mean == Duration::zero()) return;
  const auto wait = Duration(world_.random.below(static_cast<std::size_t>(2 * mean.count())));
  if (world_.now() + wait >= scenario_.calm) return;
  world_.after(wait, [this, mean, fault] {
    (this->*fault)();
    repeat_fault(mean, fault);
  });
}

void ModelFarm::crash_worker() {
  auto& worker = *workers_[world_.random.below(workers_.size())];
  if (!worker.alive()) return;
  const coordinator::Event gone =
      coordinator::WorkerGone{worker.info().name, worker.info().epoch, "closed"};
  worker.crash();
  for (std::size_t i = 0; i < coordinators_.size(); ++i) end_link(i, worker);
  for (std::size_t i = 0; i < coordinators_.size(); ++i) {
    world_.send([this, i, gone] { feed(i, gone); });
  }
  world_.after(milliseconds(100) + Duration(world_.random.below(5'000'000'000)), [this, &worker] {
    worker.begin();
    for (std::size_t i = 0; i < coordinators_.size(); ++i) say_hello(i, worker);
  });
}

void ModelFarm::crash_client() {
  auto& client = *clients_[world_.random.below(clients_.size())];
  const auto home = client.id() % kIncarnation % coordinators_.size();
  const coordinator::Event gone = coordinator::ClientGone{client.id()};
  client.crash(client.id() + kIncarnation);
  world_.send([this, home, gone] { feed(home, gone); });
  world_.after(seconds(1), [&client] { client.begin(); });
}

void ModelFarm::crash_coordinator() {
  const auto index = world_.random.below(coordinators_.size());
  coordinators_[index].alive = false;
  ++coordinators_[index].life;
  for (const auto& worker : workers_) end_link(index, *worker);
  world_.after(seconds(2), [this, index] { start_coordinator(index); });
}

bool ModelFarm::all_finished() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const auto& client) { return client->finished(); });
}

Outcome ModelFarm::run() {
  std::uint64_t events = 0;
  while (world_.step(scenario_.end)) {
    if (++events % 256 == 0 && finished()) break;
  }
  check_pools();
  for (const auto& worker : workers_) {
    outcome_.completed += worker->completed;
    outcome_.slot_time += worker->slot_time;
    outcome_.refused_by_workers += worker->refused;
    outcome_.violations += worker->violations;
  }
  for (const auto& client : clients_) {
    outcome_.local += client->local;
    if (!client->finished()) ++outcome_.unfinished;
    outcome_.ended = std::max(outcome_.ended, client->ended);
    outcome_.first_grants.push_back(client->first_grant);
  }
  world_.trace(outcome_.completed);
  outcome_.fingerprint = world_.fingerprint();
  return outcome_;
}

}  // namespace kiln::simulation
