// A program that uses the library as it is told: a line of words, separated by tabs, is a command,
// and each is answered by one line.
//
//   submit NAME ARGV…   limit NAME MILLISECONDS ARGV…   compile NAME ARGV…
//   flood COUNT ARGV…   drain   wait NAME   cancel NAME   pending   close
//   use NAME              a pool that is there; it is the one that is used from then on
//   new NAME   remove     likewise a pool with a window, warm; it is the one that is used from then
//   on
#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <kiln/kiln.h>

namespace {

using Words = std::vector<std::string>;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char one : text) out += one == '\n' ? std::string("\\n") : std::string(1, one);
  return out;
}

class Driver {
 public:
  explicit Driver(kiln::Client& client) : client_(client), pool_(client.default_pool()) {}

  std::string obey(const Words& words) {
    const std::string& verb = words[0];
    if (verb == "submit") return submit(words[1], rest(words, 2), {});
    if (verb == "compile") return compile(words[1], rest(words, 2));
    if (verb == "limit") {
      return submit(words[1], rest(words, 3), std::chrono::milliseconds(std::stoi(words[2])));
    }
    if (verb == "flood") return flood(std::stoi(words[1]), rest(words, 2));
    if (verb == "drain") return drain();
    if (verb == "wait") return describe(futures_.at(words[1]).get());
    if (verb == "new") return make(words[1]);
    if (verb == "use") return use(words[1]);
    if (verb == "remove") return pool_.remove() ? "removed" : "not removed";
    if (verb == "pending") return std::to_string(client_.pending());
    if (verb == "cancel") {
      futures_.at(words[1]).cancel();
      return "asked";
    }
    pool_.close();
    return "closed";
  }

 private:
  static Words rest(const Words& words, std::size_t from) {
    return {words.begin() + static_cast<std::ptrdiff_t>(from), words.end()};
  }

  std::string make(const std::string& name) {
    kiln::PoolSpec spec;
    spec.name = name;
    spec.toolchains = {"sh"};
    spec.init = {{"sh", "-c", "echo ready"}};
    spec.executors = 1;
    spec.windows = {{0x1f, std::chrono::hours(8), std::chrono::hours(20), 1}};
    auto pool = client_.new_pool(spec, kiln::Warm::all());
    if (!pool) return std::string(kiln::name(pool.error().failure)) + " " + pool.error().message;
    pool_ = std::move(*pool);
    const auto status = pool_.status();
    if (!status) return status.error().message;
    std::string text = status->existed ? "existed" : "made";
    for (const auto& node : status->nodes)
      text += " " + node.node + " " + node.state + " " + std::to_string(node.ready);
    return text;
  }

  std::string use(const std::string& name) {
    auto pool = client_.find_pool(name);
    if (!pool) return pool.error().message;
    pool_ = std::move(*pool);
    return "used";
  }

  std::string submit(const std::string& name, Words argv, std::chrono::milliseconds limit) {
    kiln::Task task;
    task.argv = std::move(argv);
    task.name = name;
    task.limits.time = limit;
    futures_[name] = pool_.submit(std::move(task));
    return "submitted";
  }
  std::string compile(const std::string& name, Words argv) {
    kiln::Task task;
    task.kind = kiln::Task::Kind::compile;
    task.argv = std::move(argv);
    task.name = name;
    futures_[name] = pool_.submit(std::move(task));
    return "submitted";
  }
  // Each task writes its own number, so that no result can be another's.
  std::string flood(int count, const Words& argv) {
    for (int i = 0; i < count; ++i) {
      kiln::Task task;
      task.argv = argv;
      task.argv.push_back(std::to_string(i));
      flood_.push_back(pool_.submit(std::move(task)));
    }
    return std::to_string(client_.pending());
  }
  std::string drain() {
    int right = 0;
    std::map<std::string, int> others;
    for (std::size_t i = 0; i < flood_.size(); ++i) {
      const auto& end = flood_[i].get();
      const bool is_right = end && end->succeeded() && end->stdout_text == std::to_string(i) + "\n";
      if (is_right) {
        ++right;
      } else {
        ++others[describe(end)];
      }
    }
    std::string text = "right " + std::to_string(right);
    flood_.clear();
    for (const auto& [what, count] : others) text += ", " + std::to_string(count) + " " + what;
    return text;
  }
  static std::string describe(const kiln::Result<kiln::TaskResult>& end) {
    std::ostringstream text;
    if (end) {
      text << "ended " << end->task << " code " << end->exit_code << " signal " << end->signal
           << " out " << end->stdout_text.size() << " [" << escaped(end->stdout_text.substr(0, 60))
           << "] err [" << escaped(end->stderr_text.substr(0, 200)) << "]";
    } else {
      const kiln::Error& error = end.error();
      text << "failed " << error.task << " " << kiln::name(error.failure) << " reason "
           << error.reason << " out [" << escaped(error.stdout_text.substr(0, 60)) << "] "
           << escaped(error.message);
    }
    return text.str();
  }

  kiln::Client& client_;
  kiln::Pool pool_;
  std::map<std::string, kiln::Future> futures_;
  std::vector<kiln::Future> flood_;
};

}  // namespace

// Its one argument, if any, is Options::patience in milliseconds.
int main(int argc, char** argv) {
  kiln::Options options;
  if (argc > 1) options.patience = std::chrono::milliseconds(std::stoi(argv[1]));
  auto client = kiln::Client::connect(std::move(options));
  if (!client) {
    std::cout << "cannot connect: " << client.error().message << std::endl;
    return 1;
  }
  std::cout << "connected" << std::endl;
  Driver driver(*client);
  for (std::string line; std::getline(std::cin, line);) {
    Words words;
    std::istringstream parts(line);
    for (std::string word; std::getline(parts, word, '\t');) words.push_back(word);
    std::cout << driver.obey(words) << std::endl;
  }
  return 0;
}
