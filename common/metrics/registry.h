// The metrics of one process, in Prometheus' model and text format.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace kiln::metrics {

class Registry;
using Labels = std::vector<std::pair<std::string, std::string>>;

// Handles are cheap to copy, thread-safe, and valid while their Registry lives. A default-made
// handle counts nothing.
class Counter {
 public:
  Counter() = default;
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  // REQUIRES: amount >= 0.
  void add(double amount = 1);
  // Counts up to a total that is kept elsewhere, which never falls. One thread at a time.
  void reach(double total);
  double value() const;

 private:
  friend class Registry;
  prometheus::Counter* counter_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  void set(double value);
  void add(double amount);
  double value() const;

 private:
  friend class Registry;
  prometheus::Gauge* gauge_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  void observe(double value);

 private:
  friend class Registry;
  prometheus::Histogram* histogram_ = nullptr;
};

// Counters that differ in one label. Those of its vocabulary are there from the start, at 0, so
// that rates see the first event too; they are kept, as asking the registry at each message is
// dear. Not thread-safe.
class CounterFamily {
 public:
  // Where a vocabulary has it, what is not in it is counted as this.
  static constexpr std::string_view kOther = "other";

  // `registry` must outlive it.
  CounterFamily(Registry& registry, std::string metric, std::string help_text, std::string label,
                const std::vector<std::string_view>& vocabulary);
  // REQUIRES: few different values, if the vocabulary has not "other".
  Counter& with(std::string_view value);

 private:
  Counter& make(std::string_view value);

  Registry* registry_;
  std::string name_;
  std::string help_;
  std::string label_;
  std::map<std::string, Counter, std::less<>> made_;
};

// Upper bounds in seconds that fit both a cache look-up and a long compile.
std::vector<double> latency_buckets();
// Upper bounds in bytes, from 4 MiB to 16 GiB, that fit the memory of a compile.
std::vector<double> memory_buckets();

// Thread-safe. Asking again for the same name and labels gives the same metric. Names follow
// Prometheus' rules ("kiln_leases_granted_total") and keep one kind; breaking this is a bug and
// aborts.
class Registry {
 public:
  Registry();
  Registry(Registry&&) noexcept;
  Registry& operator=(Registry&&) noexcept;
  ~Registry();

  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `bounds`: ascending upper bounds; an infinite one is added.
  Histogram histogram(const std::string& name, const std::string& help,
                      const std::vector<double>& bounds, const Labels& labels = {});
  // Take one out again, as its labels name what is no more. Its handles are void from then on.
  void drop(const std::string& name, const std::string& help, Counter counter);
  void drop(const std::string& name, const std::string& help, Gauge gauge);
  void drop(const std::string& name, const std::string& help, Histogram histogram);
  // kiln_build_info{component,version} 1.
  void set_build_info(const std::string& component, const std::string& version);

  // All metrics in the text format 0.0.4.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kiln::metrics
